import pytest

from services.health.core.redaction import error_text, secrets_of

DSN = "postgresql://pantau:p%40ss%2Fw0rd@db.example:5432/pantau"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('password authentication failed for user "pantau"', 'password authentication failed for user "pantau"'),
        (f"can't connect to {DSN}", "can't connect to ***"),
        ("bad port in p@ss/w0rd@db.example", "bad port in ***@db.example"),
        ("bad port in p%40ss%2Fw0rd", "bad port in ***"),
        ("refused: postgresql://someone:else@other/x", "refused: postgresql://***other/x"),
        ("connection to host=db password=hunter2 failed", "connection to host=db *** failed"),
        ("two\n  lines", "two lines"),
        ("", "RuntimeError"),
    ],
)
def test_an_error_is_shown_without_secrets(text: str, shown: str) -> None:
    assert error_text(RuntimeError(text), secrets_of(DSN)) == shown


def test_an_endless_error_is_cut() -> None:
    assert len(error_text(RuntimeError("x" * 10_000))) == 300


@pytest.mark.parametrize("dsn", ["", "not a url", "postgresql://[broken", "postgresql://user@host/db"])
def test_any_text_may_be_given_as_a_dsn(dsn: str) -> None:
    assert "" not in secrets_of(dsn)
