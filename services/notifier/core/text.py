"""What a notice says to people, in one language: plain, or in the markup of a chat, within a length."""

from dataclasses import replace

from services.notifier.core.composing import Line, Piece, composed, headline, message_of
from services.notifier.core.cutting import cut, length, one_line
from services.notifier.core.markup import PLAIN, Markup
from services.notifier.core.notice import Notice
from services.notifier.core.phrases import LANGUAGES
from services.notifier.core.wording import Wording

LONGEST_TITLE = 200
# More would not be read, whatever the length that is allowed.
MOST_ALERTS = 20
SHORTEST_MESSAGE = 40


def text(notice: Notice, wording: Wording, limit: int, markup: Markup = PLAIN) -> str:
    """The whole text, of at most `limit` UTF-16 code units with its markup: first fewer alerts are shown, then messages
    are shortened, then lines left out from the end. Markup and escapes stay whole."""
    own = wording.of(notice)
    most = min(len(notice.alerts), MOST_ALERTS)
    whole = _written(composed(notice, own, most), markup)
    if length(whole) <= limit:
        return whole
    fitting, fits, too_many = "", 0, most
    while too_many - fits > 1:
        shown = (fits + too_many) // 2
        written = _written(composed(notice, own, shown), markup)
        if length(written) <= limit:
            fitting, fits = written, shown
        else:
            too_many = shown
    return fitting or _shortened(composed(notice, own, 1), limit, markup)


def title(notice: Notice, wording: Wording, limit: int = LONGEST_TITLE) -> str:
    """One line of plain text: the headline, and what it is about."""
    own = wording.of(notice)
    head = headline(notice, LANGUAGES[own.language])
    first = notice.alerts[0].event
    about = message_of(first) if len(notice.alerts) == 1 else " ".join(notice.group_labels.values()) or first.rule
    return cut(one_line(f"{head}: {about}" if len(notice.alerts) == 1 else f"{head} – {about}"), limit)


def cut_escaped(text: str, limit: int, markup: Markup) -> str:
    """`text` escaped, with as much of it as fits into `limit`."""
    escaped = markup.escape(text)
    if length(escaped) <= limit:
        return escaped
    fits, too_long = 0, len(text)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if length(markup.escape(cut(text, middle))) <= limit:
            fits = middle
        else:
            too_long = middle
    return markup.escape(cut(text, fits))


def _shortened(lines: list[Line], limit: int, markup: Markup) -> str:
    """What is left of `lines` within `limit`: a shorter message, then fewer lines, the headline to the end."""
    while len(lines) > 1:
        room = max((length(one.text) for line in lines for one in line if one.is_message), default=0)
        while room > SHORTEST_MESSAGE:
            room = max(room // 2 if room > limit else room * 7 // 8, SHORTEST_MESSAGE)
            written = _written([_with_message(line, room) for line in lines], markup)
            if length(written) <= limit:
                return written
        lines = lines[:-1]
        written = _written([_with_message(line, SHORTEST_MESSAGE) for line in lines], markup)
        if length(written) <= limit:
            return written
    return cut_escaped("".join(one.text for one in lines[0]), limit, markup)


def _with_message(line: Line, room: int) -> Line:
    return tuple(replace(one, text=cut(one.text, room)) if one.is_message else one for one in line)


def _written(lines: list[Line], markup: Markup) -> str:
    return markup.line_end.join("".join(_piece(one, markup) for one in line) for line in lines).strip()


def _piece(piece: Piece, markup: Markup) -> str:
    shown = markup.escape(piece.text)
    if markup.line_end != "\n":
        shown = shown.replace("\n", markup.line_end)
    if piece.bold:
        shown = markup.bold(shown)
    return markup.link(shown, piece.url) if piece.url is not None else shown
