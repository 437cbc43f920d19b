"""Views of the papers of the day, for replies and direct messages.

Marking a paper does not change the order. The mark is shown next to the paper and can be undone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from discord import ui

from bot.client import message_builder, verbs
from bot.client.custom_ids import pack_custom_id
from bot.client.message_builder import MessageBuilder, button, select_menu, select_option
from bot.client.wording import PostWording
from bot.features.today import service as today_service
from bot.i18n.texts import Texts
from bot.outbox import contents
from bot.papers import list_state, message_parts, paper_texts, post_papers
from bot.rendering import discord_text
from storage import models

UNDO = "undo-"
"""Prefix for the values of the mark menu that undo a mark."""

_MAX_REASON_LENGTH = 60


def today_view(
    texts: Texts, post: today_service.TodayPost, *, marker: str | None, note: str = ""
) -> ui.LayoutView:
    """Return the papers, each with a button to open it, followed by a menu to mark them and the `note`.

    `marker` identifies the delivery in the menu's custom id.
    """
    message = MessageBuilder()
    heading = texts("today-heading", day=texts.format_date(post.digest_on), count=len(post.picks))
    message.add_text(f"## {heading}\n{discord_text.subtext(_basis_text(texts, post))}")
    message.add_text(texts("today-suspended", reason=post.suspended) if post.suspended else "")
    menu, buttons = _mark_menu(texts, post, marker), _footer_buttons(texts, post)
    if not post.picks:
        message.add_text(texts("today-none-left"))
    is_foreign = post_papers.is_in_other_language([pick.paper for pick in post.picks], texts.locale)
    foot = [texts("summary-in-other-language") if is_foreign else "", note]
    message.end_with(([menu], buttons), "\n".join(discord_text.subtext(line) for line in foot if line))
    for position, pick in enumerate(post.picks):
        share = message.share(len(post.picks) - position)
        text = _pick_text(texts, position + 1, pick, *share, with_language=not is_foreign)
        read = button(texts("read"), pack_custom_id(verbs.OPEN_PAPER, models.alias_of(pick.paper.key)))
        message.add_separator(visible=False)
        message.add_text_with_accessory(text, read)
    return message.view


def _basis_text(texts: Texts, post: today_service.TodayPost) -> str:
    """Return what the papers are chosen by: all that counts for this reader, or their votes."""
    left = today_service.MIN_SAVED - post.saved_count
    parts = [
        texts("today-basis-saved", count=post.saved_count) if left <= 0 else "",
        texts("today-basis-alerts") if post.has_alerts else "",
    ]
    if not post.is_personal:
        return texts("today-by-votes", left=left)
    key = "today-from" if left <= 0 else "today-from-followed" if post.has_match else "today-without-match"
    return texts(key, left=left, basis=_join(texts, [part for part in parts if part]))


def _join(texts: Texts, parts: Sequence[str]) -> str:
    return ", ".join([*parts[:-2], texts("today-and").join(parts[-2:])])


def render(wording: PostWording, post: today_service.TodayPost) -> tuple[contents.RenderedPart, ...]:
    """Return the message with a reader's papers for a day. As plain text, the marker is in the fragment of a link."""
    texts = wording.ui_texts
    view = today_view(texts, post, marker=contents.part_marker(post.marker, 0))
    papers = (pick.paper for pick in post.picks)
    plain = message_parts.papers_payload(
        texts, models.DeliveryKind.TODAY, post.digest_on, post.marker, papers
    )
    return message_builder.render_message(view, plain)


def _pick_text(
    texts: Texts,
    position: int,
    pick: today_service.TodayPick,
    characters: int,
    size: int,
    *,
    with_language: bool,
) -> str:
    paper = pick.paper
    clauses = [
        texts(f"today-because-{kind.value}", text=_escape(text), count=count)
        for kind, text, count in pick.reasons
    ]
    because = texts("today-because", reasons=_join(texts, clauses)) if clauses else ""
    title = paper_texts.title_link(paper, max_characters=characters // 2, max_bytes=size // 2)
    place = "" if paper.votes is None else texts("today-rank", rank=pick.rank)
    facts = discord_text.join_dotted(
        paper_texts.withdrawn_note(texts, paper), paper_texts.format_votes(paper.votes), place
    )
    excerpt, language = paper_texts.excerpt_lines(texts, paper, with_language=with_language)
    marks = " · ".join(texts(f"today-{mark}-noted") for mark in pick.marks)
    lines = (
        f"**{position} · {title}**",
        facts,
        f"**{marks}**" if marks else "",
        excerpt,
        *map(discord_text.subtext, (language, because)),
    )
    return discord_text.shorten("\n".join(line for line in lines if line), characters, max_bytes=size)


def _mark_menu(texts: Texts, post: today_service.TodayPost, marker: str | None) -> ui.Item[Any] | None:
    """Return the menu that marks a paper or removes a mark. It contains the delivery's marker."""
    options = []
    for position, pick in enumerate(post.picks, start=1):
        title = paper_texts.format_title(pick.paper.title, pick.paper.key)
        for mark in today_service.PaperMark:
            action = f"{UNDO if mark in pick.marks else ''}{mark}"
            label = f"{position} · {texts(f'today-{action}')}"
            options.append(
                select_option(label, f"{action}:{models.alias_of(pick.paper.key)}", description=title)
            )
    return select_menu(texts("today-mark"), pack_custom_id(verbs.MARK_PAPERS, marker=marker), options)


def _escape(text: str) -> str:
    return discord_text.escape_untrusted(text, max_length=_MAX_REASON_LENGTH)


def _footer_buttons(texts: Texts, post: today_service.TodayPost) -> list[ui.Item[Any]]:
    day = list_state.ListState(list_state.ListKind.DIGEST, span=(post.digest_on,) * 2)
    if post.at_time is None:
        label = texts("today-send-again" if post.suspended else "today-send")
        sending = button(label, pack_custom_id(verbs.SEND_TODAY))
    else:
        sending = button(texts("today-stop"), pack_custom_id(verbs.STOP_TODAY))
    return [button(texts("alert-day"), list_state.pack_state(day, verbs.OPEN_LIST)), sending]
