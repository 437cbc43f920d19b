"""Parse other projects' lists of papers in Markdown, JSON or BibTeX: the papers of each day by their keys, with titles.

A key counts if it is in a link, in a table cell, in an address outside sentences, or at either end of
a short line; in prose it is only a mention, and so is a link in a paragraph's sentence. The title (until arXiv's facts
arrive) is the link's label, or else what is next to the link, or the heading of a single paper. An item that names a paper by
several keys is one paper: arXiv's id is its key, else the first. A day is of the papers below the heading or line that states
it, or of the row that it is in. Papers without a date form a *rolling* digest.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import chain, takewhile
from types import MappingProxyType
from typing import Any, NamedTuple

from bot.archive import (
    arxiv_ids,
    bibtex,
    fields,
    html_pages,
    listing,
    markdown_lines,
    mentions,
    schemes,
    sorting,
    title_reader,
)
from bot.archive.title_reader import CUT, strip_markdown
from bot.text import date_reader
from storage import errors
from storage.models import Digest, DigestFormat, Problem, Skipped, SkipReason, add_up, arxiv_id_of, scheme_of

_ITEM = re.compile(r"\s*+(?:[-*+•]\s|[0-9]{1,4}[.)]\s|\||#)")
"""What begins an item of a list, a row of a table or a heading."""
_LINKED_ITEM = re.compile(r"(?:[-*+]|[0-9]{1,4}[.)]|\|)\s{1,4}(?:\*\*)?\[([^\[\]]{1,400})\]\(https?://")
"""An item of a list, or a row of a table, that begins with a link."""
_SENTENCE_END = re.compile(r"[.!?。:;][\"”')\]*_]{0,3}\s*\Z")
_UPDATED = ("updat", "last ", "更新", "갱신", "업데이트", "generated")
"""What is in a heading whose date is of no list."""
_DIVIDERS = re.compile(r"[|()\[\]:：·•—–]|\s[-~]\s|\*\*")
_ID = re.compile(rf"(?:arxiv\s?[:：.]?\s?)?(?P<id>{arxiv_ids.ID})(?:v[0-9]{{1,3}})?", re.IGNORECASE)
_MAX_NAMES = 50_000
"""Characters of the authors of a paper."""
_MAX_SHORT_LINE, _MAX_CELL_LENGTH, _MAX_LINE = 200, 60, 400
_MAX_WORDS = 3
"""The maximum number of words besides the date in the heading of a day."""
_MIN_LIST = 3
"""The papers of a list without a date."""
_MIN_SENTENCE = 12
"""The words of a paragraph that ends like a sentence, so that links in it are citations."""
_AHEAD = timedelta(days=7)
"""How far in the future a list's day may be: a week's list has its last day."""
_EARLY = timedelta(days=7)
"""How long before the month of a paper's id its day may be."""
NO_PAPER = "it names no paper"
UNDATED = ": its papers are read without a date"


class _Paper(NamedTuple):
    """A paper found in a text. `is_mention`: it occurs only in prose; `needs_day`: so it does, but in an item.

    `begins_cell`: its link is first in a cell, or its id is alone there, so that the title in another cell is its own.
    `names` are its further keys, and `others` what a file of records says about it.
    """

    key: str
    title: str | None
    on: date | None
    row: int = 0
    is_mention: bool = False
    begins_cell: bool = False
    needs_day: bool = False
    names: tuple[str, ...] = ()
    others: Mapping[str, Any] = MappingProxyType({})

    @property
    def is_of_arxiv(self) -> bool:
        return schemes.is_arxiv(self.key)

    def skip(self, reason: SkipReason) -> Skipped:
        return sorting.skip(reason, f"{schemes.short_name(self.key)} in line {self.row + 1}")


def parse(rows: Sequence[str], name: str, on: date | None) -> tuple[Digest, ...]:
    """Parse a Markdown list into one digest per date. Undated papers become a rolling digest dated `on`, which is today.

    `name`, the path or URL, may contain the date. Raises NotADigestError with a reason if the text is not a
    list.
    """
    front_on, start = _read_front_matter(rows)
    named_on = front_on or date_reader.find_path_date(name)
    reader = _Reader(rows, named_on)
    papers, skipped = sorting.split(reader.read(start))
    if not papers and any(map(_find_keys, rows)):
        raise errors.NotADigestError(
            "its links to papers are in code, comments or references, which are not read"
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
    is_item = len(values) > 1
    parts = (_read_value(value, line - 1, path_on, is_item=is_item) for line, value in values)
    papers, skipped = sorting.split(chain.from_iterable(parts))
    if not papers:
        # Raises the reason why the first value is not a listing.
        return listing.build_records(values[:2])
    return _build_digests(papers, on, skipped, is_named=True, certain={path_on}, doubts=())


def parse_bibtex(text: str, name: str, on: date | None) -> tuple[Digest, ...]:
    """Parse a file of BibTeX, one paper an entry, as a list without a date, unless its `name` has one."""
    blocks = (block for block in bibtex.read(text) if not isinstance(block, str))
    papers, skipped = sorting.split(_read_entry(dict(given), key) for _, key, given in blocks)
    path_on = date_reader.find_path_date(name)
    dated = (paper._replace(on=path_on) for paper in papers)
    return _build_digests(dated, on, skipped, is_named=True, certain={path_on}, doubts=())


def _read_entry(entry: Mapping[str, str], name: str) -> _Paper | Skipped:
    """Return the paper of an entry of BibTeX by its fields for ids and links, or why it has none."""
    ids = [entry.get(name, "") for name in ("eprint", "doi", "url", "ee", "pdf", "html")]
    found = [key for value in ids if (key := schemes.read_key(value))]
    # As in references: {arXiv preprint arXiv:2401.00003}, and volume {abs/2401.00003} of {CoRR}.
    journal = f"{entry.get('journal', '')} {entry.get('volume', '')}"
    places = (entry.get(name, "") for name in ("number", "howpublished", "note"))
    found += [
        key
        for text in (journal, *places)
        if mentions.is_only_id(text)
        for key, *_ in schemes.find_places(text)
    ]
    keys = {scheme_of(key): key for key in reversed(found)}
    latex: dict[str, Any] = {
        name: bibtex.read_latex(entry[name]) for name in ("title", "abstract") if name in entry
    }
    latex["authors"] = bibtex.read_names(entry.get("author", "")[:_MAX_NAMES])
    if not keys:
        return sorting.skip(schemes.explain("\n".join(ids)), latex.get("title") or name)
    if not latex.get("title"):
        return sorting.skip(SkipReason.NO_TITLE, name)
    return _read_record(sorted(keys.values(), key=lambda key: arxiv_id_of(key) is None), latex, None, 0)


def _cut(papers: Iterable[_Paper]) -> tuple[list[_Paper], list[Problem], tuple[Skipped, ...]]:
    """Return the papers up to the last of MAX_PAPERS distinct ones, a problem if there are more, and the others."""
    ids, problems = set[str](), list[Problem]()

    def judge(paper: _Paper) -> _Paper | Skipped:
        ids.add(paper.key)
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
    papers, problems, beyond = _cut(_unite_keys([*papers]))
    papers, doubtful = _question_dates(papers, on, certain)
    doubts = [*doubts, *doubtful]
    undated = [sorting.skip(SkipReason.NO_DATE, f"line {doubt.line}: {doubt.message}") for doubt in doubts]
    problems += doubts
    everything = {paper.key for paper in papers}
    listed = [paper for paper in papers if not paper.is_mention]
    ids = {paper.key for paper in listed}
    if not everything:
        raise errors.NotADigestError(NO_PAPER)
    what = "arXiv link" if all(map(arxiv_id_of, everything)) else "paper"
    links = f"{len(everything)} {what}{'s' if len(everything) > 1 else ''}"
    if 2 * len(ids) < len(everything):
        raise errors.NotADigestError(
            f"it has {links}, but only {len(ids)} in links or cells: it is not a list"
        )
    if len(ids) < (1 if is_named or doubts or any(paper.on for paper in listed) else _MIN_LIST):
        raise errors.NotADigestError(
            f"it has {links}, but a list has three papers or a date: it is not a list"
        )
    by_day: dict[date | None, dict[str, _Paper]] = {}
    dated = {paper.key for paper in listed if paper.on}
    united = _unite_fields(listed)

    def judge(paper: _Paper) -> _Paper | Skipped:
        if paper.is_mention:
            return paper.skip(SkipReason.MENTION)
        if paper.on is None and paper.key in dated:
            return paper.skip(SkipReason.REPEATED)  # as in a table of contents
        group = by_day.setdefault(paper.on, {})
        is_first = group.setdefault(paper.key, paper) is paper
        return paper if is_first else paper.skip(SkipReason.REPEATED)

    _, others = sorting.sort_out(papers, judge)
    if on is None and None in by_day:
        number = len(by_day[None])
        raise errors.NotADigestError(f"it lists {number} paper{'s' if number > 1 else ''} without a date")
    # The rolling digest comes first: its check for a first read must run before the dated ones are stored.
    digests = [
        listing.build(
            day or on or date.min,
            [
                {**united[key], "key": key, "title": paper.title or united[key]["title"]}
                for key, paper in group.items()
            ],
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


def _unite_keys(papers: Sequence[_Paper]) -> Iterator[_Paper]:
    """Yield papers so that one which items name by different keys has one key: arXiv's, or else the first."""
    main: dict[str, str] = {}
    for paper in sorted(papers, key=lambda paper: not paper.is_of_arxiv):
        keys = () if paper.is_mention else (paper.key, *paper.names)
        first = (
            paper.key if paper.is_of_arxiv else next((main[key] for key in keys if key in main), paper.key)
        )
        for key in keys:
            main.setdefault(key, first)
    for paper in papers:
        key = main.get(paper.key, paper.key)
        names = tuple(name for name in (paper.key, *paper.names) if name != key)
        yield paper._replace(key=key, names=names)


def _unite_fields(papers: Iterable[_Paper]) -> dict[str, dict[str, Any]]:
    """Return what the items of each paper say about it, by its key. Of what several say, the first counts."""
    united: dict[str, dict[str, Any]] = {}
    for paper in papers:
        fields = united.setdefault(paper.key, {"title": None})
        names = dict.fromkeys((*fields.get("names", ()), *paper.names))
        said = {**paper.others, "title": paper.title}
        fields |= {name: value for name, value in said.items() if not fields.get(name)} | {"names": [*names]}
    return united


def _is_early(on: date, key: str) -> bool:
    """Return whether a day is too long before the month of a paper's id, which keys of other schemes do not have."""
    return schemes.is_arxiv(key) and on + _EARLY < arxiv_ids.first_day(key)


def _question_dates(
    papers: Iterable[_Paper], today: date | None, certain: Collection[date | None]
) -> tuple[list[_Paper], list[Problem]]:
    """Remove dates before the month of the paper's id or in the future, and return a problem for each such date."""
    plausible, doubts = list[_Paper](), dict[tuple[date, bool], Problem]()
    for paper in papers:
        on = paper.on
        is_early = on is not None and _is_early(on, paper.key)
        is_ahead = on is not None and today is not None and on > today + _AHEAD and on not in certain
        if on and (is_early or is_ahead):
            doubt = f"before the month of {paper.key}" if is_early else "in the future"
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
        self._code = markdown_lines.find_code_rows(rows)
        linked = markdown_lines.resolve_references(rows, self._code)
        self._rows = [html_pages.convert_tags(line) if "<" in line else line for line in linked]
        self._named_on = self._near = self._day_on = named_on
        self._is_below_day = self._is_mentioning = False
        # The papers below a heading, which is the title of a single one, and its level.
        self._papers: list[_Paper] = []
        self._title: tuple[int, str] | None = None
        self._above: list[str] = []  # the lines since the last paper or heading

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
            if papers or heading:
                self._above.clear()
            elif line.strip() and is_read:
                self._above.append(line)
            if papers:
                continue
            if heading:
                self._enter(heading, row)
            elif is_read:
                self._read_day(line)
            if is_read and not heading and (title := _find_item_title(line)):
                yield sorting.skip(schemes.explain(line), title)
                continue
            yield from (
                _Paper(key, None, None, row).skip(SkipReason.MENTION)
                for key in dict.fromkeys(_find_keys(line))
            )
        yield from self._end_section()

    def _end_section(self) -> Iterator[_Paper]:
        """Yield a section's papers. The heading is the title of its only paper, unless the paper's line has one."""
        papers = [paper for paper in self._papers if not paper.is_mention]
        is_single = len({paper.key for paper in papers}) == 1
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
        is_of_list = not any(word in text[:100].lower() for word in _UPDATED)
        stated = date_reader.read(text, self._near) if is_of_list else None
        self._near = (stated and stated.near) or self._near
        return _Heading(heading.level, text, stated)

    def _enter(self, heading: _Heading, row: int) -> None:
        """Begin the day that a heading states, or keep it as a title. An unclear day ends the one above."""
        if stated := heading.stated:
            words = stated.count_words()
            if words == 0 or (words and stated.on and self._is_day(stated, stated.on, words, row)):
                self._day_on, self._is_below_day = stated.on or self._named_on, stated.on is not None
                self.weeks |= {stated.on} if stated.on and stated.kind == "week" else set()
                if stated.kind == "day" and stated.near is None:
                    message = f"the day {heading.text[:40]!r} cannot be told{UNDATED}"
                    self.doubts.append(Problem(row + 1, message))
                if not words or words <= _MAX_WORDS:
                    return
        text = self._rows[row].strip("# ")
        min_words = 1 if title_reader.is_numbered(text) else 4
        if title := title_reader.read_title(text, min_words):
            self._title = heading.level, title

    def _is_day(self, stated: date_reader.Stated, on: date, words: int, row: int) -> bool:
        """Return whether a heading with a date is no title of the one paper below it.

        It is none if it begins with a day that a paper below can have, or has a few words.
        """
        rows = takewhile(lambda line: not line.startswith("#"), self._rows[row + 1 : row + 50])
        below = "\n".join(rows)
        ids = set(_find_keys(below))
        if stated.is_first() and not (ids and all(_is_early(on, key) for key in ids)):
            return True
        is_untitled = not any(title_reader.read_title(link[2]) for link in mentions.LINK.finditer(below))
        return words <= _MAX_WORDS and not (len(ids) == 1 and is_untitled)

    def _read_day(self, line: str) -> None:
        """Begin the day that a line consists of, unless a heading or the text's name has one."""
        if not self._is_below_day and self._named_on is None and not line.startswith((" ", "\t")):
            self._day_on = _find_lone_date(line[:100], self._near) or self._day_on

    # Lines with papers.

    def _read_line(self, line: str, row: int) -> list[_Paper]:
        """Return the papers in a line's links, in its addresses, and in the rest of the line."""
        if not _may_have_key(line):
            return []
        is_item = _ITEM.match(line) is not None
        papers, rest, notes, labels = _read_links(line, row, is_item=is_item)
        is_row = line.lstrip().startswith("|") or (rest.count(" | ") > 1 and len(line) <= _MAX_LINE)
        cells = rest.split("|") if is_row else []
        has_link = bool(papers)
        for part in cells or [rest]:
            papers += _read_text(part, row, is_cell=is_row, has_link=has_link)
            papers += _read_other_keys(part, row, is_cell=is_row, is_item=is_item)
        papers = _add_title(_unite(papers), cells or [rest], are_cells=is_row)
        on = self._day_on
        if papers and on is None:
            parts = [cell for cell in cells if len(cell.strip()) <= _MAX_CELL_LENGTH]
            parts = [*notes, *(parts if is_row else _DIVIDERS.split(rest[:_MAX_LINE]))]
            on = next(filter(None, map(_find_lone_date, parts)), None)
        is_of_buttons = not _WORD.search(rest.replace(CUT, ""))
        near = [*filter(title_reader.read_title, notes), *labels, *(self._above if is_of_buttons else ())]
        is_alone = len({paper.key for paper in papers}) == 1
        # The addresses of a paper's page and of its PDF are one item.
        items: dict[str, _Paper] = {}
        for paper in papers:
            if paper.title is None and not paper.is_of_arxiv and is_alone:
                paper = paper._replace(title=next(filter(None, map(_read_short_title, near)), None))
            first = items.setdefault(paper.key, paper)
            title, is_mention = first.title or paper.title, first.is_mention and paper.is_mention
            is_mention = is_mention or (first.needs_day and paper.needs_day and on is None)
            items[paper.key] = first._replace(title=title, is_mention=is_mention, on=on)
        return [*items.values()]


_WORD = re.compile(r"[^\W\d_]{3}")


def _may_have_key(text: str) -> bool:
    return "://" in text or "10." in text or arxiv_ids.MAY_HAVE_ID.search(text) is not None


def _find_keys(text: str) -> list[str]:
    """Return the keys of the papers that a text has links to: those of arXiv, else others."""
    keys = schemes.find_keys(text) if _may_have_key(text) else []
    return [*filter(schemes.is_arxiv, keys)] or keys


def _find_item_title(line: str) -> str | None:
    """Return the title in an item that has a link and names no paper by a key: the label of its first link, or bold text."""
    if (item := _LINKED_ITEM.match(line)) and title_reader.read_title(item[1], 4):
        return item[1]
    if not _ITEM.match(line) or "](http" not in line:
        return None
    parts = [mentions.LINK.sub(CUT, line)]
    return title_reader.find_unlinked(parts, are_cells=False, has_others=True)


def _read_short_title(text: str) -> str | None:
    """Return a text of two words and more as a title: of a paper elsewhere no service tells it later."""
    return title_reader.read_title(title_reader.strip_item(text), 2)


def _unite(papers: list[_Paper]) -> list[_Paper]:
    """Return a line's papers, where keys of different schemes are those of one paper.

    They are not if two of them have titles, or in a sentence: beside another paper, what is in one is a mention. Of a line with
    two papers of one scheme, what is of another is a mention.
    """
    is_named = any(not (paper.is_mention or paper.needs_day) for paper in papers)
    papers = [
        paper._replace(is_mention=paper.is_mention or (paper.needs_day and is_named)) for paper in papers
    ]
    listed = {paper.key: paper for paper in papers if not (paper.is_mention or paper.needs_day)}
    schemes = [scheme_of(key) for key in listed]
    titles = dict.fromkeys(paper.title for paper in papers if paper.title and not paper.is_mention)
    if len(set(schemes)) < 2 or len(titles) > 1:
        return papers
    main = next((key for key in listed if arxiv_id_of(key)), next(iter(listed)))
    if len(set(schemes)) == len(schemes):
        names = tuple(key for key in listed if key != main)
        united = listed[main]._replace(title=next(iter(titles), None), names=names)
        return [united, *(paper for paper in papers if paper.key not in listed)]
    scheme = scheme_of(main)
    return [paper._replace(is_mention=paper.is_mention or scheme_of(paper.key) != scheme) for paper in papers]


def _add_title(papers: list[_Paper], parts: Sequence[str], *, are_cells: bool) -> list[_Paper]:
    """Return a line's papers with the title next to the link of the only one, or of the only one that begins a cell."""
    listed = {paper.key for paper in papers if not paper.is_mention}
    owners = {paper.key for paper in papers if paper.begins_cell} if len(listed) > 1 else listed
    if len(owners) != 1 or any(paper.title for paper in papers if paper.key in owners):
        return papers
    title = title_reader.find_unlinked(parts, are_cells=are_cells, has_others=owners != listed)
    return [paper._replace(title=title) if paper.key in owners else paper for paper in papers]


def _read_links(line: str, row: int, *, is_item: bool) -> tuple[list[_Paper], str, list[str], list[str]]:
    """Return the papers in a line's links, the line with ids or `CUT` for links and images, and the labels of other links.

    The last list has the labels of links to papers outside arXiv.
    """
    papers, notes, labels = list[_Paper](), list[str](), list[str]()
    is_prose = not is_item and _is_sentence(mentions.LINK.sub(CUT, line))

    def take(match: re.Match[str]) -> str:
        is_image, label, address = match.groups()
        if not is_image:
            keys = _find_keys(address)
            if not keys and not fields.is_picture(address):
                keys = _find_keys(label)
            if key := keys[0] if keys else arxiv_ids.parse_bare_id(label):
                is_first = line[max(match.start() - 9, 0) : match.start()].rstrip(" *_`([").endswith("|")
                is_cited = not is_item and _is_cited(line, match, is_prose=is_prose)
                title = title_reader.read_title(label)
                papers.append(_Paper(key, title, None, row, is_cited, begins_cell=is_first))
                labels.extend(() if arxiv_id_of(key) else [label])
            else:
                notes.append(label)
            if key and arxiv_id_of(key) and ("://" in label or arxiv_ids.parse_bare_id(label)):
                return f" arXiv:{key} "
        return f" {CUT} "

    return papers, (mentions.LINK.sub(take, line) if "](" in line else line), notes, labels


def _is_sentence(paragraph: str) -> bool:
    return len(paragraph.split()) >= _MIN_SENTENCE and _SENTENCE_END.search(paragraph) is not None


def _is_cited(line: str, link: re.Match[str], *, is_prose: bool) -> bool:
    """Return whether a link in a paragraph is part of its sentence. One that begins the paragraph is not."""
    before = strip_markdown(mentions.LINK.sub(CUT, line[: link.start()]))
    if not any(map(str.isalpha, before)):
        return False
    return is_prose or mentions.is_in_sentence(before, line[link.end() :], "", is_id=False)


def _read_other_keys(part: str, row: int, *, is_cell: bool, is_item: bool) -> Iterator[_Paper]:
    """Yield the papers outside arXiv that a cell, or a line without its links, names by an address or a DOI.

    In a sentence of an item they need a day: so they are in a dated reading list.
    """
    is_prose = not is_item and _is_sentence(part)
    for key, start, end in schemes.find_places(part):
        if schemes.is_arxiv(key):
            continue
        before, after = part[:start], part[end:]
        is_cited = is_prose or mentions.is_in_sentence(before, after, part[start:end], is_id=False)
        is_cited &= not is_cell
        is_alone = is_cell and not _WORD.search(before + after)
        yield _Paper(key, None, None, row, is_cited and not is_item, is_alone, needs_day=is_cited and is_item)


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


_FRONT_MATTER = {"---": ":", "+++": "="}
"""The line around a text's front matter, and what is between a key and its value: YAML and TOML."""


def _read_front_matter(rows: Sequence[str]) -> tuple[date | None, int]:
    """Return the date in a text's front matter, and the first row after it."""
    fence = rows[0].strip() if rows else ""
    end = next((row for row in range(1, min(len(rows), 60)) if rows[row].strip() == fence), 0)
    if not end or fence not in _FRONT_MATTER:
        return None, 0
    pairs = (line.partition(_FRONT_MATTER[fence])[::2] for line in rows[1:end])
    return _date_of({key.strip().lower(): value.strip(" \"'") for key, value in pairs}), end + 1


# JSON and JSON Lines: objects with a paper's id.

_TITLE_KEYS = ("title", "paper_title")
_LIST_DATE_KEY = re.compile(
    r"\A(?:date|day|week)\Z|\A(?!.*(?:updat|modif|creat|added)).*(?:daily|listed|digest|report)",
    re.IGNORECASE,
)
_DATE_KEY = re.compile(
    r"\A(?!.*(?:updat|modif|creat|added|submit)).*(?:date|publish|announced)", re.IGNORECASE
)
_OF_OTHERS = re.compile(
    r"references?|citations?|cited|cites|bibliography|(?:related|previous|prior|code).*", re.IGNORECASE
)
"""Members of an object with a title that name other papers: cited ones, earlier submissions, what its code is of."""


class _End(NamedTuple):
    """The end of an item in a file, which was left out if no paper and no other item has been read since its start."""

    number: int
    left_out: Skipped

    def tell(self, number: int) -> Skipped | None:
        return self.left_out if self.number == number else None


def _read_value(
    value: object, row: int, path_on: date | None, *, is_item: bool
) -> Iterator[_Paper | Skipped]:
    """Yield the papers in a JSON value in order, without recursion. A list's date counts before its papers' own.

    What is left out is counted once: each item of a list of objects, and each object with a title, but nothing inside one.
    """
    # Whether it is an item, or None inside an object with a title.
    stack: list[tuple[str, object, date | None, bool | None]] = [("", value, path_on, is_item)]
    number = 0
    while stack:
        key, part, on, is_one = stack.pop()
        found = part.tell(number) if isinstance(part, _End) else _read_item(key, part, on, row)
        if found is not None:
            number += 1
            yield found
        if found is not None or isinstance(part, _End):
            continue
        title = _title_of(part) if isinstance(part, Mapping) else None
        if is_one or title:
            stack.append(("", _End(number, _leave_out(part)), None, None))
        if isinstance(part, list):
            are_items = None if is_one is None else any(isinstance(child, Mapping) for child in part)
            stack += [("", child, on, are_items) for child in reversed(part)]
        elif isinstance(part, Mapping):
            on = _date_of(part) or on
            stack += [
                (name, child, date_reader.find_date(name[:40]) or on, None if title else False)
                for name, child in reversed([*part.items()])
                if not (_OF_OTHERS.fullmatch(name) and title)
            ]


def _read_item(key: str, item: object, on: date | None, row: int) -> _Paper | Skipped | None:
    """Return the paper of a text or an object that is a member `key`, or None: it may contain papers."""
    key_id = arxiv_ids.parse_bare_id(key)
    if isinstance(item, str):
        paper_key = _read_key(item) or key_id
        return _Paper(paper_key, None, on, row) if paper_key else None
    if not isinstance(item, Mapping):
        return None
    if "content" in item and "forum" in item:
        if item.get("id", item["forum"]) != item["forum"]:
            return sorting.skip(SkipReason.NO_PAPER, f"reply to {item['forum']}")
        item = _read_note(item)
    item = {**listing.get_mapping(item, "paper"), **item}
    keys = [key_id] if key_id else _list_keys(item)
    if not keys:
        return None
    paper = _read_record(keys, item, on or _date_of(item), row)
    is_known = paper.title or paper.is_of_arxiv
    return paper if is_known else sorting.skip(SkipReason.NO_TITLE, schemes.short_name(paper.key))


def _leave_out(item: object) -> Skipped:
    """Return why an item of a file without a paper has none."""
    if not isinstance(item, Mapping):
        return sorting.skip(
            SkipReason.NO_PAPER, "null" if item is None else "" if isinstance(item, list) else str(item)
        )
    texts = (value for value in item.values() if isinstance(value, str) and len(value) < 300)
    links = [text for text in texts if " " not in text]
    return sorting.skip(schemes.explain("\n".join(links)), _title_of(item) or "".join(links[:1]))


def _list_keys(item: Mapping[str, Any]) -> list[str]:
    """Return the keys in an object's members, arXiv's first, each scheme's first one."""
    keys: dict[str, str] = {}
    for name, value in item.items():
        if not _OF_OTHERS.fullmatch(name) and (key := _read_key(value)):
            keys.setdefault(scheme_of(key), key)
    doi = item.get("doi") or item.get("DOI")
    if isinstance(doi, str) and (key := schemes.read_key(doi)):
        keys.setdefault(scheme_of(key), key)
    return sorted(keys.values(), key=lambda key: arxiv_id_of(key) is None)


def _read_record(keys: Sequence[str], item: Mapping[str, Any], on: date | None, row: int) -> _Paper:
    """Return the paper of an object or an entry of BibTeX. Outside arXiv, its authors and abstract are the record's."""
    main, *names = keys
    others: dict[str, Any] = {}
    if not arxiv_id_of(main):
        others = {"authors": _authors_of(item), "abstract": item.get("abstract")}
    return _Paper(main, _title_of(item), on, row, names=tuple(names), others=others)


def _authors_of(item: Mapping[str, Any]) -> list[object]:
    """Return the names in a record: a list of texts or objects, or one text (`A; B`, `A, B and C`, or as in BibTeX)."""
    value = next((item[name] for name in ("authors", "author") if item.get(name)), ())
    if isinstance(value, str):
        value = value[:_MAX_NAMES]
        if " and " in value and all(name.count(",") == 1 for name in value.split(" and ")):
            return [*bibtex.read_names(value)]
        return [*re.split(";" if ";" in value else ",| and ", value)]
    if not isinstance(value, list):
        return []
    return [one.get("name") if isinstance(one, Mapping) else one for one in value]


def _read_note(note: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a paper's note of OpenReview as an object: its address, and its content, in which links name the paper, too."""
    content = {
        name: value["value"] if isinstance(value, Mapping) and "value" in value else value
        for name, value in listing.get_mapping(note, "content").items()
    }
    return {"forum": f"https://openreview.net/forum?id={note['forum']}", **content}


def _title_of(item: Mapping[str, Any]) -> str | None:
    """Return an object's title as plain text."""
    titles = (item[key] for key in _TITLE_KEYS if isinstance(item.get(key), str))
    return next(filter(None, map(title_reader.clean_title, titles)), None)


def _read_key(value: object) -> str | None:
    """Return the key if a value is only an id or a paper's link, or None. A bare key without a link is arXiv's."""
    if arxiv_id := _read_id(value):
        return arxiv_id
    is_link = isinstance(value, str) and len(value) < 300 and "://" in value and " " not in value.strip()
    return schemes.read_key(value) if isinstance(value, str) and is_link else None


def _read_id(value: object) -> str | None:
    """Return the arXiv id if a value is only an id or a paper link, or None."""
    if not isinstance(value, str) or len(value) >= 300:
        return None
    return arxiv_ids.parse_bare_id(value) if " " in value.strip() else arxiv_ids.extract_arxiv_id(value)


def _date_of(item: Mapping[str, Any]) -> date | None:
    """Return the date in an object's fields, or None: that of a list, else of the paper, never of its making or change."""
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
