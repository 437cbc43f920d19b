"""Publishes a printed digest: in storage like any other, and as a file. A text that a person changed there stays.

The hashes of all texts that were printed for a place are kept, so that a text with another hash is known as an edit.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path

from bot import errors
from bot.digests import parse
from bot.services.ingest import provenance
from bot.services.ingest.service import FILES_SOURCE, IngestService
from storage import digests, key_values, models
from storage.database import Database

EDITED = "it was edited after it was printed, and stays as it is"
FOREIGN = "was there before and is not the writer's, so it stays as it is"
_MAX_HASHES = 50


def check_writable(file: Path) -> None:
    """Raise PaperroundError if a file, or files in a folder, cannot be written."""
    try:
        if file.exists() and not (file.is_file() or file.is_dir()):
            raise errors.PaperroundError(f"{file} is neither a file nor a folder. Name another file.")
        with tempfile.TemporaryFile(dir=file if file.is_dir() else file.parent):
            pass
    except OSError as error:
        raise _not_written(file, error) from None


class Publisher:
    """Stores printed digests, with the `model` that wrote them. The place of one is its file, or a name of its own."""

    def __init__(self, database: Database, ingest: IngestService, model: str | None = None) -> None:
        self._database = database
        self._ingest = ingest
        self._model = model

    async def publish(
        self, text: str, day: date, form: models.DigestFormat, language: models.Locale, file: Path | None
    ) -> bool:
        """Write the file and store the digest; false if a person changed one of them.

        Raises PaperroundError, also for a file that was not printed by this writer.
        """
        name = f"{day.isoformat()}.{form.value}.{language.value}.md"
        if file is not None and await asyncio.to_thread(file.is_dir):
            file /= name
        place = f"writer/{name}" if file is None else os.path.abspath(file)
        hashes = _hashes(text, place)
        printed = await self._list_printed(place)
        found = await self._find_stored(place, day, form)
        if file is not None and (written := await asyncio.to_thread(_read, file)) is not None:
            found = [*found, *_hashes(written, place)[:1]]
            if not {*found} <= {*printed, *hashes}:
                if not printed:
                    raise errors.PaperroundError(f"{file} {FOREIGN}. Name another file.")
                with suppress(errors.NotADigestError):
                    await self._ingest.add_text(written, location=place)
        if printed and not {*found} <= {*printed, *hashes}:
            return False
        await self._add_printed(place, printed, hashes)
        if file is not None:
            await asyncio.to_thread(_write, file, text)
        await self._ingest.add_text(text, location=place)
        return True

    async def _find_stored(self, place: str, day: date, form: models.DigestFormat) -> list[str]:
        """Return the hash of the digest that is stored for a place."""
        async with self._database.read() as connection:
            locations = await digests.list_locations(connection, [(FILES_SOURCE, place)])
        stored = locations.get((FILES_SOURCE, place), [])
        return [row.hash for row in stored if (row.date, row.format) == (day, form)]

    async def _list_printed(self, place: str) -> list[str]:
        async with self._database.read() as connection:
            value = await key_values.get(connection, key_values.PRINTED + place)
        return list(json.loads(value)) if value else []

    async def _add_printed(self, place: str, printed: Sequence[str], hashes: Sequence[str]) -> None:
        kept = list(dict.fromkeys([*printed, *hashes]))[-_MAX_HASHES:]
        async with self._database.transaction() as connection:
            await key_values.set_value(connection, key_values.PRINTED + place, json.dumps(kept))
            for digest_hash in hashes if self._model is not None else ():
                await key_values.set_value(connection, key_values.WRITTEN_BY + digest_hash, str(self._model))


def _hashes(text: str, place: str) -> list[str]:
    """Return the hash of a text and those of the digests in it."""
    try:
        parsed = provenance.to_sourced_digests(parse.parse_text(text), FILES_SOURCE, place)
    except errors.NotADigestError:
        parsed = []
    return [provenance.text_hash(text), *(sourced.hash for sourced in parsed)]


def _read(file: Path) -> str | None:
    """Return the text of a file; None if there is none, or nothing in it."""
    try:
        return file.read_text(encoding="utf-8", errors="replace") or None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise errors.PaperroundError(f"{file} cannot be read: {error.strerror}. Name another file.") from None


def _write(file: Path, text: str) -> None:
    """Replace a file at once, so that no reader finds a part of it."""
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(file)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise _not_written(file, error) from None


def _not_written(file: Path, error: OSError) -> errors.PaperroundError:
    return errors.PaperroundError(f"{file} cannot be written: {error.strerror}. Name another file.")
