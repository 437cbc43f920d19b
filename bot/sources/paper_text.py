"""Full texts of papers: Hugging Face's Markdown, or arXiv's HTML as plain text, each read once and kept for a month.

Either site may return a page that is not the paper, so a text must contain the paper's id and title and at
least MIN_WORDS words. Of a paper without arXiv HTML, Hugging Face's Markdown is its own web page with what readers wrote
there, so only Markdown whose head names arXiv's HTML counts. Pages are parsed in a child process unless they are short.
"""

from __future__ import annotations

import asyncio
import re
import weakref
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import aiolimiter
import structlog
from yarl import URL

from bot.archive import html_pages, schemes
from bot.archive.summaries import Basis
from bot.core import isolation
from bot.core.clock import Clock
from bot.sources import base, fetcher
from bot.text import analyser, plain, typography
from storage import errors, models, paper_texts
from storage.database import Database

log = structlog.get_logger(__name__)

MIN_WORDS = 400
MAX_CHARACTERS = 400_000
"""Longer texts are truncated."""
_MAX_CPU_SECONDS, _MAX_MEGABYTES = 30.0, 400
"""Limits of the child process."""
_HEAD_CHARACTERS = 6_000
"""Characters at the start of a page that must contain the title; citations come later."""

_VERSION = re.compile(r"v[0-9]{1,3}/?$")
_WORD = re.compile(r"(?<!\w)[\d_]*+[^\W\d_]")
_MARKDOWN_HEAD = re.compile(
    r"\s*Title:[^\n]{0,1000}\n\s*URL Source: https?://arxiv\.org/html/(\S{1,40})\s"
    r"(?:(?!Markdown Content:).){0,1000}Markdown Content:",
    re.DOTALL,
)
"""The head of Markdown that Hugging Face made from arXiv's HTML of the paper in the group."""
_MATH = re.compile(
    r"<math\b[^<>]{0,500}?\balttext=\"([^\"<>]{0,5000})\"[^<>]{0,500}>(?:(?!<math\b).)*?</math>", re.DOTALL
)
_UNDERLINED = re.compile(r"^([^\s#|>-][^\n]{0,300})\n(=|-){3,200}[ \t]*$", re.MULTILINE)
_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.{0,300})|(\*\*)([^*\n]{1,80})\*\*:?")
_CUT_TITLE = re.compile(
    r"[\W_]*(?:(?:[0-9]{1,2}|[IVX]{1,5}|[A-Z])(?:\.[0-9]{1,2}){0,2}[.)]?\s+)?"
    r"(?:references?|bibliography|acknowledge?ments?|참고\s?문헌|감사의 [글말]|(instructions for reporting errors))[\W_]*",
    re.IGNORECASE,
)
"""The title of a section that is left out. That in the group is arXiv's notice, which the next heading of any level ends."""
_PICTURE = re.compile(r"!\[[^\[\]\n]{0,500}\]\([^()\s]{0,2000}(?:\s\"[^\"\n]{0,200}\")?\)")
_LINK = re.compile(
    r"\[([^\[\]\n]{0,500})\]\(<?[^()\s]{0,2000}(?:\([^()\s]{0,200}\)[^()\s]{0,200})?(?:\s\"[^\"\n]{0,200}\")?\)"
)
_CITATION = re.compile(r"\s?\\?\[[0-9]{1,3}(?:\s?[,;–-]\s?[0-9]{1,3}){0,20}\\?\]")
_TAG = re.compile(r"</?[a-z][a-z0-9]{0,9}(?:\s[^<>=]{0,200}=[^<>]{0,2000})?/?>", re.IGNORECASE)
_EMPTY_LINES = re.compile(r"\n[ \t]*\n\s*")


_AT_ONCE, _SECONDS = 45, 300.0


def markdown_throttle() -> base.Throttle:
    """Return a throttle of at most 90 requests in five minutes. Hugging Face allows an address 100 to its pages."""
    return aiolimiter.AsyncLimiter(_AT_ONCE, _SECONDS).acquire


@dataclass(frozen=True)
class PaperTextReader:
    """Reads full texts of papers. `throttle` delays requests to arXiv, and `markdown_throttle` those to Hugging Face."""

    endpoint: str
    html_base: str
    fetcher: fetcher.HttpFetcher
    now: Clock
    throttle: base.Throttle
    process: asyncio.Semaphore
    """Shared by all readers: one child process parses."""
    markdown_throttle: base.Throttle = base.no_throttle

    async def read(self, arxiv_id: str, title: str) -> models.PaperText | None:
        """Return a paper's text, or None if no site has it. Sites that cannot be read are skipped.

        Its URL is that of arXiv's HTML, of which Hugging Face's Markdown is made.
        """
        html_url = f"{self.html_base.rstrip('/')}/{arxiv_id}"
        for address, is_html in (
            (f"{self.endpoint.rstrip('/')}/papers/{arxiv_id}.md", False),
            (html_url, True),
        ):
            try:
                text = await self._read_page(address, arxiv_id, title, is_html=is_html)
            except errors.PaperroundError as error:
                log.info("site has no text of the paper", paper=arxiv_id, place=address, reason=str(error))
            else:
                return models.PaperText(arxiv_id, text, html_url, self.now())
        return None

    async def _read_page(self, address: str, arxiv_id: str, title: str, *, is_html: bool) -> str:
        accept = "text/html, */*;q=0.1" if is_html else "text/markdown, */*;q=0.1"
        throttle = self.throttle if is_html else self.markdown_throttle
        response = await self.fetcher.get(address, accept=accept, throttle=throttle)
        if _page_path(response.url) != _page_path(address):
            raise base.FetchError(f"it redirects to {response.url}")
        body = bytes(response.body or b"")
        page = await asyncio.to_thread(base.decode_text, body, response.charset)
        arguments = page, arxiv_id, title, is_html
        if len(body) < base.LARGE_BYTES:
            return await asyncio.to_thread(parse_paper, *arguments)
        async with self.process:
            text: str = await isolation.run_isolated(
                parse_paper, *arguments, seconds=_MAX_CPU_SECONDS, megabytes=_MAX_MEGABYTES
            )
        return text


MISSING_PERIOD = timedelta(minutes=10)
"""How long a paper without a text is not looked for again."""
_MAX_MISSING = 1_000


@dataclass(eq=False)
class PaperTexts:
    """The stored texts of papers. A missing one is read once for all concurrent readers.

    `open_reader` opens the reader.
    """

    database: Database
    clock: Clock
    open_reader: Callable[[], AbstractAsyncContextManager[PaperTextReader]]
    _turns: weakref.WeakValueDictionary[str, asyncio.Lock] = field(
        default_factory=weakref.WeakValueDictionary, init=False
    )
    _missing: dict[str, datetime] = field(default_factory=dict, init=False)

    async def read(
        self,
        paper_key: str,
        title: str,
        abstract: str,
        admitted: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
    ) -> models.PaperText:
        """Return the text of a paper of arXiv, or else its abstract or the caller's substitute, which is not stored.

        Without both, the text is empty, with the basis `none`. Only a call that reads from the web needs to be `admitted`.
        """
        turn = self._turns.setdefault(paper_key, asyncio.Lock())
        async with turn:
            if (text := await self.database.fetch(paper_texts.get, paper_key)) is not None:
                return text
            is_arxiv = schemes.is_arxiv(paper_key)
            if is_arxiv and self._missing.get(paper_key, models.NEVER) < self.clock():
                async with admitted(), self.open_reader() as reader:
                    text = await reader.read(paper_key, title)
                if text is not None:
                    await self.database.write(paper_texts.save, text)
                    return text
                if len(self._missing) >= _MAX_MISSING:
                    self._missing.clear()
                self._missing[paper_key] = self.clock() + MISSING_PERIOD
        basis = Basis.ABSTRACT if abstract else Basis.NONE
        url = schemes.page_url(paper_key)
        return models.PaperText(paper_key, abstract, url, self.clock(), basis.value)


def _page_path(address: str) -> str:
    """Return the path of a URL without a version such as v2 in `…/2505.01234v2/`."""
    return _VERSION.sub("", URL(address).path.rstrip("/")).lower()


def parse_paper(page: str, arxiv_id: str, title: str, is_html: bool) -> str:
    """Extract a paper's text from a page. Raises FetchError if the page is not the paper."""
    if is_html:
        if not re.search(rf"(?<![\w.]){re.escape(arxiv_id)}(?!\d)", page):
            raise base.FetchError(f"it does not contain {arxiv_id}")
        text, start = html_pages.to_markdown(_MATH.sub(lambda match: _format_formula(match[1]), page)), 0
    else:
        text = page.lstrip("\ufeff \t\r\n")
        made_from = _MARKDOWN_HEAD.match(text)
        if made_from is None or _VERSION.sub("", made_from[1].rstrip("/")) != arxiv_id:
            raise base.FetchError(f"it is not made from arXiv's HTML of {arxiv_id}")
        start = made_from.end()
    head = _compact(text[:_HEAD_CHARACTERS]), _compact(typography.to_plain_text(text[:_HEAD_CHARACTERS]))
    titles = filter(None, (_compact(title), _compact(typography.to_plain_text(title))))
    if not any(form in part for form in titles for part in head):
        raise base.FetchError("it has a different title")
    text = _clean(text[start:])
    if (words := sum(1 for _ in _WORD.finditer(text))) < MIN_WORDS:
        raise base.FetchError(f"it has only {words} words")
    return _cut_sections(text)[:MAX_CHARACTERS]


def _format_formula(tex: str) -> str:
    plain = " ".join(tex.replace("\\%", "%").split())
    return f"${plain}$" if any(sign in plain for sign in "\\^_{") else plain


def _clean(markdown: str) -> str:
    """Remove HTML tags, pictures, citations, link targets and invisible characters from Markdown."""
    text = _PICTURE.sub("", _TAG.sub("", plain.strip_invisible(markdown, has_joiners=False)))
    return _CITATION.sub("", _LINK.sub(r"\1", _LINK.sub(r"\1", text)))


def _cut_sections(markdown: str) -> str:
    """Remove references and acknowledgements, and format all headings like `## 2 Method`."""
    lines: list[str] = []
    cut_level = 0
    plain = _UNDERLINED.sub(lambda match: f"{'#' if match[2] == '=' else '##'} {match[1].strip()}", markdown)
    for line in plain.split("\n"):
        if match := _HEADING.match(line):
            level, is_cut = len(match[1] or "######"), _CUT_TITLE.fullmatch(match[2] or match[4])
            if is_cut or (match[1] and cut_level and level <= cut_level):
                cut_level = (6 if is_cut[1] else level) if is_cut else 0
        if not cut_level:
            lines.append(line)
    return _EMPTY_LINES.sub("\n\n", "\n".join(lines)).strip() + "\n"


def _compact(text: str) -> str:
    """Return only a text's letters and digits, case-folded."""
    return "".join(filter(str.isalnum, analyser.fold(text)))
