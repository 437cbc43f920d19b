"""Finds single papers by id or title, for lookups and autocomplete, and papers similar to a given one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

from bot.archive import schemes, summaries
from bot.search import index as search_index
from bot.search import transliteration
from bot.search.authors import Archive
from bot.search.engine import Engine
from bot.search.query_reader import SPELLING_AND_VERSION
from bot.text import analyser, plain, questions, seed, term_keys, tokens, typography
from bot.text.parsed_query import ParsedQuery
from storage import models, search

_CANDIDATE_LIMIT = 60
_MAX_TEXT_LENGTH = 300
_MIN_PREFIX_LENGTH = 2
"""A Latin word is completed from this many letters, since a single letter starts too many words."""
_MIN_STEM_LENGTH = 3
_MAX_TOPICS = 24


def parse_id(text: str) -> str | None:
    """Return the key that a text is or links to, or None. Full-width digits and punctuation are accepted."""
    typed = typography.normalise("NFKC", plain.clean_typed(text))
    return schemes.read_key(typed) or schemes.read_key(typed.strip(" \t\n.,;:!?()[]<>\"'`"))


def find_paper(
    archive: Archive, text: str, correct: Callable[[str], str | None] = lambda _: None
) -> str | None:
    """Return the key of the paper identified by an id, a link, an alias, a name or part of a title, or None.

    `correct`: returns what a misspelt name may be, or None.
    """
    text = plain.clean_typed(text)
    if models.is_alias(text):
        return search.get_current_keys(archive.view, [text]).get(text)
    if (paper_key := parse_id(text)) is not None:
        return paper_key
    if (famous_id := find_known(text)) is not None and search.get_paper_ids(archive.view, [famous_id]):
        return famous_id
    # "flash attention" is FlashAttention.
    titled = _list_containing(archive, text) or _list_containing(archive, "".join(text.split()))
    row = _choose_titled(titled, text) or _find_named(archive, text, correct)
    return row.key if row else None


def _find_named(archive: Archive, text: str, correct: Callable[[str], str | None]) -> models.PaperRow | None:
    """Return the paper with a text as its name or, if no paper has its words, with the name that is meant.

    That is the corrected one of a Latin name, and one that sounds the same of a name in Hangul.
    """
    engine = archive.engine
    survey = engine.survey(archive.read(ParsedQuery(text)))
    paper_id = engine.choose_named(survey, is_alone=True)
    is_unknown = not (paper_id or survey.complete or archive.reader.is_known(text))
    same = (find_near_name(archive, text, least=100) or correct(text)) if is_unknown else None
    if same:
        paper_id = engine.choose_named(engine.survey(archive.read(ParsedQuery(same))))
    rows = search.list_paper_rows(archive.view, [paper_id] if paper_id else [])
    return next(iter(rows), None)


def _choose_titled(rows: Sequence[models.PaperRow], text: str) -> models.PaperRow | None:
    """Return the paper that a part of a title means, of those that have it; None if a title goes on after it: Stable Audio Open.

    Four words in a row are a title's, though it goes on.
    """

    def fold(title: str) -> str:
        return analyser.fold_name(typography.to_plain_text(title)).replace(" ", "")

    typed = fold(text)
    for row in rows:
        title = row.title or ""
        if typed in (fold(title), fold(title.partition(":")[0])):
            return row
    is_begun = any(fold(row.title or "").startswith(typed) for row in rows)
    return None if is_begun and len(text.split()) < _MIN_TITLE else next(iter(rows), None)


def prepare() -> None:
    """Load the tables for reading papers and queries, so that the first search in a process is not slow."""
    questions.prepare_topics()
    tokens.prepare_concepts()
    _load_known()


@lru_cache(maxsize=1)
def _load_known() -> tuple[Mapping[str, str], transliteration.SoundIndex]:
    """Return the keys of known papers by what their names are compared by, and the sounds of their names without versions."""
    rows = [(names.split("|"), paper_key) for names, paper_key in seed.read_rows("known_papers.tsv")]
    ids = {key: id_ for names, id_ in rows for name in names for key in term_keys.query_names(name)}
    bare = (name.rstrip("0123456789. -") for names, _ in rows for name in names)
    return ids, transliteration.SoundIndex(dict.fromkeys(bare, 1))


def find_known(text: str, keys: Iterable[str] = ()) -> str | None:
    """Return the key of a paper that all call by this name, though its title may lack it: ViT, 비전 트랜스포머, 지피티 3.

    `keys`: those of the name in both languages, if they are known.
    """
    typed, (ids, sounds) = plain.clean_typed(text)[:_MAX_TEXT_LENGTH], _load_known()
    if keys:
        return next((ids[key] for key in sorted(keys) if key in ids), None)
    names = [typed]
    if match := SPELLING_AND_VERSION.fullmatch(" ".join(term_keys.trim_title(typed.split()))):
        heard = [*sounds.find(match[1]), *filter(None, [transliteration.read_letters(match[1])])]
        names += [f"{name} {match[2]}" for name in heard]
    keys = (key for name in names for key in term_keys.query_names(name))
    return next((ids[key] for key in keys if key in ids), None)


_MIN_LIKENESS, _MIN_CONSONANTS = 60, 3
"""The least likeness, of 100, of a name that is offered in place of another one, and the least number of their consonants, which
are the same if there are no more.
"""


def find_near_name(archive: Archive, text: str, least: int = _MIN_LIKENESS) -> str | None:
    """Return the name of papers in the archive that sounds most like a text in Hangul; None without one."""
    from rapidfuzz import fuzz, process

    typed = transliteration.list_consonants(plain.clean_typed(text)[:_MAX_TEXT_LENGTH])
    if len(typed) < _MIN_CONSONANTS or not analyser.has_hangul(text):
        return None
    sounds = archive.reader.glossary.consonants
    least = 100 if len(typed) == _MIN_CONSONANTS else least
    near = process.extractOne(typed, sounds, scorer=fuzz.ratio, score_cutoff=least)
    return near and str(near[2])


def find_titled(archive: Archive, titles: Iterable[str]) -> dict[str, str]:
    """Return the keys of the papers with exactly these titles, except for case, punctuation, LaTeX, and `&` for *and*."""
    ids: dict[str, str] = {}
    for title in titles:
        typed = typography.to_plain_text(plain.clean_typed(title))
        paper_ids = archive.engine.list_titled(title_tokens(title), limit=_CANDIDATE_LIMIT)
        for row in search.list_paper_rows(archive.view, paper_ids):
            if analyser.fold_title(row.title or "") == analyser.fold_title(typed):
                ids.setdefault(title, row.key)
    return ids


def title_tokens(title: str) -> list[str]:
    """Return the tokens that every spelling of a title has."""
    typed = typography.to_plain_text(plain.clean_typed(title))
    words = [word for word in typed[:_MAX_TEXT_LENGTH].split() if word.lower() not in ("and", "&")]
    return _tokens(words)


_MIN_TITLE = 4
"""The minimum number of words of a text that counts as a part of a title instead of a sentence."""


def is_title(archive: Archive, text: str, paper_ids: Sequence[int]) -> bool:
    """Return whether one of these papers has a text as its title, or a long text as a part of it."""
    typed, is_long = plain.clean_typed(text), len(text.split()) >= _MIN_TITLE
    rows = search.list_paper_rows(archive.view, paper_ids[:_CANDIDATE_LIMIT])
    names = [analyser.fold_title(row.title or "") for row in rows]
    typed = analyser.fold_title(typography.to_plain_text(typed))
    return typed in names or (is_long and any(f" {typed}" in f" {name}" for name in names))


def _list_containing(archive: Archive, text: str) -> list[models.PaperRow]:
    """Return papers whose titles contain a text from the start of a word, the best first."""
    paper_ids = archive.engine.list_titled(_tokens(text[:_MAX_TEXT_LENGTH].split()), limit=_CANDIDATE_LIMIT)
    folded = analyser.fold_name(text)
    return [row for title, row in _rank_titles(archive, paper_ids, text) if f" {folded}" in f" {title}"]


def complete_title(archive: Archive, text: str, limit: int) -> list[models.PaperRow]:
    """Return papers with all words of a text in their titles, the best first. The last word may be incomplete."""
    words = text[:_MAX_TEXT_LENGTH].split()
    if words and not text.endswith(" "):
        paper_ids = _complete(archive.engine, words, limit)
    else:
        paper_ids = archive.engine.list_titled(_tokens(words), limit=_CANDIDATE_LIMIT)
    return [row for _, row in _rank_titles(archive, paper_ids, text)[:limit]]


def _rank_titles(archive: Archive, ids: Sequence[int], text: str) -> list[tuple[str, models.PaperRow]]:
    """Return papers with their folded titles: those that are a text, that begin with it, that contain it, then the others."""
    rows, folded = search.list_paper_rows(archive.view, ids), analyser.fold_name(text)
    titled = [(analyser.fold_name(typography.to_plain_text(row.title or "")), row) for row in rows]
    titled.sort(key=lambda pair: (pair[0] != folded, not pair[0].startswith(folded), folded not in pair[0]))
    return titled


def _tokens(words: Sequence[str]) -> list[str]:
    """Return the tokens of words, without single syllables: titles are only indexed by pairs of syllables."""
    tokens = [
        token for word in analyser.stemmed_words(" ".join(words)) for token in analyser.word_tokens(word)
    ]
    return [token for token in tokens if len(token) > 1 or not analyser.is_hangul(token)]


def _complete(engine: Engine, words: Sequence[str], limit: int) -> list[int]:
    """Return the papers with all words in the title. The last word may match as a prefix or by its stem."""
    others, word = _tokens(words[:-1]), analyser.fold(words[-1])
    last_tokens = [token for part in analyser.stemmed_words(word) for token in analyser.word_tokens(part)]
    if not last_tokens or (len(word) < _MIN_PREFIX_LENGTH and not analyser.is_hangul(word)):
        return engine.list_titled([*others, *last_tokens], limit=limit)
    # Titles are indexed by stem, so "reasonin" has to match "reason".
    stems = [word[:-cut] for cut in (1, 2, 3) if len(word) - cut >= _MIN_STEM_LENGTH and word.isascii()]
    beginnings = (last_tokens[-1], word) if word.isalnum() else last_tokens[-1:]
    last = engine.complete_tokens(beginnings).union((last_tokens[-1], *stems))
    return engine.list_titled([*others, *last_tokens[:-1]], last=last, limit=limit)


def list_similar(archive: Archive, paper_key: str, limit: int) -> list[models.PaperRow]:
    """Return the papers that share the most rare concepts and topics with a paper, most similar first."""
    ids = list(search.get_paper_ids(archive.view, [plain.clean_typed(paper_key)]).values())
    documents = search.list_documents(archive.view, ids, summaries.select_shown, also_unlisted=True)
    if not documents:
        return []
    texts = search_index.build_texts(documents[0])
    topics = dict(questions.find_paper_topics(search_index.count_words(texts), _MAX_TOPICS))
    shared = search_index.count_concepts(
        tokens.tokenize(texts.title), " ".join(map(tokens.tokenize, texts.bodies))
    )
    similar = archive.engine.list_similar(documents[0].id, shared, topics, limit=limit)
    return search.list_paper_rows(archive.view, similar)
