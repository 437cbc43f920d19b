"""One line of a paper's summary for a list: the sentence with the words that were looked for, in bold, else the first one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain

from bot.rendering.discord_text import escape, split
from bot.rendering.discord_text.escape import SafeMarkdown
from bot.rendering.markdown import blocks
from bot.services.posts import summaries
from bot.text.analysis import korean
from storage import models, papers
from storage.database import Database

MAX_COLUMNS = 160
"""About two lines of a message; a Hangul syllable takes two columns."""

_SENTENCE_END = re.compile(r"(?<=[.!?。])\s+")
_LIST_MARKER = re.compile(r"^\s*(?:[-*•]|[0-9]{1,2}[.)])\s+")
"""What begins the item of a list, which a single line is not."""
_MAX_TEXT_LENGTH = 6000
_MIN_SPACED_SYLLABLES = 4


class Snippets:
    """Reads the summaries of the papers on a page."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_snippets(
        self,
        rows: Sequence[models.PaperRow],
        locale: models.Locale,
        *,
        full_query: str = "",
        phrases: Iterable[str] = (),
        terms: Iterable[str] = (),
    ) -> dict[str, SafeMarkdown]:
        """Return a line of Discord's Markdown for each paper that has a summary, by arXiv id.

        A sentence with the `whole` of what is sought comes first, then one with any of the `phrases`; single `words`
        count only where none of these is found.
        """
        first = compile_pattern([full_query])
        phrases = [full_query, *phrases]
        sought = [one for one in (compile_pattern(phrases), compile_pattern(terms)) if one is not None]
        async with self._database.read() as connection:
            details = await papers.list_details(connection, [row.id for row in rows])
        found = {}
        for detail in details:
            text = "\n\n".join(section.body for section in summaries.summary_sections(detail, locale))
            if text:
                found[detail.arxiv_id] = make_snippet(text, sought, first)
        return found


def compile_pattern(terms: Iterable[str]) -> re.Pattern[str] | None:
    """Return what finds any of these words: Latin ones at the beginning of a word, others anywhere. None without words."""
    pieces = []
    for word in sorted({word.strip().strip('"') for word in terms}, key=len, reverse=True):
        if len(word) > 1:
            spaced = r"\s*".join(re.escape(part) for part in _spaceable_parts(word))
            pieces.append(rf"(?<![A-Za-z0-9]){spaced}[A-Za-z0-9]*" if word[0].isascii() else spaced)
    return re.compile("|".join(pieces[:20]), re.IGNORECASE) if pieces else None


def _spaceable_parts(word: str) -> list[str]:
    """Return what may stand apart in a text: words, and the syllables of longer Korean, which 강화학습 and 강화 학습 share."""
    syllables = "".join(word.split())
    free = len(syllables) >= _MIN_SPACED_SYLLABLES and all(map(korean.is_hangul, syllables))
    return list(syllables) if free else word.split()


def make_snippet(
    text: str, patterns: Sequence[re.Pattern[str]], preferred: re.Pattern[str] | None = None
) -> SafeMarkdown:
    """Return the first sentence that holds what is sought (in this order), with it in bold, else the first sentence.

    One that holds what is sought `first` comes before all of them.
    """
    lines = (_LIST_MARKER.sub("", one) for one in blocks.render_plain(text[:_MAX_TEXT_LENGTH]).splitlines())
    sentences = [sentence for sentence in _SENTENCE_END.split(" ".join(" ".join(lines).split())) if sentence]
    best = ((one, patterns[0]) for one in sentences if preferred and patterns and preferred.search(one))
    hits = ((one, bold) for bold in patterns for one in sentences if bold.search(one))
    chosen, bold = next(chain(best, hits), (sentences[0] if sentences else "", None))
    shown = shorten_around(
        chosen, (preferred and preferred.search(chosen)) or bold.search(chosen) if bold else None
    )
    if bold is None:
        return escape.escape_text(shown)
    pieces, at = [], 0
    for match in bold.finditer(shown):
        if match.group().strip():
            pieces += [
                escape.escape_inline(shown[at : match.start()]),
                f"**{escape.escape_inline(match.group())}**",
            ]
            at = match.end()
    pieces.append(escape.escape_inline(shown[at:]))
    return SafeMarkdown(escape.escape_line_start("".join(pieces)))


def shorten_around(sentence: str, match: re.Match[str] | None) -> str:
    """Return a sentence in at most COLUMNS columns, with the match in it."""
    limit = count_fitting(sentence)
    if len(sentence) <= limit:
        return sentence
    if match is None or match.end() <= limit - 10:
        return split.shorten(sentence, limit, markdown=False)
    start = sentence.rfind(" ", 0, max(match.start() - limit // 3, 1)) + 1
    return "…" + split.shorten(sentence[start:], limit - 1, markdown=False)


def count_fitting(text: str, max_columns: int = MAX_COLUMNS) -> int:
    """Return how many characters of a text fit into `most` columns."""
    used = 0
    for number, character in enumerate(text):
        used += 2 if character >= "\u1100" else 1
        if used > max_columns:
            return number
    return max(len(text), 1)
