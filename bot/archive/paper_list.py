"""Parse other projects' lists of papers in Markdown or JSON: the arXiv ids of each day, with titles.

An id counts if it is in a link, in a table cell, in an address outside sentences, or at either end of
a short line; in prose it is only a mention. The title until arXiv's facts arrive is the link's label, or else what
is beside or above the link. Papers without a date form a *rolling* digest.

What a line without a paper says is of these papers (`_Reader._read_note`):

    the line                      where                                        is of
    a date, alone or labelled     below a heading that titles a paper or is    the papers of its paragraph; above the
                                  a day, or in a text of one day (*)           first of them, those that follow in it
    a date with a label and words anywhere                                     the same
    any other date                behind papers of its paragraph, if no date   the same
                                  has been above the papers so far
    any other date                elsewhere                                    all papers below, up to the next one
    "Title: …"                    below a paper without a title, if no title   that paper
                                  has been above its paper so far
    "Title: …"                    elsewhere                                    the next paper of the section
    a title (`find_above`)        anywhere                                     the next paper of the section

(*) A text with a date in its name or in its front matter. In another text, a first line of few words with a date is
a date alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import chain
from typing import Any, Literal, NamedTuple, TypeGuard

from bot.archive import arxiv_ids, fields, html_pages, listing, markdown_lines, sorting, title_reader
from bot.archive.title_reader import CUT, strip_markdown
from bot.text import date_reader
from storage import errors
from storage.models import Digest, DigestFormat, LeftOut, Omission, Problem, add_up

_LINK = re.compile(
    r"(!?)\[((?:[^\[\]]++|\[[^\[\]]*+\](?:\([^()\s]*+\))?)*+)\]"
    r"\(\s{0,9}<?(https?://[^\s()<>]{1,1000}|[^\s()<>]{0,200})[^()\n]{0,200}\)"
)
"""A link or an image: its mark, its label, which may contain an image, and its address."""
_DIGIT = re.compile("[0-9]")
_ADDRESS_FIRST = re.compile(
    r"(?:<|\[\[)(https?://[^\s<>|\[\]]{1,1000})(?:\||\]\[)([^<>|\[\]]{0,400})(?:>|\]\])"
)
"""A link of Slack or of Org, whose address comes before its label."""
_ADDRESS = re.compile(
    r"<?(?:https?://|(?<![\w./-])(?:www\.)?arxiv\.org/)[^\s<>|\"']{1,1000}>?", re.IGNORECASE
)
_LINKED_ITEM = re.compile(r"(?:[-*+]|[0-9]{1,4}[.)]|\|)\s{1,4}(?:\*\*)?\[([^\[\]]{1,400})\]\(https?://")
"""An item of a list, or a row of a table, that begins with a link."""
_WIKI_LINK = re.compile(r"(?<!!)\[\[([^\[\]|#\\]{1,300})(?:\\?[|#][^\[\]]{0,300})?\]\](?![(\[])")
"""A link to another note, as in Obsidian: its name, and what may be shown in place of it."""
_REFERENCE = re.compile(r"\[([^\[\]]{1,400})\](?:\[([^\[\]]{0,100})\])?(?![\[(:])")
_DEFINITION = re.compile(r" {0,3}\[([^\[\]]{1,100})\]:\s{1,9}<?(https?://[^\s>]{1,1000})")
_BRACKETED = re.compile(r"[\[(`【]([0-9a-z][^\[\]()`\s【】]{8,29})[\])`】]", re.IGNORECASE)
_DATED_LINE = re.compile(
    r"[-*>\s]{0,4}\**(?:date|published|publish date|posted|submitted|日期|发布日期|날짜|게시일|발표일)\**(?:\s?[:：]|\s)",
    re.IGNORECASE,
)
_MENTIONING = re.compile(
    r"\W*(?:references?|bibliography|citations?|citing|cite us|related works?|acknowledge?ments?|参考文献|참고문헌)\W*",
    re.IGNORECASE,
)
_UPDATED = re.compile(r"updat|last |更新|갱신|업데이트|generated", re.IGNORECASE)
_ASIDE = re.compile(r"[(（][^()（）]{0,80}[)）]")
_FORMULA = re.compile(r"\$[^$\n]{1,200}\$|\\\|")
_DELIMITER_ROW = re.compile(r"\s*(?:\|\s*)?(?::?-{1,60}:?\s*\|\s*){1,60}(?::?-{1,60}:?\s*)?")
_DIVIDERS = re.compile(r"[|()\[\]:：·•—–]|\s[-~]\s|\*\*")
_BEFORE_MENTION = re.compile(
    r"of|in|on|at|to|by|with|from|as|than|and|or|also|see|via|per|for|is|are|was|were|like|that|this|the|an?|our|we|cf|us(?:e|es|ing)"
    r"|into|about|between|says|against|both|while|where|which|extend(?:s|ing)|supersed(?:es|ing)|replac(?:es|ing)"
    r"|en|de|con|por|como|y|que|dans|par|avec|et|von|mit|und|wie|bei|di|da|para|e"
)
_WORD_BEHIND = re.compile(r"[^\W\d_]++(?!\.\w)")
"""A word, and no category of arXiv such as cs.CL."""
_PREPRINT = re.compile(r"prints?(?:\s(?:at|as|on|in))?\s{0,9}$", re.IGNORECASE)
_BEHIND_ADDRESS = re.compile(r"by|from|via|par|von|de|por|votes?|upvotes|likes|points|stars|comments")
_ID = re.compile(rf"(?:arxiv\s?[:：.]?\s?)?(?P<id>{arxiv_ids.ID})(?:v[0-9]{{1,3}})?", re.IGNORECASE)
_MAX_SHORT_LINE, _MAX_CELL_LENGTH, _MAX_LINE = 200, 60, 400
_MAX_WORDS = 3
"""The words beside the date in a heading, or in a text's first line, that is a day although others of its kind are not."""
_MIN_LIST = 3
"""The papers of a list without a date, and of a note that is about more than the paper in its front matter."""
_AHEAD = timedelta(days=7)
"""How far in the future a list's day may be: a week's list has its last day."""
_EARLY = timedelta(days=7)
"""How long before the month of a paper's id its day may be."""
NO_PAPER = "it names no paper of arXiv"
UNDATED = ": its papers are read without a date"


class _Paper(NamedTuple):
    """A paper found in a text. `is_mention`: it occurs only in prose. `above` is a title in a line above it.

    `begins_cell`: its link is first in a cell, or its id is alone there, so that the title in another cell is its own.
    """

    arxiv_id: str
    title: str | None
    on: date | None
    row: int = 0
    is_mention: bool = False
    above: str | None = None
    begins_cell: bool = False

    def leave_out(self, reason: Omission) -> LeftOut:
        return sorting.leave_out(reason, f"{self.arxiv_id} in line {self.row + 1}")


_Papers = tuple[_Paper, *tuple[_Paper, ...]]
"""The papers of a row that has some."""


def parse(rows: Sequence[str], name: str, on: date | None) -> tuple[Digest, ...]:
    """Parse a Markdown list into one digest per date. Undated papers become a rolling digest dated `on`, which is today.

    `name`, the path or URL, may contain the date. Raises NotADigestError with a reason if the text is not a
    list.
    """
    front, start = _read_front_matter(rows, date_reader.find_path_date(name))
    reader = _Reader(rows, front.on)
    papers, left_out = sorting.split(reader.read(start))
    if front.arxiv_id and len({paper.arxiv_id for paper in papers if not paper.is_mention}) < _MIN_LIST:
        left_out += tuple(paper.leave_out(Omission.MENTION) for paper in papers)
        papers = [front]
    if not papers and any(map(arxiv_ids.find_ids, rows)):
        raise errors.NotADigestError(
            "its arXiv links are in code, comments or references, which are not read"
        )
    dates = {front.on, *reader.weeks}
    is_named = front.on is not None
    return _build_digests(papers, on, left_out, is_named=is_named, certain=dates, doubts=reader.doubts)


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
    papers, left_out = sorting.split(chain.from_iterable(parts))
    if not papers:
        # Raises the reason why the first value is not a listing.
        return listing.build_records(values[:2])
    return _build_digests(papers, on, left_out, is_named=True, certain={path_on}, doubts=())


def _cut(papers: Iterable[_Paper]) -> tuple[list[_Paper], list[Problem], tuple[LeftOut, ...]]:
    """Return the papers up to the last of MAX_PAPERS distinct ones, a problem if there are more, and the others."""
    ids, problems = set[str](), list[Problem]()

    def judge(paper: _Paper) -> _Paper | LeftOut:
        ids.add(paper.arxiv_id)
        if len(ids) <= fields.MAX_PAPERS:
            return paper
        if not problems:
            problems.append(fields.describe_cut(paper.row))
        return paper.leave_out(Omission.TOO_MANY)

    first, beyond = sorting.sort_out(papers, judge)
    return first, problems, beyond


def _build_digests(
    papers: Iterable[_Paper],
    on: date | None,
    left_out: Iterable[LeftOut],
    *,
    is_named: bool,
    certain: Collection[date | None],
    doubts: Iterable[Problem],
) -> tuple[Digest, ...]:
    """Build one digest per date. A list needs three papers, or a date.

    `left_out` are other papers in the text. `is_named`: the text's name contains the date, or the text is JSON.
    `certain` dates may be in the future; `doubts` are about those that cannot be told.
    """
    papers, problems, beyond = _cut(papers)
    papers, doubtful = _question_dates(papers, on, certain)
    doubts = [*doubts, *doubtful]
    undated = [sorting.leave_out(Omission.NO_DATE, f"line {doubt.line}: {doubt.message}") for doubt in doubts]
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

    def judge(paper: _Paper) -> _Paper | LeftOut:
        if paper.is_mention:
            return paper.leave_out(Omission.MENTION)
        if paper.on is None and paper.arxiv_id in dated:
            return paper.leave_out(Omission.REPEATED)  # as in a table of contents
        group = by_day.setdefault(paper.on, {})
        first = group.setdefault(paper.arxiv_id, paper)
        if first is paper:
            return paper
        if first.title is None:
            group[paper.arxiv_id] = first._replace(title=paper.title)
        return paper.leave_out(Omission.REPEATED)

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
    unlisted = add_up([*left_out, *beyond, *others])
    digests[0] = replace(digests[0], left_out=unlisted, remarks=add_up(undated))
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


# Markdown, line by line. A paper's date is in its line, its paragraph or the heading above.


class _Heading(NamedTuple):
    row: int
    level: int
    text: str
    stated: date_reader.Stated | None


class _Outline:
    """The headings of a text by row. `near` is a day close to the last one that they state."""

    def __init__(self, rows: Sequence[str], code: Collection[int], named_on: date | None) -> None:
        self._rows, self._code, self.near = rows, code, named_on
        headings = list(filter(None, map(self._parse, range(len(rows)))))
        self.headings = {heading.row: heading for heading in headings}
        end = _Heading(len(rows), 0, "", None)
        self._next = dict(zip(self.headings, [*headings[1:], end], strict=False))
        self._levels = Counter(heading.level for heading in headings)
        self._dated_levels = Counter(it.level for it in headings if it.stated and it.stated.on)

    def _parse(self, row: int) -> _Heading | None:
        line = self._rows[row].strip()
        heading = markdown_lines.parse_heading(row, line) if line.startswith("#") else None
        below = self._rows[row + 1] if not heading and row + 1 < len(self._rows) else ""
        is_underlined = below.startswith("=") and markdown_lines.is_underline(below)
        if not line or row in self._code or not (heading or is_underlined):
            return None
        level, text = (heading.level, heading.text) if heading else (1, line)
        text = strip_markdown(_ASIDE.sub(lambda aside: "" if _UPDATED.search(aside[0]) else aside[0], text))
        stated = None if _UPDATED.search(text[:100]) else date_reader.read(text, self.near)
        if stated and stated.near:
            self.near = stated.near
        return _Heading(row, level, text, stated)

    def is_day(self, heading: _Heading, stated: date_reader.Stated) -> bool:
        """Return whether a heading with a date is about that day, rather than a paper's title that contains it.

        The more of the headings of its level have dates, the more words (`Stated.count_words`) may stand beside its own.
        """
        words = stated.count_words()
        if words is None or (words and stated.on is None):
            return False
        dated, all_of_level = self._dated_levels[heading.level], self._levels[heading.level]
        if not words or dated == all_of_level:
            return True
        following = self._next[heading.row]
        below = "\n".join(self._rows[heading.row + 1 : min(following.row, heading.row + 50)])
        if _is_of_untitled_paper(below):
            return False  # it is the title of that paper
        if not arxiv_ids.find_ids(below) and following.level <= heading.level:
            return words < 2
        return words <= _MAX_WORDS or 2 * dated >= all_of_level

    def is_day_above(self, row: int, stated: date_reader.Stated) -> bool:
        """Return whether the first line of a text, which is no heading, is a day with few words rather than a paper's title."""
        words = stated.count_words()
        paragraph = "\n".join(self._rows[row : row + 50]).partition("\n\n")[0]
        return words is not None and words <= _MAX_WORDS and not _is_of_untitled_paper(paragraph)


def _is_of_untitled_paper(text: str) -> bool:
    is_single = len(set(arxiv_ids.find_ids(text))) == 1
    return is_single and not any(title_reader.read_title(link[2]) for link in _LINK.finditer(text))


@dataclass
class _Paragraph:
    """The papers since a blank line or a heading, and the day of those to come. `is_begun` after the first line."""

    papers: list[_Paper] = field(default_factory=list)
    on: date | None = None
    is_begun: bool = False
    in_table: bool = False
    dated: tuple[int, int, date | None] = (-1, 0, None)
    """The last row of a table whose first cell is a day, or of those below that share the cell; its cells, its day."""


@dataclass
class _Section:
    """The papers below a heading, its level and title if it may be a paper's, and a line's title for the next paper."""

    papers: list[_Paper] = field(default_factory=list)
    title: tuple[int, str] | None = None
    line_title: str | None = None
    is_linked: bool = False
    """Whether the heading links to its paper, so that links in the text below it are mentions."""


class _Reader:
    """Reads the papers of a text, but for those in code, comments and references.

    `weeks` are the last days of numbered weeks: only they may be far in the future. `doubts` are about headings
    whose day cannot be told.
    """

    def __init__(self, rows: Sequence[str], named_on: date | None) -> None:
        self.weeks: set[date] = set()
        self.doubts: list[Problem] = []
        lines = (_WIKI_LINK.sub(r"\1", line) if "[[" in line else line for line in rows)
        self._rows = [html_pages.convert_tags(line) if "<" in line else line for line in lines]
        self._code = markdown_lines.find_code_rows(rows)
        self._outline = _Outline(self._rows, self._code, named_on)
        definitions = filter(None, map(_DEFINITION.match, (row for row in rows if "]:" in row)))
        self._targets = {match[1].lower(): match[2] for match in definitions}
        self._named_on, self._near = named_on, self._outline.near
        self._section, self._paragraph = _Section(), _Paragraph()
        self._day_on, self._is_day_heading = named_on, False
        self._is_mentioning = self._is_begun = False
        # Whether a date or a title has been above its papers so far.
        self._dates_are_above = self._titles_are_above = False

    def read(self, start: int) -> Iterator[_Paper | LeftOut]:
        """Yield the papers from a row on, and those that are left out. A heading above one paper may be its title."""
        is_open = False
        for row in range(start, len(self._rows)):
            line = self._rows[row]
            is_comment = is_open or line.lstrip().startswith("<!--")
            is_open = is_comment and "-->" not in line
            heading = None if is_comment or row in self._code else self._outline.headings.get(row)
            if heading:
                self._end_paragraph()
                self._near = (heading.stated and heading.stated.near) or self._near
                self._is_mentioning = _MENTIONING.fullmatch(heading.text) is not None
                if self._section.title is None or heading.level <= self._section.title[0]:
                    yield from self._end_section()
            judged = Omission.MENTION if is_comment else self._judge(row, line, heading)
            match judged:
                case Omission():
                    ids = arxiv_ids.find_ids(line) if arxiv_ids.MAY_HAVE_ID.search(line) else []
                    yield from (
                        _Paper(name, None, None, row).leave_out(judged) for name in dict.fromkeys(ids)
                    )
                case LeftOut():
                    yield judged
                case "definition":
                    pass
                case papers:
                    self._paragraph.papers += papers
        self._end_paragraph()
        yield from self._end_section()

    def _judge(
        self, row: int, line: str, heading: _Heading | None
    ) -> _Papers | LeftOut | Omission | Literal["definition"]:
        """Return the papers of a row, the item that has none, or why its papers are left out; a definition is of its link."""
        if "]:" in line and _DEFINITION.match(line):
            return "definition"
        if row in self._code:
            return Omission.MENTION
        if not line.strip() or markdown_lines.is_thematic_break(line):
            self._end_paragraph()
        if self._is_mentioning or not line.strip():
            return Omission.MENTION
        papers = self._read_line(self._join(row, line), row)
        if heading:
            self._section.is_linked = not all(paper.is_mention for paper in papers)
        elif self._section.is_linked and line[:1].isalpha() and "](" in line:  # an address has its own rule
            papers = [paper if paper.title else paper._replace(is_mention=True) for paper in papers]
        if not papers and heading:
            self._enter(heading)
        elif not papers:
            self._read_note(row, line)
        self._paragraph.is_begun = self._is_begun = True
        item = None if papers or heading else _LINKED_ITEM.match(line)
        if item and title_reader.read_title(item[1], 4):
            return sorting.leave_out(Omission.NO_ID, item[1])
        return (papers[0], *papers[1:]) if papers else Omission.MENTION

    def _end_paragraph(self) -> None:
        self._section.papers += _fill_in_day(self._paragraph.papers, self._paragraph.on)
        self._paragraph = _Paragraph()

    def _end_section(self) -> Iterator[_Paper]:
        """Yield a section's papers. Its heading is the title of a single paper without one in its line."""
        section = self._section
        papers = [paper for paper in section.papers if not paper.is_mention]
        is_single = len({paper.arxiv_id for paper in papers}) == 1
        is_titled = any(paper.title for paper in papers if paper.row == papers[0].row)
        heading = section.title[1] if section.title and is_single and not is_titled else None
        for paper in section.papers:
            title = None if paper.is_mention else heading or paper.title or paper.above
            yield paper._replace(title=title)
        self._section = _Section()

    def _join(self, row: int, line: str) -> str:
        """Return a line with a link that continues in the next line, and with other notations of links resolved."""
        is_open = "[" in line and "](" not in line and line.count("[") > line.count("]")
        if is_open and row + 1 < len(self._rows):
            line = f"{line} {self._rows[row + 1].strip()}"
        return _resolve(line, self._targets)

    # Headings and lines without papers.

    def _enter(self, heading: _Heading) -> None:
        if heading.stated and self._outline.is_day(heading, heading.stated):
            self._set_day(heading.stated, is_heading=True)
            if heading.stated.kind == "day" and heading.stated.near is None:
                self.doubts.append(
                    Problem(heading.row + 1, f"the day {heading.text[:40]!r} cannot be told{UNDATED}")
                )
            return
        text = self._rows[heading.row].strip().strip("#")
        min_words = 1 if title_reader.is_numbered(text) else 4
        if title := title_reader.read_title(text, min_words):
            self._section.title = heading.level, title

    def _set_day(self, stated: date_reader.Stated, *, is_heading: bool) -> None:
        """Begin a day. One that cannot be read ends the day above."""
        self._day_on, self._dates_are_above = stated.on or self._named_on, True
        self._is_day_heading = is_heading and stated.on is not None
        if stated.on and stated.kind == "week":
            self.weeks.add(stated.on)

    def _read_note(self, row: int, line: str) -> None:
        """Read a line without a paper: a date or a title of the papers above or below it, or other text."""
        if stated := self._find_date(row, line):
            self._place_date(stated)
        elif title := title_reader.read_labelled(line):
            self._place_title(title)
        else:
            below = self._rows[row + 1] if row + 1 < len(self._rows) else ""
            title = title_reader.find_above(line, below, is_first=not self._paragraph.is_begun)
            self._section.line_title = title or self._section.line_title

    def _find_date(self, row: int, line: str) -> date_reader.Stated | None:
        """Return the date of a line that is only a date, begins with a label such as "Published", or is a text's first."""
        label = _DATED_LINE.match(line)
        if not label and (len(line) > 100 or not _DIGIT.search(line) or _UPDATED.search(line)):
            return None
        stated = date_reader.read(strip_markdown(line[label.end() :][:80] if label else line), self._near)
        if not stated or not stated.on:
            return None
        may_have_words = not (label or self._is_begun or self._named_on)
        if may_have_words and self._outline.is_day_above(row, stated):
            stated = stated._replace(rest="")
        return stated if label or stated.count_words() == 0 else None

    def _place_date(self, stated: date_reader.Stated) -> None:
        papers = self._paragraph.papers
        is_of_paragraph = self._section.title or self._is_day_heading or self._named_on
        is_below = papers and not self._dates_are_above
        if is_of_paragraph or stated.count_words() != 0 or is_below:
            self._paragraph.on = None if papers else stated.on
            self._paragraph.papers = _fill_in_day(papers, stated.on)
        else:
            self._set_day(stated, is_heading=False)

    def _place_title(self, title: str) -> None:
        papers = self._paragraph.papers or self._section.papers
        if papers and papers[-1].title is None and not self._titles_are_above:
            papers[-1] = papers[-1]._replace(title=title)
        else:
            self._titles_are_above, self._section.line_title = True, title

    # Lines with papers.

    def _read_line(self, line: str, row: int) -> list[_Paper]:
        """Return the papers in a line's links, in its addresses, and in the rest of the line."""
        self._paragraph.in_table |= _DELIMITER_ROW.fullmatch(line) is not None
        if not arxiv_ids.MAY_HAVE_ID.search(line):
            return []
        papers, rest, notes = _read_links(line, row)
        bare = _FORMULA.sub(" ", rest)
        is_row = self._paragraph.in_table or line.lstrip().startswith("|")
        is_row = is_row or (bare.count(" | ") > 1 and len(line) <= _MAX_LINE)
        cells = bare.split("|") if is_row else []
        has_link = bool(papers)
        for part in cells or [rest]:
            papers += _read_text(part, row, is_cell=is_row, has_link=has_link)
        papers = self._add_title(papers, cells or [rest], are_cells=is_row)
        on = self._day_on
        if papers and on is None:
            parts = [cell for cell in cells if len(cell.strip()) <= _MAX_CELL_LENGTH]
            parts = [*notes, *(parts if is_row else _DIVIDERS.split(rest[:_MAX_LINE]))]
            on = next(filter(None, map(_find_lone_date, parts)), None)
            on = self._read_merged_day(cells, row, on) if is_row else on
        # The addresses of a paper's page and of its PDF are one item.
        items: dict[str, _Paper] = {}
        for paper in papers:
            first = items.setdefault(paper.arxiv_id, paper)
            title, is_mention = first.title or paper.title, first.is_mention and paper.is_mention
            items[paper.arxiv_id] = first._replace(title=title, is_mention=is_mention, on=on)
        return [*items.values()]

    def _read_merged_day(self, cells: Sequence[str], row: int, on: date | None) -> date | None:
        """Return the day of a row: its own, or that of the row above if its first cell is empty, or missing (`rowspan`)."""
        above, number, day = self._paragraph.dated
        first = "".join(cells[1:2]).strip()
        if on is None and above == row - 1 and (not first or len(cells) < number):
            self._paragraph.dated = (row, number, day)
            return day
        if on and _find_lone_date(first):
            self._paragraph.dated = (row, len(cells), on)
        return on

    def _add_title(self, papers: list[_Paper], parts: Sequence[str], *, are_cells: bool) -> list[_Paper]:
        """Return a line's papers with the title beside and above the link of the only one that is there or that begins a cell."""
        listed = {paper.arxiv_id for paper in papers if not paper.is_mention}
        section = self._section
        above, section.line_title = section.line_title, None if listed else section.line_title
        owners = {paper.arxiv_id for paper in papers if paper.begins_cell} if len(listed) > 1 else listed
        if len(owners) != 1 or any(paper.title for paper in papers if paper.arxiv_id in owners):
            return papers
        title = title_reader.find_beside(parts, are_cells=are_cells, has_others=owners != listed)
        return [
            paper._replace(title=title, above=above) if paper.arxiv_id in owners else paper
            for paper in papers
        ]


def _fill_in_day(papers: Iterable[_Paper], on: date | None) -> list[_Paper]:
    return [paper if paper.on else paper._replace(on=on) for paper in papers]


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

    return papers, (_LINK.sub(take, line) if "](" in line else line), notes


def _find_lone_date(part: str) -> date | None:
    """Return the date of a part of a line that is only a date."""
    stated = date_reader.read(strip_markdown(part)) if _DIGIT.search(part) else None
    return stated.on if stated and stated.count_words() == 0 else None


def _read_text(part: str, row: int, *, is_cell: bool, has_link: bool) -> Iterator[_Paper]:
    """Yield the papers in a cell, or in a line without its links. Beside the link of a paper, an id in words is a mention."""
    if not arxiv_ids.MAY_HAVE_ID.search(part):
        return
    is_short, is_long = len(part.strip()) <= _MAX_SHORT_LINE, len(part) > _MAX_LINE
    rest = _ADDRESS.sub(f" {CUT} ", part)
    words = rest.split()
    is_alone = is_cell and len(words) == 1
    for match in _ADDRESS.finditer(part):
        if ids := arxiv_ids.find_ids(match[0]):
            is_mention = is_long or _is_in_sentence(part, match, is_id=False)
            yield _Paper(ids[0], None, None, row, is_mention, begins_cell=is_alone)
    edges = " ".join(words[:2] + words[-2:]) if is_short else ""
    places = () if is_long else _ID.finditer(rest)
    outside = (match["id"] for match in places if not _is_in_sentence(rest, match, is_id=True))
    free = set(map(arxiv_ids.parse_bare_id, outside))
    for arxiv_id in dict.fromkeys(_find_others(rest, [part] if is_cell else [], words)):
        is_listed = arxiv_id in edges or (is_short and f"({arxiv_id}" in rest) or len(words) < 6
        is_listed &= is_alone or not has_link
        yield _Paper(arxiv_id, None, None, row, not (is_listed and arxiv_id in free), begins_cell=is_alone)


def _is_in_sentence(part: str, match: re.Match[str], *, is_id: bool) -> bool:
    """Return whether an address or an id is part of a sentence: a word before it needs it, or a sentence goes on behind it.

    An id without words before it is not, and what is behind its comma or bracket is not of its sentence, as in references.
    """
    before, behind = part[: match.start()], part[match.end() :]
    if is_id and not any(map(str.isalpha, before)):
        return False
    if title_reader.CJK.search(match[0]) or title_reader.CJK.match(behind.lstrip(")>")):
        return True  # with a particle
    last = "" if _PREPRINT.search(before) else "".join(before.split()[-1:])
    if _BEFORE_MENTION.fullmatch(last.strip("(*_,").lower()):
        return True
    if is_id and last.isalpha() and last.islower() and behind[:1] == "." and not behind[1:2].isalnum():
        return True
    word = _WORD_BEHIND.match(behind.lstrip(" " if is_id else " ,)"))
    return word is not None and word[0].islower() and not _BEHIND_ADDRESS.fullmatch(word[0])


def _find_others(rest: str, cells: Sequence[str], words: Sequence[str]) -> Iterator[str]:
    """Yield the ids outside links: after `arXiv:`, in brackets, alone in a cell, or at either end of the line."""
    yield from arxiv_ids.find_ids(rest)
    parts = [*cells, *_BRACKETED.findall(rest[:600]), *words[:2], *words[-1:]]
    bare = (arxiv_ids.parse_bare_id(part.strip(" *`[]():,")) for part in parts if len(part) < 40)
    yield from filter(None, bare)


def _resolve(line: str, targets: Mapping[str, str]) -> str:
    """Return the line with reference links (`[label][name]`, `[label]`), Slack's and Org's turned into inline links."""
    if "<http" in line or "[[http" in line:
        line = _ADDRESS_FIRST.sub(r"[\2](\1)", line)

    def link(match: re.Match[str]) -> str:
        url = targets.get((match[2] or match[1]).lower())
        return f"[{match[1]}]({url})" if url else match[0]

    return _REFERENCE.sub(link, line) if targets else line


def _read_front_matter(rows: Sequence[str], path_on: date | None) -> tuple[_Paper, int]:
    """Return the date of a note, and the paper that it is about, from its front matter, and the first row after it.

    A date of its creation counts if neither another nor the path has one, and that of a change does not.
    """
    end = next((row for row in range(1, min(len(rows), 60)) if rows[row].strip() == "---"), 0)
    if not end or rows[0].strip() != "---":
        return _Paper("", None, path_on), 0
    pairs = (line.partition(":")[::2] for line in rows[1:end])
    values = {key.strip().lower(): value.strip(" \"'") for key, value in pairs}
    arxiv_id = next(filter(None, map(_read_id, values.values())), "")
    dates = {key: value for key, value in values.items() if not _CHANGE_KEY.search(key)}
    on = _date_of({key: dates[key] for key in dates if "created" not in key}) or path_on or _date_of(dates)
    return _Paper(arxiv_id, _title_of(values), on), end + 1


# JSON and JSON Lines: objects, rows and texts with a paper's id.

_TITLE_KEYS = ("title", "paper_title", "original_title", "title_en")
_DATE_KEY = re.compile(r"(?:date|publish|created|submitted|announced|\A(?:day|week)\Z)", re.IGNORECASE)
_LIST_DATE_KEY = re.compile(r"\A(?:date|day|week)\Z|daily|listed|digest|report", re.IGNORECASE)
_CHANGE_KEY = re.compile(r"update|modif|edited|lastmod", re.IGNORECASE)
_READING_KEY = re.compile(r"fetched|generated|crawled|scraped|retrieved|collected|timestamp", re.IGNORECASE)


def _read_value(value: object, row: int, path_on: date | None) -> Iterator[_Paper | LeftOut]:
    """Yield the papers in a JSON value in order, without recursion. A list's date counts before its papers' own.

    Objects with a title of their own, but without an id, are left out.
    """
    stack: list[tuple[str, object, date | None, str | None]] = [("", value, None, None)]
    while stack:
        key, item, on, title = stack.pop()
        arxiv_id = arxiv_ids.parse_bare_id(key)
        if isinstance(item, Mapping):
            title = _title_of(item) or title
            if arxiv_id := arxiv_id or next(filter(None, map(_read_id, item.values())), None):
                yield _Paper(arxiv_id, title, on or path_on or _date_of(item), row)
                continue
            if _is_without_id(item):
                yield sorting.leave_out(Omission.NO_ID, _title_of(item))
            headers = [child for child in item.values() if isinstance(child, Mapping)]
            if inner := next((child for child in headers if _read_id(child.get("id"))), None):
                on = on or path_on or _date_of({**item, **inner})
            else:
                on = _date_of(item) or next(filter(None, map(_date_of, headers)), on)
            stack += [
                (name, child, on or date_reader.find_date(name[:40]), title)
                for name, child in reversed([*item.items()])
            ]
        elif isinstance(item, list):
            arxiv_id = _read_id(item[0]) if len(item) > 1 and not _read_id(item[1]) else None
            if arxiv_id:
                yield _Paper(arxiv_id, _read_unnamed_title(item[1]), on or path_on, row)
            else:
                stack += [("", child, on, None) for child in reversed(item)]
        elif isinstance(item, str):
            yield from _read_string(item, arxiv_id, row, on or path_on)


def _read_string(text: str, key_id: str | None, row: int, on: date | None) -> Iterator[_Paper | LeftOut]:
    """Yield the papers in a string of JSON: the one that its key names, or those of the text."""
    if key_id and not arxiv_ids.find_ids(text):
        yield _Paper(key_id, _read_unnamed_title(text), on, row)
    elif own_id := _read_id(text):
        yield _Paper(own_id, None, on, row)
    elif arxiv_ids.find_ids(text):
        for paper in _Reader(text.split("\n"), on).read(0):
            yield paper if isinstance(paper, LeftOut) else paper._replace(row=row)


def _is_without_id(item: Mapping[str, Any]) -> bool:
    """Return whether an object is about something with a title that is not on arXiv."""
    parts = item.values()
    has_parts = any(isinstance(part, Mapping | list) for part in parts)
    return (
        not has_parts and bool(_title_of(item)) and not any(map(arxiv_ids.find_ids, filter(_is_text, parts)))
    )


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str)


def _title_of(item: Mapping[str, Any]) -> str | None:
    """Return an object's title as plain text. A `name` may be a topic's, so it needs a title's length."""
    titles = (_read_title(item.get(key)) for key in _TITLE_KEYS)
    return next(filter(None, titles), None) or _read_title(item.get("name"), min_words=4)


def _read_unnamed_title(value: object) -> str | None:
    """Return the text beside an id as a title. A word in lower case is something else: a category (cs.CL), a state (done)."""
    title = _read_title(value)
    return None if title and " " not in title and title[0].islower() else title


def _read_title(value: object, min_words: int = 0) -> str | None:
    return title_reader.clean_title(value, min_words) if isinstance(value, str) else None


def _read_id(value: object) -> str | None:
    """Return the arXiv id if a value is only an id or a paper link, or None."""
    if not isinstance(value, str) or len(value) >= 300:
        return None
    return arxiv_ids.parse_bare_id(value) if " " in value.strip() else arxiv_ids.extract_arxiv_id(value)


def _date_of(item: Mapping[str, Any]) -> date | None:
    """Return the date in an object's fields, or None: that of a list, else of the paper, else of an update."""
    named = sorted(
        filter(_DATE_KEY.search, item),
        key=lambda name: (_CHANGE_KEY.search(name) is not None, not _LIST_DATE_KEY.search(name)),
    )
    dates = (date_reader.find_date(item[name][:40]) for name in named if isinstance(item[name], str))
    return next(filter(None, dates), None)


# Hugging Face's list as people store it: the answer itself or parts of it, in an object with a date, or as JSON Lines.


def _is_service_item(item: object) -> bool:
    """Return whether an object is a paper in Hugging Face's form, in its wrapper or alone."""
    if not isinstance(item, Mapping):
        return False
    is_alone = "upvotes" in item or "submittedOnDailyAt" in item
    paper = listing.get_mapping(item, "paper") or (item if is_alone else {})
    return _read_id(paper.get("id")) is not None


def _read_answer(values: Sequence[object]) -> tuple[list[Any], date | None]:
    """Return the items of Hugging Face's list and its day, or an empty list for any other JSON.

    The day is that of the object around the list, the newest on which a paper was submitted to the list, or that
    on which the list was read.
    """
    [only, *others] = values
    around = only if isinstance(only, Mapping) and not others and not _is_service_item(only) else {}
    inside = [only, *around.values()] if not others else []
    lists = [
        part for part in (values, *inside) if isinstance(part, list) and any(map(_is_service_item, part))
    ]
    papers = list(filter(_is_service_item, lists[0])) if len(lists) == 1 else []
    if not papers or 2 * len(papers) <= len(lists[0]):
        return [], None
    keys = (date_reader.find_date(key[:40]) for key, part in around.items() if part is lists[0])
    on = _date_of(around) or next(filter(None, keys), None)
    if not on and (submitted := list(filter(None, map(_find_submission, papers)))):
        if max(submitted) - min(submitted) > _LONGEST_LIST:
            return [], None  # the lists of several days
        on = max(submitted)
    read = (fields.clean_date(around[key]) for key in filter(_READING_KEY.search, around))
    return lists[0], on or next(filter(None, read), None)


_LONGEST_LIST = timedelta(days=4)
"""The longest time in which the papers of one list are submitted: a long weekend."""


def _find_submission(item: Mapping[str, Any]) -> date | None:
    """Return the day on which a paper was submitted to Hugging Face's list, not to arXiv."""
    paper = listing.get_mapping(item, "paper") or item
    submitted = paper.get("submittedOnDailyAt") or item.get("submittedOnDailyAt")
    if not submitted and paper is not item and item.get("publishedAt") != paper.get("publishedAt"):
        submitted = item.get("publishedAt")
    return fields.clean_date(submitted)
