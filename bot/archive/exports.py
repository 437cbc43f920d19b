"""Exports for other programs: stored digests in several formats, and saved papers as references.

Parsing an exported newsletter, review or listing gives the same entries. `templates/export.*.md.j2` define
the layout of newsletters and reviews.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple

from bot.archive import escaping, fields, languages, listing, markdown_lines, parse, schemes, summaries
from bot.rendering import discord_text, markdown, typesetting
from bot.rendering.templates import Templates
from bot.text import analyser, people, seed, typography
from storage import archive, errors, papers
from storage.database import Connection, Database
from storage.models import (
    SHOWN_ARXIV_FIELDS,
    Digest,
    DigestFormat,
    Entry,
    Locale,
    SavedPaper,
    Section,
    StoredDigest,
)
from storage.withdrawals import Withdrawal, find_withdrawal


def year_of(paper_key: str, published_on: date | None = None) -> str:
    """Return the year of a paper's key or, if it tells none, of its publication; "" if unknown."""
    on = schemes.first_day(paper_key) or published_on
    return str(on.year) if on else ""


def make_key(paper_key: str) -> str:
    """Return a citation key. It depends only on the paper's key, since titles and authors may be corrected."""
    return f"arxiv:{paper_key}" if schemes.is_arxiv(paper_key) else _cite(schemes.spell(paper_key))


def _cite(key: str, marks: str = ' {}",#%\\~') -> str:
    """Return a key as it is cited. One with marks of BibTeX and LaTeX has letters and digits alone, which name no paper."""
    if key.isprintable() and not any(mark in key for mark in marks):
        return key
    return "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in key)


def name_key(paper_key: str, title: str | None, authors: Sequence[str], year: str) -> str:
    """Return the start of a citation key: the first author's family name, the year, a word of the title."""
    family = people.split_name(authors[0])[0] if authors else ""
    words = map(_key_part, typography.to_plain_text(title or "").replace("-", "").split())
    telling = (
        word
        for word in words
        if word.strip("0123456789") and word not in seed.read_words("function_words.txt")
    )
    return f"{_key_part(family)}{year}{next(telling, '')}"


def _key_part(text: str) -> str:
    folded = analyser.fold_name(text.partition(":")[0])
    return "".join(sign for sign in folded if sign.isascii() and sign.isalnum())[:30]


def parse_key(key: str) -> str | None:
    """Return the key of the paper that a citation key of ours names, or None."""
    is_ours = key.startswith("arxiv:") or not schemes.is_arxiv(key)
    return schemes.read_key(key) if is_ours else None


# BibTeX entries, in Unicode (which biber and current BibTeX styles accept), with LaTeX escaped.

UNCONFIRMED_ORDER = "Authors in the digest's order, not compared with the paper's page"
"""The comment above a file, with the keys of the entries whose authors do not come from arXiv: digests shuffle authors."""


_BIBTEX_TYPES: Mapping[schemes.Kind | None, str] = {
    None: "misc",
    schemes.Kind.PREPRINT: "misc",
    schemes.Kind.CONFERENCE: "inproceedings",
    schemes.Kind.ARTICLE: "article",
}


class BibtexFile:
    """Entries of BibTeX, in the order in which they are added. Each key has that of its paper, so no other can get it.

    `is_keyed_by_id`: without the name and the word, which may be corrected while the file changes.
    """

    def __init__(self, *, is_keyed_by_id: bool = False) -> None:
        self._is_keyed_by_id = is_keyed_by_id
        self._entries: list[tuple[str, str, str]] = []
        """The key, the id and the text of each."""
        self._unconfirmed: set[str] = set()

    def add(
        self,
        paper_key: str,
        title: str | None,
        authors: Sequence[str],
        *,
        truncated: bool,
        is_order_confirmed: bool,
        comment: str | None,
        journal: str | None,
        published_on: date | None = None,
        url: str | None = None,
        note: str = "",
        tags: Sequence[str] = (),
        is_latex: bool = True,
    ) -> None:
        """Add the entry of a paper, whose `comment` and `journal` are arXiv's.

        `is_latex`: title, comment and journal may contain LaTeX and are converted to plain text first. A truncated list
        of authors ends in `and others`. A reader's note and tags become the annotation and keywords.
        """
        year = year_of(paper_key, published_on)
        named = f"{name_key(paper_key, title, authors, year)}:{schemes.spell(paper_key)}"
        kind = schemes.kind_of(paper_key)
        names = [_format_author(name) for name in authors if discord_text.to_single_line(name)]
        plain = typesetting.render_title if is_latex else str
        fields = {
            "title": f"{{{escaping.escape_bibtex(plain(title))}}}" if title else "",
            "author": " and ".join([*names, "others"] if truncated and names else names),
            "year": year,
            **({"eprint": paper_key, "archivePrefix": "arXiv"} if kind is None else {}),
            "doi": escaping.escape_bibtex(schemes.doi_of(paper_key) or "") if kind else "",
            "url": (discord_text.safe_url(url) if url else None) or schemes.page_url(paper_key),
            "booktitle" if kind is schemes.Kind.CONFERENCE else "journal": escaping.escape_bibtex(
                plain(journal or "")
            ),
            "note": escaping.escape_bibtex(plain(comment or "")),
            "keywords": ", ".join(map(escaping.escape_bibtex, tags)),
            # A reader's note: as a "note" it would be printed in the references.
            "annote": escaping.PARAGRAPH.join(map(escaping.escape_bibtex, note.splitlines())),
            # Another key of the entry, for biblatex and for an import of this file.
            "ids": "" if self._is_keyed_by_id else make_key(paper_key),
        }
        lines = [f"  {name:<13} = {{{value}}}," for name, value in fields.items() if value]
        key = _cite(make_key(paper_key) if self._is_keyed_by_id else named, ' {}",#%\\~=')
        self._entries.append((key, paper_key, "\n".join([*lines, "}"]) + "\n"))
        if not is_order_confirmed and len(names) > 1:
            self._unconfirmed.add(paper_key)

    def render(self) -> str:
        unconfirmed = ", ".join(key for key, paper_key, _ in self._entries if paper_key in self._unconfirmed)
        named = f": {unconfirmed}" if len(self._entries) > 1 else ""
        above = f"% {UNCONFIRMED_ORDER}{named}\n" if unconfirmed else ""
        return above + "\n".join(
            f"@{_BIBTEX_TYPES[schemes.kind_of(paper_key)]}{{{key},\n{text}"
            for key, paper_key, text in self._entries
        )


def describe_state(comment: str | None, withdrawn_by: Withdrawal | None) -> str | None:
    """Return a paper's comment at arXiv, after who withdrew the paper if the comment does not name them itself."""
    if withdrawn_by is None or find_withdrawal(None, comment):
        return comment
    by = "arXiv" if withdrawn_by == Withdrawal.ARXIV else "its authors"
    return ". ".join(filter(None, (f"Withdrawn by {by}", comment)))


def _format_author(name: str) -> str:
    """Return an author's name as BibTeX reads it: `Oakley, Jr., Guy`, and in braces if it is one (`Pond Team`, `A and B`)."""
    escaped, parts = escaping.escape_bibtex(name), list(map(escaping.escape_bibtex, people.split_name(name)))
    if (" " in escaped and not parts[1]) or re.search(r"(?i)\band\b|\bothers\b", escaped):
        return f"{{{escaped}}}"
    family, given, suffix = parts
    is_split = suffix or "," in escaped or (" " in family and not family[0].islower())
    return ", ".join(filter(None, (family, suffix, given))) if is_split else escaped


# Digest entries as the Markdown of a newsletter or a review.


class ExportPaper(NamedTuple):
    """A paper for the export templates. Authors and body are Markdown."""

    entry: Entry
    authors: str
    body: str


def render_newsletter_paper(entry: Entry) -> ExportPaper:
    return _build_paper(entry, entry.title or entry.paper_key, "\n".join(map(_render_bullet, entry.sections)))


def render_review_paper(entry: Entry) -> ExportPaper:
    """Render an entry's title and sections as chapters inside a code fence."""
    headless = [section for section in entry.sections if not section.heading]
    chapters = [section for section in entry.sections if section.heading]
    # A single heading of level 1 would be read as the title.
    lines = (line for chapter in chapters for line in chapter.body.split("\n"))
    is_high = len(chapters) > 1 and any(line.startswith(_HIGH_HEADINGS) for line in lines)
    name = "논문 요약" if languages.detect_section_language(entry.sections) is Locale.KO else "Review"
    parts = [f"# {name}: {_one_line(entry.title)}"] if entry.title and entry.sections else []
    parts += [headless[0].body] if len(headless) == 1 else map(_render_bullet, headless)
    parts += [
        f"{'#' if is_high else '##'} {_one_line(chapter.heading)}\n\n{chapter.body}" for chapter in chapters
    ]
    body = "\n\n".join(parts)
    fence = max(["```", *(f"{inner}`" for inner in _FENCE.findall(body))], key=len)
    return _build_paper(entry, entry.title, f"{fence}markdown\n{body}\n{fence}" if body else "")


_HIGH_HEADINGS = ("# ", "## ", "#\t", "##\t")
_FENCE = re.compile(r"^[ \t]*(`{3,})", re.MULTILINE)


PAPER_RENDERERS: Mapping[DigestFormat, Callable[[Entry], ExportPaper]] = {
    DigestFormat.NEWSLETTER: render_newsletter_paper,
    DigestFormat.REVIEW: render_review_paper,
}


def _build_paper(entry: Entry, title: str | None, body: str) -> ExportPaper:
    entry = replace(entry, title=_one_line(title) if title else None)
    return ExportPaper(entry, _format_authors(entry), body)


def _format_authors(entry: Entry) -> str:
    """Join the authors with commas. Return a quoted list if the result would be misread (names like `A, B`, `null`, `C+`).

    `+` marks a truncated list.
    """
    names = [_one_line(name) for name in entry.authors]
    plain = ", ".join([*names, "+"] if entry.authors_truncated else names)
    if fields.parse_authors(plain) == (tuple(names), entry.authors_truncated):
        return plain
    quoted = ", ".join('"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"' for name in names)
    return f"[{quoted}{', +' if entry.authors_truncated else ''}]"


def _render_bullet(section: Section) -> str:
    heading = _one_line(section.heading).replace("*", "")
    first, *rest = section.body.split("\n")
    is_indented = any(rest) and all(line.startswith(" ") for line in rest if line.strip())
    if is_indented or markdown_lines.is_fence(first):
        # Common indentation is only kept, and a code block only read, under an empty first line.
        first, rest = "", [first, *rest]
    head = f"- ***{heading}***: {first}" if heading else f"- {first}"
    return "\n".join([head.rstrip(), *(f"  {line}" if line.strip() else "" for line in rest)])


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())


CSV_COLUMNS = (
    *("date", "format", "rank", "arxiv_id", "title", "url", "votes"),
    *("authors", "authors_truncated", "thumbnail", "video", "summary", *SHOWN_ARXIV_FIELDS, "key", "doi"),
)


class ExportFormat(StrEnum):
    """The formats of `paperround export --format`."""

    NEWSLETTER = "newsletter"
    REVIEW = "review"
    LISTING = "listing"
    JSON = "json"
    CSV = "csv"
    BIBTEX = "bibtex"


@dataclass(frozen=True, slots=True)
class ExportDigest:
    """A digest to export; `file` is its location.

    `stored` holds the stored fields of its papers by key. `extra_fields` are only written to JSON.
    """

    digest: Digest
    file: str
    extra_fields: Mapping[str, Any] = field(default_factory=dict)
    stored: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def render_export(export_format: ExportFormat, digests: Sequence[ExportDigest], templates: Templates) -> str:
    """Render digests, in the given order, as one file that ends in a newline.

    Parsing a NEWSLETTER, REVIEW or LISTING gives the same digests, one per date. LISTING has a JSON object
    per line with the latest votes, JSON a digest per line as printed by `parse`, CSV a row per entry, and
    BIBTEX an entry per paper.
    """
    return _EXPORTERS[export_format](digests, templates)


def _render_markdown(
    digest_format: DigestFormat, exported: Sequence[ExportDigest], templates: Templates
) -> str:
    render_paper = PAPER_RENDERERS[digest_format]
    digests = [
        {"date": item.digest.date, "papers": [render_paper(entry) for entry in item.digest.entries]}
        for item in exported
    ]
    return templates.render_document(f"export.{digest_format}.md.j2", {"digests": digests})


def _render_listing(exported: Sequence[ExportDigest], _: Templates) -> str:
    return "".join(
        listing.build(
            item.digest.date,
            (_with_stored_fields(item, paper) for paper in listing.papers_of(item.digest.text)),
            form=item.digest.format,
        ).text
        for item in exported
    )


def _with_stored_fields(item: ExportDigest, paper: listing.Paper) -> listing.Paper:
    stored = item.stored.get(paper["key"], {})
    names = ("title", "authors", "abstract", "keywords", "code_url", "project_url", "organization")
    votes = {"votes": stored["votes"]} if stored.get("votes") is not None else {}
    return {**{name: stored[name] for name in names if name in stored}, **paper, **votes}


def _render_json(exported: Sequence[ExportDigest], _: Templates) -> str:
    lines = []
    for item in exported:
        record = parse.digest_to_json(item.digest, item.file)
        for paper in record["papers"]:
            paper["stored"] = item.stored.get(paper["key"], {})
        lines.append(json.dumps({**record, **item.extra_fields}, ensure_ascii=False) + "\n")
    return "".join(lines)


def _render_csv(exported: Sequence[ExportDigest], _: Templates) -> str:
    # Excel reads Hangul only after a byte order mark.
    lines = [f"\ufeff{_csv_line(CSV_COLUMNS)}"]
    for item in exported:
        for entry in (_fill_in(item, entry) for entry in item.digest.entries):
            sections = [
                (f"{section.heading}: " if section.heading else "") + markdown.render_plain(section.body)
                for section in entry.sections
            ]
            stored = item.stored.get(entry.paper_key, {})
            row = parse.paper_to_json(entry) | {
                **{name: _plain(stored.get(name)) for name in SHOWN_ARXIV_FIELDS},
                "title": _plain(entry.title),
                "date": item.digest.date.isoformat(),
                "format": item.digest.format.value,
                "authors": "; ".join(entry.authors),
                "authors_truncated": "yes" if entry.authors_truncated else "no",
                "summary": "\n\n".join(sections),
            }
            lines.append(_csv_line(row[name] for name in CSV_COLUMNS))
    return "".join(lines)


def _plain(value: object) -> object:
    return typography.to_plain_text(value) if isinstance(value, str) else value


def _render_bibtex(exported: Sequence[ExportDigest], _: Templates) -> str:
    """Render one entry per paper, with the stored title and authors rather than the digest's."""
    distinct: dict[str, tuple[Entry, Mapping[str, Any]]] = {}
    for item in exported:
        for entry in item.digest.entries:
            stored = item.stored.get(entry.paper_key, {})
            entry = replace(entry, title=stored.get("title") or entry.title)
            distinct.setdefault(entry.paper_key, (entry, stored))
    file = BibtexFile()
    for paper, known in distinct.values():
        has_authors = bool(known.get("authors"))
        file.add(
            paper.paper_key,
            paper.title,
            known["authors"] if has_authors else paper.authors,
            truncated=known["authors_truncated"] if has_authors else paper.authors_truncated,
            is_order_confirmed=has_authors and known.get(_CONFIRMED, False),
            url=paper.url,
            comment=describe_state(known.get("comment"), known.get("withdrawn_by")),
            journal=known.get("journal"),
            published_on=fields.clean_date(known.get("published_on")),
        )
    return file.render()


def _fill_in(item: ExportDigest, entry: Entry) -> Entry:
    stored = item.stored.get(entry.paper_key, {})
    known = {
        name: stored[name]
        for name in ("authors", "authors_truncated")
        if name in stored and not entry.authors
    }
    return replace(entry, title=entry.title or stored.get("title"), **known)


def _csv_line(row: Iterable[object]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(map(escaping.escape_formula, row))
    return file.getvalue()


_EXPORTERS: Mapping[ExportFormat, Callable[[Sequence[ExportDigest], Templates], str]] = {
    **{ExportFormat(form.value): partial(_render_markdown, form) for form in PAPER_RENDERERS},
    ExportFormat.LISTING: _render_listing,
    ExportFormat.JSON: _render_json,
    ExportFormat.CSV: _render_csv,
    ExportFormat.BIBTEX: _render_bibtex,
}


async def export_digests(
    database: Database,
    form: ExportFormat,
    templates: Templates,
    *,
    since_on: date | None,
    until_on: date | None,
    locale: Locale,
) -> str:
    """Return the digests of an inclusive date range (None for an open end) as one file, oldest first.

    NEWSLETTER and REVIEW use each date's digests in that format, or else convert others but LOOKUP digests. LISTING
    uses listings and LOOKUP digests. In these, a day has each paper once: with the best summary for readers of `locale`,
    in a listing with the fields of the highest ranking source. Raises PaperroundError if there are no digests.
    """
    async with database.read() as connection:
        digest_format = next((candidate for candidate in DigestFormat if candidate.value == form.value), None)
        origin = archive.Origin(with_lookup=digest_format in (None, DigestFormat.LISTING))
        rows = await archive.list_rows(connection, since_on=since_on, until_on=until_on, origin=origin)
        rows.sort(key=lambda row: (row.date_on, row.format.value, row.id))
        days = [[row] for row in rows]
        if digest_format is not None:
            origins = await archive.list_origins(connection, [row.id for row in rows])
            days = list(_list_days(rows, digest_format, origins))
        if rows and not days:
            raise errors.PaperroundError(
                f"The digests of these days are of other formats, which cannot be exported as a {form.value}."
                " Choose another --format."
            )
        if not days:
            raise errors.PaperroundError(
                "There are no digests to export with these options. `paperround digest DATE` shows the days nearest to a date."
            )
        exported = [await _read_day(connection, day, locale) for day in days]
    return render_export(form, exported, templates)


def _list_days(
    rows: Sequence[StoredDigest], digest_format: DigestFormat, origins: Mapping[int, tuple[object, ...]]
) -> Iterator[list[StoredDigest]]:
    """Yield each date's digests in the given format, the highest ranking source first, and LOOKUP digests separate from listings.

    For a date without them, a written format falls back to the other written formats, then to listings.
    """
    for _, date_rows in groupby(rows, key=lambda row: row.date_on):
        group = sorted(date_rows, key=lambda row: (origins[row.id][:2], row.id))
        if digest_format in listing.FORMATS:
            forms = digest_format, DigestFormat.LOOKUP
            yield from filter(None, ([row for row in group if row.format is form] for form in forms))
        else:
            in_format = [row for row in group if row.format is digest_format]
            yield in_format or [row for row in group if row.format not in listing.FORMATS] or group


async def _read_day(connection: Connection, rows: Sequence[StoredDigest], locale: Locale) -> ExportDigest:
    """Merge a day's digests, the highest ranking source first, into one that has each paper once."""
    read = [await _read_digest(connection, row) for row in rows]
    first, entries, listed = read[0], dict[str, list[Entry]](), dict[str, listing.Paper]()
    for item in read:
        for entry in item.digest.entries:
            entries.setdefault(entry.paper_key, []).append(entry)
        for paper in listing.papers_of(item.digest.text) if item.digest.format in listing.FORMATS else ():
            listed.setdefault(paper["key"], paper)
    again = await papers.get_ids(
        connection, (name for name, listed_by in entries.items() if len(listed_by) > 1)
    )
    appearances = await archive.list_appearances(connection, again.values())
    for name, paper_id in again.items():
        here = [
            appearance
            for appearance in appearances[paper_id]
            if appearance.digest_id in {row.id for row in rows}
        ]
        if best := summaries.best_appearance(here, locale):
            entries[name] = [best.entry]
    digest = replace(first.digest, entries=tuple(listed_by[0] for listed_by in entries.values()))
    if listed and len(read) > 1:
        digest = replace(digest, text=listing.build(digest.date, listed.values(), form=digest.format).text)
    stored = {name: detail for item in read for name, detail in item.stored.items()}
    return replace(first, digest=digest, stored=stored)


async def _read_digest(connection: Connection, stored: StoredDigest) -> ExportDigest:
    digest_entries = await archive.list_entries_by_digest(connection, stored.id)
    text = await archive.get_text(connection, stored.id)
    digest = Digest(stored.format, stored.date_on, digest_entries, stored.problems, text or "")
    if digest.format in listing.FORMATS:
        digest = replace(digest, text=await _open_keys(connection, digest))
    return ExportDigest(
        digest=digest,
        file=stored.location,
        extra_fields={"language": stored.language, "hash": stored.hash},
        stored=await _stored_metadata(connection, [entry.paper_key for entry in digest_entries]),
    )


async def _open_keys(connection: Connection, digest: Digest) -> str:
    """Return a listing's text with the papers by their keys of today, of which those in the text are further names."""
    rows = listing.papers_of(digest.text)
    current = await papers.get_current_keys(connection, [row["key"] for row in rows])
    if not current:
        return digest.text
    opened = [
        {**row, "key": current[row["key"]], "names": [*row.get("names", ()), row["key"]]}
        if row["key"] in current
        else row
        for row in rows
    ]
    return listing.build(digest.date, opened, form=digest.format).text


_CONFIRMED = "author_order_confirmed"
_STORED = (
    *("title", "votes", "votes_read_at", "authors", "authors_truncated", _CONFIRMED, "abstract", "keywords"),
    *("categories", "code_url", "project_url", "organization", "first_on", "last_on", "published_on"),
    *SHOWN_ARXIV_FIELDS,
)
"""The stored fields in the JSON export, in order."""


async def _stored_metadata(connection: Connection, paper_keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    ids = await papers.get_ids(connection, paper_keys)
    details = await papers.list_details(connection, list(ids.values()))
    listed = [detail.id for detail in details]
    confirmed = await papers.list_with_arxiv_authors(connection, listed)
    published = await papers.list_published(connection, listed)
    known = (
        replace(of, published_on=published.get(of.id), is_author_order_confirmed=of.id in confirmed)
        for of in details
    )
    return {
        of.key: {
            name: value.isoformat() if isinstance(value, date) else value
            for name in _STORED
            for value in [getattr(of, f"is_{name}" if name == _CONFIRMED else name)]
        }
        for of in known
    }


# Saved papers for reference managers, spreadsheets and notes.


class ReferenceFormat(StrEnum):
    """The export formats for saved papers."""

    BIBTEX = "bibtex"
    RIS = "ris"
    CSL = "csl-json"
    CSV = "csv"
    MARKDOWN = "markdown"


LIST_FILES = {"bib": "BibTeX", "json": "CSL JSON", "atom": "Atom"}
"""What the web archive has at a list's address besides its page, by the ending of the address."""
FILE_ENDINGS = {
    ReferenceFormat.BIBTEX: "bib",
    ReferenceFormat.RIS: "ris",
    ReferenceFormat.CSL: "json",
    ReferenceFormat.CSV: "csv",
    ReferenceFormat.MARKDOWN: "md",
}


def render_references(
    form: ReferenceFormat,
    papers: Iterable[SavedPaper],
    confirmed_ids: Collection[int],
    *,
    is_keyed_by_id: bool = False,
) -> str:
    """Render saved papers as a file of references, in the given order.

    `confirmed_ids` are the papers whose authors come from arXiv. BibTeX marks the others. `is_keyed_by_id`: see `BibtexFile`.
    """
    if form is ReferenceFormat.BIBTEX:
        file = BibtexFile(is_keyed_by_id=is_keyed_by_id)
        for paper in map(_clean, papers):
            file.add(
                paper.key,
                paper.title,
                paper.authors,
                truncated=paper.authors_truncated,
                is_order_confirmed=paper.id in confirmed_ids or not paper.is_listed,
                note=paper.note,
                tags=paper.tags,
                is_latex=False,
                comment=paper.comment,
                journal=paper.journal,
                published_on=paper.published_on,
            )
        return file.render()
    start, between, render, end = _REFERENCES[form]
    return start + between.join(map(render, map(_clean, papers))) + end


def _clean(paper: SavedPaper) -> SavedPaper:
    """Return a paper with its title ("" if unknown), its authors' names and arXiv's words as plain text on one line each."""
    names = tuple(filter(None, map(discord_text.to_single_line, paper.authors)))
    state = describe_state(paper.comment, paper.withdrawn_by)
    comment, journal = (
        text and discord_text.to_single_line(typesetting.render_title(text))
        for text in (state, paper.journal)
    )
    title = discord_text.to_single_line(typography.to_plain_text(paper.title or ""))
    return replace(paper, title=title, authors=names, comment=comment, journal=journal)


_RIS_TYPES: Mapping[schemes.Kind | None, str] = {
    None: "GEN",
    schemes.Kind.PREPRINT: "GEN",
    schemes.Kind.CONFERENCE: "CPAPER",
    schemes.Kind.ARTICLE: "JOUR",
}


def _ris_reference(paper: SavedPaper) -> str:
    fields = [
        ("TY", _RIS_TYPES[schemes.kind_of(paper.key)]),
        ("ID", make_key(paper.key)),
        *([("TI", paper.title)] if paper.title else []),
        *(("AU", _ris_name(name)) for name in paper.authors),
        *([("PY", year)] if (year := year_of(paper.key, paper.published_on)) else []),
        *([("PB", publisher)] if (publisher := schemes.publisher_of(paper.key)) else []),
        *([("M1", f"arXiv:{paper.key}")] if paper.arxiv_id else []),
        *([("DO", doi)] if (doi := schemes.doi_of(paper.key)) else []),
        ("UR", schemes.page_url(paper.key)),
        *([("JO", paper.journal)] if paper.journal else []),
        *([("C1", paper.comment)] if paper.comment else []),
        *(("KW", tag) for tag in paper.tags),
        *(("N1", line) for line in paper.note.splitlines()),
    ]
    return "".join(f"{tag}  - {value}\n" for tag, value in fields) + "ER  - \n\n"


def _ris_name(name: str) -> str:
    family, given, suffix = people.split_name(name)
    # The suffix is the third part, so an empty second part must stay.
    return ", ".join([family, given, suffix] if suffix else filter(None, [family, given]))


_CSL_TYPES: Mapping[schemes.Kind | None, str] = {
    schemes.Kind.CONFERENCE: "paper-conference",
    schemes.Kind.ARTICLE: "article-journal",
}


def _csl_reference(paper: SavedPaper) -> str:
    year = year_of(paper.key, paper.published_on)
    item = {
        "id": make_key(paper.key),
        "type": _CSL_TYPES.get(schemes.kind_of(paper.key), "article"),
        "title": paper.title,
        "author": list(map(_csl_name, paper.authors)),
        "issued": {"date-parts": [[int(year)]]} if year else None,
        "number": paper.arxiv_id and f"arXiv:{paper.key}",
        "publisher": schemes.publisher_of(paper.key),
        "DOI": schemes.doi_of(paper.key),
        "URL": schemes.page_url(paper.key),
        "container-title": paper.journal,
        "annote": paper.comment,
        "keyword": ", ".join(paper.tags),
        "note": paper.note,
    }
    filled = {name: value for name, value in item.items() if value}
    return " " + json.dumps(filled, ensure_ascii=False, indent=1).replace("\n", "\n ")


def to_zotero(paper: SavedPaper, abstract: str | None, published_on: date | None) -> dict[str, Any]:
    """Return a paper as an item of Zotero (API version 3). Without its date of publication, it has its key's year."""
    paper = _clean(paper)
    published = paper.journal or ""
    archive_id = f"arXiv:{paper.key}" if paper.arxiv_id else schemes.spell(paper.key)
    preprint = {"repository": schemes.publisher_of(paper.key) or published, "archiveID": archive_id}
    types: Mapping[schemes.Kind | None, tuple[str, dict[str, str]]] = {
        schemes.Kind.CONFERENCE: ("conferencePaper", {"proceedingsTitle": published}),
        schemes.Kind.ARTICLE: ("journalArticle", {"publicationTitle": published}),
    }
    item_type, further = types.get(schemes.kind_of(paper.key), ("preprint", preprint))
    return {
        "itemType": item_type,
        "title": paper.title,
        "creators": [{"creatorType": "author", **_zotero_name(name)} for name in paper.authors],
        "abstractNote": discord_text.to_single_line(typography.to_plain_text(abstract or "")),
        "date": published_on.isoformat() if published_on else year_of(paper.key),
        **further,
        "DOI": schemes.doi_of(paper.key) or "",
        "url": schemes.page_url(paper.key),
        "extra": paper.comment or "",
        "tags": [{"tag": tag} for tag in paper.tags],
    }


def _zotero_name(name: str) -> dict[str, str]:
    family, given, suffix = people.split_name(name)
    if not given:
        return {"name": name}
    return {"lastName": family, "firstName": ", ".join(filter(None, (given, suffix)))}


def _csl_name(name: str) -> dict[str, str]:
    parts = dict(zip(("family", "given", "suffix"), people.split_name(name), strict=True))
    return {key: text for key, text in parts.items() if text} if parts["given"] else {"literal": name}


_REFERENCE_COLUMNS = (
    "id",
    "arxiv_id",
    "title",
    "authors",
    "year",
    "url",
    "tags",
    "note",
    "journal",
    "comment",
    "key",
    "doi",
)


def _csv_reference(paper: SavedPaper) -> str:
    key, names, tags = paper.key, "; ".join(paper.authors), ", ".join(paper.tags)
    year, url = year_of(key, paper.published_on), schemes.page_url(key)
    known = make_key(key), paper.arxiv_id, paper.title, names, year, url
    return _csv_line([*known, tags, paper.note, paper.journal, paper.comment, key, schemes.doi_of(key)])


def _markdown_reference(paper: SavedPaper) -> str:
    link = discord_text.masked_link(paper.title or schemes.short_name(paper.key), schemes.page_url(paper.key))
    year, names, tags = (
        year_of(paper.key, paper.published_on),
        ", ".join(paper.authors),
        ", ".join(paper.tags),
    )
    facts = [names, year, paper.journal, paper.comment, tags]
    lines = [" · ".join(filter(None, facts)), *filter(None, paper.note.splitlines())]
    return f"- {link}\n" + "".join(f"  {discord_text.escape_text(line)}\n" for line in lines)


_REFERENCES: Mapping[ReferenceFormat, tuple[str, str, Callable[[SavedPaper], str], str]] = {
    ReferenceFormat.RIS: ("", "", _ris_reference, ""),
    ReferenceFormat.CSL: ("[\n", ",\n", _csl_reference, "\n]\n"),
    # Excel reads Hangul only after a byte order mark.
    ReferenceFormat.CSV: (f"\ufeff{_csv_line(_REFERENCE_COLUMNS)}", "", _csv_reference, ""),
    ReferenceFormat.MARKDOWN: ("", "", _markdown_reference, ""),
}
"""For each format but BibTeX: the start of the file, the separator, the renderer of a reference, and the end."""
