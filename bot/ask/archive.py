"""Answers a question to the whole archive by passages of several papers, word for word, without a model.

Search proposes papers as for any sentence; the passages of what is stored of them (summaries, abstract, kept text) are
ranked as those of one paper, joined with the paper's place. A passage is the nearest one found, and never said to answer.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from itertools import pairwise

from bot.archive import arxiv_ids, summaries
from bot.ask import passages, question
from bot.ask.passages import Passage
from bot.ask.ranking import PaperIndex
from bot.ask.sentences import QuotedSentence, Sentence, number_quotes
from bot.core.clock import Clock
from bot.glossary.resolver import Glossary
from bot.search.glossary import GlossaryService
from bot.search.results import SearchRequest, Snippet, compile_pattern, make_excerpt
from bot.search.service import SearchService
from bot.sources import kinds
from bot.text import query_parser
from storage import ask as storage
from storage import models, paper_texts, papers
from storage.archive import list_source_names
from storage.database import Connection, Database

NEVER = datetime.min.replace(tzinfo=UTC)
MAX_SHOWN = 5
_CANDIDATES = 20
"""How many papers search proposes: among these is an answering one for nine questions in ten."""
_NEXT, _PLACE, _PLACES = 0.3, 1.0, 10
"""The share of a paper's next two passages that joins its best one; the weight of its place, which falls by e in ten places."""
_FITTING = 1.25
"""The factor for a section of the kind that a question asks for."""
_LEAST = 0.13
"""The least share of a question's weight that the best passage has, or nothing is about it."""
_MAX_ABSENT = 3
_WORD = re.compile(r"[\w.-]++")
_PARTICLE = re.compile(r"(?<![가-힣])[가-힣]{1,4}$")
"""What follows a name in Korean: Qwen2.5는, MoE에서."""
_HOW = re.compile(r"\bhow (?:do|does|can|could|would|is|are|to)\b|어떻게|방법|하려면|려면", re.IGNORECASE)
_RESULT = re.compile(
    r"\b(?:better|best|faster|worse|score|accuracy|versus|vs|beat|outperform)\b|나아|나은|좋아|좋은|빨라|점수|정확도|성능",
    re.IGNORECASE,
)
_METHOD_SECTION = re.compile(
    r"technical|method|approach|architecture|아키텍처|학습 설정|방법|기여", re.IGNORECASE
)
_RESULT_SECTION = re.compile(r"performance|result|experiment|evaluation|결과|성능|평가", re.IGNORECASE)
_ASIDE_SECTION = re.compile(r"limitation|future|한계|후속|실패", re.IGNORECASE)


class Words(StrEnum):
    """Whose words a passage is."""

    DIGEST = "digest"
    ABSTRACT = "abstract"
    PAPER = "paper"


@dataclass(frozen=True, slots=True)
class Found:
    """A passage of a paper. `on` is the day of the digest whose words it is, else None; `language` is "en" or "ko"."""

    paper: models.PaperDetail
    words: Words
    section: str
    full: str
    excerpt: Snippet
    url: str
    language: str
    on: date | None = None


@dataclass(frozen=True, slots=True)
class ArchiveAnswer:
    """The passages nearest to a question, each of another paper, the nearest first.

    `absent` has the names in the question that no paper has. `is_near`: the first passage has much of what is asked; else `found`
    are only the nearest papers. `papers`, `since` and `origins`: how many papers the archive has, the day of its first digest,
    and the names of its sources. `sources` has the passages of each paper in `found`, the best first. With `sentences`, `found`
    are their quotes; `disagree`: their papers do, as the model says. `note` as in `Answer`.
    """

    asked: str
    found: tuple[Found, ...] = ()
    absent: tuple[str, ...] = ()
    is_near: bool = False
    coverage: float = 0.0
    papers: int = 0
    since: date | None = None
    origins: tuple[str, ...] = ()
    sources: tuple[tuple[StoredPassage, ...], ...] = ()
    sentences: tuple[QuotedSentence, ...] = ()
    disagree: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A passage of a paper before it is shown. `paper` is the paper's place."""

    paper: int
    words: Words
    on: date | None
    language: str
    url: str
    passage: Passage


class ArchiveQuestions:
    """Answers questions to the archive."""

    def __init__(
        self, database: Database, search: SearchService, glossary: GlossaryService, clock: Clock
    ) -> None:
        self._database, self._search, self._glossary, self._clock = database, search, glossary, clock

    async def answer(self, asked: str, locale: models.Locale, *, only: Collection[str] = ()) -> ArchiveAnswer:
        """Return the nearest passages to a question, which may have operators; `only` limits it to papers by arXiv id."""
        words = query_parser.parse_query(asked).text[: question.MAX_LENGTH]
        names = [_PARTICLE.sub("", name).rstrip(".-") for name in _list_names(words)]
        absent = (
            tuple(await self._search.list_absent(list(dict.fromkeys(names))[:_MAX_ABSENT])) if names else ()
        )
        if only:
            details = [one for id_ in only if (one := await self._search.find_paper(id_))]
        else:
            request = SearchRequest(asked, limit=_CANDIDATES, today=self._clock().date())
            rows = (await self._search.search(request)).rows
            details = await self._database.fetch(papers.list_details, [row.id for row in rows])
        texts = await self._database.fetch(_list_kept, [one.arxiv_id for one in details])
        glossary = await self._database.look_up(self._glossary.read_current)
        answer = await asyncio.to_thread(rank, asked, words, details, texts, glossary, locale, absent)
        if answer.is_near:
            return answer
        count, since = await self._database.fetch(storage.describe_archive)
        labels = set(map(kinds.public_label, await self._database.fetch(list_source_names)))
        return replace(answer, papers=count, since=since, origins=tuple(sorted(labels)))


def _list_names(text: str) -> Iterator[str]:
    """Yield words with a capital or a digit inside, such as a model's name, and names with a number behind them: Orca 9."""
    for first, second in pairwise((*_WORD.findall(text), "")):
        is_name = first[0].isalnum() and any(
            one.isdigit() or (one.isascii() and one.isupper()) for one in first[1:]
        )
        if is_name:
            yield first
        elif first[0].isascii() and first[0].isupper() and second[:1].isdigit():
            yield f"{first} {second}"


async def _list_kept(connection: Connection, ids: Sequence[str]) -> dict[str, models.PaperText]:
    kept = [await paper_texts.get(connection, arxiv_id) for arxiv_id in ids]
    return {text.arxiv_id: text for text in kept if text is not None and text.basis == summaries.Basis.PAPER}


def rank(
    asked: str,
    words: str,
    details: Sequence[models.PaperDetail],
    texts: Mapping[str, models.PaperText],
    glossary: Glossary,
    locale: models.Locale,
    absent: tuple[str, ...] = (),
) -> ArchiveAnswer:
    """Rank the passages of papers that search proposed, in its order, for the words of a question. Takes some 50 ms."""
    sources = [
        one for place, detail in enumerate(details) for one in _list_sources(place, detail, texts, locale)
    ]
    index = PaperIndex([one.passage for one in sources])
    parts = question.read(words, glossary, index.has)
    ranking = index.rank(parts, wants_number=question.wants_number(words))
    of_paper = defaultdict[int, list[tuple[float, int]]](list)
    for number in ranking.order:
        source = sources[number]
        score = ranking.scores[number] * _fit(words, source.passage.section)
        of_paper[source.paper].append((score, number))
    total: dict[int, float] = {}
    for place, scored in of_paper.items():
        scored.sort(key=lambda one: (-one[0], one[1]))
        best, *rest = (score for score, _ in scored)
        total[place] = best + _NEXT * sum(rest[:2]) + _PLACE * math.exp(-place / _PLACES)
    order = sorted(total, key=lambda place: (-total[place], place))[:MAX_SHOWN]
    patterns = list(filter(None, (compile_pattern([part.text, *ranking.found[part.text]]) for part in parts)))
    shown = [(details[place], sources[of_paper[place][0][1]]) for place in order]
    coverage = max((index.cover(of_paper[place][0][1], parts) for place in order[:3]), default=0.0)
    return ArchiveAnswer(
        asked,
        tuple(_show(detail, one, patterns) for detail, one in shown),
        absent,
        is_near=bool(shown) and coverage >= _LEAST and not absent,
        coverage=coverage,
        sources=tuple(_list_all(sources, place, of_paper[place]) for place in order),
    )


def _list_all(
    sources: Sequence[StoredPassage], place: int, ranked: Sequence[tuple[float, int]]
) -> tuple[StoredPassage, ...]:
    """Return all passages of a paper, those that were ranked first."""
    own = (number for number, one in enumerate(sources) if one.paper == place)
    return tuple(sources[number] for number in dict.fromkeys((*(number for _, number in ranked), *own)))


def _show(paper: models.PaperDetail, one: StoredPassage, patterns: Sequence[re.Pattern[str]]) -> Found:
    text, excerpt = one.passage.text, make_excerpt(one.passage.text, patterns)
    return Found(paper, one.words, one.passage.section, text, excerpt, one.url, one.language, one.on)


def quote(answer: ArchiveAnswer, sentences: Sequence[Sentence]) -> ArchiveAnswer:
    """Return the answer with a model's sentences, and in place of its passages those that the sentences rest on."""
    shown, quotes = number_quotes(sentences, lambda one: answer.sources[one.paper][one.passage].passage.text)
    found = (
        _show(answer.found[one.paper].paper, answer.sources[one.paper][one.passage], patterns)
        for one, patterns in quotes
    )
    return replace(answer, found=tuple(found), sentences=shown)


def _fit(asked: str, section: str) -> float:
    """Return the factor for a section: its kind may be what is asked for, or what a paper leaves to others."""
    if _ASIDE_SECTION.search(section):
        return 1 / _FITTING
    wants = _RESULT_SECTION if _RESULT.search(asked) or question.wants_number(asked) else _METHOD_SECTION
    is_asked = wants is _RESULT_SECTION or _HOW.search(asked) is not None
    return _FITTING if is_asked and wants.search(section) else 1.0


def _list_sources(
    place: int, detail: models.PaperDetail, texts: Mapping[str, models.PaperText], locale: models.Locale
) -> Iterator[StoredPassage]:
    """Yield the passages of what is stored of a paper: its summaries as they are shown, its abstract, its kept text."""
    page = arxiv_ids.abstract_url(detail.arxiv_id)
    for summary in summaries.list_texts(detail, locale):
        is_abstract = summary.format is None
        chapters = (
            f"## {section.heading}\n\n{section.body}" if section.heading else section.body
            for section in summary.sections
        )
        words, on = (Words.ABSTRACT, None) if is_abstract else (Words.DIGEST, summary.date)
        read = models.PaperText(detail.arxiv_id, "\n\n".join(chapters), page, NEVER, words)
        for passage in passages.split(read):
            yield StoredPassage(place, words, on, summary.language, page, passage)
    if (text := texts.get(detail.arxiv_id)) is not None:
        for passage in passages.split(text):
            url = passages.locate(text, passage)
            yield StoredPassage(place, Words.PAPER, None, models.Locale.EN.value, url, passage)
