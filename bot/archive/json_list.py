"""Lists of papers in JSON and JSON Lines: objects with the id of a paper, by the names that services give their fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain, islice
from typing import Any, NamedTuple

from bot.archive import arxiv_ids, fields, listing, paper_list
from bot.archive import headings as archive_headings
from storage import errors
from storage.models import Digest, DigestFormat

MAX_BRACKETS = 1_000_000
"""Objects and lists of a text: twenty for each of 50,000 papers. Twenty megabytes of empty ones take a gigabyte in Python."""

_ID_FIELDS = (
    "arxiv_id", "arxivId", "arxiv", "ArXiv", "paper_id", "paperId", "id", "entry_id", "url", "link", "abs", "doi",
)  # fmt: skip
_TITLE_FIELDS = ("title", "paper_title", "original_title", "title_en", "name")
_DATE_FIELD = re.compile(r"(?:date|publish|created|submitted|announced|\Aday\Z)", re.IGNORECASE)
_DOI = re.compile(r"10\.48550/arxiv\.", re.IGNORECASE)
_TEXT_FIELDS = {
    "tldr": "TL;DR", "tl;dr": "TL;DR", "TLDR": "TL;DR", "ai_summary": None, "summary_ai": None, "motivation": "Motivation",
    "method": "Method", "result": "Result", "results": "Results", "conclusion": "Conclusion", "summary_zh": "摘要",
    "summary_cn": "摘要", "abstract_zh": "摘要", "translation": None, "description": None, "reason": "Reason",
    "highlights": "Highlights", "summary": None, "content_text": None, "abstract": "Abstract",
}  # fmt: skip


class _Found(NamedTuple):
    """A paper, or a text in Markdown (`paper` is None) that may have some, with the date of the object around it."""

    paper: Mapping[str, Any] | None
    on: date | None
    line: int
    text: str = ""


def parse(text: str, name: str, on: date | None, listing_form: DigestFormat) -> tuple[Digest, ...]:
    """The digests of a text of JSON values: listings as they are, and otherwise the papers in its objects.

    `name`, `on` and `listing_form` are as in `parse.parse_text`. Raises NotADigestError, with the reason, if there are none.
    """
    if text.count("{") + text.count("[") > MAX_BRACKETS:
        raise errors.NotADigestError(f"its JSON has more than {MAX_BRACKETS:,} objects and lists")
    values = listing.read_values(text)
    head = list(islice(values, 2))
    if any(listing.is_record(value) for _, value in head):
        return listing.build_records([*head, *values], listing_form)
    path_on = archive_headings.find_path_date(name)
    if service := _read_answer(head):
        day = path_on or _newest_day(service) or on
        if day:
            return (listing.build(day, service, form=listing_form, read=listing.from_service),)
    found = (item for line, value in chain(head, values) for item in _find_papers(value, line))
    texts = list[_Found]()
    if digests := paper_list.build_digests(_read_papers(found, path_on, texts), on):
        return digests
    if texts:
        rows = [row for item in texts for row in ["", *item.text.strip().split("\n")]]
        dated = next((item.on for item in texts if item.on), None)
        return paper_list.parse(rows, dated.isoformat() if dated else name, on)
    # Most JSON is not a list: the reason is that of the first value.
    return listing.build_records(head)


def _read_papers(
    found: Iterable[_Found], path_on: date | None, texts: list[_Found]
) -> Iterator[tuple[int, date | None, listing.Paper]]:
    """Yield the papers among what is found, with their lines and dates, and add the texts to `texts`."""
    for item in found:
        if item.paper is None:
            texts.append(item)
        else:
            yield item.line, item.on or path_on or _find_date(item.paper), _to_record(item.paper)


def _read_answer(values: Sequence[tuple[int, object]]) -> list[Any]:
    """The items of a raw answer of Hugging Face, a list of objects that each have a `paper`; empty for other JSON."""
    if len(values) != 1 or not isinstance(values[0][1], list):
        return []
    items = values[0][1]
    is_answer = all(isinstance(item, Mapping) and isinstance(item.get("paper"), Mapping) for item in items)
    return items if is_answer else []


def _newest_day(items: Sequence[Any]) -> date | None:
    days = [
        fields.clean_date(item["paper"].get("submittedOnDailyAt") or item.get("publishedAt"))
        for item in items
    ]
    return max(filter(None, days), default=None)


def _find_papers(value: object, line: int) -> Iterator[_Found]:
    """Find the objects and rows with the id of a paper, outermost first and in order, without recursion."""
    stack: list[tuple[str, object, date | None]] = [("", value, None)]
    while stack:
        key, item, on = stack.pop()
        if isinstance(item, Mapping):
            inner = item.get("paper")
            paper = {**item, **inner} if isinstance(inner, Mapping) else item
            arxiv_id = arxiv_ids.parse_bare_id(key) or _find_id(paper)
            if arxiv_id:
                yield _Found({**paper, "arxiv_id": arxiv_id}, on, line)
                continue
            headers = (child for child in item.values() if isinstance(child, Mapping) and not _find_id(child))
            on = (
                _find_date(item)
                or on
                or next((found for head in headers if (found := _find_date(head))), None)
            )
            children = ((str(name), child) for name, child in reversed([*item.items()]))
            stack += [(name, child, on or archive_headings.find_date(name[:40])) for name, child in children]
        elif isinstance(item, list):
            arxiv_id = arxiv_ids.parse_bare_id(item[0]) if item and isinstance(item[0], str) else None
            if arxiv_id and len(item) > 1 and not _names_paper(item[1]):
                yield _Found({"arxiv_id": arxiv_id, "title": item[1]}, on, line)
            else:
                stack += [("", child, on) for child in reversed(item)]
        elif isinstance(item, str):
            arxiv_id = arxiv_ids.parse_bare_id(key) if not arxiv_ids.find_ids(item) else None
            if arxiv_id or _names_paper(item):
                yield _Found(
                    {"arxiv_id": arxiv_id or arxiv_ids.extract_arxiv_id(item), "title": item}, on, line
                )
            elif len(item) > 20:
                yield _Found(None, on, line, item)


def _names_paper(value: object) -> bool:
    """Whether a value is an id, or a link to a paper and nothing else."""
    return isinstance(value, str) and len(value) < 300 and " " not in value and _read_id(value) is not None


def _read_id(value: str) -> str | None:
    found = arxiv_ids.extract_arxiv_id(_DOI.sub("", value))
    return found or next((arxiv_id for arxiv_id, _ in arxiv_ids.find_ids(value)), None)


def _find_id(paper: Mapping[str, Any]) -> str | None:
    """The id of an object: in the fields that services give it, or, if the object has a title, in its only link to a paper."""
    for name in _ID_FIELDS:
        value = paper.get(name)
        if isinstance(value, str) and len(value) < 300 and (arxiv_id := _read_id(value)):
            return arxiv_id
    if _find_title(paper) is None:
        return None
    inner = (child for value in paper.values() if isinstance(value, Mapping) for child in value.values())
    links = {_read_id(value) for value in [*paper.values(), *inner] if _names_paper(value)}
    return links.pop() if len(links) == 1 else None


def _find_title(paper: Mapping[str, Any]) -> str | None:
    return next((value for name in _TITLE_FIELDS if isinstance(value := paper.get(name), str)), None)


def _find_date(item: Mapping[str, Any]) -> date | None:
    """The date in the fields of an object, rather not that of an update."""
    named = sorted(
        (name for name in item if _DATE_FIELD.search(name)), key=lambda name: "update" in name.lower()
    )
    values = (item[name] for name in named)
    return next(
        (on for value in values if isinstance(value, str) and (on := archive_headings.find_date(value[:40]))),
        None,
    )


def _to_record(paper: Mapping[str, Any]) -> listing.Paper:
    """An object of a service with the fields of a listing's paper, which `bot.archive.listing` cleans."""
    texts: Mapping[str, Any] = paper
    if isinstance(ai := paper.get("AI", paper.get("ai")), Mapping):
        texts = {**paper, **ai}
    sections, seen = [], set[str]()
    for name, heading in _TEXT_FIELDS.items():
        value = texts.get(name)
        if isinstance(value, str) and (body := value.strip()) and body[:200] not in seen:
            seen.add(body[:200])
            sections.append([heading, body[: paper_list.MAX_SECTION_LENGTH]])
    title = _find_title(paper)
    counts = (paper.get(name) for name in ("upvotes", "votes", "likes", "score"))
    record = dict(listing.from_service(paper) or {})
    return {
        **record,
        "arxiv_id": paper["arxiv_id"],
        "title": paper_list.as_title(title, 1) if title else None,
        "authors": _authors(paper.get("authors", paper.get("author"))),
        "votes": next((value for value in counts if isinstance(value, int)), None),
        "thumbnail": record.get("thumbnail") or paper.get("thumbnailUrl") or paper.get("image"),
        "summary": None,
        "sections": sections,
    }


def _authors(value: object) -> list[str]:
    if isinstance(value, str):
        return list(archive_headings.parse_authors(value)[0])
    items = value if isinstance(value, list) else []
    names = [item.get("name") if isinstance(item, Mapping) else item for item in items]
    return [name.strip(" ,;") for name in names if isinstance(name, str)]
