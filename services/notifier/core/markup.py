"""What each channel's markup makes of a piece of text: escapes first, so that nothing in a label becomes markup."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass

_MARKDOWN = re.compile(r"([\\`*_~|<>\[\]])")
_MARKDOWN_STARTS = re.compile(r"(?m)^(\s*)([-+]|-?#{1,6}|\d+[.)])(?=\s|$)")
_QUOTE = re.compile(r"(?m)^>")
# WhatsApp has no escape. It formats between marks at the edges of words, so there another sign stands for the mark;
# within words (cpu_usage) and in URLs it means nothing, and can be copied as it is.
_WHATSAPP = re.compile(r"(https?://\S+)|(?<=[^\W_])[*_~](?=[^\W_])|(?<!\S)[*~_](?!\S)|(^>|[*_~`])", re.MULTILINE)
_LOOK_ALIKE = {"*": "∗", "_": "ˍ", "~": "∼", "`": "'", ">": "›"}
_TELEGRAM_V2 = re.compile(r"([\\_*\[\]()~`>#+\-=|{}.!])")
_TELEGRAM_V2_URL = re.compile(r"([\\)])")


@dataclass(frozen=True, slots=True)
class Markup:
    """One channel's way to write text that is escaped, stressed, or leads somewhere."""

    escape: Callable[[str], str]
    bold: Callable[[str], str]
    """Of text that is escaped."""
    link: Callable[[str, str], str]
    """Of text that is escaped, and a URL that is not."""
    inline_links: bool = True
    """Whether the URL hides behind the text."""
    line_end: str = "\n"


def _plain_link(text: str, url: str) -> str:
    return f"{text}: {url}"


def _escape_html(text: str) -> str:
    return html.escape(text, quote=True)


def _html_link(text: str, url: str) -> str:
    return f'<a href="{_escape_html(url)}">{text}</a>'


def _escape_slack(text: str) -> str:
    # Stars and the like can't be escaped there; a zero-width space keeps them from pairing up.
    # A line that begins with &gt; is a quotation, as one that begins with > is.
    shown = _QUOTE.sub("\u200b>", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([*_~`])", "\u200b\\1\u200b", shown)


def _escape_whatsapp(text: str) -> str:
    return _WHATSAPP.sub(lambda found: _LOOK_ALIKE[found[2]] if found[2] else found[0], text)


def _slack_link(text: str, url: str) -> str:
    target = url.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")
    return f"<{target}|{text}>"


def _escape_markdown(text: str) -> str:
    escaped = _MARKDOWN.sub(r"\\\1", text)
    return _MARKDOWN_STARTS.sub(_start_escaped, escaped).replace("@", "@\u200b")


def _start_escaped(found: re.Match[str]) -> str:
    spaces, mark = found.groups()
    return f"{spaces}\\{mark}" if mark[0] in "-+#" else f"{spaces}{mark[:-1]}\\{mark[-1]}"


def _markdown_link(text: str, url: str) -> str:
    target = url.replace("(", "%28").replace(")", "%29").replace("<", "%3C").replace(">", "%3E").replace(" ", "%20")
    return f"[{text}](<{target}>)"


def _teams_link(text: str, url: str) -> str:
    return _markdown_link(text, url).replace("(<", "(").replace(">)", ")")


def _telegram_v2_link(text: str, url: str) -> str:
    return f"[{text}]({_TELEGRAM_V2_URL.sub(_backslashed, url)})"


def _backslashed(found: re.Match[str]) -> str:
    return f"\\{found[1]}"


PLAIN = Markup(str, str, _plain_link, inline_links=False)
WHATSAPP = Markup(_escape_whatsapp, str, _plain_link, inline_links=False)
TELEGRAM_HTML = Markup(_escape_html, lambda text: f"<b>{text}</b>", _html_link)
TELEGRAM_V2 = Markup(lambda text: _TELEGRAM_V2.sub(_backslashed, text), lambda text: f"*{text}*", _telegram_v2_link)
SLACK = Markup(_escape_slack, lambda text: f"*{text}*", _slack_link)
DISCORD = Markup(_escape_markdown, lambda text: f"**{text}**", _markdown_link)
TEAMS = Markup(_escape_markdown, lambda text: f"**{text}**", _teams_link, line_end="\n\n")
HTML = Markup(_escape_html, lambda text: f"<strong>{text}</strong>", _html_link, line_end="<br>\n")
