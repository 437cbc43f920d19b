"""Answers from a paper's passages, and the form for a question."""

from __future__ import annotations

from typing import Any

from discord import ui

from bot.archive.summaries import Basis
from bot.ask.question import MAX_LENGTH
from bot.ask.service import Answer, AnswerPost
from bot.client import messages as client_messages
from bot.client.custom_ids import pack_custom_id
from bot.client.message_builder import (
    MessageBuilder,
    StatelessModal,
    button,
    layout_payload,
    select_menu,
    select_option,
)
from bot.client.paper_texts import escape_untrusted, mark_matches, subtext, title_link
from bot.client.texts import Texts
from bot.outbox import contents
from bot.outbox.contents import RenderedPart
from bot.rendering import discord_text
from storage.models import PartKind

OPEN, SUBMIT, CHOOSE = "qa", "qas", "qam"
QUESTION = "question"
"""The form's field."""
COMMON = ("data", "baselines", "cost", "limits", "code")
"""The questions that fit any paper; each has a text, `ask-common-data`, that is also what is asked."""
_MAX_SHOWN_QUESTION, _MAX_SECTION, _MAX_READ = 300, 120, 60


def question_modal(texts: Texts, arxiv_id: str) -> StatelessModal:
    """Return the form with one field."""
    modal = StatelessModal(texts("ask-paper"), pack_custom_id(SUBMIT, arxiv_id))
    hint = texts("ask-hint")
    modal.add_text(texts("ask-label"), QUESTION, placeholder=hint, max_length=MAX_LENGTH, multiline=True)
    return modal


def answer_view(
    texts: Texts, answer: Answer, asked: str = "", *, marker: str | None = None, url: str = ""
) -> ui.LayoutView:
    """Return an answer: the question, or the address of its message, the passages as quotations, and what it was read as."""
    message, paper = MessageBuilder(), answer.paper
    lines = [*([subtext(url)] if url else []), f"### {title_link(paper, max_characters=300, max_bytes=900)}"]
    if asked:
        lines.append(texts("ask-asked", question=escape_untrusted(asked, max_length=_MAX_SHOWN_QUESTION)))
    if not answer.is_answer:
        nearest = "ask-abstract-nearest" if answer.basis is Basis.ABSTRACT else "ask-nearest"
        key = nearest if answer.passages else "ask-none"
        lines.append(texts("ask-no-text" if answer.basis is Basis.NONE else key))
    message.add_text("\n".join(lines))
    for passage in answer.passages:
        section = discord_text.shorten(passage.section, _MAX_SECTION, markdown=False) or texts("ask-place")
        place = discord_text.masked_link(section, passage.url)
        message.add_text(f"> {mark_matches(passage.excerpt)}\n{subtext(place)}")
    read_as = " · ".join(
        f"{escape_untrusted(typed, max_length=_MAX_READ)} → "
        + ", ".join(escape_untrusted(form, max_length=_MAX_READ) for form in forms)
        for typed, forms in answer.read_as
    )
    notes = (
        texts("ask-from-abstract") if answer.basis is Basis.ABSTRACT else "",
        texts("ask-read-as", parts=read_as) if read_as else "",
    )
    message.add_text("\n".join(subtext(note) for note in notes if note))
    options = [select_option(texts(f"ask-common-{name}"), name) for name in COMMON]
    message.add_buttons(
        select_menu(texts("ask-common"), pack_custom_id(CHOOSE, paper.arxiv_id, marker=marker), options)
    )
    message.add_buttons(button(texts("ask-again"), pack_custom_id(OPEN, paper.arxiv_id, marker=marker)))
    return message.view


def render(texts: Texts, post: AnswerPost) -> tuple[RenderedPart, ...]:
    """Return the message of a public answer, or its edit: a reply to the question, or with a link to it, without a mention."""
    marker = contents.part_marker(post.marker, 0)
    linked = f"{subtext(post.url)}\n{_plain_text(texts, post)}"
    plain = client_messages.marked_plain_payload(linked, marker)
    body, reply = plain, dict[str, Any]()
    if post.message_id is not None:
        body = client_messages.marked_plain_payload(_plain_text(texts, post), marker)
        reply = {"message_reference": {"message_id": str(post.message_id), "fail_if_not_exists": False}}
    if post.answer is not None:
        url = post.url if post.message_id is None else ""
        body = layout_payload(answer_view(texts, post.answer, marker=marker, url=url))
    if post.is_edit:
        # Discord takes a layout in place of a text only if the text is removed.
        return (RenderedPart(PartKind.EDIT, {"content": None} | body, plain),)
    return (RenderedPart(PartKind.MESSAGE, body | reply, plain),)


def _plain_text(texts: Texts, post: AnswerPost) -> str:
    if post.answer is None:
        return texts(post.problem)
    found = [f"> {mark_matches(one.excerpt)}\n<{one.url}>" for one in post.answer.passages]
    return "\n".join(found) or texts("ask-none")
