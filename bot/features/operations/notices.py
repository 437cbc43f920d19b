"""Notices to owners and operators: what happened, what it means and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from discord import ui

from bot.client import verbs
from bot.client.custom_ids import pack_custom_id
from bot.client.message_builder import AMBER, RED, button, text_view
from bot.client.wording import PostWording
from bot.i18n.texts import Texts
from bot.outbox import contents
from bot.papers.message_parts import link_id, status_button
from bot.papers.post_names import reason_text
from bot.rendering.discord_text import SafeMarkdown

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
MAX_REFUSED_SHOWN, _MAX_LINKS = 10, 1_500
"""The most papers that a notice or `/status` names as refused, and the most characters of their links."""


def notice_text(wording: PostWording, post: contents.NoticePost) -> str:
    """Return a notice's text: what happened, what it means and what to do."""
    is_named = post.channel_id is not None and not post.is_elsewhere
    subject = "" if post.is_elsewhere else post.subject or ""
    values = {
        "kind": post.kind.value,
        "reason": post.reason or "",
        "explanation": SafeMarkdown(reason_text(wording.ui_texts, post.reason)),
        "place": SafeMarkdown(f"<#{post.channel_id}>" if is_named else ""),
        "subject": subject,
        "lines": subject.splitlines(),
        "on": post.on,
        "is_alert": post.alert_id is not None,
        "is_club": post.is_club,
        "is_discussion": post.is_discussion,
        "is_direct": post.channel_id is None,
        "papers": SafeMarkdown(link_refused(wording.ui_texts, post.papers)),
        **{
            f"{name}_command": SafeMarkdown(wording.mention(command))
            for name, command in (
                ("status", "status"),
                ("setup", "daily setup"),
                ("topic", "topic"),
                ("alerts", "alerts list"),
            )
        },
    }
    return wording.templates.render_block("notice", "text", post.locale.value, values)


def link_refused(texts: Texts, papers: Sequence[str]) -> str:
    """Return links with the keys of papers, as Discord may refuse their titles, and how many exceed `MAX_REFUSED_SHOWN`.

    Of long keys fewer are shown.
    """
    links = [link_id(id_) for id_ in papers[:MAX_REFUSED_SHOWN]]
    used = accumulate(len(link) + 2 for link in links)
    shown = [link for link, length in zip(links, used, strict=True) if length <= _MAX_LINKS]
    more = len(papers) - len(shown)
    return ", ".join([*shown, *([texts("and-more", count=more)] if more else [])])


def notice_view(wording: PostWording, post: contents.NoticePost) -> ui.LayoutView:
    """Return a notice with a button for `/status` and, if it applies, one to retry, resume or take over what it is about."""
    accent = RED if post.kind in ACTION_REQUIRED else AMBER
    texts = wording.ui_texts
    resume = None
    labels = {contents.NoticeKind.REFUSED: "try-post-now", contents.NoticeKind.PAUSED: "resume-post"}
    if post.kind in labels and post.subscription_id is not None:
        resume = button(texts(labels[post.kind]), pack_custom_id(verbs.RESUME_POST, post.subscription_id))
    if post.kind is contents.NoticeKind.RIGHT_LOST and post.alert_id is not None:
        resume = button(texts("alert-take-over"), pack_custom_id(verbs.RESUME_ALERT, post.alert_id))
    status = status_button(texts, contents.part_marker(post.marker, 0))
    return text_view(notice_text(wording, post), status, resume, accent=accent)
