"""Interprets a text in the search box: finds the papers for it as typed or, if none has all its terms, as corrected."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from bot.search import authors, completion, titles, transliteration
from bot.search.authors import Archive
from bot.search.engine import Engine, Matches, Scope
from bot.search.query_reader import ParsedQuery
from bot.search.results import Hint, MatchKind, Reading, ReadingKind, SearchRequest, SearchResult, Sort
from bot.text import analyser, concepts, institutions, people, query_parser, questions, typed_dates
from storage import models
from storage.models import Filters

_MAX_ADDED = 12
LoadVocabulary = Callable[[], completion.Vocabulary]


class FoundPapers(NamedTuple):
    """The papers for a text: how it was read, as typed or corrected, and its words that no paper has.

    `absent` are the parts that no paper has, if they tell most of what is asked for or no paper has all others.
    """

    read: ParsedQuery
    scope: Scope
    matches: Matches
    corrected: tuple[tuple[str, str], ...] = ()
    unknown: Sequence[str] = ()
    absent: Sequence[concepts.QueryPart] = ()

    @property
    def on_topic(self) -> dict[int, float]:
        """The scores of the papers on the topic, as far as they were requested."""
        return {id_: self.matches.scores[id_] for id_ in self.matches.by_kind[MatchKind.ON_TOPIC]}


def read(archive: Archive, query: query_parser.Query) -> ParsedQuery:
    """Interpret a query, with the name of a paper that all call by it: ViT for An Image is Worth 16x16 Words.

    A word with hyphens that no paper has is several: *GPT-like*.
    """
    interpreted = archive.read(query)
    absent = {
        part.text for part in interpreted.parts if "-" in part.text and not archive.engine.count_papers(part)
    }
    if absent:
        words = (word.replace("-", " ") if word in absent else word for word in interpreted.text.split())
        interpreted = archive.read(replace(query, text=" ".join(words)))
    parts = interpreted.parts
    # Short words sound like names: 다리 is not DALL-E. Of a term or word that the glossary has, the names are known.
    is_known = len(parts) == 1 and (parts[0].key or archive.reader.glossary.is_word(parts[0].text))
    keys = interpreted.names if is_known else ()
    title_id = titles.find_known(query.text, keys) if len(query.text) > 2 else None
    return replace(interpreted, names=interpreted.names | {title_id}) if title_id else interpreted


def read_text(
    archive: Archive, typed: str, today: date | None = None, *, is_question: bool = False
) -> ParsedQuery:
    """Read any text by its operators and words, or as the first of READINGS that fits. Periods are read if `today` is given."""
    words = read(archive, query_parser.parse_query(typed, today, is_question=is_question))
    fitting = (of_it for reading in READINGS if (of_it := reading(archive, words, typed, today)) is not None)
    found = next(fitting, words)
    if words.query.meant and found.query.excluded:
        meant = query_parser.readmit_term(found.query.meant or words.query.meant)
        back = Reading(ReadingKind.WITH_ALL, meant, ", ".join(found.query.excluded))
        found = replace(found, others=(*found.others, back))
    return found


_YEAR = re.compile(r"[12]\d{3}(?:년[도에의]?)?")


def _find_period(
    archive: Archive, query: query_parser.Query, today: date | None
) -> tuple[typed_dates.Span, str, str] | None:
    """Return the days that words of a query name, these words, and its others; None without such words.

    A year alone is one if the archive has it, but not after a word that papers write before it: AIME 2025.
    """
    words = list(map(questions.trim_filler, query.text.split()))
    is_date = questions.mask_dates(words)
    places = [place for place, word in enumerate(words) if is_date[place] or _YEAR.fullmatch(word)]
    if today is None or not places or query.filters.since_on or query.filters.until_on:
        return None
    first, last = places[0], places[-1]
    typed, before, following = " ".join(words[first : last + 1]), words[:first], words[last + 1 :]
    span = questions.read_period(typed, today)
    is_alone = all(questions.classify_filler(word) == "filler" for word in (*before, *following))
    if span is None or questions.asks_what_to_read(query.text):
        return None
    if not any(is_date):
        name = before[-1] if before and not questions.classify_filler(before[-1]) else ""
        is_named = name and archive.engine.count([f"{name} {span[0].year}"])
        if is_alone or is_named or not archive.engine.list_top(Scope(Filters(*span)), limit=1)[1]:
            return None
    if before[-1:] and before[-1] in analyser.FUNCTION_WORDS:
        before.pop()  # in 2025
    return span, typed, "" if is_alone else " ".join((*before, *following))


def _read_period(archive: Archive, words: ParsedQuery, _: str, today: date | None) -> ParsedQuery | None:
    """Return a query that has a date or a period as its other words, in that time."""
    if (found := _find_period(archive, words.query, today)) is None:
        return None
    span, typed, others = found
    rest = query_parser.write_query(dated := replace(words.query, text=others))
    meant = f"{rest} {query_parser.write_span(*span)}".strip()
    undated = Reading(ReadingKind.WORDS, f'{rest} "{typed}"'.strip(), typed)
    return replace(
        read(archive, replace(dated, filters=dated.filters.narrowed(Filters(*span)), meant=meant)),
        others=(undated,),
    )


_MIN_TITLE = 4
"""The minimum number of words of a text that counts as a part of a title instead of a sentence."""


def _read_title(archive: Archive, words: ParsedQuery, typed: str, today: date | None) -> ParsedQuery | None:
    """Return a paper's title, or a long part of one, as words that are not read as operators or as a date."""
    if not (words.query.meant or _find_period(archive, words.query, today)):
        return None
    is_long = len(typed.split()) >= _MIN_TITLE
    is_title = (
        titles.find_papers(archive, typed, limit=1) if is_long else titles.find_titled(archive, [typed])
    )
    return read(archive, query_parser.Query(typed.replace('"', " "))) if is_title else None


def _is_bare(query: query_parser.Query) -> bool:
    """Return whether a query has words alone, which may be a name, and what it leaves out."""
    words = query_parser.Query(query.text, excluded=query.excluded, ignored=query.ignored)
    return len(query.text) > 1 and query == words


def _read_institution(archive: Archive, words: ParsedQuery, *_: object) -> ParsedQuery | None:
    """Return the name of an institution as the query for its papers; that of a paper or a term too is sought as a whole."""
    query = words.query
    for text in dict.fromkeys((query.text, words.text)) if _is_bare(query) else ():
        if found := _find_institution(archive, text, words):
            name, papers = found
            of_it = _meaning(query_parser.Query(institutions=(name,), excluded=query.excluded))
            is_topic = (
                bool(archive.reader.glossary.find(text)) or archive.engine.find_named(words) is not None
            )
            if papers and not is_topic:
                return replace(read(archive, of_it), others=(_in_text(query, text, name),))
            forms = institutions.list_forms(text) or (text,)
            whole = concepts.literal_part(*dict.fromkeys((text, *forms)))
            others = (Reading(ReadingKind.INSTITUTION, f'from:"{name}"', name, papers),) if papers else ()
            return replace(words, parts=(whole,), wholes=(), others=others)
    return None


def _read_author(archive: Archive, words: ParsedQuery, *_: object) -> ParsedQuery | None:
    """Return the name of a person whom `/author` knows for sure, and who is in no title, as the query for their papers."""
    query = words.query
    for text in dict.fromkeys((query.text, words.text)) if _is_bare(query) and not query.excluded else ():
        # A Korean word may be another's spelling: 서베이 is survey before it sounds like an author.
        if _is_author(archive, text) and not archive.engine.find(words, Scope(), limit=1).complete:
            by_it = _meaning(query_parser.Query(authors=(text,)))
            return replace(read(archive, by_it), others=(_in_text(query, query.text, text),))
    return None


READINGS = (_read_title, _read_period, _read_institution, _read_author)
"""What a text may be before it is words and operators, in this order; docs/search.md has an example of each."""


def _meaning(query: query_parser.Query) -> query_parser.Query:
    return replace(query, meant=query_parser.write_query(query))


def _in_text(query: query_parser.Query, typed: str, name: str) -> Reading:
    """Return the reading of a name as words of papers, in the spelling that was typed if that is the name alone."""
    name = typed if typed.casefold() == name.casefold() else name
    return Reading(ReadingKind.WORDS, query_parser.leave_out(f'"{name}"', query.excluded), name)


def _find_institution(archive: Archive, text: str, interpreted: ParsedQuery) -> tuple[str, int] | None:
    """Return the institution that a whole text names, in a form of the text's script, and the number of papers from it.

    It is a known one, or one that papers give and no paper writes about.
    """
    engine, papers = archive.engine, archive.engine.count_from(text)
    if not institutions.find_key(text):
        is_word = bool(archive.reader.glossary.find(text) or questions.find_everyday_terms(text))
        if (
            not papers
            or is_word
            or institutions.is_generic(text)
            or engine.find(interpreted, Scope(), limit=1).complete
        ):
            return None
    is_korean = analyser.has_hangul(text)
    alike = (form for form in institutions.list_forms(text) if analyser.has_hangul(form) == is_korean)
    return next(alike, text), papers


_MOST_NAMES = 4
"""The most words of a person's name."""


def _is_author(archive: Archive, text: str) -> bool:
    """Return whether a text is an author's name for sure, and neither a term nor in a title; a word alone, in no paper.

    A word alone is one author's last name, a whole Hangul name, or a name run together. A given name alone is many people's.
    """
    words, is_korean = people.name_tokens(text), analyser.has_hangul(text)
    is_alone = len(words) < 2
    if not words or len(words) > _MOST_NAMES or (is_alone and len(text) < 3) or archive.reader.is_known(text):
        return False
    if archive.engine.count_titles([text]) or (
        (is_korean or is_alone) and any(archive.engine.count([word]) for word in text.split())
    ):
        return False
    result = authors.find_author(archive, text, limit=1)
    if result.author is None or result.is_corrected:
        return False
    first, *others = people.name_tokens(result.author)
    if is_alone and not is_korean:
        return words[0] in (*others[-1:], "".join((first, *others))) and result.matches == (result.author,)
    return not is_alone or not others or not transliteration.spells(words[0], first)


def make_scope(archive: Archive, query: query_parser.Query, filters: Filters) -> Scope:
    paper_ids = authors.list_paper_ids(archive.writers, query.authors)
    return Scope(filters.narrowed(query.filters), paper_ids, query.institutions)


def list_matches(engine: Engine, query: ParsedQuery, scope: Scope, request: SearchRequest) -> Matches:
    """Return a query's papers up to the end of a page.

    A query without words has all in the scope, top-voted first; those from an institution newest first.
    """
    end, sort = request.offset + request.limit, request.sort or Sort.RELEVANCE
    if query.parts or query.wholes:
        return engine.find(query, scope, limit=end, sort=sort)
    if scope.institutions and request.sort is None:
        sort = Sort.DATE
    ids, total = engine.list_top(scope, query, sort=sort, limit=end)
    return Matches(dict.fromkeys(ids, 0.0), total)


def find(
    archive: Archive, interpreted: ParsedQuery, scope: Scope, request: SearchRequest, load: LoadVocabulary
) -> FoundPapers:
    """Find the papers for a text as typed or, if none has all its terms, with misspelt words corrected or a term divided."""
    engine, query = archive.engine, interpreted.query
    if _asks_for_nothing(query, scope, request):
        return FoundPapers(interpreted, scope, Matches())
    matches = list_matches(engine, interpreted, scope, request)
    unknown = [] if matches.complete else completion.list_unknown_words(engine, interpreted.parts)
    corrected = completion.find_corrections(archive, load(), query.text, unknown) if unknown else ()
    if corrected:
        text = completion.apply_corrections(query.text, corrected)
        interpreted = read(archive, replace(query, text=text))
        matches = list_matches(engine, interpreted, scope, request)
    asked = interpreted.parts
    if not matches.total and (pieces := archive.reader.split_term(interpreted)):
        # No paper has the term: those with its words are near.
        interpreted, matches = pieces, list_matches(engine, pieces, scope, request)
    unknown = [word for word in unknown if word not in dict(corrected)]
    absent = () if matches.complete else _list_absent(archive, interpreted, asked, matches)
    if len(absent) == len(asked) and not matches.total:
        absent = ()  # that nothing is found says it
    if absent:
        matches = _keep_near(engine, interpreted, matches)
    return FoundPapers(interpreted, scope, matches, corrected, unknown, absent)


_MAX_NEAR = 5
"""The maximum number of papers listed if no paper has the terms with most of a query's weight."""


def _list_absent(
    archive: Archive, query: ParsedQuery, asked: Sequence[concepts.QueryPart], matches: Matches
) -> Sequence[concepts.QueryPart]:
    """Return the parts that no paper has, if they have most of the query's weight by rarity, or if no paper has all others.

    Of a sentence with a topic that papers are on, only terms and institutions count: its words may be those of everyday language.
    """
    engine, glossary = archive.engine, archive.reader.glossary
    # Where summaries are Korean, any everyday English word is rare: longer.
    asked = [part for part in asked if part.key or not _is_everyday(part.text)] or asked
    weights = {part: engine.weigh(part) for part in asked}
    absent = [
        part
        for part in asked
        if not (
            engine.count_papers(part)
            or engine.count_from(part.text)
            or authors.is_in_name(archive.writers, part.text)
        )
    ]
    if (
        absent
        and query.topics
        and (not query.implied or any(map(engine.count_papers, query.implied.values())))
    ):
        absent = [part for part in absent if glossary.find(part.text) or institutions.find_key(part.text)]
    lacking = matches.missing.values()
    is_near = not lacking or any(set(missing) <= set(absent) for missing in lacking)
    return absent if not is_near or sum(weights[part] for part in absent) > sum(weights.values()) / 2 else ()


def _is_everyday(word: str) -> bool:
    """Return whether an English word in small letters describes topics, so that it is one of everyday language."""
    return word.isascii() and word.islower() and bool(questions.find_topics(word))


def _keep_near(engine: Engine, query: ParsedQuery, matches: Matches) -> Matches:
    """Return the first papers that have a telling part of a query, or are on a topic that it is clearly on."""
    telling = [part for part in query.parts if engine.is_telling(part)]
    lacking = len(query.parts)
    near = [
        id_
        for id_, missing in matches.missing.items()
        if len(missing) == lacking or any(part not in missing for part in telling)
    ][:_MAX_NEAR]
    return matches._replace(
        scores={id_: matches.scores[id_] for id_ in near}, missing={id_: matches.missing[id_] for id_ in near}
    )


def is_shown(word: str, row: models.PaperRow) -> bool:
    """Return whether a word of a title or of an author's name begins so: a paper is not shown as lacking it."""
    return f" {word.casefold()}" in f" {' '.join((row.title or '', *row.authors))}".casefold()


def _asks_for_nothing(query: query_parser.Query, scope: Scope, request: SearchRequest) -> bool:
    """Return whether a query has no topic and no filter: -word alone, an emoji, or "today", does not mean all papers."""
    if query.text and questions.asks_what_to_read(query.text):
        return True
    if query.has_text:
        return False
    is_bare = replace(scope, excluded=()) == Scope() and request.sort is not Sort.VOTES
    return is_bare or (request.query.strip() != "" and query == query_parser.Query())


def describe(
    archive: Archive, request: SearchRequest, found: FoundPapers, load: LoadVocabulary, typed: ParsedQuery
) -> SearchResult:
    """Return what all pages of an answer have in common; `typed` is the text as it was read before any correction."""
    query, interpreted, matches = found.read.query, found.read, found.matches
    has_alert = not found.unknown or len(found.unknown) < len(interpreted.parts)
    is_shortened = len(interpreted.text.split()) < len(query.text.split())
    return SearchResult(
        total=matches.total,
        on_topic=matches.on_topic,
        all_terms=matches.all_terms,
        terms=interpreted.terms,
        added_forms=interpreted.translations[:_MAX_ADDED],
        is_rewritten=is_shortened,
        term_forms=interpreted.term_forms,
        hints=_list_hints(typed.query.text, interpreted.text),
        ignored=query.ignored,
        excluded=query.excluded,
        read_as=typed.query.meant,
        readings=typed.others,
        absent=tuple(part.shown_text for part in found.absent),
        corrected=found.corrected,
        meanings=interpreted.meanings,
        alert_terms=_list_alert_terms(archive, query, interpreted.parts) if has_alert else (),
        suggestions=() if matches.complete else _suggest(archive, found, request, load),
    )


def _list_hints(typed: str, sought: str) -> tuple[Hint, ...]:
    """Return the options that words of a query ask for.

    Words that are searched for ask for none, unless the query has no others: newest papers.
    """
    if questions.asks_what_to_read(typed):
        return (Hint.TODAY,)
    words = sought.casefold().split()
    topic = [] if all(map(questions.classify_filler, words)) else words
    return tuple(map(Hint, questions.list_options(typed, topic)))


def _list_alert_terms(
    archive: Archive, query: query_parser.Query, parts: Sequence[concepts.QueryPart]
) -> tuple[models.AlertTerm, ...]:
    """Return the terms for an alert on a query's papers; () if a name may mean several people, or one of several has to fit."""
    # Drop everyday words, such as "faster", that papers rarely use; but 요약 (summary) is also a term.
    glossary = archive.reader.glossary
    named = [
        part for part in parts if glossary.find(part.text) or not questions.find_everyday_terms(part.text)
    ]
    words = [part.term for part in named or parts if any(map(str.isalpha, part.text))]
    terms = [models.AlertTerm(models.AlertKind.KEYWORD, text) for text in words]
    if any(len(query_parser.split_names(name)) > 1 for name in (*query.institutions, *query.authors)):
        return ()  # a draft has all of its terms
    terms += (models.AlertTerm(models.AlertKind.INSTITUTION, name) for name in query.institutions)
    for name in query.authors:
        namesakes = authors.find_authors(archive.writers, name)
        if len(namesakes) > 1:
            return ()
        author = namesakes[0].name if namesakes else name
        terms.append(models.AlertTerm(models.AlertKind.AUTHOR, author))
    return tuple(dict.fromkeys(terms))


def _suggest(
    archive: Archive, found: FoundPapers, request: SearchRequest, load: LoadVocabulary
) -> tuple[str, ...]:
    """Return alternatives to a query without matches that have some: without its filters, or with words corrected.

    The request's filters still apply. A name whose second word was read as a word comes alone: author:Ada Lovelace.
    """
    query = found.read.query
    words = query_parser.Query(query.text)
    whole = [f"{name} {query.text}" for name in query.authors if query.text]
    if names := [name for name in whole if authors.find_authors(archive.writers, name)]:
        return tuple(f'author:"{name}"' for name in names)
    # The words alone may match papers that its filters, exclusions or quoted phrases reject.
    is_narrow = bool(query.text) and replace(query, ignored=()) != words
    offered = [archive.read(words)] if is_narrow else []
    if found.unknown:
        vocabulary = load()
        near = [(word, meant[0][0]) for word in found.unknown if (meant := vocabulary.list_near(word))]
        near = [(word, meant) for word, meant in near if not questions.classify_filler(meant)]
        text = completion.apply_corrections(archive.read(words).text, near)
        offered += [archive.read(query_parser.Query(text))] if near else []
    scope = Scope(request.filters)
    of_institution = [] if query.institutions else _find_institution_among(archive, query, request)
    found_texts = (other.text for other in offered if archive.engine.find(other, scope, limit=1).complete)
    return (*of_institution, *found_texts)


def _find_institution_among(archive: Archive, query: query_parser.Query, request: SearchRequest) -> list[str]:
    """Return a query as from: and its other words if one to three are an institution that has such papers: Google robots."""
    words = list(map(questions.trim_filler, query.text.split()))
    for size, place in itertools.product((3, 2, 1), range(len(words))):
        name, before, following = " ".join(words[place : place + size]), words[:place], words[place + size :]
        if before and before[-1] in analyser.FUNCTION_WORDS:
            before.pop()  # from Google
        of_it = replace(query, text=" ".join((*before, *following)), institutions=(name,))
        if of_it.text and place + size <= len(words) and institutions.find_key(name):
            scope = make_scope(archive, of_it, request.filters)
            if archive.engine.find(read(archive, of_it), scope, limit=1).complete:
                return [query_parser.write_query(of_it)]
    return []
