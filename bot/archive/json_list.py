"""Lists of papers in JSON and JSON Lines: objects with the id of a paper, by the names that services give their fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from bot.archive import arxiv_ids, fields, listing, paper_list
from bot.archive import headings as archive_headings
from storage.models import Digest, Problem

_ID_FIELDS = (
    "arxiv_id", "arxivId", "arxiv", "paper_id", "paperId", "id", "entry_id", "url", "link", "abs", "abs_url", "arxiv_url",
    "paper_url", "pdf", "pdf_url", "pdfUrl", "pdf_link", "href", "arxiv_link", "hf_url",
)  # fmt: skip
_TITLE_FIELDS = ("title", "paper_title", "original_title", "title_en", "name")
_DATE_FIELDS = (
    "date",
    "submittedOnDailyAt",
    "publishedAt",
    "published",
    "published_at",
    "published_date",
    "publish_date",
    "updated",
)
_TEXT_FIELDS = {
    "tldr": "TL;DR", "tl;dr": "TL;DR", "TLDR": "TL;DR", "ai_summary": None, "summary_ai": None, "motivation": "Motivation",
    "method": "Method", "result": "Result", "results": "Results", "conclusion": "Conclusion", "summary_zh": "摘要",
    "summary_cn": "摘要",    "abstract_zh": "摘要", "translation": None, "description": None, "reason": "Reason",
    "highlights": "Highlights",
    "summary": None, "abstract": "Abstract",
}  # fmt: skip
_MAX_VALUES = 2_000_000


class _Found(NamedTuple):
    """A paper, or a text in Markdown (`paper` is None) that may have some, with the date of the object around it."""

    paper: Mapping[str, Any] | None
    on: date | None
    line: int
    text: str = ""


def parse(text: str, name: str, on: date | None) -> tuple[Digest, ...]:
    """The digests of a text of JSON values: listings as they are, and otherwise the papers in its objects.

    `name` and `on` are as in `parse.parse_text`. Raises NotADigestError, with the reason, if there are none.
    """
    values = list(listing.read_values(text))
    if any(listing.is_record(value) for _, value in values):
        return listing.build_records(values)
    path_on = paper_list.find_path_date(name)
    if service := _read_answer(values):
        day = path_on or _newest_day(service) or on
        if day:
            return (listing.build(day, service, read=listing.from_service),)
    found, problems = list[_Found](), list[Problem]()
    for line, value in values:
        found += _find_papers(value, line)
    papers = [
        (item.on or path_on or _own_date(item.paper), item.line, _to_record(item.paper))
        for item in found
        if item.paper is not None
    ]
    rows = [row for item in found if item.paper is None for row in ["", *item.text.strip().split("\n")]]
    if not papers and rows:
        return paper_list.parse(rows, name, on)
    if not papers:
        # Most JSON is no list: the reason is that of the first value.
        return listing.build_records(values)
    return paper_list.build_digests(papers, on, problems)


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
    """Find the objects with the id of a paper, outermost first and in order, without recursion."""
    stack: list[tuple[str, object, date | None]] = [("", value, None)]
    for _ in range(_MAX_VALUES):
        if not stack:
            return
        key, item, on = stack.pop()
        if isinstance(item, Mapping):
            inner = item.get("paper")
            paper = {**item, **inner} if isinstance(inner, Mapping) else item
            arxiv_id = _find_id(paper) or arxiv_ids.parse_bare_id(key)
            if arxiv_id:
                yield _Found({**paper, "arxiv_id": arxiv_id}, on, line)
                continue
            on = paper_list.find_date(str(item["date"])) or on if isinstance(item.get("date"), str) else on
            stack += [
                (str(name), child, on or paper_list.find_date(str(name)[:40]))
                for name, child in reversed([*item.items()])
            ]
        elif isinstance(item, list):
            stack += [("", child, on) for child in reversed(item)]
        elif isinstance(item, str) and len(item) > 20:
            yield _Found(None, on, line, item)


def _find_id(paper: Mapping[str, Any]) -> str | None:
    for name in _ID_FIELDS:
        value = paper.get(name)
        if isinstance(value, str) and len(value) < 300:
            if arxiv_id := arxiv_ids.extract_arxiv_id(value):
                return arxiv_id
            if found := arxiv_ids.find_ids(value):
                return found[0][0]
    return None


def _own_date(paper: Mapping[str, Any]) -> date | None:
    values = (paper.get(name) for name in _DATE_FIELDS)
    return next(
        (on for value in values if isinstance(value, str) and (on := paper_list.find_date(value[:40]))), None
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
    titles = (paper.get(name) for name in _TITLE_FIELDS)
    title = next((value for value in titles if isinstance(value, str)), None)
    record = dict(listing.from_service(paper) or {})
    return {
        **record,
        "arxiv_id": paper["arxiv_id"],
        "title": paper_list.as_title(title, 1) if title else None,
        "authors": _authors(paper.get("authors", paper.get("author"))),
        "votes": next(
            (
                value
                for name in ("upvotes", "votes", "likes", "score")
                if isinstance(value := paper.get(name), int)
            ),
            None,
        ),
        "thumbnail": record.get("thumbnail") or paper.get("thumbnailUrl") or paper.get("image"),
        "summary": None,
        "sections": sections,
    }


def _authors(value: object) -> list[str]:
    if isinstance(value, str):
        return list(archive_headings.parse_authors(value)[0])
    names = (
        [item.get("name") if isinstance(item, Mapping) else item for item in value]
        if isinstance(value, list)
        else []
    )
    return [name.strip(" ,;") for name in names if isinstance(name, str)]
