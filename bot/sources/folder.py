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
_MOST_FILES = 100_000
_LARGEST_FILE = 20_000_000


class FolderSource:
    """The digest files below one folder. A place is a path below it, with `/`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def fetch(self, visit: base.Visit) -> AsyncIterator[base.Outcome]:
        """Read each file that is new or has changed, in the order of their names; say nothing of the others."""
        try:
            changed, troubles = await asyncio.to_thread(self._look, visit)
        except OSError as error:
            reason = f"the folder cannot be read: {error.strerror or error}"
            yield base.Outcome(str(self._root), models.FetchStatus.FAILED, reason)
            return
        for place, stamp in changed:
            yield await asyncio.to_thread(self._read, place, stamp, visit)
        for trouble in troubles:
            yield base.Outcome(str(self._root), models.FetchStatus.FAILED, http_errors.clean_words(trouble))
        if not changed and not troubles:
            yield base.Outcome(str(self._root), models.FetchStatus.UNCHANGED)

    def _look(self, visit: base.Visit) -> tuple[list[tuple[str, str]], list[str]]:
        """Return place and stamp of each file that differs from what is remembered, and what could not be looked at."""
        if not self._root.is_dir():
            raise NotADirectoryError(0, "there is no such folder")
        changed: list[tuple[str, str]] = []
        troubles: list[str] = []
        for place in self._places(troubles):
            try:
                stamp = self._stamp(place)
            except OSError:
                continue  # taken away between listing and looking
            page = visit.pages.get(place)
            if stamp is not None and (page is None or page.last_modified != stamp):
                changed.append((place, stamp))
        return changed, troubles

    def _stamp(self, place: str) -> str | None:
        """Return a file's modification time and size, or None for what is no file of its own."""
        state = (self._root / place).lstat()
        if not stat.S_ISREG(state.st_mode):
            return None  # a link could lead out of the folder, a pipe would never end
        return f"{state.st_mtime_ns}:{state.st_size}"

    def _places(self, troubles: list[str]) -> list[str]:
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
        return sorted(readable)[:_MOST_FILES]

    def _read(self, place: str, stamp: str, visit: base.Visit) -> base.Outcome:
        """Read one file. One without a digest (a README, say) is no fault and is not read again until it changes."""
        try:
            data = self._load(place)
        except OSError as error:
            return base.Outcome(place, models.FetchStatus.FAILED, f"{place}: {error.strerror or error}")
        digest = hashlib.sha256(data).hexdigest()
        known = visit.pages.get(place)
        page = models.Page(place, visit.now, models.FetchStatus.OK, last_modified=stamp, hash=digest)
        if known is not None and known.hash == digest:
            return base.Outcome(place, models.FetchStatus.UNCHANGED, pages=(page,))
        try:
            found = digest_detector.read_text(parse.decode(data), place)
        except errors.NotADigestError as error:
            return base.Outcome(
                place, models.FetchStatus.FAILED, http_errors.clean_words(f"{place}: {error}")
            )
        except http_errors.FetchError as error:
            return base.Outcome(place, models.FetchStatus.OK, f"{place}: {error.reason}", pages=(page,))
        return base.Outcome(place, models.FetchStatus.OK, digests=(found,), pages=(page,))

    def _load(self, place: str) -> bytes:
        with open(self._root / place, "rb") as file:
            data = file.read(_LARGEST_FILE + 1)
        if len(data) > _LARGEST_FILE:
            raise OSError(0, f"the file is larger than {_LARGEST_FILE / 1_000_000:g} MB")
        return data
