"""Why a scrape fails as a whole."""


class BadScrape(Exception):
    """What came can't be taken. `reason` is a short word that is counted; the text says what and where."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason
