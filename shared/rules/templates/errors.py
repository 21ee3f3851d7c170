"""What can be wrong with a template."""


class BadTemplate(ValueError):
    """A text that is no template; says `line:column` and the reason."""


class TemplateFailed(Exception):
    """A template that can't be carried out on its data; says `line:column` and the reason."""
