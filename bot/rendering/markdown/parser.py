"""Parser of the digests' Markdown: CommonMark with tables, formulas and emphasis next to Korean letters."""

from __future__ import annotations

import re
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter

MATH_TOKEN = "math"
"""The type of formula tokens. Their content is LaTeX without dollar signs or brackets."""

_MAX_FORMULA_LENGTH = 300
_MAX_NESTING = 50
_MATH_SIGN = re.compile(r"[\\^_={]")
_VARIABLE = re.compile(r"[A-Za-z]'?")
_CJK = re.compile(
    "[\u1100-\u11ff\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)


@lru_cache(maxsize=2)
def get_parser(*, links: bool) -> MarkdownIt:
    """Return the parser, created on first use. Without `links` square brackets are text.

    Raw HTML is text (many apparent tags are tokens such as `<think>`), indented lines are not code (continued bullets
    are indented), and link definitions and underlined headings are text, so that no line disappears.
    """
    markdown = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING})
    markdown.enable(["table", "strikethrough"])
    markdown.disable(["html_block", "html_inline", "code", "reference", "lheading"])
    if not links:
        markdown.disable(["link", "image"])
    markdown.inline.ruler.before("escape", MATH_TOKEN, _math_rule)
    markdown.inline.ruler.at("emphasis", _emphasis_rule)
    return markdown


def _math_rule(state: StateInline, silent: bool) -> bool:
    for opening, closing in (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]")):
        if not state.src.startswith(opening, state.pos):
            continue
        start = state.pos + len(opening)
        end = state.src.find(closing, start, min(start + _MAX_FORMULA_LENGTH, state.posMax))
        if end < 0 or not _is_formula(opening, state.src[start:end], state.src[end + len(closing) :][:1]):
            return False
        if not silent:
            state.push(MATH_TOKEN, "", 0).content = state.src[start:end]
        state.pos = end + len(closing)
        return True
    return False


def _is_formula(opening: str, content: str, next_char: str) -> bool:
    """Return whether the content is a formula, not a price ($5-$10) or an escaped bracket (`\\[IDK\\]`)."""
    if not content.strip():
        return False
    if opening == "$":
        if content[0].isspace() or content[-1].isspace() or content[-1] == "\\":
            return False
        return not next_char.isdigit() or bool(_MATH_SIGN.search(content))
    if opening == "$$":
        return True
    return bool(_MATH_SIGN.search(content) or _VARIABLE.fullmatch(content.strip()))


def _emphasis_rule(state: StateInline, silent: bool) -> bool:
    """CommonMark's rule, except that a Chinese, Japanese or Korean letter next to a mark counts as a boundary.

    By CommonMark's own rule `**모델(CoT)**을` is no emphasis: Korean particles follow without a space.
    """
    marker = state.src[state.pos]
    if silent or marker not in "_*":
        return False
    end = state.pos
    while end < state.posMax and state.src[end] == marker:
        end += 1
    before = state.src[state.pos - 1] if state.pos else " "
    after = state.src[end] if end < state.posMax else " "
    can_open, can_close = _can_open_and_close(before, after, splits_words=marker == "*")
    for _ in range(end - state.pos):
        state.push("text", "", 0).content = marker
        state.delimiters.append(
            Delimiter(
                marker=ord(marker),
                length=end - state.pos,
                token=len(state.tokens) - 1,
                end=-1,
                open=can_open,
                close=can_close,
            )
        )
    state.pos = end
    return True


def _can_open_and_close(before: str, after: str, *, splits_words: bool) -> tuple[bool, bool]:
    """Return whether a run of marks between two characters can open and can close emphasis."""
    left = _is_flanking(after, before)
    right = _is_flanking(before, after)
    if splits_words:
        return left, right
    return left and (not right or _is_punctuation(before)), right and (not left or _is_punctuation(after))


def _is_flanking(inner: str, outer: str) -> bool:
    if isWhiteSpace(ord(inner)):
        return False
    boundary = isWhiteSpace(ord(outer)) or _is_punctuation(outer) or bool(_CJK.match(outer))
    return not _is_punctuation(inner) or boundary


def _is_punctuation(char: str) -> bool:
    return isMdAsciiPunct(ord(char)) or isPunctChar(char)
