"""What is offered while somebody types: topics, authors, papers; best first, at most 25, from the first keystroke."""

from __future__ import annotations

import re
from array import array
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from bot.digests.elements import arxiv_id
from bot.services.search import author_matching, results, title_search
from bot.text import prefix_index
from bot.text.analysis import korean, latex, normalisation, term_keys
from bot.text.glossary.model import concepts
from bot.text.glossary.resolution import resolver
from bot.text.people import names
from storage import models, papers
from storage.database import Connection
from storage.search import authors as search_authors

MOST = 25
LONGEST = 100
"""Characters of a choice's value, which is searched for as it is."""
MOST_NEAR = 5
_MANY_PEOPLE = 200
"""People who are put in order by their papers before a name is begun: the index knows these only roughly."""
_SHORTEST_ERROR = 4
_MOST_LATER_WORDS = 4
_ONE_PAPER = 10
_LATER_WORDS = 8
"""So many papers of a topic weigh as one when it was begun from a later word of it."""
_LANGUAGES: tuple[concepts.Language, ...] = ("ko", "en", "abbr")
_GAP = re.compile(r"[\s·-]+")


class Meaning(NamedTuple):
    """What a topic is called, each "" where it has no such name: several forms share one."""

    korean: str
    english: str
    abbreviation: str


class Topic(NamedTuple):
    """One form of a concept, or a phrase of titles: how it is written, in which language, and how much speaks for it."""

    key: str
    text: str
    language: str
    meaning: Meaning
    weight: int


class Topics:
    """The forms of a glossary and the phrases of titles, by their beginnings. Made once for each glossary: in a thread."""

    def __init__(self, glossary: resolver.Glossary) -> None:
        self.glossary = glossary
        self._topics = [*_forms(glossary), *_phrases(glossary)]
        self._by_first: dict[str, list[Topic]] = defaultdict(list)
        begun: list[tuple[int, str, int]] = []
        for number, topic in enumerate(self._topics):
            self._by_first[topic.key[:1]].append(topic)
            begun.append((-topic.weight, topic.key, number))
            begun += [(-topic.weight // _LATER_WORDS, later, number) for later in _later(topic.text)]
        begun.sort(key=lambda one: one[0])
        self._numbers = array("l", [number for *_, number in begun])
        self._begun = prefix_index.Beginnings([korean.keystrokes(key) for _, key, _ in begun], self._keep)

    def offer(self, text: str, locale: models.Locale) -> list[results.Choice]:
        """Return topics that begin as typed, each once, the best first: see `_rank`."""
        typed = _key(text)
        begun = [self._topics[self._numbers[place]] for place in self._begun.find(korean.keystrokes(typed))]
        begun.sort(key=lambda one: _rank(one, typed, locale))
        choices: dict[str, results.Choice] = {}
        offered: set[Meaning] = set()
        for one in begun:
            if one.meaning not in offered and one.text not in choices:
                offered.add(one.meaning)
                choices[one.text] = results.Choice(_shown(one, locale), one.text)
                if len(choices) == MOST:
                    break
        return list(choices.values())

    def near(self, text: str) -> tuple[str, ...]:
        """Return topics that were perhaps meant by a text that found nothing: a typing error or two away."""
        typed = _key(text)
        if len(typed) < _SHORTEST_ERROR:
            return ()
        most = 1 if len(typed) < 2 * _SHORTEST_ERROR else 2
        near: dict[Meaning, tuple[int, int, str]] = {}
        for one in self._by_first.get(typed[:1], ()):
            errors = names.distance(typed, one.key, most=most)
            if errors <= most:
                near.setdefault(one.meaning, (errors, -one.weight, one.text))
        return tuple(shown for *_, shown in sorted(near.values()))[:MOST_NEAR]

    def _keep(self, places: list[int]) -> list[int]:
        """Return of very many places those of the best topics in each language."""
        kept: list[int] = []
        seen: dict[str, set[Meaning]] = {language: set() for language in _LANGUAGES}
        for place in places:
            one = self._topics[self._numbers[place]]
            known = seen[one.language]
            if len(known) < MOST and one.meaning not in known:
                known.add(one.meaning)
                kept.append(place)
                if all(len(topics) == MOST for topics in seen.values()):
                    break
        return kept


def _forms(glossary: resolver.Glossary) -> Iterator[Topic]:
    """Give every form of the concepts; its weight says how many papers explain it, or have it in their titles."""
    titled = glossary.titles.concepts
    for concept in glossary.all_concepts():
        own = [form for form in concept.forms if _is_fit(form)]
        explained = (sum(form.papers for form in concept.of(language)) for language in _LANGUAGES)
        said = _ONE_PAPER * max((*explained, titled.get(concept.key, 0)))
        sure = [form for form in own if form.expands]
        meaning = Meaning(_name(own, "ko"), _name(own, "en"), _name(sure, "abbr"))
        for form in own:
            weight = said + (0 if form.language == "abbr" else 5 if form.papers or form.seeded else 3)
            yield Topic(_key(form.text), form.text, form.language, meaning, weight)


def _is_fit(form: concepts.Form) -> bool:
    """Tell whether a form is fit to be shown: what one paper alone calls so in Korean is often a slip."""
    is_sure = form.language != "ko" or form.papers > 1 or form.seeded
    return is_sure and not form.alias and len(form.text) <= LONGEST


def _name(forms: list[concepts.Form], language: str) -> str:
    return next((form.text for form in forms if form.language == language), "")


def _phrases(glossary: resolver.Glossary) -> Iterator[Topic]:
    for text, language, count in glossary.titles.phrases:
        meaning = Meaning(text, "", "") if language == "ko" else Meaning("", text, "")
        yield Topic(_key(text), text, language, meaning, _ONE_PAPER * count)


def _later(text: str) -> Iterator[str]:
    """Give the keys of a text from its second word on, from its third, and so on."""
    for gap in islice(_GAP.finditer(text), _MOST_LATER_WORDS):
        later = text[gap.end() :]
        if later.partition(" ")[0].casefold() not in term_keys.FUNCTION_WORDS and (key := _key(later)):
            yield key


def _rank(topic: Topic, typed: str, locale: models.Locale) -> tuple[bool, bool, bool]:
    """Return where a topic that was begun belongs, apart from its weight: what is typed out first.

    But not if no paper speaks for it, since it may be the beginning of another: RE of reward. Then what has the typed
    syllables, if the last one is closed: 강 is on the way to 가우시안 too, but rather to 강화. Then the reader's language.
    """
    is_typed_out = topic.key == typed and topic.weight >= _ONE_PAPER
    is_foreign = (topic.language == "ko") != (locale is models.Locale.KO)
    return not is_typed_out, korean.is_closed(typed[-1:]) and typed not in topic.key, is_foreign


def _shown(topic: Topic, locale: models.Locale) -> str:
    """Return a topic as it is offered: with its name in the other language, and its abbreviation."""
    korean_name, english, abbreviation = topic.meaning
    if topic.language == "abbr":
        other = (locale is models.Locale.KO and korean_name) or english
        return f"{topic.text} · {other}" if other else topic.text
    short = f" ({abbreviation})" if abbreviation else ""
    if topic.language == "ko":
        return f"{topic.text} · {english}{short}" if english else f"{topic.text}{short}"
    return f"{topic.text}{short} · {korean_name}" if korean_name else f"{topic.text}{short}"


def _key(text: str) -> str:
    """Return what of a text is compared: folded, without spaces and signs, which people type or do not."""
    return term_keys.korean_key(text[:LONGEST])


async def authors(connection: Connection, text: str) -> list[results.Choice]:
    """Offer people by the beginnings of any of their names, those with most papers first."""
    if names.words(text):
        people = await author_matching.find(connection, text, limit=MOST, typing=True)
    else:
        people = await search_authors.list_first(connection, limit=_MANY_PEOPLE)
        people = sorted(people, key=lambda one: (-one.papers, one.name))[:MOST]
    return [results.Choice(one.name, one.name[:LONGEST], papers=one.papers) for one in people]


async def papers_for(connection: Connection, text: str) -> list[results.Choice]:
    """Offer papers by an address, by the beginning of their id or by words of their title, the most popular first."""
    typed = (arxiv_id.parse_arxiv_id(text) or text).strip()[:LONGEST]
    if not typed or typed[0].isdigit():
        rows = await papers.list_by_prefix(connection, typed, limit=MOST)
        if rows:
            return [_paper_choice(row) for row in rows]
    rows = await title_search.list_rows(connection, typed, limit=MOST, typing=True)
    if not rows and korean.ends_in_hangul(normalisation.fold(typed)):
        # On the way to 모델 stands 몯, which no title has.
        return await papers_for(connection, typed[:-1])
    return [_paper_choice(row) for row in rows]


def _paper_choice(row: models.PaperRow) -> results.Choice:
    return results.Choice(latex.plain(row.title or ""), row.arxiv_id, votes=row.votes)
