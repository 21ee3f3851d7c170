"""The names of all functions that templates may call: what the parser knows of them."""

from shared.rules.templates.builtins import BUILTIN_FUNCTIONS
from shared.rules.templates.functions import FUNCTION_NAMES

FUNCTIONS = frozenset({*BUILTIN_FUNCTIONS, "and", "or"}) | FUNCTION_NAMES
