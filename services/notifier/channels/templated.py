"""Fields of settings that hold templates."""

from typing import Annotated

from pydantic import AfterValidator

from services.notifier.core.expanding import check_template

Template = Annotated[str, AfterValidator(check_template)]
"""Text with `{{ … }}`, over Alertmanager's data."""
