"""Durations in settings, as PromQL and Alertmanager write them: `90s`, `5m`, `1h30m`."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from shared.promql.durations import parse_duration
from shared.promql.errors import BadQuery


class Between(AfterValidator):
    """Refuses what is no duration, or shorter or longer than these."""

    def __init__(self, shortest: str, longest: str) -> None:
        least, most = parse_duration(shortest), parse_duration(longest)

        def check(text: str) -> str:
            try:
                length = parse_duration(text)
            except BadQuery as error:
                raise ValueError(str(error)) from None
            if not least <= length <= most:
                raise ValueError(f"{text} is not between {shortest} and {longest}")
            return text

        super().__init__(check)


def _as_text(value: Any) -> Any:
    return "0" if value == 0 else value


Duration = Annotated[str, BeforeValidator(_as_text)]
