"""Parts of messages that several rooms share: menus and buttons of papers and lists, mentions of commands, notices."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import zip_longest
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

import discord
from discord import ui

from bot.archive import arxiv_ids
from bot.client import message_builder
from bot.client.custom_ids import pack_custom_id
from bot.client.list_state import ListKind, ListState, alert_terms, pack_state
from bot.client.message_builder import (
    AMBER,
    RED,
    MessageBuilder,
    button,
    link_button,
    plain_payload,
    select_menu,
    select_option,
)
from bot.client.paper_texts import (
    day_url,
    event_lines,
    format_title,
    format_votes,
    join_dotted,
    list_links,
    reason_text,
    subtext,
)
from bot.i18n.texts import Texts
from bot.outbox import contents
from bot.rendering import discord_text
from bot.rendering.discord_text import SafeMarkdown
from bot.rendering.templates import Templates
from storage import key_values, models
from storage.database import Database
from storage.papers import PaperEvent

AnyPaper: TypeAlias = models.PaperRow | models.PaperDetail
T = TypeVar("T")
MentionLookup = Callable[[str], str]
"""Returns the mention of a command, such as `daily edit`."""
COMMAND_IDS = "commands.ids"
"""The key of the registered commands' ids by name, as JSON."""

SHOW_STATUS = "status"
RESUME = "dr"
RESUME_ALERT = "ar"
SET_UP_POST = "dsu"
LIST_POSTS = "dl"
MANAGE_ALERTS = "am"
SEND_TODAY = "ton"
SHOW_TODAY = "td"
ACTION_REQUIRED = frozenset(
    {
        contents.NoticeKind.REFUSED,
        contents.NoticeKind.PAUSED,
        contents.NoticeKind.RIGHT_LOST,
        contents.NoticeKind.SOURCE_FAILING,
        contents.NoticeKind.PAPERS_STOPPED,
        contents.NoticeKind.CONTENT_REFUSED,
        contents.NoticeKind.ERRORS,
    }
)
MAX_REFUSED_SHOWN = 10
"""The most papers that a notice or `/status` names as refused."""
FOLLOW = "lf"
ACT = "act"
"""The verb of a menu whose options are custom ids: choosing one does what a button with that id does."""
OPEN_SELECTED = "open"
SAVE_SELECTED = "saves"
LIST_SELECTED = "lists"
OPEN_TOPIC_MODAL = "ask"
EDIT_CONDITIONS = "ae"
NEW_ALERT = "="
"""Precedes the topic of a new alert in a custom id, because rendering a post stores no draft."""
OPEN_PAPER = "o"
SAVE_PAPER = "save"
LIST_PAPER = "list"
"""Put papers on the list of the server in which the control is used, as `LIST_SELECTED` does."""
SIMILAR_PAPERS = "sim"
UNSHARE = "tb"
NO_PAGE = "-"
"""The page in the custom id of a save button outside a card."""


def open_menu(
    placeholder: str, papers: Sequence[AnyPaper], marker: str | None = None, *, ranks: Sequence[int] = ()
) -> ui.Item[Any] | None:
    """Return a menu that opens one of the papers privately. `ranks` are shown in front of the papers."""
    options = _paper_options(papers, ranks)
    return select_menu(placeholder, pack_custom_id(OPEN_SELECTED, marker=marker), options)


def save_menu(
    texts: Texts, papers: Sequence[AnyPaper], ranks: Sequence[int] = (), *, verb: str = SAVE_SELECTED
) -> ui.Item[Any] | None:
    """Return a menu that saves selected papers, labelled with `ranks`, or puts them on the server's list (`LIST_SELECTED`).

    None for a single paper.
    """
    options = _paper_options(papers, ranks) if len(papers) > 1 else []
    return select_menu(
        texts("save-selected" if verb == SAVE_SELECTED else "list-selected"),
        pack_custom_id(verb),
        options,
        max_values=max(len(options), 1),
        min_values=1,
    )


def _paper_options(papers: Sequence[AnyPaper], ranks: Sequence[int]) -> list[discord.SelectOption]:
    return [
        select_option(
            join_dotted(rank, format_title(paper.title, paper.arxiv_id)),
            paper.arxiv_id,
            description=join_dotted(paper.arxiv_id, format_votes(paper.votes)),
        )
        for paper, rank in zip_longest(papers, map(str, ranks))
    ]


def pager(texts: Texts, page: int, pages: int, custom_id: Callable[[int], str]) -> list[ui.Item[Any]]:
    """Return buttons for the previous and next page, such as `◀ Page 1` and `Page 3 of 3 ▶` on the second of three.

    `custom_id` maps a page, counted from 0, to a custom id.
    """
    buttons = [button(texts("page-before", page=page), custom_id(page - 1))] if page else []
    if page + 1 < pages:
        buttons.append(button(texts("page-after", page=page + 2, pages=pages), custom_id(page + 1)))
    return buttons


def paginate(
    texts: Texts, items: Sequence[T], page: int, size: int, custom_id: Callable[[int], str]
) -> tuple[Sequence[T], list[ui.Item[Any]]]:
    """Return the items of a page, at most the last, and the `pager` below them."""
    pages = max(1, -(-len(items) // size))
    page = min(page, pages - 1)
    return items[page * size :][:size], pager(texts, page, pages, custom_id)


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
    label = texts(_FOLLOW_LABELS[kinds.pop()] if len(kinds) == 1 else "follow-topic")
    return button(label, pack_state(state.replace(page=0), FOLLOW), emoji="🔔")


_FOLLOW_LABELS = {
    models.AlertKind.KEYWORD: "follow-topic",
    models.AlertKind.AUTHOR: "follow-author",
    models.AlertKind.INSTITUTION: "follow-institution",
}


def begin_alert_button(texts: Texts, topic: str = "") -> ui.Item[Any]:
    """Return a button that opens the form for a new alert, prefilled with the topic."""
    state = ListState(ListKind.TOPIC, topic)
    terms = alert_terms(state) if len(topic) <= state.max_text_length else None
    label, topic = ("post-follow", "") if terms is None else (_FOLLOW_LABELS[terms[0]], topic)
    return button(texts(label), pack_custom_id(EDIT_CONDITIONS, NEW_ALERT + topic), emoji="🔔")


def today_button(texts: Texts) -> ui.Item[Any]:
    return button(texts("today-show"), pack_custom_id(SHOW_TODAY))


def newest_digest_button(texts: Texts) -> ui.Item[Any]:
    return button(texts("newest-digest"), pack_state(ListState(ListKind.DIGEST)))


def save_button(texts: Texts, arxiv_id: str) -> ui.Item[Any]:
    """Return a button that saves a paper, for a message with several papers."""
    return button(texts("save"), pack_custom_id(SAVE_PAPER, "1", NO_PAGE, arxiv_id))


def list_button(texts: Texts, arxiv_id: str, *, is_listed: bool = False) -> ui.Item[Any]:
    """Return a button that puts a paper on the server's list or, if it is on it, says who did."""
    label = texts("list-has" if is_listed else "list-add")
    return button(label, pack_custom_id(LIST_PAPER, arxiv_id), emoji="📚")


def link_buttons(paper: models.PaperDetail, project_url: str | None) -> list[ui.Item[Any]]:
    """Return link buttons for arXiv, the PDF, Hugging Face, the code with its stars, and the project page."""
    buttons = (link_button(label, url) for label, url in list_links(paper, project_url))
    return [link for link in buttons if link is not None]


# Posts, alerts and notices.


class CommandMentions:
    """Mentions of commands, such as `</daily edit:id>`; while the id is unknown, the name as code."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}

    def update(self, ids: dict[str, int]) -> None:
        """Replace the ids of top-level commands by name."""
        self._ids = dict(ids)

    def __call__(self, name: str) -> str:
        command_id = self._ids.get(name.split()[0])
        return f"`/{name}`" if command_id is None else f"</{name}:{command_id}>"

    async def load(self, database: Database) -> None:
        ids = await database.fetch(key_values.get, COMMAND_IDS)
        self.update(json.loads(ids) if ids else {})


@dataclass(frozen=True, slots=True)
class PostWording:
    """Renders the texts of posts, alerts and notices in one language.

    Operators' templates depend on the names of the values passed to them (docs/wording.md).
    """

    ui_texts: Texts
    templates: Templates
    mention: MentionLookup
    web_url: str | None

    def notice_text(self, post: contents.NoticePost) -> str:
        """Return a notice's text: what happened, what it means and what to do."""
        is_named = post.channel_id is not None and not post.is_elsewhere
        subject = "" if post.is_elsewhere else post.subject or ""
        values = {
            "kind": post.kind.value,
            "reason": post.reason or "",
            "explanation": SafeMarkdown(reason_text(self.ui_texts, post.reason)),
            "place": SafeMarkdown(f"<#{post.channel_id}>" if is_named else ""),
            "subject": subject,
            "lines": subject.splitlines(),
            "on": post.on,
            "is_alert": post.alert_id is not None,
            "is_club": post.is_club,
            "is_discussion": post.is_discussion,
            "is_direct": post.channel_id is None,
            "papers": SafeMarkdown(link_refused(self.ui_texts, post.papers)),
            **{
                f"{name}_command": SafeMarkdown(self.mention(command))
                for name, command in (
                    ("status", "status"),
                    ("setup", "daily setup"),
                    ("topic", "topic"),
                    ("alerts", "alerts list"),
                )
            },
        }
        return self.templates.render_block("notice", "text", post.locale.value, values)


def link_refused(texts: Texts, papers: Sequence[str]) -> str:
    """Return links with the arXiv ids of papers, as Discord may refuse their titles, and how many exceed `MAX_REFUSED_SHOWN`."""
    shown = [_link_id(id_) for id_ in papers[:MAX_REFUSED_SHOWN]]
    more = len(papers) - len(shown)
    return ", ".join([*shown, *([texts("and-more", count=more)] if more else [])])


def text_view(text: str, *buttons: ui.Item[Any] | None, accent: int = AMBER) -> ui.LayoutView:
    """Return a message with a single text (trusted Markdown) and up to five buttons."""
    return message_view([text], buttons, accent=accent)


def message_view(
    texts: Iterable[str], *rows: Sequence[ui.Item[Any] | None], accent: int = AMBER
) -> ui.LayoutView:
    """Return a message with texts (trusted Markdown; blank ones are left out) above rows of up to five buttons, or one menu."""
    message = MessageBuilder(accent)
    for text in texts:
        message.add_text(text)
    for row in rows:
        message.add_buttons(*row)
    return message.view


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
    return button(texts("see-status"), pack_custom_id(SHOW_STATUS, marker=marker))


def notice_view(wording: PostWording, post: contents.NoticePost) -> ui.LayoutView:
    """Return a notice with a button for `/status` and, if it applies, one to retry, resume or take over what it is about."""
    accent = RED if post.kind in ACTION_REQUIRED else AMBER
    texts = wording.ui_texts
    resume = None
    labels = {contents.NoticeKind.REFUSED: "try-post-now", contents.NoticeKind.PAUSED: "resume-post"}
    if post.kind in labels and post.subscription_id is not None:
        resume = button(texts(labels[post.kind]), pack_custom_id(RESUME, post.subscription_id))
    if post.kind is contents.NoticeKind.RIGHT_LOST and post.alert_id is not None:
        resume = button(texts("alert-take-over"), pack_custom_id(RESUME_ALERT, post.alert_id))
    status = status_button(texts, contents.part_marker(post.marker, 0))
    return text_view(wording.notice_text(post), status, resume, accent=accent)


def right_lost_text(texts: Texts, lost_at: datetime) -> str:
    """Return why an alert sends nothing, since when (UTC), and what to do."""
    return texts("alert-right-lost", at=discord_text.timestamp(lost_at, "f"))


def render_message(view: ui.LayoutView, plain: dict[str, Any]) -> tuple[contents.RenderedPart, ...]:
    """Return a message with its body as plain text, which is sent if Discord refuses the layout."""
    return (contents.RenderedPart(models.PartKind.MESSAGE, message_builder.layout_payload(view), plain),)


def papers_payload(
    texts: Texts,
    kind: models.DeliveryKind,
    on: date,
    marker: str,
    papers: Iterable[models.PaperDetail | models.PaperRow],
    *,
    position: int = 0,
    mention_role_id: int | None = None,
    events: Mapping[str, Sequence[PaperEvent]] = MappingProxyType({}),
    more: str = "",
) -> dict[str, Any]:
    """Return the plain form of a message about papers: links, numbers and our own words, as Discord may refuse any other.

    `on` is the newest day of the papers, `events` what is new about them, by arXiv id, `more` the last line.
    """
    heading = texts("plain-heading", kind=kind.value, date=texts.format_date(on))
    lines = [f"**[{heading}](<{day_url(on, marker, position)}>)**", subtext(texts("plain-note"))]
    for paper in papers:
        news = event_lines(texts, events.get(paper.arxiv_id, ()), max_length=0)
        votes = "" if paper.votes is None else format_votes(paper.votes)
        lines.append(join_dotted(_link_id(paper.arxiv_id), votes, *news))
    mention = "" if mention_role_id is None else f"<@&{mention_role_id}>"
    return plain_payload("\n".join(filter(None, (mention, *lines, more))), mention_role_id=mention_role_id)


def _link_id(arxiv_id: str) -> str:
    return f"[{arxiv_id}](<{arxiv_ids.abstract_url(arxiv_id)}>)"


def marked_plain_payload(text: str, marker: str) -> dict[str, Any]:
    """Return a plain message that carries a marker as the fragment of a link."""
    return plain_payload(f"{text}\n-# [Paperround](<https://discord.com/#{marker}>)")
