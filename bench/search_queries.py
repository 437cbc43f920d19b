"""The queries of the search benchmark: rare, medium and very common words of the archive itself, and nonsense."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.text import korean
from bot.text.glossary import seed

EACH = 12


def classes(counts: Mapping[str, int], papers: int, seed_: int = 7) -> dict[str, list[str]]:
    """Return queries by class, from how many papers hold each token: one word and two, Korean, English and mixed."""
    chance = random.Random(seed_)
    bands = {"rare": (3e-5, 1e-3), "medium": (1e-3, 2e-2), "very common": (5e-2, 1.0)}
    found: dict[str, list[str]] = {}
    for band, (low, high) in bands.items():
        held = [token for token, number in counts.items() if low * papers <= number <= high * papers]
        hangul = [token for token in held if len(token) == 2 and korean.is_hangul(token)]
        latin = [token for token in held if token.isascii() and token.isalpha() and len(token) > 3]
        for name, words, others in (
            ("Korean", hangul, hangul),
            ("English", latin, latin),
            ("mixed", hangul, latin),
        ):
            if not words or not others:
                continue
            if name != "mixed":
                found[f"{band}, {name}, one word"] = [chance.choice(words) for _ in range(EACH)]
            pairs = [f"{chance.choice(words)} {chance.choice(others)}" for _ in range(EACH)]
            found[f"{band}, {name}, two words"] = pairs
    return found


def terms(seed_: int = 8) -> list[str]:
    """Return terms of the glossary, which are searched for in all their forms."""
    chance = random.Random(seed_)
    known = [term for term in seed.terms() if term.korean]
    return [
        chance.choice((chance.choice(term.korean), term.english[0]))
        for term in chance.sample(known, 4 * EACH)
    ]


def nonsense(counts: Mapping[str, int], seed_: int = 9) -> list[str]:
    """Return made-up Korean words chained from the most frequent pairs of syllables."""
    chance = random.Random(seed_)
    pairs = [
        token
        for token in sorted(counts, key=lambda one: -counts[one])
        if len(token) == 2 and korean.is_hangul(token)
    ]
    pairs = pairs[:300]
    by_first: dict[str, list[str]] = {}
    for pair in pairs:
        by_first.setdefault(pair[0], []).append(pair)
    found: list[str] = []
    while len(found) < 4 * EACH:
        word = chance.choice(pairs)
        while len(word) < 8 and word[-1] in by_first:
            word += chance.choice(by_first[word[-1]])[1]
        found.append(word if len(found) % 2 else f"{word} {chance.choice(pairs)}{chance.choice(pairs)}")
    return found


def load_counts(path: Path) -> dict[str, int]:
    """Read the counts of tokens from a SQLite file; links are left out."""
    connection = sqlite3.connect(path)
    try:
        query = "SELECT token, papers FROM term_counts WHERE papers > 1"
        return {
            token: papers
            for token, papers in connection.execute(query)
            if "_" not in token and "!" not in token
        }
    finally:
        connection.close()


def floor_expression(query: str, tokens_of: Mapping[str, Sequence[str]]) -> str:
    """Return a query for the plain FTS5 table: its words as phrases, all of them."""
    return " AND ".join('"' + " ".join(tokens_of[word]) + '"' for word in query.split())
