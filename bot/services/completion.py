"""What is offered while somebody types: topics, authors, papers; best first, at most 25, from the first keystroke."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

from bot.services import author_matching, found, titles
from bot.text import folding
from bot.text.glossary import concepts, keys, resolution
from storage import models, papers
from storage.database import Connection

MOST = 25
LONGEST = 100
_BUCKET = 3
"""Letters of the beginnings under which topics are kept ready."""


class Topic(NamedTuple):
    """One form of a concept: what is typed for it, what is shown, and how much speaks for it."""

    key: str
    text: str
    language: str
    other: str
    weight: int


class Topics:
    """The forms of a glossary by their beginnings. Made once for each glossary."""

    def __init__(self, glossary: resolution.Glossary) -> None:
        self.glossary = glossary

    @cached_property
    def _by_beginning(self) -> dict[str, list[Topic]]:
        """Group by the first letters, the best first; a form of several words also by its later words, behind."""
        groups: dict[str, list[Topic]] = defaultdict(list)
        for topic in sorted(_topics(self.glossary.all_concepts()), key=lambda one: -one.weight):
            for length in range(_BUCKET + 1):
                groups[topic.key[:length]].append(topic)
        return groups

    def offer(self, text: str, locale: models.Locale) -> list[found.Choice]:
        """Return topics that begin as typed, those in the reader's language first where both fit."""
        typed = _key(text)
        fitting = [one for one in self._by_beginning.get(typed[:_BUCKET], ()) if one.key.startswith(typed)]
        own = [one for one in fitting if one.language == locale.value]
        others = [one for one in fitting if one.language != locale.value]
        # With nothing typed the reader's language decides, later what was typed does.
        ordered = [*own, *others] if not typed else sorted(fitting, key=lambda one: -one.weight)
        choices = {one.text: found.Choice(_shown(one)[:LONGEST], one.text[:LONGEST]) for one in ordered}
        return list(choices.values())[:MOST]


def _topics(known: Iterable[concepts.Concept]) -> Iterable[Topic]:
    for concept in known:
        english = next((form.text for form in concept.of("en")), concept.key)
        korean = next((form.text for form in concept.of("ko")), "")
        support = concept.support
        for form in concept.forms:
            if form.alias:
                continue
            other = english if form.language == "ko" else korean or (english if form.text != english else "")
            weight = 10 * support + (5 if form.papers else 0) - (3 if form.language == "abbr" else 0)
            key = _key(form.text)
            yield Topic(key, form.text, form.language, other, weight)
            words = form.text.split()
            for place in range(1, len(words)):
                yield Topic(_key(" ".join(words[place:])), form.text, form.language, other, weight // 8)


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
