"""Notes, tags and queries of saved papers, as they are typed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from bot.rendering import discord_text

MAX_NOTE_LENGTH = 1_000
MAX_TAGS = 10
MAX_TAG_LENGTH = 30

_TAG = re.compile(r"#[^\s#,;]+")
_TAG_SEPARATORS = re.compile(r"[,;#]+")


def split_query(query: str) -> tuple[str, list[str]]:
    """Return the words of a query, and its tags."""
    tags = parse_tags(" ".join(_TAG.findall(query)))
    return " ".join(_TAG.sub(" ", query).split()), tags


def parse_tags(typed: str) -> list[str]:
    """Return the tags of a text, in which commas, semicolons or `#` separate them; spaces within one become hyphens.

    Letters are lower-cased. At most `MAX_TAGS` of `MAX_TAG_LENGTH` characters are kept.
    """
    folded = unicodedata.normalize("NFKC", discord_text.to_single_line(typed)).casefold()
    parts = ("-".join(part.split())[:MAX_TAG_LENGTH] for part in _TAG_SEPARATORS.split(folded))
    return [tag for tag in dict.fromkeys(part.strip("-") for part in parts) if tag][:MAX_TAGS]


def join_tags(tags: Sequence[str]) -> str:
    """Return the tags as they are stored: each between spaces."""
    return f" {' '.join(tags)} " if tags else ""


def clean_note(note: str) -> str:
    """Return a note without control and invisible characters, runs of spaces as one, at most `MAX_NOTE_LENGTH` characters."""
    return "\n".join(map(discord_text.to_single_line, note.splitlines())).strip()[:MAX_NOTE_LENGTH].rstrip()
