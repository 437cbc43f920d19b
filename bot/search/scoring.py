"""How popular a paper is, and whether a text is on a topic."""

from __future__ import annotations

import math
from collections import Counter
from datetime import date

from bot.text import analyser, concepts, term_keys

_TOPIC_FREQUENCY = 2
_TITLE_WEIGHT = 3
_DAYS_PER_TENFOLD_VOTES = 730


def hot_score(votes: int | None, published_on: date, epoch: date) -> float:
    """Return a popularity that does not decay: ten times the votes weigh as much as 730 days. `epoch` has the popularity 0."""
    return math.log10(1 + max(0, votes or 0)) + (published_on - epoch).days / _DAYS_PER_TENFOLD_VOTES


def count_words(title: str, body: str) -> Counter[str]:
    """Count a paper's words without particles, those of the title three times."""
    titled, words = (text.replace(analyser.PARTICLE_MARK, "").split() for text in (title, body))
    return Counter(words + _TITLE_WEIGHT * titled)


class CompiledSegment:
    """A segment with its forms compiled."""

    def __init__(self, segment: concepts.Segment) -> None:
        compiled = [_compile_form(form.text) for form in segment.forms]
        self._forms = [(form, term) for form, (term, _) in zip(segment.forms, compiled, strict=True)]
        self._needed = [
            (term.is_korean, text, number)
            for number, (term, needed) in enumerate(compiled)
            for text in needed
        ]

    def is_topic_of(self, document: term_keys.Document) -> bool:
        """Tell whether a paper has any form in the title, or forms twice in the body, where a keyword is twice."""
        counts = [form.count(document) for _, form in self._list_possible(document)]
        return (
            any(title >= 1 for title, _ in counts) or sum(int(body) for _, body in counts) >= _TOPIC_FREQUENCY
        )

    def _list_possible(
        self, document: term_keys.Document
    ) -> list[tuple[concepts.WeightedForm, term_keys.TermPattern]]:
        """Return the forms that a document may have, in their order: most papers have few of many."""
        texts = document.text, document.without_spaces
        possible = {number for is_korean, text, number in self._needed if text in texts[is_korean]}
        return [self._forms[number] for number in sorted(possible)] if possible else []


@analyser.remembered(1 << 12)
def _compile_form(text: str) -> tuple[term_keys.TermPattern, list[str]]:
    term = term_keys.compile_term(text)
    return term, term.needed
