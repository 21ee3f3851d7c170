"""Numbers as Go writes them."""

import math

import pytest

from shared.promql.go_numbers import scientific, shortest


@pytest.mark.parametrize(
    ("value", "with_e", "with_g"),
    [
        (1.0, "1e+00", "1"),
        (0.0, "0e+00", "0"),
        (-0.0, "-0e+00", "-0"),
        (-12.5, "-1.25e+01", "-12.5"),
        (100.0, "1e+02", "100"),
        (999999.5, "9.999995e+05", "999999.5"),
        (1e6, "1e+06", "1e+06"),
        (123456789.0, "1.23456789e+08", "1.23456789e+08"),
        (0.1, "1e-01", "0.1"),
        (0.0001, "1e-04", "0.0001"),
        (0.00001, "1e-05", "1e-05"),
        (5e-324, "5e-324", "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308", "1.7976931348623157e+308"),
        (math.inf, "+Inf", "+Inf"),
        (-math.inf, "-Inf", "-Inf"),
        (math.nan, "NaN", "NaN"),
    ],
)
def test_as_go_writes_them(value: float, with_e: str, with_g: str) -> None:
    assert scientific(value) == with_e
    assert shortest(value) == with_g
