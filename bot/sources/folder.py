"""Digests in a folder or a checked-out repository: files that are new or changed since the last visit. Watches nothing."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

from bot import errors
from bot.digests import parse
from bot.sources import base, digest_detector
from bot.sources.http import errors as http_errors
from storage import models

SUFFIXES = frozenset({".md", ".markdown", ".txt"})
_MAX_FILES = 100_000
_MAX_FILE_BYTES = 20_000_000


class FolderSource:
    """The digest files below one folder. A place is a path below it, with `/`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def fetch(self, request: base.FetchRequest) -> AsyncIterator[base.FetchResult]:
        """Read each file that is new or has changed, in the order of their names; say nothing of the others."""
        try:
            changed, troubles = await asyncio.to_thread(self._find_changed, request)
        except OSError as error:
            reason = f"the folder cannot be read: {error.strerror or error}"
            yield base.FetchResult(str(self._root), models.FetchStatus.FAILED, reason)
            return
        for place, stamp in changed:
            yield await asyncio.to_thread(self._read_document, place, stamp, request)
        for trouble in troubles:
            yield base.FetchResult(
                str(self._root), models.FetchStatus.FAILED, http_errors.clean_reason(trouble)
            )
        if not changed and not troubles:
            yield base.FetchResult(str(self._root), models.FetchStatus.UNCHANGED)

    def _find_changed(self, visit: base.FetchRequest) -> tuple[list[tuple[str, str]], list[str]]:
        """Return place and stamp of each file that differs from what is remembered, and what could not be looked at."""
        if not self._root.is_dir():
            raise NotADirectoryError(0, "there is no such folder")
        changed: list[tuple[str, str]] = []
        troubles: list[str] = []
        for place in self._list_files(troubles):
            try:
                stamp = self._stamp(place)
            except OSError:
                continue  # taken away between listing and looking
            page = visit.page_states.get(place)
            if stamp is not None and (page is None or page.last_modified != stamp):
                changed.append((place, stamp))
        return changed, troubles

    def _stamp(self, place: str) -> str | None:
        """Return a file's modification time and size, or None for what is no file of its own."""
        state = (self._root / place).lstat()
        if not stat.S_ISREG(state.st_mode):
            return None  # a link could lead out of the folder, a pipe would never end
        return f"{state.st_mtime_ns}:{state.st_size}"

    def _list_files(self, troubles: list[str]) -> list[str]:
        def note(error: OSError) -> None:
            troubles.append(f"{error.filename}: {error.strerror}")

        places: list[str] = []
        for folder, folders, names in os.walk(self._root, onerror=note):
            folders[:] = [name for name in folders if not name.startswith(".")]
            places += [
                Path(folder, name).relative_to(self._root).as_posix()
                for name in names
                if Path(name).suffix.lower() in SUFFIXES and not name.startswith(".")
            ]
        readable = [place for place in places if place.isprintable()]
        if len(readable) < len(places):
            troubles.append(f"file names that are no text: {len(places) - len(readable)}")
        return sorted(readable)[:_MAX_FILES]

    def _read_document(self, place: str, stamp: str, visit: base.FetchRequest) -> base.FetchResult:
        """Read one file. One without a digest (a README, say) is no fault and is not read again until it changes."""
        try:
            data = self._read_bytes(place)
        except OSError as error:
            return base.FetchResult(place, models.FetchStatus.FAILED, f"{place}: {error.strerror or error}")
        digest = hashlib.sha256(data).hexdigest()
        known = visit.page_states.get(place)
        page = models.PageState(place, visit.now, models.FetchStatus.OK, last_modified=stamp, hash=digest)
        if known is not None and known.hash == digest:
            return base.FetchResult(place, models.FetchStatus.UNCHANGED, page_states=(page,))
        try:
            found = digest_detector.detect_in_text(parse.decode(data), place)
        except errors.NotADigestError as error:
            return base.FetchResult(
                place, models.FetchStatus.FAILED, http_errors.clean_reason(f"{place}: {error}")
            )
        except http_errors.FetchError as error:
            return base.FetchResult(
                place, models.FetchStatus.OK, f"{place}: {error.reason}", page_states=(page,)
            )
        return base.FetchResult(place, models.FetchStatus.OK, documents=(found,), page_states=(page,))

    def _read_bytes(self, place: str) -> bytes:
        with open(self._root / place, "rb") as file:
            data = file.read(_MAX_FILE_BYTES + 1)
        if len(data) > _MAX_FILE_BYTES:
            raise OSError(0, f"the file is larger than {_MAX_FILE_BYTES / 1_000_000:g} MB")
        return data
