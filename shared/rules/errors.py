"""What can be wrong with a rule."""


class BadRule(ValueError):
    """A rule that can't be taken; the text names the place and the reason."""
