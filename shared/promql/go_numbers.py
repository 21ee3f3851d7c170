"""Numbers as Go writes them, with as few digits as tell them apart: what Prometheus shows is compared as text."""

import math
from decimal import Decimal

# strconv.FormatFloat: 'g' with the shortest digits writes an exponent from these powers of ten on.
SMALLEST_PLAIN, SMALLEST_LARGE = -4, 6


def scientific(value: float) -> str:
    """As verb 'e' writes it: `1.5e+00`, `+Inf`, `-Inf`, `NaN`."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    mantissa, _, exponent = f"{_digits(value):e}".partition("e")
    return f"{mantissa}e{exponent[0]}{exponent[1:]:0>2}"


def shortest(value: float) -> str:
    """As verb 'g' writes it: `1.5`, `100`, `1e+06`, `+Inf`, `-Inf`, `NaN`."""
    if math.isfinite(value) and (value == 0 or SMALLEST_PLAIN <= _digits(value).adjusted() < SMALLEST_LARGE):
        return f"{_digits(value):f}"
    return scientific(value)


def _digits(value: float) -> Decimal:
    return Decimal(repr(value)).normalize()
