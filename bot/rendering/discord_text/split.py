"""Splitter of Discord Markdown: shortens a text, or splits it into pages without loss.

A cut is never inside a link, a code span, an escape, a `<…>` token or a grapheme. Marks that are open at a cut are
closed there and opened again on the next page.
"""

from __future__ import annotations

from bot.rendering.discord_text import limits, tokenizer

ELLIPSIS = "…"
SPACED_ELLIPSIS = "\u00a0" + ELLIPSIS
"""The ellipsis after a whole sentence; a line never breaks before it."""
MIN_PAGE_SIZE = 64
"""Characters and bytes that a page needs at least: room for both ends of a fence and some content."""

_MIN_FILL_RATIO = 0.5


def shorten(text: str, limit: int, *, max_bytes: int | None = None, markdown: bool = True) -> str:
    """Return `text`, or its beginning with `…`, in at most `limit` code points and `max_bytes` of UTF-8.

    The cut is after a sentence if that keeps half of the limit, else after a word, else after a grapheme. With
    `markdown=False` the text has no markup, as in labels and options.
    """
    byte_limit = 4 * limit if max_bytes is None else max_bytes
    if len(text) <= limit and limits.utf8_bytes(text) <= byte_limit:
        return text
    if limit < 1 or byte_limit < limits.utf8_bytes(ELLIPSIS):
        return ""
    prefix = text if markdown else text[: limit + 64]
    page = _Page(limit, byte_limit, reserved=SPACED_ELLIPSIS)
    rest = tokenizer.tokenize(prefix, markdown=markdown)[::-1]
    page.fill(rest)
    return page.render_shortened(rest)


def split_pages(text: str, max_chars: int = limits.TEXT, max_bytes: int = limits.TEXT_BYTES) -> list[str]:
    """Return `text` in pages of at most `max_chars` code points and `max_bytes` UTF-8 bytes each.

    The cut is between blocks if that fills half of a page, else between lines, sentences, words, graphemes. Only
    whitespace at the cuts is dropped; an empty text gives no page. Raises ValueError for limits below `MIN_PAGE_SIZE`.
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
        rendered, opened = page.render(page.choose_split_index(rest), rest)
        if rendered.strip():
            pages.append(rendered)
        while rest and not _in_fence(opened) and rest[-1].text.isspace():
            rest.pop()
    return pages


def _in_fence(opened: list[str]) -> bool:
    return any(mark.startswith(tokenizer.FENCE) for mark in opened)


def _closing_marks(opened: list[str]) -> str:
    return "".join(
        f"\n{tokenizer.FENCE}" if mark.startswith(tokenizer.FENCE) else mark for mark in reversed(opened)
    )


def _toggle_marks(opened: list[str], token: tokenizer.Token) -> list[str]:
    for mark in token.toggles:
        opened = [other for other in opened if other != mark] if mark in opened else [*opened, mark]
    return opened


class _Page:
    """A page under construction: its tokens, the marks open at its end, and the last boundary of each level."""

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
        """Move tokens from the end of `rest` to the page while they fit.

        A token that does not fit into a page less than half full is split into graphemes. An atomic token or a
        grapheme is split only with `split_atomic` and on an empty page.
        """
        while rest:
            token = rest.pop()
            if self._try_append(token):
                continue
            shards = [token.text]
            is_alone = split_atomic and not self._tokens
            if is_alone or (not token.is_atomic and self._fill_ratio() < _MIN_FILL_RATIO):
                shards = tokenizer.graphemes(token.text)
            if is_alone and len(shards) == 1:
                step = max(1, min(self._max_chars, self._max_bytes) // 16)
                shards = [token.text[start : start + step] for start in range(0, len(token.text), step)]
            rest.extend(
                [tokenizer.Token(shard) for shard in reversed(shards)] if len(shards) > 1 else [token]
            )
            if len(shards) == 1:
                return

    def choose_split_index(self, rest: list[tokenizer.Token]) -> int:
        """Return the number of tokens to keep on the page."""
        if not rest:
            return len(self._tokens)
        self._record_boundary(rest[-1])
        for level in tokenizer.Boundary:
            if level in self._preferred_boundaries:
                return self._preferred_boundaries[level]
        return self._boundaries[min(self._boundaries)] if self._boundaries else len(self._tokens)

    def render(self, count: int, rest: list[tokenizer.Token]) -> tuple[str, list[str]]:
        """Return the page of the first `count` tokens and the marks open at its end; put the other tokens back to `rest`."""
        rest.extend(reversed(self._tokens[count:]))
        text, opened = self._prefix, self._marks_at_start
        text += "".join(token.text for token in self._tokens[:count])
        for token in self._tokens[:count]:
            opened = _toggle_marks(opened, token)
        text = text.rstrip("\n") if _in_fence(opened) else text.rstrip()
        return text + (_closing_marks(opened) if rest else ""), opened

    def render_shortened(self, rest: list[tokenizer.Token]) -> str:
        """Return the page cut at its best boundary, with an ellipsis."""
        if rest:
            self._record_boundary(rest[-1])
        ends = [
            cut for level, cut in self._preferred_boundaries.items() if level <= tokenizer.Boundary.SENTENCE
        ]
        if ends:
            count, ellipsis = max(ends), SPACED_ELLIPSIS
        else:
            anywhere = max(self._boundaries.values(), default=0)
            count, ellipsis = self._preferred_boundaries.get(tokenizer.Boundary.WORD, anywhere), ELLIPSIS
        text, opened = self._prefix, self._marks_at_start
        for token in self._tokens[:count]:
            text, opened = text + token.text, _toggle_marks(opened, token)
        return text.rstrip() + (ellipsis if text.strip() else ELLIPSIS) + _closing_marks(opened)

    def _try_append(self, token: tokenizer.Token) -> bool:
        opened = _toggle_marks(self._open_marks, token)
        closers = _closing_marks(opened)
        chars = self._chars + len(token.text)
        size = self._bytes + limits.utf8_bytes(token.text)
        if chars + len(closers) > self._max_chars or size + len(closers) > self._max_bytes:
            return False
        self._record_boundary(token)
        self._tokens.append(token)
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
