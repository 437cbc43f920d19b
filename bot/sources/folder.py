"""Folders with digest files, such as a checked-out repository. Only new and changed files are read.

A file that stays away for a day takes its digests along: until then it may have been moved, or come back.
"""

from __future__ import annotations

import asyncio
import os
import stat
import unicodedata
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from bot.archive import files, parse, schemes, sorting
from bot.sources import base
from storage import errors, models, sources
from storage.models import FetchStatus, ReadingReport, Skipped, SkipReason, add_up

_MAX_FILES = 100_000
_GRACE = timedelta(days=1)
"""How long a file may be away before its digests are taken back."""
_FEW_FILES = 5
"""A folder that loses all of its files, and had more than these, is probably not mounted."""


class _Comparison(NamedTuple):
    """Changed files with their times and sizes, former states of missing ones, problems, and states of unchanged ones.

    `report` is that on the unchanged files, and of those that are not looked into.
    """

    changed: list[tuple[str, str]]
    missing: list[sources.PageState]
    problems: list[str]
    states: dict[str, FetchStatus]
    report: ReadingReport


@dataclass(frozen=True, slots=True)
class FolderSource:
    """The digest files in a folder and its subfolders. Locations are relative paths with `/`."""

    root: Path

    async def fetch(self, request: base.FetchRequest) -> AsyncIterator[base.FetchResult]:
        """Read new and changed files, sorted by path. Yields nothing for unchanged files."""
        folder = str(self.root)
        try:
            changed, missing, problems, known, report = await asyncio.to_thread(self._compare, request)
        except OSError as error:
            reason = f"the folder cannot be read: {error.strerror or error}"
            yield base.FetchResult(folder, FetchStatus.FAILED, reason)
            return
        status, why = FetchStatus.UNCHANGED, ""
        for location, stamp in changed:
            result = await self._read_document(location, stamp, request)
            known |= {page.location: page.status for page in result.page_states}
            status = FetchStatus.OK if result.digests else status
            if known.get(location) is FetchStatus.FAILED:
                why = why or result.reason
            # The first result also has the report on what was not read again.
            yield replace(result, reading=report + (result.reading or ReadingReport()))
            report = ReadingReport()
        # The state of a missing file has no time and size: it is NOT_YET since the file was missed, then UNCHANGED.
        missed = tuple(
            sources.PageState(state.location, request.now, FetchStatus.NOT_YET)
            for state in missing
            if state.last_modified is not None
        )
        for state in missing:
            if state.last_modified is None and request.now - state.read_at >= _GRACE:
                gone = replace(state, status=FetchStatus.UNCHANGED)
                yield base.FetchResult(state.location, FetchStatus.OK, page_states=(gone,), is_gone=True)
        for problem in problems:
            yield base.FetchResult(folder, FetchStatus.FAILED, base.clean_reason(problem), reading=report)
            report = ReadingReport()
        unread = [location for location, state in known.items() if state in _UNREAD]
        is_lost = len(unread) == len(known) and FetchStatus.FAILED in known.values()
        if unread or missed or not (changed or problems):
            status = FetchStatus.FAILED if is_lost else status
            reason = "; ".join(filter(None, (_describe_unread(known), why)))
            yield base.FetchResult(
                folder, status, base.clean_reason(reason), page_states=missed, reading=report
            )

    def _compare(self, request: base.FetchRequest) -> _Comparison:
        if not self.root.is_dir():
            raise NotADirectoryError(0, "there is no such folder")
        changed: list[tuple[str, str]] = []
        states: dict[str, FetchStatus] = {}
        report = ReadingReport()
        found, problems = files.list_folder(self.root)
        skipped = [sorting.skip(SkipReason.NOT_READ, str(problem)) for problem in problems]
        # A copy is read only where its original is not.
        originals = {*found, *(unicodedata.normalize("NFC", path) for path in found)}
        copies = [path for path in found if (of := files.name_original(path)) != path and of in originals]
        skipped += (sorting.skip(SkipReason.REPEATED, path) for path in copies)
        locations = [path for path in found if path not in {*copies}]
        if (beyond := len(locations) - _MAX_FILES) > 0:
            skipped.append(sorting.skip(SkipReason.TOO_MANY, locations[_MAX_FILES], beyond))
        stamps, unread = sorting.sort_out(locations[:_MAX_FILES], self._stamp)
        for location, stamp in stamps:
            former = request.known(location)
            if former is None or former.last_modified != stamp or former.reading is None:
                changed.append((location, stamp))
            else:
                states[location] = former.status
                report += former.reading
        present = set(map(base.page_key, locations))
        missing = [
            state
            for location, state in request.page_states.items()
            if location not in present and (state.last_modified or state.status is FetchStatus.NOT_YET)
        ]
        if not locations and len(missing) > _FEW_FILES:
            raise OSError(0, f"none of its {len(missing)} files is there any more. Is it mounted?")
        # A part of the folder that cannot be read is not gone.
        report += ReadingReport(skipped=add_up([*skipped, *unread]))
        return _Comparison(changed, [] if problems else missing, list(map(str, problems)), states, report)

    def _stamp(self, location: str) -> tuple[str, str] | Skipped:
        """Return a file's location with its time and size. A symlink may leave the folder, and a pipe never ends."""
        try:
            state = (self.root / location).lstat()
        except OSError as error:
            return sorting.skip(SkipReason.NOT_READ, f"{location}: {error.strerror}")
        if stat.S_ISREG(state.st_mode):
            return location, f"{state.st_mtime_ns}:{state.st_size}"
        return sorting.skip(SkipReason.NOT_READ, f"{location}: a link or no regular file")

    async def _read_document(self, location: str, stamp: str, request: base.FetchRequest) -> base.FetchResult:
        """Read one file. The stored page state prevents a file without a digest from being read again."""
        try:
            data = await asyncio.to_thread(files.read_bytes, self.root / location)
        except (OSError, errors.NotADigestError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            return _fail(location, f"{location}: {reason}")
        state = sources.PageState(location, request.now, FetchStatus.OK, last_modified=stamp)
        try:
            name = files.name_original(location)
            digests = await base.read_digests(_detect, data, name, request.now.date())
        except errors.NotADigestError as error:
            return _fail(location, f"{location}: {error}")
        except base.FetchError as error:
            # A file that mentions papers was probably meant to be a digest.
            is_related = await asyncio.to_thread(lambda: schemes.names_paper(parse.decode(data)))
            reason = f"{location}: {error}"
            report = ReadingReport(skipped=(sorting.skip(error.skip_reason, reason),))
            state = replace(state, status=FetchStatus.FAILED if is_related else FetchStatus.NOT_YET)
            return base.FetchResult(location, FetchStatus.UNCHANGED, reason).with_reading(report, [state])
        return base.read_result(location, digests, [state])


def _fail(location: str, reason: str) -> base.FetchResult:
    """Return the result for a file that cannot be read. It has no state, so that the next poll tries again."""
    report = ReadingReport(skipped=(sorting.skip(SkipReason.NOT_READ, reason),))
    return base.FetchResult(location, FetchStatus.FAILED, base.clean_reason(reason), reading=report)


_UNREAD = (FetchStatus.FAILED, FetchStatus.NOT_YET)
"""The states of files without a digest: FAILED if the file mentions papers, else NOT_YET."""
_NAMED = 3


def _describe_unread(states: Mapping[str, FetchStatus]) -> str:
    """Describe the files that were not read, those that mention papers first; "" if all were read."""
    unread = sorted(
        (location for location, status in states.items() if status in _UNREAD),
        key=lambda location: (states[location] is not FetchStatus.FAILED, location),
    )
    if not unread:
        return ""
    names = ", ".join(unread[:_NAMED]) + (" …" if len(unread) > _NAMED else "")
    with_papers = sum(states[location] is FetchStatus.FAILED for location in unread)
    note = f", {with_papers} of them with IDs or DOIs" if with_papers else ", all without IDs or DOIs"
    return f"{len(unread)} of {len(states)} files not read{note}: {names}"


def _detect(data: bytes, name: str, read_on: date) -> tuple[models.Digest, ...]:
    return base.detect_in_text(parse.decode(data), name, None, read_on, is_own=True)


def parse_folder_path(address: str) -> Path | None:
    """Return the path in a `file:` URL, or a plain path unchanged; None for other URLs."""
    if address.startswith("file://"):
        return Path(unquote(address.removeprefix("file://")))
    return None if "://" in address else Path(address)


def make_absolute(address: str) -> str:
    """Return an existing folder's absolute path, with `~` expanded, also for a `file:` URL. Other addresses are unchanged."""
    path = os.path.expanduser(parse_folder_path(address) or "")
    return os.path.abspath(path) if path and os.path.isdir(path) else address


def _check(address: str) -> None:
    path = parse_folder_path(address)
    if path is not None and path.is_file():
        raise errors.UsageError(
            f"{address} is a file. `paperround ingest` stores a file; a source is its folder."
        )
    if path is None or not path.is_dir():
        raise errors.UsageError(
            f"{address} is neither an address nor an existing folder. For Hugging Face, use https://huggingface.co."
        )


KIND = base.KindRecord(
    kind=models.SourceKind.FOLDER,
    matches=lambda address, _: parse_folder_path(address) is not None,
    check=_check,
    open=lambda address, *_: FolderSource(parse_folder_path(address) or Path(address)),
    poll_interval=timedelta(minutes=1),
)
