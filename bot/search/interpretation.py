"""Interprets a text in the search box: as words and operators, or what else it may be, with misspelt words corrected.

What papers have of the words is asked in one search, by which the readings, corrections and suggestions are chosen; if
the query is another one then, it is asked once more, and again if no paper has one of its terms but as words.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from types import MappingProxyType
from typing import Any, NamedTuple

from tantivy import Query

from bot.search import authors, completion, titles, transliteration
from bot.search.authors import Archive
from bot.search.engine import WITHIN, Engine, Matches, Survey
from bot.search.results import Hint, SearchRequest, SearchResult, Sort
from bot.text import analyser, concepts, institutions, people, query_parser, questions, typed_dates
from bot.text.parsed_query import ParsedQuery, Reading, ReadingKind
from storage import models, search
from storage.models import NO_FILTERS, Filters

LoadVocabulary = Callable[[], completion.Vocabulary]


class Interpretation(NamedTuple):
    """A query as it was read, what papers have of it (None: not asked yet), and of other queries what a paper needs for each."""

    query: ParsedQuery
    survey: Survey | None = None
    offers: Mapping[str, Sequence[Hashable]] = MappingProxyType({})


class _Period(NamedTuple):
    """The days that words of a query name, these words, and the others. A year alone may belong to the `name` before it.

    Without `span` the words are what is to be left out, which no search can.
    """

    span: typed_dates.Span | None
    typed: str
    others: str
    year: str
    name: str


class _Text(NamedTuple):
    """A text, its words as they are read, what papers have of them, and what reads other words so."""

    typed: str
    words: ParsedQuery
    period: _Period | None
    survey: Survey
    read: Callable[[ParsedQuery], ParsedQuery]


def interpret(
    archive: Archive,
    typed: str,
    today: date | None = None,
    *,
    parsed: ParsedQuery | None = None,
    options: Filters = NO_FILTERS,
    is_search: bool = False,
    load: LoadVocabulary | None = None,
) -> Interpretation:
    """Read any text by its operators and words, or as the first of READINGS that fits, in at most three searches.

    A text that was parsed before is not parsed again. Periods are read if `today` is given, and misspelt words are corrected
    with `load`. A search leaves out the kinds of what it leaves out too, and offers other queries if no paper has all its words.
    """
    engine, names = archive.engine, authors.SoundingNames()

    def read(query: ParsedQuery) -> ParsedQuery:
        query = _add_known_name(archive, archive.reader.read(query, names.choose))
        kinds = archive.reader.list_kinds(query) if is_search and query.excluded else ()
        return replace(query, without=(*query.without, *kinds))

    def limit(query: ParsedQuery) -> ParsedQuery:
        return replace(query, options=options, paper_ids=_list_paper_ids(archive, query))

    asked = words = limit(read(query_parser.parse_query(typed, today) if parsed is None else parsed))
    period = _find_period(words, today)
    survey = engine.survey(words, _ask_for_readings(archive, words, typed, period) | names.ask(engine))
    if names.settle(survey):
        words = read(words)
    text = _Text(typed, words, period, survey, read)
    query = next((of_it for reading in READINGS if (of_it := reading(archive, text)) is not None), words)
    query = limit(_revise(archive, text, query, load))
    is_same = replace(query, unknown=(), others=()) == asked
    offers, needed = (
        _list_offers(archive, query, load)
        if is_search and load and not (is_same and survey.complete)
        else ({}, {})
    )
    words_of = {} if is_same and survey.complete else _split_terms(archive, query, survey)
    if needed or words_of or not is_same:
        words_asked = {word: engine.having_parts([word]) for words in words_of.values() for word in words}
        survey = engine.survey(query, words_asked | needed)
    absent = [term for term in words_of if not survey.count(term) and all(map(survey.count, words_of[term]))]
    if absent:
        query = _replace_terms(query, {term: words_of[term] for term in absent})
        survey = engine.survey(query, needed)
    return Interpretation(query, survey, offers)


def _list_paper_ids(archive: Archive, query: ParsedQuery) -> frozenset[int] | None:
    """Return the papers of a query's authors and labels; None if it has neither."""
    written = authors.list_paper_ids(archive.writers, query.authors)
    names = [query_parser.split_names(name) for name in query.labels]
    labelled = search.list_labelled(archive.view, itertools.chain.from_iterable(names)) if names else {}
    sets = [frozenset[int]().union(*(labelled.get(models.label_key(one), ()) for one in of)) for of in names]
    sets += [] if written is None else [written]
    return frozenset.intersection(*sets) if sets else None


def _add_known_name(archive: Archive, query: ParsedQuery) -> ParsedQuery:
    """Add the name of a paper that all call by a query: ViT for An Image is Worth 16x16 Words."""
    parts = query.parts
    # Short words sound like names: 다리 is not DALL-E. Of a term or word that the glossary has, the names are known.
    is_known = len(parts) == 1 and (parts[0].key or archive.reader.glossary.is_word(parts[0].text))
    keys = query.names if is_known else ()
    title_id = titles.find_known(query.text, keys) if len(query.text) > 2 else None
    return replace(query, names=query.names | {title_id}) if title_id else query


def _ask_for_readings(
    archive: Archive, words: ParsedQuery, typed: str, period: _Period | None
) -> dict[Hashable, Query | None]:
    """Return what papers are asked for the readings of a text: whether they have its title, its year, or are from it."""
    engine = archive.engine
    asked: dict[Hashable, Query | None] = {}
    if words.meant or period:
        asked[_TITLE] = engine.in_title(titles.title_tokens(typed))
    if period and period.span and period.year:
        asked[_YEAR] = engine.within(ParsedQuery(options=Filters(*period.span)))
        asked[_NAMED_SO] = engine.having([[f"{period.name} {period.year}"]]) if period.name else None
    for text in (words.text, words.sought, period.others if period else "") if _is_bare(words) else ():
        asked[_FROM, text] = engine.from_institution(text)
    return asked


_TITLE, _YEAR, _NAMED_SO, _FROM, _NEAR, _OPTIONS = ("title", "year", "named so", "from", "near", "options")
"""What papers are asked besides the parts of a query."""


def _revise(archive: Archive, text: _Text, query: ParsedQuery, load: LoadVocabulary | None) -> ParsedQuery:
    """Return a query with misspelt words corrected, and words with hyphens that no paper has as several: *GPT-like*."""
    engine, survey = archive.engine, text.survey
    counts = {
        part: survey.count(part) if part in survey.parts else engine.estimate(part)
        for asked in query.parts
        for part in asked.single
    }
    rare = completion.list_rare_words(engine, counts) if load else {}
    if survey.complete and query is text.words and not any(part.either for part in query.parts):
        rare = {word: papers for word, papers in rare.items() if papers}
    corrected = completion.find_corrections(archive, load(), query.text, rare) if load and rare else ()
    revised = completion.apply_corrections(query.text, corrected)
    for part, papers in counts.items():
        if "-" in part.text and not papers:
            revised = revised.replace(part.text, part.text.replace("-", " "))
    if revised != query.text:
        query = text.read(replace(query, text=revised))
    unknown = (word for word, papers in rare.items() if not papers and word not in dict(corrected))
    return replace(query, corrected=corrected, unknown=tuple(unknown))


def _split_terms(
    archive: Archive, query: ParsedQuery, survey: Survey
) -> dict[concepts.QueryPart, tuple[concepts.QueryPart, ...]]:
    """Return the words of each term that no paper is known to have, as which it is read if none has it: gradient descent."""
    unasked = (part for part in query.parts if part.key and not survey.count(part))
    terms = (part for part in unasked if not (part.is_quoted or part.either))
    words_of = {term: archive.reader.read_as_words(term) for term in terms}
    return {term: words for term, words in words_of.items() if len(words) > 1}


def _replace_terms(
    query: ParsedQuery, words_of: Mapping[concepts.QueryPart, Sequence[concepts.QueryPart]]
) -> ParsedQuery:
    """Return a query with some of its terms replaced by their words."""
    parts = (one for part in query.parts for one in words_of.get(part, (part,)))
    return replace(query, parts=tuple(dict.fromkeys(parts)))


_YEAR_WORD = re.compile(r"[12]\d{3}(?:년[도에의]?)?")


def _find_period(query: ParsedQuery, today: date | None) -> _Period | None:
    """Return the period that words of a query name; None without such words."""
    words = list(map(questions.trim_filler, query.text.split()))
    is_date = questions.mask_dates(words)
    places = [place for place, word in enumerate(words) if is_date[place] or _YEAR_WORD.fullmatch(word)]
    if today is None or not places or query.filters.since_on or query.filters.until_on:
        return None
    first, last = places[0], places[-1]
    typed, before, following = " ".join(words[first : last + 1]), words[:first], words[last + 1 :]
    span = questions.read_period(typed, today)
    is_alone = all(questions.classify_filler(word) == "filler" for word in (*before, *following))
    is_year = not any(is_date)
    # After 2000 steps.
    is_amount = any(typed_dates.split_bound(" ".join((*before[-size:], typed)))[0] for size in (1, 2))
    if span is None or questions.asks_what_to_read(query.text) or (is_year and (is_alone or is_amount)):
        return None
    name = before[-1] if before and not questions.classify_filler(before[-1]) else ""
    if before[-1:] and before[-1] in analyser.FUNCTION_WORDS:
        before.pop()  # in 2025
    if before and before[-1].isascii() and query_parser.NEGATING.fullmatch(before[-1]):
        return _Period(None, f"{before.pop()} {typed}", " ".join((*before, *following)), "", "")
    if following and not following[0].isascii() and query_parser.NEGATING.fullmatch(following[0]):
        return _Period(None, f"{typed} {following.pop(0)}", " ".join((*before, *following)), "", "")
    others = "" if is_alone else " ".join((*before, *following))
    return _Period(span, typed, others, str(span[0].year) if is_year else "", name)


def _has_period(text: _Text) -> bool:
    """Return whether words name a period: a year alone if the archive has it, but not after a word of a name: AIME 2025."""
    is_named = text.survey.count(_NAMED_SO) > 0
    return bool(text.period and (not text.period.year or (text.survey.count(_YEAR) and not is_named)))


def _read_period(archive: Archive, text: _Text) -> ParsedQuery | None:
    """Return a query that has a date or a period as its other words, in that time; without a year that nothing is of or has.

    The name of an author, such as April Moss, is no period.
    """
    if text.period is None or _is_exact_author(archive, text.words.text):
        return None
    span, typed, others, year, _ = text.period
    rest = replace(text.words, text=others)
    if span is None:
        return text.read(query_parser.with_meaning(replace(rest, ignored=(*rest.ignored, typed))))
    limits = Filters(None if span[0] == date.min else span[0], span[1])
    if not _has_period(text):
        is_sought = text.survey.count(_YEAR) or any(
            text.survey.count(part) for part in text.words.parts if year in part.text
        )
        return None if is_sought else text.read(query_parser.with_meaning(replace(rest, unlisted=year)))
    dated = replace(rest, filters=rest.filters.narrowed(limits))
    undated = Reading(ReadingKind.WORDS, f'{query_parser.write_query(rest)} "{typed}"'.strip(), typed)
    words = text.read(query_parser.with_meaning(dated))
    of_names = (reading(archive, text._replace(words=words, period=None)) for reading in READINGS_OF_NAMES)
    query = next((of_it for of_it in of_names if of_it is not None), words)
    return replace(query, others=(*query.others, undated))


def _read_title(archive: Archive, text: _Text) -> ParsedQuery | None:
    """Return a paper's title, or a long part of one, as words that are not read as operators or as a date."""
    if not (text.words.meant or _has_period(text)):
        return None
    is_title = titles.is_title(archive, text.typed, text.survey.list_having(_TITLE))
    return text.read(ParsedQuery(text.typed.replace('"', " "))) if is_title else None


def _is_bare(query: ParsedQuery) -> bool:
    """Return whether a query has words alone, which may be a name, with limits of days and votes, and what it leaves out."""
    bare = replace(query, filters=NO_FILTERS)
    return len(query.text) > 1 and not (query.phrases or bare.is_limited)


def _of_name(query: ParsedQuery, **name: Any) -> ParsedQuery:
    """Return the query for what a name in a query stands for, with the limits and exclusions of that query."""
    limits = ParsedQuery(filters=query.filters, excluded=query.excluded, ignored=query.ignored)
    return query_parser.with_meaning(replace(limits, **name))


def _read_institution(archive: Archive, text: _Text) -> ParsedQuery | None:
    """Return the name of an institution as the query for its papers; that of a paper or a term too is sought as a whole."""
    query = text.words
    for typed in dict.fromkeys((query.text, query.sought)) if _is_bare(query) else ():
        papers = text.survey.count((_FROM, typed))
        if name := _find_institution(archive, typed, papers, text.survey):
            of_it = _of_name(query, institutions=(name,))
            is_topic = bool(archive.reader.glossary.find(typed)) or text.survey.has_name
            if papers and not is_topic:
                return replace(text.read(of_it), others=(_in_text(query, typed, name),))
            forms = institutions.list_forms(typed) or (typed,)
            whole = concepts.literal_part(*dict.fromkeys((typed, *forms)))
            others = (Reading(ReadingKind.INSTITUTION, f'from:"{name}"', name, papers),) if papers else ()
            return replace(query, parts=(whole,), wholes=(), others=others)
    return None


def _read_author(archive: Archive, text: _Text) -> ParsedQuery | None:
    """Return the name of a person whom `/author` knows for sure, and who is in no title, as the query for their papers."""
    query = text.words
    if text.survey.complete or not _is_bare(query):
        return (
            None  # a Korean word may be another's spelling: 서베이 is survey before it sounds like an author
        )
    has_word = any(map(text.survey.count, text.survey.parts))
    for typed in dict.fromkeys((query.text, query.sought)):
        if _is_author(archive, typed, has_word=has_word):
            by_it = text.read(_of_name(query, authors=(typed,)))
            return replace(by_it, others=(_in_text(query, query.text, typed),))
    return None


def _read_author_of_topic(archive: Archive, text: _Text) -> ParsedQuery | None:
    """Return a name before or behind words, which no paper has as a phrase, as the query for that author's papers on the words.

    If the author has no paper with all of them, as the query for the author's papers.
    """
    query, words = text.words, (text.words.sought or text.words.text).split()
    if not _is_bare(query):
        return None
    places = ((words[:size], words[size:]) for size in (3, 2, 1))
    behind = ((words[-size:], words[:-size]) for size in (3, 2, 1))
    for name, rest in itertools.chain(places, behind):
        typed = " ".join(name)
        if not rest or not _is_exact_author(archive, typed) or archive.engine.count([typed]):
            continue
        read = text.read(_of_name(query, text=" ".join(rest), authors=(typed,)))
        limited = replace(read, paper_ids=_list_paper_ids(archive, read))
        if not list_matches(archive.engine, Interpretation(limited), SearchRequest("", limit=1)).complete:
            read = text.read(_of_name(query, authors=(typed,)))
        in_words = query_parser.write_query(replace(query, text=f'"{typed}" {" ".join(rest)}'))
        in_text = Reading(ReadingKind.WORDS, in_words, typed)
        return replace(read, others=(in_text,))
    return None


def _is_exact_author(archive: Archive, typed: str) -> bool:
    """Return whether a text is no term but the whole name of an author, in Latin letters of two words or more."""
    is_korean = analyser.has_hangul(typed)
    if is_korean != (" " not in typed) or (
        is_korean and not (len(typed) == 3 and analyser.is_syllables(typed))
    ):
        return False
    if not is_korean:
        words = tuple(people.name_tokens(typed))
        exact = authors.find_exact(archive.writers, words, is_prefix=False)
        is_whole = any(sorted(people.name_tokens(one.name)) == sorted(words) for one in exact)
        return is_whole and not archive.reader.is_known(typed)
    matches, is_corrected = authors.find_certain(archive.writers, typed)
    if not matches or is_corrected or archive.reader.is_known(typed):
        return False
    return not transliteration.spells(typed, people.name_tokens(matches[0].name)[0])


READINGS_OF_NAMES = (_read_institution, _read_author, _read_author_of_topic)
READINGS = (_read_title, _read_period, *READINGS_OF_NAMES)
"""What a text may be before it is words and operators, in this order; docs/search.md has an example of each."""


def _in_text(query: ParsedQuery, typed: str, name: str) -> Reading:
    """Return the reading of a name as words of papers, in the spelling that was typed if that is the name alone."""
    name = typed if typed.casefold() == name.casefold() else name
    return Reading(ReadingKind.WORDS, query_parser.write_query(replace(query, text=f'"{name}"')), name)


def _find_institution(archive: Archive, text: str, papers: int, survey: Survey) -> str | None:
    """Return the institution that a whole text names, in a form of the text's script.

    It is a known one, or one that papers give and no paper writes about.
    """
    if not institutions.find_key(text):
        is_word = bool(archive.reader.glossary.find(text) or questions.find_everyday_terms(text))
        if not papers or is_word or institutions.is_generic(text) or survey.complete:
            return None
    is_korean = analyser.has_hangul(text)
    alike = (form for form in institutions.list_forms(text) if analyser.has_hangul(form) == is_korean)
    return next(alike, text)


_MOST_NAMES = 4
"""The most words of a person's name."""


def _is_author(archive: Archive, text: str, *, has_word: bool) -> bool:
    """Return whether a text that no paper has is an author's name for sure; a Korean or single word, if none has a word of it.

    A word alone is one author's last name, a whole Hangul name, or a name run together. A given name alone is many people's.
    """
    words, is_korean = people.name_tokens(text), analyser.has_hangul(text)
    is_alone = len(words) < 2
    if (
        not words
        or len(words) > _MOST_NAMES
        or (is_alone and len(words[0]) < 3)
        or archive.reader.is_known(text)
    ):
        return False
    if (is_korean or is_alone) and has_word:
        return False
    matches, is_corrected = authors.find_certain(archive.writers, text)
    if not matches or is_corrected:
        return False
    first, *others = people.name_tokens(matches[0].name)
    if is_alone and not is_korean:
        return words[0] in (*others[-1:], "".join((first, *others))) and len(matches) == 1
    return not is_alone or not others or not transliteration.spells(words[0], first)


def list_matches(engine: Engine, read: Interpretation, request: SearchRequest) -> Matches:
    """Return a query's papers up to the end of a page.

    A query without words has all within its limits, top-voted first; those from an institution newest first.
    """
    query, end, sort = read.query, request.offset + request.limit, request.sort or Sort.RELEVANCE
    if query.parts or query.wholes:
        return engine.find(query, limit=end, sort=sort, survey=read.survey)
    if query.institutions and request.sort is None:
        sort = Sort.DATE
    ids, total = engine.list_top(query, sort=sort, limit=end)
    return Matches(dict.fromkeys(ids, 0.0), total)


_MAX_NEAR = 5
"""The most papers that are shown below what no paper has."""


def find(archive: Archive, read: Interpretation, request: SearchRequest) -> tuple[ParsedQuery, Matches]:
    """Find the papers for a query, and note the terms that no paper has."""
    query = read.query
    if _asks_for_nothing(query, request):
        return query, Matches()
    survey = read.survey or archive.engine.survey(query)
    matches = list_matches(archive.engine, read._replace(survey=survey), request)
    absent = () if matches.complete else _list_absent(archive, query, survey, matches)
    if len(absent) == len(query.parts) and not matches.total:
        absent = ()  # that nothing is found says it
    if absent:
        near = dict(itertools.islice(matches.missing.items(), _MAX_NEAR))
        matches = Matches({id_: matches.scores[id_] for id_ in near}, missing=near)
    return replace(query, absent=tuple(part.shown_text for part in absent)), matches


def _list_absent(
    archive: Archive, query: ParsedQuery, survey: Survey, matches: Matches
) -> Sequence[concepts.QueryPart]:
    """Return the parts that no paper has, if they have most of the query's weight by rarity, or if no paper has all others.

    Of a sentence with a topic that papers are on, only terms and institutions count: its words may be those of everyday language.
    """
    engine, glossary = archive.engine, archive.reader.glossary
    # Where summaries are Korean, any everyday English word is rare: longer.
    asked = [part for part in query.parts if part.key or not _is_everyday(part.text)] or query.parts
    weights = {part: engine.idf(survey.count(part)) for part in asked}
    absent = [
        part
        for part in asked
        if not (
            survey.count(part)
            or engine.from_institution(part.text)
            or authors.is_in_name(archive.writers, part.text)
        )
    ]
    if absent and query.topics and (not query.implied or any(map(engine.estimate, query.implied.values()))):
        absent = [part for part in absent if glossary.find(part.text) or institutions.find_key(part.text)]
    lacking = matches.missing.values()
    is_near = not lacking or any(set(missing) <= set(absent) for missing in lacking)
    return absent if not is_near or sum(weights[part] for part in absent) > sum(weights.values()) / 2 else ()


def _is_everyday(word: str) -> bool:
    """Return whether an English word in small letters describes topics, so that it is one of everyday language."""
    return word.isascii() and word.islower() and bool(questions.find_topics(word))


def _asks_for_nothing(query: ParsedQuery, request: SearchRequest) -> bool:
    """Return whether a query has no topic and no filter: -word alone, an emoji, or "today", does not mean all papers."""
    if query.has_text:
        return questions.asks_what_to_read(query.text)
    is_bare = not query.is_limited and query.options == NO_FILTERS and request.sort is not Sort.VOTES
    is_empty = not (query.is_limited or query.excluded or query.ignored)
    return is_bare or (is_empty and request.query.strip() != "")


def describe(archive: Archive, query: ParsedQuery, matches: Matches, read: Interpretation) -> SearchResult:
    """Return what all pages of an answer have in common."""
    has_alert = not query.unknown or len(query.unknown) < len(query.parts)
    return SearchResult(
        total=matches.total,
        read=query,
        on_topic=matches.on_topic,
        all_terms=matches.all_terms,
        hints=_list_hints(query),
        alert_terms=_list_alert_terms(archive, query) if has_alert else (),
        suggestions=() if matches.complete else _suggest(archive, read),
    )


def _list_hints(query: ParsedQuery) -> tuple[Hint, ...]:
    """Return the options that words of a query ask for.

    Words that are searched for ask for none, unless the query has no others: newest papers.
    """
    if questions.asks_what_to_read(query.text):
        return (Hint.TODAY,)
    words = query.sought.casefold().split()
    topic = [] if all(map(questions.classify_filler, words)) else words
    return tuple(map(Hint, questions.list_options(query.text, topic)))


def _list_alert_terms(archive: Archive, query: ParsedQuery) -> tuple[models.AlertTerm, ...]:
    """Return the terms for an alert on a query's papers; () if a name may mean several people, or one of several has to fit."""
    # Drop everyday words, such as "faster", that papers rarely use; but 요약 (summary) is also a term.
    glossary = archive.reader.glossary
    named = [
        part
        for part in query.parts
        if glossary.find(part.text) or not questions.find_everyday_terms(part.text)
    ]
    words = [part.term for part in named or query.parts if any(map(str.isalpha, part.text))]
    terms = [models.AlertTerm(models.AlertKind.KEYWORD, text) for text in words]
    if any(len(query_parser.split_names(name)) > 1 for name in (*query.institutions, *query.authors)):
        return ()  # a draft has all of its terms
    terms += (models.AlertTerm(models.AlertKind.INSTITUTION, name) for name in query.institutions)
    terms += (models.AlertTerm(models.AlertKind.KEYWORD, f'in:"{name}"') for name in query.labels)
    for name in query.authors:
        namesakes = authors.find_authors(archive.writers, name)
        if len(namesakes) > 1:
            return ()
        author = namesakes[0].name if namesakes else name
        terms.append(models.AlertTerm(models.AlertKind.AUTHOR, author))
    return tuple(dict.fromkeys(terms))


def _suggest(archive: Archive, read: Interpretation) -> tuple[str, ...]:
    """Return other queries that some papers match. A name whose second word was read as a word comes alone: Ada Lovelace."""
    query, survey, offers = read
    assert survey is not None
    whole = [f"{name} {query.text}" for name in query.authors if query.text]
    if names := [name for name in whole if authors.find_authors(archive.writers, name)]:
        return tuple(f'author:"{name}"' for name in names)
    return tuple(text for text, keys in offers.items() if survey.count(*keys))


def _list_offers(
    archive: Archive, query: ParsedQuery, load: LoadVocabulary
) -> tuple[dict[str, Sequence[Hashable]], dict[Hashable, Query | None]]:
    """Return alternatives to a query with what a paper needs for each, and what is asked for them.

    They are: an institution that is among its words, its words without its limits, and words that are near unknown ones. The
    request's filters still apply.
    """
    offers, asked = dict[str, Sequence[Hashable]](), dict[Hashable, Query | None]()
    if not query.institutions:
        for name, of_it, others in _list_institutions_among(archive, query):
            asked[_FROM, name] = archive.engine.from_institution(name)
            offers[query_parser.write_query(of_it)] = (WITHIN, (_FROM, name), *others)
    words = [part for part in query.parts if not part.is_quoted]
    limits: list[Hashable] = []
    if query.options != NO_FILTERS:
        limits.append(_OPTIONS)
        asked[_OPTIONS] = archive.engine.within(ParsedQuery(options=query.options))
    # The words alone may match papers that its filters, exclusions or quoted phrases reject.
    if words and query.text and (query.phrases or query.excluded or query.is_limited):
        offers[query.sought] = (*limits, *words)
    near = _find_near(archive, query, load) if query.unknown else {}
    for meant in near.values():
        parts = archive.reader.read(ParsedQuery(meant)).parts
        asked[_NEAR, meant] = archive.engine.having_parts(parts)
    if near:
        known = [part for part in words if analyser.strip_ending(part.text) not in near]
        text = completion.apply_corrections(query.sought, [*near.items()])
        offers.setdefault(text, (*limits, *known, *((_NEAR, meant) for meant in near.values())))
    return offers, asked


def _find_near(archive: Archive, query: ParsedQuery, load: LoadVocabulary) -> dict[str, str]:
    """Return the known word or name of papers that is nearest to each unknown word: EXAONE for 엑사원."""
    vocabulary, near = load(), dict[str, str]()
    for word in query.unknown:
        similar = [meant for meant, _ in vocabulary.list_near(word)[:1]]
        if not similar and analyser.is_syllables(word):
            similar = list(filter(None, [titles.find_near_name(archive, word)]))
        if similar and not questions.classify_filler(similar[0]):
            near[word] = similar[0]
    return near


def _list_institutions_among(
    archive: Archive, query: ParsedQuery
) -> Iterator[tuple[str, ParsedQuery, Sequence[concepts.QueryPart]]]:
    """Yield one to three words that are an institution, the query with it as from:, and its other parts: Google robots."""
    words = list(map(questions.trim_filler, query.text.split()))
    for size, place in itertools.product((3, 2, 1), range(len(words))):
        name, before, following = " ".join(words[place : place + size]), words[:place], words[place + size :]
        if before and before[-1] in analyser.FUNCTION_WORDS:
            before.pop()  # from Google
        of_it = replace(query, text=" ".join((*before, *following)), institutions=(name,))
        if of_it.text and place + size <= len(words) and institutions.find_key(name):
            others = [part for part in query.parts if part.text not in name]
            if others:
                yield name, of_it, others
