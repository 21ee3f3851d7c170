from pathlib import Path

import pytest

from services import describe


def test_the_document_is_what_the_code_says() -> None:
    assert describe.main(["--check"]) == 0


def test_a_document_that_differs_is_told_with_the_way_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "metrics.md"
    assert describe.main(["--check", str(path)]) == 1
    assert describe.main([str(path)]) == 0
    assert describe.main(["--check", str(path)]) == 0
    path.write_text(path.read_text().replace("system_load1", "system_load2"))
    assert describe.main(["--check", str(path)]) == 1
    assert "run `python -m services.describe`" in capsys.readouterr().err
