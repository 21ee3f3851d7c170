"""What can be wrong with a query."""


class BadQuery(ValueError):
    """A query that does not parse, or that this version does not evaluate; the text says what and why."""


class QueryFailed(Exception):
    """A query that is well formed but has no answer on the data that it met."""


class QueryRefused(Exception):
    """A query that would cost more than its limits allow. `limit` names the one that it met."""

    def __init__(self, limit: str, reason: str) -> None:
        super().__init__(f"the query is over its limit of {limit}: {reason}")
        self.limit = limit


class NativeHistogramsOnly(BadQuery):
    """A query with an operator that means nothing but for native histograms, which this version does not evaluate."""


class NativeHistogramMet(QueryFailed):
    """A query met samples that are native histograms, which this version does not evaluate."""
