"""Unit tests of rules, in promtool's format. Pure: whoever calls reads the files."""
