"""The full text of a paper: Hugging Face's Markdown of it, else the HTML of arXiv, else that of ar5iv.

Each may answer with another page than the paper, so a text counts only if it holds the paper's id and title and at least
MIN_WORDS words. A large page is parsed in a process of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import structlog
from yarl import URL

from bot import child_process
from bot.clock import Clock
from bot.sources import paper_html, paper_markdown
from bot.sources.http import charset, errors
from bot.text.analysis import latex, normalisation
from storage import models

if TYPE_CHECKING:
    from bot.sources.http import fetcher

log = structlog.get_logger(__name__)

MIN_WORDS = 400
MAX_CHARACTERS = 400_000
"""A longer text is cut."""
SECONDS_PER_REQUEST = 3.0
"""Minimum time between two requests to arXiv, which its terms of use ask for; ar5iv is arXiv's too."""

_THREAD_BYTES = 20_000
"""Body size from which a page is parsed in a thread, off the event loop."""
_PROCESS_BYTES = 1_000_000
"""Body size from which a page is parsed in a process of its own."""
_MAX_CPU_SECONDS, _MAX_MEGABYTES = 300.0, 400
"""Limits of that process."""
_MARKDOWN_TYPES = ("text/markdown", "text/x-markdown")
_MARKDOWN_HEAD = "Markdown Content:"
_HEAD_CHARACTERS = 6_000
"""Characters in which a Markdown document names its title; a citation of the paper comes later."""
_LATEXML_MARK = re.compile(
    r"class\s?=\s?[\"'][^\"'>]{0,300}\bltx_|generat(?:or|ed)\b[^>]{0,200}LaTeXML|LaTeXML[^>]{0,100}\bgenerator\b",
    re.IGNORECASE,
)
_VERSION = re.compile(r"v[0-9]{1,3}/?$")
_WORD = re.compile(r"\w*[^\W\d_]\w*")
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
_MAX_TITLE_EXCESS = 1.3
_MAX_TITLE_ADDITION = 12
"""Letters that a page's own title may add to the paper's, such as an id; or a share of its length."""
_ARXIV_HOSTS = ("arxiv.org", "ar5iv.org")


class RejectedPageError(errors.FetchError):
    """The page is not the text of the paper."""


class PaperTextReader:
    """Reads papers one at a time or several at once. `throttle` delays requests to arXiv alone."""

    def __init__(
        self,
        endpoint: str,
        html_bases: Sequence[str],
        fetch: fetcher.Fetcher,
        *,
        now: Clock,
        throttle: fetcher.Throttle,
    ) -> None:
        self._markdown_base = f"{endpoint.rstrip('/')}/papers"
        self._html_bases = tuple(base.rstrip("/") for base in html_bases)
        self._fetcher = fetch
        self._now = now
        self._throttle = throttle
        self._process = asyncio.Semaphore(1)

    async def read(self, arxiv_id: str, title: str) -> models.PaperText | None:
        """Return the text of a paper, or None if no place has it. Raises nothing for a place that cannot be read."""
        addresses = [(f"{self._markdown_base}/{arxiv_id}.md", "text/markdown")]
        addresses += [(f"{base}/{arxiv_id}", "text/html") for base in self._html_bases]
        for address, media_type in addresses:
            try:
                text = await self._read_page(address, media_type, arxiv_id, title)
            except errors.FetchError as error:
                log.info("no text of the paper there", paper=arxiv_id, place=address, reason=error.reason)
            else:
                return models.PaperText(arxiv_id, text, address, self._now())
        return None

    async def _read_page(self, address: str, media_type: str, arxiv_id: str, title: str) -> str:
        response = await self._fetcher.get(
            address,
            accept=f"{media_type}, */*;q=0.1",
            throttle=self._throttle if _is_arxiv(address) else _no_throttle,
        )
        if _page_path(response.url) != _page_path(address):
            raise RejectedPageError(f"it redirects to {response.url}")
        is_markdown = media_type == "text/markdown"
        request: dict[str, Any] = {
            "arxiv_id": arxiv_id,
            "title": title,
            "is_markdown": is_markdown,
            "has_type": response.media_type in _MARKDOWN_TYPES,
            "charset_name": response.charset,
        }
        body = response.body or b""
        if len(body) >= _PROCESS_BYTES:
            # Where no process can be started, a thread does it.
            with contextlib.suppress(child_process.ChildStartError):
                async with self._process:
                    return await _parse_in_process(request, body)
        if len(body) >= _THREAD_BYTES:
            return await asyncio.to_thread(parse, body, **request)
        return parse(body, **request)


async def _no_throttle() -> None:
    """Do not wait: only arXiv asks for it."""


def _is_arxiv(address: str) -> bool:
    host = URL(address).host or ""
    return any(host == name or host.endswith(f".{name}") for name in _ARXIV_HOSTS)


def _page_path(address: str) -> str:
    """Return the path of an address without a version: `…/2505.01234v2/` is the paper 2505.01234."""
    return _VERSION.sub("", URL(address).path.rstrip("/")).lower()


def parse(
    body: bytes, *, arxiv_id: str, title: str, is_markdown: bool, has_type: bool, charset_name: str | None
) -> str:
    """Return the text of a paper's page. Raises FetchError if the page is not the paper.

    `has_type`: the server says that it is Markdown.
    """
    page = charset.decode_text(body, charset_name)
    if not re.search(rf"(?<![\w.]){re.escape(arxiv_id)}(?!\d)", page):
        raise RejectedPageError(f"{arxiv_id} does not stand in it")
    text = _read_markdown(page, title, has_type=has_type) if is_markdown else _read_html(page, title)
    if (words := sum(1 for _ in _WORD.finditer(text))) < MIN_WORDS:
        raise RejectedPageError(f"it has only {words} words")
    return paper_markdown.cut(text)[:MAX_CHARACTERS]


def _read_markdown(page: str, title: str, *, has_type: bool) -> str:
    start = page.lstrip("\ufeff \t\r\n")
    head, mark, content = start.partition(_MARKDOWN_HEAD)
    has_head = bool(mark) and len(head) <= _HEAD_CHARACTERS
    if start.startswith("<") or not (has_type or has_head):
        raise RejectedPageError("it is no Markdown")
    if not any(form in _compact(start[:_HEAD_CHARACTERS]) for form in _title_forms(title)):
        raise RejectedPageError("its title is another one")
    return paper_markdown.clean(content if has_head else start)


def _read_html(page: str, title: str) -> str:
    if not _LATEXML_MARK.search(page):
        raise RejectedPageError("it is not made by LaTeXML")
    parsed = paper_html.PaperPage(page)
    if not any(_is_title(title, own) for own in parsed.titles):
        raise RejectedPageError(f"its title is another one: {(parsed.titles or ['none'])[0]}")
    return parsed.text


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
    return {form for form in (_compact(latex.to_plain_text(title)), _compact(title)) if form}


def _compact(text: str) -> str:
    return _NOT_ALPHANUMERIC.sub("", normalisation.fold(text))


async def _parse_in_process(request: Mapping[str, Any], body: bytes) -> str:
    try:
        text: str = await child_process.run_isolated(
            _parse_request, request, body, seconds=_MAX_CPU_SECONDS, megabytes=_MAX_MEGABYTES
        )
    except child_process.ChildError as error:
        raise errors.FetchError(str(error)) from error
    return text


def _parse_request(request: Mapping[str, Any], body: bytes) -> str:
    return parse(body, **request)
