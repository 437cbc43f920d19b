"""Read the items of Markdown and of pages, line by line. A paper's date is in its line, or in the heading or line above.

A key counts if it is in a link, in a table cell, in an address outside sentences, or at either end of
a short line; in prose it is only a mention, and so is a link in a paragraph's sentence. The title (until arXiv's facts
arrive) is the link's label, or else what is next to the link, or the heading of a single paper.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import takewhile
from typing import NamedTuple

from bot.archive import (
    arxiv_ids,
    fields,
    html_pages,
    markdown_lines,
    mentions,
    records,
    schemes,
    sorting,
    title_reader,
)
from bot.archive.items import Item
from bot.archive.title_reader import CUT, strip_markdown
from bot.text import date_reader
from storage.models import Problem, Skipped, SkipReason, arxiv_id_of, scheme_of

_ITEM = re.compile(r"\s*+(?:[-*+•]\s|[0-9]{1,4}[.)]\s|\||#)")
"""What begins an item of a list, a row of a table or a heading."""
_LINKED_ITEM = re.compile(r"(?:[-*+]|[0-9]{1,4}[.)]|\|)\s{1,4}(?:\*\*)?\[([^\[\]]{1,400})\]\(https?://")
"""An item of a list, or a row of a table, that begins with a link."""
_SENTENCE_END = re.compile(r"[.!?。:;][\"”')\]*_]{0,3}\s*\Z")
_UPDATED = ("updat", "last ", "更新", "갱신", "업데이트", "generated")
"""What is in a heading whose date is of no list."""
_DIVIDERS = re.compile(r"[|()\[\]:：·•—–]|\s[-~]\s|\*\*")
_ID = re.compile(rf"(?:arxiv\s?[:：.]?\s?)?(?P<id>{arxiv_ids.ID})(?:v[0-9]{{1,3}})?", re.IGNORECASE)
_MAX_SHORT_LINE, _MAX_CELL_LENGTH, _MAX_LINE = 200, 60, 400
_MAX_WORDS = 3
"""The maximum number of words besides the date in the heading of a day."""
_MIN_SENTENCE = 12
"""The words of a paragraph that ends like a sentence, so that links in it are citations."""
_EARLY = timedelta(days=7)
"""How long before the month of a paper's id its day may be."""
UNDATED = ": its papers are read without a date"


def is_early(on: date, key: str) -> bool:
    """Return whether a day is too long before the month of a paper's id, which keys of other schemes do not have."""
    return schemes.is_arxiv(key) and on + _EARLY < arxiv_ids.first_day(key)


class _Heading(NamedTuple):
    level: int
    text: str
    stated: date_reader.Stated | None


class LineReader:
    """Reads the papers of a text, but for those in code, comments and references.

    `weeks` are the last days of numbered weeks: only they may be far in the future. `doubts` are about headings
    whose day is unclear.
    """

    def __init__(self, rows: Sequence[str], named_on: date | None) -> None:
        self.weeks: set[date] = set()
        self.doubts: list[Problem] = []
        self._code = markdown_lines.find_code_rows(rows)
        linked = markdown_lines.resolve_references(rows, self._code)
        self.rows = [html_pages.convert_tags(line) if "<" in line else line for line in linked]
        self._named_on = self._near = self._day_on = named_on
        self._is_below_day = self._is_mentioning = self._is_in_comment = False
        # The papers below a heading, which is the title of a single one, and its level.
        self._papers: list[Item] = []
        self._title: tuple[int, str] | None = None
        self._short_heading: str | None = None
        self._columns: list[str] = []
        self._above: list[str] = []  # the lines since the last paper or heading
        # Rows of a section that are links without a title, with the lines above each.
        self._untitled: list[tuple[int, list[str]]] = []

    def read(self, start: int) -> Iterator[Item | Skipped]:
        """Yield the papers from a row on, and those that are left out. A heading above one paper may be its title."""
        for row in range(start, len(self.rows)):
            read = sorting.attempt(self._read_row, row)
            yield from (read,) if isinstance(read, Skipped) else read
        yield from self._end_section()

    def _read_row(self, row: int) -> Sequence[Item | Skipped]:
        """Read a row, and return the papers of the section that it ends, and what it leaves out."""
        line, ended = self.rows[row], list[Item | Skipped]()
        is_comment = self._is_in_comment or line.lstrip().startswith("<!--")
        self._is_in_comment = is_comment and "-->" not in line
        is_read = not is_comment and row not in self._code
        heading = self._parse_heading(row) if is_read and line.startswith("#") else None
        if heading:
            self._is_mentioning = mentions.REFERENCES.fullmatch(heading.text) is not None
            if self._title is None or heading.level <= self._title[0]:
                ended += self._end_section()
        is_read = is_read and not self._is_mentioning
        papers = self._read_line(self._join(row), row) if is_read else []
        if papers:
            self._read_below()
        self._papers += papers
        if papers or heading:
            self._above = []
        elif is_read:
            self._above.append(line)
        if papers:
            return ended
        if heading:
            self._enter(heading, row)
        elif is_read:
            self._read_day(line)
        if is_read and not heading and (title := _find_item_title(line)):
            return [*ended, sorting.skip(schemes.explain(line), title)]
        mentioned = dict.fromkeys(find_keys(line))
        return [*ended, *(Item(key, None, None, row).skip(SkipReason.MENTION) for key in mentioned)]

    def _end_section(self) -> Iterator[Item]:
        """Yield a section's papers.

        A title is in a paper's line, in bold above its links, in the heading of a section's only one, above its links, or in a
        short heading.
        """
        self._read_below()
        papers = [paper for paper in self._papers if not paper.is_mention]
        is_single = len({paper.key for paper in papers}) == 1
        is_titled = any(paper.title for paper in papers if paper.row == papers[0].row)
        heading = self._title[1] if self._title and is_single and not is_titled else None
        if heading and papers[0].is_of_arxiv:
            heading = title_reader.clean_title(heading, is_of_arxiv=True)
        short = self._short_heading if is_single and heading is None else None
        above, titled = self._read_above(), {paper.key for paper in papers if paper.title}
        for paper in self._papers:
            if paper.is_mention:
                yield paper._replace(title=None)
            elif paper.row in above:
                said = _choose_title(above[paper.row], heading, short)
                others = {"authors": said.people, **paper.others} if said.people else paper.others
                yield paper._replace(title=None if paper.key in titled else said.title, others=others)
            else:
                yield paper._replace(title=heading or paper.title)
        self._papers, self._title, self._untitled, self._short_heading = [], None, [], None

    def _read_above(self) -> dict[int, title_reader.Above]:
        """Return what the lines above the section's rows of links say, by row.

        Without a title above the first row, but with one below the last, all are below their rows; and so are people.
        """
        found = [title_reader.read_above(above) for _, above in (*self._untitled, (0, self._above))]
        titles, people = found, found
        if not found[0].title and found[-1].title:
            titles = found[1:]
        if not found[0].people and found[-1].people:
            people = found[1:]
        pairs = zip(titles, people, strict=False)
        both = (said._replace(people=other.people) for said, other in pairs)
        return {row: said for (row, _), said in zip(self._untitled, both, strict=False)}

    def _read_below(self) -> None:
        """Take from the lines below a paper's title, but of arXiv's, who wrote it, and the abstract behind their names."""
        paper = self._papers[-1] if self._papers else None
        if paper is None or not paper.title or paper.is_of_arxiv or paper.is_mention or paper.others:
            return
        below = [strip_markdown(line).strip(" -*") for line in self._above if line.strip()]
        if people := title_reader.read_people(below[0].replace(" | ", ", ")) if below else ():
            abstract = next((line for line in below[1:2] if _is_sentence(line) or line.endswith("。")), None)
            self._papers[-1] = paper._replace(others={"authors": people, "abstract": abstract})

    def _join(self, row: int) -> str:
        """Return a line with a link that continues in the next line."""
        line = self.rows[row]
        is_open = "[" in line and "](" not in line and line.count("[") > line.count("]")
        return f"{line} {self.rows[row + 1].strip()}" if is_open and row + 1 < len(self.rows) else line

    # Headings and days.

    def _parse_heading(self, row: int) -> _Heading | None:
        heading = markdown_lines.parse_heading(row, self.rows[row])
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
        text = self.rows[row].strip("# ")
        min_words = 1 if title_reader.is_numbered(text) else 4
        text = heading.text if "](" in text else text
        if title := title_reader.read_title(text, min_words, is_of_arxiv=False):
            self._title = heading.level, title
        else:
            self._short_heading = title_reader.read_title(text, 2, is_of_arxiv=False)

    def _is_day(self, stated: date_reader.Stated, on: date, words: int, row: int) -> bool:
        """Return whether a heading with a date is no title of the one paper below it.

        It is none if it begins with a day that a paper below can have, or has a few words.
        """
        rows = takewhile(lambda line: not line.startswith("#"), self.rows[row + 1 : row + 50])
        below = "\n".join(rows)
        ids = set(find_keys(below))
        if stated.is_first() and not (ids and all(is_early(on, key) for key in ids)):
            return True
        labels = (link[2] for link in mentions.LINK.finditer(below))
        is_untitled = not any(title_reader.read_title(label, is_of_arxiv=False) for label in labels)
        return words <= _MAX_WORDS and not (len(ids) == 1 and is_untitled)

    def _read_day(self, line: str) -> None:
        """Begin the day that a line consists of, unless a heading or the text's name has one."""
        if not self._is_below_day and self._named_on is None and not line.startswith((" ", "\t")):
            self._day_on = _find_lone_date(line[:100], self._near) or self._day_on

    # Lines with papers.

    def _read_line(self, line: str, row: int) -> list[Item]:
        """Return the papers in a line's links, in its addresses, and in the rest of the line."""
        self._read_columns(line, row)
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
        items = _merge(papers, on)
        if len(items) != 1 or items[0].is_of_arxiv or items[0].is_mention:
            return items
        item = self._describe(items[0], line, notes, labels)
        if item.title is None and fields.is_button(mentions.ADDRESS.sub("", rest.replace(CUT, ""))):
            self._untitled.append((row, self._above))
        return [item]

    def _read_columns(self, line: str, row: int) -> None:
        """Keep the names of a table's columns, which are above its rule, up to its end."""
        if "|" not in line:
            self._columns = []
        elif set(rule := "".join(self.rows[row + 1 : row + 2]).strip()) <= set("|-: ") and "-" in rule:
            names = records.name_columns(_split_cells(line))
            self._columns = ["name" if name in _PAPERS else name for name in names]

    def _describe(self, item: Item, line: str, notes: Sequence[str], labels: Sequence[str]) -> Item:
        """Return the only item of a line, of a paper outside arXiv, with what the line says of it: of arXiv's, arXiv tells it.

        Its title is in the column of titles, or its link at the line's beginning, or as arXiv's; or else another link's label.
        """
        cells = _split_cells(line) if self._columns else []
        record = records.Record([*zip(self._columns, map(_read_cell, cells), strict=False)])
        people, abstract = records.people_of(record), records.abstract_of(record)
        first = mentions.LINK.match(title_reader.strip_item(line).lstrip(" |*_"))
        own, other = (
            ("", "") if not first or first[1] else (first[2], "") if first[2] in labels else ("", first[2])
        )
        texts = [(records.title_of(record), 1), (own, 2), (item.title or "", 1)]
        texts += [
            *((note, 4) for note in notes),
            *((label, 2 - (f"**[{label}](" in line)) for label in labels),
            (own, 1),
            (other, 1),
        ]
        titles = (title_reader.read_title(text, fewest, is_of_arxiv=False) for text, fewest in texts)
        return item._replace(
            title=next(filter(None, titles), None),
            others={"authors": people, "abstract": abstract} if people or abstract else item.others,
        )


def _choose_title(above: title_reader.Above, heading: str | None, short: str | None) -> title_reader.Above:
    """Return what is said above a paper's links, with the heading as the title where it is above a plainer one, or a name."""
    title, is_bold, people = above
    if is_bold:
        return above
    if title and (heading or short) and title_reader.is_name(title):
        people, title = people or (title,), None
    is_long = title is not None and title_reader.has_words(title)
    return above._replace(title=heading or (title if is_long else short or title), people=people)


_PAPERS = ("paper", "papers", "论文", "論文")
"""What a column of titles is called if none is called that."""


def _split_cells(line: str) -> list[str]:
    return re.split(r"(?<!\\)\|", line.strip().strip("|"))


def _read_cell(cell: str) -> str:
    """Return a cell as plain text, or the label of the link that it begins with."""
    link = mentions.LINK.match(cell.lstrip(" *_"))
    return strip_markdown(link[2] if link else mentions.LINK.sub(" ", cell))


def _merge(papers: Iterable[Item], on: date | None) -> list[Item]:
    """Return a line's items: the addresses of a paper's page and of its PDF are one. What needs a day is a mention without."""
    items: dict[str, Item] = {}
    for paper in papers:
        first = items.setdefault(paper.key, paper)
        title, is_mention = first.title or paper.title, first.is_mention and paper.is_mention
        is_mention = is_mention or (first.needs_day and paper.needs_day and on is None)
        items[paper.key] = first._replace(title=title, is_mention=is_mention, on=on)
    return [*items.values()]


_WORD = re.compile(r"[^\W\d_]{3}")


def _may_have_key(text: str) -> bool:
    return "://" in text or "10." in text or arxiv_ids.MAY_HAVE_ID.search(text) is not None


def find_keys(text: str) -> list[str]:
    """Return the keys of the papers that a text has links to: those of arXiv, else others."""
    keys = schemes.find_keys(text) if _may_have_key(text) else []
    return [*filter(schemes.is_arxiv, keys)] or keys


def _find_item_title(line: str) -> str | None:
    """Return the title in an item that has a link and names no paper by a key: the label of its first link, or bold text."""
    if (item := _LINKED_ITEM.match(line)) and title_reader.read_title(item[1], is_of_arxiv=False):
        return item[1]
    if not _ITEM.match(line) or "](http" not in line:
        return None
    parts = [mentions.LINK.sub(CUT, line)]
    return title_reader.find_unlinked(parts, are_cells=False, has_others=True, is_of_arxiv=False)


def _unite(papers: list[Item]) -> list[Item]:
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


def _add_title(papers: list[Item], parts: Sequence[str], *, are_cells: bool) -> list[Item]:
    """Return a line's papers with the title next to the link of the only one, or of the only one that begins a cell."""
    listed = {paper.key for paper in papers if not paper.is_mention}
    owners = {paper.key for paper in papers if paper.begins_cell} if len(listed) > 1 else listed
    if len(owners) != 1 or any(paper.title or paper.needs_day for paper in papers if paper.key in owners):
        return papers
    title = title_reader.find_unlinked(
        [_cut_keys(part) for part in parts],
        are_cells=are_cells,
        has_others=owners != listed,
        is_of_arxiv=any(map(schemes.is_arxiv, owners)),
    )
    return [paper._replace(title=title) if paper.key in owners else paper for paper in papers]


def _cut_keys(part: str) -> str:
    """Return a text with `CUT` in the place of DOIs and of what is before them."""
    for _, start, end in reversed(schemes.find_places(part) if "10." in part else ()):
        part = f"{BEFORE_KEY.sub('', part[:start])} {CUT} {part[end:]}"
    return part


BEFORE_KEY = re.compile(r"\W{0,9}(?:https?://\S{0,99}|doi:?\s{0,9})$", re.IGNORECASE)
"""The address or the label before a DOI."""


def _read_links(line: str, row: int, *, is_item: bool) -> tuple[list[Item], str, list[str], list[str]]:
    """Return the papers in a line's links, the line with ids or `CUT` for links and images, and the labels of other links.

    The last list has the labels of links to papers outside arXiv.
    """
    papers, notes, labels = list[Item](), list[str](), list[str]()
    cut, shift = (mentions.LINK.sub(CUT, line) if "](" in line else line), 0
    is_prose = not is_item and _is_sentence(cut)

    def take(match: re.Match[str]) -> str:
        nonlocal shift
        is_image, label, address = match.groups()
        before, _ = mentions.around(cut, match.start() - shift, match.end())
        shift += len(match[0]) - len(CUT)
        if not is_image:
            keys = find_keys(address)
            if not keys and not fields.is_picture(address):
                keys = find_keys(label)
            if key := keys[0] if keys else arxiv_ids.parse_bare_id(label):
                is_first = line[max(match.start() - 9, 0) : match.start()].rstrip(" *_`([").endswith("|")
                is_cited = not is_item and _is_cited(before, match, is_prose=is_prose)
                title = title_reader.read_title(label, is_of_arxiv=schemes.is_arxiv(key))
                papers.append(Item(key, title, None, row, is_cited, begins_cell=is_first))
                labels.extend(() if arxiv_id_of(key) else [label])
            else:
                notes.append(label)
            if key and arxiv_id_of(key) and ("://" in label or arxiv_ids.parse_bare_id(label)):
                return f" arXiv:{key} "
        return f" {CUT} "

    return papers, (mentions.LINK.sub(take, line) if "](" in line else line), notes, labels


def _is_sentence(paragraph: str) -> bool:
    return len(paragraph.split()) >= _MIN_SENTENCE and _SENTENCE_END.search(paragraph) is not None


def _is_cited(before: str, link: re.Match[str], *, is_prose: bool) -> bool:
    """Return whether a link in a paragraph is part of its sentence. One that begins the paragraph is not."""
    before = strip_markdown(before)
    if not any(map(str.isalpha, before)):
        return False
    _, after = mentions.around(link.string, *link.span())
    return is_prose or mentions.is_in_sentence(before, after, "", is_id=False)


def _read_other_keys(part: str, row: int, *, is_cell: bool, is_item: bool) -> Iterator[Item]:
    """Yield the papers outside arXiv that a cell, or a line without its links, names by an address or a DOI.

    In a sentence of an item they need a day: so they are in a dated reading list.
    """
    is_prose = not is_item and _is_sentence(part)
    for key, start, end in schemes.find_places(part):
        if schemes.is_arxiv(key):
            continue
        before, after = mentions.around(part, start, end)
        is_cited = is_prose or mentions.is_in_sentence(before, after, part[start:end], is_id=False)
        is_cited &= not is_cell
        is_alone = is_cell and not _WORD.search(before + after)
        yield Item(key, None, None, row, is_cited and not is_item, is_alone, needs_day=is_cited and is_item)


def _find_lone_date(part: str, near: date | None = None) -> date | None:
    """Return the date of a line or a part of it that is only a date."""
    stated = date_reader.read(strip_markdown(part), near) if any(map(str.isdecimal, part)) else None
    return stated.on if stated and stated.count_words() == 0 else None


def _read_text(part: str, row: int, *, is_cell: bool, has_link: bool) -> Iterator[Item]:
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
            yield Item(ids[0], None, None, row, is_mention, begins_cell=is_alone)
    edges = [*words[:2], *words[-2:]] if is_short else []
    places = () if is_long else _ID.finditer(rest)
    outside = (match["id"] for match in places if not _is_in_sentence(rest, match, is_id=True))
    free = set(map(arxiv_ids.parse_bare_id, outside))
    bare = (arxiv_ids.parse_bare_id(word.strip("*`[]():,")) for word in (part, *words[:2], *words[-1:]))
    for arxiv_id in dict.fromkeys([*arxiv_ids.find_ids(rest), *filter(None, bare)]):
        is_listed = is_alone or not (has_link or "。" in rest)
        is_listed &= len(words) < 6 or any(arxiv_id in word for word in edges)
        yield Item(arxiv_id, None, None, row, not (is_listed and arxiv_id in free), begins_cell=is_alone)


def _is_in_sentence(part: str, match: re.Match[str], *, is_id: bool) -> bool:
    return mentions.is_in_sentence(*mentions.around(part, *match.span()), match[0], is_id=is_id)


_FRONT_MATTER = {"---": ":", "+++": "="}
"""The line around a text's front matter, and what is between a key and its value: YAML and TOML."""


def read_front_matter(rows: Sequence[str]) -> tuple[records.Record, int]:
    """Return the fields in a text's front matter, one for each member of a list, and the first row after it."""
    fence = rows[0].strip() if rows else ""
    end = next((row for row in range(1, min(len(rows), 60)) if rows[row].strip() == fence), 0)
    given = records.Fields()
    if not end or fence not in _FRONT_MATTER:
        return records.Record(given), 0
    for line in rows[1:end]:
        name, _, value = line.partition(_FRONT_MATTER[fence])
        is_member = line.lstrip().startswith("- ") and given
        name, value = (given[-1][0], line.lstrip()[2:]) if is_member else (name.strip().lower(), value)
        given.append((name, value.strip(" \"'")))
    return records.Record(given, text="\n".join(rows[1:end])), end + 1
