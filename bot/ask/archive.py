"""Answers a question to the whole archive by passages of several papers, word for word, without a model.

Search proposes papers as for any sentence; the passages of what is stored of them (summaries, abstract, kept text) are
ranked as those of one paper, joined with the paper's place. A passage is the nearest one found, and never said to answer.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from bot.archive import arxiv_ids, summaries
from bot.ask import passages, question
from bot.ask.passages import Passage
from bot.ask.ranking import PaperIndex
from bot.ask.sentences import QuotedSentence, Sentence, number_quotes
from bot.core.clock import Clock
from bot.search.glossary import GlossaryService
from bot.search.results import SearchRequest, Snippet, make_excerpt
from bot.search.service import SearchService
from bot.sources import kinds
from bot.text import analyser, dates, query_parser, questions, term_keys
from storage import ask as storage
from storage import models, paper_texts, papers
from storage.archive import list_source_names
from storage.database import Database

MAX_SHOWN = 5
_CANDIDATES = 20
"""How many papers search proposes: among these is an answering one for nine questions in ten."""
_MAX_TEXTS, _MAX_OF_TEXT = 4, 12
"""How many kept texts a question reads, those of the first papers, and how many passages of each are ranked: 2 ms each."""
_NEXT, _PLACES = 0.3, 10
"""The share of a paper's next two passages that joins its best one; the places in which the weight of a paper's place falls by e.
The first place weighs as much as the best passages.
"""
_FITTING = 1.5
"""The factor for a section of the kind that a question asks for."""
_FOREIGN, _TITLE = 0.25, 0.5
"""The factors for a summary in another language than the question's, of a paper that has one in the question's, and for a title
alone.
"""
_LEAST, _MAX_READ = 0.15, 3
"""The least share of a question's weight by rarity that one of the first passages must have, else nothing is about it; how many
first passages are looked at."""
_MAX_ABSENT, MAX_TOPIC = 3, 72
"""How many absent names are said; the most characters of a search in a button."""
_MAX_EXCERPT = 600
"""Characters of a passage that are shown, fewer where a message is full."""
_FENCE = "```"
_BLANK = re.compile(r"\n\s*\n")
_CLAUSE = re.compile(r'[^\s":]++:"[^"]*+"|\S++')
_WORD = re.compile(r"[\w.+-]++")
_VERSION = re.compile(r"(?:\d{1,2}|\d\.\d)[a-z]?")
"""What makes a name of a word before it: Orca 9, but not a share (96.3), an amount (32K) or a year."""
_HANGUL_END = re.compile(r"(?<![가-힣])[가-힣]++$")
"""What follows a name in Korean: Qwen2.5는, MoE에서."""
_HOW = re.compile(r"\bhow (?:do|does|can|could|would|is|are|to)\b|어떻게|방법|하려면|려면", re.IGNORECASE)
_RESULT = re.compile(
    r"\b(?:better|best|faster|worse|score|accuracy|versus|vs|beat|outperform)\b|나아|나은|좋아|좋은|빨라|점수|정확도|성능",
    re.IGNORECASE,
)
_METHOD_SECTION = re.compile(r"technical|method|approach|architecture|아키텍처|학습 설정|방법", re.IGNORECASE)
_RESULT_SECTION = re.compile(r"performance|result|experiment|evaluation|결과|성능|평가", re.IGNORECASE)
_ASIDE_SECTION = re.compile(r"limitation|future|한계|후속|실패", re.IGNORECASE)
_CONTRIBUTIONS = re.compile(
    r"\bcontributions? (?:of|is|are|can|include)|기여[가-힣]{0,2}\s(?:다음|아래)", re.IGNORECASE
)
_MAX_OPENING = 200
"""Where a list of contributions says in a passage what it is, in characters."""


class Words(StrEnum):
    """Whose words a passage is."""

    DIGEST = "digest"
    ABSTRACT = "abstract"
    PAPER = "paper"
    TITLE = "title"
    """Of a paper of which nothing else is stored."""


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A passage of what is stored of a paper. `paper` is the paper's place among those that are read.

    `on` is the day of the digest whose words it has, else None; `language` is "en" or "ko"; `url` is the address of its place.
    """

    paper: int
    words: Words
    on: date | None
    language: str
    url: str
    passage: Passage


@dataclass(frozen=True, slots=True)
class Found:
    """A passage that is shown, with its paper, and the part of it that has the most of a question."""

    paper: models.PaperDetail
    source: StoredPassage
    excerpt: Snippet


class Kind(StrEnum):
    """What can be said of the passages that are found."""

    NEAR = "nearest"
    """They have much of what is asked."""
    ABSENT = "absent"
    """No paper has a name that the question has; they are of the nearest papers."""
    NOTHING = "nothing"
    """They have little of what is asked."""
    OUTSIDE = "outside"
    """No paper is within the limits of the question, such as votes:99."""
    UNASKED = "unasked"
    """The text has no words to look for, such as a greeting."""
    NAMED = "named"
    """The text has only ids of papers, which these are."""


@dataclass(frozen=True, slots=True)
class ArchiveAnswer:
    """The passages nearest to a question, each of another paper, the nearest first.

    `absent` has the names in the question that no paper has. `topic` is the question as a search that a button can have.
    `language` is the question's, "en" or "ko". `is_cut`: only its first characters are read. `coverage`: the most of its weight
    that a first passage has, from 0 to 1. `papers`, `since` and `origins`: how many papers the archive has, the day of its first
    digest, and the names of its sources. `sources` has the passages of each paper in `found`, the best first. With `sentences`,
    `found` are their quotes; `disagree`: their papers do, as the model says. `note` as in `Answer`.
    """

    asked: str
    topic: str
    language: str
    is_cut: bool
    kind: Kind = Kind.NOTHING
    found: tuple[Found, ...] = ()
    absent: tuple[str, ...] = ()
    coverage: float = 0.0
    papers: int = 0
    since: date | None = None
    origins: tuple[str, ...] = ()
    sources: tuple[tuple[StoredPassage, ...], ...] = ()
    sentences: tuple[QuotedSentence, ...] = ()
    disagree: bool = False
    note: str = ""

    @property
    def is_near(self) -> bool:
        return self.kind is Kind.NEAR


class ArchiveQuestions:
    def __init__(
        self, database: Database, search: SearchService, glossary: GlossaryService, clock: Clock
    ) -> None:
        self._database, self._search, self._glossary, self._clock = database, search, glossary, clock

    async def answer(self, asked: str, locale: models.Locale, *, only: Collection[str] = ()) -> ArchiveAnswer:
        """Return the nearest passages to a question, which may have operators.

        `only` limits it to papers by arXiv id, as do ids in the question.
        """
        today = self._clock().date()
        listed = arxiv_ids.list_arxiv_ids(asked, today)
        named, rest = split_ids("".join(asked.split(_FENCE)[::2]), listed, today)
        query = query_parser.parse_query(rest, today)
        is_limited = query.has_range_filters or bool(query.authors or query.institutions)
        is_plain = not (is_limited or query.excluded or query.phrases or query.ignored)
        words = (rest if is_plain else " ".join((query.text, *query.phrases)))[: question.MAX_LENGTH]
        language = models.Locale.KO if analyser.has_hangul(words) else models.Locale.EN
        answer = ArchiveAnswer(asked, _fit_topic(rest), language, len(rest) > question.MAX_LENGTH)
        is_asked, only = question.has_words(words), tuple(named or only)
        names = _list_names(words)
        absent = await self._search.list_absent(names) if is_asked else []
        if only:
            details = [paper for id_ in only if (paper := await self._search.find_paper(id_))]
            absent += [id_ for id_ in only if id_ not in {paper.arxiv_id for paper in details}]
        elif is_asked:
            request = SearchRequest(rest, limit=_CANDIDATES, today=today)
            rows = (await self._search.search(request)).rows
            details = await self._database.fetch(papers.list_details, [row.id for row in rows])
            keys = frozenset[str]().union(*map(term_keys.query_names, names))
            # Search may put a topic of the question above the paper that it names.
            details.sort(
                key=lambda paper: keys.isdisjoint(
                    term_keys.full_names(analyser.canonicalise(paper.title or ""))
                )
            )
        else:
            details = []
        if details:
            pool, weighed = await self._split_and_weigh(words, details, locale)
            # A term that no paper has is named as a name is.
            absent += [part.asked.text for part in weighed if part.is_absent]
            is_asked = any(part.is_telling for part in weighed)
            if is_asked or only:
                answer = await asyncio.to_thread(rank, answer, words, pool, weighed)
        answer = replace(answer, absent=tuple(dict.fromkeys(absent))[:_MAX_ABSENT])
        kind = answer.kind
        if answer.absent:
            kind = Kind.ABSENT
        elif not is_asked:
            kind = Kind.NAMED if only else Kind.UNASKED
        elif not details and is_limited:
            kind = Kind.OUTSIDE
        if kind in (Kind.NEAR, Kind.NAMED):
            return replace(answer, kind=kind)
        count, since = await self._database.fetch(storage.describe_archive)
        labels = set(map(kinds.public_label, await self._database.fetch(list_source_names)))
        return replace(answer, kind=kind, papers=count, since=since, origins=tuple(sorted(labels)))

    async def _split_and_weigh(
        self, words: str, details: Sequence[models.PaperDetail], locale: models.Locale
    ) -> tuple[_Pool, list[Weighed]]:
        """Return the passages of papers and the question's parts. Of a kept text come only the passages with the most of it."""
        texts = await self._database.fetch(paper_texts.list_full, [paper.arxiv_id for paper in details])
        glossary = await self._database.look_up(self._glossary.read_current)
        of_first = [texts[paper.arxiv_id] for paper in details if paper.arxiv_id in texts][:_MAX_TEXTS]
        needles = list(map(_list_needles, question.read(words, glossary)))
        chosen = {
            text.arxiv_id: await asyncio.to_thread(_choose_passages, text, needles) for text in of_first
        }
        pool = await asyncio.to_thread(_Pool.build, details, chosen, locale)
        parts = await asyncio.to_thread(question.read, words, glossary, pool.indexed.has)
        counted = await self._search.weigh(
            [[form.token or form.text for form in part.forms] for part in parts]
        )
        return pool, [Weighed(part, *counts) for part, counts in zip(parts, counted, strict=True)]


def split_ids(asked: str, ids: Collection[str], today: date) -> tuple[list[str], str]:
    """Return those of `ids` that a text names, and the text without them."""
    named, rest = list[str](), list[str]()
    for word in asked.split():
        found = [one for one in arxiv_ids.list_arxiv_ids(word, today) if one in ids]
        named += found
        rest += [] if found else [word]
    return list(dict.fromkeys(named)), " ".join(rest)


def _fit_topic(asked: str) -> str:
    """Return a question as a search of at most MAX_TOPIC characters: a longer one by its operators and telling words alone."""
    if len(asked) <= MAX_TOPIC:
        return asked
    clauses = dict.fromkeys(_CLAUSE.findall(asked))
    telling = [clause for clause in clauses if questions.classify_filler(clause) != "filler"]
    fitting = list[str]()
    for clause in sorted(telling, key=lambda clause: ":" not in clause):  # operators first
        fitting += [clause] if len(" ".join((*fitting, clause))) <= MAX_TOPIC else []
    return " ".join(fitting)


def _list_names(text: str) -> list[str]:
    """Return what a question gives as a name: a word with a capital or a digit inside (Qwen2.5), a word with a number behind it
    (Orca 9), and capitalised words within a sentence (Grace Hopper).

    Left out: amounts (16GB, 2,000), and what a hyphen adds (ChatGPT-like).
    """
    words, is_korean = [match[0] for match in _WORD.finditer(text)], analyser.has_hangul(text)
    has_small = is_korean or any(map(str.islower, text))
    is_sentence = is_korean or any(
        word[0].islower() and not questions.classify_filler(word) for word in words
    )
    names, run, last = list[str](), list[str](), "."
    for word, second in pairwise((*words, "", "")):
        name = _HANGUL_END.sub("", word).strip(".-_")
        while (cut := name.rpartition("-"))[0] and cut[2].isalpha() and cut[2].islower():
            name = cut[0]
        is_first, last = last[-1:] in ".?!", word or "."
        is_word = questions.classify_filler(name) == "filler" or dates.is_date(name)
        is_name = len(name) > 1 and not name[0].isdigit() and not is_word
        is_capital = is_name and name[0].isascii() and name[0].isupper()
        if is_name and any(sign.isdigit() or (has_small and "A" <= sign <= "Z") for sign in name[1:]):
            names.append(name)
        elif is_capital and _VERSION.fullmatch(version := _HANGUL_END.sub("", second).strip(".-_")):
            names.append(f"{name} {version}")
        elif is_capital and is_sentence and (is_korean or not is_first):
            run.append(name)
            if word.endswith(name):  # C++과 Python are two
                continue
        names += [" ".join(run)] if run else []
        run.clear()
    return list(dict.fromkeys(names))


class Weighed(NamedTuple):
    """A part of a question, how many papers of the archive have it, and its weight by rarity there."""

    asked: question.AskedPart
    papers: int
    rarity: float

    @property
    def weight(self) -> float:
        return self.asked.weight * self.rarity

    @property
    def is_telling(self) -> bool:
        """Whether it may say what the question is about."""
        is_vague = self.asked.is_known and self.asked.weight <= question.VAGUE
        return len(self.asked.text) > 1 and not is_vague

    @property
    def is_absent(self) -> bool:
        return self.is_telling and not self.papers and self._is_concept

    @property
    def is_term(self) -> bool:
        """Whether it is of the field: a concept, or several words that are known together."""
        return self._is_concept or (self.asked.is_known and " " in self.asked.text)

    @property
    def _is_concept(self) -> bool:
        return any(form.token for form in self.asked.forms)


class _Pool(NamedTuple):
    """The papers that search proposes, in its order, and their passages."""

    details: Sequence[models.PaperDetail]
    sources: Sequence[StoredPassage]
    indexed: PaperIndex

    @classmethod
    def build(
        cls,
        details: Sequence[models.PaperDetail],
        texts: Mapping[str, Sequence[tuple[Passage, str]]],
        locale: models.Locale,
    ) -> _Pool:
        sources = [
            source
            for place, detail in enumerate(details)
            for source in _list_sources(place, detail, texts, locale)
        ]
        indexed = PaperIndex([source.passage for source in sources], [source.paper for source in sources])
        return cls(details, sources, indexed)


def rank(answer: ArchiveAnswer, words: str, pool: _Pool, weighed: Sequence[Weighed]) -> ArchiveAnswer:
    """Add the nearest passages for the words of a question."""
    sources, parts = pool.sources, [part.asked for part in weighed]
    ranking = pool.indexed.rank(parts, wants_number=question.wants_number(words))
    of_paper = defaultdict[int, list[tuple[float, int]]](list)
    summaries_of = {(source.paper, source.language) for source in sources if source.words is Words.DIGEST}
    for number in ranking.order or range(len(sources)):
        source = sources[number]
        score = ranking.scores.get(number, 0.0) * _fit(words, source.passage)
        is_foreign = source.words is Words.DIGEST and source.language != answer.language
        if is_foreign and (source.paper, answer.language) in summaries_of:
            score *= _FOREIGN
        elif source.words is Words.TITLE:
            score *= _TITLE
        of_paper[source.paper].append((score, number))
    best = dict[int, int]()
    total = dict[int, float]()
    for place, scored in of_paper.items():
        scored.sort(key=lambda passage: (-passage[0], passage[1]))
        best[place] = scored[0][1]
        first, *rest = (score for score, _ in scored)
        total[place] = first + _NEXT * sum(rest[:2])
    most = max(total.values(), default=0.0) or 1.0
    total = {place: score / most + math.exp(-place / _PLACES) for place, score in total.items()}
    numbers = [best[place] for place in sorted(total, key=lambda place: (-total[place], place))[:MAX_SHOWN]]
    first_passages = [
        [part for part in weighed if number in ranking.having[part.asked.text]]
        for number in numbers[:_MAX_READ]
    ]
    coverage = max((_weigh(having) / (_weigh(weighed) or 1.0) for having in first_passages), default=0.0)
    is_near = any(_is_about(having, weighed) for having in first_passages)
    if parts and not is_near:
        telling = [ranking.having[part.asked.text] for part in weighed if part.is_telling]
        numbers = [number for number in numbers if any(number in having for having in telling)]
    patterns = ranking.compile_patterns(parts)
    shown = [sources[number] for number in numbers]
    return replace(
        answer,
        found=tuple(_show(pool.details[source.paper], source, patterns) for source in shown),
        kind=Kind.NEAR if is_near else Kind.NOTHING,
        coverage=coverage,
        sources=tuple(_list_all(sources, source.paper, of_paper[source.paper]) for source in shown),
    )


def _is_about(having: Sequence[Weighed], weighed: Sequence[Weighed]) -> bool:
    """Return whether a passage that has these parts of a question may be about it.

    It has a term of the field, an unknown word that is most of what is asked, such as a name, or two words of which more is
    asked than of those that no paper has: everyday words alone are in passages about anything.
    """
    if _weigh(having) / (_weigh(weighed) or 1.0) < _LEAST:
        return False
    telling = [part for part in having if part.is_telling]
    most = _weigh(part for part in weighed if part.is_telling)
    in_no_paper = _weigh(part for part in weighed if not part.papers)
    return (
        any(part.is_term for part in telling)
        or any(not part.asked.is_known and part.weight > most / 2 for part in telling)
        or (len(telling) > 1 and _weigh(having) > in_no_paper)
    )


def _weigh(parts: Iterable[Weighed]) -> float:
    return sum(part.weight for part in parts)


def _list_all(
    sources: Sequence[StoredPassage], place: int, ranked: Sequence[tuple[float, int]]
) -> tuple[StoredPassage, ...]:
    """Return all passages of a paper, those that were ranked first."""
    of_paper = (number for number, source in enumerate(sources) if source.paper == place)
    return tuple(sources[number] for number in dict.fromkeys((*(number for _, number in ranked), *of_paper)))


def _show(paper: models.PaperDetail, one: StoredPassage, patterns: Sequence[re.Pattern[str]]) -> Found:
    return Found(paper, one, make_excerpt(one.passage.text, patterns, _MAX_EXCERPT))


def quote(answer: ArchiveAnswer, sentences: Sequence[Sentence]) -> ArchiveAnswer:
    """Return the answer with a model's sentences, and in place of its passages those that the sentences rest on."""
    shown, quotes = number_quotes(sentences, lambda one: answer.sources[one.paper][one.passage].passage.text)
    found = (
        _show(answer.found[one.paper].paper, answer.sources[one.paper][one.passage], patterns)
        for one, patterns in quotes
    )
    return replace(answer, found=tuple(found), sentences=shown)


def _fit(asked: str, passage: Passage) -> float:
    """Return the factor for a passage: its section may be of the kind that is asked for, or say what a paper leaves to others.

    A list of contributions has the words of a question and no more.
    """
    if _ASIDE_SECTION.search(passage.section) or _CONTRIBUTIONS.search(passage.text, 0, _MAX_OPENING):
        return 1 / _FITTING
    is_asked = _RESULT_SECTION if _RESULT.search(asked) else _METHOD_SECTION if _HOW.search(asked) else None
    return _FITTING if is_asked and is_asked.search(passage.section) else 1.0


def _list_needles(part: question.AskedPart) -> Sequence[str]:
    """Return the forms of a part in lower case, single words without endings, as they are sought in a text letter for letter."""
    folded = (form.text.casefold() for form in part.forms)
    return [analyser.stem(text) if text.isalpha() else text for text in folded]


def _choose_passages(
    text: models.PaperText, needles: Sequence[Sequence[str]]
) -> Sequence[tuple[Passage, str]]:
    """Return the passages of a kept text that have the most of a question, in order, each with the address of its place."""
    split = passages.split(text)
    folded = [passage.text.casefold() for passage in split]
    counts = [sum(any(form in own for form in forms) for forms in needles) for own in folded]
    best = sorted(range(len(split)), key=lambda number: -counts[number])[:_MAX_OF_TEXT]
    return [(split[number], passages.locate(text, split[number])) for number in sorted(best)]


def _list_sources(
    place: int,
    detail: models.PaperDetail,
    texts: Mapping[str, Sequence[tuple[Passage, str]]],
    locale: models.Locale,
) -> Iterator[StoredPassage]:
    """Yield the passages of what is stored of a paper: its summaries as they are shown, its abstract, its kept text."""
    page, of_text = arxiv_ids.abstract_url(detail.arxiv_id), texts.get(detail.arxiv_id, ())
    stored = summaries.list_texts(detail, locale)
    if not (stored or of_text) and detail.title:
        is_korean = analyser.has_hangul(detail.title)
        language = models.Locale.KO if is_korean else models.Locale.EN
        yield StoredPassage(place, Words.TITLE, None, language.value, page, Passage("", detail.title))
    for summary in stored:
        is_abstract = summary.format is None
        # A chapter is a passage, of which a paragraph or an item alone says little.
        chapters = (
            (f"\n\n## {section.heading}\n\n" if section.heading else "\n") + _BLANK.sub("\n", section.body)
            for section in summary.sections
        )
        words, on = (Words.ABSTRACT, None) if is_abstract else (Words.DIGEST, summary.date)
        read = models.PaperText(detail.arxiv_id, "".join(chapters), page, models.NEVER, words)
        for passage in passages.split(read):
            yield StoredPassage(place, words, on, summary.language, page, passage)
    for passage, url in of_text:
        yield StoredPassage(place, Words.PAPER, None, models.Locale.EN.value, url, passage)
