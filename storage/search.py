"""Read data for lookups in plain SQL, without SQLAlchemy: papers, their authors and changes, and the glossary.

The index is a folder next to the database (`bot.search.index`). Each change to papers has a number.
"""

from __future__ import annotations

import json
import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from storage import withdrawals
from storage.models import IndexDocument, PaperRow, Section, intern_name, label_key
from storage.snapshot import Snapshot, parse_date


@dataclass(frozen=True, slots=True)
class Author:
    """An author. The key is the case-folded name."""

    id: int
    key: str
    name: str
    paper_count: int


# Changes to papers, which the index follows.

# A change is written as its number with a random token, such as "3:f0e1". After a backup is restored, the same number
# gets another token.

MAX_CHANGES = 1000
"""The number of latest changes that the database knows."""


def number_of(change: str) -> int:
    """Return a change's number, counted from 1; 0 for "", which means no change yet."""
    return int(change.partition(":")[0] or 0)


def get_change(snapshot: Snapshot) -> str:
    """Return the last change to papers. Cheap enough for every lookup."""
    rows = snapshot.fetch("SELECT number, token FROM paper_changes ORDER BY number DESC LIMIT 1")
    return "".join(f"{number}:{token}" for number, token in rows)


def has_change(snapshot: Snapshot, change: str) -> bool:
    """Return whether a change is among the database's latest changes. If not, a backup was restored."""
    number, token = number_of(change), change.partition(":")[2]
    known = "SELECT 1 FROM paper_changes WHERE number = ? AND token = ?"
    return not change or bool(snapshot.fetch(known, number, token))


Place = tuple[int, int]
"""A paper's position in `list_changed`: its last change and its id."""


def list_changed(snapshot: Snapshot, *, since: int, before: Place, limit: int) -> list[Place]:
    """Return the papers changed since a change that follow `before`, the last changed first, also those in no digest."""
    where = "WHERE changed > ? AND (changed, id) < (?, ?) ORDER BY changed DESC, id DESC LIMIT ?"
    rows = snapshot.fetch(f"SELECT changed, id FROM papers {where}", since, *before, limit)  # noqa: S608
    return [(number, paper_id) for number, paper_id in rows]


def list_documents(
    snapshot: Snapshot,
    paper_ids: Sequence[int],
    select_shown: Callable[[tuple[Section, ...]], Iterable[Section]],
    *,
    also_unlisted: bool = False,
) -> list[IndexDocument]:
    """Return the index documents of those of the given papers that a digest lists, or of all but hidden ones, in any order.

    `select_shown` selects the sections of a summary that readers see.
    """
    statement = (
        "SELECT entries.id, entries.paper_id, date_on, summary_missing FROM entries"
        " JOIN digests ON digests.id = entries.digest_id WHERE %s ORDER BY date_on DESC, digest_id DESC, rank"
    )
    listed = snapshot.fetch_in(statement, "entries.paper_id", paper_ids)
    days: dict[int, dict[date, None]] = defaultdict(dict)
    for _, paper_id, date_on, _ in listed:
        days[paper_id][parse_date(date_on)] = None
    entries = [(entry_id, paper_id) for entry_id, paper_id, _, is_missing in listed if not is_missing]
    written: dict[int, list[Section]] = defaultdict(list)
    statement = "SELECT entry_id, heading, body FROM sections WHERE %s ORDER BY entry_id, position"
    for entry_id, heading, body in snapshot.fetch_in(statement, "entry_id", [id_ for id_, _ in entries]):
        written[entry_id].append(Section(heading, body))
    sections: dict[int, dict[Section, None]] = defaultdict(dict)
    for entry_id, paper_id in entries:
        sections[paper_id].update(dict.fromkeys(select_shown(tuple(written[entry_id]))))
    columns = "id, key, title, abstract, keywords, organization, affiliations, votes"
    statement = f"SELECT {columns} FROM papers WHERE %s"  # noqa: S608 - constants
    statement += " AND NOT hidden" if also_unlisted else " AND last_on IS NOT NULL"
    return [
        IndexDocument(
            id=id_,
            key=paper_key,
            title=title,
            sections=tuple(sections[id_]),
            abstract=abstract,
            keywords=tuple(_parse_json(keywords)),
            votes=votes,
            days=tuple(days[id_]),
            institutions=(*((organization,) if organization else ()), *_parse_json(affiliations)),
        )
        for id_, paper_key, title, abstract, keywords, organization, affiliations, votes in (
            snapshot.fetch_in(statement, "id", paper_ids)
        )
    ]


_PIECE = re.compile(r"[^\W\d_가-힣]+|[가-힣]|\d+")
"""What a spelling is compared by, without spaces, hyphens and case: Orca-9 is orca9."""
_TEXTS_LIKE = (
    "SELECT heading || ' ' || body FROM sections JOIN entries ON entries.id = entry_id JOIN papers ON papers.id = paper_id"
    " WHERE heading || ' ' || body LIKE ? AND last_on IS NOT NULL",
    "SELECT entries.title FROM entries JOIN papers ON papers.id = paper_id WHERE entries.title LIKE ? AND last_on IS NOT NULL",
    "SELECT text FROM (SELECT COALESCE(title, '') || ' ' || COALESCE(abstract, '') || ' ' || CAST(keywords AS TEXT)"
    " || CAST(affiliations AS TEXT) AS text FROM papers WHERE last_on IS NOT NULL) AS facts WHERE text LIKE ?",
)


def mentions(snapshot: Snapshot, name: str) -> bool:
    """Return whether any text of a listed paper, of its summaries or of its kept full text has a name in any spelling.

    A paper that was only looked up does not count: the answer would reveal that another reader looked it up. A hidden one is
    not listed.
    """
    pieces = _PIECE.findall(name)
    if not pieces:
        return False
    spelled, pattern = re.compile(r"[\W_]{0,2}".join(pieces), re.IGNORECASE), f"%{'%'.join(pieces)}%"
    for statement in _TEXTS_LIKE:
        statement = statement if snapshot.is_sqlite else statement.replace("LIKE", "ILIKE")
        if any(spelled.search(text) for (text,) in snapshot.fetch(statement, pattern)):
            return True
    kept = snapshot.fetch(
        "SELECT text FROM paper_texts WHERE paper_key IN (SELECT key FROM papers WHERE last_on IS NOT NULL)"
    )
    return any(spelled.search(zlib.decompress(text).decode()) for (text,) in kept)


def _parse_json(value: Any) -> list[str]:
    if value == "[]":
        return []  # most papers have no keywords
    found: list[str] = _load_json(value)
    return found


def _load_json(value: Any) -> Any:
    """Return a value of a JSON column, which SQLite gives as text."""
    return json.loads(value) if isinstance(value, str) else value


def list_authors_of(snapshot: Snapshot, paper_ids: Iterable[int]) -> list[Author]:
    """Return the distinct authors of the given papers."""
    statement = "SELECT DISTINCT author_id FROM paper_authors WHERE %s"
    ids = {author_id for (author_id,) in snapshot.fetch_in(statement, "paper_id", paper_ids)}
    return list(list_authors(snapshot, ids).values())


def list_authors(snapshot: Snapshot, author_ids: Iterable[int]) -> dict[int, Author]:
    """Return the given authors who have papers, keyed by id."""
    statement = "SELECT id, key, name, paper_count FROM authors WHERE %s AND paper_count > 0"
    return {row[0]: Author(*row) for row in snapshot.fetch_in(statement, "id", author_ids)}


def list_most_published(snapshot: Snapshot, *, limit: int) -> list[Author]:
    statement = "SELECT id, key, name, paper_count FROM authors ORDER BY paper_count DESC, id LIMIT ?"
    return [Author(*row) for row in snapshot.fetch(statement, limit)]


# The glossary, which `storage.glossary` writes.

GLOSSARY_DECISIONS = "glossary:decisions"
"""The key of the operator's decisions as JSON: rows of (English term, form, whether the form was added)."""


def get_glossary_version(snapshot: Snapshot) -> str:
    """Return a value that changes with each induction and decision. Cheap enough for every search."""
    statement = "SELECT (SELECT made_at FROM glossary), (SELECT value FROM meta WHERE key = ?)"
    return str(snapshot.fetch(statement, GLOSSARY_DECISIONS))


def list_glossary_decisions(snapshot: Snapshot) -> list[tuple[str, str, bool]]:
    """Return the operator's decisions, oldest first, as (English term, form, whether the form was added)."""
    rows = snapshot.fetch("SELECT value FROM meta WHERE key = ?", GLOSSARY_DECISIONS)
    return [(term, form, is_form) for (value,) in rows for term, form, is_form in json.loads(value)]


def get_glossary(snapshot: Snapshot) -> tuple[int, str] | None:
    """Return the number of papers that the stored glossary was learnt from, and its JSON, or None."""
    rows = snapshot.fetch("SELECT papers, data FROM glossary")
    return next(((papers, zlib.decompress(data).decode()) for papers, data in rows), None)


# Papers and authors in results.


def list_paper_rows(
    snapshot: Snapshot,
    paper_ids: Sequence[int],
    scores: Mapping[int, float] = MappingProxyType({}),
    *,
    with_authors: bool = True,
    until_on: date | None = None,
) -> list[PaperRow]:
    """Return those of the given papers that a digest lists, in order. Authors are optional: a paper may have thousands.

    A row's date is that of the last digest with the paper, of those up to `until_on` if there are any.
    """
    listed_on = _list_last_days(snapshot, paper_ids, until_on) if until_on else {}
    names = "authors" if with_authors else "'[]'"
    find = "instr" if snapshot.is_sqlite else "strpos"
    telling = []
    for column in ("abstract", "comment"):
        conditions = " OR ".join(f"{find}({column}, '{stem}') > 0" for stem in withdrawals.STEMS)
        telling.append(f"CASE WHEN {conditions} THEN {column} END")
    statement = (
        f"SELECT id, key, title, url, last_on, votes, {names}, thumbnail, authors_truncated,"  # noqa: S608 - constants
        f" {', '.join(telling)} FROM papers WHERE %s AND last_on IS NOT NULL"
    )
    rows = {}
    for id_, paper_key, title, url, last_on, votes, listed, thumbnail, truncated, *texts in snapshot.fetch_in(
        statement, "id", paper_ids
    ):
        authors = tuple(map(intern_name, _parse_json(listed)))
        day, score = listed_on.get(id_) or parse_date(last_on), scores.get(id_, 0.0)
        rows[id_] = PaperRow(
            *(id_, paper_key, title, url, day, votes, authors, thumbnail, score),
            bool(truncated),
            withdrawals.find_withdrawal(*texts),
        )
    return [rows[paper_id] for paper_id in paper_ids if paper_id in rows]


def _list_last_days(snapshot: Snapshot, paper_ids: Sequence[int], until_on: date) -> dict[int, date]:
    """Return the date of the last digest up to a date with each paper, keyed by paper id."""
    statement = (
        "SELECT paper_id, max(date_on) FROM entries JOIN digests ON digests.id = digest_id"
        " WHERE %s AND date_on <= ? GROUP BY paper_id"
    )
    until = until_on.isoformat() if snapshot.is_sqlite else until_on
    rows = snapshot.fetch_in(statement, "paper_id", paper_ids, until)
    return {paper_id: parse_date(on) for paper_id, on in rows}


def get_paper_ids(snapshot: Snapshot, paper_keys: Iterable[str]) -> dict[str, int]:
    """Return the ids of papers by their keys, or by their further names."""
    wanted = [*paper_keys]
    ids: dict[str, int] = dict(snapshot.fetch_in("SELECT key, id FROM papers WHERE %s", "key", wanted))
    others = [name for name in wanted if name not in ids]
    named = "SELECT name, paper_id FROM paper_names WHERE %s"
    return ids | dict(snapshot.fetch_in(named, "name", others)) if others else ids


def list_labelled(
    snapshot: Snapshot, labels: Iterable[str] | None = None, paper_ids: Iterable[int] | None = None
) -> dict[str, set[int]]:
    """Return the papers of sources with labels, by `label_key`: of all or the given labels, and of all or the given papers."""
    keys = None if labels is None else {*map(label_key, labels)}
    stored = snapshot.fetch("SELECT url, options FROM sources")
    by_url = {url: label_key(_load_json(options).get("label", "")) for url, options in stored}
    by_url = {url: key for url, key in by_url.items() if key and (keys is None or key in keys)}
    statement = (
        "SELECT DISTINCT source, paper_id FROM entries JOIN digests ON digests.id = digest_id WHERE %s"
    )
    chosen = ("source", by_url) if paper_ids is None else ("paper_id", paper_ids)
    papers: dict[str, set[int]] = defaultdict(set)
    for url, paper_id in snapshot.fetch_in(statement, *chosen) if by_url else ():
        if url in by_url:
            papers[by_url[url]].add(paper_id)
    return papers


def get_current_keys(snapshot: Snapshot, paper_keys: Iterable[str]) -> dict[str, str]:
    """Return the keys of papers by those of `paper_keys` that are further names of them."""
    statement = "SELECT name, key FROM paper_names JOIN papers ON papers.id = paper_id WHERE %s"
    return dict(snapshot.fetch_in(statement, "name", paper_keys))


def count_listed(snapshot: Snapshot) -> int:
    ((number,),) = snapshot.fetch("SELECT count(*) FROM papers WHERE last_on IS NOT NULL")
    return int(number)


def list_paper_ids(snapshot: Snapshot, author_ids: Sequence[int]) -> list[int]:
    """Return the ids of papers written by any of these authors."""
    rows = snapshot.fetch_in("SELECT DISTINCT paper_id FROM paper_authors WHERE %s", "author_id", author_ids)
    return [paper_id for (paper_id,) in rows]


def list_spellings(snapshot: Snapshot, author_ids: Iterable[int]) -> list[tuple[int, str]]:
    """Return the spellings of authors' names on papers, each as (author id, name)."""
    statement = "SELECT DISTINCT author_id, name FROM paper_authors WHERE %s"
    return [(author_id, name) for author_id, name in snapshot.fetch_in(statement, "author_id", author_ids)]
