"""The lines under one paper of a newsletter: labelled values, a cover, and bullets that become sections."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.digests.elements import highlights, labelled_fields, paper_headings, refusals
from bot.digests.markdown import fences, lines
from storage import models

_BULLET = re.compile(r"([ \t]*)(?:[-*+](?:[ \t]+|$)|[•‣▪●][ \t]*|([0-9]{1,3})[.)][ \t]+)")
_BULLET_STARTS = frozenset(" \t-*+•‣▪●0123456789")
_MARKUP = re.compile(r"(?:</?[a-zA-Z][^<>]{0,2000}>|<!--|-->|[ \t])*+")
_DEEPEST_INDENT = 6
_LABELS = 2


class _Item:
    """A bullet with the lines that continue it, or (`whole`) a low heading with all that stands under it."""

    __slots__ = ("blanks", "heading", "more", "row", "text", "whole")

    def __init__(self, row: int, heading: str | None, text: str, whole: bool = False) -> None:
        self.row = row
        self.heading = heading
        self.text = text
        self.whole = whole
        self.more: list[str] = []
        self.blanks = 0

    def body(self) -> str:
        if not self.more:
            return self.text
        return "\n".join(lines.trim([self.text, *lines.dedent(self.more, _DEEPEST_INDENT)])).rstrip()


class _Block:
    """Reads the lines under one paper's heading, in order."""

    def __init__(self, rows: Sequence[str], start: int, end: int, draft: paper_headings.Draft) -> None:
        self.problems: list[models.Problem] = []
        self._draft = draft
        self._rows, self._start, self._end = rows, start, end
        self._fenced: set[int] | None = None
        self._items: list[_Item] = []
        self._open: _Item | None = None
        self._indent = 0
        self._numbered = False
        self._labels: dict[str, str] = {}
        self._names: list[str] = []
        self._more_names = False
        self._strays: list[tuple[int, str]] = []
        self._after_blank = True
        self._comment_end = -1
        self._comments_end = True

    def read(self, index: int, line: str) -> None:
        """Take in the next line of the block. Whatever it is, it is understood, kept or named as a problem."""
        if not line or line.isspace():
            self._after_blank = True
            self._more_names = False
            if self._open:
                self._open.blanks += 1
            return
        if self._items and line.startswith("- ") and not self._is_part(index, line):
            self._add_bullet(index, line[2:].strip())
        else:
            self._read_other(index, line)
        self._after_blank = False

    def finish(self) -> None:
        """Make the sections, when all lines are read."""
        if self._names:
            self._draft.authors, self._draft.authors_truncated = labelled_fields.parse_authors(
                " ".join(self._names)
            )
        sections = [self._section(item) for item in self._items]
        self._draft.sections = tuple(section for section in sections if section)
        self._finish_strays()
        self._draft.sections = refusals.drop_apology(self._draft.sections)

    def _is_part(self, index: int, line: str) -> bool:
        """Whether a bullet at the margin belongs to what is open (code, a low heading), or is no bullet but a rule."""
        if self._fenced and index in self._fenced:
            return True
        return (self._open is not None and self._open.whole) or lines.is_rule(line)

    def _read_other(self, index: int, line: str) -> None:
        if self._fenced is None and fences.is_fence(line):
            self._fenced = fences.find_fenced(self._rows, self._start, self._end)
        if self._fenced and index in self._fenced:
            self._read_text(index, line)
        elif index <= self._comment_end or (line.startswith("<!--") and self._find_comment_end(index)):
            pass
        elif not (self._read_label(index, line) or self._read_media(line) or self._read_item(index, line)):
            self._read_text(index, line)

    def _find_comment_end(self, index: int) -> bool:
        """Whether the HTML comment that begins here ends in this block. If not, it is text like any other."""
        if not self._comments_end:
            return False
        ends = (row for row in range(index, self._end) if "-->" in self._rows[row])
        self._comment_end = next(ends, -1)
        self._comments_end = self._comment_end >= 0
        return self._comments_end

    def _read_label(self, index: int, line: str) -> bool:
        if line[0] in " \t-*+•" and (self._items or len(self._labels) == _LABELS):
            return False
        label = labelled_fields.parse_label(line)
        if not label or (self._open and label.name in self._labels):
            return False
        if label.name in self._labels:
            if label.value != self._labels[label.name]:
                self._name_problem(index, f"the {label.name} are given again; the first count", line)
            return True
        if label.name == "votes":
            votes, understood = labelled_fields.parse_votes(label.value)
            if not understood and self._open:
                return False
            if not understood:
                self._name_problem(index, "votes that are no number", line)
            self._draft.votes = votes
        else:
            self._names = [label.value]
            self._more_names = True
        self._labels[label.name] = label.value
        return True

    def _read_media(self, line: str) -> bool:
        line = line if self._open else line.strip()
        if line[0] not in "![<":
            return False
        media = labelled_fields.parse_media(line)
        if not media:
            return not self._open and line[0] == "<" and _MARKUP.fullmatch(line) is not None
        if self._open and (
            (media.thumbnail and self._draft.thumbnail) or (media.video and self._draft.video)
        ):
            return False
        self._draft.thumbnail = self._draft.thumbnail or media.thumbnail
        self._draft.video = self._draft.video or media.video
        return True

    def _read_item(self, index: int, line: str) -> bool:
        """A bullet of any kind, a nested one too, or a heading below the papers' level."""
        heading = lines.parse_heading(index, line) if line.lstrip(" ").startswith("#") else None
        if heading and not (self._open and heading.indented):
            self._add(_Item(index, heading.text.strip("*_ :："), "", whole=True))
            return True
        if line[0] not in _BULLET_STARTS or lines.is_rule(line):
            return False
        bullet = _BULLET.match(line)
        if not bullet:
            return False
        indent = len(bullet[1].expandtabs(4))
        numbered = bullet[2] is not None
        if not self._items:
            self._indent, self._numbered = indent, numbered
        part = self._open and (
            indent > self._indent + 1 or (numbered and not self._numbered) or self._open.whole
        )
        if part:
            self._continue(line)
        else:
            self._add_bullet(index, line[bullet.end() :].strip())
        return True

    def _read_text(self, index: int, line: str) -> None:
        if lines.is_rule(line) and not (self._open and line.startswith("  ")):
            self._open = None
        elif self._open:
            self._continue(line)
        elif self._more_names and self._names[-1].endswith((",", ";", "[")):
            self._names.append(line.strip())
        elif line.startswith(("**", "__")) and (named := highlights.split_heading(line.strip()))[0]:
            self._add(_Item(index, *named))
        else:
            self._strays.append((index if self._after_blank or not self._strays else -1, line.strip()))

    def _add_bullet(self, index: int, text: str) -> None:
        heading, body = highlights.split_heading(text)
        self._add(_Item(index, heading, body))

    def _add(self, item: _Item) -> None:
        self._items.append(item)
        self._open = item

    def _continue(self, line: str) -> None:
        item = self._open
        assert item is not None
        item.more.extend([""] * item.blanks)
        item.blanks = 0
        item.more.append(line)

    def _section(self, item: _Item) -> models.Section | None:
        body = item.body()
        if not item.heading and item.more and (bold := lines.parse_bold(item.text)) and not bold[1]:
            item.heading, item.text = bold[0], ""
            body = item.body()
        if item.heading and not body:
            self._name_problem(item.row, "a heading with nothing under it", item.heading)
        return models.Section(item.heading, body) if body else None

    def _finish_strays(self) -> None:
        """Text that is no bullet is the summary where there is nothing else; otherwise it is left out."""
        text = "\n".join(text for _, text in self._strays)
        if not self._strays or (not self._draft.sections and refusals.is_no_summary(text)):
            return
        if not self._draft.sections:
            self._draft.sections = (models.Section(None, text),)
        for index, stray in self._strays:
            if index >= 0:
                self._name_problem(index, "text that is no bullet", stray)

    def _name_problem(self, index: int, what: str, line: str) -> None:
        self.problems.append(models.Problem(index + 1, f"{what}: {lines.excerpt(line)}"))


def read_block(
    rows: Sequence[str], start: int, end: int, draft: paper_headings.Draft
) -> list[models.Problem]:
    """Read into `draft` the lines from `start` to `end` (not included), which stand under its heading."""
    block = _Block(rows, start, end, draft)
    for index in range(start, end):
        block.read(index, rows[index])
    block.finish()
    return block.problems
