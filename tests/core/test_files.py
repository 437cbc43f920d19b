"""Atomic replacement of files."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.core import files


@contextmanager
def full_after(size: int) -> Iterator[None]:
    """Make writes beyond this file size (bytes) fail, as on a full disk."""
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)


def test_full_disk_leaves_the_old_file_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "export.md"
    for text in (None, b"former"):
        if text is not None:
            files.replace_file(path, text)
        with full_after(10_000), pytest.raises(OSError, match="File too large"):
            files.replace_file(path, b"x" * 20_000)
        assert [file.read_bytes() for file in tmp_path.iterdir()] == ([] if text is None else [text])


def test_replaced_file_keeps_its_permissions_and_links(tmp_path: Path) -> None:
    path, link = tmp_path / "export.md", tmp_path / "link.md"
    path.write_bytes(b"former")
    path.chmod(0o640)
    link.symlink_to(path.name)
    files.replace_file(link, b"new")
    assert link.is_symlink()
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o640)
