"""Check the form of a model's sentences (claims) about a paper, without understanding them. Pure.

A claim must have the right length and language and no link, and one paragraph of the paper must contain its
span and its numbers. A judge then decides whether excerpts around the spans prove the claim (`judging`).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence

from bot.claims import judging, number_comparison
from bot.rendering import markdown
from bot.text import plain, typography
from storage import models

MIN_CHARACTERS, MAX_CHARACTERS = 10, 600
"""The length of a claim."""
_MIN_HANGUL_SHARE, _MAX_HANGUL_SHARE = 0.35, 0.1
"""The minimum share of Hangul letters in a Korean claim, and the maximum in an English one, outside parentheses."""
_HANGUL = re.compile("[가-힣]")
_LATIN_WORD = re.compile("[A-Za-z]+")
_PARENTHESES = re.compile(r"\([^()]{0,300}\)")
_LINK = re.compile(
    r"[a-z][a-z0-9+-]{1,15}\s?:\s?//|www\s?\.|\]\(|</?[a-z]{1,10}[ >/]|```|mailto:|@[a-z0-9-]{1,63}\.[a-z]"
    r"|[a-z0-9-]{1,63}[.。](?:com|net|org|io|gg|xyz|me|co|kr|ru|cn|tv|to|ly|app|dev|link|site|info|biz|shop|top|zip|mov)(?![a-z0-9])"
    r"|[\w-]{1,63}\.[^\W\d_]{2,24}/",
    re.IGNORECASE,
)
"""A URL with a scheme, a well-known top-level domain, or a path. Matched after NFKC."""
_SIGNS = re.compile(r"[`*_~<>\\|$]")
"""Characters that Markdown and formulas may remove from the displayed text."""

_TYPOGRAPHY = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛`´ʼ′", "'"),
        **dict.fromkeys("“”„‟«»″", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        "…": "...",
    }
)
_MARKUP = re.compile(r"[*\\$]")
_EDGE = " \t\n.,;:'\"-()[]"
_MAX_PARAGRAPH, _MAX_NEIGHBOUR = 4_000, 600
"""Characters after which a paragraph is split, and of a neighbouring paragraph that the judge sees."""


class ClaimChecker:
    """Checks claims against a paper's text, which begins with the title."""

    def __init__(self, source: str) -> None:
        self._paragraphs = [part for text in source.split("\n\n") for part in _cut(text.strip()) if part]
        self._normalised = [_normalise(part) for part in self._paragraphs]

    def find_problems(self, claims: Sequence[judging.Claim], language: models.Locale) -> list[list[str]]:
        """Return each claim's problems as short English texts. Claims without problems go to the judge."""
        seen: set[str] = set()
        by_claim = []
        for claim in claims:
            problems = _find_prose_problems(claim.text, language)
            if claim.shown in seen:
                problems.append("it repeats another claim")
            seen.add(claim.shown)
            by_claim.append(problems or self._find_source_problems(claim))
        return by_claim

    def list_excerpts(self, claims: Iterable[judging.Claim]) -> str:
        """Return the title and the paragraphs that contain the spans, with the nearest text of neighbouring paragraphs."""
        places = {place for claim in claims for place in self.find_places(claim.span)}
        shown = {0: self._paragraphs[0]} if self._paragraphs else {}
        for place in places:
            for near, part in ((place - 1, slice(-_MAX_NEIGHBOUR, None)), (place + 1, slice(_MAX_NEIGHBOUR))):
                if 0 <= near < len(self._paragraphs):
                    shown.setdefault(near, self._paragraphs[near][part])
        shown |= {place: self._paragraphs[place] for place in places}
        return "\n\n".join(shown[place] for place in sorted(shown))

    def _find_source_problems(self, claim: judging.Claim) -> list[str]:
        count = sum(any(map(str.isalnum, word)) for word in claim.span.split())
        if not judging.MIN_SPAN_WORDS <= count <= judging.MAX_SPAN_WORDS:
            return [
                f"the span must have {judging.MIN_SPAN_WORDS} to {judging.MAX_SPAN_WORDS} words, not {count}"
            ]
        places = self.find_places(claim.span)
        if not places:
            return [f'the span "{claim.span[:80]}" is not a verbatim part of any paragraph of the paper']
        # Check the displayed text, because markup inside a number could hide digits.
        by_place = (
            number_comparison.Paragraph(self._paragraphs[place]).find_problems(claim.shown)
            for place in places
        )
        return min(by_place, key=len)

    def find_places(self, span: str) -> list[int]:
        """Return the numbers of the paragraphs that contain a span as whole words; the title is 0."""
        wanted = re.escape(_normalise(span).strip(_EDGE))
        if not wanted:
            return []
        pattern = re.compile(rf"(?<!\w){wanted}(?!\w)")
        return [place for place, text in enumerate(self._normalised) if pattern.search(text)]


def _cut(paragraph: str) -> Iterator[str]:
    """Split a paragraph into parts of at most _MAX_PARAGRAPH characters, after a line or a sentence."""
    while len(paragraph) > _MAX_PARAGRAPH:
        head = paragraph[:_MAX_PARAGRAPH]
        end = max(head.rfind("\n"), head.rfind(". ")) + 1 or _MAX_PARAGRAPH
        yield paragraph[:end].strip()
        paragraph = paragraph[end:].strip()
    yield paragraph


def _normalise(text: str) -> str:
    """Normalise white space, quotes, dashes, emphasis and case for comparisons."""
    text = typography.normalise("NFKC", plain.strip_invisible(text, has_joiners=False).translate(_TYPOGRAPHY))
    return " ".join(_MARKUP.sub("", text).split()).casefold()


def _find_prose_problems(text: str, language: models.Locale) -> list[str]:
    length = len(text.strip())
    if not MIN_CHARACTERS <= length <= MAX_CHARACTERS:
        return [f"it must have {MIN_CHARACTERS} to {MAX_CHARACTERS} characters, not {length}"]
    problems = []
    share = _hangul_share(text)
    if language is models.Locale.KO and share < _MIN_HANGUL_SHARE:
        problems.append("it is not written in Korean")
    if language is models.Locale.EN and share > _MAX_HANGUL_SHARE:
        problems.append("it is not written in English")
    printed = judging.clean_text(text)
    # The text as written, printed and displayed, and without characters that other Markdown renderers remove.
    forms = (text, printed, markdown.render_plain(printed), _SIGNS.sub("", html.unescape(printed)))
    if any(_LINK.search(typography.normalise("NFKC", form)) for form in forms):
        problems.append("it contains a link or markup")
    return problems


def _hangul_share(text: str) -> float:
    bare = _PARENTHESES.sub("", text)
    hangul = len(_HANGUL.findall(bare))
    # Long Latin names should not outweigh the Hangul of a Korean sentence.
    latin = sum(min(len(word), 3) for word in _LATIN_WORD.findall(bare))
    return hangul / (hangul + latin) if hangul + latin else 0.0
