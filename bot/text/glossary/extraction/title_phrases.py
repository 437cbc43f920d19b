"""Finds the phrases that many titles share, as they are written. It knows no concepts and judges no meaning.

Memory is bounded while titles are shown: what was seen least is forgotten when there is too much.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from bot.text.analysis import korean, latex, normalisation, stopwords, term_keys

MAX_PHRASE_LENGTH = 80
"""Characters of a phrase: what is offered while somebody types has to be read at a glance."""
MAX_PHRASE_WORDS = 5
MAX_PHRASES = 3_000
MAX_COUNTED_PHRASES = 100_000
"""Different writings that are held while counting; about 20 MB."""
_MAX_TITLE_LENGTH = 300
_SMALL_ARCHIVE = 1_000
_SUBSUMED_SHARE = 0.75
"""From this share of its papers on a phrase is only a part of a longer one: learning from human (feedback)."""

_WORD = re.compile(r"[^\W_]+(?:[-'’.+#/&][^\W_]+)*(?:\+\+|#)?")
_LATIN_WITH_PARTICLE = re.compile("([^가-힣]*[^가-힣\\W])([가-힣]{1,2})")
_WORD_SEPARATOR = re.compile(r"[\W_]")
# They stand between two phrases, or are none.
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
# What titles begin with before they come to the point: rethinking, improving.
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


class Phrase(NamedTuple):
    """Words that stand one behind the other in the titles of `papers` papers; `language` is "ko" or "en"."""

    text: str
    language: str
    papers: int


class TitleStatistics(NamedTuple):
    """What titles say: phrases, the most frequent first, and how many titles hold each concept, by its key."""

    phrases: tuple[Phrase, ...] = ()
    concept_counts: Mapping[str, int] = {}


class TitlePhraseCounter:
    """Counts the rows of words in titles that may be phrases. Show it titles, then ask what was frequent."""

    def __init__(self, max_counted: int = MAX_COUNTED_PHRASES) -> None:
        self._max_counted = max_counted
        self._surface_counts: Counter[str] = Counter()
        self.title_count = 0

    def add(self, title: str) -> None:
        """Count one title, in linear time; a phrase counts once, however often it stands in it."""
        self.title_count += 1
        phrases = {text.casefold(): text for run in _candidate_runs(title) for text in _ngrams(run)}
        self._surface_counts.update(phrases.values())
        if len(self._surface_counts) > self._max_counted:
            self._prune()

    def _prune(self) -> None:
        """Drop the rarest until half of the room is free, so that it is linear work in all."""
        threshold = 0
        while len(self._surface_counts) > self._max_counted // 2:
            threshold += 1
            self._surface_counts = Counter(
                {text: n for text, n in self._surface_counts.items() if n > threshold}
            )

    def summarise(
        self, concept_forms: Collection[tuple[str, str]] = (), *, limit: int = MAX_PHRASES
    ) -> TitleStatistics:
        """Return the phrases that are frequent, in the writing that is most often used, and how frequent concepts are.

        `known` are writings of concepts, which are no phrases, each with the key of its concept.
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
            Phrase(text, "ko" if korean.has_hangul(text) else "en", papers_of[key])
            for key, text in main_surfaces.items()
            if _is_multiword(surfaces_by_key[key]) and key not in concept_keys and key not in subsumed
        ]
        phrases.sort(key=lambda phrase: (-phrase.papers, phrase.text))
        return TitleStatistics(tuple(phrases[:limit]), dict(+concept_counts))


def _candidate_runs(title: str) -> Iterator[list[str]]:
    """Give the rows of words that no sign and no word of the sentence interrupts, Korean nouns without particles."""
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
    """Return a word without the Korean particle at its end: a phrase does not go on behind one."""
    if korean.is_hangul(word):
        return korean.strip_ending(word)
    latin = _LATIN_WITH_PARTICLE.fullmatch(word)
    return latin[1] if latin and korean.is_particle(latin[2]) else word


def _ngrams(run: list[str]) -> Iterator[str]:
    """Give all rows of one to five words of a stretch that begin and end as a phrase may."""
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
    """Tell whether a phrase is mostly several words: Vision-Language and Parameter-Efficient say of what kind something is."""
    return 2 * sum(papers for text, papers in surfaces.items() if " " in text) >= surfaces.total()


def _count_titles(text: str, surfaces: Mapping[str, int]) -> int:
    """Return in how many titles a term stands: generation has the stem of generator, but is another word."""
    term = normalisation.fold(text)
    is_word = not _WORD_SEPARATOR.search(term)
    return sum(
        count
        for surface, count in surfaces.items()
        if not is_word or normalisation.fold(surface).startswith(term)
    )


def _subsumed_phrases(main_surfaces: Mapping[str, str], papers_of: Mapping[str, int]) -> set[str]:
    """Return the keys of phrases that hardly ever stand without a longer phrase around them."""
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
