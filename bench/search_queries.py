"""The queries of the search benchmark: rare, medium and very common words of the archive, and nonsense."""

from __future__ import annotations

import contextlib
import random
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.text import analyser, seed
from storage import search

QUERIES_PER_CLASS = 12


def query_classes(shares: Mapping[str, float], seed_: int = 7) -> dict[str, list[str]]:
    """Return queries by class, from the share of papers with each word: one or two words, Korean, English or mixed."""
    chance = random.Random(seed_)
    bands = {"rare": (0.0, 1e-3), "medium": (1e-3, 2e-2), "very common": (0.15, 1.0)}
    classes: dict[str, list[str]] = {}
    for band, (low, high) in bands.items():
        in_band = sorted(word for word, share in shares.items() if low <= share <= high)
        hangul = [word for word in in_band if len(word) > 1 and analyser.is_hangul(word)]
        latin = [word for word in in_band if word.isascii() and word.isalpha() and len(word) > 2]
        for name, words, others in (
            ("Korean", hangul, hangul),
            ("English", latin, latin),
            ("mixed", hangul, latin),
        ):
            if not words or not others:
                continue
            if name != "mixed":
                classes[f"{band}, {name}, one word"] = [
                    chance.choice(words) for _ in range(QUERIES_PER_CLASS)
                ]
            pairs = [f"{chance.choice(words)} {chance.choice(others)}" for _ in range(QUERIES_PER_CLASS)]
            classes[f"{band}, {name}, two words"] = pairs
    return classes


def load_shares(path: Path, sample: int = 4000) -> dict[str, float]:
    """Return the share of papers with each word, from a sample of a SQLite database."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        query = "SELECT texts FROM indexed_papers WHERE paper_id % (SELECT 1 + count(*) / ? FROM indexed_papers) = 0"
        rows = search.unpack_texts(packed for (packed,) in connection.execute(query, (sample,)))
    counts = Counter(
        word
        for texts in rows
        for word in {typed.removesuffix(analyser.PARTICLE_MARK) for typed in texts.body.split()}
    )
    return {word: number / len(rows) for word, number in counts.items()}


def glossary_terms(seed_: int = 8) -> list[str]:
    """Return terms of the seed list, which queries expand to all their forms."""
    chance = random.Random(seed_)
    terms = [term for term in seed.load_terms() if term.korean]
    return [
        chance.choice((chance.choice(term.korean), term.english[0]))
        for term in chance.sample(terms, 4 * QUERIES_PER_CLASS)
    ]


_QUESTIONS = (
    "{ko}의 {other_ko} 문제를 줄이는 방법 알려줘",
    "{ko} 논문 중에 {other_ko}까지 다루는 거 있나요?",
    "{en}을 이용해서 {other_ko}를 개선한 최근 연구 추천해줘",
    "{ko}에서 {en} 성능은 어떻게 평가하나요?",
    "how do people use {en} for {other_en}?",
    "papers that combine {en} and {other_en} without labels",
    "what is the best way to evaluate {en} in {other_en}",
    "is there any work on {en} with less memory",
)


def natural_questions(seed_: int = 10) -> list[str]:
    """Return questions as people type them, in both languages, about one or two terms of the seed list."""
    chance = random.Random(seed_)
    terms = [term for term in seed.load_terms() if term.korean]
    questions = []
    for number in range(6 * QUERIES_PER_CLASS):
        term, other = chance.sample(terms, 2)
        words = {"ko": term.korean[0], "en": term.english[0]}
        others = {"other_ko": other.korean[0], "other_en": other.english[0]}
        questions.append(_QUESTIONS[number % len(_QUESTIONS)].format(**words, **others))
    return questions


def nonsense_queries(counts: Mapping[str, int], seed_: int = 9) -> list[str]:
    """Return made-up Korean words, chained from the most frequent bigrams."""
    chance = random.Random(seed_)
    pairs = [
        token
        for token in sorted(counts, key=lambda token: -counts[token])
        if len(token) == 2 and analyser.is_hangul(token)
    ]
    pairs = pairs[:300]
    by_first: dict[str, list[str]] = {}
    for pair in pairs:
        by_first.setdefault(pair[0], []).append(pair)
    queries: list[str] = []
    while len(queries) < 4 * QUERIES_PER_CLASS:
        word = chance.choice(pairs)
        while len(word) < 8 and word[-1] in by_first:
            word += chance.choice(by_first[word[-1]])[1]
        queries.append(word if len(queries) % 2 else f"{word} {chance.choice(pairs)}{chance.choice(pairs)}")
    return queries


def load_counts(path: Path) -> dict[str, int]:
    """Return the document frequencies of a SQLite database's tokens, without shingles and marked tokens."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        query = "SELECT token, papers FROM term_counts ORDER BY papers DESC LIMIT 20000"
        rows = connection.execute(query).fetchall()
    return {token: papers for token, papers in rows if "_" not in token and "!" not in token}


def floor_expression(query: str, tokens_of: Mapping[str, Sequence[str]]) -> str:
    """Return the query for the plain FTS5 table: the conjunction of its words as phrases."""
    return " AND ".join('"' + " ".join(tokens_of[word]) + '"' for word in query.split())
