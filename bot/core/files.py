"""Replace files atomically, and say which file could not be written or read."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from storage import errors


@dataclass(frozen=True, slots=True)
class LocatedProblem:
    """A problem in a file, a page or a template. `line` counts from 1; None if unknown or not a single line."""

    location: str
    line: int | None
    message: str

    def __str__(self) -> str:
        line = f", line {self.line}" if self.line else ""
        return f"{errors.redact(self.location)}{line}: {self.message}"


@contextmanager
def reported(path: Path, advice: str) -> Iterator[None]:
    """Convert an OSError to a PaperroundError that names the file or folder and says what to do."""
    try:
        yield
    except OSError as error:
        raise errors.PaperroundError(f"{path} cannot be written: {error.strerror}. {advice}") from None


def read_value(path: str, setting: str, *, has_lines: bool = False) -> str:
    """Return the value of a setting, such as a secret, that is in a file of its own: one line, unless it `has_lines`.

    Raises UsageError that names the file and the setting.
    """
    try:
        value = Path(path).read_text("utf-8-sig").strip()
    except FileNotFoundError:
        problem = "is missing"
    except IsADirectoryError:
        problem = "is a folder"
    except OSError as error:
        problem = f"cannot be read: {error.strerror}. Let the bot's user read it"
    except UnicodeDecodeError:
        problem = "is not UTF-8"
    else:
        name = setting.removesuffix("_FILE")
        if value.removeprefix("export ").lstrip().startswith(f"{name}="):
            problem = f"has {name}= before the value. Write the value alone"
        elif "\0" in value:
            problem = "has a NUL byte, as text in UTF-16 does. Save it as UTF-8"
        elif value and (has_lines or len(value.splitlines()) == 1):
            return value
        else:
            problem = "has more than one line" if value else "is empty"
    raise errors.UsageError(f"{path}, the file of {setting}, {problem}.")


def replace_file(path: Path, data: bytes) -> None:
    """Replace a file atomically: readers see the old or the complete new content, even if the disk is full.

    Keeps permissions and symbolic links. Writes directly to a pipe or device. Raises OSError.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    path = Path(os.path.realpath(path))
    new = path.with_name(f".{secrets.token_hex(8)}")
    try:
        new.write_bytes(data)
        if path.exists():
            shutil.copymode(path, new)
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
