"""What can be wrong with a query."""


class BadQuery(ValueError):
    """A query that does not parse, or that this version does not evaluate; the text says what and why."""


class QueryFailed(Exception):
    """A query that is well formed but has no answer on the data that it met."""
