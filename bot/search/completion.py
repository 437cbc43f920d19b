"""Autocompletes topics, authors and papers, and corrects typing errors.

A word is corrected if it occurs in no paper and resembles exactly one known word.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from heapq import nlargest
from itertools import islice
from typing import NamedTuple

from bot.rendering import typesetting
from bot.search import authors as search_authors
from bot.search import term_resolver, titles, transliteration
from bot.search.authors import Archive
from bot.search.engine import Engine
from bot.search.results import Choice
from bot.text import analyser, concepts, people, plain, questions, term_keys, typed_dates
from bot.text.parsed_query import ParsedQuery
from storage import models, search

_MAX_CORRECTED = 4
_MIN_KEYSTROKES, _MIN_KEYSTROKES_OF_TWO_ERRORS = 5, 9
_MIN_KEYSTROKES_IN_TERM, _MAX_KEYSTROKES = 3, 40
_FAR_MORE = 20
"""The number of papers that have a correction for each paper that has the word as typed."""
_DOMINANCE = 4
"""A correction is certain if it is this many times more frequent than all other words at the same distance."""


class Vocabulary:
    """Known words, compared by keystrokes because one wrong key in Korean changes only one letter of a syllable."""

    def __init__(self, weighted_words: Iterable[tuple[str, int]]) -> None:
        spellings: dict[str, Counter[str]] = defaultdict(Counter)
        for word, weight in weighted_words:
            if word and not any(map(str.isdigit, word)):
                spellings[_spelling_key(word)][word] += weight
        self._syllables = frozenset(
            syllable for words in spellings.values() for word in words for syllable in word
        )
        self._words: dict[str, tuple[str, int]] = {}
        self._keys_by_first: dict[str, list[str]] = defaultdict(list)
        for key, weights in spellings.items():
            if _MIN_KEYSTROKES_IN_TERM <= len(key) <= _MAX_KEYSTROKES:
                self._words[key] = max(weights, key=lambda word: weights[word]), weights.total()
                self._keys_by_first[key[0]].append(key)
        self._words_by_sound = _group_by_sound(self._words.values())

    def list_near(self, word: str) -> list[tuple[str, int]]:
        """Return the closest known words with their weights, most frequent first: those that sound the same, or with few errors.

        A Korean word that breaks the orthography of loanwords is near to its own right spelling alone, known or not:
        스케쥴링 is 스케줄링, not 스케일링 (scaling). Others have one error, or two if the word is long.
        """
        # Imported here because most searches do not need it.
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        key = _spelling_key(word)
        if (
            not _MIN_KEYSTROKES_IN_TERM <= len(key) <= _MAX_KEYSTROKES
            or not key.replace("-", "").isalpha()
            or len(word) < 2
        ):
            return []
        if analyser.is_syllables(word):
            alike = self._words_by_sound.get(transliteration.sound_key(word), ())
            respelt = transliteration.respell(word)
            if alike or respelt != word:
                others = [known for known in alike if known[0] != word] if alike else [(respelt, 1)]
                return sorted(others, key=lambda known: -known[1])
        if key in self._words:
            return []
        most = 1 if len(key) < _MIN_KEYSTROKES_OF_TWO_ERRORS else 2
        near = process.extract(
            key, self._keys_by_first[key[0]], scorer=OSA.distance, score_cutoff=most, limit=None
        )
        least = min((errors for _, errors, _ in near), default=0)
        nearest = sorted(
            (self._words[key] for key, errors, _ in near if errors == least), key=lambda pair: -pair[1]
        )
        return [
            (meant.lower() if word.islower() and meant.istitle() else meant, weight)
            for meant, weight in nearest
        ]

    def correct(self, word: str) -> str | None:
        """Return the correction of a word; None if the word is short or has several likely corrections."""
        key = _spelling_key(word)
        if typed := self._words.get(key.translate(analyser.OTHER_LAYOUT)):
            return typed[0]
        if len(key) < _MIN_KEYSTROKES:
            return None
        near, plural = self.list_near(word), ""
        if not near and word.endswith("s"):
            near, plural = self.list_near(word[:-1]), "s"  # agnets
        is_sure = near and near[0][1] >= _DOMINANCE * sum(weight for _, weight in near[1:])
        return near[0][0] + plural if is_sure else None

    def is_ordinary(self, word: str) -> bool:
        """Return whether a word is probably not misspelt, such as "sending", 표랑, 잊지, or 반영 of common syllables."""
        is_short = len(word) == 2 and analyser.is_syllables(word)
        is_common = is_short and (self._syllables.issuperset(word) or word[1] in "랑나지")
        return is_common or bool(questions.find_topics(word))


def _spelling_key(word: str) -> str:
    return analyser.keystrokes(analyser.fold(word))


def _group_by_sound(weighted_words: Iterable[tuple[str, int]]) -> Mapping[str, Sequence[tuple[str, int]]]:
    """Return the Korean ones of these words, with their weights, by the key that words of the same sound share."""
    by_sound: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for word, weight in weighted_words:
        if analyser.is_syllables(word):
            by_sound[transliteration.sound_key(word)].append((word, weight))
    return by_sound


def list_rare_words(engine: Engine, counts: Mapping[concepts.QueryPart, int]) -> dict[str, int]:
    """Return the words of a query, but words of dates such as "week", that no paper has, or one in its text, with that number.

    `counts`: the number of papers with each part.
    """
    return {
        word: papers
        for part, papers in counts.items()
        if papers < 2 and not (part.key or typed_dates.is_date_word(part.text))
        if not ((word := analyser.strip_ending(part.text)) and papers and engine.is_in_title(word))
    }


def find_corrections(
    archive: Archive, vocabulary: Vocabulary, text: str, rare_words: Mapping[str, int]
) -> tuple[tuple[str, str], ...]:
    """Return pairs of a misspelt word in a query and its correction, which far more papers have."""
    corrections = []
    for word, papers in islice(rare_words.items(), _MAX_CORRECTED):
        meant = vocabulary.correct(word)
        is_same = meant and transliteration.sound_key(word) == transliteration.sound_key(meant)
        if meant and (is_same or not vocabulary.is_ordinary(word)):
            counts = map(archive.engine.estimate, archive.reader.read(ParsedQuery(meant)).parts)
            corrections += [(word, meant)] if max(counts, default=0) > _FAR_MORE * papers else []
    # A misspelt word with the right stem is found, but would look odd among corrected ones.
    for word in text.split() if corrections else ():
        meant = vocabulary.correct(word)
        is_inflected = meant is not None and word.casefold().startswith(meant.casefold())  # questions
        if meant and not is_inflected and analyser.stemmed_words(meant) == analyser.stemmed_words(word):
            corrections.append((word, meant))
    return tuple(sorted(corrections, key=lambda pair: text.find(pair[0])))


def apply_corrections(text: str, corrections: Sequence[tuple[str, str]]) -> str:
    """Replace misspelt words in a text, keeping the particles attached to them."""
    for typed, meant in corrections:
        text = re.sub(rf"(?<!\w){re.escape(typed)}(?![a-z])", lambda _, meant=meant: meant, text)  # type: ignore[misc]
    return text


MAX_CHOICES = 25
MAX_VALUE_LENGTH = 100
"""Discord's limit for the value of a choice, in characters."""
_MAX_RANKED = 400
"""The number of topics, heaviest first, that are ranked."""
_MAX_LATER_WORDS = 4
_PAPER_WEIGHT = 10
_LATER_WORD_DIVISOR = 8
"""The weight of a topic is divided by this if a later word matches."""
_LANGUAGES: tuple[concepts.Language, ...] = ("ko", "en", "abbr")
_WORD_GAP = re.compile(r"[\s·-]+")


TopicNames = tuple[str, str, str]
"""The Korean name, English name and abbreviation of a concept; "" if missing."""


class Topic(NamedTuple):
    """A form of a concept. `key` is its normalised text; topics with a higher `weight` come first."""

    key: str
    text: str
    language: str
    names: TopicNames
    weight: int


class TopicIndex:
    """All forms in a glossary, sorted by keystrokes, and a vocabulary. Each takes 30 ms to build, on first use."""

    def __init__(self, glossary: term_resolver.Glossary) -> None:
        self.glossary = glossary
        self._topics = list(_concept_topics(glossary))

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words that corrections give: of topics, translations, names in titles, and Korean topics without spaces."""
        words = [(word, topic.weight) for topic in self._topics for word in _WORD_GAP.split(topic.text)]
        words += [(topic.key, topic.weight) for topic in self._topics if topic.language == "ko"]
        words += self.glossary.names.items()
        return Vocabulary([*words, *((word, 1) for word in self.glossary.korean_words)])

    @cached_property
    def _entries(self) -> list[tuple[str, int, int]]:
        """Sorted (keystrokes, weight, topic number): an entry for each form, and one for each of the form's later words."""
        entries = []
        for number, topic in enumerate(self._topics):
            entries.append((analyser.keystrokes(topic.key), topic.weight, number))
            weight = topic.weight // _LATER_WORD_DIVISOR
            for gap in islice(_WORD_GAP.finditer(topic.text), _MAX_LATER_WORDS):
                rest = topic.text[gap.end() :]
                if rest.partition(" ")[0].casefold() not in analyser.FUNCTION_WORDS and (key := _key(rest)):
                    entries.append((analyser.keystrokes(key), weight, number))
        return sorted(entries)

    def complete(self, text: str, locale: models.Locale) -> list[Choice]:
        """Return the topics that begin with a text, without duplicates, best first."""
        typed = _key(text)
        keys = analyser.keystrokes(typed)
        low, high = (bisect_left(self._entries, (keys + end,)) for end in ("", "\U0010ffff"))
        entries = nlargest(_MAX_RANKED, self._entries[low:high], key=lambda entry: (entry[1], -entry[2]))
        topics = [self._topics[number] for *_, number in entries]
        topics.sort(key=lambda topic: _rank(topic, typed, locale))
        choices: dict[str, Choice] = {}
        offered: set[TopicNames] = set()
        for topic in topics:
            if topic.names not in offered and topic.text not in choices:
                offered.add(topic.names)
                choices[topic.text] = Choice(_label(topic, locale), topic.text)
        return list(choices.values())[:MAX_CHOICES]


def _concept_topics(glossary: term_resolver.Glossary) -> Iterator[Topic]:
    """Yield every form, weighted by the number of papers that define its concept or name it in the title."""
    in_titles = glossary.title_counts
    for concept in glossary.all_concepts():
        forms = [form for form in concept.forms if form.is_presentable and len(form.text) <= MAX_VALUE_LENGTH]
        explained = (sum(form.papers for form in concept.forms_in(language)) for language in _LANGUAGES)
        papers_weight = _PAPER_WEIGHT * max((*explained, in_titles.get(concept.key, 0)))
        topic_names = _first_form(forms, "ko"), _first_form(forms, "en"), _first_form(forms, "abbr")
        for form in forms:
            bonus = 0 if form.language == "abbr" else 5 if form.papers or form.seeded else 3
            yield Topic(_key(form.text), form.text, form.language, topic_names, papers_weight + bonus)


def _first_form(forms: list[concepts.SurfaceForm], language: str) -> str:
    return next((form.text for form in forms if form.language == language), "")


def _rank(topic: Topic, typed: str, locale: models.Locale) -> tuple[bool, bool, bool]:
    """Return a sort key: complete topics first, then topics that match by whole syllables, then the reader's language.

    A complete topic without papers gets no priority: "re" may be the start of "reward". 강 may be the start of 가우시안
    (before its ㅇ moves on), but 강화 is more likely.
    """
    is_typed_out = topic.key == typed and topic.weight >= _PAPER_WEIGHT
    is_foreign = (topic.language == "ko") != (locale is models.Locale.KO)
    return not is_typed_out, analyser.has_final_consonant(typed[-1:]) and typed not in topic.key, is_foreign


def _label(topic: Topic, locale: models.Locale) -> str:
    korean, english, abbreviation = topic.names
    short = f" ({abbreviation})" if abbreviation else ""
    if topic.language == "abbr":
        names = topic.text, (locale is models.Locale.KO and korean) or english
    else:
        names = (
            (topic.text, english and english + short)
            if topic.language == "ko"
            else (topic.text + short, korean)
        )
    return " · ".join(filter(None, names))


def _key(text: str) -> str:
    """Return a text, folded and without spaces and punctuation, for comparisons."""
    return term_keys.korean_key(text[:MAX_VALUE_LENGTH])


def complete_author(archive: Archive, text: str) -> list[Choice]:
    """Return the authors with a name that begins with a text, most papers first."""
    writers, text = archive.writers, plain.clean_typed(text)
    if people.name_tokens(text):
        authors = search_authors.find_authors(writers, text, limit=MAX_CHOICES, is_prefix=True)
    else:
        authors = search.list_most_published(archive.view, limit=MAX_CHOICES)
    return [Choice(each.name, each.name[:MAX_VALUE_LENGTH], papers=each.paper_count) for each in authors]


def complete_paper(archive: Archive, text: str) -> list[Choice]:
    """Return the paper with this arXiv id or link, or else the papers with these words in the title, top-voted first."""
    typed = text.strip()[:MAX_VALUE_LENGTH]
    typed = typed if any(map(str.isalnum, questions.trim_filler(typed))) else ""  # ㄱ begins any word
    if (paper_key := titles.parse_id(text)) is not None:  # whole: a part may be the key of another paper
        ids = list(search.get_paper_ids(archive.view, [paper_key]).values())
    else:
        ids = [] if typed else archive.engine.list_top(ParsedQuery(), limit=MAX_CHOICES)[0]
    rows = search.list_paper_rows(archive.view, ids)
    rows = rows or titles.complete_title(archive, typed, MAX_CHOICES)
    shorter = typed[:-1].strip()
    if not rows and shorter and analyser.ends_in_hangul(analyser.fold(typed)):
        # While 모델 is being typed, the text is briefly 몯, which no title contains.
        rows = titles.complete_title(archive, shorter, MAX_CHOICES)
    if not rows and typed and (named := titles.find_paper(archive, typed)):
        rows = search.list_paper_rows(
            archive.view, list(search.get_paper_ids(archive.view, [named]).values())
        )
    return [Choice(typesetting.render_title(row.title or ""), row.key, votes=row.votes) for row in rows]
