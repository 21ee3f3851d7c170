"""Which file answers which path."""

from pathlib import Path

import pytest

from services.api.pages import file_for


@pytest.fixture
def web(tmp_path: Path) -> Path:
    web = tmp_path / "dist"
    (web / "assets").mkdir(parents=True)
    (web / "index.html").write_text("start")
    (web / "favicon.svg").write_text("icon")
    (web / "assets" / "index-1.js").write_text("code")
    (tmp_path / "secret").write_text("no")
    (web / "link").symlink_to(tmp_path / "secret")
    return web.resolve()


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("", "index.html"),
        ("alerts", "index.html"),
        ("alerts/abc", "index.html"),
        ("favicon.svg", "favicon.svg"),
        ("assets/index-1.js", "assets/index-1.js"),
        ("assets/index-2.js", None),
        ("assets/nothing", None),
        ("robots.txt", None),
        ("x" * 5000, None),
        ("a\0b", None),
    ],
)
def test_files(web: Path, path: str, name: str | None) -> None:
    assert file_for(web, path) == (web / name if name else None)


@pytest.mark.parametrize("path", ["../secret", "assets/../../secret", "link", "/etc/passwd", "..", "assets/.."])
def test_nothing_outside_is_served(web: Path, path: str) -> None:
    found = file_for(web, path)
    assert found in (None, web / "index.html")


def test_without_a_build_there_is_nothing(tmp_path: Path) -> None:
    assert file_for(tmp_path.resolve(), "") is None
