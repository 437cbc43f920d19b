"""Finds authors by name and lists their papers.

The words of a name may be in any order, abbreviated, and in Hangul or Latin letters. Misspelt names match only if nothing
else does. Korean names are looked up by the romanisations of their syllables, foreign names in Hangul by their sound.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from itertools import islice
from typing import NamedTuple, cast

import tantivy
from tantivy import Query

from bot.search import index as search_index
from bot.search import transliteration
from bot.search.engine import Engine, Survey, all_of, any_of
from bot.search.query_reader import QueryReader
from bot.search.results import AuthorResult, Sort
from bot.text import analyser, institutions, people, plain, query_parser, tokens
from bot.text.parsed_query import ParsedQuery
from storage import models, search
from storage.search import Author
from storage.snapshot import Snapshot

_PREFIX_LIMIT = 25
_CANDIDATE_LIMIT, _MAX_NAMESAKES = 100, 20_000
"""Candidates retrieved per query, most papers first, of a name that is being typed, and of a whole name."""
_FUZZY_LIMIT = 400
_MAX_PREFIXES = 12
"""Maximum number of spellings of an incomplete given name that are looked up as prefixes."""
_MAX_NEAR, _MAX_NEAR_WORDS, _MIN_RATIO = 5, 4, 75
"""The most names that are offered for an unknown one, the most words of it, and their least similarity in percent."""
_MIN_OUTLINE = 6
"""The fewest syllables of a word that is compared by its consonants alone."""
_MIN_SHARE = 0.3
_NO_LOANWORD = re.compile("[\u1101\u1104\u1108\u110a\u110d]|\u110b\u1173$")
"""A tense consonant, which the orthography of loanwords does not have, or the end of a particle: stems of verbs."""
"""A Korean word is taken as a spelling of a name if at least this share of its papers also contain the name."""


class Writers:
    """The author names in one version of the index and the database."""

    def __init__(self, view: Snapshot, searcher: tantivy.Searcher) -> None:
        self.view = view
        self._searcher, self._schema = searcher, search_index.author_schema()

    def word(self, word: str) -> Query | None:
        """Return the query for names that contain this word; None if no name does."""
        is_known = bool(word) and self._searcher.doc_freq("word", word) > 0
        return Query.term_query(self._schema, "word", word, "basic") if is_known else None

    def beginning(self, text: str) -> Query:
        # The engine takes ten times as long to read a regular expression.
        return Query.fuzzy_term_query(self._schema, "word", text, 0, prefix=True)

    def near(self, word: str, errors: int) -> Query | None:
        """Return the query for names with a word within this many typing errors; short words allow only one error."""
        if len(word) < 2:
            return self.word(word)
        allowed = errors if len(word) >= people.MIN_FUZZY_LENGTH else 1
        return Query.fuzzy_term_query(self._schema, "word", word, allowed)

    def pattern(self, pattern: str) -> Query:
        return Query.regex_query(self._schema, "word", pattern)

    def sound(self, pattern: str) -> Query | None:
        """Return the query for names with a word that matches a regular expression; None if no name has one."""
        query = self.pattern(pattern)
        return query if self._searcher.search(query, 1, count=False).hits else None

    def find(self, queries: Iterable[Query | None], *, limit: int) -> list[Author]:
        """Return the authors that match any of the queries, most papers first, at most `limit` for each query."""
        ids: dict[int, None] = {}
        for query in queries:
            if query is not None:
                result = self._searcher.search(query, limit, order_by_field="papers", count=False)
                addresses = [address for _, address in result.hits]
                found_ids = cast("list[int]", self._searcher.fast_field_values("id", addresses))
                ids.update(dict.fromkeys(found_ids))
        return sorted(search.list_authors(self.view, ids).values(), key=lambda author: -author.paper_count)


class Archive(NamedTuple):
    """The context of a search: a database snapshot, the index and the query reader."""

    view: Snapshot
    engine: Engine
    writers: Writers
    reader: QueryReader
    is_stale: bool

    def read(self, query: ParsedQuery) -> ParsedQuery:
        """Read a query's words, with the names that they sound like."""
        names = SoundingNames()
        read = self.reader.read(query, names.choose)
        asked = names.ask(self.engine)
        return (
            self.reader.read(query, names.choose)
            if asked and names.settle(self.engine.survey(ParsedQuery(), asked))
            else read
        )


class SoundingNames:
    """The names that words in Hangul sound like; once it is settled, of these the ones that many papers use with the word."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}
        self._settled: dict[str, list[str]] = {}

    def choose(self, word: str, names: Sequence[str]) -> Sequence[str]:
        """Return the settled names, and note those that may be."""
        self._names[word] = [*names]
        return self._settled.get(word, ())

    def ask(self, engine: Engine) -> dict[Hashable, Query | None]:
        """Return what papers have to be asked."""
        asked: dict[Hashable, Query | None] = {}
        for word, names in self._names.items():
            typed = tokens.WHOLE + word if len(word) == 2 else word  # so that 라마 does not match 라마단
            asked |= {word: engine.having([[typed]])} if names else {}
            asked |= {(word, name): engine.having([[typed], [name]]) for name in names}
        return asked

    def settle(self, survey: Survey) -> bool:
        """Settle the names by what papers have. Returns whether there are any."""
        for word, names in self._names.items():
            if not survey.count(word) and _NO_LOANWORD.search(unicodedata.normalize("NFD", word)):
                continue
            least = _MIN_SHARE * survey.count(word)
            self._settled[word] = [name for name in names if survey.count((word, name)) >= least]
        return any(self._settled.values())


def _find_by_hangul(writers: Writers, name: str, *, is_prefix: bool, limit: int) -> list[Author]:
    """Return the authors whose Latin names spell a Hangul name, best matches first."""
    if is_prefix:
        # Drop letters that do not form a syllable yet: 김ㄱ becomes 김.
        parts = ("".join(filter(analyser.is_syllables, word)) for word in name.split())
        name = " ".join(filter(None, parts))
    pairs = people.split_hangul(name)
    query = any_of(_name_query(writers, *pair, is_prefix=is_prefix) for pair in pairs)
    costs = [
        (0 if is_prefix else _cost(pairs, author.name), -author.paper_count, author.name, author)
        for author in writers.find([query], limit=limit)
        if any(given_name or people.has_family(author.name, family) for family, given_name in pairs)
    ]
    return [row[-1] for row in sorted((row for row in costs if row[0] is not None), key=lambda row: row[:-1])]


def _list_namesakes(authors: Sequence[Author], name: str) -> list[Author]:
    """Return the authors whose names match a Hangul name as well as the first author's name does."""
    pairs = people.split_hangul(analyser.fold_name(name))
    costs = [_cost(pairs, author.name) for author in authors]
    if not costs or costs[0] is None:
        return []
    return [author for author, cost in zip(authors, costs, strict=True) if cost == costs[0]]


def _name_query(writers: Writers, family: str, given: str, *, is_prefix: bool) -> Query | None:
    """Return the query for a name in Hangul, with or without a space, or in any known romanisation."""
    of_family = people.family_spellings(family).items() if family else ()
    families = any_of(writers.word(word) for word, cost in of_family if not (is_prefix and cost))
    spellings = list(people.given_spellings(given)) if families or not family else []
    given_queries = list(map(writers.word, spellings))
    if is_prefix:
        given_queries += map(writers.beginning, islice(filter(None, spellings), _MAX_PREFIXES))
    given_query = any_of(given_queries)
    if not family:
        return any_of([given_query, writers.word(given)])
    whole = writers.beginning(family + given) if is_prefix else writers.word(family + given)
    if not given:
        return any_of([families, whole])
    in_hangul = all_of((writers.word(family), writers.word(given)))
    return any_of((all_of((families, given_query)), in_hangul, whole))


def _cost(pairs: Sequence[tuple[str, str]], name: str) -> int | None:
    """Return how unusual a name is as a spelling of a Hangul name, 0 if identical; None for a different name."""
    folded = analyser.fold_name(name).replace(" ", "")
    if any(folded in (family + given, given + family) for family, given in pairs):
        return 0
    costs = (people.match_cost(family, given, name) for family, given in pairs)
    return min((cost for cost in costs if cost is not None), default=None)


def find_authors(
    writers: Writers, name: str, *, limit: int = _MAX_NAMESAKES, is_prefix: bool = False
) -> list[Author]:
    """Return the authors with matching names, best first. If `is_prefix`, the last word may be incomplete.

    Initials alone, as in A* and C++, are not a name.
    """
    words = tuple(people.name_tokens(name))
    if not words or not (is_prefix or any(len(word) > 1 or not word.isascii() for word in words)):
        return []
    authors = find_exact(writers, words, is_prefix=is_prefix)
    ranked = _rank(authors, words, is_prefix=is_prefix)
    most = max(limit, _CANDIDATE_LIMIT)
    korean = _find_by_hangul(writers, " ".join(words), is_prefix=is_prefix, limit=most)
    matches = list({author.id: author for author in (*ranked, *korean)}.values())
    if not matches and not is_prefix:
        matches = _find_by_sound(writers, words)
    if not matches:
        matches = _rank(_find_fuzzy(writers, words), words, is_prefix=is_prefix)
    return matches[:limit]


def _find_by_sound(writers: Writers, words: tuple[str, ...]) -> list[Author]:
    """Return the authors whose names sound like a foreign name in Hangul: Thomas Wolf for 토머스 울프 and 울프.

    A word of two syllables sounds like many words, so that it has to sound like a last name: 저장 is not Se Jung Kwon.
    """
    patterns = list(map(transliteration.name_pattern, words))
    if len("".join(words)) < transliteration.MIN_SYLLABLES or None in patterns:
        return []
    query = all_of(map(writers.sound, sorted(filter(None, patterns), key=len)))
    alike = writers.find([query], limit=_CANDIDATE_LIMIT)
    names = {author: people.name_tokens(author.name) for author in alike}
    if len(words) == 1 and len(words[0]) == transliteration.MIN_SYLLABLES:
        last_names = {one: (name[-1], "".join(name[-2:])) for one, name in names.items()}
        alike = [
            one for one in alike if any(re.fullmatch(patterns[0] or "", last) for last in last_names[one])
        ]
    return [author for author in alike if len(names[author]) == len(words)] or alike


def _find_near_sounds(writers: Writers, words: Sequence[str]) -> list[Author]:
    """Return the authors whose names have the consonants of a foreign name in Hangul, or whose last names sound like it.

    One word must sound like the author's; a word alone must be long.
    """
    spelt = [transliteration.name_pattern(word) for word in words]
    if not all(spelt) or (len(words) == 1 and len(words[0]) < _MIN_OUTLINE):
        return []
    sounds = [writers.pattern(pattern) for pattern in spelt if pattern]
    outlines = [writers.pattern(transliteration.name_outline(word)) for word in words]
    alike = all_of([*outlines, *([any_of(sounds)] if len(words) > 1 else [])])
    return writers.find([alike], limit=_MAX_NEAR) or writers.find(sounds[1:][-1:], limit=_MAX_NEAR)


def is_in_name(writers: Writers, text: str) -> bool:
    """Return whether an author's name has all words of a text."""
    words = people.name_tokens(text)
    return bool(words and writers.find([all_of(map(writers.word, words))], limit=1))


def find_exact(writers: Writers, words: tuple[str, ...], *, is_prefix: bool) -> list[Author]:
    """Return the authors whose names contain all of the words, or two of them joined. An initial matches any word
    that begins with that letter.
    """
    is_alone = len(words) == 1
    query = all_of(
        writers.word(word) if is_alone or len(word) > 1 else writers.beginning(word) for word in words
    )
    queries = [query, *(all_of(map(writers.word, joined)) for joined in people.join_words(words))]
    if is_prefix:
        queries += (_prefix_query(writers, typed) for typed in (words, *people.join_words(words)))
        return writers.find(queries, limit=_PREFIX_LIMIT)
    authors = writers.find(queries, limit=_MAX_NAMESAKES)
    return [author for author in authors if people.name_distance(words, author.name) < people.MISSING_WORD]


def _prefix_query(writers: Writers, words: tuple[str, ...]) -> Query | None:
    return all_of([*map(writers.word, words[:-1]), writers.beginning(words[-1])])


def _rank(authors: Sequence[Author], words: tuple[str, ...], *, is_prefix: bool = False) -> list[Author]:
    """Sort authors by how closely their names match; during autocomplete, put complete names first."""

    def key(author: Author) -> tuple[object, ...]:
        distance = people.name_distance(words, author.name)
        nearness = distance >= people.DIFFERENT_NAME if is_prefix else round(distance, 1)
        # For "lou", list Louis before Jie Lou.
        return nearness, -author.paper_count, is_prefix and not author.key.startswith(words[0]), author.name

    return sorted(authors, key=key)


def _find_fuzzy(writers: Writers, words: tuple[str, ...]) -> list[Author]:
    """Return authors whose names match loosely: by initials, prefix or up to two typing errors."""
    # One name may be abbreviated to an initial if another word is complete; a middle initial may be missing.
    whole = [word for word in words if len(word) > 1]
    short = None
    if len(words) > 1:
        or_initial = [any_of(map(writers.word, (word, word[0]))) for word in whole]
        short = all_of((*or_initial, any_of(map(writers.word, whole))))
    corrected = (all_of(writers.near(word, errors) for word in words) for errors in (1, 2))
    authors = writers.find([_prefix_query(writers, words), short, *corrected], limit=_FUZZY_LIMIT)
    return [
        author
        for author in authors
        if people.name_distance(words, author.name) < people.MISSING_WORD
        and people.is_plausible(words, author.name)
    ]


def list_near(writers: Writers, name: str) -> list[str]:
    """Return the authors with the names most similar to an unknown one, such as Tri Dao for "Tri Dow".

    If there are none, those with one word of what is written as a name: Ada Lovelace for "Ada Nobody".
    """
    from rapidfuzz import fuzz, process  # imported here because most searches do not need it

    words = people.name_tokens(name)
    if not 1 <= len(words) <= _MAX_NEAR_WORDS:
        return []
    if analyser.has_hangul(name):
        begun = find_authors(writers, name, limit=_MAX_NEAR, is_prefix=True)
        return [author.name for author in begun or _find_near_sounds(writers, words)]
    similar = [query for word in words for query in (writers.word(word), writers.near(word, 2))]
    names = [author.name for author in writers.find(similar, limit=_FUZZY_LIMIT)]
    spelt = [" ".join(people.name_tokens(similar_name)) for similar_name in names]
    typed = " ".join(words)
    near = process.extract(
        typed, spelt, scorer=fuzz.token_sort_ratio, score_cutoff=_MIN_RATIO, limit=_MAX_NEAR
    )
    if near or not people.is_written_as_name(name):
        return [names[number] for _, _, number in near]
    return [one for one in names if not {*words}.isdisjoint(people.name_tokens(one))][:_MAX_NEAR]


def find_author(
    archive: Archive,
    name: str,
    *,
    sort: Sort = Sort.VOTES,
    filters: models.Filters = models.NO_FILTERS,
    limit: int,
    offset: int = 0,
) -> AuthorResult:
    """Return the papers of the best-matching author (or of everyone whose name the Hangul spells), and all matching names."""
    name = people.strip_titles(plain.clean_typed(name))
    matches, namesakes = _choose_authors(archive.writers, name)
    if not matches:
        return AuthorResult(near=tuple(list_near(archive.writers, name)))
    ids, is_one = [author.id for author in namesakes or matches[:1]], len(namesakes) < 2
    of_them = ParsedQuery(options=filters, paper_ids=search.list_paper_ids(archive.view, ids))
    paper_ids, total = archive.engine.list_top(of_them, sort=sort, limit=limit, offset=offset)
    rows = tuple(search.list_paper_rows(archive.view, paper_ids, until_on=filters.until_on))
    name_of = {author.id: author.name for author in matches}
    name_of[matches[0].id] = _write_as_papers(matches[0].name, rows)
    return AuthorResult(
        rows,
        total,
        author=name_of[matches[0].id],
        matches=tuple(name_of.values()),
        namesakes=() if is_one else tuple(name_of[id_] for id_ in ids),
        is_corrected=people.is_correction(tuple(people.name_tokens(name)), matches[0].name) and not namesakes,
    )


def find_certain(writers: Writers, name: str) -> tuple[Sequence[Author], bool]:
    """Return the authors with a name, best first, and whether it was misspelt."""
    name = people.strip_titles(plain.clean_typed(name))
    matches, namesakes = _choose_authors(writers, name)
    is_corrected = bool(matches) and people.is_correction(tuple(people.name_tokens(name)), matches[0].name)
    return matches, is_corrected and not namesakes


def _choose_authors(writers: Writers, name: str) -> tuple[Sequence[Author], Sequence[Author]]:
    """Return the authors with a name, best first, and those of them whom it may mean as well as the first one."""
    typed, matches = tuple(people.name_tokens(name)), find_authors(writers, name)
    if not matches:
        # For a family name alone, use the suggestions of autocomplete.
        is_family = any(family and not given_name for family, given_name in people.split_hangul(name))
        matches = find_authors(writers, name, is_prefix=True) if is_family else []
        return matches, matches
    if institutions.list_forms(name) and people.is_correction(typed, matches[0].name):
        return [], []  # MIT is not Min Lin
    is_exact = bool(find_exact(writers, typed, is_prefix=False))
    if is_exact and len(typed) == 1 and people.name_tokens(matches[0].name) != [*typed]:
        return matches, [author for author in matches if typed[0] in people.name_tokens(author.name)]
    namesakes = _list_namesakes(matches, name)
    is_by_sound = analyser.has_hangul(name) and not (is_exact or namesakes)
    return matches, _find_by_sound(writers, typed) if is_by_sound else namesakes


def _write_as_papers(name: str, rows: Iterable[models.PaperRow]) -> str:
    """Return an author's name as most of the papers spell it, with its accents: not "Ben allal"."""
    key, has_accents = analyser.fold_name(name), not name.isascii()
    spellings = Counter(one for row in rows for one in row.authors if analyser.fold_name(one) == key)
    alike = (one for one, _ in spellings.most_common() if one.isascii() != has_accents)
    return next(alike, name)


def list_paper_ids(writers: Writers, names: Sequence[str]) -> frozenset[int] | None:
    """Return the papers written jointly by authors with all of these names (`A | B` either); None if no names are given."""
    author_ids = [
        [author.id for single in query_parser.split_names(name) for author in find_authors(writers, single)]
        for name in names
    ]
    written = [frozenset(search.list_paper_ids(writers.view, ids)) for ids in author_ids]
    return frozenset.intersection(*written) if written else None
