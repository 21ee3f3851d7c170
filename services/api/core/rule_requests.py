"""What people send to make or change rules: a small rule, a group, or a rule file; as JSON, or as YAML."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import ValidationError

from services.api.core.bodies import Where
from services.api.core.ingest import MOST_ERRORS, BadInput, place
from shared.messages.rules import RuleGroup
from shared.rules.conditions import check_name
from shared.rules.errors import BadRule
from shared.rules.files import GroupDraft, read_group, read_rules
from shared.rules.json_tree import NotJson, plain, read_json_tree
from shared.rules.small import SmallRule, small_group
from shared.rules.tree import Tree
from shared.rules.yaml_tree import read_tree

BODY = "body"
MOST_GROUPS = 1_000
# A path that ends so asks for something else than a group.
TAKEN_ENDING = "/history"


@dataclass(frozen=True)
class Sent:
    """The groups that were sent. `version` is the one that they are to replace, where the body says it."""

    kind: Literal["small", "group", "file"]
    drafts: tuple[GroupDraft, ...]
    small: SmallRule | None = None
    version: int | None = None

    def groups(self, version: int, updated_by: str, updated_at_ms: int) -> list[RuleGroup]:
        """The groups that go on the bus."""
        return [draft.group(version, updated_by, updated_at_ms, "api") for draft in self.drafts]


def read_new(body: bytes, *, yaml: bool) -> Sent:
    """What is to be made. BadInput with all that is wrong and where."""
    try:
        root = _tree(body, yaml=yaml)
        fields = root.mapping or {}
        if root.mapping is None:
            raise BadRule("", [(BODY, "is to be a small rule, a rule group, or a rule file (`groups`)")])
        if "condition" in fields and not yaml:
            sent = _small(root)
        elif "groups" in fields or (yaml and "name" not in fields):
            sent = Sent("file", tuple(read_rules(root, BODY)))
        else:
            sent = Sent("group", (read_group(root, BODY),))
        _check_names(sent.drafts)
        return sent
    except BadRule as error:
        raise bad_input(error) from error


def read_replacement(body: bytes, name: str, *, yaml: bool) -> Sent:
    """The group that is to be called `name` from now on. BadInput with all that is wrong and where."""
    try:
        root = _tree(body, yaml=yaml)
        version = None
        if root.mapping is not None:
            fields = dict(root.mapping)
            version = _version(fields.pop("version", None))
            named = fields.setdefault("name", Tree(".name", text=name, value=name))
            if named.text != name:
                raise BadRule("", [(f"{BODY}.name", f"is not {name[:80]!r}, which is the name in the path")])
            root = replace(root, mapping=fields)
        draft = read_group(root, BODY)
        _check_names((draft,))
        return Sent("group", (draft,), version=version)
    except BadRule as error:
        raise bad_input(error) from error


def bad_input(error: BadRule) -> BadInput:
    """What is wrong with a body, as the API tells it."""
    problems: Sequence[tuple[str, str]] = error.problems or [(BODY, str(error).removeprefix("rule: "))]
    errors = [Where(where=where[:200], reason=reason[:1_000]) for where, reason in problems[:MOST_ERRORS]]
    return BadInput(errors, malformed=isinstance(error, NotJson))


def _tree(body: bytes, *, yaml: bool) -> Tree:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotJson("", [(BODY, f"not UTF-8 at byte {error.start}")]) from error
    root = read_tree(text, BODY) if yaml else read_json_tree(text, BODY)
    if root is None:
        raise BadRule("", [(BODY, "is empty")])
    return root


def _small(root: Tree) -> Sent:
    values = plain(root)
    try:
        rule = SmallRule.model_validate(values)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        raise BadRule("", [(place(one["loc"], BODY), one["msg"]) for one in problems]) from error
    group = small_group(rule, 1, "", 0)
    return Sent("small", (GroupDraft(group.name, tuple(group.rules), immediate=group.immediate),), small=rule)


def _check_names(drafts: Sequence[GroupDraft]) -> None:
    if not drafts:
        raise BadRule("", [(BODY, "holds no group")])
    if len(drafts) > MOST_GROUPS:
        raise BadRule("", [(BODY, f"holds {len(drafts)} groups: at most {MOST_GROUPS} at once")])
    for draft in drafts:
        check_name(draft.name, BODY)
        if draft.name.endswith(TAKEN_ENDING):
            raise BadRule("", [(BODY, f"{draft.name[:80]!r}: no name may end with {TAKEN_ENDING}, as paths do")])


def _version(tree: Tree | None) -> int | None:
    if tree is None or tree.is_null:
        return None
    if isinstance(tree.value, bool) or not isinstance(tree.value, int) or tree.value < 1:
        raise BadRule("", [(BODY + tree.at, "'version' is a whole number from 1 up")])
    return tree.value
