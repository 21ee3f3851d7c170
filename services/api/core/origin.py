"""Cross-site request forgery: which requests that a browser sends with our cookie come from our own pages."""

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def foreign_reason(method: str, headers: Mapping[str, str], public_origins: Collection[str]) -> str | None:
    """Why a request is to be refused as another site's; None if it may pass.

    `headers` have lower-case names. All current browsers send `Sec-Fetch-Site` or, on unsafe methods, `Origin`; what
    sends neither is no browser, and can't be made to send somebody else's cookie.
    """
    if method in SAFE_METHODS:
        return None
    origin = headers.get("origin")
    if origin is not None and origin in public_origins:
        return None
    site = headers.get("sec-fetch-site")
    if site is not None:
        return None if site in ("same-origin", "none") else f"it comes from another site (Sec-Fetch-Site: {site[:20]})"
    if origin is not None and urlsplit(origin).netloc != headers.get("host"):
        return "its Origin is not this site: name your public address in the setting api.public_origins"
    return None
