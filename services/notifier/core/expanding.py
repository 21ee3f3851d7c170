"""Fields of channels' settings that are templates, expanded on a notice."""

import html
from collections.abc import Callable

from services.notifier.core.notice import Notice
from services.notifier.core.template_data import NoticeData
from services.notifier.core.template_functions import Safe, functions
from services.notifier.core.templates import parsed
from services.notifier.core.wording import Wording
from shared.rules.templates import BadTemplate, More, TemplateFailed, execute
from shared.rules.templates.functions import Surroundings
from shared.rules.templates.values import Sample, text_of


def check_template(text: str) -> str:
    """`text`, if it is a template. ValueError with place and reason if it is none."""
    try:
        parsed(text)
    except BadTemplate as error:
        raise ValueError(f"is no template: {error}") from error
    return text


def expanded(template: str, notice: Notice, wording: Wording, is_html: bool = False) -> str:
    """The text that the template gives for `notice`; what comes out of values is escaped where it `is_html`.

    TemplateFailed with place and reason: an error in a template is one of those who wrote it.
    """
    if "{{" not in template:
        return template
    own = wording.of(notice)
    more = More(functions(notice.planned_ms), own.templates.defined, _html if is_html else text_of)
    around = Surroundings(_no_queries, notice.planned_ms, own.external_url)
    return execute(parsed(template), NoticeData(notice, own), {}, around, more)


def filled(
    template: str | None, notice: Notice, wording: Wording, default: Callable[[], str], is_html: bool = False
) -> str:
    """What `template` gives; `default` without one. Where it fails, `default` and why: a page must not be lost for an
    error in its wording."""
    if template is None:
        return default()
    try:
        return expanded(template, notice, wording, is_html)
    except (BadTemplate, TemplateFailed) as error:
        reason = f"(template: {error})"
        return f"{default()} {html.escape(reason) if is_html else reason}"


def _html(value: object) -> str:
    return str(value) if isinstance(value, Safe) else html.escape(text_of(value))


def _no_queries(query: str) -> list[Sample]:
    raise TemplateFailed("notifications have no query: put the figure into an annotation of the rule")
