"""Reading what history stored: series as a source for queries, signs of life, and how complete it all is.

Only history writes these tables; whoever evaluates rules or queries over the past reads them here.
"""

from shared.storage.completeness import complete_until
from shared.storage.loading import LOAD_LIMITS, load
from shared.storage.newest import Newest, newest
from shared.storage.signs import Signs, signs
from shared.storage.stored_source import StoredSource
from shared.storage.wants import Want, wants_of, wants_of_group

__all__ = [
    "LOAD_LIMITS",
    "Newest",
    "Signs",
    "StoredSource",
    "Want",
    "complete_until",
    "load",
    "newest",
    "signs",
    "wants_of",
    "wants_of_group",
]
