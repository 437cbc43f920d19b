"""Finds authors by name and lists their papers.

The words of a name may be in any order, abbreviated, and in Hangul or Latin letters. Misspelt names match only if nothing
else does. Korean names are looked up by the romanisations of their syllables, foreign names in Hangul by their sound.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import islice
from typing import NamedTuple, cast

import tantivy
from tantivy import Query

from bot.glossary import transliteration
from bot.search import index as search_index
from bot.search.engine import Engine, Scope, all_of, any_of
from bot.search.query import QueryReader, ReadQuery
from bot.search.results import AuthorResult, Sort
from bot.text import analyser, bylines, institutions, people, plain, query_parser, questions, seed, tokens
from storage import models, search
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
_ENDINGS = ("으로", "시킨", *"을를은는에의며게면서할된될해돼져쳐줘봐요까")
"""Particles and endings of verbs that hardly any name of a person ends in."""
_MIN_SHARE = 0.3
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
        """Return the query for names with a word that starts with this text."""
        # The engine takes ten times as long to read a regular expression.
        return Query.fuzzy_term_query(self._schema, "word", text, 0, prefix=True)

    def near(self, word: str, errors: int) -> Query | None:
        """Return the query for names with a word within this many typing errors; short words allow only one error."""
        if len(word) < 2:
            return self.word(word)
        allowed = errors if len(word) >= people.MIN_FUZZY_LENGTH else 1
        return Query.fuzzy_term_query(self._schema, "word", word, allowed)

    def pattern(self, pattern: str) -> Query:
        """Return the query for names with a word that matches a regular expression."""
        return Query.regex_query(self._schema, "word", pattern)

    def sound(self, pattern: str) -> Query | None:
        """Return the query for names with a word that matches a regular expression; None if no name has one."""
        query = self.pattern(pattern)
        return query if self._searcher.search(query, 1, count=False).hits else None

    def find(self, queries: Iterable[Query | None], *, limit: int) -> list[models.Author]:
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

    def choose_names(self, word: str, names: Sequence[str]) -> list[str]:
        """Return the names that appear in many of the papers that contain a Korean word."""
        if not names:
            return []
        typed = tokens.WHOLE + word if len(word) == 2 else word  # so that 라마 does not match 라마단
        using = self.engine.count([typed])
        return [name for name in names if self.engine.count([typed], [name]) >= _MIN_SHARE * using]

    def read(self, query: query_parser.Query) -> ReadQuery:
        """Interpret a query with the current glossary."""
        read = self.reader.read(query, self.choose_names, self.engine.count_papers)
        return replace(read, parts=self.engine.join_parts(read.parts))


def _find_by_hangul(
    writers: Writers, name: str, *, is_prefix: bool, limit: int = _MAX_NAMESAKES
) -> list[models.Author]:
    """Return the authors whose Latin names spell a Hangul name, best matches first."""
    if is_prefix:
        # Drop letters that do not form a syllable yet: 김ㄱ becomes 김.
        parts = ("".join(filter(analyser.is_syllables, word)) for word in name.split())
        name = " ".join(filter(None, parts))
    pairs = people.split_hangul(name)
    query = any_of(_query(writers, family, given, is_prefix=is_prefix) for family, given in pairs)
    costs = [
        (0 if is_prefix else _cost(pairs, author.name), -author.paper_count, author.name, author)
        for author in writers.find([query], limit=limit)
        if any(given or people.has_family(author.name, family) for family, given in pairs)
    ]
    return [row[-1] for row in sorted((row for row in costs if row[0] is not None), key=lambda row: row[:-1])]


def _list_namesakes(authors: Sequence[models.Author], name: str) -> list[models.Author]:
    """Return the authors whose names match a Hangul name as well as the first author's name does."""
    pairs = people.split_hangul(analyser.fold_name(name))
    costs = [_cost(pairs, author.name) for author in authors]
    if not costs or costs[0] is None:
        return []
    return [author for author, cost in zip(authors, costs, strict=True) if cost == costs[0]]


def _query(writers: Writers, family: str, given: str, *, is_prefix: bool) -> Query | None:
    """Return a query for a name in Hangul, with or without a space, or in any known romanisation."""
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
) -> list[models.Author]:
    """Return the authors with matching names, best first. If `is_prefix`, the last word may be incomplete."""
    words = tuple(people.name_tokens(name))
    if not words:
        return []
    authors = _find_exact(writers, words, is_prefix=is_prefix)
    ranked = _rank(authors, words, is_prefix=is_prefix)
    most = max(limit, _CANDIDATE_LIMIT)
    korean = _find_by_hangul(writers, " ".join(words), is_prefix=is_prefix, limit=most)
    matches = list({author.id: author for author in (*ranked, *korean)}.values())
    if not matches and not is_prefix:
        matches = _find_by_sound(writers, words)
    if not matches:
        matches = _rank(_find_fuzzy(writers, words), words, is_prefix=is_prefix)
    return matches[:limit]


def _find_by_sound(writers: Writers, words: tuple[str, ...]) -> list[models.Author]:
    """Return the authors whose names sound like a foreign name in Hangul: Thomas Wolf for 토머스 울프 and 울프."""
    patterns = list(map(transliteration.name_pattern, words))
    if len("".join(words)) < transliteration.MIN_SYLLABLES or None in patterns:
        return []
    query = all_of(map(writers.sound, sorted(filter(None, patterns), key=len)))
    alike = writers.find([query], limit=_CANDIDATE_LIMIT)
    return [author for author in alike if len(people.name_tokens(author.name)) == len(words)] or alike


def _find_near_sounds(writers: Writers, words: Sequence[str]) -> list[models.Author]:
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


def _find_exact(writers: Writers, words: tuple[str, ...], *, is_prefix: bool) -> list[models.Author]:
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


def _rank(
    authors: Sequence[models.Author], words: tuple[str, ...], *, is_prefix: bool = False
) -> list[models.Author]:
    """Sort authors by how closely their names match; during autocomplete, put complete names first."""

    def key(author: models.Author) -> tuple[object, ...]:
        distance = people.name_distance(words, author.name)
        nearness = distance >= people.DIFFERENT_NAME if is_prefix else round(distance, 1)
        # For "lou", list Louis before Jie Lou.
        return nearness, -author.paper_count, is_prefix and not author.key.startswith(words[0]), author.name

    return sorted(authors, key=key)


def _find_fuzzy(writers: Writers, words: tuple[str, ...]) -> list[models.Author]:
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
    """Return the authors with the names most similar to an unknown one, such as Tri Dao for "Tri Dow"."""
    from rapidfuzz import fuzz, process  # imported here because most searches do not need it

    words = people.name_tokens(name)
    if not 1 <= len(words) <= _MAX_NEAR_WORDS:
        return []
    if analyser.has_hangul(name):
        begun = find_authors(writers, name, limit=_MAX_NEAR, is_prefix=True)
        return [author.name for author in begun or _find_near_sounds(writers, words)]
    similar = [query for word in words for query in (writers.word(word), writers.near(word, 2))]
    names = [author.name for author in writers.find(similar, limit=_FUZZY_LIMIT)]
    spelt = [" ".join(people.name_tokens(one)) for one in names]
    typed = " ".join(words)
    near = process.extract(
        typed, spelt, scorer=fuzz.token_sort_ratio, score_cutoff=_MIN_RATIO, limit=_MAX_NEAR
    )
    return [names[number] for _, _, number in near]


def read_writers(archive: Archive, query: query_parser.Query) -> query_parser.Query:
    """Turn writers named in a query ("from Stanford") into filters.

    A name without papers stays in the text, and an institution of one word, without the words around it. Those of "from
    Korea University", "papers by Ada Unknown" and 김철수가 쓴 논문 are unknown writers: their words alone mean others.
    """
    words, unknown = query.text.split(), list[str]()
    is_new, is_absent = cache(partial(_is_new, archive)), cache(partial(_is_absent, archive))

    def is_named(writer: bylines.Writer) -> bool:
        return _is_known(archive, words, writer) or is_absent(writer)

    named = bylines.find_writers(words, is_named, is_new)
    of_institution = {one.name for one in named if archive.engine.institution(one.name) is not None}
    institutions_ = {one for one in named if one.kind == "institution" and one.name not in of_institution}
    absent = institutions_.union(filter(is_absent, named))
    groups, group = list[list[str]](), list[str]()
    for one in named:
        group += [one.name] if one not in absent else []
        if one.joint != "or":
            groups += [group] if group else []
            group = []
    alone = [names[0] for names in groups if len(names) == 1]
    is_either = any(one.joint == "or" for one in named) and bool(groups)
    for one in reversed(named):
        joint = [one.joint] if one.joint == "or" else []
        is_kept = one in institutions_ and not (" " in one.name or is_either)
        unknown += [one.name] if one in absent else []
        words[one.start : one.end] = [one.name, *joint] if is_kept else []
    if query.order or any(map(questions.names_papers, words)) or _is_full_name(" ".join(words)):
        is_unknown = partial(_is_unknown, archive, words, is_new, query.order)
        for one in reversed(bylines.find_writers(words, is_unknown, is_new)):
            unknown.append(one.name)
            del words[one.start : one.end]
    text = " ".join(words)
    if (groups or unknown) and not questions.has_topic(words):
        text = ""
    people_ = [people.strip_titles(name) for name in alone if name not in of_institution]
    known = [institutions.find_main_form(name) for name in alone if name in of_institution]
    return replace(
        query,
        text=text,
        institutions=(*query.institutions, *known),
        authors=(*query.authors, *people_),
        either=tuple(tuple(names) for names in groups if len(names) > 1),
        unknown_writers=tuple(unknown),
    )


def is_full_writer(archive: Archive, name: str) -> bool:
    """Return whether an author has this name, which must be a full one: Ada Lovelace, 김건우."""
    is_syllables = analyser.is_syllables(name) and len(name) == bylines.NAME_SYLLABLES
    return (is_syllables or (" " in name and _is_full_name(name))) and _is_writer(archive, name)


def list_excluded_ids(archive: Archive, excluded: Iterable[str]) -> frozenset[int]:
    """Return the papers by the writers among what a query excludes."""
    names = (name for name in excluded if not archive.reader.is_excludable(name))
    written = (list_paper_ids(archive.writers, [name]) for name in names if is_full_writer(archive, name))
    return frozenset[int]().union(*filter(None, written))


def _is_full_name(name: str) -> bool:
    is_capitalised = " " in name and all(word[:1].isupper() for word in name.split())
    is_hangul = analyser.has_hangul(name) and not any(map(questions.classify_filler, name.split()))
    return is_capitalised or (is_hangul and not questions.find_everyday_terms(name))


def _is_writer(archive: Archive, name: str) -> bool:
    """Return whether any author has this name, in any word order or script, or any paper this institution."""
    words, writers = tuple(people.name_tokens(name)), archive.writers
    exact = _find_exact(writers, words, is_prefix=False) if words else []
    alike = exact or _find_by_hangul(writers, " ".join(words), is_prefix=False)
    if not alike and len(words) > 1:  # of one word, 사과 too sounds like names
        alike = _find_by_sound(writers, words)
    return bool(alike) or archive.engine.institution(name) is not None


def _is_known(archive: Archive, words: Sequence[str], writer: bylines.Writer) -> bool:
    """Return whether a name in a question is that of a known institution or of an author.

    An institution beside a topic must be in an affiliation. A bare name must be an author's in full. One word may also be a
    last name beside a word for papers: LeCun papers, 데트머스 논문, 벤지오 교수.
    """
    name, typed = writer.name, tuple(people.name_tokens(writer.name))
    if writer.kind == "beside":
        is_said = "led" in writer.signs or any(map(questions.names_papers, words))
        is_name = is_said or not institutions.is_ordinary(name)
        is_known = is_name and archive.engine.is_affiliation(name)
        return is_known and not _is_in_phrase(archive, words, writer)
    if writer.kind != "bare":
        return writer.kind == "institution" or _is_writer(archive, name)
    if analyser.has_hangul(name):
        if " " in name:
            stems = (bylines.strip_particle(word) for word in name.split() if word.endswith(_ENDINGS))
            return not any(_is_in_papers(archive, stem) for stem in stems) and _is_writer(archive, name)
        return _spells_author(archive, name) or _is_last_name(archive, words, writer)
    authors = _find_exact(archive.writers, typed, is_prefix=False)
    if len(typed) > 1:
        return any(people.name_distance(typed, one.name) < people.DIFFERENT_NAME for one in authors)
    is_said = not writer.signs.isdisjoint(("lead", "group", "written", "papers"))
    return is_said and any(people.name_tokens(one.name)[-1:] == [*typed] for one in authors)


def _is_absent(archive: Archive, writer: bylines.Writer) -> bool:
    """Return whether a question says that a name in capitals wrote, of which no paper and no author has a word: by LeCun."""
    words = [] if analyser.has_hangul(writer.name) else writer.name.split()
    is_said = bool(words) and writer.kind == "said" and not writer.signs.isdisjoint(("lead", "led"))
    return (
        is_said
        and not any(word[:1].islower() or _is_in_papers(archive, word) for word in words)
        and not _is_writer(archive, writer.name)
    )


def _is_in_phrase(archive: Archive, words: Sequence[str], writer: bylines.Writer) -> bool:
    """Return whether any paper has a name with the word before or behind it: OpenAI o1, 메타 토큰."""
    spans = (words[max(0, writer.start - 1) : writer.end], words[writer.start : writer.end + 1])
    phrases = [" ".join(span) for span in spans if len(span) > writer.end - writer.start]
    return any(archive.reader.glossary.find(one) or archive.engine.count([one]) for one in phrases)


def _is_last_name(archive: Archive, words: Sequence[str], writer: bylines.Writer) -> bool:
    """Return whether a word sounds like a foreign name, and no given name is ahead: 데트머스 논문, but not 존 스미스 논문."""
    name, signs, ahead = writer.name, writer.signs, words[writer.start - 1] if writer.start else ""
    if analyser.is_syllables(ahead) and not (
        questions.classify_filler(ahead) or _is_in_papers(archive, ahead)
    ):
        return False
    is_said = "group" in signs or (not ahead if "written" in signs else "papers" in signs)
    is_long = len(name) >= bylines.NAME_SYLLABLES - ("group" in signs) and not name.endswith(_ENDINGS)
    is_name = is_long or name in seed.read_spellings("korean_names.tsv")["foreign"]
    return is_said and is_name and bool(_find_by_sound(archive.writers, (name,)))


def _spells_author(archive: Archive, name: str) -> bool:
    """Return whether a Korean name is an author's, in Hangul or spelt in Latin letters."""
    spelt = _find_by_hangul(archive.writers, name, is_prefix=False)
    return any(one.name == name or people.is_same_name(name, one.name) for one in spelt)


def _is_unknown(
    archive: Archive,
    words: Sequence[str],
    is_new: Callable[[str], bool],
    has_order: object,
    writer: bylines.Writer,
) -> bool:
    """Return whether a question gives a name, which is no author's, as a writer's: papers by Ada Unknown, 얀 르쿤 논문."""
    name, named = writer.name, writer.name.split()
    beside = (*words[: writer.start][-1:], *words[writer.end :][:2])
    is_said = "led" in writer.signs or any(map(questions.names_papers, beside))
    is_said = is_said or bool(has_order and words[writer.start].lower() == "by")
    if writer.kind == "said":
        is_topic = analyser.has_hangul(name) and words[writer.end - 1].endswith("의")  # 딥러닝의 논문
        return is_said and not is_topic and _is_full_name(name)
    if writer.kind == "capitals":  # Kaiming He: one word is in no paper, and one in an author's name
        is_alone = writer.end - writer.start == len(words)
        is_title = named[0].lower() in seed.read_words("not_names.txt") or all(
            _is_in_papers(archive, word) for word in named
        )
        return (
            (is_said or is_alone)
            and not is_title
            and any(map(archive.writers.word, people.name_tokens(name)))
        )
    is_inflected = any(word.endswith(_ENDINGS) for word in named)
    is_name = analyser.has_hangul(name) and len(named) > 1 and len(named[-1]) > 1 and not is_inflected
    is_of_papers = not writer.signs.isdisjoint(("group", "papers"))
    return is_name and is_of_papers and all(is_new(word) for word in named if len(word) > 1)


def _is_in_papers(archive: Archive, word: str) -> bool:
    return archive.reader.glossary.is_word(word) or bool(
        archive.engine.count([tokens.WHOLE + word if analyser.is_hangul(word) else word])
    )


def _is_new(archive: Archive, word: str) -> bool:
    """Return whether a word of a question may be part of a bare name: no filler, verb or everyday word, and in no paper.

    A Latin word must be in an author's name.
    """
    typed = questions.trim_filler(word)
    stem = bylines.strip_particle(typed)
    if not analyser.is_syllables(typed):
        words = people.name_tokens(stem)
        is_name = stem.replace("-", "").isalpha() and all(map(archive.writers.word, words))
        return is_name and not (questions.classify_filler(typed) or _is_in_papers(archive, stem))
    if len(typed) == 1 or questions.classify_filler(typed) or questions.is_everyday(typed):
        return False
    if _is_in_papers(archive, typed):
        return False
    is_noun = typed != stem and len(stem) > 1 and _is_in_papers(archive, stem)
    is_inflected = questions.is_verb(typed) or (typed == stem and typed.endswith(_ENDINGS))
    return not (is_noun or is_inflected) or _spells_author(archive, typed)


def find_author(
    archive: Archive,
    name: str,
    *,
    sort: Sort = Sort.VOTES,
    filters: search.Filters = search.NO_FILTERS,
    limit: int = 10,
    offset: int = 0,
) -> AuthorResult:
    """Return the papers of the best-matching author (or of everyone whose name the Hangul spells), and all matching names."""
    view, name = archive.view, people.strip_titles(plain.clean_typed(name))
    typed = tuple(people.name_tokens(name))
    matches = find_authors(archive.writers, name)
    is_exact = bool(typed) and bool(_find_exact(archive.writers, typed, is_prefix=False))
    namesakes = _list_namesakes(matches, name)
    is_in_hangul = analyser.has_hangul(name)
    is_by_sound = bool(matches) and is_in_hangul and not (is_exact or namesakes)
    sounding = _find_by_sound(archive.writers, typed) if is_by_sound else []
    is_unsure = (not is_exact and not is_in_hangul) or bool(sounding)
    is_other = not matches or people.is_correction(typed, matches[0].name)  # MIT is not Min Lin
    if institutions.list_forms(name) and (
        is_other or (is_unsure and archive.engine.institution(name) is not None)
    ):
        return AuthorResult(question=f"from {name}")
    namesakes = namesakes or sounding
    if not matches and any(family and not given for family, given in people.split_hangul(name)):
        # For a family name alone, use the suggestions of autocomplete.
        matches = namesakes = find_authors(archive.writers, name, is_prefix=True)
    elif is_exact and len(typed) == 1 and people.name_tokens(matches[0].name) != [*typed]:
        namesakes = [author for author in matches if typed[0] in people.name_tokens(author.name)]
    if not matches:
        return AuthorResult()
    best, ids, is_one = matches[0], [author.id for author in namesakes or matches[:1]], len(namesakes) < 2
    name_of = {author.id: author.name for author in matches}
    scope = Scope(filters, search.list_paper_ids(view, ids))
    paper_ids, total = archive.engine.list_top(scope, sort=sort, limit=limit, offset=offset)
    rows = tuple(search.list_paper_rows(view, paper_ids, until_on=filters.until_on))
    key, has_accents = analyser.fold_name(best.name), not best.name.isascii()
    spellings = Counter(name for row in rows for name in row.authors if analyser.fold_name(name) == key)
    alike = [name for name, _ in spellings.most_common() if name.isascii() != has_accents]
    name_of[best.id] = next(iter(alike), best.name)  # as most of the papers spell it: not "Ben allal"
    return AuthorResult(
        rows,
        total,
        author=name_of[best.id],
        matches=tuple(name_of.values()),
        namesakes=() if is_one else tuple(name_of[id_] for id_ in ids),
        is_corrected=people.is_correction(typed, best.name) and not namesakes,
    )


def list_paper_ids(writers: Writers, names: Sequence[str]) -> frozenset[int] | None:
    """Return the papers written jointly by authors with all of these names; None if no names are given."""
    author_ids = [[author.id for author in find_authors(writers, name)] for name in names]
    written = [frozenset(search.list_paper_ids(writers.view, ids)) for ids in author_ids]
    return frozenset.intersection(*written) if written else None


def list_written_ids(archive: Archive, query: query_parser.Query) -> frozenset[int] | None:
    """Return the papers by all authors of a query and by one of each group in `either`; None if none is named."""
    written = list_paper_ids(archive.writers, query.authors)
    for names in query.either:
        papers = frozenset[int]().union(*(_list_of_writer(archive, name) for name in names))
        written = papers if written is None else written & papers
    return written


def _list_of_writer(archive: Archive, name: str) -> Iterable[int]:
    if archive.engine.institution(name) is None:
        return list_paper_ids(archive.writers, [name]) or ()
    scope, most = Scope(institutions=(name,)), archive.engine.searcher.num_docs
    return archive.engine.list_top(scope, limit=max(1, most))[0]
