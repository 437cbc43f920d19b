"""Long Discord Markdown made to fit: shortened to one piece, or split into pages that lose nothing.

Neither cuts inside a link, a code span, an escape, a `<…>` token or a grapheme; marks that a cut leaves open
are closed, and opened again on the next page. What a text consists of is found in `pieces`.
"""

from __future__ import annotations

from bot.rendering.discord_text import limits, tokenizer

ELLIPSIS = "…"
SPACED_ELLIPSIS = "\u00a0" + ELLIPSIS
"""Stands after a whole sentence; a line never breaks before it."""
MIN_PAGE_SIZE = 64
"""Pages below this many characters or bytes could not hold the two ends of a fence and something between."""

_MIN_FILL_RATIO = 0.5


def shorten(text: str, limit: int, *, max_bytes: int | None = None, markdown: bool = True) -> str:
    """Return `text`, or its beginning ending in `…`, in at most `limit` code points (and `max_bytes` of UTF-8).

    Cut after a sentence if that keeps half of what would fit, else after a word, else after a grapheme.
    With `markdown=False` the text has no markup, as in labels and options.
    """
    most_bytes = 4 * limit if max_bytes is None else max_bytes
    if len(text) <= limit and limits.utf8_bytes(text) <= most_bytes:
        return text
    if limit < 1 or most_bytes < limits.utf8_bytes(ELLIPSIS):
        return ""
    beginning = text if markdown else text[: limit + 64]
    page = _Page(limit, most_bytes, reserved=SPACED_ELLIPSIS)
    rest = tokenizer.tokenize(beginning, markdown=markdown)[::-1]
    page.fill(rest)
    return page.render_shortened(rest)


def split_pages(text: str, max_chars: int = limits.TEXT, max_bytes: int = limits.TEXT_BYTES) -> list[str]:
    """Return `text` in pages of at most `max_chars` code points and `max_bytes` UTF-8 bytes each.

    Cut between blocks if that fills half of a page, else between lines, sentences, words, graphemes. Fences
    and marks open at a cut are closed and opened again. Only whitespace at the cuts is dropped; an empty
    text gives no page. Raises ValueError for pages smaller than `SMALLEST_PAGE`.
    """
    if min(max_chars, max_bytes) < MIN_PAGE_SIZE:
        raise ValueError(f"a page needs room for {MIN_PAGE_SIZE} characters")
    if len(text) <= max_chars and limits.utf8_bytes(text) <= max_bytes:
        return [text.strip("\n")] if text.strip() else []
    pages: list[str] = []
    opened: list[str] = []
    rest = tokenizer.tokenize(text)[::-1]
    while rest:
        page = _Page(max_chars, max_bytes, open_marks=opened)
        page.fill(rest, split_atomic=True)
        written, opened = page.render(page.choose_split_index(rest), rest)
        if written.strip():
            pages.append(written)
        while rest and not _in_fence(opened) and rest[-1].text.isspace():
            rest.pop()
    return pages


def _in_fence(opened: list[str]) -> bool:
    return any(mark.startswith(tokenizer.FENCE) for mark in opened)


def _closing_marks(opened: list[str]) -> str:
    return "".join(
        f"\n{tokenizer.FENCE}" if mark.startswith(tokenizer.FENCE) else mark for mark in reversed(opened)
    )


def _toggle_marks(opened: list[str], piece: tokenizer.Token) -> list[str]:
    result = opened
    for mark in piece.toggles:
        result = [mark_ for mark_ in result if mark_ != mark] if mark in result else [*result, mark]
    return result


class _Page:
    """One page being filled: what it took, what is open at its end, and the best cut of each kind so far."""

    def __init__(
        self, max_chars: int, max_bytes: int, *, open_marks: list[str] | None = None, reserved: str = ""
    ) -> None:
        self._marks_at_start = self._open_marks = open_marks or []
        self._prefix = "".join(self._marks_at_start)
        self._max_chars = max_chars - len(reserved)
        self._max_bytes = max_bytes - limits.utf8_bytes(reserved)
        self._chars = len(self._prefix)
        self._bytes = limits.utf8_bytes(self._prefix)
        self._tokens: list[tokenizer.Token] = []
        self._boundaries: dict[tokenizer.Boundary, int] = {}
        self._preferred_boundaries: dict[tokenizer.Boundary, int] = {}

    def fill(self, rest: list[tokenizer.Token], *, split_atomic: bool = False) -> None:
        """Take pieces from the end of `rest` while they fit.

        A piece too long for a page that is not well filled yet falls apart into graphemes. A hard one, or a grapheme,
        does so only where it has the page for itself and `breaking_hard` says that all must be shown.
        """
        while rest:
            piece = rest.pop()
            if self._try_append(piece):
                continue
            shards = [piece.text]
            alone = split_atomic and not self._tokens
            if alone or (not piece.is_atomic and self._fill_ratio() < _MIN_FILL_RATIO):
                shards = tokenizer.graphemes(piece.text)
            if alone and len(shards) == 1:
                step = max(1, min(self._max_chars, self._max_bytes) // 16)
                shards = [piece.text[start : start + step] for start in range(0, len(piece.text), step)]
            rest.extend(
                [tokenizer.Token(shard) for shard in reversed(shards)] if len(shards) > 1 else [piece]
            )
            if len(shards) == 1:
                return

    def choose_split_index(self, rest: list[tokenizer.Token]) -> int:
        """Return how many of the pieces to keep."""
        if not rest:
            return len(self._tokens)
        self._record_boundary(rest[-1])
        for level in tokenizer.Boundary:
            if level in self._preferred_boundaries:
                return self._preferred_boundaries[level]
        return self._boundaries[min(self._boundaries)] if self._boundaries else len(self._tokens)

    def render(self, count: int, rest: list[tokenizer.Token]) -> tuple[str, list[str]]:
        """Return the page of the first `count` pieces and what is open at its end; the others go back to `rest`."""
        rest.extend(reversed(self._tokens[count:]))
        text, opened = self._prefix, self._marks_at_start
        text += "".join(piece.text for piece in self._tokens[:count])
        for piece in self._tokens[:count]:
            opened = _toggle_marks(opened, piece)
        text = text.rstrip("\n") if _in_fence(opened) else text.rstrip()
        return text + (_closing_marks(opened) if rest else ""), opened

    def render_shortened(self, rest: list[tokenizer.Token]) -> str:
        """Return the page as a beginning that says that it goes on."""
        if rest:
            self._record_boundary(rest[-1])
        ends = [
            cut for level, cut in self._preferred_boundaries.items() if level <= tokenizer.Boundary.SENTENCE
        ]
        if ends:
            count, ending = max(ends), SPACED_ELLIPSIS
        else:
            anywhere = max(self._boundaries.values(), default=0)
            count, ending = self._preferred_boundaries.get(tokenizer.Boundary.WORD, anywhere), ELLIPSIS
        text, opened = self._prefix, self._marks_at_start
        for piece in self._tokens[:count]:
            text, opened = text + piece.text, _toggle_marks(opened, piece)
        return text.rstrip() + (ending if text.strip() else ELLIPSIS) + _closing_marks(opened)

    def _try_append(self, piece: tokenizer.Token) -> bool:
        opened = _toggle_marks(self._open_marks, piece)
        closers = _closing_marks(opened)
        chars = self._chars + len(piece.text)
        size = self._bytes + limits.utf8_bytes(piece.text)
        if chars + len(closers) > self._max_chars or size + len(closers) > self._max_bytes:
            return False
        self._record_boundary(piece)
        self._tokens.append(piece)
        self._open_marks, self._chars, self._bytes = opened, chars, size
        return True

    def _record_boundary(self, following: tokenizer.Token) -> None:
        if not self._tokens or self._tokens[-1].is_opening or following.is_closing:
            return
        level = self._tokens[-1].boundary
        self._boundaries[level] = len(self._tokens)
        if self._fill_ratio() >= _MIN_FILL_RATIO:
            self._preferred_boundaries[level] = len(self._tokens)

    def _fill_ratio(self) -> float:
        return max(self._chars / max(self._max_chars, 1), self._bytes / max(self._max_bytes, 1))
