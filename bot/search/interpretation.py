"""Interprets a text in the search box: finds the papers for it as typed or, if none has all its terms, as corrected."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

from bot.search import authors, completion, titles, transliteration
from bot.search.authors import Archive
from bot.search.engine import Engine, Matches
from bot.search.results import Hint, SearchRequest, SearchResult, Sort
from bot.text import analyser, concepts, institutions, people, query_parser, questions, typed_dates
from bot.text.parsed_query import ParsedQuery, Reading, ReadingKind
from storage import models
from storage.models import NO_FILTERS, Filters

LoadVocabulary = Callable[[], completion.Vocabulary]


def read(archive: Archive, query: ParsedQuery) -> ParsedQuery:
    """Read the words of a query, with the name of a paper that all call by it: ViT for An Image is Worth 16x16 Words.

    A word with hyphens that no paper has is several: *GPT-like*.
    """
    query = archive.read(query)
    absent = {part.text for part in query.parts if "-" in part.text and not archive.engine.count_papers(part)}
    if absent:
        words = (word.replace("-", " ") if word in absent else word for word in query.sought.split())
        query = archive.read(replace(query, text=" ".join(words)))
    parts = query.parts
    # Short words sound like names: 다리 is not DALL-E. Of a term or word that the glossary has, the names are known.
    is_known = len(parts) == 1 and (parts[0].key or archive.reader.glossary.is_word(parts[0].text))
    keys = query.names if is_known else ()
    title_id = titles.find_known(query.text, keys) if len(query.text) > 2 else None
    return replace(query, names=query.names | {title_id}) if title_id else query


def read_text(
    archive: Archive,
    typed: str,
    today: date | None = None,
    *,
    options: Filters = NO_FILTERS,
    is_question: bool = False,
) -> ParsedQuery:
    """Read any text by its operators and words, or as the first of READINGS that fits. Periods are read if `today` is given."""
    words = read(archive, query_parser.parse_query(typed, today, is_question=is_question))
    fitting = (of_it for reading in READINGS if (of_it := reading(archive, words, typed, today)) is not None)
    query = next(fitting, words)
    if words.meant and query.excluded:
        meant = query_parser.readmit_term(query.meant or words.meant)
        back = Reading(ReadingKind.WITH_ALL, meant, ", ".join(query.excluded))
        query = replace(query, others=(*query.others, back))
    return replace(query, options=options, paper_ids=authors.list_paper_ids(archive.writers, query.authors))


_YEAR = re.compile(r"[12]\d{3}(?:년[도에의]?)?")


def _find_period(
    archive: Archive, query: ParsedQuery, today: date | None
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
        if (
            is_alone
            or is_named
            or not archive.engine.list_top(ParsedQuery(options=Filters(*span)), limit=1)[1]
        ):
            return None
    if before[-1:] and before[-1] in analyser.FUNCTION_WORDS:
        before.pop()  # in 2025
    return span, typed, "" if is_alone else " ".join((*before, *following))


def _read_period(archive: Archive, query: ParsedQuery, _: str, today: date | None) -> ParsedQuery | None:
    """Return a query that has a date or a period as its other words, in that time."""
    if (found := _find_period(archive, query, today)) is None:
        return None
    span, typed, others = found
    rest = query_parser.write_query(dated := replace(query, text=others))
    meant = f"{rest} {query_parser.write_span(*span)}".strip()
    undated = Reading(ReadingKind.WORDS, f'{rest} "{typed}"'.strip(), typed)
    filters = dated.filters.narrowed(Filters(*span))
    return replace(read(archive, replace(dated, filters=filters, meant=meant)), others=(undated,))


_MIN_TITLE = 4
"""The minimum number of words of a text that counts as a part of a title instead of a sentence."""


def _read_title(archive: Archive, words: ParsedQuery, typed: str, today: date | None) -> ParsedQuery | None:
    """Return a paper's title, or a long part of one, as words that are not read as operators or as a date."""
    if not (words.meant or _find_period(archive, words, today)):
        return None
    is_long = len(typed.split()) >= _MIN_TITLE
    is_title = (
        titles.find_papers(archive, typed, limit=1) if is_long else titles.find_titled(archive, [typed])
    )
    return read(archive, ParsedQuery(typed.replace('"', " "))) if is_title else None


def _is_bare(query: ParsedQuery) -> bool:
    """Return whether a query has words alone, which may be a name, and what it leaves out."""
    return len(query.text) > 1 and not (query.phrases or query.is_limited)


def _read_institution(archive: Archive, query: ParsedQuery, *_: object) -> ParsedQuery | None:
    """Return the name of an institution as the query for its papers; that of a paper or a term too is sought as a whole."""
    for text in dict.fromkeys((query.text, query.sought)) if _is_bare(query) else ():
        if found := _find_institution(archive, text, query):
            name, papers = found
            of_it = _meaning(ParsedQuery(institutions=(name,), excluded=query.excluded))
            is_topic = (
                bool(archive.reader.glossary.find(text)) or archive.engine.find_named(query) is not None
            )
            if papers and not is_topic:
                return replace(read(archive, of_it), others=(_in_text(query, text, name),))
            forms = institutions.list_forms(text) or (text,)
            whole = concepts.literal_part(*dict.fromkeys((text, *forms)))
            others = (Reading(ReadingKind.INSTITUTION, f'from:"{name}"', name, papers),) if papers else ()
            return replace(query, parts=(whole,), wholes=(), others=others)
    return None


def _read_author(archive: Archive, query: ParsedQuery, *_: object) -> ParsedQuery | None:
    """Return the name of a person whom `/author` knows for sure, and who is in no title, as the query for their papers."""
    for text in dict.fromkeys((query.text, query.sought)) if _is_bare(query) and not query.excluded else ():
        # A Korean word may be another's spelling: 서베이 is survey before it sounds like an author.
        if _is_author(archive, text) and not archive.engine.find(query, limit=1).complete:
            by_it = _meaning(ParsedQuery(authors=(text,)))
            return replace(read(archive, by_it), others=(_in_text(query, query.text, text),))
    return None


READINGS = (_read_title, _read_period, _read_institution, _read_author)
"""What a text may be before it is words and operators, in this order; docs/search.md has an example of each."""


def _meaning(query: ParsedQuery) -> ParsedQuery:
    return replace(query, meant=query_parser.write_query(query))


def _in_text(query: ParsedQuery, typed: str, name: str) -> Reading:
    """Return the reading of a name as words of papers, in the spelling that was typed if that is the name alone."""
    name = typed if typed.casefold() == name.casefold() else name
    return Reading(ReadingKind.WORDS, query_parser.leave_out(f'"{name}"', query.excluded), name)


def _find_institution(archive: Archive, text: str, query: ParsedQuery) -> tuple[str, int] | None:
    """Return the institution that a whole text names, in a form of the text's script, and the number of papers from it.

    It is a known one, or one that papers give and no paper writes about.
    """
    engine, papers = archive.engine, archive.engine.count_from(text)
    if not institutions.find_key(text):
        is_word = bool(archive.reader.glossary.find(text) or questions.find_everyday_terms(text))
        if not papers or is_word or institutions.is_generic(text) or engine.find(query, limit=1).complete:
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


def list_matches(engine: Engine, query: ParsedQuery, request: SearchRequest) -> Matches:
    """Return a query's papers up to the end of a page.

    A query without words has all within its limits, top-voted first; those from an institution newest first.
    """
    end, sort = request.offset + request.limit, request.sort or Sort.RELEVANCE
    if query.parts or query.wholes:
        return engine.find(query, limit=end, sort=sort)
    if query.institutions and request.sort is None:
        sort = Sort.DATE
    ids, total = engine.list_top(query, sort=sort, limit=end)
    return Matches(dict.fromkeys(ids, 0.0), total)


def find(
    archive: Archive, query: ParsedQuery, request: SearchRequest, load: LoadVocabulary
) -> tuple[ParsedQuery, Matches]:
    """Find the papers for a query as typed or, if none has all its terms, with misspelt words corrected or a term divided."""
    engine = archive.engine
    if _asks_for_nothing(query, request):
        return query, Matches()
    matches = list_matches(engine, query, request)
    rare = completion.list_rare_words(engine, query.parts)
    if matches.complete:
        rare = {word: papers for word, papers in rare.items() if papers}
    corrected = completion.find_corrections(archive, load(), query.text, rare) if rare else ()
    if corrected:
        text = completion.apply_corrections(query.text, corrected)
        query = replace(read(archive, replace(query, text=text)), without=query.without)
        matches = list_matches(engine, query, request)
    asked = query.parts
    if not matches.total and (pieces := archive.reader.split_term(query)):
        # No paper has the term: those with its words are near.
        query, matches = pieces, list_matches(engine, pieces, request)
    absent = () if matches.complete else _list_absent(archive, query, asked, matches)
    if len(absent) == len(asked) and not matches.total:
        absent = ()  # that nothing is found says it
    if absent:
        matches = _keep_near(engine, query, matches)
    return replace(
        query,
        corrected=corrected,
        unknown=tuple(word for word, papers in rare.items() if not papers and word not in dict(corrected)),
        absent=tuple(part.shown_text for part in absent),
    ), matches


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


def _asks_for_nothing(query: ParsedQuery, request: SearchRequest) -> bool:
    """Return whether a query has no topic and no filter: -word alone, an emoji, or "today", does not mean all papers."""
    if query.has_text:
        return questions.asks_what_to_read(query.text)
    is_bare = not query.is_limited and query.options == NO_FILTERS and request.sort is not Sort.VOTES
    is_empty = not (query.is_limited or query.excluded or query.ignored)
    return is_bare or (is_empty and request.query.strip() != "")


def describe(
    archive: Archive, request: SearchRequest, query: ParsedQuery, matches: Matches, load: LoadVocabulary
) -> SearchResult:
    """Return what all pages of an answer have in common."""
    has_alert = not query.unknown or len(query.unknown) < len(query.parts)
    return SearchResult(
        total=matches.total,
        read=query,
        on_topic=matches.on_topic,
        all_terms=matches.all_terms,
        hints=_list_hints(query),
        alert_terms=_list_alert_terms(archive, query) if has_alert else (),
        suggestions=() if matches.complete else _suggest(archive, query, request, load),
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
    for name in query.authors:
        namesakes = authors.find_authors(archive.writers, name)
        if len(namesakes) > 1:
            return ()
        author = namesakes[0].name if namesakes else name
        terms.append(models.AlertTerm(models.AlertKind.AUTHOR, author))
    return tuple(dict.fromkeys(terms))


def _suggest(
    archive: Archive, query: ParsedQuery, request: SearchRequest, load: LoadVocabulary
) -> tuple[str, ...]:
    """Return alternatives to a query without matches that have some: without its filters, or with words corrected.

    The request's filters still apply. A name whose second word was read as a word comes alone: author:Ada Lovelace.
    """
    words = ParsedQuery(query.text, options=query.options)
    whole = [f"{name} {query.text}" for name in query.authors if query.text]
    if names := [name for name in whole if authors.find_authors(archive.writers, name)]:
        return tuple(f'author:"{name}"' for name in names)
    # The words alone may match papers that its filters, exclusions or quoted phrases reject.
    is_narrow = bool(query.text) and (query.phrases or query.excluded or query.is_limited)
    offered = [archive.read(words)] if is_narrow else []
    if query.unknown:
        vocabulary = load()
        similar = ((word, [meant for meant, _ in vocabulary.list_near(word)]) for word in query.unknown)
        near = [
            (word, meant)
            for word, known in similar
            for meant in known[:1] or filter(None, [_find_name(archive, word)])
            if not questions.classify_filler(meant)
        ]
        text = completion.apply_corrections(archive.read(words).sought, near)
        offered += [archive.read(replace(words, text=text))] if near else []
    of_institution = [] if query.institutions else _find_institution_among(archive, query)
    found_texts = (other.sought for other in offered if archive.engine.find(other, limit=1).complete)
    return (*of_institution, *found_texts)


def _find_name(archive: Archive, word: str) -> str | None:
    """Return the name of papers that a word in Hangul sounds like: EXAONE for 엑사원."""
    return titles.find_near_name(archive, word) if analyser.is_syllables(word) else None


def _find_institution_among(archive: Archive, query: ParsedQuery) -> list[str]:
    """Return a query as from: and its other words if one to three are an institution that has such papers: Google robots."""
    words = list(map(questions.trim_filler, query.text.split()))
    for size, place in itertools.product((3, 2, 1), range(len(words))):
        name, before, following = " ".join(words[place : place + size]), words[:place], words[place + size :]
        if before and before[-1] in analyser.FUNCTION_WORDS:
            before.pop()  # from Google
        of_it = replace(query, text=" ".join((*before, *following)), institutions=(name,))
        is_one = of_it.text and place + size <= len(words) and institutions.find_key(name)
        if is_one and archive.engine.find(read(archive, of_it), limit=1).complete:
            return [query_parser.write_query(of_it)]
    return []
