"""Parse other projects' lists of papers in Markdown or JSON: the arXiv ids of each day, with titles.

An id counts if it is in a link, in a table cell, in an address outside sentences, or at either end of
a short line; in prose it is only a mention. The title until arXiv's facts arrive is the link's label, or else what
is next to the link, or the heading of a single paper. A day is of the papers below the heading or line that states it, or of
the row that it is in. Papers without a date form a *rolling* digest.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import chain, takewhile
from typing import Any, NamedTuple

from bot.archive import (
    arxiv_ids,
    fields,
    html_pages,
    listing,
    markdown_lines,
    mentions,
    sorting,
    title_reader,
)
from bot.archive.title_reader import CUT, strip_markdown
from bot.text import date_reader
from storage import errors
from storage.models import Digest, DigestFormat, Problem, Skipped, SkipReason, add_up

_LINKED_ITEM = re.compile(r"(?:[-*+]|[0-9]{1,4}[.)]|\|)\s{1,4}(?:\*\*)?\[([^\[\]]{1,400})\]\(https?://")
"""An item of a list, or a row of a table, that begins with a link."""
_UPDATED = re.compile(r"updat|last |更新|갱신|업데이트|generated", re.IGNORECASE)
_DIVIDERS = re.compile(r"[|()\[\]:：·•—–]|\s[-~]\s|\*\*")
_ID = re.compile(rf"(?:arxiv\s?[:：.]?\s?)?(?P<id>{arxiv_ids.ID})(?:v[0-9]{{1,3}})?", re.IGNORECASE)
_MAX_SHORT_LINE, _MAX_CELL_LENGTH, _MAX_LINE = 200, 60, 400
_MAX_WORDS = 3
"""The maximum number of words besides the date in the heading of a day."""
_MIN_LIST = 3
"""The papers of a list without a date."""
_AHEAD = timedelta(days=7)
"""How far in the future a list's day may be: a week's list has its last day."""
_EARLY = timedelta(days=7)
"""How long before the month of a paper's id its day may be."""
NO_PAPER = "it names no paper of arXiv"
UNDATED = ": its papers are read without a date"


class _Paper(NamedTuple):
    """A paper found in a text. `is_mention`: it occurs only in prose.

    `begins_cell`: its link is first in a cell, or its id is alone there, so that the title in another cell is its own.
    """

    arxiv_id: str
    title: str | None
    on: date | None
    row: int = 0
    is_mention: bool = False
    begins_cell: bool = False

    def skip(self, reason: SkipReason) -> Skipped:
        return sorting.skip(reason, f"{self.arxiv_id} in line {self.row + 1}")


def parse(rows: Sequence[str], name: str, on: date | None) -> tuple[Digest, ...]:
    """Parse a Markdown list into one digest per date. Undated papers become a rolling digest dated `on`, which is today.

    `name`, the path or URL, may contain the date. Raises NotADigestError with a reason if the text is not a
    list.
    """
    front_on, start = _read_front_matter(rows)
    named_on = front_on or date_reader.find_path_date(name)
    reader = _Reader(rows, named_on)
    papers, skipped = sorting.split(reader.read(start))
    if not papers and any(map(arxiv_ids.find_ids, rows)):
        raise errors.NotADigestError(
            "its arXiv links are in code, comments or references, which are not read"
        )
    dates, is_named = {named_on, *reader.weeks}, named_on is not None
    return _build_digests(papers, on, skipped, is_named=is_named, certain=dates, doubts=reader.doubts)


def parse_json(text: str, name: str, on: date | None, listing_form: DigestFormat) -> tuple[Digest, ...]:
    """Parse JSON values: listings, Hugging Face's list as people store it, or any objects that contain papers.

    For the arguments see `parse.parse_text`. Raises NotADigestError with a reason if there is no digest.
    """
    values = list(listing.read_values(text))
    if any(listing.is_record(value) for _, value in values[:2]):
        return listing.build_records(values, listing_form)
    path_on = date_reader.find_path_date(name)
    items, stated_on = _read_answer([value for _, value in values])
    if items and (day := path_on or stated_on):
        return (listing.build(day, map(listing.from_service, items), form=listing_form),)
    parts = (_read_value(value, line - 1, path_on) for line, value in values)
    papers, skipped = sorting.split(chain.from_iterable(parts))
    if not papers:
        # Raises the reason why the first value is not a listing.
        return listing.build_records(values[:2])
    return _build_digests(papers, on, skipped, is_named=True, certain={path_on}, doubts=())


def _cut(papers: Iterable[_Paper]) -> tuple[list[_Paper], list[Problem], tuple[Skipped, ...]]:
    """Return the papers up to the last of MAX_PAPERS distinct ones, a problem if there are more, and the others."""
    ids, problems = set[str](), list[Problem]()

    def judge(paper: _Paper) -> _Paper | Skipped:
        ids.add(paper.arxiv_id)
        if len(ids) <= fields.MAX_PAPERS:
            return paper
        if not problems:
            problems.append(fields.describe_cut(paper.row))
        return paper.skip(SkipReason.TOO_MANY)

    first, beyond = sorting.sort_out(papers, judge)
    return first, problems, beyond


def _build_digests(
    papers: Iterable[_Paper],
    on: date | None,
    skipped: Iterable[Skipped],
    *,
    is_named: bool,
    certain: Collection[date | None],
    doubts: Iterable[Problem],
) -> tuple[Digest, ...]:
    """Build one digest per date. A list needs three papers, or a date.

    `skipped` are other papers in the text. `is_named`: the text's name contains the date, or the text is JSON.
    `certain` dates may be in the future; `doubts` are about unclear ones.
    """
    papers, problems, beyond = _cut(papers)
    papers, doubtful = _question_dates(papers, on, certain)
    doubts = [*doubts, *doubtful]
    undated = [sorting.skip(SkipReason.NO_DATE, f"line {doubt.line}: {doubt.message}") for doubt in doubts]
    problems += doubts
    everything = {paper.arxiv_id for paper in papers}
    listed = [paper for paper in papers if not paper.is_mention]
    ids = {paper.arxiv_id for paper in listed}
    if not everything:
        raise errors.NotADigestError(NO_PAPER)
    links = f"{len(everything)} arXiv link{'s' if len(everything) > 1 else ''}"
    if 2 * len(ids) < len(everything):
        raise errors.NotADigestError(
            f"it has {links}, but only {len(ids)} in links or cells: it is not a list"
        )
    if len(ids) < (1 if is_named or doubts or any(paper.on for paper in listed) else _MIN_LIST):
        raise errors.NotADigestError(
            f"it has {links}, but a list has three papers or a date: it is not a list"
        )
    by_day: dict[date | None, dict[str, _Paper]] = {}
    dated = {paper.arxiv_id for paper in listed if paper.on}

    def judge(paper: _Paper) -> _Paper | Skipped:
        if paper.is_mention:
            return paper.skip(SkipReason.MENTION)
        if paper.on is None and paper.arxiv_id in dated:
            return paper.skip(SkipReason.REPEATED)  # as in a table of contents
        group = by_day.setdefault(paper.on, {})
        first = group.setdefault(paper.arxiv_id, paper)
        if first is paper:
            return paper
        if first.title is None:
            group[paper.arxiv_id] = first._replace(title=paper.title)
        return paper.skip(SkipReason.REPEATED)

    _, others = sorting.sort_out(papers, judge)
    if on is None and None in by_day:
        number = len(by_day[None])
        raise errors.NotADigestError(f"it lists {number} paper{'s' if number > 1 else ''} without a date")
    # The rolling digest comes first: its check for a first read must run before the dated ones are stored.
    digests = [
        listing.build(
            day or on or date.min,
            [{"arxiv_id": paper.arxiv_id, "title": paper.title} for paper in group.values()],
            [paper.row + 1 for paper in group.values()],
            () if number else problems,
            form=DigestFormat.LIST,
            is_rolling=day is None,
        )
        for number, (day, group) in enumerate(sorted(by_day.items(), key=lambda item: item[0] is not None))
    ]
    unlisted = add_up([*skipped, *beyond, *others])
    digests[0] = replace(digests[0], skipped=unlisted, warnings=add_up(undated))
    return tuple(digests)


def _question_dates(
    papers: Iterable[_Paper], today: date | None, certain: Collection[date | None]
) -> tuple[list[_Paper], list[Problem]]:
    """Remove dates before the month of the paper's id or in the future, and return a problem for each such date."""
    plausible, doubts = list[_Paper](), dict[tuple[date, bool], Problem]()
    for paper in papers:
        on = paper.on
        is_early = on is not None and on + _EARLY < arxiv_ids.first_day(paper.arxiv_id)
        is_ahead = on is not None and today is not None and on > today + _AHEAD and on not in certain
        if on and (is_early or is_ahead):
            doubt = f"before the month of {paper.arxiv_id}" if is_early else "in the future"
            problem = Problem(paper.row + 1, f"{on} is {doubt}{UNDATED}")
            doubts.setdefault((on, is_early), problem)
            paper = paper._replace(on=None)
        plausible.append(paper)
    return plausible, list(doubts.values())


# Markdown, line by line. A paper's date is in its line, or in the heading or line above.


class _Heading(NamedTuple):
    level: int
    text: str
    stated: date_reader.Stated | None


class _Reader:
    """Reads the papers of a text, but for those in code, comments and references.

    `weeks` are the last days of numbered weeks: only they may be far in the future. `doubts` are about headings
    whose day is unclear.
    """

    def __init__(self, rows: Sequence[str], named_on: date | None) -> None:
        self.weeks: set[date] = set()
        self.doubts: list[Problem] = []
        self._rows = [html_pages.convert_tags(line) if "<" in line else line for line in rows]
        self._code = markdown_lines.find_code_rows(rows)
        self._named_on = self._near = self._day_on = named_on
        self._is_below_day = self._is_mentioning = False
        # The papers below a heading, which is the title of a single one, and its level.
        self._papers: list[_Paper] = []
        self._title: tuple[int, str] | None = None

    def read(self, start: int) -> Iterator[_Paper | Skipped]:
        """Yield the papers from a row on, and those that are left out. A heading above one paper may be its title."""
        is_open = False
        for row in range(start, len(self._rows)):
            line = self._rows[row]
            is_comment = is_open or line.lstrip().startswith("<!--")
            is_open = is_comment and "-->" not in line
            is_read = not is_comment and row not in self._code
            heading = self._parse_heading(row) if is_read and line.startswith("#") else None
            if heading:
                self._is_mentioning = mentions.REFERENCES.fullmatch(heading.text) is not None
                if self._title is None or heading.level <= self._title[0]:
                    yield from self._end_section()
            is_read = is_read and not self._is_mentioning
            papers = self._read_line(self._join(row), row) if is_read else []
            self._papers += papers
            if papers:
                continue
            if heading:
                self._enter(heading, row)
            elif is_read:
                self._read_day(line)
            item = _LINKED_ITEM.match(line) if is_read and not heading else None
            if item and title_reader.read_title(item[1], 4):
                yield sorting.skip(SkipReason.NO_ID, item[1])
                continue
            ids = arxiv_ids.find_ids(line) if arxiv_ids.MAY_HAVE_ID.search(line) else []
            yield from (
                _Paper(arxiv_id, None, None, row).skip(SkipReason.MENTION) for arxiv_id in dict.fromkeys(ids)
            )
        yield from self._end_section()

    def _end_section(self) -> Iterator[_Paper]:
        """Yield a section's papers. The heading is the title of its only paper, unless the paper's line has one."""
        papers = [paper for paper in self._papers if not paper.is_mention]
        is_single = len({paper.arxiv_id for paper in papers}) == 1
        is_titled = any(paper.title for paper in papers if paper.row == papers[0].row)
        heading = self._title[1] if self._title and is_single and not is_titled else None
        for paper in self._papers:
            yield paper._replace(title=None if paper.is_mention else heading or paper.title)
        self._papers, self._title = [], None

    def _join(self, row: int) -> str:
        """Return a line with a link that continues in the next line."""
        line = self._rows[row]
        is_open = "[" in line and "](" not in line and line.count("[") > line.count("]")
        return f"{line} {self._rows[row + 1].strip()}" if is_open and row + 1 < len(self._rows) else line

    # Headings and days.

    def _parse_heading(self, row: int) -> _Heading | None:
        heading = markdown_lines.parse_heading(row, self._rows[row])
        if heading is None:
            return None
        text = strip_markdown(heading.text)
        stated = None if _UPDATED.search(text[:100]) else date_reader.read(text, self._near)
        self._near = (stated and stated.near) or self._near
        return _Heading(heading.level, text, stated)

    def _enter(self, heading: _Heading, row: int) -> None:
        """Begin the day that a heading states, or keep it as a title. An unclear day ends the one above."""
        if stated := heading.stated:
            words = stated.count_words()
            if words == 0 or (words and stated.on and self._is_day(words, row)):
                self._day_on, self._is_below_day = stated.on or self._named_on, stated.on is not None
                self.weeks |= {stated.on} if stated.on and stated.kind == "week" else set()
                if stated.kind == "day" and stated.near is None:
                    message = f"the day {heading.text[:40]!r} cannot be told{UNDATED}"
                    self.doubts.append(Problem(row + 1, message))
                return
        text = self._rows[row].strip("# ")
        min_words = 1 if title_reader.is_numbered(text) else 4
        if title := title_reader.read_title(text, min_words):
            self._title = heading.level, title

    def _is_day(self, words: int, row: int) -> bool:
        """Return whether a heading with a date and a few words is not the title of the one paper below it."""
        rows = takewhile(lambda line: not line.startswith("#"), self._rows[row + 1 : row + 50])
        below = "\n".join(rows)
        is_single = len(set(arxiv_ids.find_ids(below))) == 1
        is_untitled = not any(title_reader.read_title(link[2]) for link in mentions.LINK.finditer(below))
        return words <= _MAX_WORDS and not (is_single and is_untitled)

    def _read_day(self, line: str) -> None:
        """Begin the day that a line consists of, unless a heading or the text's name has one."""
        if not self._is_below_day and self._named_on is None and not line.startswith((" ", "\t")):
            self._day_on = _find_lone_date(line[:100], self._near) or self._day_on

    # Lines with papers.

    def _read_line(self, line: str, row: int) -> list[_Paper]:
        """Return the papers in a line's links, in its addresses, and in the rest of the line."""
        if not arxiv_ids.MAY_HAVE_ID.search(line):
            return []
        papers, rest, notes = _read_links(line, row)
        is_row = line.lstrip().startswith("|") or (rest.count(" | ") > 1 and len(line) <= _MAX_LINE)
        cells = rest.split("|") if is_row else []
        has_link = bool(papers)
        for part in cells or [rest]:
            papers += _read_text(part, row, is_cell=is_row, has_link=has_link)
        papers = _add_title(papers, cells or [rest], are_cells=is_row)
        on = self._day_on
        if papers and on is None:
            parts = [cell for cell in cells if len(cell.strip()) <= _MAX_CELL_LENGTH]
            parts = [*notes, *(parts if is_row else _DIVIDERS.split(rest[:_MAX_LINE]))]
            on = next(filter(None, map(_find_lone_date, parts)), None)
        # The addresses of a paper's page and of its PDF are one item.
        items: dict[str, _Paper] = {}
        for paper in papers:
            first = items.setdefault(paper.arxiv_id, paper)
            title, is_mention = first.title or paper.title, first.is_mention and paper.is_mention
            items[paper.arxiv_id] = first._replace(title=title, is_mention=is_mention, on=on)
        return [*items.values()]


def _add_title(papers: list[_Paper], parts: Sequence[str], *, are_cells: bool) -> list[_Paper]:
    """Return a line's papers with the title next to the link of the only one, or of the only one that begins a cell."""
    listed = {paper.arxiv_id for paper in papers if not paper.is_mention}
    owners = {paper.arxiv_id for paper in papers if paper.begins_cell} if len(listed) > 1 else listed
    if len(owners) != 1 or any(paper.title for paper in papers if paper.arxiv_id in owners):
        return papers
    title = title_reader.find_unlinked(parts, are_cells=are_cells, has_others=owners != listed)
    return [paper._replace(title=title) if paper.arxiv_id in owners else paper for paper in papers]


def _read_links(line: str, row: int) -> tuple[list[_Paper], str, list[str]]:
    """Return the papers in a line's links, the line with ids or `CUT` for links and images, and the labels of other links."""
    papers, notes = list[_Paper](), list[str]()

    def take(match: re.Match[str]) -> str:
        is_image, label, address = match.groups()
        if not is_image:
            ids = arxiv_ids.find_ids(address)
            if not ids and not fields.is_picture(address):
                ids = arxiv_ids.find_ids(label)
            if arxiv_id := ids[0] if ids else arxiv_ids.parse_bare_id(label):
                is_first = line[max(match.start() - 9, 0) : match.start()].rstrip(" *_`([").endswith("|")
                papers.append(
                    _Paper(arxiv_id, title_reader.read_title(label), None, row, begins_cell=is_first)
                )
            else:
                notes.append(label)
            if arxiv_id and ("://" in label or arxiv_ids.parse_bare_id(label)):
                return f" arXiv:{arxiv_id} "
        return f" {CUT} "

    return papers, (mentions.LINK.sub(take, line) if "](" in line else line), notes


def _find_lone_date(part: str, near: date | None = None) -> date | None:
    """Return the date of a line or a part of it that is only a date."""
    stated = date_reader.read(strip_markdown(part), near) if any(map(str.isdecimal, part)) else None
    return stated.on if stated and stated.count_words() == 0 else None


def _read_text(part: str, row: int, *, is_cell: bool, has_link: bool) -> Iterator[_Paper]:
    """Yield the papers in a cell, or in a line without its links. Beside the link of a paper, an id in words is a mention."""
    if not arxiv_ids.MAY_HAVE_ID.search(part):
        return
    is_short, is_long = len(part.strip()) <= _MAX_SHORT_LINE, len(part) > _MAX_LINE
    rest = mentions.ADDRESS.sub(f" {CUT} ", part)
    words = rest.split()
    is_alone = is_cell and len(words) == 1
    for match in mentions.ADDRESS.finditer(part):
        if ids := arxiv_ids.find_ids(match[0]):
            is_mention = is_long or _is_in_sentence(part, match, is_id=False)
            yield _Paper(ids[0], None, None, row, is_mention, begins_cell=is_alone)
    edges = [*words[:2], *words[-2:]] if is_short else []
    places = () if is_long else _ID.finditer(rest)
    outside = (match["id"] for match in places if not _is_in_sentence(rest, match, is_id=True))
    free = set(map(arxiv_ids.parse_bare_id, outside))
    bare = (arxiv_ids.parse_bare_id(word.strip("*`[]():,")) for word in (part, *words[:2], *words[-1:]))
    for arxiv_id in dict.fromkeys([*arxiv_ids.find_ids(rest), *filter(None, bare)]):
        is_listed = is_alone or not has_link
        is_listed &= len(words) < 6 or any(arxiv_id in word for word in edges)
        yield _Paper(arxiv_id, None, None, row, not (is_listed and arxiv_id in free), begins_cell=is_alone)


def _is_in_sentence(part: str, match: re.Match[str], *, is_id: bool) -> bool:
    return mentions.is_in_sentence(part[: match.start()], part[match.end() :], match[0], is_id=is_id)


def _read_front_matter(rows: Sequence[str]) -> tuple[date | None, int]:
    """Return the date in a text's front matter, and the first row after it."""
    end = next((row for row in range(1, min(len(rows), 60)) if rows[row].strip() == "---"), 0)
    if not end or rows[0].strip() != "---":
        return None, 0
    pairs = (line.partition(":")[::2] for line in rows[1:end])
    return _date_of({key.strip().lower(): value.strip(" \"'") for key, value in pairs}), end + 1


# JSON and JSON Lines: objects with a paper's id.

_TITLE_KEYS = ("title", "paper_title")
_LIST_DATE_KEY = re.compile(r"\A(?:date|day|week)\Z|daily|listed|digest|report", re.IGNORECASE)
_DATE_KEY = re.compile(r"\A(?!.*(?:updat|modif)).*(?:date|publish|submitted|announced)", re.IGNORECASE)


def _read_value(value: object, row: int, path_on: date | None) -> Iterator[_Paper | Skipped]:
    """Yield the papers in a JSON value in order, without recursion. A list's date counts before its papers' own.

    Objects with a title of their own, but without an id, are left out.
    """
    stack = [("", value, path_on)]
    while stack:
        key, item, on = stack.pop()
        key_id = arxiv_ids.parse_bare_id(key)
        if isinstance(item, list):
            stack += [("", child, on) for child in reversed(item)]
        elif isinstance(item, str) and (arxiv_id := _read_id(item) or key_id):
            yield _Paper(arxiv_id, None, on, row)
        elif isinstance(item, Mapping):
            item = {**listing.get_mapping(item, "paper"), **item}
            if arxiv_id := key_id or next(filter(None, map(_read_id, item.values())), None):
                yield _Paper(arxiv_id, _title_of(item), on or _date_of(item), row)
                continue
            if _is_without_id(item):
                yield sorting.skip(SkipReason.NO_ID, _title_of(item))
            on = _date_of(item) or on
            stack += [
                (name, child, date_reader.find_date(name[:40]) or on)
                for name, child in reversed([*item.items()])
            ]


def _is_without_id(item: Mapping[str, Any]) -> bool:
    """Return whether an object is about something with a title that is not on arXiv."""
    parts = item.values()
    has_parts = any(isinstance(part, Mapping | list) for part in parts)
    names_paper = any(arxiv_ids.find_ids(part) for part in parts if isinstance(part, str))
    return not has_parts and not names_paper and _title_of(item) is not None


def _title_of(item: Mapping[str, Any]) -> str | None:
    """Return an object's title as plain text."""
    titles = (item[key] for key in _TITLE_KEYS if isinstance(item.get(key), str))
    return next(filter(None, map(title_reader.clean_title, titles)), None)


def _read_id(value: object) -> str | None:
    """Return the arXiv id if a value is only an id or a paper link, or None."""
    if not isinstance(value, str) or len(value) >= 300:
        return None
    return arxiv_ids.parse_bare_id(value) if " " in value.strip() else arxiv_ids.extract_arxiv_id(value)


def _date_of(item: Mapping[str, Any]) -> date | None:
    """Return the date in an object's fields, or None: that of a list, else of the paper, never that of a change."""
    names = chain(filter(_LIST_DATE_KEY.search, item), filter(_DATE_KEY.search, item))
    dates = (date_reader.find_date(item[name][:40]) for name in names if isinstance(item[name], str))
    return next(filter(None, dates), None)


# Hugging Face's list as people store it: the answer itself or parts of it, in an object with a date, or as JSON Lines.


def _is_service_item(item: object) -> bool:
    """Return whether an object is a paper in Hugging Face's form, in its wrapper or alone."""
    if not isinstance(item, Mapping):
        return False
    paper = listing.get_mapping(item, "paper") or (item if "upvotes" in item else {})
    return _read_id(paper.get("id")) is not None


def _read_answer(values: Sequence[object]) -> tuple[list[Any], date | None]:
    """Return the items of Hugging Face's list and its day, or an empty list for any other JSON.

    The day is that of the object around the list, or the newest on which a paper was submitted to the list.
    """
    only = values[0] if len(values) == 1 else list(values)
    around = only if isinstance(only, Mapping) and not _is_service_item(only) else {}
    [(key, items), *others] = [
        (key, part) for key, part in [("", only), *around.items()] if isinstance(part, list)
    ] or [("", [])]
    papers = list(filter(_is_service_item, items))
    if others or 2 * len(papers) <= len(items):
        return [], None
    on = _date_of(around) or date_reader.find_date(key[:40])
    submitted = list(filter(None, map(_find_submission, papers)))
    if on or not submitted:
        return items, on
    # The lists of several days are none of one day.
    is_of_one_day = max(submitted) - min(submitted) <= _LONGEST_LIST
    return (items, max(submitted)) if is_of_one_day else ([], None)


_LONGEST_LIST = timedelta(days=4)
"""The longest time in which the papers of one list are submitted: a long weekend."""


def _find_submission(item: Mapping[str, Any]) -> date | None:
    """Return the day on which a paper was submitted to Hugging Face's list, not to arXiv."""
    paper = listing.get_mapping(item, "paper") or item
    return fields.clean_date(paper.get("submittedOnDailyAt"))
