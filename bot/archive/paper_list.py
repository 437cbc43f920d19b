"""Parse other projects' lists of papers in Markdown or JSON: the arXiv ids of each day, with titles.

An id counts if it is in a link, in a table cell, or at either end of a short line; in prose it is only a
mention. A link's label is the title until arXiv's facts arrive. Papers without a date form a *rolling*
digest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain, islice
from typing import Any, NamedTuple

from bot.archive import arxiv_ids, fields, listing, markdown_lines
from storage import errors
from storage.models import Digest, DigestFormat, Problem

_LINK = re.compile(r"\]\(\s{0,9}<?(https?://[^\s()<>]{1,1000}|[^\s()<>]{1,200})[^()\n]{0,200}\)")
_ANCHOR = re.compile(
    r"<a\s[^<>]{0,500}?href\s?=\s?[\"']?([^\s\"'<>]{1,1000})[^<>]{0,500}>([^<>]{0,400})", re.I
)
_BUTTON = re.compile(r"\sdata-[a-z-]{0,30}id\s?=\s?[\"'](?:arxiv:)?([0-9]{4}\.[0-9]{4,5})", re.IGNORECASE)
_REFERENCE = re.compile(r"\[([^\[\]]{1,400})\](?:\[([^\[\]]{0,100})\])?(?![\[(:])")
_DEFINITION = re.compile(r" {0,3}\[([^\[\]]{1,100})\]:\s{1,9}<?(https?://[^\s>]{1,1000})")
_BRACKETED = re.compile(r"[\[(`【]([0-9a-z][^\[\]()`\s【】]{8,29})[\])`】]", re.IGNORECASE)
_DATED_LINE = re.compile(
    r"[-*>\s]{0,4}\**(?:date|published|publish date|posted|日期|发布日期|날짜|게시일)\**\s?[:：]", re.I
)
_MENTIONING = re.compile(
    r"\W*(?:references?|bibliography|citations?|citing|cite us|related works?|acknowledge?ments?|参考文献|참고문헌)\W*",
    re.IGNORECASE,
)
_UPDATED = re.compile(r"updat|last |更新|갱신|업데이트|generated", re.IGNORECASE)
_MARKUP = re.compile(r"[*_`#>|~]|<[^<>]{0,500}>|^\W{0,3}\[?[0-9]{1,4}[\].):]{1,2}\s")
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_WORD = re.compile(r"[^\W\d_]{2,}")
_MAX_TITLE_LENGTH, _MAX_SHORT_LINE, _MAX_CELL_LENGTH = 300, 200, 24
NO_PAPER = "it names no paper of arXiv"
"""The error for a text without papers."""


class _Paper(NamedTuple):
    """A paper found in a text. `is_mention`: it occurs only in prose."""

    arxiv_id: str
    title: str | None
    on: date | None
    row: int
    is_mention: bool = False


def parse(rows: Sequence[str], name: str, on: date | None) -> tuple[Digest, ...]:
    """Parse a Markdown list into one digest per date. Undated papers become a rolling digest dated `on`.

    `name`, the path or URL, may contain the date. Raises NotADigestError with a reason if the text is not a
    list.
    """
    front_on, start = _read_front_matter(rows)
    named_on = front_on or fields.find_path_date(name)
    papers, problems = _take(_read_rows(rows, start, named_on))
    if not papers and any(map(arxiv_ids.find_ids, rows)):
        raise errors.NotADigestError(
            "its arXiv links are in code, comments or references, which are not read"
        )
    return _build_digests(papers, on, problems, is_named=named_on is not None)


def parse_json(text: str, name: str, on: date | None, listing_form: DigestFormat) -> tuple[Digest, ...]:
    """Parse JSON values: listings, a Hugging Face response, or any objects that contain papers.

    For the arguments see `parse.parse_text`. Raises NotADigestError with a reason if there is no digest.
    """
    values = listing.read_values(text)
    head = list(islice(values, 2))
    if any(listing.is_record(value) for _, value in head):
        return listing.build_records([*head, *values], listing_form)
    path_on = fields.find_path_date(name)
    if service := _read_answer(head):
        day = path_on or _newest_day(service) or on
        if day:
            return (listing.build(day, map(listing.from_service, service), form=listing_form),)
    papers, problems = _take(
        paper for line, value in chain(head, values) for paper in _read_value(value, line - 1, path_on)
    )
    if not papers:
        # Raises the reason why the first value is not a listing.
        return listing.build_records(head)
    return _build_digests(papers, on, problems, is_named=True)


def _take(papers: Iterable[_Paper]) -> tuple[list[_Paper], list[Problem]]:
    """Return the first MAX_PAPERS distinct papers, and a problem if there are more papers."""
    taken, ids = list[_Paper](), set[str]()
    for paper in papers:
        ids.add(paper.arxiv_id)
        if len(ids) > fields.MAX_PAPERS:
            return taken, [fields.describe_cut(paper.row)]
        taken.append(paper)
    return taken, []


def _build_digests(
    papers: Sequence[_Paper], on: date | None, problems: Sequence[Problem], *, is_named: bool
) -> tuple[Digest, ...]:
    """Build one digest per date. A list needs three papers, or fewer if it has dates.

    `is_named`: the text's name contains the date, or the text is JSON.
    """
    everything = {paper.arxiv_id for paper in papers}
    listed = [paper for paper in papers if not paper.is_mention]
    found = {paper.arxiv_id for paper in listed}
    if not everything:
        raise errors.NotADigestError(NO_PAPER)
    links = f"{len(everything)} arXiv link{'s' if len(everything) > 1 else ''}"
    if 2 * len(found) < len(everything):
        raise errors.NotADigestError(
            f"it has {links}, but only {len(found)} in links or cells: it is not a list"
        )
    if len(found) < (1 if is_named else 2 if any(paper.on for paper in listed) else 3):
        raise errors.NotADigestError(
            f"it has {links}, but a list has three papers or a date: it is not a list"
        )
    by_day: dict[date | None, dict[str, _Paper]] = {}
    dated = {paper.arxiv_id for paper in listed if paper.on}
    for paper in listed:
        if paper.on is None and paper.arxiv_id in dated:
            continue  # repeated without a date, as in a table of contents
        known = by_day.setdefault(paper.on, {}).setdefault(paper.arxiv_id, paper)
        if known.title is None:
            by_day[paper.on][paper.arxiv_id] = known._replace(title=paper.title)
    if on is None and None in by_day:
        number = len(by_day[None])
        raise errors.NotADigestError(f"it lists {number} paper{'s' if number > 1 else ''} without a date")
    # The rolling digest comes first: its check for a first read must run before the dated ones are stored.
    return tuple(
        listing.build(
            day or on or date.min,
            [{"arxiv_id": paper.arxiv_id, "title": paper.title} for paper in group.values()],
            [paper.row + 1 for paper in group.values()],
            () if number else problems,
            form=DigestFormat.LIST,
            is_rolling=day is None,
        )
        for number, (day, group) in enumerate(sorted(by_day.items(), key=lambda item: item[0] is not None))
    )


# Markdown, line by line. A paper's date is in its line, its paragraph or the heading above.


def _read_rows(rows: Sequence[str], start: int, named_on: date | None) -> Iterator[_Paper]:
    """Yield the papers of a text, skipping code, comments and references."""
    code = markdown_lines.find_code_rows(rows)
    targets = {match[1].lower(): match[2] for row in rows if (match := _DEFINITION.match(row))}
    section_on, is_mentioning, is_comment = named_on, False, False
    paragraph: list[_Paper] = []
    paragraph_on: date | None = None
    for row in range(start, len(rows)):
        line = rows[row]
        if is_comment or line.lstrip().startswith("<!--"):
            is_comment = "-->" not in line
            continue
        if row in code or _DEFINITION.match(line):
            continue
        if not line.strip() or markdown_lines.is_thematic_break(line):
            yield from _dated(paragraph, paragraph_on)
            paragraph, paragraph_on = [], None
            continue
        following = rows[row + 1] if row + 1 < len(rows) else ""
        if "[" in line and "](" not in line and line.count("[") > line.count("]"):
            line = f"{line} {following.strip()}"  # a link over two lines
        is_underlined = len(following) > 2 and not following.strip("=")
        is_heading = is_underlined or markdown_lines.parse_heading(row, line.strip()) is not None
        if is_heading:
            is_mentioning = _MENTIONING.fullmatch(_plain(line)) is not None
        if is_mentioning:
            continue
        if found := list(_read_line(_resolve(line, targets), row, section_on)):
            paragraph += found
        elif _DATED_LINE.match(line):
            paragraph_on = fields.find_date(_plain(line)[:80])
        else:
            section_on = _find_day(line, is_heading=is_heading) or section_on
    yield from _dated(paragraph, paragraph_on)


def _dated(papers: Iterable[_Paper], on: date | None) -> Iterator[_Paper]:
    """Assign a paragraph's date to its papers that have none."""
    return (paper if paper.on else paper._replace(on=on) for paper in papers)


def _find_day(line: str, *, is_heading: bool) -> date | None:
    """Return the date in a heading or a short line, unless it is the date on which the list was updated."""
    if not is_heading and (len(line) > 100 or ":" in line):
        return None
    plain = _plain(line)
    is_other = _UPDATED.search(plain[:100]) or (not is_heading and len(plain) > 40)
    return None if is_other else fields.find_date(plain)


def _read_line(line: str, row: int, on: date | None) -> Iterator[_Paper]:
    """Yield the papers in a line's links, then those in the rest of the line."""
    if "/" not in line and "." not in line:
        return
    spans: list[tuple[int, int]] = []
    found: list[_Paper] = []
    for match in [*_LINK.finditer(line), *_ANCHOR.finditer(line)]:
        is_anchor = match.re is _ANCHOR
        label = match[2] if is_anchor else markdown_lines.label_before(line, match.start())
        ids = arxiv_ids.find_ids(match[1]) or arxiv_ids.find_ids(label)
        if arxiv_id := ids[0] if ids else arxiv_ids.parse_bare_id(label):
            found.append(_Paper(arxiv_id, _as_title(label), on, row))
        spans.append((match.start() - (0 if is_anchor else len(label) + 1), match.end()))
    rest = _cut_out(line, spans)
    cells = rest.split("|") if rest.count("|") > 1 else []
    is_short = bool(cells) or len(rest.strip()) <= _MAX_SHORT_LINE
    words = rest.split()
    edges = " ".join(words[:2] + words[-2:]) if is_short and not cells else ""
    for arxiv_id in dict.fromkeys(_find_others(rest, cells, words)):
        is_mention = not (
            cells or arxiv_id in edges or (is_short and f"({arxiv_id}" in rest) or len(words) < 6
        )
        found.append(_Paper(arxiv_id, None, on, row, is_mention))
    if found and on is None:
        plain = (
            [_plain(cell) for cell in line.split("|")]
            if cells or line.count("|") > 1
            else [_plain(line)[:60]]
        )
        dates = (fields.find_date(part) for part in plain if not cells or len(part) < _MAX_CELL_LENGTH)
        day = next(filter(None, dates), None)
        found = [paper._replace(on=day) for paper in found]
    yield from found


def _cut_out(line: str, spans: list[tuple[int, int]]) -> str:
    """Remove spans, which may be nested, from a line."""
    kept, position = [], 0
    for start, end in sorted(spans):
        kept.append(line[position : max(start, position)])
        position = max(position, end)
    return " ".join([*kept, line[position:]])


def _find_others(rest: str, cells: Sequence[str], words: Sequence[str]) -> Iterator[str]:
    """Yield the ids outside links: after `arXiv:`, in brackets, alone in a cell, or at either end of the line."""
    yield from arxiv_ids.find_ids(rest)
    yield from _BUTTON.findall(rest)
    parts = [*cells, *_BRACKETED.findall(rest[:600]), *words[:2], *words[-1:]]
    bare = (arxiv_ids.parse_bare_id(part.strip(" *`[]():,")) for part in parts if len(part) < 40)
    yield from filter(None, bare)


def _resolve(line: str, targets: Mapping[str, str]) -> str:
    """Return the line with reference links (`[label][name]`, `[label]`) turned into inline links."""

    def link(match: re.Match[str]) -> str:
        url = targets.get((match[2] or match[1]).lower())
        return f"[{match[1]}]({url})" if url else match[0]

    return _REFERENCE.sub(link, line) if targets else line


def _plain(text: str) -> str:
    """Return the first 600 characters of a text without links, emphasis and HTML."""
    return " ".join(_MARKUP.sub("", _LINK.sub("]", text[:600])).replace("[", "").replace("]", "").split())


def _as_title(label: str) -> str | None:
    """Return a link's label as a title, or None if it is a caption, a person, a number, a URL or a translation."""
    title = _plain(label).strip(" \"“”'‘’:：-–—")
    words = len(_WORD.findall(title[:_MAX_TITLE_LENGTH]))
    is_other = "://" in title or "![" in label or len(title) > _MAX_TITLE_LENGTH or _CJK.search(title)
    return None if is_other or words < 4 - (": " in title) else title


def _read_front_matter(rows: Sequence[str]) -> tuple[date | None, int]:
    """Return the date in the front matter, or None, and the first row after the front matter."""
    end = next((row for row in range(1, min(len(rows), 60)) if rows[row].strip() == "---"), 0)
    if not end or rows[0].strip() != "---":
        return None, 0
    values = (line.partition(":")[::2] for line in rows[1:end])
    dates = (
        fields.find_date(value)
        for key, value in values
        if key.strip().lower() in ("date", "published", "day")
    )
    return next(filter(None, dates), None), end + 1


# JSON and JSON Lines: objects, rows and texts with a paper's id.

_TITLE_KEYS = ("title", "paper_title", "original_title", "title_en", "name")
_DATE_KEY = re.compile(r"(?:date|publish|created|submitted|announced|\Aday\Z)", re.IGNORECASE)


def _read_value(value: object, row: int, path_on: date | None) -> Iterator[_Paper]:
    """Yield the papers in a JSON value in order, without recursion."""
    stack: list[tuple[str, object, date | None, str | None]] = [("", value, None, None)]
    while stack:
        key, item, on, title = stack.pop()
        arxiv_id = arxiv_ids.parse_bare_id(key)
        if isinstance(item, Mapping):
            title = next((name for key in _TITLE_KEYS if isinstance(name := item.get(key), str)), title)
            if arxiv_id := arxiv_id or next(filter(None, map(_read_id, item.values())), None):
                yield _Paper(arxiv_id, _as_title(title or ""), on or path_on or _date_of(item), row)
                continue
            headers = (child for child in item.values() if isinstance(child, Mapping))
            on = _date_of(item) or on or next(filter(None, map(_date_of, headers)), None)
            stack += [
                (name, child, on or fields.find_date(name[:40]), title)
                for name, child in reversed([*item.items()])
            ]
        elif isinstance(item, list):
            arxiv_id = _read_id(item[0]) if len(item) > 1 and not _read_id(item[1]) else None
            if arxiv_id:
                yield _Paper(arxiv_id, _as_title(str(item[1])), on or path_on, row)
            else:
                stack += [("", child, on, None) for child in reversed(item)]
        elif isinstance(item, str):
            if arxiv_id and not arxiv_ids.find_ids(item):
                yield _Paper(arxiv_id, _as_title(item), on or path_on, row)
            elif own := _read_id(item):
                yield _Paper(own, None, on or path_on, row)
            elif arxiv_ids.find_ids(item):
                yield from (
                    paper._replace(row=row) for paper in _read_rows(item.split("\n"), 0, on or path_on)
                )


def _read_id(value: object) -> str | None:
    """Return the arXiv id if a value is only an id or a paper link, or None."""
    if not isinstance(value, str) or len(value) >= 300 or " " in value.strip():
        return None
    return arxiv_ids.extract_arxiv_id(value)


def _date_of(item: Mapping[str, Any]) -> date | None:
    """Return the date in an object's fields, or None. The date of an update is used only if there is no other."""
    named = sorted(filter(_DATE_KEY.search, item), key=lambda name: "update" in name.lower())
    dates = (fields.find_date(value[:40]) for name in named if isinstance(value := item[name], str))
    return next(filter(None, dates), None)


def _read_answer(values: Sequence[tuple[int, object]]) -> list[Any]:
    """Return the items in a Hugging Face response (a list of objects with a `paper`), or an empty list for any other JSON."""
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
