"""Finds the people whom a name may mean: in any order, spelling and length, and, if nobody fits, with typing errors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from bot.text.analysis import normalisation
from bot.text.people import name_similarity, names
from storage import models
from storage.database import Connection
from storage.search import author_index
from storage.search.query import BooleanQuery, Prefix, all_of, any_of

DEFAULT_LIMIT = 25
_CANDIDATE_LIMIT = 100
"""People with most papers among those who fit at all; the best of them are given back."""
_MAX_CORRECTIONS = 40
_MIN_PART_LENGTH = 2
"""Letters of each of two names that were typed as one word by mistake."""


async def find_authors(
    connection: Connection, name: str, *, limit: int = DEFAULT_LIMIT, is_prefix: bool = False
) -> list[models.Author]:
    """Return the people whom a name may mean, best first. While `typing`, the last word may go on."""
    if not is_prefix:
        name = names.given_name_first(name)
    words = tuple(names.name_tokens(name))
    if not words:
        return []
    spellings = _spelling_queries(name, words)
    people = await _find_exact(connection, words, spellings, is_prefix=is_prefix)
    if not people:
        people = await _find_fuzzy(connection, words, spellings)
    return _rank(people, words, is_prefix=is_prefix)[:limit]


def _spelling_queries(name: str, words: tuple[str, ...]) -> list[BooleanQuery]:
    """Return for each word how it may stand in the index."""
    written_out = normalisation.fold_name_german(name[:300]).split()[: len(words)]
    if len(written_out) != len(words):
        written_out = list(words)
    return [
        one
        for word, german in zip(words, written_out, strict=True)
        if (one := any_of((word, german, names.collapse_umlauts(word), names.collapse_umlauts(german))))
        is not None
    ]


async def _find_exact(
    connection: Connection, words: tuple[str, ...], spellings: Sequence[BooleanQuery], *, is_prefix: bool
) -> list[models.Author]:
    """Return those who have all the words as they are, two of them as one, or names that begin with the initials."""
    asked = [all_of(spellings), *(_joined_queries(words) if len(words) > 2 else ())]
    if any(len(word) == 1 for word in words) and len(words) > 1:
        asked.append(
            all_of(Prefix(w) if len(w) == 1 else one for w, one in zip(words, spellings, strict=True))
        )
    questions = [any_of(asked), _prefix_query(words, spellings) if is_prefix else None]
    return await _search(connection, questions, limit=DEFAULT_LIMIT if is_prefix else _CANDIDATE_LIMIT)


def _joined_queries(words: tuple[str, ...]) -> list[BooleanQuery | None]:
    """Return the name with two neighbours written as one: jun yang lin as junyang lin, and as jun yanglin."""
    return [
        all_of((*words[:place], left + right, *words[place + 2 :]))
        for place, (left, right) in enumerate(pairwise(words))
    ]


def _prefix_query(words: tuple[str, ...], spellings: Sequence[BooleanQuery]) -> BooleanQuery | None:
    return all_of((*spellings[:-1], any_of((spellings[-1], Prefix(words[-1])))))


async def _search(
    connection: Connection, questions: Iterable[BooleanQuery | None], *, limit: int
) -> list[models.Author]:
    """Return the people whom any of the questions finds, each once."""
    asked = dict.fromkeys(one for one in questions if one is not None)
    return await author_index.find_authors(connection, *asked, limit=limit)


def _rank(
    people: Sequence[models.Author], words: tuple[str, ...], *, is_prefix: bool = False
) -> list[models.Author]:
    far = {one.id: name_similarity.name_distance(words, one.name) for one in people}
    if is_prefix:
        # Whoever has most papers is most likely meant, but a name typed out to its end comes first; of equals those whose
        # name begins so: Louis before Jie Lou.
        return sorted(
            people,
            key=lambda one: (
                far[one.id] >= name_similarity.DIFFERENT_NAME,
                -one.paper_count,
                not one.key.startswith(words[0]),
                one.name,
            ),
        )
    return sorted(people, key=lambda one: (round(far[one.id], 1), -one.paper_count, one.name))


async def _find_fuzzy(
    connection: Connection, words: tuple[str, ...], spellings: Sequence[BooleanQuery]
) -> list[models.Author]:
    """Return those who have initials for the words or longer words, or for whom there is a typing error or two."""
    corrected = await _corrections(connection, words)
    one_wrong = any_of(
        all_of((*spellings[:place], any_of(corrected[word]), *spellings[place + 1 :]))
        for place, word in enumerate(words)
        if corrected[word]
    )
    all_wrong = all_of(any_of((one, *corrected[word])) for word, one in zip(words, spellings, strict=True))
    people: list[models.Author] = []
    for questions in (
        (
            _prefix_query(words, spellings),
            _initials_query(words, spellings),
            any_of([*_split_queries(words), *_joined_queries(words)]),
            one_wrong,
        ),
        (all_wrong,),
        (all_of(map(Prefix, words)), *_all_but_one_queries(words, spellings, corrected)),
    ):
        people += await _search(connection, questions, limit=_CANDIDATE_LIMIT)
        if any(name_similarity.name_distance(words, one.name) <= name_similarity.ONE_TYPO for one in people):
            break
    people = list({one.id: one for one in people}.values())
    near = [
        one for one in people if name_similarity.name_distance(words, one.name) < name_similarity.MISSING_WORD
    ]
    return near or (people if len(words) > 2 else [])


def _initials_query(words: tuple[str, ...], spellings: Sequence[BooleanQuery]) -> BooleanQuery | None:
    """Let "J." stand for Junyang, if another word is there in full, and "Q." be left out."""
    written = [one for word, one in zip(words, spellings, strict=True) if len(word) > 1]
    if not written or len(words) < 2:
        return None
    return any_of(
        (
            all_of(
                (
                    *(any_of((one, word[0])) for word, one in zip(words, spellings, strict=True)),
                    any_of(written),
                )
            ),
            all_of(written) if len(written) > 1 else None,
        )
    )


def _split_queries(words: tuple[str, ...]) -> list[BooleanQuery | None]:
    """Return a long word as two names between which the space is missing."""
    return [
        all_of((*words[:number], word[:place], word[place:], *words[number + 1 :]))
        for number, word in enumerate(words)
        for place in range(_MIN_PART_LENGTH, len(word) - _MIN_PART_LENGTH + 1)
    ]


async def _corrections(connection: Connection, words: tuple[str, ...]) -> dict[str, list[str]]:
    """Return for each word the known ones at most an error away, or two for long ones, the nearest first."""
    shorter = {word: names.deletion_variants(word) for word in words if len(word) > 1}
    asked = {one for word in shorter for one in (*shorter[word], *names.edit_neighbours(word))}
    known = await author_index.list_known_words(connection, asked)
    known |= await author_index.list_words_by_deletions(
        connection, {one for word in shorter for one in (word, *shorter[word])}
    )
    near = {
        word: sorted(
            (far, one)
            for one in known
            if 0 < (far := name_similarity.word_distance(word, one)) < name_similarity.MISSING_WORD
        )
        for word in shorter
    }
    return {word: [one for _, one in near.get(word, ())][:_MAX_CORRECTIONS] for word in words}


def _all_but_one_queries(
    words: tuple[str, ...], spellings: Sequence[BooleanQuery], corrected: dict[str, list[str]]
) -> list[BooleanQuery | None]:
    """Ask for people who have all words but one, which may then differ by more than any known word."""
    if len(words) < 2:
        return []
    wide = [any_of((one, *corrected[word])) for word, one in zip(words, spellings, strict=True)]
    rests = [(word, (*wide[:place], *wide[place + 1 :])) for place, word in enumerate(words)]
    # Of a frequent family name there are too many people to look at: most errors leave the first two letters alone.
    begun = [all_of((*rest, Prefix(word[:2]))) for word, rest in rests if len(word) >= names.MIN_FUZZY_LENGTH]
    return [*begun, *(all_of(rest) for _, rest in rests)]
