"""What is offered while somebody types: topics, authors, papers; best first, at most 25, from the first keystroke."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from bot.services import author_matching, found, titles
from bot.text import folding, names
from bot.text.glossary import concepts, keys, resolution
from storage import models, papers
from storage.database import Connection

MOST = 25
LONGEST = 100
_BUCKET = 3
"""Letters of the beginnings under which topics are kept ready."""
_BEST = 100
_SHORTEST_ERROR = 4
MOST_NEAR = 5


class Topic(NamedTuple):
    """One form of a concept: what is typed for it, what is shown, and how much speaks for it."""

    key: str
    concept: str
    text: str
    language: str
    other: str
    weight: int


class Topics:
    """The forms of a glossary by their beginnings. Made once for each glossary, which takes a moment: in a thread."""

    def __init__(self, glossary: resolution.Glossary) -> None:
        self.glossary = glossary
        self._by_beginning: dict[str, list[Topic]] = defaultdict(list)
        for topic in sorted(_topics(glossary.all_concepts()), key=lambda one: -one.weight):
            for length in range(1, _BUCKET + 1):
                self._by_beginning[topic.key[:length]].append(topic)
        self._by_beginning[""] = [
            topic
            for concept in glossary.all_concepts()[:_BEST]
            for topic in sorted(_topics([concept]), key=lambda one: -one.weight)
        ]

    def offer(self, text: str, locale: models.Locale) -> list[found.Choice]:
        """Return topics that begin as typed, each once; the reader's language decides where what was typed does not."""
        typed = _key(text)
        fitting = [one for one in self._by_beginning.get(typed[:_BUCKET], ()) if one.key.startswith(typed)]
        if not typed:
            fitting = [one for one in fitting if one.language == locale.value]
        choices: dict[str, found.Choice] = {}
        for one in fitting:
            choices.setdefault(one.concept, found.Choice(_shown(one)[:LONGEST], one.text[:LONGEST]))
            if len(choices) == MOST:
                break
        return list(choices.values())

    def near(self, text: str) -> tuple[str, ...]:
        """Return topics that were perhaps meant by a text that found nothing: a typing error or two away."""
        typed = _key(text)
        if len(typed) < _SHORTEST_ERROR:
            return ()
        most = 1 if len(typed) < 2 * _SHORTEST_ERROR else 2
        near: dict[str, tuple[int, str]] = {}
        for one in self._by_beginning.get(typed[:1], ()):
            errors = names.distance(typed, one.key, most=most)
            if errors <= most:
                near.setdefault(one.concept, (errors, one.text))
        return tuple(shown for _, shown in sorted(near.values()))[:MOST_NEAR]


def _topics(known: Iterable[concepts.Concept]) -> Iterable[Topic]:
    """Give every form of concepts, and the later words of a form at a lower weight."""
    for concept in known:
        english = next((form.text for form in concept.of("en")), concept.key)
        korean = next((form.text for form in concept.of("ko")), "")
        for form in concept.forms:
            if form.alias:
                continue
            other = english if form.language == "ko" else korean or (english if form.text != english else "")
            shown = (concept.key, form.text, form.language, other)
            weight = 10 * concept.support + (5 if form.papers else 0) - (3 if form.language == "abbr" else 0)
            yield Topic(_key(form.text), *shown, weight)
            words = form.text.split()
            for place in range(1, len(words)):
                yield Topic(_key(" ".join(words[place:])), *shown, weight // 8)


def _shown(topic: Topic) -> str:
    return f"{topic.text} · {topic.other}" if topic.other else topic.text


def _key(text: str) -> str:
    return keys.korean_key(text) if keys.has_hangul(text) else " ".join(folding.fold(text[:LONGEST]).split())


async def authors(connection: Connection, text: str) -> list[found.Choice]:
    """Offer people by the beginnings of any of their names, those with most papers first."""
    people = await author_matching.find(connection, text, limit=MOST, typing=True)
    return [found.Choice(one.name[:LONGEST], one.name[:LONGEST]) for one in people]


async def papers_for(connection: Connection, text: str) -> list[found.Choice]:
    """Offer papers by the beginning of their id, or by words of their title, the most popular first."""
    typed = text.strip()[:LONGEST]
    if not typed or typed[0].isdigit():
        rows = await papers.list_by_prefix(connection, typed, limit=MOST)
        if rows:
            return [_paper_choice(row) for row in rows]
    return [_paper_choice(row) for row in await titles.list_rows(connection, typed, limit=MOST, typing=True)]


def _paper_choice(row: models.PaperRow) -> found.Choice:
    return found.Choice(f"{row.arxiv_id} {row.title or ''}".strip()[:LONGEST], row.arxiv_id)
