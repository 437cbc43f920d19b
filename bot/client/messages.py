"""Message parts shared by several packages: papers, lists of papers with their controls, and notices.

Operators can replace the texts of notices. The custom ids of a list's components hold its state: the query,
the filters and the page.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from itertools import zip_longest
from types import MappingProxyType
from typing import Any, TypeAlias

import discord
from discord import ui

from bot.archive import arxiv_ids, summaries
from bot.archive.summaries import Basis
from bot.client import message_builder
from bot.client.message_builder import (
    AMBER,
    RED,
    MessageBuilder,
    button,
    link_button,
    pack_custom_id,
    plain_payload,
    select_menu,
    select_option,
    shorten_label,
)
from bot.client.translations import Texts
from bot.outbox import contents
from bot.rendering import discord_text, markdown, templates, typesetting
from bot.rendering.discord_text import SafeMarkdown
from bot.rendering.templates import Templates
from bot.search.results import Sort
from bot.text import analyser, query_parser
from storage import key_values, models
from storage.database import Database

MentionLookup = Callable[[str], str]
"""Returns the mention of a command, such as `daily edit`."""
COMMAND_IDS = "commands.ids"
"""The key of the registered commands' ids by name, as JSON."""

MAX_URL_LENGTH = 160
"""A longer URL is replaced by the paper's page on Hugging Face, so that a title always fits."""

TITLE_LENGTHS = (1000, 300, 200, 120, 60)
MAX_NAME_LENGTH = 80
MAX_ORGANIZATION_LENGTH = 60
MAX_MODEL_LENGTH = 60

format_votes = templates.render_votes

_ORIGINS = {models.DigestFormat.LISTING: "listing", None: "abstract"}
"""Text ids for the origin of summaries that no digest author wrote."""

MAX_TOPIC_LENGTH = 60
"""The most characters of a topic in a headline. A thread's name has at most 100."""
MAX_TITLE_LENGTH = 200
MAX_PLAIN_LENGTH = 1800
"""Of Discord's 2,000 code points. The rest allows for a marker longer than its placeholder."""

SHOW_STATUS = "status"
RESUME = "dr"
ACTION_REQUIRED = frozenset(
    {
        contents.NoticeKind.REFUSED,
        contents.NoticeKind.PAUSED,
        contents.NoticeKind.SOURCE_FAILING,
        contents.NoticeKind.PAPERS_STOPPED,
    }
)


# Texts of papers: title, votes, authors, the origin of a summary.


def format_title(text: str | None, arxiv_id: str) -> str:
    """Return a title on one line with LaTeX as Unicode; the arXiv id if there is no title."""
    return discord_text.to_single_line(typesetting.render_title(text or "")) or arxiv_id


def title_link(
    text: str | None, arxiv_id: str, url: str, *, max_characters: int = 1600, max_bytes: int = 4000
) -> str:
    """Return the title as a link of at most `max_characters` code points and `max_bytes` bytes.

    The arXiv id replaces a missing title, and the paper's page on Hugging Face replaces a URL that is too
    long. The limits may be exceeded if even these do not fit.
    """
    short_address = arxiv_ids.huggingface_url(arxiv_id)
    address = url if len(url) <= MAX_URL_LENGTH and discord_text.safe_url(url) else short_address
    plain, link = format_title(text, arxiv_id), ""
    for length, target in (
        *((length, address) for length in TITLE_LENGTHS),
        (TITLE_LENGTHS[-1], short_address),
    ):
        link = discord_text.masked_link(discord_text.shorten(plain, length, markdown=False), target)
        if len(link) <= max_characters and discord_text.utf8_bytes(link) <= max_bytes:
            break
    return link


def format_authors(texts: Texts, names: Sequence[str], *, truncated: bool = False) -> str:
    """Return the first three authors and the number of others."""
    authors = templates.render_authors(names, texts.locale, truncated)
    return discord_text.escape_text(authors)


def format_organization(name: str | None) -> str:
    """Return the authors' organization, shortened; "" if unknown."""
    return escape_untrusted(name, max_length=MAX_ORGANIZATION_LENGTH) if name else ""


def format_stars(number: int | None) -> str:
    """Format a number of stars as `★ 950` or `★ 1.2k`; "" without stars."""
    if not number:
        return ""
    return f"★ {number if number < 1000 else f'{number // 100 / 10:g}k'}"


def code_and_project(texts: Texts, paper: contents.PostPaper) -> discord_text.SafeMarkdown:
    """Return links to the code, with its stars, and to the project. Very long URLs are left out."""
    code = f"{texts('link-code')} {format_stars(paper.code_stars)}".rstrip()
    links = (
        discord_text.masked_link(label, url)
        for label, url in ((code, paper.code_url), (texts("link-project"), paper.project_url))
        if url and len(url) <= MAX_URL_LENGTH and discord_text.safe_url(url)
    )
    return discord_text.SafeMarkdown(join_dotted(*links))


def summary_line(texts: Texts, summary: summaries.Summary) -> str:
    """Return a line that states who wrote a summary, when, and from which text."""
    if summary.format is None or summary.format in _ORIGINS:
        return texts(f"summary-{_ORIGINS[summary.format]}")
    day = texts(f"format-{summary.format.value}", date=texts.format_date(summary.date))
    return join_dotted(day, _basis_text(texts, summary))


def _basis_text(texts: Texts, summary: summaries.Summary) -> str:
    """Return what a digest's summary is based on, and the model if Paperround wrote it; "" if unknown."""
    if summary.basis in (Basis.PAPER, Basis.ABSTRACT) and summary.writer is not None:
        model = escape_untrusted(summary.writer, max_length=MAX_MODEL_LENGTH)
        return texts(f"written-from-{summary.basis.value}", model=model)
    return texts(f"basis-{summary.basis.value}") if summary.basis else ""


def language_note(texts: Texts, language: str | None) -> str:
    """Return a note if a text is not in the reader's language, otherwise ""."""
    return texts("summary-in-other-language") if language not in (None, texts.locale.value) else ""


def post_note(texts: Texts, summary: summaries.Summary | None, *, with_language: bool = True) -> str:
    """Return the small print below a paper in a post: the summary's origin and language.

    The origin is left out if people wrote the summary. If the post's footer states the language of all
    papers, `with_language` is False.
    """
    if summary is None:
        return ""
    note = language_note(texts, summary.language) if with_language else ""
    if note and summary.basis is Basis.EXTRACT:
        return texts("basis-extract-in-other-language")
    if summary.writer is not None or summary.basis in (Basis.EXTRACT, Basis.HUGGINGFACE):
        return join_dotted(_basis_text(texts, summary), note)
    if summary.format not in _ORIGINS:
        return note
    return texts(f"summary-{_ORIGINS[summary.format]}{'-in-other-language' if note else ''}")


def join_dotted(*texts: str | None) -> str:
    """Join non-empty texts with a middle dot."""
    return " · ".join(text for text in texts if text)


def subtext(text: str) -> str:
    """Return a text as small print, or "" if it is empty."""
    return f"-# {text}" if text else ""


def escape_untrusted(text: str, *, max_length: int = 100) -> str:
    """Return untrusted text on one line, escaped and shortened."""
    return discord_text.escape_text(shorten_label(text, max_length))


# Lists of papers: their state, and buttons and menus shared by several packages.

SHOW_LIST = "l"
FOLLOW = "lf"
OPEN_SELECTED = "open"
SAVE_SELECTED = "saves"
OPEN_TOPIC_MODAL = "ask"
EDIT_CONDITIONS = "ae"
NEW_ALERT = "="
"""Precedes the topic of a new alert in a custom id, because rendering a post stores no draft."""
OPEN_PAPER = "o"
SAVE_PAPER = "save"
OPEN_LIST = "lo"
"""Opens a list in a new message, unlike `SHOW_LIST`."""
SIMILAR_PAPERS = "sim"
TAKE_BACK = "tb"
NO_PAGE = "-"
"""The page in the custom id of a save button outside a card."""
PAGE_SIZE = 5
DAY_PAGE_SIZE = 20
"""Papers per page of a day, by title only: as many as fit into a menu and a message."""
MAX_LIST_TEXT_LENGTH = 72
"""The longest text in a custom id. A longer one is stored under a token."""
_SORT_FLAGS: Mapping[Sort | None, str] = {Sort.RELEVANCE: "r", Sort.DATE: "d", Sort.VOTES: "v"}
_MAX_PAGE = 9_999
_MAX_VOTES = 99_999
MAX_SUMMARY_LENGTH = 2600
"""Code points of a summary per page, about three phone screens."""


class ListKind(StrEnum):
    """What a list contains."""

    DIGEST = "d"
    TOP = "p"
    TOPIC = "t"
    AUTHOR = "a"
    SIMILAR = "s"
    SAVED = "m"


class Period(StrEnum):
    """A list's period, which ends today."""

    WEEK = "w"
    MONTH = "m"
    QUARTER = "q"
    YEAR = "y"
    ALL = "a"

    @property
    def text_id(self) -> str:
        """The Fluent id of the period's name."""
        return f"period-{self.name.lower()}"


PERIOD_DAYS = {Period.WEEK: 7, Period.MONTH: 30, Period.QUARTER: 91, Period.YEAR: 365}
"""The days of each period except ALL."""


Span: TypeAlias = tuple[date, date]
"""The first and the last day of a period."""


def _pack_span(span: Span) -> str:
    first, last = span
    return f"{first}" if first == last else f"{first}/{last}"


def parse_span(text: str) -> Span:
    """Parse a day or a period in ISO 8601. Raises ValueError."""
    first, _, last = text.partition("/")
    return date.fromisoformat(first), date.fromisoformat(last or first)


_OLD_SPAN = re.compile(r"\s*since:([0-9-]{10}) until:([0-9-]{10})$")
"""The period in the text of a list sent by version 0.1, which had no field for it; its days are texts too."""


@dataclass(frozen=True, slots=True)
class ListState:
    """The query, filters and page of a list.

    `text` is the query, name or arXiv id, or the words and tags of saved papers. `span` is a period typed as
    dates (first and last day), or the day of a digest; None means `period`, or the newest day. `page` counts
    from 0. `token` replaces a `text` that is too long for a custom id. If `sort` is None, the list has its
    default order, the first of SORTS. If `page_size` is None, the page has the default size for messages.
    """

    kind: ListKind
    text: str = ""
    page: int = 0
    period: Period = Period.ALL
    min_votes: int = 0
    sort: Sort | None = None
    token: str = ""
    page_size: int | None = None
    span: Span | None = None

    @property
    def max_text_length(self) -> int:
        """The longest text that fits into a custom id beside the other fields."""
        return MAX_LIST_TEXT_LENGTH - (len(_pack_span(self.span)) if self.span else 0)

    @property
    def has_titles_only(self) -> bool:
        """Whether each paper takes one line, so that a day fits on a screen."""
        return self.kind is ListKind.DIGEST and self.page_size is None

    @property
    def size(self) -> int:
        """The number of papers per page."""
        return self.page_size or (DAY_PAGE_SIZE if self.has_titles_only else PAGE_SIZE)

    @property
    def offset(self) -> int:
        """The index of the page's first paper in the list, from 0."""
        return self.page * self.size

    def replace(self, **changes: object) -> ListState:
        """Return a copy with the given fields changed."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]


def name_related(texts: Texts, forms: Sequence[str], *, most: int) -> str:
    """Return related terms as Markdown. To readers of English, Korean forms are only mentioned."""
    is_korean = texts.locale is models.Locale.KO
    own = [form for form in forms if is_korean or not analyser.has_hangul(form)]
    names = ", ".join(escape_untrusted(form, max_length=60) for form in own[:most])
    if len(own) == len(forms):
        return names
    return texts("related-and-korean", forms=names) if names else texts("related-korean")


def alert_terms(state: ListState) -> tuple[models.AlertKind, str, int] | None:
    """Return the kind, text and minimum votes of an alert for a list's topic or author.

    The text is the query's words, or else its first phrase or its first author. Returns None if there is no
    text.
    """
    if state.kind is ListKind.AUTHOR:
        candidates = [(models.AlertKind.AUTHOR, query_parser.parse_author(state.text)[0])]
        min_votes = state.min_votes
    elif state.kind is ListKind.TOPIC:
        query = query_parser.parse_query(state.text)
        candidates = [(models.AlertKind.KEYWORD, text) for text in (query.text, *query.phrases[:1])]
        candidates += [(models.AlertKind.AUTHOR, name) for name in query.authors[:1]]
        min_votes = max(state.min_votes, query.min_votes or 0)
    else:
        return None
    return next(((kind, text, min_votes) for kind, text in candidates if any(map(str.isalpha, text))), None)


def pack_state(state: ListState, verb: str = SHOW_LIST, *, marker: str | None = None) -> str:
    """Return the custom id that shows this page of the list."""
    flags = _SORT_FLAGS.get(state.sort, "") + "k" * bool(state.token)
    page, votes = min(state.page, _MAX_PAGE), min(state.min_votes, _MAX_VOTES)
    text, period = state.token or state.text, _pack_span(state.span) if state.span else state.period
    return pack_custom_id(verb, state.kind, page, period, votes, flags, text, marker=marker)


def unpack_state(action: message_builder.Action) -> ListState:
    """Parse the state in a custom id. For a stored text, only its token is set. Raises InvalidCustomIdError."""
    kind, page, period, min_votes, flags, text = action.fields(6)
    is_token = "k" in flags
    with message_builder.map_parse_errors():
        is_span = len(period) > 1
        span = parse_span(period) if is_span else None
        if kind == ListKind.DIGEST and text:
            span, text = parse_span(text), ""
        elif kind == ListKind.TOP and period == Period.ALL and (old := _OLD_SPAN.search(text)):
            span, text = parse_span("/".join(old.groups())), text[: old.start()]
        return ListState(
            kind=ListKind(kind),
            text="" if is_token else text,
            page=message_builder.parse_number(page, _MAX_PAGE),
            period=Period.ALL if is_span else Period(period),
            span=span,
            min_votes=message_builder.parse_number(min_votes, _MAX_VOTES),
            sort=next((sort for sort, flag in _SORT_FLAGS.items() if flag in flags), None),
            token=text if is_token else "",
        )


def open_menu(
    placeholder: str,
    papers: Sequence[models.PaperRow | models.PaperDetail | contents.PostPaper],
    marker: str | None = None,
    *,
    ranks: Sequence[int] = (),
) -> ui.Item[Any] | None:
    """Return a menu that opens one of the papers privately. `ranks` are shown in front of the papers."""
    options = _paper_options(papers, ranks)
    return select_menu(placeholder, pack_custom_id(OPEN_SELECTED, marker=marker), options)


def save_menu(
    texts: Texts,
    papers: Sequence[models.PaperRow | models.PaperDetail | contents.PostPaper],
    ranks: Sequence[int] = (),
) -> ui.Item[Any] | None:
    """Return a menu that saves selected papers, labelled with `ranks`; None for a single paper."""
    options = _paper_options(papers, ranks) if len(papers) > 1 else []
    return select_menu(
        texts("save-selected"),
        pack_custom_id(SAVE_SELECTED),
        options,
        max_values=max(len(options), 1),
        min_values=1,
    )


def _paper_options(
    papers: Sequence[models.PaperRow | models.PaperDetail | contents.PostPaper], ranks: Sequence[int]
) -> list[discord.SelectOption]:
    return [
        select_option(
            join_dotted(rank, format_title(paper.title, paper.arxiv_id)),
            paper.arxiv_id,
            description=join_dotted(paper.arxiv_id, format_votes(paper.votes)),
        )
        for paper, rank in zip_longest(papers, map(str, ranks))
    ]


def pager(page: int, pages: int, custom_id: Callable[[int], str]) -> list[ui.Item[Any]]:
    """Return buttons for the previous and next page, such as `◀ 1/3` and `3/3 ▶` on the second of three.

    `custom_id` maps a page, counted from 0, to a custom id.
    """
    buttons = [button(f"◀ {page}/{pages}", custom_id(page - 1))] if page else []
    return buttons + ([button(f"{page + 2}/{pages} ▶", custom_id(page + 1))] if page + 1 < pages else [])


def follow_button(
    texts: Texts, state: ListState, terms: Sequence[models.AlertTerm] | None = None
) -> ui.Item[Any] | None:
    """Return a button that creates an alert for a list's topic or author, or None for other lists.

    `terms` are the alert's terms, or None if the query is not parsed yet. If empty, there is no button.
    """
    if terms is None:
        typed = alert_terms(state)
        kinds = set() if typed is None else {typed[0]}
    else:
        kinds = {term.kind for term in terms}
    if not kinds:
        return None
    label = texts("follow-author" if kinds == {models.AlertKind.AUTHOR} else "follow-topic")
    return button(label, pack_state(state.replace(page=0), FOLLOW), emoji="🔔")


def begin_alert_button(texts: Texts, topic: str = "") -> ui.Item[Any]:
    """Return a button that opens the form for a new alert, prefilled with the topic."""
    is_usable = 0 < len(topic) <= MAX_LIST_TEXT_LENGTH
    terms = alert_terms(ListState(ListKind.TOPIC, topic)) if is_usable else None
    if terms is None:
        label, topic = "post-follow", ""
    else:
        label = "follow-author" if terms[0] is models.AlertKind.AUTHOR else "follow-topic"
    custom_id = message_builder.pack_custom_id(EDIT_CONDITIONS, NEW_ALERT + topic)
    return button(texts(label), custom_id, emoji="🔔")


def newest_digest_button(texts: Texts) -> ui.Item[Any]:
    """Return a button that opens the newest digest."""
    return button(texts("newest-digest"), pack_state(ListState(ListKind.DIGEST)))


def extent_line(texts: Texts, extent: models.ArchiveExtent) -> str:
    """Return the number of papers in the archive and their first and last dates."""
    if not extent.paper_count or extent.first_on is None or extent.last_on is None:
        return texts("archive-empty")
    first, last = map(texts.format_date, (extent.first_on, extent.last_on))
    if first == last:
        return texts("archive-extent-day", count=extent.paper_count, day=first)
    return texts("archive-extent", count=extent.paper_count, first=first, last=last)


def label_days(texts: Texts, papers_by_day: Mapping[date, int], today: date) -> tuple[tuple[str, str], ...]:
    """Return (label, ISO date) for each day, with labels such as `Today · 12 papers` or `Dec 30 · 8 papers`."""
    return tuple(
        (f"{texts.format_day(day, today)} · {texts('choice-papers', count=count)}", day.isoformat())
        for day, count in papers_by_day.items()
    )


def nearest_days(days: Sequence[date], first: date, last: date) -> list[date]:
    """Return the nearest day before a period and the nearest one after it, the closer one first."""
    before = max((day for day in days if day < first), default=None)
    after = min((day for day in days if day > last), default=None)
    distances = {before: first - before} if before else {}
    distances |= {after: after - last} if after else {}
    return sorted(distances, key=distances.__getitem__)


def save_button(texts: Texts, arxiv_id: str) -> ui.Item[Any]:
    """Return a button that saves a paper, for a message with several papers."""
    return button(texts("save"), pack_custom_id(SAVE_PAPER, "1", NO_PAGE, arxiv_id))


def link_buttons(
    paper: models.PaperDetail | contents.PostPaper, project_url: str | None
) -> list[ui.Item[Any]]:
    """Return link buttons for arXiv, the PDF, Hugging Face, the code with its stars, and the project page."""
    buttons = (link_button(label, url) for label, url in list_links(paper, project_url))
    return [link for link in buttons if link is not None]


def list_links(
    paper: models.PaperDetail | contents.PostPaper, project_url: str | None
) -> list[tuple[str, str | None]]:
    """Return the labels and URLs of a paper's links. A missing URL is None."""
    arxiv_id = paper.arxiv_id
    label = "GitHub" if "github.com" in (paper.code_url or "") else "Code"
    code_label = f"{label} {format_stars(paper.code_stars)}".rstrip()
    return [
        ("arXiv", arxiv_ids.abstract_url(arxiv_id)),
        ("PDF", arxiv_ids.pdf_url(arxiv_id)),
        ("Hugging Face", arxiv_ids.huggingface_url(arxiv_id)),
        (code_label, paper.code_url),
        ("Project" if paper.project_url else "Video", project_url),
    ]


def summary_pages(texts: Texts, sections: Sequence[models.Section], budget: discord_text.Budget) -> list[str]:
    """Return the sections as Discord Markdown, in pages that each fit into the space left in a message."""
    text = summary_text(texts, sections)
    characters = min(budget.characters, MAX_SUMMARY_LENGTH)
    return discord_text.split_pages(text, characters, budget.text_bytes - discord_text.TEXT_BYTES_OVERHEAD)


def summary_text(texts: Texts, sections: Sequence[models.Section]) -> discord_text.SafeMarkdown:
    """Return the sections as Discord Markdown with bold headings. The newsletter's labels are translated."""
    parts = []
    for section in sections:
        body: str = markdown.render_markdown(section.body)
        if section.heading:
            label = summaries.label_name(section.heading)
            heading = texts(f"label-{label}") if label else section.heading
            body = f"**{markdown.render_heading(heading)}**\n{body}"
        parts.append(body)
    return discord_text.SafeMarkdown("\n\n".join(parts))


# Posts, alerts and notices.


class CommandMentions:
    """Mentions of commands, such as `</daily edit:id>`; while the id is unknown, the name as code."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}

    def update(self, ids: dict[str, int]) -> None:
        """Replace the ids of top-level commands by name."""
        self._ids = dict(ids)

    def __call__(self, name: str) -> str:
        """Return the mention of a command such as `daily edit`."""
        command_id = self._ids.get(name.split()[0])
        return f"`/{name}`" if command_id is None else f"</{name}:{command_id}>"

    async def load(self, database: Database) -> None:
        """Load the command ids of the last synchronisation."""
        async with database.read() as connection:
            ids = await key_values.get(connection, COMMAND_IDS)
        self.update(json.loads(ids) if ids else {})


@dataclass(frozen=True, slots=True)
class PostWording:
    """Renders the texts of posts, alerts and notices in one language.

    Operators' templates depend on the names of the values passed to them (docs/wording.md).
    """

    ui_texts: Texts
    templates: Templates
    mention: MentionLookup
    web_url: str | None = None

    def notice_text(self, post: contents.NoticePost) -> str:
        """Return a notice's text: what happened, what it means and what to do."""
        values = {
            "kind": post.kind.value,
            "reason": post.reason or "",
            "place": SafeMarkdown("" if post.channel_id is None else f"<#{post.channel_id}>"),
            "subject": post.subject or "",
            "on": post.on,
            "is_alert": post.alert_id is not None,
            "is_club": post.is_club,
            **{
                f"{name}_command": SafeMarkdown(self.mention(command))
                for name, command in (("status", "status"), ("setup", "daily setup"), ("topic", "topic"))
            },
        }
        return self.templates.render_block("notice", "text", post.locale.value, values)


def web_link(texts: Texts, base_url: str | None, *path: str) -> str:
    """Return a link to a page of the web archive, or "" if PAPERROUND_WEB_URL is not set."""
    if base_url is None:
        return ""
    address = f"{base_url.rstrip('/')}/{'/'.join(path)}.html"  # valid for a static host and for the bot's own server
    return discord_text.masked_link(texts("open-web"), address)


def excerpt_lines(
    texts: Texts, paper: contents.PostPaper, *, with_language: bool = True
) -> tuple[SafeMarkdown, str]:
    """Return the sentence with the matched words, or else the start of the summary, and a language note.

    The note is "" if the text is in the reader's language. A summary has a note only if `with_language`.
    """
    language = paper.summary.language if paper.summary else None
    if paper.quoted and paper.quoted.language not in (language, texts.locale.value):
        # Only the text in the other language contains the matched words.
        return paper.quoted.markdown, texts("quoted-from", language=paper.quoted.language)
    note = language_note(texts, language) if with_language else ""
    return paper.quoted.markdown if paper.quoted else summary_excerpt(paper.sections), note


def summary_excerpt(sections: Sequence[models.Section]) -> SafeMarkdown:
    """Return the start of a summary on one line, or "" if it has no sections."""
    return discord_text.escape_text(plain_excerpt(sections[0].body) if sections else "")


@lru_cache(maxsize=128)
def plain_excerpt(body: str) -> str:
    """Return the start of a body as plain text on one line. Cached, since the messages for a day share papers."""
    plain = " ".join(markdown.render_plain(body[: 40 * discord_text.MAX_COLUMNS]).split())
    return discord_text.shorten(plain, discord_text.count_fitting(plain), markdown=False)


def subtext_lines(text: str) -> str:
    """Return a text's non-blank lines as small print."""
    return "\n".join(subtext(line) for line in text.splitlines() if line.strip())


def fit_paper_lines(
    texts: Texts,
    lines: list[str],
    papers: tuple[contents.PostPaper, ...],
    headings: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Return `lines`, then a line for each paper that fits, then how many papers were left out, if any.

    `headings` maps arXiv ids to the headings shown above these papers.
    """
    more = texts("more-papers", count=len(papers))
    remaining = MAX_PLAIN_LENGTH - sum(len(line) + 1 for line in lines) - len(more) - 1
    has_votes = any(paper.votes is not None for paper in papers)
    for shown, paper in enumerate(papers):
        title = format_title(paper.title, paper.arxiv_id)
        label = discord_text.link_label(discord_text.shorten(title, MAX_TITLE_LENGTH, markdown=False))
        line = f"[{label}](<{arxiv_ids.huggingface_url(paper.arxiv_id)}>)"
        if has_votes:
            line = f"{format_votes(paper.votes)} {line}"
        if paper.arxiv_id in headings:
            line = f"{headings[paper.arxiv_id]}\n{line}"
        if len(line) + 1 > remaining:
            return "\n".join([*lines, texts("more-papers", count=len(papers) - shown)])
        lines.append(line)
        remaining -= len(line) + 1
    return "\n".join(lines)


def day_url(day: date, marker: str, position: int) -> str:
    """Return the URL of Hugging Face's list for a day, with a part's marker as its fragment."""
    return f"https://huggingface.co/papers/date/{day.isoformat()}#{contents.part_marker(marker, position)}"


def channel_url(guild_id: int | None, channel_id: int | None, message_id: int | None = None) -> str:
    """Return the URL of a channel or thread, or of a message in it."""
    address = f"https://discord.com/channels/{guild_id or '@me'}/{channel_id}"
    return f"{address}/{message_id}" if message_id else address


def text_view(text: str, *buttons: ui.Item[Any] | None, accent: int = AMBER) -> ui.LayoutView:
    """Return a message with a single text (trusted Markdown) and up to five buttons."""
    message = MessageBuilder(accent)
    message.add_text(text)
    message.add_buttons(*buttons)
    return message.view


def refused_view(texts: Texts, reason: str, reopen_id: str, *further: ui.Item[Any] | None) -> ui.LayoutView:
    """Return the reason why a form was rejected, and a button with the custom id `reopen_id` to reopen it."""
    again = button(texts("subscription-form-again"), reopen_id, style=discord.ButtonStyle.primary)
    return text_view(reason, again, *further, accent=RED)


def time_modal(texts: Texts, custom_id: str, values: Mapping[str, str]) -> message_builder.StatelessModal:
    """Return a form with a `time` of day and a `zone`."""
    modal = message_builder.StatelessModal(texts("change-time"), custom_id)
    for name, length in (("time", 40), ("zone", 60)):
        modal.add_text(
            texts(f"form-{name}"),
            name,
            value=values.get(name, "")[:length],
            placeholder=texts(f"form-{name}-hint"),
            max_length=length,
        )
    return modal


def status_button(texts: Texts, marker: str | None = None) -> ui.Item[Any]:
    """Return a button that opens `/status`."""
    return button(texts("see-status"), pack_custom_id(SHOW_STATUS, marker=marker))


def notice_view(wording: PostWording, post: contents.NoticePost) -> ui.LayoutView:
    """Return a notice with a button for `/status` and, if it applies, one to retry a refused or resume a paused post."""
    accent = RED if post.kind in ACTION_REQUIRED else AMBER
    texts = wording.ui_texts
    resume = None
    labels = {contents.NoticeKind.REFUSED: "try-post-now", contents.NoticeKind.PAUSED: "resume-post"}
    if post.kind in labels and post.subscription_id is not None:
        resume = button(texts(labels[post.kind]), pack_custom_id(RESUME, post.subscription_id))
    status = status_button(texts, contents.part_marker(post.marker, 0))
    return text_view(wording.notice_text(post), status, resume, accent=accent)


def marked_plain_payload(text: str, marker: str) -> dict[str, Any]:
    """Return a plain message that carries a marker as the fragment of a link."""
    return plain_payload(f"{text}\n-# [Paperround](<https://discord.com/#{marker}>)")


def reason_text(texts: Texts, reason: str | None) -> str:
    """Return a known reason's message, which says what to do. Other reasons (error texts) are escaped."""
    reason = reason or "unknown"
    return texts.find(f"reason-{reason}") or escape_untrusted(reason, max_length=300)
