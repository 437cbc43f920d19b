"""Whether an alert's keyword stands in a title or a body: as typed, or in any writing of its form.

Its form: English by stems and with or without hyphens, Korean in any spacing and with any particle (see `forms`).
There is no glossary here: a rule does what its reader typed.
"""

from __future__ import annotations

import re
from functools import cached_property, lru_cache

from bot.text.analysis import analyser, korean
from bot.text.matching import candidate_terms, literal_match, term_variants

_THREE_SYLLABLES = re.compile("[가-힣]{3}")


class Text:
    """A title and a body, prepared once for all the keywords that are looked for in them."""

    def __init__(self, title: str, body: str) -> None:
        self._texts = title, body
        self._found: dict[str, tuple[bool, bool]] = {}

    @cached_property
    def anchors(self) -> set[str]:
        """The tokens among which there is the `anchor` of every keyword that is found."""
        title, body = (
            candidate_terms.of_text(folded.text, canonical)
            for folded, canonical in zip(self._folded, self._canonical, strict=True)
        )
        return title | body

    def find(self, keyword: str) -> tuple[bool, bool]:
        """Tell whether `keyword` stands in the title, and whether in the body. One of signs only never does."""
        found = self._found.get(keyword)
        if found is None:
            found = self._found[keyword] = self._find(keyword)
        return found

    def _find(self, keyword: str) -> tuple[bool, bool]:
        as_typed = [literal_match.stands_in(keyword, folded) for folded in self._folded]
        if all(as_typed):
            return True, True
        counted = term_variants.form(keyword).count(self._fields)
        in_title, in_body = (
            stands or (times > 0 and not _is_chance(keyword, canonical))
            for stands, times, canonical in zip(as_typed, counted, self._canonical, strict=True)
        )
        return in_title, in_body

    @cached_property
    def _folded(self) -> tuple[literal_match.Folded, literal_match.Folded]:
        title, body = self._texts
        return literal_match.Folded(title), literal_match.Folded(body)

    @cached_property
    def _canonical(self) -> tuple[str, str]:
        title, body = self._texts
        return analyser.canonical(title), analyser.canonical(body)

    @cached_property
    def _fields(self) -> term_variants.Fields:
        return term_variants.Fields(*self._canonical)


def _is_chance(keyword: str, canonical: str) -> bool:
    """Tell whether a form stands in a text only because a word there happens to begin as the keyword ends.

    For a Korean word of three syllables that is mostly so: 생성기 is not in 생성 기반, but 제로샷 is in 제로 샷을.
    """
    pattern = _short_word(keyword)
    if pattern is None:
        return False
    return not any(not rest or korean.is_particle(rest) for rest in pattern.findall(canonical))


@lru_cache(maxsize=1 << 10)
def _short_word(keyword: str) -> re.Pattern[str] | None:
    """Return what finds a Korean word of three syllables, also apart, and the end of its last word; None for others."""
    keys = [key for key in term_variants.korean_keys(keyword) if _THREE_SYLLABLES.fullmatch(key)]
    if not keys or len(keyword.split()) > 1:
        return None
    return re.compile(f"(?:{'|'.join(map(' ?'.join, keys))})([가-힣]*)")


def anchor(keyword: str) -> str | None:
    """Return one token that every text has in its `anchors` in which `keyword` is found; None if none can have it."""
    return candidate_terms.of_keyword(keyword)
