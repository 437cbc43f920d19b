"""Render a day's digest and publish it: in storage like any other digest, and as a file.

The text equals an export: parsing it gives the same entries, and exporting these gives the same bytes. Hashes
of published texts are stored for each place, so that a file edited by a person is recognised and not changed.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from bot.archive import digest_writer, listing, parse, summaries
from bot.archive.exports import ExportDigest, ExportFormat, render_export
from bot.archive.ingest import IngestService
from bot.archive.summaries import Basis, choose_sentences
from bot.claims import judging
from bot.core import files
from bot.core.clock import Clock
from bot.features.writer import prompts
from bot.rendering.templates import Templates
from bot.sources import base, huggingface
from storage import archive, errors, models, sources
from storage import writer as stored_writer
from storage.database import Database

EDITED = "it was edited after it was published, so it is left as it is"
FOREIGN = "exists and was not written by the writer, so it is left alone"
ADVICE = "Name another file."


def check_writable(file: Path) -> None:
    """Raise PaperroundError if the file, or a file in the folder, cannot be written."""
    if file.exists() and not (file.is_file() or file.is_dir()):
        raise errors.PaperroundError(f"{file} is neither a file nor a folder. Name another file.")
    with files.reported(file, ADVICE), tempfile.TemporaryFile(dir=file if file.is_dir() else file.parent):
        pass


@dataclass(frozen=True, slots=True)
class Publisher:
    """Publishes digests. `model` is the model that wrote them; None for extracts."""

    database: Database
    ingest: IngestService
    model: str | None

    async def publish(
        self, text: str, day: date, form: models.DigestFormat, language: models.Locale, file: Path | None
    ) -> bool:
        """Write the file and store the digest. Returns False if a person has edited the file.

        Raises PaperroundError if either fails, or if the file was not written by the writer.
        """
        name = f"{day.isoformat()}.{form.value}.{language.value}.md"
        if file is not None and await asyncio.to_thread(file.is_dir):
            file /= name
        place = f"writer/{name}" if file is None else os.path.abspath(file)
        source, location = await self._locate(place)
        published = await self.database.fetch(stored_writer.list_published, place)
        edited = None if file is None else await asyncio.to_thread(_read, file)
        if edited is not None and _hash(edited) not in {*published, _hash(text)}:
            if not published:
                raise errors.PaperroundError(f"{file} {FOREIGN}. Name another file.")
            with suppress(errors.NotADigestError):
                await self.ingest.add_text(edited, source=source, location=location)
            return False
        parsed = digest_writer.to_sourced_digests(parse.parse_text(text), source, location)
        hashes = {_hash(text), *(digest.hash for digest in parsed)}
        await self.database.write(stored_writer.add_published, place, hashes, self.model)
        if file is not None:
            await asyncio.to_thread(_write, file, text)
        await self.ingest.add_text(text, source=source, location=location)
        return True

    async def _locate(self, place: str) -> tuple[str, str]:
        """Return a place's source and location. A file in the folder of a source belongs to that source."""
        folder, _, name = place.rpartition("/")
        async with self.database.read() as connection:
            is_source = any(row.url == folder for row in await sources.list_rows(connection))
        return (folder, name) if is_source else (sources.FILES, place)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _read(file: Path) -> str | None:
    """Return a file's text, or None if it is missing or empty."""
    with files.reported(file, ADVICE):
        return file.read_text(encoding="utf-8", errors="replace") or None if file.exists() else None


def _write(file: Path, text: str) -> None:
    with files.reported(file, ADVICE):
        files.replace_file(file, text.encode())


_PUNCTUATION = re.compile(r"[^\w\s.,:+-]")


def build_sections(
    form: models.DigestFormat,
    language: models.Locale,
    checked: Sequence[judging.Claim],
    basis: Basis,
    claims_dropped: int,
) -> tuple[models.Section, ...]:
    """Return a checked summary's sections, with labels for its basis and for dropped claims."""
    headings = prompts.SECTIONS[form]
    sections = []
    for key, group in groupby(checked, key=attrgetter("section")):
        texts = list(filter(None, (judging.clean_text(claim.text) for claim in group)))
        if texts:
            is_list = form is models.DigestFormat.REVIEW and len(texts) > 1
            body = "\n".join(f"- {text}" for text in texts) if is_list else " ".join(texts)
            sections.append(models.Section(headings[key][language], body))
    return (*sections, *_build_labels(form, language, basis, claims_dropped))


def build_extract(
    form: models.DigestFormat, language: models.Locale, text: str, basis: Basis
) -> tuple[models.Section, ...]:
    """Return an extract's sections: its text and a label. A model's refusal has no sections."""
    cleaned = judging.clean_text(text)
    if summaries.is_refusal(cleaned):
        return ()
    return (models.Section(None, cleaned), *_build_labels(form, language, basis, 0))


def build_entry(rank: int, paper: Mapping[str, object], sections: tuple[models.Section, ...]) -> models.Entry:
    """Return a listed paper's digest entry. Without sections, its summary is marked as missing."""
    [entry] = listing.build(date.min, [{**paper, "summary": None}]).entries
    title = entry.title and judging.clean_text(entry.title).rstrip(" #")
    # In Markdown a bracket would end the URL.
    thumbnail = entry.thumbnail and entry.thumbnail.replace("(", "%28").replace(")", "%29")
    return replace(
        entry, rank=rank, title=title, thumbnail=thumbnail, sections=sections, summary_missing=not sections
    )


def render_digest(
    on: date, form: models.DigestFormat, entries: Sequence[models.Entry], templates: Templates
) -> str:
    """Render a digest as the text of a file. A title that parsing would change loses its punctuation."""
    readable = [_make_readable(entry, on, form, templates) for entry in entries]
    return _render(on, form, readable, templates)


def _make_readable(
    entry: models.Entry, on: date, form: models.DigestFormat, templates: Templates
) -> models.Entry:
    """Return the entry with the first variant of its title that survives parsing, or else without a title."""
    title = entry.title or ""
    for candidate in (title, _PUNCTUATION.sub(" ", title)):
        changed = replace(entry, title=" ".join(candidate.split()) or None)
        # The rank counts from 1 in a digest of one paper.
        alone = replace(changed, rank=1)
        text = _render(on, form, [alone], templates)
        if any((digest.entries, digest.problems) == ((alone,), ()) for digest in parse.parse_text(text)):
            return changed
    return replace(entry, title=None)


def _render(
    on: date, form: models.DigestFormat, entries: Sequence[models.Entry], templates: Templates
) -> str:
    digest = models.Digest(form, on, tuple(entries), (), "")
    return render_export(ExportFormat(form.value), [ExportDigest(digest, "")], templates)


def _build_labels(
    form: models.DigestFormat, language: models.Locale, basis: Basis, claims_dropped: int
) -> tuple[models.Section, ...]:
    labels = [label] if (label := summaries.BASIS_LABELS[language].get(basis)) else []
    labels += [summaries.label_dropped(language, claims_dropped)] if claims_dropped else []
    if form is models.DigestFormat.REVIEW:
        heading = summaries.HEADINGS[language]
        return (models.Section(heading, "\n".join(labels)),) if labels else ()
    return tuple(models.Section(None, label) for label in labels)


async def load_manifest(
    database: Database,
    source: huggingface.HuggingFaceSource,
    clock: Clock,
    day: date,
    ingest: IngestService | None = None,
) -> Sequence[listing.Paper]:
    """Return the papers in a day's list, in order. Raises PaperroundError if there is no list.

    If `ingest` is given, a closed list is stored, so that later runs use the same papers and votes.
    """
    if stored := await load_stored(database, day):
        return stored
    fetched = await source.fetch_day(day, base.FetchRequest(clock()))
    if not fetched.digests:
        raise errors.PaperroundError(f"{fetched.location}: {fetched.reason}")
    if ingest is not None and not source.day_close.is_list_growing(day, clock()):
        await ingest.put(huggingface.ADDRESS, fetched.location, fetched.digests)
        await ingest.add_facts(fetched.facts)
    return listing.papers_of(fetched.digests[0].text)


async def load_stored(database: Database, day: date) -> Sequence[listing.Paper]:
    """Return the papers in the longest listing stored for a day, or an empty list."""
    papers: list[listing.Paper] = []
    async with database.read() as connection:
        for row in await archive.list_rows(connection, since_on=day, until_on=day):
            text = await archive.get_text(connection, row.id)
            if row.format is models.DigestFormat.LISTING and text is not None:
                papers = max(papers, listing.papers_of(text), key=len)
    return papers


def choose(paper: listing.Paper) -> tuple[str, Basis] | None:
    """Return an extract of a listed paper and its basis, or None if it has neither summary nor abstract."""
    if summary := str(paper.get("summary") or "").strip():
        return summary, Basis.HUGGINGFACE
    chosen = choose_sentences(str(paper.get("abstract") or ""))
    return (" ".join(chosen), Basis.EXTRACT) if chosen else None
