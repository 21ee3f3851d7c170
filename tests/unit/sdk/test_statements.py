"""Kind and table of an SQL text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pantau.statements import TYPES, described


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT * FROM customers WHERE id = $1", ("select", "customers")),
        ("  select 1", ("select", "none")),
        ('SELECT a FROM "public"."Payments" p JOIN customers c ON true', ("select", "payments")),
        ("SELECT billing.f(x) FROM billing.vouchers", ("select", "billing.vouchers")),
        ("INSERT INTO payments (a, b) SELECT a, b FROM imports", ("insert", "payments")),
        ("UPDATE ONLY pppoe_users SET active = false", ("update", "pppoe_users")),
        ("DELETE FROM only vouchers WHERE used", ("delete", "vouchers")),
        ("TRUNCATE TABLE logs", ("truncate", "logs")),
        ("COPY payments (a) FROM STDIN", ("copy", "payments")),
        ("BEGIN", ("begin", "none")),
        ("CREATE TABLE x (a int)", ("create", "none")),
        ("-- FROM nowhere\n/* DELETE FROM y */ SELECT 'it''s FROM z' FROM t", ("select", "t")),
        ("SELECT $tag$ FROM a $tag$ FROM b", ("select", "b")),
        ("SELECT extract(epoch FROM now()), a IS DISTINCT FROM b FROM t", ("select", "t")),
        ("SELECT extract(epoch FROM ts)", ("select", "none")),
        ("SELECT n FROM (SELECT count(*) AS n FROM sessions) AS s", ("select", "sessions")),
        ("WITH recent AS (SELECT * FROM payments) SELECT * FROM recent", ("select", "payments")),
        ("WITH RECURSIVE t(n) AS (VALUES (1)) INSERT INTO numbers SELECT n FROM t", ("insert", "numbers")),
        ("SELECT * FROM generate_series(1, 10)", ("select", "none")),
        ("(SELECT 1 FROM a) UNION (SELECT 2 FROM b)", ("select", "a")),
        ("SELECT 1; DROP TABLE customers", ("select", "none")),
        ("PRAGMA table_info(x)", ("other", "none")),
        ("", ("other", "none")),
        ("WITH x AS (", ("other", "none")),
    ],
)
def test_what_a_statement_is_of(text: str, expected: tuple[str, str]) -> None:
    assert described(text) == expected


def test_what_is_too_long_is_looked_at_in_its_beginning() -> None:
    assert described("INSERT INTO payments VALUES " + "(1, 'x')," * 100_000) == ("insert", "payments")


@given(st.text(alphabet="SELCTFROMWHIDU \"'$-/*();,.ax\n", max_size=80))
def test_any_text_has_a_kind_and_a_table(text: str) -> None:
    kind, table = described(text)
    assert kind in {*TYPES, "other"}
    assert 0 < len(table) <= 100
