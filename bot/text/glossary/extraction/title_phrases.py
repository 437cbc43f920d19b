"""Title phrases: collocations that many titles share, as they are spelled in them.

Memory is bounded while titles are counted: the rarest phrases are dropped.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from bot.text.analysis import korean, latex, normalisation, stopwords, term_keys

MAX_PHRASE_LENGTH = 80
"""Characters; autocomplete choices must be readable at a glance."""
MAX_PHRASE_WORDS = 5
MAX_PHRASES = 3_000
MAX_COUNTED_PHRASES = 100_000
"""Distinct spellings kept while counting; about 20 MB."""
_MAX_TITLE_LENGTH = 300
_SMALL_ARCHIVE = 1_000
_SUBSUMED_SHARE = 0.75
"""A phrase is part of a longer one if this share of its papers has the longer one: learning from human (feedback)."""

_WORD = re.compile(r"[^\W_]+(?:[-'’.+#/&][^\W_]+)*(?:\+\+|#)?")
_LATIN_WITH_PARTICLE = re.compile(
    rf"([^{korean.SYLLABLES}]*[^{korean.SYLLABLES}\W])([{korean.SYLLABLES}]{{1,2}})"
)
_WORD_SEPARATOR = re.compile(r"[\W_]")
# Words between two phrases, together with the function words that are not inner words.
_INNER_WORDS = frozenset(("a", "and", "from", "in", "into", "of", "the", "to", "의"))
_DELIMITER_LIST = (
    "about across after against all any are be before between beyond but can could do does during et al every "
    "how if it its less make makes may meets more most need no not only onto our over per should so still than "
    "that their these this those through together toward towards under upon using versus vs was we what when "
    "where whether which while who why will within without you your "
    "위한 위해 위하여 통한 통해 통하여 대한 대해 대하여 관한 관하여 의한 의해 향한 향하여 따른 따라 이용한 활용한 사용한 "
    "있는 없는 및 또는 그리고 더 가장 등 것 수 한 두 이 그 새로운 어떻게 무엇 왜"
)
_PHRASE_DELIMITERS = (stopwords.FUNCTION_WORDS - _INNER_WORDS).union(_DELIMITER_LIST.split())
# Words that open a title before its topic: rethinking, improving.
_TITLE_OPENER_LIST = (
    "accelerating achieving addressing advancing aligning analyzing assessing benchmarking boosting bridging building "
    "developing efficient empowering enabling enhancing evaluating exploiting exploring harnessing improving "
    "integrating introducing investigating learn let leveraging making measuring mitigating optimizing pushing "
    "rethinking revisiting robust scalable simple taming teaching understanding unleashing unlocking "
    "unveiling"
)
_TITLE_OPENERS = frozenset(_TITLE_OPENER_LIST.split())
_NON_FINAL_LIST = (
    "based better driven efficient enhanced fast faster generalizable guided high-quality improved large new novel "
    "robust scalable simple strong unified"
)
_NON_FINAL_WORDS = frozenset(_NON_FINAL_LIST.split())
_NOT_NAMES = _PHRASE_DELIMITERS | _TITLE_OPENERS | _NON_FINAL_WORDS


Phrase = tuple[str, str, int]
"""A sequence of words in titles, its language ("ko" or "en") and the number of papers with it."""
TitleStatistics = tuple[Sequence[Phrase], Mapping[str, int]]
"""Statistics of titles: phrases, most frequent first, and the number of titles per concept, by its key."""
_NAME_HEAD_END = re.compile(r":| Technical Report| System Card")
_NAME_HEAD = re.compile(r"(?:The |Introducing )?([A-Za-z]+(?:[ -][A-Za-z]+)*)")
_NAME_WORD = re.compile(r"[A-Za-z]{3,}")
_MAX_HEAD_WORDS, _MAX_BARE_HEAD_WORDS = 4, 3
"""Words of a head that may be a name, before a colon or in a title without one."""
MAX_NAMES, MAX_COUNTED_NAMES = 10_000, 50_000


class TitlePhraseCounter:
    """Counts the n-grams of titles that may be phrases."""

    def __init__(self, max_counted: int = MAX_COUNTED_PHRASES) -> None:
        self._max_counted = max_counted
        self._surface_counts: Counter[str] = Counter()
        self._name_counts: Counter[str] = Counter()
        self.title_count = 0

    def add(self, title: str) -> None:
        """Count one title, in linear time; a phrase counts once per title."""
        self.title_count += 1
        phrases = {text.casefold(): text for run in _candidate_runs(title) for text in _ngrams(run)}
        self._surface_counts.update(phrases.values())
        if len(self._name_counts) < MAX_COUNTED_NAMES:
            self._name_counts.update(set(_names(title[:_MAX_TITLE_LENGTH])))
        if len(self._surface_counts) > self._max_counted:
            self._prune()

    def _prune(self) -> None:
        """Drop the rarest phrases until half of the capacity is free, so that the total work stays linear."""
        threshold = 0
        while len(self._surface_counts) > self._max_counted // 2:
            threshold += 1
            self._surface_counts = Counter(
                {text: n for text, n in self._surface_counts.items() if n > threshold}
            )

    def list_names(self) -> dict[str, int]:
        """Return the names of models and methods in titles, without versions, with their numbers of titles."""
        return dict(self._name_counts.most_common(MAX_NAMES))

    def summarise(
        self, concept_forms: Collection[tuple[str, str]] = (), *, limit: int = MAX_PHRASES
    ) -> TitleStatistics:
        """Return the frequent phrases in their most common spelling, and the frequency of concepts.

        `concept_forms` are (form, concept key) pairs; these forms are not phrases.
        """
        surfaces_by_key: dict[str, Counter[str]] = defaultdict(Counter)
        for text, papers in self._surface_counts.items():
            surfaces_by_key[term_keys.term_key(text)][text] += papers
        papers_of = {key: surfaces.total() for key, surfaces in surfaces_by_key.items()}
        concept_counts: Counter[str] = Counter()
        concept_keys: set[str] = set()
        for text, concept in concept_forms:
            key = term_keys.term_key(text)
            concept_keys.add(key)
            concept_counts[concept] = max(
                concept_counts[concept], _count_titles(text, surfaces_by_key.get(key, {}))
            )
        min_papers = 2 if self.title_count < _SMALL_ARCHIVE else 3
        main_surfaces = {
            key: most_common_surface(surfaces_by_key[key])
            for key, papers in papers_of.items()
            if papers >= min_papers
        }
        subsumed = _subsumed_phrases(main_surfaces, papers_of)
        phrases = [
            (text, "ko" if korean.has_hangul(text) else "en", papers_of[key])
            for key, text in main_surfaces.items()
            if _is_multiword(surfaces_by_key[key]) and key not in concept_keys and key not in subsumed
        ]
        phrases.sort(key=lambda phrase: (-phrase[2], phrase[0]))
        return phrases[:limit], dict(+concept_counts)


def _names(title: str) -> Iterator[str]:
    """Yield what may be a name in a title: its head before a colon, its first word, and words with a capital within."""
    before, *behind = _NAME_HEAD_END.split(title, maxsplit=1)
    head = _NAME_HEAD.match(before)
    if head:
        yield from (word for word in _NAME_WORD.findall(head[1])[:1] if word.casefold() not in _NOT_NAMES)
    if head and len(before.split()) <= (_MAX_HEAD_WORDS if behind else _MAX_BARE_HEAD_WORDS):
        yield head[1]
    yield from (word for word in _NAME_WORD.findall(title) if not word[1:].islower() and not word.islower())


def _candidate_runs(title: str) -> Iterator[list[str]]:
    """Yield the word runs between punctuation and delimiter words, Korean nouns without particles."""
    normalised = unicodedata.normalize("NFKC", latex.to_plain_text(title[:_MAX_TITLE_LENGTH]))
    run: list[str] = []
    end = 0
    for match in _WORD.finditer(normalised):
        if run and not normalised[end : match.start()].isspace():
            yield run
            run = []
        end = match.end()
        word = match[0]
        noun = _strip_particle(word)
        if word.casefold() not in _PHRASE_DELIMITERS:
            run.append(noun)
        if run and (word.casefold() in _PHRASE_DELIMITERS or noun != word):
            yield run
            run = []
    yield run


def _strip_particle(word: str) -> str:
    """Return a word without its final Korean particle, which ends a phrase."""
    if korean.is_hangul(word):
        return korean.strip_ending(word)
    latin = _LATIN_WITH_PARTICLE.fullmatch(word)
    return latin[1] if latin and korean.is_particle(latin[2]) else word


def _ngrams(run: list[str]) -> Iterator[str]:
    """Yield all n-grams of one to five words of a run whose first and last words can begin and end a phrase."""
    folded = [word.casefold() for word in run]
    for start, first in enumerate(folded):
        if first in _INNER_WORDS or first in _TITLE_OPENERS or first.isdigit():
            continue
        for end in range(start + 1, min(start + MAX_PHRASE_WORDS, len(run)) + 1):
            text = " ".join(run[start:end])
            if len(text) > MAX_PHRASE_LENGTH:
                break
            if folded[end - 1] not in _INNER_WORDS and folded[end - 1] not in _NON_FINAL_WORDS:
                yield text


def most_common_surface(surfaces: Counter[str]) -> str:
    """Return the most frequent spelling; of equals the one with the fewest capitals."""
    return min(surfaces, key=lambda text: (-surfaces[text], sum(map(str.isupper, text)), text))


def _is_multiword(surfaces: Counter[str]) -> bool:
    """Tell whether a phrase is mostly spelled as several words, unlike Vision-Language and Parameter-Efficient."""
    return 2 * sum(papers for text, papers in surfaces.items() if " " in text) >= surfaces.total()


def _count_titles(text: str, surfaces: Mapping[str, int]) -> int:
    """Return the number of titles with a term; one-word terms must match beyond the stem (generation, not generator)."""
    term = normalisation.fold(text)
    if _WORD_SEPARATOR.search(term):
        return sum(surfaces.values())
    return sum(count for surface, count in surfaces.items() if normalisation.fold(surface).startswith(term))


def _subsumed_phrases(main_surfaces: Mapping[str, str], papers_of: Mapping[str, int]) -> set[str]:
    """Return the keys of phrases that rarely occur outside a longer phrase."""
    subsumed: set[str] = set()
    for longer, text in main_surfaces.items():
        words = text.split()
        bounds = range(len(words) + 1)
        for start in bounds:
            for end in bounds[start + 2 :]:
                part = term_keys.term_key(" ".join(words[start:end])) if end - start < len(words) else longer
                if part != longer and papers_of[longer] >= _SUBSUMED_SHARE * papers_of.get(part, 0):
                    subsumed.add(part)
    return subsumed
