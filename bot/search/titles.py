"""Papers by their titles: those that contain a text, for look-ups of one paper and for autocomplete."""

from __future__ import annotations

from collections.abc import Sequence

from bot.search.engine import Engine
from bot.text import analyser
from storage import models, search
from storage.snapshot import Snapshot

_CANDIDATE_LIMIT = 60
_MAX_TEXT_LENGTH = 300
_MIN_PREFIX_LENGTH = 2
"""Letters of a Latin word from which it is completed: one letter begins half of all words."""
_MIN_STEM_LENGTH = 3
_MIN_NAME_LENGTH = 3
"""Letters and digits of a part of a title by which the one paper that has it is found."""


def find_papers(
    snapshot: Snapshot, engine: Engine, text: str, *, limit: int, is_prefix: bool = False
) -> list[models.PaperRow]:
    """Return the papers whose titles contain a text, best first: equal titles, titles that begin with it, then popularity.

    With `is_prefix` the last word may be incomplete.
    """
    words = text[:_MAX_TEXT_LENGTH].split()
    if is_prefix and words and not text.endswith(" "):
        found = _complete(engine, words, limit)
    else:
        found = engine.list_titled(_tokens(words), limit=max(_CANDIDATE_LIMIT, limit))
    rows = search.list_paper_rows(snapshot, found)
    folded = analyser.fold_name(text)
    titled = [(analyser.fold_name(row.title or ""), row) for row in rows]
    if not is_prefix:
        titled = [pair for pair in titled if f" {folded}" in f" {pair[0]}"]
    titled.sort(key=lambda pair: (pair[0] != folded, not pair[0].startswith(folded), folded not in pair[0]))
    return [row for _, row in titled[:limit]]


def find_named(snapshot: Snapshot, engine: Engine, text: str) -> models.PaperRow | None:
    """Return the only paper whose title begins with a text in any spacing, or has it at another word; None if several do.

    "smollm" is the paper of SmolLM2, "flash attention" that of FlashAttention-3.
    """
    key = _join(text[:_MAX_TEXT_LENGTH])
    if len(key) < _MIN_NAME_LENGTH:
        return None
    found = {
        row.id: row
        for typed in (text, key)
        for row in find_papers(snapshot, engine, typed, limit=_CANDIDATE_LIMIT, is_prefix=True)
    }
    beginning = [row for row in found.values() if _join(row.title or "").startswith(key)]
    named = beginning or [row for row in found.values() if _has_at_word(row.title or "", key)]
    return named[0] if len(named) == 1 else None


def _join(text: str) -> str:
    """Return the letters and digits of a text, folded."""
    return "".join(filter(str.isalnum, analyser.fold_name(text)))


def _has_at_word(title: str, key: str) -> bool:
    words = analyser.fold_name(title).split()
    return any(_join(" ".join(words[start:])).startswith(key) for start in range(len(words)))


def _tokens(words: Sequence[str]) -> list[str]:
    """Return the tokens of words; syllables that stand alone are part of a pair in titles."""
    tokens = [
        token for word in analyser.stemmed_words(" ".join(words)) for token in analyser.word_tokens(word)
    ]
    return [token for token in tokens if len(token) > 1 or not analyser.is_hangul(token)]


def _complete(engine: Engine, words: Sequence[str], limit: int) -> list[int]:
    """Return the papers with all words but the last, and with a completion or a stem of the last."""
    others, word = _tokens(words[:-1]), analyser.fold(words[-1])
    own = [token for part in analyser.stemmed_words(word) for token in analyser.word_tokens(part)]
    if not own:
        return engine.list_titled(others, limit=limit)
    if analyser.is_hangul(own[-1]):
        return engine.list_titled([*others, *own[:-1]], limit=limit, beginnings=own[-1:])
    if len(word) < _MIN_PREFIX_LENGTH:
        return engine.list_titled([*others, word], limit=limit)
    if not word.isalnum():
        return engine.list_titled(others, limit=limit, beginnings=own[-1:], alternatives=own)
    # Titles have stems: "reasonin" is a part of reasoning, which is indexed as "reason".
    stems = [word[:-cut] for cut in (1, 2, 3) if len(word) - cut >= _MIN_STEM_LENGTH]
    return engine.list_titled(others, limit=limit, beginnings=(own[-1], word), alternatives=(*own, *stems))
