"""Rules of relabelling, as they are configured."""

from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from services.collector.core.scrape.relabel import Action, Relabelling, Rule
from shared.promql.errors import BadQuery
from shared.settings import Section


class RelabelSettings(Section):
    """One rule of relabelling."""

    action: Action = "replace"
    source_labels: list[str] = []
    separator: str = ";"
    regex: str = "(.*)"
    """RE2's syntax, anchored at both ends."""
    target_label: str = ""
    replacement: str = "$1"
    modulus: Annotated[int, Field(ge=0)] = 0

    @field_validator("action", mode="before")
    @classmethod
    def _in_small_letters(cls, action: Any) -> Any:
        return action.lower() if isinstance(action, str) else action

    @field_validator("regex", "replacement", "separator", mode="before")
    @classmethod
    def _may_look_like_a_number(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _can_be_applied(self) -> Self:
        try:
            problem = self.rule().problem()
        except BadQuery as error:
            raise ValueError(str(error)) from error
        if problem:
            raise ValueError(problem)
        return self

    def rule(self) -> Rule:
        """The rule itself."""
        return Rule(
            self.action,
            tuple(self.source_labels),
            self.separator,
            self.regex,
            self.target_label,
            self.replacement,
            self.modulus,
        )


def relabelling(settings: list[RelabelSettings]) -> Relabelling:
    """The rules, one after another."""
    return Relabelling([one.rule() for one in settings])
