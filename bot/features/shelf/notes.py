"""Parses the notes, tags and queries that readers type for saved papers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.rendering import discord_text
from bot.text import typography

MAX_NOTE_LENGTH = 1_000
MAX_TAGS = 10
MAX_TAG_LENGTH = 30

_HASHTAG = re.compile(r"#[^\s#,;、]+")
_TAG_SEPARATORS = re.compile(r"[,;、#]+")


def split_query(query: str) -> tuple[str, list[str]]:
    query = typography.normalise("NFKC", query)
    tags = parse_tags(" ".join(_HASHTAG.findall(query)))
    return " ".join(_HASHTAG.sub(" ", query).split()), tags


def parse_tags(typed: str) -> list[str]:
    """Return the tags of `split_tags` that are kept: at most `MAX_TAGS`, cut at `MAX_TAG_LENGTH` characters."""
    cut = (tag[:MAX_TAG_LENGTH].rstrip("\u200d").strip("-") for tag in split_tags(typed))
    return list(dict.fromkeys(filter(None, cut)))[:MAX_TAGS]


def split_tags(typed: str) -> list[str]:
    """Return the tags in a text separated by commas, semicolons or `#`, in lower case with hyphens for spaces."""
    folded = typography.normalise("NFKC", discord_text.to_single_line(typed)).casefold()
    folded = typography.normalise("NFC", folded)  # lower-casing may undo NFC
    parts = ("-".join(part.split()).strip("-") for part in _TAG_SEPARATORS.split(folded))
    return list(dict.fromkeys(filter(None, parts)))


def join_tags(tags: Sequence[str]) -> str:
    """Return tags as they are stored, with a space before and after each."""
    return f" {' '.join(tags)} " if tags else ""


def clean_note(note: str, max_length: int = MAX_NOTE_LENGTH) -> str:
    """Return a note without control characters and repeated spaces, cut at `max_length` characters."""
    lines = note[: 4 * MAX_NOTE_LENGTH].splitlines()
    return "\n".join(map(discord_text.to_single_line, lines)).strip()[:max_length].rstrip()
