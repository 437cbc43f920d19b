"""Answers a question to the whole archive by passages of several papers, word for word, without a model.

Search proposes papers as for any sentence; the passages of what is stored of them (summaries, abstract, kept text) are
ranked as those of one paper, joined with the paper's place. A passage is presented as the nearest one found, never as an answer.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import compress, pairwise
from typing import NamedTuple

from bot.archive import schemes, summaries
from bot.core.admission import work_in_thread
from bot.core.clock import Clock
from bot.features.ask import passages, question_parts
from bot.features.ask.answers import (
    Answer,
    AnswerStatus,
    ArchiveContents,
    AskedPaper,
    PassageOrigin,
    StoredPassage,
)
from bot.features.ask.passage_ranking import PaperIndex, Ranking
from bot.features.ask.passages import MAX_LENGTH, Passage
from bot.search import completion
from bot.search.glossary_service import GlossaryService
from bot.search.results import SearchRequest, SearchResult
from bot.search.service import SearchService
from bot.sources import kinds
from bot.text import analyser, query_parser, questions, typed_dates
from bot.text.concepts import QueryPart
from bot.text.parsed_query import ParsedQuery
from storage import ask as storage
from storage import models, paper_texts, papers
from storage.archive import list_source_names
from storage.database import Database

MAX_SHOWN, MAX_OF_ONE, _FURTHER = 5, 3, 0.5
"""The most passages of an answer, and of the one paper that a question names, and the least share of the best one's score
that each further passage of it has."""
_FEW, _AS_NEAR = 3, 0.9
"""So many passages are shown, and of the next ones those with this share of the last one's score."""
MAX_PAPERS = 20
"""The number of papers that are read. For nine questions in ten an answering paper is among as many proposed by search."""
_MAX_TEXTS, _MAX_OF_TEXT = 4, 12
"""How many kept texts a question reads, those of the first papers, and how many passages of each are ranked: 2 ms each."""
_PLACES = 10
"""The places in which the weight of a paper's place falls by e."""
_PASSAGE, _SENTENCE = 1.0, 1.0
"""The weights of a paper's best passage and of the share of the question that one sentence of it has, relative to the weight of
the first place."""
_RARE = 0.5
"""The least weight of a question's rare words, relative to that of its rarest."""
_NAMED = 0.05
"""The share of its weight that a paper's name has in the paper's sentences."""
_MAX_NAMES, _MAX_ABSENT = 3, 3
"""How many names of a question are sought alone, and how many absent ones are listed."""
_FENCE = "```"
_BLANK = re.compile(r"\n\s*\n")
_WORD = re.compile(r"[\w.+-]++,?")
"""A word and the comma that ends a name."""
_VERSION = re.compile(r"(?:\d{1,2}|\d\.\d)[a-z]?")
"""What makes a name of a word before it: Orca 9, but not a share (96.3), an amount (32K) or a year."""
_PIECE, _MAX_NAME, _MIN_NAME = re.compile(r"[A-Za-z]+|[가-힣]+|[0-9]+"), 4, 3
"""What a name in a title consists of, the most such pieces, and the fewest letters."""
_HANGUL_END = re.compile(r"(?<![가-힣])[가-힣]++$")
"""A Korean ending after a name: Qwen2.5는, MoE에서."""


class ArchiveQuestions:
    def __init__(
        self, database: Database, search: SearchService, glossary: GlossaryService, clock: Clock
    ) -> None:
        self._database, self._search, self._glossary, self._clock = database, search, glossary, clock

    async def answer(self, asked: str, locale: models.Locale, *, only: Collection[str] = ()) -> Answer:
        """Return the nearest passages to a question, which may have operators.

        `only` limits it to papers by key, as do ids in the question; the first MAX_PAPERS of them are asked. Words such as
        *not* leave nothing out.
        """
        today, whole = self._clock().date(), "".join(asked.split(_FENCE)[::2])
        ids, asked = split_ids(whole, schemes.list_keys(whole, today), today)
        given = ids or [*only]
        text = query_parser.COMMA.sub(" ", asked)  # a comma sets off what a search leaves out
        request = SearchRequest(text, limit=MAX_PAPERS, today=today)
        query = query_parser.parse_query(text, today)
        is_plain = not (query.is_limited or query.excluded or query.phrases or query.ignored)
        words = (asked if is_plain else " ".join((query.text, *query.phrases)))[: question_parts.MAX_LENGTH]
        is_asked = question_parts.has_words(words)
        searched = await self._search.search(request) if is_asked else SearchResult()
        read, language = searched.read, guess_language(words, locale)
        if read.filters != query.filters:  # Of a period that words name, papers say nothing.
            query = replace(query, filters=read.filters)
            words = " ".join((read.text, *read.phrases))[: question_parts.MAX_LENGTH]
        words = completion.apply_corrections(words, read.corrected)
        names = _list_names(words)
        if given:
            details, unlisted = await self._load_given(given[:MAX_PAPERS])
        else:
            named = await self._find_named(names, query) if is_asked else []
            row_ids = dict.fromkeys((*named, *(row.id for row in searched.rows)))
            details, unlisted = await self._database.fetch(papers.list_details, [*row_ids][:MAX_PAPERS]), []
        absent = dict.fromkeys((*await self._list_absent(names, read.parts), *unlisted))
        answer = Answer(
            AnswerStatus.NOTHING,
            language=language.value,
            corrected=tuple(read.corrected),
            absent=tuple(absent)[:_MAX_ABSENT],
            excluded=query.excluded,
            days=(read.filters.since_on, read.filters.until_on),
            topic=asked[: question_parts.MAX_LENGTH],
            is_cut=len(asked) > question_parts.MAX_LENGTH or len(given) > MAX_PAPERS,
        )
        if details:
            parts = question_parts.add_asked_words(words, read.parts)
            pool, weights = await self._split_and_weigh(parts, details, language)
            answer = await work_in_thread(rank, answer, words, pool, weights, is_limited=bool(given))
            return answer if is_asked else replace(answer, kind=AnswerStatus.NAMED)
        if not (is_asked or given):
            return replace(answer, kind=AnswerStatus.UNASKED)
        kind = AnswerStatus.OUTSIDE if query.is_limited and not absent else AnswerStatus.NOTHING
        return replace(answer, kind=kind, extent=await self._describe_archive())

    async def _load_given(self, ids: Sequence[str]) -> tuple[list[models.PaperDetail], list[str]]:
        """Return the papers with these arXiv ids, and the ids that no digest has."""
        found = {id_: await self._search.find_paper(id_) for id_ in ids}
        return [paper for paper in found.values() if paper], [id_ for id_ in ids if found[id_] is None]

    async def _list_absent(self, names: Sequence[str], parts: Sequence[QueryPart]) -> list[str]:
        """Return the names and the terms of a question that nothing stored has; an everyday word for a term is none."""
        sought: dict[str, Sequence[str]] = dict.fromkeys(names, ())
        for part in parts:
            if any(form.token and form.weight == 1.0 for form in part.forms):
                sought[part.text] = [form.text for form in part.forms]
        return await self._search.list_absent(sought)

    async def _describe_archive(self) -> ArchiveContents:
        count, since = await self._database.fetch(storage.describe_archive)
        origins = set(map(kinds.public_name, await self._database.fetch(list_source_names)))
        return ArchiveContents(count, since, sorted(origins - {""}))

    async def _find_named(self, names: Sequence[str], query: ParsedQuery) -> list[int]:
        """Return the papers whose titles begin with the first names of a question, each sought alone: other words hide them."""
        found = list[int]()
        for name in names[:_MAX_NAMES]:
            text = query_parser.write_query(replace(query, text=name, phrases=()))
            rows = (await self._search.search(SearchRequest(text, limit=MAX_OF_ONE))).rows
            found += [row.id for row in rows if _names(name, row.title or "")]
        return found

    async def _split_and_weigh(
        self, parts: Sequence[QueryPart], details: Sequence[models.PaperDetail], language: models.Locale
    ) -> tuple[_Candidates, dict[QueryPart, float]]:
        """Return the passages of papers, and the question's parts with their weights by rarity in the archive.

        Of a kept text come only the passages with the most of the question.
        """
        # A text is kept since a reader asked about its paper, which is not for the public to know.
        ids = [] if self._search.is_public else [paper.key for paper in details]
        texts = await self._database.fetch(paper_texts.list_full, ids)
        of_first = [texts[paper.key] for paper in details if paper.key in texts][:_MAX_TEXTS]
        chosen = {text.paper_key: await work_in_thread(_choose_passages, text, parts) for text in of_first}
        pool = await work_in_thread(_Candidates.build, details, chosen, language)
        forms = [[form.token or form.text for form in part.forms] for part in parts]
        rarities = await self._search.weigh(forms)
        return pool, {part: part.weight * rarity for part, rarity in zip(parts, rarities, strict=True)}


def split_ids(asked: str, ids: Collection[str], today: date) -> tuple[list[str], str]:
    """Return those of `ids` that a text names, and the text without them."""
    named, rest = list[str](), list[str]()
    for word in asked.split():
        found = [one for one in schemes.list_keys(word, today) if one in ids]
        named += found
        rest += [] if found else [word]
    return list(dict.fromkeys(named)), " ".join(rest)


def _list_names(text: str) -> list[str]:
    """Return what a question gives as a name: a word with a capital or a digit inside (Qwen2.5), a word with a number after it
    (Orca 9), and capitalised words within a sentence (Grace Hopper).

    Left out: amounts (16GB, 2,000), and what a hyphen adds (ChatGPT-like).
    """
    words, is_korean = [match[0] for match in _WORD.finditer(text)], analyser.has_hangul(text)
    has_small = is_korean or any(map(str.islower, text))
    is_sentence = is_korean or any(
        word[0].islower() and not questions.classify_filler(word.strip(",")) for word in words
    )
    names, run, last = list[str](), list[str](), "."
    for word, second in pairwise((*words, "", "")):
        name = _HANGUL_END.sub("", word.strip(",")).strip(".-_")
        while (cut := name.rpartition("-"))[0] and cut[2].isalpha() and cut[2].islower():
            name = cut[0]
        is_first, last = last[-1:] in ".?!", word or "."
        is_word = questions.classify_filler(name) == "filler" or typed_dates.is_date(name)
        is_name = len(name) > 1 and not name[0].isdigit() and not is_word
        is_capital = is_name and name[0].isascii() and name[0].isupper()
        if is_name and any(sign.isdigit() or (has_small and "A" <= sign <= "Z") for sign in name[1:]):
            names.append(name)
        elif is_capital and _VERSION.fullmatch(
            version := _HANGUL_END.sub("", second.strip(",")).strip(".-_")
        ):
            # Flash Attention 3, but not Table 2
            names += (
                [] if not run and question_parts.is_asked_word(name) else [" ".join((*run, name, version))]
            )
            run.clear()
        elif is_capital and (is_korean or not is_first):
            run.append(name)
            if word.endswith(name):  # C++과 Python are two
                continue
        names += [" ".join(run)] if run and is_sentence else []
        run.clear()
    return list(dict.fromkeys(names))


class _Candidates(NamedTuple):
    """The papers that search proposes, in its order, and their passages; `places` has the place of each passage's paper."""

    details: Sequence[models.PaperDetail]
    places: Sequence[int]
    sources: Sequence[StoredPassage]
    indexed: PaperIndex

    @classmethod
    def build(
        cls,
        details: Sequence[models.PaperDetail],
        texts: Mapping[str, Sequence[StoredPassage]],
        language: models.Locale,
    ) -> _Candidates:
        placed = [
            (place, source)
            for place, detail in enumerate(details)
            for stored in [[*list_sources(detail, language, joined=MAX_LENGTH), *texts.get(detail.key, ())]]
            for source in stored or [_make_title(detail)] * bool(detail.title)
        ]
        places, sources = [place for place, _ in placed], [source for _, source in placed]
        # A summary in Korean often lacks the paper's name.
        headed = [
            source.passage._replace(section=f"{details[place].title or ''}\n{source.passage.section}")
            for place, source in placed
        ]
        return cls(details, places, sources, PaperIndex(headed))

    def take(self, numbers: Sequence[int]) -> AskedPaper:
        """Return the paper of some passages, of which these are the best, in order."""
        place = self.places[numbers[0]]
        first = self.places.index(place)
        sources = [source for at, source in zip(self.places, self.sources, strict=True) if at == place]
        return AskedPaper(self.details[place], sources, [number - first for number in numbers])


def rank(
    answer: Answer, words: str, pool: _Candidates, weights: Mapping[QueryPart, float], *, is_limited: bool
) -> Answer:
    """Add the nearest passages for the words of a question. If it `is_limited` to some papers, they may have nothing of it."""
    parts = [*weights]
    ranking = pool.indexed.rank(parts)
    forms = (form.text for part in parts if not part.key for form in part.forms)
    typed, titles = " ".join((words, *forms)), [paper.title or "" for paper in pool.details]
    named = [place for place, title in enumerate(titles) if _names(typed, title)]
    if is_limited and len(titles) == 1:
        named = [0]
    name = _fold("".join(titles[place].partition(":")[0] for place in named))
    rest = [part for part in parts if _fold(part.text) not in name]
    says_much = (part for part in rest if part.weight > question_parts.VAGUE)
    telling = set[int]().union(*(ranking.having[part.text] for part in says_much))
    ranked = _rank_papers(pool, ranking, parts)
    first = [numbers for numbers in ranked if pool.places[numbers[0]] in named]
    others = [numbers for numbers in ranked if pool.places[numbers[0]] not in named][:MAX_SHOWN]
    # When a paper is named, others are shown only if they have a telling word of the rest.
    others = [numbers for numbers in others if not (first and telling.isdisjoint(numbers))]
    # A paper of which only the title is stored comes after those with passages. Where its title has the word of most weight, it
    # comes before passages of papers without that word.
    having = ranking.having[max(rest or parts, key=lambda part: weights[part]).text] if parts else set[int]()
    titles_alone = {number for number, one in enumerate(pool.sources) if one.words is PassageOrigin.TITLE}
    sought = having if having & titles_alone else titles_alone ^ {*range(len(pool.sources))}
    found = sorted(
        [*first, *others],
        key=lambda one: (one not in first and sought.isdisjoint(one), not titles_alone.isdisjoint(one)),
    )[:MAX_SHOWN]
    is_one = len(named) == 1
    asked = tuple(map(pool.take, found))
    kind = AnswerStatus.NEAR if ranking.order or not is_limited else AnswerStatus.NOTHING
    lacking = () if is_limited else _list_lacking(ranking, weights)
    answer = replace(answer, kind=kind, asked=asked, lacking=lacking)
    shown = [
        (ranking.scores.get(number, 0.0), paper, own)
        for numbers, paper in zip(found, asked, strict=True)
        for number, own in list(zip(numbers, paper.order, strict=True))[: MAX_OF_ONE if is_one else 1]
        if number == numbers[0]
        or (
            pool.places[number] in named
            and ranking.scores.get(number, 0.0) >= _FURTHER * ranking.scores.get(numbers[0], 0.0)
        )
    ]
    # Among papers on one topic, its words are rarely the rarest.
    shares = {part.text: weight * (1.0 if part in rest else _NAMED) for part, weight in weights.items()}
    patterns = ranking.compile_patterns(parts, shares, asks_number=question_parts.asks_number(words))
    least = _AS_NEAR * shown[_FEW - 1][0] if len(shown) > _FEW else 0.0
    near = (place < _FEW or score >= least for place, (score, _, _) in enumerate(shown))
    chosen = [(paper, own) for _, paper, own in compress(shown, near)]
    return answer.with_found(chosen[:MAX_SHOWN], patterns)


def _names(text: str, title: str) -> bool:
    """Return whether a text has the name with which a title begins: Kestrel-01: Foundation Models."""
    pieces = _PIECE.findall(title.partition(":")[0])
    if not 0 < len(pieces) <= _MAX_NAME or len("".join(pieces)) < _MIN_NAME:
        return False
    spelled = r"[\W_]{0,2}".join(map(re.escape, pieces))
    return re.search(rf"(?<![A-Za-z0-9]){spelled}(?![A-Za-z0-9])", text) is not None


def _list_lacking(ranking: Ranking, weights: Mapping[QueryPart, float]) -> tuple[str, ...]:
    """Return the rare words of a question if no passage has any of them."""
    least = _RARE * max(weights.values(), default=0.0)
    rare = [part for part, weight in weights.items() if weight >= least]
    is_found = any(ranking.having[part.text] for part in rare)
    return () if is_found else tuple(part.shown_text for part in rare)[:_MAX_ABSENT]


def _fold(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def _rank_papers(pool: _Candidates, ranking: Ranking, parts: Sequence[QueryPart]) -> list[list[int]]:
    """Return the numbers of the passages of each paper, best first, or of one that is asked by its name alone in its own order.

    The papers are in the order of their place in the search, their best passage, and how much of the question one sentence of it
    has, joined.
    """
    of_paper = defaultdict[int, list[int]](list)
    for number in ranking.order or range(len(pool.sources)):
        of_paper[pool.places[number]].append(number)
    most, whole = max(ranking.scores.values(), default=1.0), sum(part.weight for part in parts) or 1.0
    joined = dict[int, float]()
    for place, numbers in of_paper.items():
        having = [part for part in parts if not ranking.having[part.text].isdisjoint(numbers)]
        of_sentences = pool.indexed.list_having(numbers[0], having)
        joined[place] = (
            math.exp(-place / _PLACES)
            + _PASSAGE * ranking.scores.get(numbers[0], 0.0) / most
            + _SENTENCE * max((sum(part.weight for part in one) for one in of_sentences), default=0.0) / whole
        )
        # A paper that is asked by its name alone has it at each passage.
        is_everywhere = len(numbers) == pool.places.count(place)
        if is_everywhere and len(having) == 1 and ranking.having[having[0].text] >= {*numbers}:
            numbers.sort()
    return [of_paper[place] for place in sorted(joined, key=lambda place: (-joined[place], place))]


def _choose_passages(text: models.PaperText, parts: Sequence[QueryPart]) -> list[StoredPassage]:
    """Return the passages of a kept text that have the most of a question, in order.

    Its forms are sought letter for letter, single words without endings.
    """
    forms = [[form.text.casefold() for form in part.forms] for part in parts]
    needles = [[analyser.stem(one) if one.isalpha() else one for one in of_part] for of_part in forms]
    split = passages.split(text)
    folded = [passage.text.casefold() for passage in split]
    counts = [sum(any(form in own for form in of_part) for of_part in needles) for own in folded]
    best = sorted(range(len(split)), key=lambda number: -counts[number])[:_MAX_OF_TEXT]
    return list_text_sources(text, [split[number] for number in sorted(best)])


def list_text_sources(text: models.PaperText, split: Iterable[Passage]) -> list[StoredPassage]:
    """Return passages of a paper's full text with the addresses of their places."""
    language = models.Locale.EN.value
    return [
        StoredPassage(PassageOrigin.PAPER, None, language, passages.locate(text, one), one) for one in split
    ]


def list_sources(
    paper: models.PaperDetail, language: models.Locale, *, joined: int = 0
) -> Iterator[StoredPassage]:
    """Yield the passages of a paper's summaries, those in a language if there are any, and of its abstract.

    Each chapter is one, or of a summary of at most `joined` characters all are, since one alone says little.
    """
    page, texts = schemes.page_url(paper.key), summaries.list_texts(paper, language)
    languages = {summary.language for summary in texts if summary.format is not None}
    for summary in texts:
        if summary.format is not None and language.value in languages - {summary.language}:
            continue
        words, on = (
            (PassageOrigin.ABSTRACT, None) if summary.format is None else (PassageOrigin.DIGEST, summary.date)
        )
        is_whole = len(summary.sections) > 1 and sum(len(one.body) for one in summary.sections) <= joined
        chapters = (
            ("\n" if is_whole or not one.heading else f"\n\n## {one.heading}\n\n")
            + _BLANK.sub("\n", one.body)
            for one in summary.sections
        )
        read = models.PaperText(paper.key, "".join(chapters), page, models.NEVER, words)
        for passage in passages.split(read):
            yield StoredPassage(words, on, summary.language, page, passage)


def _make_title(paper: models.PaperDetail) -> StoredPassage:
    title, page = paper.title or "", schemes.page_url(paper.key)
    return StoredPassage(PassageOrigin.TITLE, None, guess_language(title).value, page, Passage("", title))


def guess_language(asked: str, otherwise: models.Locale = models.Locale.EN) -> models.Locale:
    """Return Korean for a question with Hangul; one without may still be asked by a reader of Korean."""
    return models.Locale.KO if analyser.has_hangul(asked) else otherwise
