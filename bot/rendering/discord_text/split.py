"""Long Discord Markdown made to fit: shortened to one piece, or split into pages that lose nothing.

Neither cuts inside a link, a code span, an escape, a `<…>` token or a grapheme; marks that a cut leaves open
are closed, and opened again on the next page. What a text consists of is found in `pieces`.
"""

from __future__ import annotations

from bot.rendering.discord_text import limits, tokenizer

ELLIPSIS = "…"
SPACED_ELLIPSIS = "\u00a0" + ELLIPSIS
"""Stands after a whole sentence; a line never breaks before it."""
SMALLEST_PAGE = 64
"""Pages below this many characters or bytes could not hold the two ends of a fence and something between."""

_WELL_FILLED = 0.5


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
    rest = tokenizer.parse_pieces(beginning, markdown=markdown)[::-1]
    page.fill(rest)
    return page.shortened(rest)


def split(text: str, max_chars: int = limits.TEXT, max_bytes: int = limits.TEXT_BYTES) -> list[str]:
    """Return `text` in pages of at most `max_chars` code points and `max_bytes` UTF-8 bytes each.

    Cut between blocks if that fills half of a page, else between lines, sentences, words, graphemes. Fences
    and marks open at a cut are closed and opened again. Only whitespace at the cuts is dropped; an empty
    text gives no page. Raises ValueError for pages smaller than `SMALLEST_PAGE`.
    """
    if min(max_chars, max_bytes) < SMALLEST_PAGE:
        raise ValueError(f"a page needs room for {SMALLEST_PAGE} characters")
    if len(text) <= max_chars and limits.utf8_bytes(text) <= max_bytes:
        return [text.strip("\n")] if text.strip() else []
    pages: list[str] = []
    opened: list[str] = []
    rest = tokenizer.parse_pieces(text)[::-1]
    while rest:
        page = _Page(max_chars, max_bytes, opened=opened)
        page.fill(rest, breaking_hard=True)
        written, opened = page.written(page.best_cut(rest), rest)
        if written.strip():
            pages.append(written)
        while rest and not _in_fence(opened) and rest[-1].text.isspace():
            rest.pop()
    return pages


def _in_fence(opened: list[str]) -> bool:
    return any(mark.startswith(tokenizer.FENCE) for mark in opened)


def _closers(opened: list[str]) -> str:
    return "".join(
        f"\n{tokenizer.FENCE}" if mark.startswith(tokenizer.FENCE) else mark for mark in reversed(opened)
    )


def _toggled(opened: list[str], piece: tokenizer.Piece) -> list[str]:
    result = opened
    for mark in piece.toggles:
        result = [mark_ for mark_ in result if mark_ != mark] if mark in result else [*result, mark]
    return result


class _Page:
    """One page being filled: what it took, what is open at its end, and the best cut of each kind so far."""

    def __init__(
        self, max_chars: int, max_bytes: int, *, opened: list[str] | None = None, reserved: str = ""
    ) -> None:
        self._first_opened = self._opened = opened or []
        self._prefix = "".join(self._first_opened)
        self._max_chars = max_chars - len(reserved)
        self._max_bytes = max_bytes - limits.utf8_bytes(reserved)
        self._chars = len(self._prefix)
        self._bytes = limits.utf8_bytes(self._prefix)
        self._taken: list[tokenizer.Piece] = []
        self._cuts: dict[tokenizer.Cut, int] = {}
        self._good_cuts: dict[tokenizer.Cut, int] = {}

    def fill(self, rest: list[tokenizer.Piece], *, breaking_hard: bool = False) -> None:
        """Take pieces from the end of `rest` while they fit.

        A piece too long for a page that is not well filled yet falls apart into graphemes. A hard one, or a grapheme,
        does so only where it has the page for itself and `breaking_hard` says that all must be shown.
        """
        while rest:
            piece = rest.pop()
            if self._take(piece):
                continue
            shards = [piece.text]
            alone = breaking_hard and not self._taken
            if alone or (not piece.hard and self._fill() < _WELL_FILLED):
                shards = tokenizer.graphemes(piece.text)
            if alone and len(shards) == 1:
                step = max(1, min(self._max_chars, self._max_bytes) // 16)
                shards = [piece.text[start : start + step] for start in range(0, len(piece.text), step)]
            rest.extend(
                [tokenizer.Piece(shard) for shard in reversed(shards)] if len(shards) > 1 else [piece]
            )
            if len(shards) == 1:
                return

    def best_cut(self, rest: list[tokenizer.Piece]) -> int:
        """Return how many of the pieces to keep."""
        if not rest:
            return len(self._taken)
        self._note_cut(rest[-1])
        for level in tokenizer.Cut:
            if level in self._good_cuts:
                return self._good_cuts[level]
        return self._cuts[min(self._cuts)] if self._cuts else len(self._taken)

    def written(self, count: int, rest: list[tokenizer.Piece]) -> tuple[str, list[str]]:
        """Return the page of the first `count` pieces and what is open at its end; the others go back to `rest`."""
        rest.extend(reversed(self._taken[count:]))
        text, opened = self._prefix, self._first_opened
        text += "".join(piece.text for piece in self._taken[:count])
        for piece in self._taken[:count]:
            opened = _toggled(opened, piece)
        text = text.rstrip("\n") if _in_fence(opened) else text.rstrip()
        return text + (_closers(opened) if rest else ""), opened

    def shortened(self, rest: list[tokenizer.Piece]) -> str:
        """Return the page as a beginning that says that it goes on."""
        if rest:
            self._note_cut(rest[-1])
        ends = [cut for level, cut in self._good_cuts.items() if level <= tokenizer.Cut.SENTENCE]
        if ends:
            count, ending = max(ends), SPACED_ELLIPSIS
        else:
            anywhere = max(self._cuts.values(), default=0)
            count, ending = self._good_cuts.get(tokenizer.Cut.WORD, anywhere), ELLIPSIS
        text, opened = self._prefix, self._first_opened
        for piece in self._taken[:count]:
            text, opened = text + piece.text, _toggled(opened, piece)
        return text.rstrip() + (ending if text.strip() else ELLIPSIS) + _closers(opened)

    def _take(self, piece: tokenizer.Piece) -> bool:
        opened = _toggled(self._opened, piece)
        closers = _closers(opened)
        chars = self._chars + len(piece.text)
        size = self._bytes + limits.utf8_bytes(piece.text)
        if chars + len(closers) > self._max_chars or size + len(closers) > self._max_bytes:
            return False
        self._note_cut(piece)
        self._taken.append(piece)
        self._opened, self._chars, self._bytes = opened, chars, size
        return True

    def _note_cut(self, following: tokenizer.Piece) -> None:
        if not self._taken or self._taken[-1].opening or following.closing:
            return
        level = self._taken[-1].cut
        self._cuts[level] = len(self._taken)
        if self._fill() >= _WELL_FILLED:
            self._good_cuts[level] = len(self._taken)

    def _fill(self) -> float:
        return max(self._chars / max(self._max_chars, 1), self._bytes / max(self._max_bytes, 1))
