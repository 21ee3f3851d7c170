"""Error texts that may be shown: without passwords and without the addresses that hold them."""

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

LONGEST = 300
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]*@|\bpassword=\S+", re.IGNORECASE)


def secrets_of(dsn: str) -> set[str]:
    """What must not be shown of a connection URL: the URL itself and its password, as written and as meant."""
    secrets = {dsn}
    try:
        password = urlsplit(dsn).password
    except ValueError:
        password = None
    if password:
        secrets |= {password, unquote(password)}
    return {secret for secret in secrets if secret}


def error_text(error: BaseException, secrets: Iterable[str] = ()) -> str:
    """What `error` says, in one line of at most 300 characters, with every secret replaced by `***`."""
    text = " ".join(str(error).split()) or type(error).__name__
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return _CREDENTIALS.sub("***", text)[:LONGEST]
