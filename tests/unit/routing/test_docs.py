"""What docs/routing.md shows is taken."""

import re
from pathlib import Path

import yaml

from shared.routing.settings import NotificationsSettings

PAGE = Path(__file__).resolve().parents[3] / "docs" / "routing.md"


def test_the_example_of_a_provider_is_taken() -> None:
    (*_, example) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    settings = NotificationsSettings.model_validate(yaml.safe_load(example)["notifications"])
    assert settings.routing is not None
    assert settings.routing.receivers.keys() == {"log", "page", "lead", "ops", "helpdesk", "mail"}
