"""Tokenizer of Discord Markdown for the splitter: tokens are never cut, and know the marks that they open or close.

It covers the syntax that a cut must respect, in time linear in the length of the text.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from enum import IntEnum

import regex

FENCE = "```"


class Boundary(IntEnum):
    """The quality of a cut after a token, the best first."""

    BLOCK = 0
    LINE = 1
    SENTENCE = 2
    WORD = 3
    GRAPHEME = 4


@dataclass(slots=True)
class Token:
    """A part of a text that is kept whole.

    Atomic tokens (links, mentions, code spans, marks) lose their meaning when cut; the others can be split into
    graphemes. `toggles` are the marks that the token opens or closes: `**`, `*`, `~~`, or a fence's first line.
    """

    text: str
    is_atomic: bool = False
    toggles: tuple[str, ...] = ()
    is_opening: bool = False
    boundary: Boundary = Boundary.GRAPHEME

    @property
    def is_closing(self) -> bool:
        """Whether the token closes a mark or fence."""
        return bool(self.toggles) and not self.is_opening


_FENCE_OPEN = regex.compile(r"^```[!-_a-~ ]{0,20}\n", regex.MULTILINE)
_FENCE_CLOSE = regex.compile(r"^```[ \t]*(?:\n|\Z)", regex.MULTILINE)
_WORD = r"[A-Za-z0-9가-힣ぁ-んァ-ヶ一-龥]{1,24}+(?![\p{M}\p{Cf}])"
_TOKEN = regex.compile(
    r"(?P<hard>\\[!-/:-@\[-`{-~]"
    r"|\[(?:\\.|[^\[\]\\\n])*+\]\((?:<[^<>\n]*+>|[^()<>\s]*+)\)"
    r"|<(?:https?://[^<>\s]++|/[^<>\n]{1,110}:[0-9]{1,20}|t:-?[0-9]{1,15}(?::[A-Za-z])?"
    r"|(?:@[!&]?|\#)[0-9]{1,20}|a?:\w{1,32}:[0-9]{1,20})>"
    r"|https?://[!-;=?-~]++)"
    r"|(?P<span>`++)"
    r"|(?P<mark>\*{1,3}|~~)"
    rf"|[ \t]++|\n++|{_WORD}|\X"
)
_PLAIN_TOKEN = regex.compile(rf"[ \t]++|\n++|{_WORD}|\X")
_SENTENCE_ENDS = ".!?…"
_WIDE_SENTENCE_ENDS = "。！？"
_AFTER_SENTENCE = "\"'”’)]」』)*~"
_MARKS = {"***": ("**", "*"), "**": ("**",), "*": ("*",), "~~": ("~~",)}


def tokenize(text: str, *, markdown: bool = True) -> list[Token]:
    """Return the tokens of `text`; joined they are the text. Without `markdown` it has no markup."""
    if not markdown:
        tokens = [Token(match.group()) for match in _PLAIN_TOKEN.finditer(text)]
        _assign_boundaries(tokens)
        return tokens
    tokens = []
    position = 0
    while fence := _FENCE_OPEN.search(text, position):
        close = _FENCE_CLOSE.search(text, fence.end())
        if not close:
            break
        tokens += _tokenize_prose(text[position : fence.start()])
        if tokens:
            tokens[-1].boundary = Boundary.BLOCK
        tokens += _tokenize_fence(fence.group(), text[fence.end() : close.start()], close.group())
        position = close.end()
    return tokens + _tokenize_prose(text[position:])


def graphemes(text: str) -> list[str]:
    """Return the grapheme clusters of `text`."""
    return list(regex.findall(r"\X", text))


def _tokenize_fence(first: str, content: str, last: str) -> list[Token]:
    tokens = [Token(match.group()) for match in _PLAIN_TOKEN.finditer(content)]
    for token in tokens:
        if token.text.startswith("\n"):
            token.boundary = Boundary.LINE
        elif token.text.isspace():
            token.boundary = Boundary.WORD
    opening = Token(first, is_atomic=True, toggles=(first,), is_opening=True)
    return [opening, *tokens, Token(last, is_atomic=True, toggles=(first,), boundary=Boundary.BLOCK)]


def _tokenize_prose(text: str) -> list[Token]:
    tokens: list[Token] = []
    spans = _CodeSpans(text)
    marks = _OpenMarks()
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        assert match is not None  # \X matches any character
        token = Token(match.group(), is_atomic=bool(match["hard"]))
        end = match.end()
        if match["span"]:
            end = spans.find_end(position, end)
            token = Token(text[position:end], is_atomic=True)
        elif match["mark"]:
            token.is_atomic = True
            before = tokens[-1].text if tokens else " "
            marks.pair(
                token, after_space=before[-1:].isspace(), before_space=text[end : end + 1].strip() == ""
            )
        elif token.text.startswith("\n\n"):
            marks.clear()
        tokens.append(token)
        position = end
    marks.clear()
    _assign_boundaries(tokens)
    return tokens


class _CodeSpans:
    """Finds the ends of code spans: the next run of the same number of backticks on the same line."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._runs: dict[int, list[int]] = defaultdict(list)
        for run in regex.finditer(r"`++", text):
            self._runs[run.end() - run.start()].append(run.start())

    def find_end(self, start: int, end: int) -> int:
        """Return the end of the span with the opening run from `start` to `end`; `end` if the run opens no span."""
        runs = self._runs[end - start]
        following = bisect_right(runs, start)
        if following == len(runs) or "\n" in self._text[end : runs[following]]:
            return end
        return runs[following] + end - start


class _OpenMarks:
    """Pairs the marks of one block. A mark without partner is text."""

    def __init__(self) -> None:
        self._open: dict[str, Token] = {}

    def pair(self, token: Token, *, after_space: bool, before_space: bool) -> None:
        marks = _MARKS[token.text]
        if all(mark in self._open for mark in marks) and not after_space:
            for mark in marks:
                del self._open[mark]
            token.toggles = tuple(reversed(marks))
        elif not any(mark in self._open for mark in marks) and not before_space:
            self._open.update(dict.fromkeys(marks, token))
            token.toggles, token.is_opening = marks, True

    def clear(self) -> None:
        for mark, token in self._open.items():
            token.toggles = tuple(toggled for toggled in token.toggles if toggled != mark)
        self._open.clear()


def _assign_boundaries(tokens: list[Token]) -> None:
    """Set the boundary of each token."""
    line_start = 0
    for index, token in enumerate(tokens):
        following = tokens[index + 1].text if index + 1 < len(tokens) else ""
        if token.text.startswith("\n"):
            level = Boundary.BLOCK if len(token.text) > 1 else Boundary.LINE
            # A heading is not separated from the text below it.
            token.boundary = Boundary.WORD if _is_heading(tokens, line_start, index) else level
            line_start = index + 1
        elif token.text.isspace() and index > line_start:
            ended = _ends_sentence(tokens, line_start, index) and not following[:1].islower()
            token.boundary = Boundary.SENTENCE if ended else Boundary.WORD
        elif token.text[-1] in _WIDE_SENTENCE_ENDS:
            token.boundary = Boundary.SENTENCE


def _is_heading(tokens: list[Token], start: int, end: int) -> bool:
    if start >= end:
        return False
    first, last = tokens[start], tokens[end - 1]
    return first.text == "#" or ("**" in first.toggles and first.is_opening and "**" in last.toggles)


def _ends_sentence(tokens: list[Token], start: int, index: int) -> bool:
    while index > start and tokens[index - 1].text[-1] in _AFTER_SENTENCE:
        index -= 1
    # `1.` at the start of a line is a number, not a sentence.
    if index - start < 3:
        return False
    return tokens[index - 1].text[-1] in _SENTENCE_ENDS and not tokens[index - 1].is_atomic
