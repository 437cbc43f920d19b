"""What is offered while somebody types: topics, authors, papers; best first, at most 25, from the first keystroke."""

from __future__ import annotations

import re
from array import array
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from bot.digests.elements import arxiv_ids
from bot.services.search import author_matching, results, title_search
from bot.text import prefix_index
from bot.text.analysis import korean, latex, normalisation, stopwords, term_keys
from bot.text.glossary.model import concepts
from bot.text.glossary.resolution import resolver
from bot.text.people import names
from storage import models, papers
from storage.database import Connection
from storage.search import author_index

MAX_CHOICES = 25
MAX_VALUE_LENGTH = 100
"""Characters of a choice's value, which is searched for as it is."""
MAX_CORRECTIONS = 5
_AUTHOR_POOL = 200
"""People who are put in order by their papers before a name is begun: the index knows these only roughly."""
_MIN_CORRECTED_LENGTH = 4
_MAX_LATER_WORDS = 4
_PAPER_WEIGHT = 10
_LATER_WORD_DIVISOR = 8
"""So many papers of a topic weigh as one when it was begun from a later word of it."""
_LANGUAGES: tuple[concepts.Language, ...] = ("ko", "en", "abbr")
_GAP = re.compile(r"[\s·-]+")


class TopicNames(NamedTuple):
    """What a topic is called, each "" where it has no such name: several forms share one."""

    korean: str
    english: str
    abbreviation: str


class Topic(NamedTuple):
    """One form of a concept, or a phrase of titles: how it is written, in which language, and how much speaks for it."""

    key: str
    text: str
    language: str
    names: TopicNames
    weight: int


class TopicIndex:
    """The forms of a glossary and the phrases of titles, by their beginnings. Made once for each glossary: in a thread."""

    def __init__(self, glossary: resolver.Glossary) -> None:
        self.glossary = glossary
        self._topics = [*_concept_topics(glossary), *_phrase_topics(glossary)]
        self._by_first_letter: dict[str, list[Topic]] = defaultdict(list)
        begun: list[tuple[int, str, int]] = []
        for number, topic in enumerate(self._topics):
            self._by_first_letter[topic.key[:1]].append(topic)
            begun.append((-topic.weight, topic.key, number))
            begun += [
                (-topic.weight // _LATER_WORD_DIVISOR, later, number)
                for later in _later_word_keys(topic.text)
            ]
        begun.sort(key=lambda one: one[0])
        self._topic_numbers = array("l", [number for *_, number in begun])
        self._prefix_index = prefix_index.PrefixIndex(
            [korean.keystrokes(key) for _, key, _ in begun], self._keep_best
        )

    def complete(self, text: str, locale: models.Locale) -> list[results.Choice]:
        """Return topics that begin as typed, each once, the best first: see `_rank`."""
        typed = _key(text)
        begun = [
            self._topics[self._topic_numbers[place]]
            for place in self._prefix_index.find(korean.keystrokes(typed))
        ]
        begun.sort(key=lambda one: _rank(one, typed, locale))
        choices: dict[str, results.Choice] = {}
        offered: set[TopicNames] = set()
        for one in begun:
            if one.names not in offered and one.text not in choices:
                offered.add(one.names)
                choices[one.text] = results.Choice(_label(one, locale), one.text)
                if len(choices) == MAX_CHOICES:
                    break
        return list(choices.values())

    def list_corrections(self, text: str) -> tuple[str, ...]:
        """Return topics that were perhaps meant by a text that found nothing: a typing error or two away."""
        typed = _key(text)
        if len(typed) < _MIN_CORRECTED_LENGTH:
            return ()
        most = 1 if len(typed) < 2 * _MIN_CORRECTED_LENGTH else 2
        near: dict[TopicNames, tuple[int, int, str]] = {}
        for one in self._by_first_letter.get(typed[:1], ()):
            errors = names.edit_distance(typed, one.key, max_distance=most)
            if errors <= most:
                near.setdefault(one.names, (errors, -one.weight, one.text))
        return tuple(shown for *_, shown in sorted(near.values()))[:MAX_CORRECTIONS]

    def _keep_best(self, places: list[int]) -> list[int]:
        """Return of very many places those of the best topics in each language."""
        kept: list[int] = []
        seen: dict[str, set[TopicNames]] = {language: set() for language in _LANGUAGES}
        for place in places:
            one = self._topics[self._topic_numbers[place]]
            known = seen[one.language]
            if len(known) < MAX_CHOICES and one.names not in known:
                known.add(one.names)
                kept.append(place)
                if all(len(topics) == MAX_CHOICES for topics in seen.values()):
                    break
        return kept


def _concept_topics(glossary: resolver.Glossary) -> Iterator[Topic]:
    """Give every form of the concepts; its weight says how many papers explain it, or have it in their titles."""
    titled = glossary.title_statistics.concept_counts
    for concept in glossary.all_concepts():
        own = [form for form in concept.forms if _is_presentable(form)]
        explained = (sum(form.papers for form in concept.forms_in(language)) for language in _LANGUAGES)
        said = _PAPER_WEIGHT * max((*explained, titled.get(concept.key, 0)))
        sure = [form for form in own if form.expands]
        meaning = TopicNames(_first_form(own, "ko"), _first_form(own, "en"), _first_form(sure, "abbr"))
        for form in own:
            weight = said + (0 if form.language == "abbr" else 5 if form.papers or form.seeded else 3)
            yield Topic(_key(form.text), form.text, form.language, meaning, weight)


def _is_presentable(form: concepts.SurfaceForm) -> bool:
    """Tell whether a form is fit to be shown: what one paper alone calls so in Korean is often a slip."""
    is_sure = form.language != "ko" or form.papers > 1 or form.seeded
    return is_sure and not form.is_alias and len(form.text) <= MAX_VALUE_LENGTH


def _first_form(forms: list[concepts.SurfaceForm], language: str) -> str:
    return next((form.text for form in forms if form.language == language), "")


def _phrase_topics(glossary: resolver.Glossary) -> Iterator[Topic]:
    for text, language, count in glossary.title_statistics.phrases:
        meaning = TopicNames(text, "", "") if language == "ko" else TopicNames("", text, "")
        yield Topic(_key(text), text, language, meaning, _PAPER_WEIGHT * count)


def _later_word_keys(text: str) -> Iterator[str]:
    """Give the keys of a text from its second word on, from its third, and so on."""
    for gap in islice(_GAP.finditer(text), _MAX_LATER_WORDS):
        later = text[gap.end() :]
        if later.partition(" ")[0].casefold() not in stopwords.FUNCTION_WORDS and (key := _key(later)):
            yield key


def _rank(topic: Topic, typed: str, locale: models.Locale) -> tuple[bool, bool, bool]:
    """Return where a topic that was begun belongs, apart from its weight: what is typed out first.

    But not if no paper speaks for it, since it may be the beginning of another: RE of reward. Then what has the typed
    syllables, if the last one is closed: 강 is on the way to 가우시안 too, but rather to 강화. Then the reader's language.
    """
    is_typed_out = topic.key == typed and topic.weight >= _PAPER_WEIGHT
    is_foreign = (topic.language == "ko") != (locale is models.Locale.KO)
    return not is_typed_out, korean.has_final_consonant(typed[-1:]) and typed not in topic.key, is_foreign


def _label(topic: Topic, locale: models.Locale) -> str:
    """Return a topic as it is offered: with its name in the other language, and its abbreviation."""
    korean_name, english, abbreviation = topic.names
    if topic.language == "abbr":
        other = (locale is models.Locale.KO and korean_name) or english
        return f"{topic.text} · {other}" if other else topic.text
    short = f" ({abbreviation})" if abbreviation else ""
    if topic.language == "ko":
        return f"{topic.text} · {english}{short}" if english else f"{topic.text}{short}"
    return f"{topic.text}{short} · {korean_name}" if korean_name else f"{topic.text}{short}"


def _key(text: str) -> str:
    """Return what of a text is compared: folded, without spaces and signs, which people type or do not."""
    return term_keys.korean_key(text[:MAX_VALUE_LENGTH])


async def complete_author(connection: Connection, text: str) -> list[results.Choice]:
    """Offer people by the beginnings of any of their names, those with most papers first."""
    if names.name_tokens(text):
        people = await author_matching.find_authors(connection, text, limit=MAX_CHOICES, is_prefix=True)
    else:
        people = await author_index.list_most_published(connection, limit=_AUTHOR_POOL)
        people = sorted(people, key=lambda one: (-one.paper_count, one.name))[:MAX_CHOICES]
    return [results.Choice(one.name, one.name[:MAX_VALUE_LENGTH], papers=one.paper_count) for one in people]


async def complete_paper(connection: Connection, text: str) -> list[results.Choice]:
    """Offer papers by an address, by the beginning of their id or by words of their title, the most popular first."""
    typed = (arxiv_ids.extract_arxiv_id(text) or text).strip()[:MAX_VALUE_LENGTH]
    if not typed or typed[0].isdigit():
        rows = await papers.list_by_prefix(connection, typed, limit=MAX_CHOICES)
        if rows:
            return [_paper_choice(row) for row in rows]
    rows = await title_search.find_papers(connection, typed, limit=MAX_CHOICES, is_prefix=True)
    if not rows and korean.ends_in_hangul(normalisation.fold(typed)):
        # On the way to 모델 stands 몯, which no title has.
        return await complete_paper(connection, typed[:-1])
    return [_paper_choice(row) for row in rows]


def _paper_choice(row: models.PaperRow) -> results.Choice:
    return results.Choice(latex.to_plain_text(row.title or ""), row.arxiv_id, votes=row.votes)
