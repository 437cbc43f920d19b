"""Authors: finds people by name, with their papers, co-authors and topics.

A name may be in any order, spelling and length, in Hangul or Latin letters, and have typing errors if no name matches. Korean
names are looked up by all spellings of their parts as words.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice, pairwise

from bot.glossary import resolver
from bot.search import glossary as search_glossary
from bot.search import query as search_query
from bot.search.results import AuthorResult, Sort
from bot.text import analyser, concepts, people, questions
from bot.text.query_parser import Query
from storage import models, search
from storage.search import BooleanQuery, Prefix, all_of, any_of
from storage.snapshot import Snapshot

_PREFIX_LIMIT = 25
_CANDIDATE_LIMIT = 100
"""Candidates retrieved per query, those with the most papers first."""
_MAX_CORRECTIONS, _MAX_ERRORS = 40, 2
_MAX_KNOWN_WORDS = 500_000
"""Words of names, in order, that are compared with a typing error: half a second of CPU for a name of two words."""
_MIN_PART_LENGTH = 2
"""Letters of each part when a word is split into two names."""
_MAX_PREFIXES = 12
"""Spellings of an incomplete given name that are looked up as prefixes."""
_MAX_READINGS = 6
"""Hangul readings of a name in Latin letters whose other spellings are looked up."""
_MAX_RESPELLING_COST = 5
"""Of a name in Latin letters written in other ones: with an initial, but without other words."""


def _find_by_hangul(snapshot: Snapshot, name: str, *, is_prefix: bool) -> list[models.Author]:
    """Return the authors whose names in Latin letters spell a Hangul name, the likeliest first; none for other names."""
    if is_prefix:
        # Letters that do not form a syllable yet are left out: 김ㄱ gives 김.
        parts = ("".join(filter(analyser.is_syllables, word)) for word in name.split())
        found = _find(snapshot, people.split_hangul(" ".join(filter(None, parts))), is_prefix=True)
        return sorted(found, key=lambda author: (-author.paper_count, author.name))
    return _find_by_cost(snapshot, people.split_hangul(name), math.inf)


def _find_by_cost(
    snapshot: Snapshot, pairs: Sequence[tuple[str, str]], max_cost: float
) -> list[models.Author]:
    """Return the authors whose names are writings of a Hangul name of at most this cost, the likeliest first."""
    authors = _find(snapshot, pairs, is_prefix=False)
    costs = [(cost, author) for author in authors if (cost := _cost(pairs, author.name)) is not None]
    ranked = sorted(costs, key=lambda pair: (pair[0], -pair[1].paper_count, pair[1].name))
    return [author for cost, author in ranked if cost <= max_cost]


def _list_namesakes(authors: Sequence[models.Author], name: str) -> list[models.Author]:
    """Return the authors whose names spell a Hangul name as well as the first of them does."""
    pairs = people.split_hangul(analyser.fold_name(name))
    costs = [_cost(pairs, author.name) for author in authors]
    if not costs or costs[0] is None:
        return []
    return [author for author, cost in zip(authors, costs, strict=True) if cost == costs[0]]


def _find(snapshot: Snapshot, pairs: Sequence[tuple[str, str]], *, is_prefix: bool) -> list[models.Author]:
    if not pairs:
        return []
    words: set[str] = set()
    for family, given in pairs:
        of_family = people.family_spellings(family) if family else ()
        words.update((family + given, family, given), of_family, people.given_spellings(given))
    known = search.list_known_words(snapshot, words)
    query = any_of(_query(family, given, known, is_prefix=is_prefix) for family, given in pairs)
    return [] if query is None else search.find_authors(snapshot, query, limit=_CANDIDATE_LIMIT)


def _query(family: str, given: str, known: set[str], *, is_prefix: bool) -> BooleanQuery | None:
    """Return the query for a name in Hangul, in one word or two, and for the known spellings of its parts."""
    given_terms: list[BooleanQuery] = [word for word in people.given_spellings(given) if word in known]
    if is_prefix:
        given_terms += map(Prefix, islice(filter(None, people.given_spellings(given)), _MAX_PREFIXES))
    if not family:
        return any_of([*given_terms, given])
    of_family = people.family_spellings(family).items()
    families = [word for word, cost in of_family if word in known and not (is_prefix and cost)]
    whole: BooleanQuery = Prefix(family + given) if is_prefix else family + given
    if not given:
        return any_of([*families, whole])
    in_latin = all_of((any_of(families), any_of(given_terms))) if families and given_terms else None
    return any_of((in_latin, all_of((family, given)), whole))


def _cost(pairs: Sequence[tuple[str, str]], name: str) -> int | None:
    """Return the least cost of an author's name as a writing of a Hangul name: 0 for Hangul itself."""
    folded = analyser.fold_name(name).replace(" ", "")
    if any(folded in (family + given, given + family) for family, given in pairs):
        return 0
    costs = (people.match_cost(family, given, name) for family, given in pairs)
    return min((cost for cost in costs if cost is not None), default=None)


def find_authors(
    snapshot: Snapshot, name: str, *, limit: int = _CANDIDATE_LIMIT, is_prefix: bool = False
) -> list[models.Author]:
    """Return the authors whose names match, best first. With `is_prefix` the last word may be incomplete."""
    if not is_prefix:
        name = people.given_name_first(name)
    words = tuple(people.name_tokens(name))
    if not words:
        return []
    authors = _find_exact(snapshot, words, is_prefix=is_prefix)
    ranked = _rank(authors, words, is_prefix=is_prefix)
    korean = _find_by_hangul(snapshot, " ".join(words), is_prefix=is_prefix)
    if not ranked and not korean and not is_prefix:
        # By the name in Hangul that one in Latin letters may spell, and its other spellings.
        korean = _find_by_cost(snapshot, people.hangul_readings(name)[:_MAX_READINGS], _MAX_RESPELLING_COST)
    found = list({author.id: author for author in (*ranked, *korean)}.values())
    if not found:
        found = _rank(_find_fuzzy(snapshot, words), words, is_prefix=is_prefix)
    return found[:limit]


def _find_exact(snapshot: Snapshot, words: tuple[str, ...], *, is_prefix: bool) -> list[models.Author]:
    """Return the authors with all words, with two of the words joined, or with names that begin with the initials."""
    alternatives = [all_of(words), *(_joined_queries(words) if len(words) > 2 else ())]
    if len(words) > 1:
        alternatives.append(all_of(Prefix(word) if len(word) == 1 else word for word in words))
    queries = [any_of(alternatives), _prefix_query(words) if is_prefix else None]
    return _search(snapshot, queries, limit=_PREFIX_LIMIT if is_prefix else _CANDIDATE_LIMIT)


def _joined_queries(words: tuple[str, ...]) -> list[BooleanQuery | None]:
    """Return the queries for two neighbours joined: jun yang lin as junyang lin, and as jun yanglin."""
    return [
        all_of((*words[:number], left + right, *words[number + 2 :]))
        for number, (left, right) in enumerate(pairwise(words))
    ]


def _prefix_query(words: tuple[str, ...]) -> BooleanQuery | None:
    return all_of((*words[:-1], Prefix(words[-1])))


def _search(snapshot: Snapshot, queries: Iterable[BooleanQuery | None], *, limit: int) -> list[models.Author]:
    distinct = dict.fromkeys(query for query in queries if query is not None)
    return search.find_authors(snapshot, *distinct, limit=limit)


def _rank(
    authors: Sequence[models.Author], words: tuple[str, ...], *, is_prefix: bool = False
) -> list[models.Author]:
    distances = {author.id: people.name_distance(words, author.name) for author in authors}
    if not is_prefix:
        return sorted(
            authors, key=lambda author: (round(distances[author.id], 1), -author.paper_count, author.name)
        )
    # Complete names come first, then authors with most papers; ties go to names that begin with the first word: for "lou"
    # Louis before Jie Lou.
    return sorted(
        authors,
        key=lambda author: (
            distances[author.id] >= people.DIFFERENT_NAME,
            -author.paper_count,
            not author.key.startswith(words[0]),
            author.name,
        ),
    )


def _find_fuzzy(snapshot: Snapshot, words: tuple[str, ...]) -> list[models.Author]:
    """Return the authors with initials or longer words for the words, with words joined or split, or with an error or two."""
    corrections = _list_corrections(snapshot, words)
    corrected = [any_of((word, *corrections[word])) for word in words]
    cut = any_of([*_split_queries(words), *_joined_queries(words)])
    # "J." for Junyang in either of the two, if another word is complete, and "Q." may be missing.
    whole = [word for word in words if len(word) > 1]
    or_initial = [any_of((word, word[0])) for word in whole]
    short = all_of((*or_initial, any_of(whole))) if len(words) > 1 else None
    queries = (_prefix_query(words), cut, short, all_of(corrected))
    authors = _search(snapshot, queries, limit=_CANDIDATE_LIMIT)
    return [
        author
        for author in authors
        if people.name_distance(words, author.name) < people.MISSING_WORD
        and people.is_plausible(words, author.name)
    ]


def _split_queries(words: tuple[str, ...]) -> list[BooleanQuery | None]:
    """Return the queries for a long word as two names whose space is missing."""
    return [
        all_of((*words[:number], word[:length], word[length:], *words[number + 1 :]))
        for number, word in enumerate(words)
        for length in range(_MIN_PART_LENGTH, len(word) - _MIN_PART_LENGTH + 1)
    ]


def _list_corrections(snapshot: Snapshot, words: tuple[str, ...]) -> dict[str, list[str]]:
    """Return for each word the indexed words one typing error away, or two for long words, the nearest first."""
    # Loaded at the first error, which few names have.
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    found: dict[str, list[tuple[float, str]]] = {word: [] for word in words}
    for known in search.list_words(snapshot, limit=_MAX_KNOWN_WORDS):
        for word in filter(lambda word: len(word) > 1, found):
            near = process.extract(word, known, scorer=OSA.distance, score_cutoff=_MAX_ERRORS, limit=None)
            compared = ((people.word_distance(word, other), other) for other, *_ in near)
            likely = [pair for pair in compared if 0 < pair[0] < people.MISSING_WORD]
            found[word] = sorted([*found[word], *likely])[:_MAX_CORRECTIONS]
    return {word: [other for _, other in near] for word, near in found.items()}


def read_writers(snapshot: Snapshot, query: Query) -> Query:
    """Return a query with the institutions and people that its words name as writers ("from Stanford") as filters.

    A name that no paper has stays in the words, an institution without those that make it a writer.
    """
    words = query.text.split()
    institutions, named = list(query.institutions), list(query.authors)
    for writer in reversed(people.find_writers(words)):
        condition = institution_query([writer.name])
        if condition and search.count_matches(snapshot, condition, limit=1):
            institutions.append(writer.name)
        elif not writer.is_known and _is_author(snapshot, writer.name):
            named.append(writer.name)
        else:
            words[writer.start : writer.end] = (
                [writer.name] if writer.is_known else words[writer.start : writer.end]
            )
            continue
        words[writer.start : writer.end] = []
    text = " ".join(words)
    has_writer = len(institutions) + len(named) > len(query.institutions) + len(query.authors)
    if has_writer and not questions.has_topic(words):
        text = ""
    return replace(query, text=text, institutions=tuple(institutions), authors=tuple(named))


def _is_author(snapshot: Snapshot, name: str) -> bool:
    """Tell whether an author has a name as typed, in any order or script."""
    words = tuple(people.name_tokens(name))
    found = _find_exact(snapshot, words, is_prefix=False) if words else []
    return bool(found or _find_by_hangul(snapshot, " ".join(words), is_prefix=False))


def institution_query(names: Iterable[str]) -> BooleanQuery | None:
    """Return the query for papers that come from these institutions; None without a name.

    Of a paper of which no service says where it comes from, the text decides.
    """
    return all_of(_from_institution(name) for name in names)


def _from_institution(name: str) -> BooleanQuery | None:
    token, mark = people.institution_token(name), search_query.INSTITUTION_MARK
    if not token:
        return None
    named = [
        form.anywhere for text in people.institution_forms(name) if (form := search_query.from_text(text))
    ]
    return any_of([token + mark, all_of([any_of(named), mark]) if named else None])


MAX_COAUTHORS = 8
MAX_TOPICS = 5
_MIN_TITLES = 2
"""Titles that have a single word, such as quantization but not background, before it counts as a topic."""
_MAX_TOPIC_SHARE, _MIN_COMMON_PAPERS = 0.25, 100
"""Share of the archive's papers, and papers at least, above which a term such as benchmark says nothing of an author."""
MAX_TOPIC_PAPERS = 60
"""Papers of an author, the last stored, that topics are read from."""


def find_author(
    snapshot: Snapshot,
    glossary: resolver.Glossary,
    name: str,
    *,
    sort: Sort,
    filters: search.Filters,
    limit: int,
    offset: int,
    locale: models.Locale = models.Locale.EN,
) -> AuthorResult:
    """Return papers of the author whose name matches best, with co-authors, topics and the other matching names.

    If several people may be meant, by a Hangul name or by one word of their names, the papers are those of all.
    """
    matches = find_authors(snapshot, name)
    if not matches:
        return AuthorResult()
    best = matches[0]
    namesakes = _list_namesakes(matches, name) or _list_bearers(matches, name)
    paper_ids = search.list_paper_ids(snapshot, [author.id for author in namesakes or [best]])
    rows = search.list_paper_rows(snapshot, paper_ids, with_authors=False)
    allowed = [row for row in rows if filters.allow(row.date, row.votes)]
    shown_ids = [row.id for row in sort_rows(allowed, sort)[offset : offset + limit]]
    coauthors = search.list_coauthors(snapshot, best.id, limit=MAX_COAUTHORS)
    is_one = len(namesakes) < 2
    typed = tuple(people.name_tokens(people.given_name_first(name)))
    variants_by_id = search.list_name_variants(snapshot, [author.id for author in matches])
    shown = [display_name(author, variants_by_id.get(author.id, ())) for author in matches]
    name_of = {author.id: name for author, name in zip(matches, shown, strict=True)}
    indexed = search.list_by_paper_ids(snapshot, sorted(paper_ids)[-MAX_TOPIC_PAPERS:])
    return AuthorResult(
        rows=tuple(search.list_paper_rows(snapshot, shown_ids)),
        total=len(allowed),
        author=shown[0],
        matches=tuple(shown),
        name_variants=tuple(variants_by_id.get(best.id, ())),
        coauthors=tuple(author.name for author, _ in coauthors) if is_one else (),
        topics=_list_topics(snapshot, glossary, indexed.values(), locale) if is_one else (),
        namesakes=() if is_one else tuple(name_of[author.id] for author in namesakes),
        is_corrected=people.is_correction(typed, best.name) and not namesakes,
    )


def _list_bearers(matches: Sequence[models.Author], name: str) -> list[models.Author]:
    """Return the authors one of whose names is the only word of a name; none if it is a whole name."""
    words = people.name_tokens(name)
    named = [(author, people.name_tokens(author.name)) for author in matches]
    if len(words) != 1 or any(tokens == words for _, tokens in named):
        return []
    return [author for author, tokens in named if words[0] in tokens]


def display_name(author: models.Author, variants: Sequence[str]) -> str:
    """Return the most frequent spelling of a name; one with diacritics if there is one, since it says more."""
    accented = [variant for variant in variants if not variant.isascii()]
    return next(iter((*accented, *variants)), author.name)


def _list_topics(
    snapshot: Snapshot, glossary: resolver.Glossary, rows: Iterable[search.IndexRow], locale: models.Locale
) -> tuple[str, ...]:
    """Return the concepts that most of these papers explain in parentheses, by their usual forms in a language.

    Those of a quarter of the archive are left out.
    """
    counts, support, terms = Counter[str](), dict[str, int](), dict[str, str]()
    for row in rows:
        explained = (_explained_concept(glossary, mention) for mention in row.texts.mentions)
        by_key = {concept.key: concept for concept in explained if concept is not None}
        for concept in by_key.values():
            name = search_glossary.name_concept(concept, locale)
            counts[name] += 1
            support[name] = sum(form.papers for form in concept.forms)
            terms[name] = concept.usual_form("en") or concept.key
    # What other papers explain too says more; then the name decides, since the order of a set varies between runs.
    ranked = sorted(counts, key=lambda topic: (-counts[topic], -support[topic], topic))[: 2 * MAX_TOPICS]
    queries = {topic: form.anywhere for topic in ranked if (form := search_query.from_text(terms[topic]))}
    known = search.get_document_frequencies(
        snapshot, set().union(*map(search.query_tokens, queries.values()))
    )
    most = max(_MIN_COMMON_PAPERS, _MAX_TOPIC_SHARE * search.count_papers(snapshot))
    common = {topic for topic, query in queries.items() if search.estimate_matches(query, known) > most}
    return tuple(topic for topic in ranked if topic not in common)[:MAX_TOPICS]


def _explained_concept(glossary: resolver.Glossary, mention: str) -> concepts.Concept | None:
    """Return the concept that a mention explains; None for a word of no title, and for an ambiguous abbreviation."""
    term = search_glossary.mention_term(mention)
    found = glossary.find_concepts(term)
    if not found or (len(found) > 1 and term.isupper()):
        return None
    concept = found[0]
    if not glossary.is_topic(concept.key):
        return None
    is_term = " " in term or "-" in term or bool(concept.forms_in("abbr"))
    return concept if is_term or glossary.title_counts.get(concept.key, 0) >= _MIN_TITLES else None


def list_paper_ids(snapshot: Snapshot, names: Sequence[str]) -> frozenset[int] | None:
    """Return the papers written by authors of all these names; None without names."""
    found = [[author.id for author in find_authors(snapshot, name)] for name in names]
    written = [frozenset(search.list_paper_ids(snapshot, ids)) for ids in found]
    return frozenset.intersection(*written) if written else None


def sort_rows(rows: Sequence[models.PaperRow], sort: Sort) -> list[models.PaperRow]:
    """Return papers newest first by date, or top-voted first with unknown votes last by any other order."""
    newest = sorted(rows, key=lambda row: (row.date, row.id), reverse=True)
    return newest if sort is Sort.DATE else sorted(newest, key=lambda row: models.votes_descending(row.votes))
