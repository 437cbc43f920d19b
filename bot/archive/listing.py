"""The listing format: a JSON object with one day's papers, from a service or from the author of a *list*.

Its text is generated here rather than stored as received; JSON from services is read by their field names.
Votes and other counts are part of the text but not of the listing's identity: they change all day, so a
change of counts is not a correction.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from bot.archive import arxiv_ids, fields, schemes, sorting, summaries
from bot.text import plain
from storage import errors
from storage.models import (
    Digest,
    DigestFormat,
    Entry,
    PaperFacts,
    Problem,
    Section,
    Skipped,
    SkipReason,
    scheme_of,
)

MAX_SUMMARY_LENGTH = 4_000
"""Characters of a summary, which is usually one sentence."""

_SPACE = re.compile(r"\s*")
Paper = dict[str, Any]
"""A cleaned paper: `key`, perhaps `names` (further keys), and the known fields of `_CLEANERS`."""


FORMATS = frozenset({DigestFormat.LISTING, DigestFormat.LIST, DigestFormat.LOOKUP})
"""The formats whose text this module generates."""
INVALID_JSON = "it begins like JSON but is not valid"


def build_records(
    values: Sequence[tuple[int, object]], listing_form: DigestFormat = DigestFormat.LISTING
) -> tuple[Digest, ...]:
    """Build listings from JSON values in order, one per date. A service's listings get `listing_form`.

    Other values become problems of the first listing. Raises NotADigestError if there is no listing.
    """
    papers_by_day: dict[tuple[DigestFormat, date], list[tuple[int, object]]] = {}
    problems: list[Problem] = []
    for line, record in values:
        day, papers = _read_record(record)
        if isinstance(day, str):
            problems.append(Problem(line, day))
        else:
            form, on = day
            form = listing_form if form is DigestFormat.LISTING else form
            papers_by_day.setdefault((form, on), []).extend((line, paper) for paper in papers)
    if not papers_by_day:
        raise errors.NotADigestError(problems[0].message, problems[0].line)
    return tuple(
        build(
            on,
            (paper for _, paper in numbered),
            [line for line, _ in numbered],
            () if number else problems,
            form=form,
        )
        for number, ((form, on), numbered) in enumerate(papers_by_day.items())
    )


def build(
    on: date,
    papers: Iterable[object],
    lines: Sequence[int] = (),
    problems: Sequence[Problem] = (),
    *,
    form: DigestFormat = DigestFormat.LISTING,
    is_rolling: bool = False,
    first: int = 1,
) -> Digest:
    """Build a day's listing from uncleaned objects with the fields of `Paper`.

    `lines` are their line numbers; `first` is the first one's place in the list. Repeated papers and papers without a
    key are problems.
    """
    all_problems = list(problems)
    by_id: dict[str, Paper] = {}
    for number, raw in enumerate(papers, first):
        line = lines[number - first] if lines else 1
        paper = raw if isinstance(raw, Skipped) else sorting.attempt(_clean_paper, raw)
        if isinstance(paper, Skipped):
            message = f"paper {number} of the list is left out: {' '.join(paper.examples)}"
            all_problems.append(Problem(line, message, paper.reason))
        elif isinstance(paper, str):
            message = f"paper {number} of the list {paper} and is left out"
            all_problems.append(Problem(line, message, SkipReason.NO_ID))
        elif paper["key"] in by_id:
            message = f"{paper['key']} is listed again; the first entry counts"
            all_problems.append(Problem(line, message, SkipReason.REPEATED))
        else:
            by_id[paper["key"]] = paper
    return _build_cleaned(form, on, list(by_id.values()), tuple(all_problems), is_rolling=is_rolling)


def papers_of(text: str) -> list[Paper]:
    """Return the papers in a listing's text, in which a key that is an arXiv id is called so."""
    return [
        {"key": paper.pop("arxiv_id", None) or paper["key"], **paper} for paper in json.loads(text)["papers"]
    ]


def to_facts(paper: Paper, source: str, location: str, read_at: datetime, **values: Any) -> PaperFacts:
    """Return the facts of a listed paper, without its votes. `values` are other fields."""
    texts = ("title", "abstract", "thumbnail", "code_url", "project_url", "organization", "code_stars")
    facts: dict[str, Any] = {name: paper.get(name) for name in texts}
    facts |= {name: tuple(paper.get(name, ())) for name in ("authors", "keywords", "media")}
    facts |= {"published_on": fields.clean_date(paper.get("published_on")), **values}
    return PaperFacts(paper["key"], source, location, read_at, **facts)


def identity(digest: Digest) -> str:
    """Return a listing's identity: its papers sorted by id, with their further ids, without votes and other counts."""
    rows = []
    for entry in sorted(digest.entries, key=lambda entry: entry.paper_key):
        texts = [part.body for part in entry.sections]
        # Without further ids as in earlier versions, whose hashes are stored.
        row = [entry.paper_key, entry.title, entry.authors, entry.thumbnail, texts, *sorted(entry.names)]
        rows.append(row)
    return json.dumps([digest.format, digest.date.isoformat(), rows], ensure_ascii=False)


def union(digest: Digest, former_text: str, moved: Collection[str]) -> Digest:
    """Add papers and fields that exist only in the listing's former text. Of the papers in `moved` only fields are added."""
    papers = {paper["key"]: paper for paper in papers_of(digest.text)}
    for paper in papers_of(former_text):
        if paper["key"] in papers or paper["key"] not in moved:
            papers[paper["key"]] = paper | papers.get(paper["key"], {})
    return _build_cleaned(digest.format, digest.date, list(papers.values()), digest.problems)


def join(pages: Sequence[Digest]) -> Digest:
    """Join the pages of a day's listing. Of a paper that is on two, the first entry counts."""
    papers: dict[str, Paper] = {}
    for paper in (paper for page in pages for paper in papers_of(page.text)):
        papers.setdefault(paper["key"], paper)
    problems = tuple(problem for page in pages for problem in page.problems)
    return _build_cleaned(pages[0].format, pages[0].date, list(papers.values()), problems)


def keep(digest: Digest, on: date, is_kept: Callable[[str], bool]) -> Digest:
    """Change a listing's date, and keep only the papers whose keys pass `is_kept`."""
    papers = [paper for paper in papers_of(digest.text) if is_kept(paper["key"])]
    return _build_cleaned(digest.format, on, papers, digest.problems, is_rolling=digest.is_rolling)


def read_values(text: str) -> Iterator[tuple[int, object]]:
    """Yield each JSON value in a text with its line number. Raises NotADigestError for invalid JSON."""
    decoder = json.JSONDecoder(strict=False)  # with tabs and line breaks in strings
    position = _skip_space(text, 0)
    line = 1 + text.count("\n", 0, position)
    while position < len(text):
        try:
            record, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            offset = error.pos if isinstance(error, json.JSONDecodeError) else position
            row = line + text.count("\n", position, offset)
            raise errors.NotADigestError(INVALID_JSON, row) from None
        yield line, record
        following = _skip_space(text, end)
        line += text.count("\n", position, following)
        position = following


def _skip_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def is_record(value: object) -> bool:
    return isinstance(value, Mapping) and value.get("format") in [form.value for form in FORMATS]


def _read_record(record: object) -> tuple[tuple[DigestFormat, date] | str, list[object]]:
    """Return a listing's format, date and papers, or the reason why the value is not a listing."""
    if not isinstance(record, Mapping) or not is_record(record):
        return 'it is JSON, but not a listing: its "format" is not "listing"', []
    on, papers = fields.clean_date(record.get("date")), record.get("papers")
    if on is None:
        return 'the listing has no "date" such as 2025-02-06', []
    if not isinstance(papers, list):
        return 'the listing has no list of "papers"', []
    return (DigestFormat(record["format"]), on), papers


def from_service(item: object) -> Mapping[str, Any] | None:
    """Convert an item of Hugging Face's API to the fields of `Paper`, uncleaned; None for a non-object."""
    if not isinstance(item, Mapping):
        return None
    paper = get_mapping(item, "paper") or item
    authors = paper.get("authors")
    organization = get_mapping(paper, "organization") or get_mapping(item, "organization")
    submitter = get_mapping(paper, "submittedOnDailyBy") or get_mapping(item, "submittedBy")
    return {
        "arxiv_id": paper.get("id"),
        "title": paper.get("title") if isinstance(paper.get("title"), str) else item.get("title"),
        "votes": paper.get("upvotes"),
        "authors": [
            author.get("name")
            for author in (authors if isinstance(authors, list) else [])
            if isinstance(author, Mapping)
        ],
        "thumbnail": item.get("thumbnail"),
        "media": [
            address
            for medias in (paper.get("mediaUrls"), item.get("mediaUrls"))
            for address in (medias if isinstance(medias, list) else [])
        ],
        "summary": paper.get("ai_summary"),
        "abstract": paper.get("summary") or item.get("summary"),
        "keywords": paper.get("ai_keywords"),
        "organization": organization.get("fullname") or organization.get("name"),
        "code_url": paper.get("githubRepo"),
        "code_stars": paper.get("githubStars"),
        "project_url": paper.get("projectPage"),
        "comments": item.get("numComments", paper.get("numComments")),
        "submitter": submitter.get("fullname") or submitter.get("name"),
        "published_on": paper.get("publishedAt") or item.get("publishedAt"),
    }


def get_mapping(item: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = item.get(name)
    return value if isinstance(value, Mapping) else {}


def from_services(items: Iterable[object]) -> Iterator[Mapping[str, Any] | Skipped | None]:
    """Convert the items of Hugging Face's API, see `from_service`."""
    return (sorting.attempt(from_service, item) for item in items)


def _clean_paper(raw: object) -> Paper | str:
    """Return a paper with cleaned fields, or the reason why it is invalid."""
    if not isinstance(raw, Mapping):
        return "is not an object"
    name = fields.clean_line(raw.get("key") or raw.get("arxiv_id"), schemes.MAX_BYTES + 1)
    if name is None:
        return "has no id"
    paper_key = schemes.read_key(name)
    if paper_key is None:
        return f"has an invalid ID ({name[:40]})"
    cleaned = {key: clean(raw[key]) for key, clean in _CLEANERS.items() if key in raw}
    return {"key": paper_key, **{key: value for key, value in cleaned.items() if value not in (None, [])}}


def _clean_summary(value: object) -> str | None:
    """Return a summary in paragraphs, cut if too long, or None if it is empty or an HTML page."""
    text = fields.clean_paragraph(value) or ""
    is_page = text.lower().startswith(("<!doctype", "<html"))
    return None if is_page or not text else plain.cut(text, MAX_SUMMARY_LENGTH)


_CLEANERS: Mapping[str, Any] = {
    "names": lambda value: [*filter(None, map(schemes.read_key, fields.clean_labels(value)))],
    "title": fields.clean_line,
    "votes": fields.clean_votes,
    "authors": lambda value: list(fields.clean_names(value)),
    "thumbnail": fields.clean_url,
    "media": lambda value: list(fields.clean_media(value)),
    "summary": _clean_summary,
    "abstract": fields.clean_paragraph,
    "keywords": lambda value: list(fields.clean_labels(value)),
    "organization": lambda value: fields.clean_line(value, 200),
    "code_url": fields.clean_url,
    "code_stars": fields.clean_votes,
    "project_url": fields.clean_url,
    "comments": fields.clean_votes,
    "submitter": lambda value: fields.clean_line(value, 200),
    "published_on": lambda value: (on := fields.clean_date(value)) and on.isoformat(),
}
"""The fields besides the id. Each function returns None or an empty list for an invalid value."""


def _build_cleaned(
    form: DigestFormat,
    on: date,
    papers: Sequence[Paper],
    problems: tuple[Problem, ...],
    *,
    is_rolling: bool = False,
) -> Digest:
    entries = tuple(_entry(form, rank, paper) for rank, paper in enumerate(papers, 1))
    shown = [
        {"arxiv_id" if scheme_of(paper["key"]) == "arxiv" else "key": paper["key"]}
        | {name: value for name, value in paper.items() if name != "key"}
        for paper in papers
    ]
    record = {"format": form.value, "date": on.isoformat(), "papers": shown}
    text = json.dumps(record, ensure_ascii=False) + "\n"
    return Digest(form, on, entries, problems, text, is_rolling)


def _entry(form: DigestFormat, rank: int, paper: Paper) -> Entry:
    summary = paper.get("summary")
    # Not a link: its label could disguise the URL.
    sections = summaries.drop_refusal((Section(None, summary.replace("](", "] (")),) if summary else ())
    is_service, media = form is DigestFormat.LISTING, paper.get("media", ())
    return Entry(
        rank=rank,
        paper_key=paper["key"],
        names=tuple(paper.get("names", ())),
        title=paper.get("title"),
        url=(arxiv_ids.huggingface_url if is_service else schemes.page_url)(paper["key"]),
        votes=paper.get("votes"),
        authors=tuple(paper.get("authors", ())),
        thumbnail=paper.get("thumbnail") or next(filter(fields.is_picture, media), None),
        video=next(filter(fields.is_video, media), None),
        sections=sections,
        summary_missing=not sections,
    )
