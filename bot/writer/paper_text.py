"""The full text of a paper: Hugging Face's Markdown of it, else the HTML of arXiv as plain text.

Each may answer with another page than the paper, so a text counts only if it holds the paper's id and title and at least
MIN_WORDS words. All but a short page is read in a process of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from typing import Any

import structlog
from yarl import URL

from bot.archive import html_pages
from bot.core import isolation
from bot.core.clock import Clock
from bot.sources import base, fetcher
from bot.text import analyser, typography
from storage import models

_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\u00ad\U000e0000-\U000e007f]")


def drop_invisible(text: str) -> str:
    """Return a text without characters that have no glyph, such as zero-width spaces and Unicode's tags."""
    return _INVISIBLE.sub("", text)


# The text of a page of HTML: headings as Markdown, paragraphs, items of lists, rows of tables, and formulas as TeX.

_EMPTY_LINES = re.compile(r"(?<![ \t])[ \t]*+\n[ \t]*(?:\n\s*)?\n")
_SPACES = re.compile(r"\s+")
_SKIPPED = frozenset(
    {"script", "style", "template", "noscript", "svg", "nav", "footer", "button", "annotation"}
)
_HEADINGS = {f"h{level}": f"\n\n{'#' * level} " for level in range(1, 7)}
_BLOCK_NAMES = "p div article section main table blockquote header figure figcaption dl dt dd ul ol pre title"
_BREAKS = dict.fromkeys((*_BLOCK_NAMES.split(), *_HEADINGS), "\n\n")
_OPENINGS = _BREAKS | _HEADINGS | {"li": "\n- ", "br": "\n", "tr": "\n", "td": " | ", "th": " | "}
_TEX = re.compile(r"[\\^_{]")


def read_page(page: str) -> tuple[str, list[str]]:
    """Return the text of a page, and the titles that it gives itself."""
    chunks: list[str] = []
    titles: list[str] = []
    title_start = depth = 0
    skipped: str | None = None
    for token in html_pages.tokenize(page):
        if isinstance(token, str):
            if skipped is None:
                chunks.append(_SPACES.sub(" ", html_pages.unescape(token)))
            continue
        name, is_closing, attributes = token
        if skipped is not None:
            depth += (-1 if is_closing else 1) if name == skipped else 0
            skipped = skipped if depth else None
            continue
        formula = html_pages.parse_attributes(attributes).get("alttext") if name == "math" else None
        if not is_closing and (name in _SKIPPED or formula is not None):
            chunks.append(_format_formula(formula or ""))
            skipped, depth = name, 1
        elif not is_closing:
            title_start = len(chunks) + 1 if name in ("title", "h1") else title_start
            chunks.append(_OPENINGS.get(name, ""))
        else:
            if name in ("title", "h1"):
                titles.append(" ".join("".join(chunks[title_start:]).split()))
            chunks.append(_BREAKS.get(name, ""))
    return _EMPTY_LINES.sub("\n\n", drop_invisible("".join(chunks))).strip() + "\n", titles


def _format_formula(tex: str) -> str:
    plain = " ".join(tex.replace("\\%", "%").split())
    return f"${plain}$" if _TEX.search(plain) else plain


# The Markdown of a paper: cleaned of links and pictures, and cut before references and acknowledgements.

_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.{0,300})")
_BOLD_HEADING = re.compile(r"\*\*([^*\n]{1,80})\*\*:?")
_UNDERLINED = re.compile(
    r"^(?=.{1,300}$)(?![^\S\n]*[#|>-])[^\S\n]*(\S.*)\n(?:(=)={2,200}|-{3,201})[ \t]*$", re.MULTILINE
)
_CUT_TITLE = re.compile(
    r"[\W_]*(?:(?:[0-9]{1,2}|[IVX]{1,5}|[A-Z])(?:\.[0-9]{1,2}){0,2}[.)]?\s+)?"
    r"(?:references?(?:\s+and\s+notes)?|bibliography|literature cited|works cited|acknowledge?ments?|참고\s?문헌|감사의 [글말])"
    r"[\W_]*",
    re.IGNORECASE,
)
_PICTURE = re.compile(r"!\[[^\[\]\n]{0,500}\]\([^()\s]{0,2000}(?:\s\"[^\"\n]{0,200}\")?\)")
_LINK = re.compile(
    r"\[([^\[\]\n]{0,500})\]\(<?[^()\s]{0,2000}(?:\([^()\s]{0,200}\)[^()\s]{0,200})?(?:\s\"[^\"\n]{0,200}\")?\)"
)
_CITATION = re.compile(r"\s?\[[0-9]{1,3}(?:\s?[,;–-]\s?[0-9]{1,3}){0,20}\]")
_TAGS = "span|div|p|font|b|i|em|strong|small|sub|sup|u|a|section|details|summary|td|tr|table|li|ul|ol|h[1-6]|mark|code"
_TAG = re.compile(rf"</?(?:{_TAGS})(?:\s[^<>=]{{0,200}}=[^<>]{{0,2000}})?/?>", re.IGNORECASE)


def clean_markdown(markdown: str) -> str:
    """Return Markdown without tags of HTML, pictures and the addresses of links; the text of links stays."""
    text = _PICTURE.sub("", _TAG.sub("", drop_invisible(markdown)))
    return _LINK.sub(r"\1", _LINK.sub(r"\1", text))


def cut_sections(markdown: str) -> str:
    """Return the text without its references and acknowledgements, with headings in one form (`## 2 Method`)."""
    kept: list[str] = []
    cut_level = 0
    plain = _UNDERLINED.sub(lambda match: f"{'#' if match[2] else '##'} {match[1].strip()}", markdown)
    for line in plain.split("\n"):
        level, title = _read_heading(line)
        if level and (not cut_level or level <= cut_level):
            cut_level = level if _CUT_TITLE.fullmatch(title) else 0
        if not cut_level:
            kept.append(line)
    return re.sub(r"\n[ \t]*\n\s*\n", "\n\n", "\n".join(kept)).strip() + "\n"


def _read_heading(line: str) -> tuple[int, str]:
    """Return level and title of a heading; level 0 for any other line. A line in bold counts only if it is cut."""
    if match := _HEADING.match(line):
        return len(match[1]), match[2]
    bold = _BOLD_HEADING.fullmatch(line.strip())
    if bold and _CUT_TITLE.fullmatch(bold[1]):
        return 6, bold[1]
    return (6, line) if len(line) <= 40 and line.isupper() and _CUT_TITLE.fullmatch(line) else (0, "")


log = structlog.get_logger(__name__)

MIN_WORDS = 400
MAX_CHARACTERS = 400_000
"""A longer text is cut."""
SECONDS_PER_REQUEST = 3.0
"""Minimum time between two requests to arXiv, which its terms of use ask for."""

PROCESS_LENGTH = 20_000
"""Bytes of a page, and characters of a paper, from which a process of its own reads it."""
_MAX_CPU_SECONDS, _MAX_MEGABYTES = 30.0, 400
"""Limits of that process. The largest page that is fetched, 20 MB, takes ten seconds."""
_MARKDOWN_TYPES = ("text/markdown", "text/x-markdown")
_MARKDOWN_HEAD = "Markdown Content:"
_HEAD_CHARACTERS = 6_000
"""Characters in which a Markdown document names its title; a citation of the paper comes later."""
_VERSION = re.compile(r"v[0-9]{1,3}/?$")
_WORD = re.compile(r"(?<!\w)[\d_]*+[^\W\d_]")
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
_MAX_TITLE_EXCESS = 1.3
_MAX_TITLE_ADDITION = 12
"""Letters that a page's own title may add to the paper's, such as an id; or a share of its length."""


class RejectedPageError(base.FetchError):
    """The page is not the text of the paper."""


class PaperTextReader:
    """Reads papers one at a time or several at once. `throttle` delays requests to arXiv alone."""

    def __init__(
        self, endpoint: str, html_base: str, fetch: fetcher.Fetcher, *, now: Clock, throttle: base.Throttle
    ) -> None:
        self._markdown_base = f"{endpoint.rstrip('/')}/papers"
        self._html_base = html_base.rstrip("/")
        self._fetcher = fetch
        self._now = now
        self._throttle = throttle
        self._process = asyncio.Semaphore(1)

    async def read(self, arxiv_id: str, title: str) -> models.PaperText | None:
        """Return the text of a paper, or None if no place has it. Raises nothing for a place that cannot be read."""
        places = (
            (self._markdown_base, f"{arxiv_id}.md", "text/markdown"),
            (self._html_base, arxiv_id, "text/html"),
        )
        for base_url, name, media_type in places:
            address = f"{base_url}/{name}"
            try:
                text = await self._read_page(address, media_type, arxiv_id, title)
            except base.FetchError as error:
                log.info("no text of the paper there", paper=arxiv_id, place=address, reason=error.reason)
            else:
                return models.PaperText(arxiv_id, text, address, self._now())
        return None

    async def _read_page(self, address: str, media_type: str, arxiv_id: str, title: str) -> str:
        response = await self._fetcher.get(
            address,
            accept=f"{media_type}, */*;q=0.1",
            throttle=self._throttle if _is_arxiv(address) else base.no_throttle,
        )
        if _page_path(response.url) != _page_path(address):
            raise RejectedPageError(f"it redirects to {response.url}")
        is_markdown, has_type = media_type == "text/markdown", response.media_type in _MARKDOWN_TYPES
        body = bytes(response.body or b"")
        arguments = body, response.charset, arxiv_id, title, is_markdown, has_type
        if len(body) < PROCESS_LENGTH:
            return parse_paper(*arguments)
        try:
            text: str = await self.run_in_process(parse_paper, *arguments)
        except isolation.ChildError as error:
            raise base.FetchError(str(error)) from error
        return text

    async def run_in_process(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return what a function returns in a process with limits, one at a time. Raises ChildError, and what it raises.

        Where no process can be started, a thread does it.
        """
        async with self._process:
            with contextlib.suppress(isolation.ChildStartError):
                return await isolation.run_isolated(
                    function, *arguments, seconds=_MAX_CPU_SECONDS, megabytes=_MAX_MEGABYTES
                )
            return await asyncio.to_thread(function, *arguments)


def _is_arxiv(address: str) -> bool:
    host = URL(address).host or ""
    return host == "arxiv.org" or host.endswith(".arxiv.org")


def _page_path(address: str) -> str:
    """Return the path of an address without a version: `…/2505.01234v2/` is the paper 2505.01234."""
    return _VERSION.sub("", URL(address).path.rstrip("/")).lower()


def parse_paper(
    body: bytes, charset_name: str | None, arxiv_id: str, title: str, is_markdown: bool, has_type: bool
) -> str:
    """Return the text of a paper's page. Raises FetchError if the page is not the paper.

    `has_type`: the server says that it is Markdown.
    """
    page = base.decode_text(body, charset_name)
    if not re.search(rf"(?<![\w.]){re.escape(arxiv_id)}(?!\d)", page):
        raise RejectedPageError(f"it does not contain {arxiv_id}")
    text = _read_markdown(page, title, has_type=has_type) if is_markdown else _read_html(page, title)
    if (words := sum(1 for _ in _WORD.finditer(text))) < MIN_WORDS:
        raise RejectedPageError(f"it has only {words} words")
    return cut_sections(_CITATION.sub("", text))[:MAX_CHARACTERS]


def _read_markdown(page: str, title: str, *, has_type: bool) -> str:
    start = page.lstrip("\ufeff \t\r\n")
    head, mark, content = start.partition(_MARKDOWN_HEAD)
    has_head = bool(mark) and len(head) <= _HEAD_CHARACTERS
    if start.startswith("<") or not (has_type or has_head):
        raise RejectedPageError("it is not Markdown")
    if not any(form in _compact(start[:_HEAD_CHARACTERS]) for form in _title_forms(title)):
        raise RejectedPageError("it has a different title")
    return clean_markdown(content if has_head else start)


def _read_html(page: str, title: str) -> str:
    text, titles = read_page(page)
    if not any(_is_title(title, own) for own in titles):
        raise RejectedPageError(f"it has a different title: {(titles or ['none'])[0]}")
    return text


def _is_title(title: str, own: str) -> bool:
    """Whether a page's own title is the paper's, without case, spaces and punctuation; it may add an id or a site."""
    page_forms = _title_forms(own)
    return any(
        form in page_form
        and len(page_form) <= max(_MAX_TITLE_EXCESS * len(form), len(form) + _MAX_TITLE_ADDITION)
        for form in _title_forms(title)
        for page_form in page_forms
    )


def _title_forms(title: str) -> set[str]:
    """Return the letters and digits of a title, with its LaTeX as text and as it is; none for an empty title."""
    return {form for form in (_compact(typography.to_plain_text(title)), _compact(title)) if form}


def _compact(text: str) -> str:
    return _NOT_ALPHANUMERIC.sub("", analyser.fold(text))
