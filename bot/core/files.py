"""Replaces files that others read."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path


def replace_file(path: Path, data: bytes) -> None:
    """Replace a file atomically: readers see the old or the complete new content, even if the disk becomes full.

    Permissions and links are kept. A pipe or device is written directly. Raises OSError.
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
