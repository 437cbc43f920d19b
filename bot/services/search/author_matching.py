"""Author names: finds authors by a name in any order, spelling and length, and with typing errors if no name matches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from bot.services.search import korean_names
from bot.text.analysis import normalisation
from bot.text.people import name_similarity, names
from storage import models
from storage.database import Connection
from storage.search import author_index
from storage.search.query import BooleanQuery, Prefix, all_of, any_of

DEFAULT_LIMIT = 25
_CANDIDATE_LIMIT = 100
"""Candidates retrieved per query, those with the most papers first."""
_MAX_CORRECTIONS = 40
_MAX_NAME_LENGTH = 300
_MIN_PART_LENGTH = 2
"""Letters of each part when a word is split into two names."""


async def find_authors(
    connection: Connection, name: str, *, limit: int = DEFAULT_LIMIT, is_prefix: bool = False
) -> list[models.Author]:
    """Return the authors whose names match, best first. With `is_prefix` the last word may be incomplete."""
    if not is_prefix:
        name = names.given_name_first(name)
    words = tuple(names.name_tokens(name))
    if not words:
        return []
    spellings = _spelling_queries(name, words)
    authors = await _find_exact(connection, words, spellings, is_prefix=is_prefix)
    ranked = _rank(authors, words, is_prefix=is_prefix)
    korean = await korean_names.find_by_hangul(connection, " ".join(words), is_prefix=is_prefix)
    if not ranked and not korean and not is_prefix:
        korean = await korean_names.find_by_spelling(connection, name)
    found = list({author.id: author for author in (*ranked, *korean)}.values())
    if not found:
        found = _rank(await _find_fuzzy(connection, words, spellings), words, is_prefix=is_prefix)
    return found[:limit]


def is_correction(name: str, author: models.Author) -> bool:
    """Tell whether an author that was found for a name is called otherwise than typed."""
    return name_similarity.is_correction(tuple(names.name_tokens(names.given_name_first(name))), author.name)


def _spelling_queries(name: str, words: tuple[str, ...]) -> list[BooleanQuery]:
    """Return the query for each word's spellings: umlauts as typed, written out (ue) and reduced (u)."""
    written_out = normalisation.fold_name_german(name[:_MAX_NAME_LENGTH]).split()[: len(words)]
    if len(written_out) != len(words):
        written_out = list(words)
    queries = (
        any_of((word, german, names.collapse_umlauts(word), names.collapse_umlauts(german)))
        for word, german in zip(words, written_out, strict=True)
    )
    return [query for query in queries if query is not None]


async def _find_exact(
    connection: Connection, words: tuple[str, ...], spellings: Sequence[BooleanQuery], *, is_prefix: bool
) -> list[models.Author]:
    """Return the authors with all words, with two of the words joined, or with names that begin with the initials."""
    alternatives = [all_of(spellings), *(_joined_queries(words) if len(words) > 2 else ())]
    if any(len(word) == 1 for word in words) and len(words) > 1:
        alternatives.append(
            all_of(
                Prefix(word) if len(word) == 1 else spelling
                for word, spelling in zip(words, spellings, strict=True)
            )
        )
    queries = [any_of(alternatives), _prefix_query(words, spellings) if is_prefix else None]
    return await _search(connection, queries, limit=DEFAULT_LIMIT if is_prefix else _CANDIDATE_LIMIT)


def _joined_queries(words: tuple[str, ...]) -> list[BooleanQuery | None]:
    """Return the queries for two neighbours joined: jun yang lin as junyang lin, and as jun yanglin."""
    return [
        all_of((*words[:number], left + right, *words[number + 2 :]))
        for number, (left, right) in enumerate(pairwise(words))
    ]


def _prefix_query(words: tuple[str, ...], spellings: Sequence[BooleanQuery]) -> BooleanQuery | None:
    return all_of((*spellings[:-1], any_of((spellings[-1], Prefix(words[-1])))))


async def _search(
    connection: Connection, queries: Iterable[BooleanQuery | None], *, limit: int
) -> list[models.Author]:
    """Return the distinct authors that any of the queries matches."""
    distinct = dict.fromkeys(query for query in queries if query is not None)
    return await author_index.find_authors(connection, *distinct, limit=limit)


def _rank(
    authors: Sequence[models.Author], words: tuple[str, ...], *, is_prefix: bool = False
) -> list[models.Author]:
    distances = {author.id: name_similarity.name_distance(words, author.name) for author in authors}
    if not is_prefix:
        return sorted(
            authors, key=lambda author: (round(distances[author.id], 1), -author.paper_count, author.name)
        )
    # Complete names come first, then authors with most papers; ties go to names that begin with the first word: for "lou"
    # Louis before Jie Lou.
    return sorted(
        authors,
        key=lambda author: (
            distances[author.id] >= name_similarity.DIFFERENT_NAME,
            -author.paper_count,
            not author.key.startswith(words[0]),
            author.name,
        ),
    )


async def _find_fuzzy(
    connection: Connection, words: tuple[str, ...], spellings: Sequence[BooleanQuery]
) -> list[models.Author]:
    """Return the authors with initials or longer words for the words, or with a typing error or two.

    Cheaper queries run first; more expensive ones only until a name at most one typing error away matches.
    """
    corrections = await _list_corrections(connection, words)
    matches: dict[int, models.Author] = {}
    for queries in _fuzzy_stages(words, spellings, corrections):
        authors = await _search(connection, queries, limit=_CANDIDATE_LIMIT)
        matches.update((author.id, author) for author in authors)
        distances = {
            author_id: name_similarity.name_distance(words, author.name)
            for author_id, author in matches.items()
        }
        if any(distance <= name_similarity.ONE_TYPO for distance in distances.values()):
            break
    return [
        author
        for author_id, author in matches.items()
        if distances[author_id] < name_similarity.MISSING_WORD
        and name_similarity.is_plausible(words, author.name)
    ]


def _fuzzy_stages(
    words: tuple[str, ...], spellings: Sequence[BooleanQuery], corrections: dict[str, list[str]]
) -> tuple[Sequence[BooleanQuery | None], ...]:
    one_corrected = any_of(
        all_of((*spellings[:number], any_of(corrections[word]), *spellings[number + 1 :]))
        for number, word in enumerate(words)
        if corrections[word]
    )
    all_corrected = all_of(_with_corrections(words, spellings, corrections))
    return (
        (
            _prefix_query(words, spellings),
            _initials_query(words, spellings),
            any_of([*_split_queries(words), *_joined_queries(words)]),
            one_corrected,
        ),
        (all_corrected,),
        (all_of(map(Prefix, words)), *_all_but_one_queries(words, spellings, corrections)),
    )


def _with_corrections(
    words: tuple[str, ...], spellings: Sequence[BooleanQuery], corrections: dict[str, list[str]]
) -> list[BooleanQuery | None]:
    return [any_of((spelling, *corrections[word])) for word, spelling in zip(words, spellings, strict=True)]


def _initials_query(words: tuple[str, ...], spellings: Sequence[BooleanQuery]) -> BooleanQuery | None:
    """Return the query in which "J." may stand for Junyang if another word is complete, and "Q." may be missing."""
    complete = [spelling for word, spelling in zip(words, spellings, strict=True) if len(word) > 1]
    if not complete or len(words) < 2:
        return None
    or_initial = (any_of((spelling, word[0])) for word, spelling in zip(words, spellings, strict=True))
    return any_of((all_of((*or_initial, any_of(complete))), all_of(complete) if len(complete) > 1 else None))


def _split_queries(words: tuple[str, ...]) -> list[BooleanQuery | None]:
    """Return the queries for a long word as two names whose space is missing."""
    return [
        all_of((*words[:number], word[:length], word[length:], *words[number + 1 :]))
        for number, word in enumerate(words)
        for length in range(_MIN_PART_LENGTH, len(word) - _MIN_PART_LENGTH + 1)
    ]


async def _list_corrections(connection: Connection, words: tuple[str, ...]) -> dict[str, list[str]]:
    """Return for each word the indexed words one typing error away, or two for long words, the nearest first."""
    deletions = {word: names.deletion_variants(word) for word in words if len(word) > 1}
    neighbours = {
        variant for word in deletions for variant in (*deletions[word], *names.edit_neighbours(word))
    }
    known = await author_index.list_known_words(connection, neighbours)
    known |= await author_index.list_words_by_deletions(
        connection, {variant for word in deletions for variant in (word, *deletions[word])}
    )
    near = {
        word: sorted(
            (distance, other)
            for other in known
            if 0 < (distance := name_similarity.word_distance(word, other)) < name_similarity.MISSING_WORD
        )
        for word in deletions
    }
    return {word: [other for _, other in near.get(word, ())][:_MAX_CORRECTIONS] for word in words}


def _all_but_one_queries(
    words: tuple[str, ...], spellings: Sequence[BooleanQuery], corrections: dict[str, list[str]]
) -> list[BooleanQuery | None]:
    """Return the queries for all words but one, which may then be farther off than any correction."""
    if len(words) < 2:
        return []
    corrected = _with_corrections(words, spellings, corrections)
    others = [(word, (*corrected[:number], *corrected[number + 1 :])) for number, word in enumerate(words)]
    # A frequent family name has too many authors to score, and most errors spare the first two letters.
    with_prefix = [
        all_of((*rest, Prefix(word[:2]))) for word, rest in others if len(word) >= names.MIN_FUZZY_LENGTH
    ]
    return [*with_prefix, *(all_of(rest) for _, rest in others)]
