"""Whether a name server's answer is the one that was expected."""

from collections.abc import Sequence

from services.health.core.complaints import Complaint


def normal(answer: str) -> str:
    """A record's data as it is compared: without case, without the dot of a full name, without the quotes of a text."""
    text = answer.strip()
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        text = text[1:-1].replace('" "', "")
    return text.lower().removesuffix(".")


def of_answers(answers: Sequence[str], expected: Sequence[str], *, only: bool) -> list[Complaint]:
    """Each of `expected` must be among `answers`; with `only`, nothing else may be. Without `expected` any will do."""
    if not answers:
        return [Complaint("unhealthy", "no_answer", "the name has no record of this type")]
    if not expected:
        return []
    given = {normal(one): one for one in answers}
    wanted = {normal(one): one for one in expected}
    missing = [one for key, one in wanted.items() if key not in given]
    other = [one for key, one in given.items() if key not in wanted] if only else []
    complaints = []
    if missing:
        complaints.append(Complaint("unhealthy", "answer", f"not answered: {', '.join(missing)}"))
    if other:
        complaints.append(Complaint("unhealthy", "answer", f"answered, but not expected: {', '.join(other)}"))
    return complaints
