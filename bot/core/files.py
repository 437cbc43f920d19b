"""Replace files atomically, and say which file could not be written."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage import errors


@contextmanager
def reported(path: Path, advice: str) -> Iterator[None]:
    """Convert an OSError to a PaperroundError that names the file or folder and says what to do."""
    try:
        yield
    except OSError as error:
        raise errors.PaperroundError(f"{path} cannot be written: {error.strerror}. {advice}") from None


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
