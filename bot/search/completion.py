"""Autocomplete of topics, authors and papers, at most 25 choices from the first keystroke on; corrections of typing errors.

A word is corrected if no paper of the archive has it and exactly one known word is near.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from bot.archive import arxiv_ids
from bot.glossary import concepts, resolver
from bot.search import authors as search_authors
from bot.search import engine
from bot.search import query as search_query
from bot.search.results import Choice
from bot.text import analyser, people, questions, term_keys, typography
from storage import models, search
from storage.snapshot import Snapshot

_MAX_CORRECTED = 4
_MENT = re.compile(r"(?<!\S)[a-z]+(?<!dg)(?<!dge)ments?(?!\S)", re.IGNORECASE)
"""A word in -ment: with an e too few or too many (reinforcment, alignement) it has the stem of the word that was meant.

Both spellings are right after dg: judgment, judgement.
"""


def list_unknown_words(snapshot: Snapshot, expanded: concepts.Expansion) -> list[str]:
    """Return the words of a query that no paper of the archive has."""
    plain = [analyser.strip_term(segment.text) for segment in expanded.segments if segment.key is None]
    tokens_by_word = {
        text: [token for word in analyser.stemmed_words(text) for token in analyser.word_tokens(word)]
        for text in plain
    }
    frequencies = search.get_document_frequencies(snapshot, set().union(*tokens_by_word.values()))
    # A part of a compound, such as the 화학 of 강화학습, may be in no paper, as most write the compound apart.
    rare = [word for word, parts in tokens_by_word.items() if not all(map(frequencies.get, parts))]
    return [word for word in rare if not _has_papers(snapshot, word)]


def list_ambiguous_stems(expanded: concepts.Expansion) -> list[str]:
    """Return the words of a query whose stem does not show whether they are misspelt."""
    return _MENT.findall(expanded.text)


def find_corrections(
    snapshot: Snapshot,
    vocabulary: questions.Vocabulary,
    unknown_words: Sequence[str],
    ambiguous_stems: Sequence[str] = (),
) -> tuple[tuple[str, str], ...]:
    """Return those of the words that are typing errors of a word of the archive, as typed and as meant."""
    pairs = [(word, vocabulary.correct(word)) for word in ambiguous_stems if word not in unknown_words]
    pairs = [(word, meant) for word, meant in pairs if meant and _without_e(word) == _without_e(meant)]
    pairs += [(word, vocabulary.correct(word)) for word in unknown_words]
    likely = [(word, meant) for word, meant in pairs[:_MAX_CORRECTED] if meant is not None]
    return tuple([pair for pair in likely if _has_papers(snapshot, pair[1])])


def apply_corrections(text: str, corrections: Sequence[tuple[str, str]]) -> str:
    """Return a text with its words corrected; what is joined to a word, such as a particle, stays."""
    for typed, meant in corrections:
        text = re.sub(rf"(?<!\w){re.escape(typed)}", lambda _, meant=meant: meant, text)  # type: ignore[misc]
    return text


def _without_e(word: str) -> str:
    return re.sub(r"ement(s?)\Z", r"ment\1", word.lower())


def _has_papers(snapshot: Snapshot, text: str) -> bool:
    query = search_query.from_text(text)
    return query is not None and search.count_matches(snapshot, query.anywhere, limit=1) > 0


MAX_SCANNED_KEYS = 400
"""Keys sorted per call; for a prefix with more keys, the best ones are precomputed."""


class PrefixIndex:
    """Keys ordered by rank, searchable by prefix in bounded time. Takes a second to build for 100,000 keys, in a thread."""

    def __init__(self, keys: Sequence[str], select_top: Callable[[list[int]], list[int]]) -> None:
        """Take the keys, best first; `select_top` reduces all ranks of a frequent prefix to the few to keep."""
        ranks = sorted(range(len(keys)), key=keys.__getitem__)
        self._keys = [keys[rank] for rank in ranks]
        self._ranks = array("l", ranks)
        self._top_ranks: dict[str, list[int]] = {}
        pending = [(0, len(keys), "")]
        while pending:
            low, high, prefix = pending.pop()
            if high - low > MAX_SCANNED_KEYS:
                self._top_ranks[prefix] = select_top(sorted(self._ranks[low:high]))
                pending += self._extend_prefix(low, high, len(prefix) + 1)

    def find(self, prefix: str) -> list[int]:
        """Return the ranks of the keys with this prefix, best first; only the selected ones for a frequent prefix."""
        top_ranks = self._top_ranks.get(prefix)
        if top_ranks is not None:
            return top_ranks
        low = bisect_left(self._keys, prefix)
        return sorted(self._ranks[low : self._range_end(prefix, low, len(self._keys))])

    def _extend_prefix(self, low: int, high: int, length: int) -> list[tuple[int, int, str]]:
        """Return the subranges of a range whose keys share the same first `length` letters."""
        ranges: list[tuple[int, int, str]] = []
        while low < high:
            prefix = self._keys[low][:length]
            end = self._range_end(prefix, low, high)
            if len(prefix) == length:
                ranges.append((low, end, prefix))
            low = end
        return ranges

    def _range_end(self, prefix: str, low: int, high: int) -> int:
        return bisect_right(self._keys, prefix, low, high, key=lambda key: key[: len(prefix)])


MAX_CHOICES = 25
MAX_VALUE_LENGTH = 100
"""Characters of a choice's value, which becomes the query."""
MAX_CORRECTIONS = 5
_AUTHOR_POOL = 200
"""Authors sorted by their papers when nothing is typed: the index orders them only roughly."""
_MIN_CORRECTED_LENGTH = 4
_MAX_LATER_WORDS = 4
_PAPER_WEIGHT = 10
_LATER_WORD_DIVISOR = 8
"""The weight of a topic is divided by this for matches at a later word."""
_LANGUAGES: tuple[concepts.Language, ...] = ("ko", "en", "abbr")
_WORD_GAP = re.compile(r"[\s·-]+")


TopicNames = tuple[str, str, str]
"""The Korean and English names and the abbreviation of a topic, each "" if it has none. All forms of a concept share them."""


class Topic(NamedTuple):
    """A form of a concept. `key` is its normal form, `weight` ranks it among others."""

    key: str
    text: str
    language: str
    names: TopicNames
    weight: int


class TopicIndex:
    """A glossary's forms, with a prefix index and a vocabulary of them, each built when first used.

    Building takes tens of milliseconds, so it is done in a thread, by `prepare_completion` and `get_vocabulary`.
    """

    def __init__(self, glossary: resolver.Glossary) -> None:
        self.glossary = glossary
        self._topics = list(_concept_topics(glossary))
        self._by_first_letter: dict[str, list[Topic]] = defaultdict(list)
        for topic in self._topics:
            self._by_first_letter[topic.key[:1]].append(topic)
        self._topic_numbers = array("l")

    @cached_property
    def _vocabulary(self) -> questions.Vocabulary:
        return questions.Vocabulary(_weighted_words(self._topics, self.glossary))

    def get_vocabulary(self) -> questions.Vocabulary:
        """Return the words of the topics, to correct typing errors by."""
        return self._vocabulary

    @cached_property
    def _prefix_index(self) -> PrefixIndex:
        entries: list[tuple[int, str, int]] = []
        for number, topic in enumerate(self._topics):
            entries.append((-topic.weight, topic.key, number))
            weight = -topic.weight // _LATER_WORD_DIVISOR
            entries += [(weight, key, number) for key in _later_word_keys(topic.text)]
        entries.sort(key=lambda entry: entry[0])
        self._topic_numbers = array("l", [number for *_, number in entries])
        return PrefixIndex([analyser.keystrokes(key) for _, key, _ in entries], self._keep_best)

    def prepare_completion(self) -> TopicIndex:
        """Build what `complete` needs, and return this index."""
        _ = self._prefix_index
        return self

    def complete(self, text: str, locale: models.Locale) -> list[Choice]:
        """Return the topics that begin with a text, each topic once, best first."""
        typed = _key(text)
        entry_numbers = self._prefix_index.find(analyser.keystrokes(typed))
        topics = [self._topics[self._topic_numbers[number]] for number in entry_numbers]
        topics.sort(key=lambda topic: _rank(topic, typed, locale))
        choices: dict[str, Choice] = {}
        offered: set[TopicNames] = set()
        for topic in topics:
            if topic.names not in offered and topic.text not in choices:
                offered.add(topic.names)
                choices[topic.text] = Choice(_label(topic, locale), topic.text)
                if len(choices) == MAX_CHOICES:
                    break
        return list(choices.values())

    def list_corrections(self, text: str) -> tuple[str, ...]:
        """Return the topics a typing error away from a text, or two for longer ones, the nearest first."""
        # Loaded at the first correction: a search that starts for one query rarely comes here.
        from rapidfuzz.distance import OSA

        typed = _key(text)
        if len(typed) < _MIN_CORRECTED_LENGTH:
            return ()
        max_errors = 1 if len(typed) < 2 * _MIN_CORRECTED_LENGTH else 2
        near: dict[TopicNames, tuple[int, int, str]] = {}
        for topic in self._by_first_letter.get(typed[:1], ()):
            errors = OSA.distance(typed, topic.key, score_cutoff=max_errors)
            if errors <= max_errors:
                near.setdefault(topic.names, (errors, -topic.weight, topic.text))
        return tuple(text for *_, text in sorted(near.values()))[:MAX_CORRECTIONS]

    def _keep_best(self, entry_numbers: list[int]) -> list[int]:
        """Return the entries of the best topics in each language, for a prefix that very many topics share."""
        kept: list[int] = []
        names_by_language: dict[str, set[TopicNames]] = {language: set() for language in _LANGUAGES}
        for number in entry_numbers:
            topic = self._topics[self._topic_numbers[number]]
            kept_names = names_by_language[topic.language]
            if len(kept_names) < MAX_CHOICES and topic.names not in kept_names:
                kept_names.add(topic.names)
                kept.append(number)
                if all(len(names) == MAX_CHOICES for names in names_by_language.values()):
                    break
        return kept


def _weighted_words(topics: list[Topic], glossary: resolver.Glossary) -> Iterator[tuple[str, int]]:
    """Yield the words of topics and of their translations, and Korean topics of several words as one."""
    for topic in topics:
        for word in _WORD_GAP.split(topic.text):
            yield word, topic.weight
        if topic.language == "ko":
            yield topic.key, topic.weight
    for word in glossary.list_korean_words():
        yield word, 1


def _concept_topics(glossary: resolver.Glossary) -> Iterator[Topic]:
    """Yield every form of the concepts, weighted by the papers that explain the concept or name it in their titles."""
    in_titles = glossary.title_counts
    for concept in glossary.all_concepts():
        forms = [form for form in concept.forms if form.is_presentable and len(form.text) <= MAX_VALUE_LENGTH]
        explained = (sum(form.papers for form in concept.forms_in(language)) for language in _LANGUAGES)
        papers_weight = _PAPER_WEIGHT * max((*explained, in_titles.get(concept.key, 0)))
        expanding = [form for form in forms if form.expands]
        topic_names = _first_form(forms, "ko"), _first_form(forms, "en"), _first_form(expanding, "abbr")
        for form in forms:
            bonus = 0 if form.language == "abbr" else 5 if form.papers or form.seeded else 3
            yield Topic(_key(form.text), form.text, form.language, topic_names, papers_weight + bonus)


def _first_form(forms: list[concepts.SurfaceForm], language: str) -> str:
    return next((form.text for form in forms if form.language == language), "")


def _later_word_keys(text: str) -> Iterator[str]:
    """Yield the keys of a text from its second word on, from its third, and so on, unless that is a function word."""
    for gap in islice(_WORD_GAP.finditer(text), _MAX_LATER_WORDS):
        rest = text[gap.end() :]
        if rest.partition(" ")[0].casefold() not in analyser.FUNCTION_WORDS and (key := _key(rest)):
            yield key


def _rank(topic: Topic, typed: str, locale: models.Locale) -> tuple[bool, bool, bool]:
    """Return the sort key of a match, before its weight.

    Topics typed to the end come first, unless no paper supports them: "re" may be the beginning of reward. Then come
    topics with the typed syllables, if the last one is closed: 강 may become 가우시안, but 강화 is likelier. Then topics in
    the reader's language.
    """
    is_typed_out = topic.key == typed and topic.weight >= _PAPER_WEIGHT
    is_foreign = (topic.language == "ko") != (locale is models.Locale.KO)
    return not is_typed_out, analyser.has_final_consonant(typed[-1:]) and typed not in topic.key, is_foreign


def _label(topic: Topic, locale: models.Locale) -> str:
    """Return the label of a topic: its text with its name in the other language and its abbreviation."""
    korean_name, english, abbreviation = topic.names
    if topic.language == "abbr":
        full_name = (locale is models.Locale.KO and korean_name) or english
        return f"{topic.text} · {full_name}" if full_name else topic.text
    short = f" ({abbreviation})" if abbreviation else ""
    if topic.language == "ko":
        return f"{topic.text} · {english}{short}" if english else f"{topic.text}{short}"
    return f"{topic.text}{short} · {korean_name}" if korean_name else f"{topic.text}{short}"


def _key(text: str) -> str:
    """Return a text as it is compared: folded, without spaces and punctuation."""
    return term_keys.korean_key(text[:MAX_VALUE_LENGTH])


def complete_author(snapshot: Snapshot, text: str) -> list[Choice]:
    """Return the authors of whom any name begins as typed, those with the most papers first."""
    if people.name_tokens(text):
        authors = search_authors.find_authors(snapshot, text, limit=MAX_CHOICES, is_prefix=True)
    else:
        pool = search.list_most_published(snapshot, limit=_AUTHOR_POOL)
        authors = sorted(pool, key=lambda author: (-author.paper_count, author.name))[:MAX_CHOICES]
    variants = search.list_name_variants(snapshot, [author.id for author in authors])
    named = ((search_authors.display_name(author, variants.get(author.id, ())), author) for author in authors)
    return [Choice(name, name[:MAX_VALUE_LENGTH], papers=author.paper_count) for name, author in named]


def complete_paper(snapshot: Snapshot, text: str) -> list[Choice]:
    """Return the papers of a link, of an incomplete arXiv id or of words of a title, the most popular first."""
    typed = (arxiv_ids.extract_arxiv_id(text) or text).strip()[:MAX_VALUE_LENGTH]
    if not typed or typed[0].isdigit():
        rows = search.list_by_prefix(snapshot, typed, limit=MAX_CHOICES)
        if rows:
            return [_paper_choice(row) for row in rows]
    rows = engine.find_papers(snapshot, typed, limit=MAX_CHOICES, is_prefix=True)
    if not rows and analyser.ends_in_hangul(analyser.fold(typed)):
        # Typing 모델 passes through 몯, which no title has.
        return complete_paper(snapshot, typed[:-1])
    return [_paper_choice(row) for row in rows]


def _paper_choice(row: models.PaperRow) -> Choice:
    return Choice(typography.render_title(row.title or ""), row.arxiv_id, votes=row.votes)
