"""One line of a paper's summary for a list: the sentence with the words that were looked for, in bold, else the first one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bot.rendering import escape, fitting, markdown
from bot.rendering.escape import Safe
from bot.services import summaries
from storage import models, papers
from storage.database import Database

COLUMNS = 160
"""About two lines of a message; a Hangul syllable takes two columns."""

_SENTENCE_END = re.compile(r"(?<=[.!?。])\s+")
_LONGEST = 6000


class Snippets:
    """Reads the summaries of the papers on a page."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lines(
        self,
        rows: Sequence[models.PaperRow],
        locale: models.Locale,
        *,
        phrases: Iterable[str] = (),
        words: Iterable[str] = (),
    ) -> dict[str, Safe]:
        """Return a line of Discord's Markdown for each paper that has a summary, by arXiv id.

        Single `words` count only where none of the `phrases` is found.
        """
        sought = [one for one in (pattern(phrases), pattern(words)) if one is not None]
        async with self._database.read() as connection:
            details = await papers.list_details(connection, [row.id for row in rows])
        found = {}
        for detail in details:
            text = " ".join(section.body for section in summaries.sections(detail, locale))
            if text:
                found[detail.arxiv_id] = line(text, sought)
        return found


def pattern(words: Iterable[str]) -> re.Pattern[str] | None:
    """Return what finds any of these words: Latin ones at the beginning of a word, others anywhere. None without words."""
    pieces = []
    for word in sorted({word.strip().strip('"') for word in words}, key=len, reverse=True):
        if len(word) > 1:
            spaced = r"\s*".join(re.escape(part) for part in word.split())
            pieces.append(rf"(?<![A-Za-z0-9]){spaced}[A-Za-z0-9]*" if word[0].isascii() else spaced)
    return re.compile("|".join(pieces[:20]), re.IGNORECASE) if pieces else None


def line(text: str, sought: Sequence[re.Pattern[str]]) -> Safe:
    """Return the first sentence that holds what is sought (in this order), with it in bold, else the first sentence."""
    plain = " ".join(markdown.render_plain(text[:_LONGEST]).split())
    sentences = [sentence for sentence in _SENTENCE_END.split(plain) if sentence]
    hits = ((one, bold) for bold in sought for one in sentences if bold.search(one))
    chosen, bold = next(hits, (sentences[0] if sentences else "", None))
    shown = around(chosen, bold.search(chosen) if bold else None)
    if bold is None:
        return escape.escape(shown)
    pieces, at = [], 0
    for match in bold.finditer(shown):
        if match.group().strip():
            pieces += [
                escape.escape_inline(shown[at : match.start()]),
                f"**{escape.escape_inline(match.group())}**",
            ]
            at = match.end()
    pieces.append(escape.escape_inline(shown[at:]))
    return Safe(escape.escape_start("".join(pieces)))


def around(sentence: str, match: re.Match[str] | None) -> str:
    """Return a sentence in at most COLUMNS columns, with the match in it."""
    limit = columns(sentence)
    if len(sentence) <= limit:
        return sentence
    if match is None or match.end() <= limit - 10:
        return fitting.shorten(sentence, limit, markdown=False)
    start = sentence.rfind(" ", 0, max(match.start() - limit // 3, 1)) + 1
    return "…" + fitting.shorten(sentence[start:], limit - 1, markdown=False)


def columns(text: str, most: int = COLUMNS) -> int:
    """Return how many characters of a text fit into `most` columns."""
    used = 0
    for number, character in enumerate(text):
        used += 2 if character >= "\u1100" else 1
        if used > most:
            return number
    return max(len(text), 1)
