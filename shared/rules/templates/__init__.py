"""Go's text/template language as Prometheus rules use it: labels, annotations and messages of alerts.

`lexer` -> `parser` -> `evaluator`, over `nodes`; Go's own functions in `builtins`, Prometheus' in `functions`. There is
a pure Python implementation of the language on the package index (gotpl), but at its first release it calls itself
partial and has no bounds on loops and output, and templates come from users.
"""

from shared.rules.templates.errors import BadTemplate, TemplateFailed
from shared.rules.templates.evaluator import More, execute
from shared.rules.templates.parser import parse_template

__all__ = ["BadTemplate", "More", "TemplateFailed", "execute", "parse_template"]
