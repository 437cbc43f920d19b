"""Readers' profiles, learnt on demand, in a thread, from saved papers, followed words and feedback.

A profile is a set of weights of features (search tokens, pairs of Latin words, concepts), learnt from liked papers and a
sample of others, and cut to the largest.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import chain
from typing import NamedTuple, TypeAlias

from bot.archive import summaries
from bot.core.clock import Clock, latest_date, system_clock
from bot.glossary import resolver
from bot.glossary.resolver import Glossary
from bot.search import index as search_index
from bot.search.glossary import GlossaryService
from bot.text import analyser, concepts, term_keys
from storage import alerts, archive, database, models, papers, search, shelf, snapshot, today
from storage.database import Connection, Database
from storage.models import FeedbackKind

Vector: TypeAlias = Mapping[str, float]
"""The features of a text with their values; missing ones are 0."""

Example: TypeAlias = tuple[Vector, float]
"""A vector, and its weight within its class."""

MAX_WEIGHTS = 200
MAX_TRAINED = 300
"""Maximum number of features used in training; more cost time and gain nothing."""
MIN_EXAMPLES = 2
"""Features with fewer examples do not generalise."""


def train_profile(positives: Sequence[Example], negatives: Sequence[Example]) -> dict[str, float]:
    """Return up to MAX_WEIGHTS features that best separate a reader's papers from others, with their weights.

    A weight is the difference of the class means (Rocchio's method), scaled by rarity. The score of a paper is the sum of
    weight times value over its features. A negative example with a weight above 1 is a paper that the reader disliked.
    Without both classes there are no weights.
    """
    if not positives or not negatives:
        return {}
    frequencies: Counter[str] = Counter()
    for vector, _ in chain(positives, negatives):
        frequencies.update(vector.keys())
    refused = [(vector, 1.0) for vector, weight in negatives if weight > 1.0]
    rarity = _measure_rarity([*positives, *refused], frequencies, len(positives) + len(negatives))
    weights: dict[str, float] = defaultdict(float)
    for examples, sign in ((positives, 1.0), (negatives, -1.0)):
        total = sum(weight for _, weight in examples)
        for vector, weight in examples:
            for feature in vector.keys() & rarity.keys():
                weights[feature] += sign * weight / total * vector[feature] * rarity[feature] ** 2
    impact = {feature: abs(weight) * math.sqrt(frequencies[feature]) for feature, weight in weights.items()}
    heaviest = sorted(impact, key=lambda feature: (-impact[feature], feature))[:MAX_WEIGHTS]
    return {feature: weights[feature] for feature in heaviest}


def _measure_rarity(
    judged: Sequence[Example], frequencies: Mapping[str, int], total: int
) -> dict[str, float]:
    """Return the rarity of the MAX_TRAINED most important features of the judged papers: rare in general, frequent there."""
    sums: dict[str, float] = defaultdict(float)
    for vector, weight in judged:
        for feature, value in vector.items():
            sums[feature] += weight * value
    rarity = {
        feature: math.log((total + 1) / frequencies[feature])
        for feature in sums
        if frequencies[feature] >= MIN_EXAMPLES
    }
    ordered = sorted(rarity, key=lambda feature: (-sums[feature] * rarity[feature], feature))
    return {feature: rarity[feature] for feature in ordered[:MAX_TRAINED]}


CONCEPT_MARK = "="
"""Prefix of the features that are concepts. No token contains it."""
MAX_FEATURES = 600
"""Maximum number of features of a paper; the most frequent ones are kept."""
_MAX_CONCEPT_WORDS = 4
_MIN_ABBREVIATION = 3


class ConceptIndex:
    """Finds a glossary's concepts in canonical texts by their forms: stems in English, joined words in Korean."""

    def __init__(self, all_concepts: Iterable[concepts.Concept]) -> None:
        self._by_form: dict[str, str] = {}
        for concept in all_concepts:
            for key in _form_keys(concept):
                self._by_form.setdefault(key, concept.key)
        self._starts = {_start(key.split()[0]) for key in self._by_form}

    def count(self, words: Sequence[str]) -> Counter[str]:
        """Count the concepts in a stretch of text, by their longest forms."""
        found: Counter[str] = Counter()
        position = 0
        while position < len(words):
            end = position + 1
            if _start(words[position]) in self._starts:
                for end in range(min(position + _MAX_CONCEPT_WORDS, len(words)), position, -1):
                    if key := self._by_form.get(_join(words[position:end])):
                        found[key] += 1
                        break
            position = end
        return found


def _form_keys(concept: concepts.Concept) -> Iterator[str]:
    """Yield the keys of the forms that identify a concept within a text, without everyday words."""
    if " " in concept.key:
        yield concept.key
    for form in concept.forms:
        if form.language == "ko" and (form.seeded or form.papers > 1):
            key = "".join(analyser.stemmed_words(form.text))
            if len(key) > 3:
                yield key
        elif form.language == "abbr":
            folded = term_keys.english_key(form.text)
            if len(folded) >= _MIN_ABBREVIATION and not resolver.is_everyday_word(folded):
                yield folded


def _start(word: str) -> str:
    """Return the prefix shared by a form and the first word of a match: two syllables for Hangul, whose spacing varies."""
    return word[:2] if analyser.has_hangul(word) else word


def _join(words: Sequence[str]) -> str:
    return ("" if any(map(analyser.is_hangul, words)) else " ").join(words)


def extract_features(texts: search_index.PaperTexts, concept_index: ConceptIndex) -> dict[str, float]:
    """Return the features of a paper as a vector of length 1."""
    return to_vector(_count(texts.title, concept_index) + _count(texts.body, concept_index))


def extract_words(text: str, concept_index: ConceptIndex) -> dict[str, float]:
    """Return the features of followed words as a vector of length 1."""
    return to_vector(_count(analyser.canonicalise(text), concept_index))


def to_vector(counts: Mapping[str, int]) -> dict[str, float]:
    """Return counts as a vector of length 1. Two logarithms damp them, since presence says more than frequency."""
    kept = sorted(counts, key=lambda feature: (-counts[feature], feature))[:MAX_FEATURES]
    # Few counts are different: of each the value is in memory once.
    values = {count: 1.0 + math.log(1.0 + math.log(count)) for count in {counts[feature] for feature in kept}}
    length = math.sqrt(sum(values[counts[feature]] ** 2 for feature in kept)) or 1.0
    scaled = {count: value / length for count, value in values.items()}
    return {feature: scaled[counts[feature]] for feature in kept}


def concepts_of(vector: Mapping[str, float]) -> set[str]:
    """Return the keys of the concepts among features."""
    return {feature[1:] for feature in vector if feature.startswith(CONCEPT_MARK)}


def _count(canonical: str, concept_index: ConceptIndex) -> Counter[str]:
    counts: Counter[str] = Counter()
    in_order, _, _ = canonical.rpartition("\n")
    for phrase in in_order.replace("\n", "  ").split("  "):
        words = [word.removesuffix(analyser.PARTICLE_MARK) for word in phrase.split()]
        previous = ""
        for word in words:
            is_content = len(word) > 1 and word not in analyser.FUNCTION_WORDS
            if is_content:
                counts.update(analyser.word_tokens(word))
            is_latin = is_content and not analyser.is_hangul(word)
            if is_latin and previous:
                counts[f"{previous} {word}"] += 1
            previous = word if is_latin else ""
        for key, count in concept_index.count(words).items():
            counts[CONCEPT_MARK + key] += count
    return counts


SAMPLE_SIZE = 360
"""Size of the sample; its vectors take about 6 MB."""
SAMPLED_FROM = 2000
"""Number of newest papers from which the sample is drawn."""
_SEED = 0


MAX_COMPARED = 1000
"""Maximum number of a day's papers that are read, most votes first; others are ranked by votes only."""
PAPERS_AT_ONCE = 50
"""Number of papers read at once; each may have 40,000 characters."""


class PaperVectors:
    """Extracts the vectors of papers in a thread, and keeps those of one day and of the sample until they change."""

    def __init__(self, glossary: GlossaryService, clock: Clock = system_clock) -> None:
        self._glossary = glossary
        self._clock = clock
        self._indexed: tuple[Glossary, ConceptIndex] | None = None
        self._extent: tuple[models.ArchiveExtent, datetime | None] | None = None
        self._sample: dict[int, dict[str, float]] = {}
        self._day: tuple[date, dict[int, dict[str, float]]] | None = None
        self._lock = asyncio.Lock()

    async def get_concepts(self, connection: Connection) -> tuple[Glossary, ConceptIndex]:
        """Return the current glossary with the index of its concepts."""
        glossary = await self._glossary.get_current(connection)
        if self._indexed is None or self._indexed[0] is not glossary:
            made = await asyncio.to_thread(ConceptIndex, glossary.all_concepts())
            self._indexed, self._extent = (glossary, made), None
        return self._indexed

    async def extract(
        self, connection: Connection, paper_ids: Collection[int]
    ) -> dict[int, dict[str, float]]:
        """Return the vectors of the indexed papers among these ids."""
        _, concept_index = await self.get_concepts(connection)
        vectors: dict[int, dict[str, float]] = {}
        # Each feature is kept in memory once, not once per paper.
        names: dict[str, str] = {}
        for batch in database.chunked(paper_ids, PAPERS_AT_ONCE):
            rows = await snapshot.read(connection, search.list_documents, batch, summaries.select_shown)
            vectors |= await asyncio.to_thread(_extract, rows, concept_index, names)
        return vectors

    async def get_day(self, connection: Connection, on: date) -> dict[int, dict[str, float]]:
        """Return the vectors of the papers of a day by id, most votes first."""
        return await self._refresh(connection, on)

    async def get_sample(self, connection: Connection) -> Mapping[int, dict[str, float]]:
        """Return the vectors of the sample by paper id: the same papers for all readers, drawn with a fixed seed."""
        await self._refresh(connection)
        return self._sample

    async def _refresh(self, connection: Connection, on: date | None = None) -> dict[int, dict[str, float]]:
        """Read changed papers again. Returns the vectors of a day."""
        await self.get_concepts(connection)
        # A day's list that grows by papers which the archive has from elsewhere changes no number.
        extent = (
            await papers.get_extent(connection, until_on=latest_date(self._clock())),
            await archive.get_last_updated_at(connection),
        )
        async with self._lock:
            if self._extent != extent:
                newest = await papers.list_newest_ids(connection, limit=SAMPLED_FROM)
                sample = random.Random(_SEED).sample(newest, min(SAMPLE_SIZE, len(newest)))
                vectors = await self.extract(connection, sample)
                self._sample = {paper_id: vectors[paper_id] for paper_id in sample if paper_id in vectors}
                self._day, self._extent = None, extent
            if on is None:
                return {}
            if self._day is None or self._day[0] != on:
                day = await papers.list_by_date(connection, on, origin=archive.ALL)
                unread = [row.id for row in day[:MAX_COMPARED] if row.id not in self._sample]
                vectors = self._sample | await self.extract(connection, unread)
                self._day = on, {row.id: vectors.get(row.id, {}) for row in day}
            return self._day[1]


def _extract(
    papers_of_batch: Iterable[models.IndexDocument], concept_index: ConceptIndex, names: dict[str, str]
) -> dict[int, dict[str, float]]:
    return {
        paper.id: {
            names.setdefault(name, name): value
            for name, value in extract_features(search_index.build_texts(paper), concept_index).items()
        }
        for paper in papers_of_batch
    }


MAX_SIGNALS = 100
"""Maximum number of saved papers, and of feedback, that a profile is learnt from; the latest count."""
MAX_CONCEPTS = 100
SAVED_WEIGHT, FOLLOWED_WEIGHT = 1.0, 0.5
LESS_WEIGHT = 5.0
"""A disliked paper counts as much as several random ones."""
MAX_LEARNT = 1000
"""Number of readers whose learnt weights are kept (the last used); each takes 15 kB."""


class Signals(NamedTuple):
    """The data that a profile is learnt from."""

    saved: list[int]
    feedback: list[tuple[int, FeedbackKind]]
    followed: list[str]
    """Picked topics, and the words of alerts."""


class Learnt(NamedTuple):
    """The learnt profile of a reader: the weights of features, and the number of saved papers by concept."""

    signals: Signals
    weights: Mapping[str, float]
    concepts: Mapping[str, int]


class Profiles:
    """Reads and learns profiles. A reader has a profile from the first `/today` on.

    The learnt weights stay in memory until the reader's signals change.
    """

    def __init__(self, database: Database, vectors: PaperVectors) -> None:
        self._database = database
        self.vectors = vectors
        self._learnt: dict[int, Learnt] = {}

    def sharing(self, database: Database) -> Profiles:
        """Return the same profiles, read from `database`."""
        shared = Profiles(database, self.vectors)
        shared._learnt = self._learnt
        return shared

    async def find(self, user_id: int) -> models.Profile:
        """Return a reader's profile; it is created the first time."""
        async with self._database.read() as connection:
            profile = await today.get(connection, user_id)
        if profile is None:
            profile = models.Profile(user_id)
            async with self._database.transaction() as connection:
                await today.add(connection, profile)
        return profile

    def forget(self, user_id: int) -> None:
        """Discard the learnt profile of a reader."""
        self._learnt.pop(user_id, None)

    async def learn(self, profile: models.Profile) -> Learnt:
        """Return the profile learnt from the reader's papers, words and feedback until now.

        Learning takes up to half a second of CPU and a connection of the readers': callers are admitted as look-ups.
        """
        async with self._database.read() as connection:
            signals = await _load_signals(connection, profile)
            known = self._learnt.pop(profile.user_id, None)
            if known is not None and known.signals == signals:
                self._learnt[profile.user_id] = known
                return known
            told_of = {*signals.saved, *(paper_id for paper_id, _ in signals.feedback)}
            vectors = await self.vectors.extract(connection, told_of)
            # Papers that no digest has: those of an imported file.
            missing = set(signals.saved) - vectors.keys()
            titles: dict[int, str] = {}
            if missing:
                async for rows in shelf.stream_texts(connection, profile.user_id):
                    titles |= {
                        row.paper_id: row.title for row in rows if row.paper_id in missing and row.title
                    }
            sample = await self.vectors.get_sample(connection)
            _, concept_index = await self.vectors.get_concepts(connection)
        vectors |= {key: extract_words(title, concept_index) for key, title in titles.items()}
        weights, counts = await asyncio.to_thread(_train, signals, vectors, sample, concept_index)
        learnt = self._learnt[profile.user_id] = Learnt(signals, weights, counts)
        if len(self._learnt) > MAX_LEARNT:
            del self._learnt[next(iter(self._learnt))]
        return learnt


async def _load_signals(connection: Connection, profile: models.Profile) -> Signals:
    saved = (await shelf.list_paper_ids(connection, profile.user_id))[:MAX_SIGNALS]
    answered = await today.list_feedback(connection, profile.user_id, limit=MAX_SIGNALS)
    followed = [
        term.text
        for alert in await alerts.list_rows(connection, user_id=profile.user_id)
        for term in alert.terms
        if term.kind is models.AlertKind.KEYWORD
    ]
    return Signals(saved, answered, [*profile.topics, *followed])


def _train(
    signals: Signals, vectors: Mapping[int, Vector], sample: Mapping[int, Vector], concept_index: ConceptIndex
) -> tuple[dict[str, float], dict[str, int]]:
    """Return the weights of a profile, and the number of saved papers for each of the most frequent concepts."""
    saved, answered, words = signals
    wanted = dict.fromkeys(saved, SAVED_WEIGHT)
    for paper_id, kind in answered:
        if kind is FeedbackKind.LESS:
            wanted[paper_id] = -LESS_WEIGHT
        else:
            wanted.setdefault(paper_id, SAVED_WEIGHT)
    positives = [(vectors[key], weight) for key, weight in wanted.items() if weight > 0 and key in vectors]
    followed = [(extract_words(text, concept_index), FOLLOWED_WEIGHT) for text in words]
    negatives = [(vector, 1.0) for key, vector in sample.items() if key not in wanted]
    negatives += [(vectors[key], -weight) for key, weight in wanted.items() if weight < 0 and key in vectors]
    counts = Counter(key for id_ in saved if id_ in vectors for key in concepts_of(vectors[id_]))
    most = sorted(counts, key=lambda key: (-counts[key], key))[:MAX_CONCEPTS]
    return train_profile([*positives, *followed], negatives), {key: counts[key] for key in most}


def score(weights: Vector, vectors: Mapping[int, Vector]) -> dict[int, float]:
    """Return the score of each paper: the sum of weight times value over shared features."""
    return {
        paper_id: sum(weight * vector[feature] for feature, weight in weights.items() if feature in vector)
        for paper_id, vector in vectors.items()
    }
