"""The OpenAPI document for people: one page without scripts, since ours may load none from elsewhere."""

from html import escape
from http import HTTPStatus
from typing import Any

from services.api.routes.documented import DESCRIPTIONS

STYLE = """
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
article { border-top: 1px solid #8888; padding: .5rem 0 1rem }
h3 { font-family: ui-monospace, monospace; margin-bottom: 0 }
.method { display: inline-block; min-width: 4.5rem; font-weight: bold }
table { border-collapse: collapse } td, th { text-align: left; vertical-align: top; padding: .15rem 1rem .15rem 0 }
code { font-family: ui-monospace, monospace }
"""

Document = dict[str, Any]


def docs_page(document: Document) -> str:
    """The whole page."""
    operations = [
        _operation(method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    schemas = [_schema(name, schema) for name, schema in document["components"]["schemas"].items()]
    info = document["info"]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(info["title"])}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
        f"<h1>{escape(info['title'])}</h1>{_paragraphs(info['description'])}"
        f'<p>For programs: <a href="/api/openapi.json">openapi.json</a>.</p>'
        f"<h2>Operations</h2>{''.join(operations)}<h2>Shapes</h2>{''.join(schemas)}<h2>Problems</h2>{_problems()}</html>"
    )


def _operation(method: str, path: str, operation: Document) -> str:
    role = operation.get("x-required-role")
    who = f"role {role}" if role and role != "known" else "any role" if role else "everybody"
    parameters = [
        _row(f"<code>{escape(one['name'])}</code>", _type(one["schema"]), escape(one.get("description", "")), one["in"])
        for one in operation.get("parameters", [])
    ]
    body = "".join(
        f"<p>Body: {_type(media['schema'])}</p>"
        for media in operation.get("requestBody", {}).get("content", {}).values()
    )
    answers = [
        _row(f"<code>{status}</code>", _content(answer), escape(answer["description"]))
        for status, answer in operation["responses"].items()
    ]
    return (
        f'<article id="{escape(operation["operationId"])}"><h3><span class="method">{method.upper()}</span>'
        f"{escape(path)}</h3><p><b>{escape(operation['summary'])}</b>, for {who}.</p>"
        f"{_paragraphs(operation.get('description', ''))}{_table(parameters)}{body}{_table(answers)}</article>"
    )


def _content(answer: Document) -> str:
    return ", ".join(
        _type(media.get("schema", {})) if "json" in kind else escape(kind)
        for kind, media in answer.get("content", {}).items()
    )


def _schema(name: str, schema: Document) -> str:
    required = schema.get("required", [])
    rows = [
        _row(
            f"<code>{escape(field)}</code>{'' if field in required else '?'}",
            _type(one),
            escape(one.get("description", "")),
        )
        for field, one in schema.get("properties", {}).items()
    ]
    about = _paragraphs(schema.get("description", ""))
    return f'<article id="{escape(name)}"><h3>{escape(name)}</h3>{about}{_table(rows)}</article>'


def _type(schema: Document) -> str:
    """A schema in a few words, with links to the named ones."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(one))}</code>" for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"map of {_type(schema['additionalProperties'])}"
    return escape(schema.get("format") or str(schema.get("type", "anything")))


def _problems() -> str:
    rows = [
        f'<tr id="problem-{status}"><td><code>{status}</code></td><td>{escape(HTTPStatus(status).phrase)}</td>'
        f"<td>{escape(reason)}</td></tr>"
        for status, reason in {**DESCRIPTIONS, 500: "Something unforeseen; the log says what, under the id"}.items()
    ]
    return _table(sorted(rows))


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{escape(part)}</p>" for part in text.split("\n\n") if part.strip())


def _row(*cells: str) -> str:
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _table(rows: list[str]) -> str:
    return f"<table>{''.join(rows)}</table>" if rows else ""
