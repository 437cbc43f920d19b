"""Opens files that others write or name, and replaces those that others read."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from pathlib import Path
from typing import BinaryIO


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading, without waiting. Raises OSError, also for a pipe or a device, which could be read for ever."""
    # Some files of /proc say that they are regular, have no size, and would be waited for.
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    return file


def replace_file(path: Path, data: bytes) -> None:
    """Write a file in one step: its readers find the former one or all of the new one, also if the disk becomes full.

    A file keeps its permissions, and a link what it leads to. A pipe or a device gets the data, and so does a file in a folder
    to which none can be added. Raises OSError.
    """
    real = Path(os.path.realpath(path))
    if path.exists() and not (path.is_file() and os.access(real.parent, os.W_OK)):
        path.write_bytes(data)
        return
    path = real
    # A name may have 255 bytes; a Korean letter takes three, and others four.
    new = path.with_name(f".{path.name[:50]}.{secrets.token_hex(4)}")
    try:
        new.write_bytes(data)
        if path.exists():
            shutil.copymode(path, new)
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
