"""Reads what people type into a search box: words, "phrases", -words, author:, since: and votes:.

Nothing is an error: what cannot be understood as an operator is searched for, or left out.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from bot.text import analyser

LONGEST = 300
"""Characters of a query that are read; more than that is no query but a text."""
_MOST_WORDS = 24
_QUOTES = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "『": '"', "』": '"', "「": '"', "」": '"'}
)
_PIECE = re.compile(r'(-?)(?:(author|since|votes|저자|이후|투표):)?(?:"([^"]*)"?|(\S+))', re.IGNORECASE)
_FIELDS = {"저자": "author", "이후": "since", "투표": "votes"}
_DATE = re.compile(r"([0-9]{4})(?:[-./]?([0-9]{2}))?(?:[-./]?([0-9]{2}))?")
_VOTES = re.compile(r">?=?([0-9]{1,6})\+?")


@dataclass(frozen=True, slots=True)
class Query:
    """A query taken apart. All parts may be empty; `since` is a local date, votes count from 0.

    `text` holds the free words as typed, `phrases` what must stand as it was quoted, `excluded` words and
    phrases that must not occur, `authors` the names asked for, each of which must match.
    """

    text: str = ""
    phrases: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    since: date | None = None
    min_votes: int | None = None

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is asked for: no word, no phrase and no filter."""
        return not (self.has_words or self.authors or self.since or self.min_votes is not None)

    @property
    def has_words(self) -> bool:
        """Tell whether words or phrases are asked for, and not filters alone."""
        return bool(self.text or self.phrases)


def parse_query(typed: str) -> Query:
    """Take a query apart; any text gives a query, the worst one an empty one. Takes linear time."""
    clean = unicodedata.normalize("NFKC", typed[: 4 * LONGEST]).translate(_QUOTES)
    clean = "".join(" " if unicodedata.category(letter) in {"Cc", "Cf", "Cs"} else letter for letter in clean)
    parts = _Parts()
    for sign, name, quoted, word in _PIECE.findall(clean[:LONGEST]):
        parts.add(bool(sign), _FIELDS.get(name, name.lower()), quoted, word)
    return parts.query()


class _Parts:
    """The parts of a query while it is read."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._phrases: list[str] = []
        self._excluded: list[str] = []
        self._authors: list[str] = []
        self._since: date | None = None
        self._votes: int | None = None

    def add(self, is_excluded: bool, name: str, quoted: str, word: str) -> None:
        """Put one piece where it belongs; a filter that says nothing usable is dropped."""
        value = (quoted or word).strip()
        if name == "author" and not is_excluded:
            if any(map(str.isalnum, value)):
                self._authors.append(value)
        elif name == "since" and not is_excluded:
            self._since = parse_date(value) or self._since
        elif name == "votes" and not is_excluded:
            found = _VOTES.fullmatch(value)
            self._votes = int(found[1]) if found else self._votes
        elif not analyser.words(value):
            return
        elif is_excluded:
            self._excluded.append(value)
        elif quoted:
            self._phrases.append(value)
        else:
            self._words.append(value)

    def query(self) -> Query:
        """Return what was read, bounded in number."""
        return Query(
            " ".join(self._words[:_MOST_WORDS]),
            tuple(self._phrases[:8]),
            tuple(self._excluded[:8]),
            tuple(self._authors[:4]),
            self._since,
            self._votes,
        )


def parse_date(text: str) -> date | None:
    """Read 2025, 2025-01, 2025-01-31 or 20250131 as the first day meant, or None."""
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[2] or 1), int(found[3] or 1))
    except ValueError:
        return None
