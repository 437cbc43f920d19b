"""The check of claims: what a language model wrote about a paper is compared with the paper's text.

The problems are short texts in English: they are sent back to the model, and shown by `paperround write --show`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import lru_cache

from bot.text.claims import names, numbers, prose, spans
from storage import models

Claim = tuple[str, str]
"""A claim and its source span, at most twelve words copied from the source."""


def no_objection(text: str) -> str | None:
    """Default of `object_to`: raises no problem."""
    return None


def check(
    claims: Sequence[Claim],
    source: str,
    language: models.Locale,
    *,
    terms: Collection[str] = (),
    object_to: Callable[[str], str | None] = no_objection,
) -> list[tuple[str, ...]]:
    """Return the problems of each claim, in order; none for a claim that passes. See `ClaimChecker`."""
    return _checker(source, tuple(terms)).check(claims, language, object_to)


class ClaimChecker:
    """Checks claims against one paper.

    `source` is the text that the model was given, its title included. `terms` are forms of the glossary, which a claim may
    use although the source does not. A paper of 100,000 characters takes a tenth of a second, so build this in a thread.
    """

    def __init__(self, source: str, terms: Collection[str] = ()) -> None:
        self._span_text = " ".join(map(spans.normalise, source.split("\n\n")))
        self._numbers = numbers.SourceNumbers(source)
        self._names = names.SourceNames(source, terms)

    def check(
        self, claims: Sequence[Claim], language: models.Locale, object_to: Callable[[str], str | None]
    ) -> list[tuple[str, ...]]:
        """Return the problems of each claim, in order; none for a claim that passes.

        `object_to` returns a problem of the text alone, such as a refusal, or None.
        """
        problems: list[tuple[str, ...]] = []
        kept: list[str] = []
        for text, span in claims:
            objection = object_to(text)
            found = [objection] if objection else []
            found += prose.find_problems(text, language, kept)
            found += self.find_unsupported(text)
            found += spans.find_problems(span, self._span_text)
            problems.append(tuple(found))
            kept.append(text)
        return problems

    def find_unsupported(self, text: str) -> list[str]:
        """Return the numbers and names of a claim that are not in the source, as problems."""
        versions = names.versioned_names(text, self._names)
        return numbers.find_problems(text, self._numbers, versions) + names.find_problems(text, self._names)


@lru_cache(maxsize=4)
def _checker(source: str, terms: tuple[str, ...]) -> ClaimChecker:
    """Return the checker of a paper, which the repaired answer needs again."""
    return ClaimChecker(source, terms)
