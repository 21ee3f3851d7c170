"""Secrets in settings: the value itself, or a file that holds it."""

from pathlib import Path

from pydantic import SecretStr


def secret_in(name: str, file: Path) -> str:
    """What `file`, the setting `name`, holds now. ValueError if it can't be read."""
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ValueError(f"{name}: {file} can't be read: {reason}") from None


def secret_of(name: str, value: SecretStr | None, file: Path | None) -> str | None:
    """The secret of the settings `name` and `name_file`; None if neither is there. ValueError if both are, if the file
    can't be read, or if there is nothing in it; the text never holds the secret."""
    if value is not None and file is not None:
        raise ValueError(f"only one of {name} and {name}_file")
    found = None if value is None else value.get_secret_value()
    if file is not None:
        found = secret_in(f"{name}_file", file)
    if found == "":
        raise ValueError(f"{name}{'_file' if file else ''} is empty")
    return found
