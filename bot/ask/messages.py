"""Answers from a paper's passages, and the form for a question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from discord import ui

from bot.archive import languages
from bot.archive.summaries import Basis, label_name
from bot.ask.archive import ArchiveAnswer, Found, Words
from bot.ask.service import Answer, AnswerPost, ShownPassage
from bot.client import messages as client_messages
from bot.client.custom_ids import pack_custom_id
from bot.client.list_state import MAX_LIST_TEXT_LENGTH, ListKind, ListState, pack_state
from bot.client.message_builder import MessageBuilder, button, layout_payload, select_menu, select_option
from bot.client.messages import PostWording
from bot.client.paper_texts import (
    escape_untrusted,
    format_title,
    format_votes,
    join_dotted,
    mark_matches,
    subtext,
    title_link,
)
from bot.client.texts import Texts
from bot.outbox import contents
from bot.outbox.contents import RenderedPart
from bot.rendering import discord_text
from storage.models import PartKind, Section

OPEN, SUBMIT, CHOOSE, PICK = "qa", "qas", "qam", "qap"
QUESTION = "question"
"""The form's field."""
COMMON = ("data", "baselines", "cost", "limits", "code")
"""The questions that fit any paper; each has a text, `ask-common-data`, that is also what is asked."""
_MAX_SHOWN_QUESTION, _MAX_SECTION, _MAX_READ, _MAX_SENTENCE = 300, 120, 60, 600
_RESERVE = 600
"""How many characters of a message the notes below the sentences may take, and bytes."""


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
    numbers = range(1, 1 + len(answer.passages)) if answer.sentences else (0,) * len(answer.passages)
    quotes = [_quote(texts, *one) for one in zip(answer.passages, numbers, strict=True)]
    for block in _fit_sentences(answer, quotes, *message.share(1)) if answer.sentences else quotes:
        message.add_text(block)
    read_as = " · ".join(
        f"{escape_untrusted(typed, max_length=_MAX_READ)} → "
        + ", ".join(escape_untrusted(form, max_length=_MAX_READ) for form in forms)
        for typed, forms in answer.read_as
    )
    notes = (
        texts(answer.note) if answer.note else "",
        texts("ask-in-other-language") if _is_foreign(texts, answer) else "",
        texts("ask-from-abstract") if answer.basis is Basis.ABSTRACT else "",
        texts("ask-read-as", parts=read_as) if read_as and not answer.sentences else "",
    )
    message.add_text("\n".join(subtext(note) for note in notes if note))
    options = [select_option(texts(f"ask-common-{name}"), name) for name in COMMON]
    message.add_buttons(
        select_menu(texts("ask-common"), pack_custom_id(CHOOSE, paper.arxiv_id, marker=marker), options)
    )
    message.add_buttons(button(texts("ask-again"), pack_custom_id(OPEN, paper.arxiv_id, marker=marker)))
    return message.view


def _is_foreign(texts: Texts, answer: Answer) -> bool:
    """Return whether no passage is in the reader's language, and nothing else answers."""
    shown = [Section("", one.excerpt.text) for one in answer.passages]
    language = languages.detect_section_language(shown)
    return not answer.sentences and language not in (None, texts.locale)


def archive_view(
    texts: Texts, answer: ArchiveAnswer, *, is_shown: bool = True, marker: str | None = None, url: str = ""
) -> ui.LayoutView:
    """Return the passages nearest to a question, each with its paper and whose words it is. `is_shown`: with the question."""
    message, lines = MessageBuilder(), [subtext(url)] if url else []
    asked = escape_untrusted(answer.asked, max_length=_MAX_SHOWN_QUESTION)
    message.add_text("\n".join([*lines, *([texts("ask-asked", question=asked)] if is_shown else [])]))
    message.add_text(_describe_nearness(texts, answer))
    shown = [one.paper for one in answer.found]
    options = [
        select_option(format_title(one.title, one.arxiv_id), one.arxiv_id, description=one.arxiv_id)
        for one in shown
    ]
    is_short = len(answer.asked) <= MAX_LIST_TEXT_LENGTH and shown
    topic = pack_state(ListState(ListKind.TOPIC, answer.asked), marker=marker) if is_short else ""
    ask = select_menu(texts("ask-pick"), pack_custom_id(PICK, marker=marker), options)
    save = client_messages.save_menu(texts, shown)
    message.end_with([[ask], [save], [button(texts("ask-all-papers"), topic) if topic else None]])
    for place, one in enumerate(answer.found):
        characters, size = message.share(len(answer.found) - place)
        block = _found_text(texts, one)
        if len(block) <= characters and len(block.encode()) <= size:
            message.add_text(block)
    return message.view


def _describe_nearness(texts: Texts, answer: ArchiveAnswer) -> str:
    """Return what is promised of the passages: that they are the nearest, or what no paper has, and what the archive is."""
    if answer.is_near:
        return subtext(texts("ask-archive-nearest"))
    names = ", ".join(f"**{escape_untrusted(name)}**" for name in answer.absent)
    told = texts("ask-archive-absent", names=names) if names else texts("ask-archive-nothing")
    since = texts.format_date(answer.since) if answer.since else ""
    facts = texts("ask-archive-is", count=answer.papers, since=since) if since else texts("ask-archive-empty")
    nearest = texts("ask-archive-near-papers") if answer.found else ""
    return "\n".join(filter(None, (told, subtext(facts), nearest)))


def _found_text(texts: Texts, found: Found) -> str:
    """Return a passage below its paper, with whose words it is, and its language if it is not the reader's."""
    paper = found.paper
    title = title_link(paper, max_characters=300, max_bytes=700)
    facts = join_dotted(title, texts.format_date(paper.last_on), format_votes(paper.votes))
    day = texts.format_date(found.on) if found.on else ""
    words = texts(f"ask-words-{found.words}", day=day)
    section = discord_text.escape_inline(discord_text.shorten(found.section, _MAX_SECTION, markdown=False))
    place = (
        discord_text.masked_link(section, found.url) if found.words is Words.PAPER and section else section
    )
    language = texts(f"language-{found.language}") if found.language != texts.locale.value else ""
    return f"**{facts}**\n> {mark_matches(found.excerpt)}\n{subtext(join_dotted(words, place, language))}"


def _quote(texts: Texts, passage: ShownPassage, number: int) -> str:
    """Return a passage as a quotation with a link to its place, and its number if sentences rest on it."""
    titles = [
        texts(f"label-{label}") if (label := label_name(title)) else title
        for title in passage.section.split(" › ")
    ]
    section = discord_text.shorten(" › ".join(titles), _MAX_SECTION, markdown=False) or texts("ask-place")
    place = discord_text.masked_link(section, passage.url)
    return f"> {mark_matches(passage.excerpt)}\n{subtext(f'{number}. {place}' if number else place)}"


def _fit_sentences(answer: Answer, quotes: Sequence[str], characters: int, size: int) -> list[str]:
    """Return the sentences, with the numbers of their quotes, and these quotes: as many, and at least one, as fit."""
    for count in range(len(answer.sentences), 0, -1):
        shown = answer.sentences[:count]
        lines = (f"{escape_untrusted(one.text, max_length=_MAX_SENTENCE)} ({one.quote})" for one in shown)
        blocks = ["\n".join(lines), *quotes[: max(one.quote for one in shown)]]
        joined = "\n".join(blocks)
        if len(joined) + _RESERVE <= characters and len(joined.encode()) + _RESERVE <= size:
            break
    return blocks


def render(wording: PostWording, post: AnswerPost) -> tuple[RenderedPart, ...]:
    """Return the message of a public answer, or its edit: a reply to the question, or with a link to it. It notifies nobody."""
    marker, asked = contents.part_marker(post.marker, 0), post.message
    url = f"https://discord.com/channels/{asked.guild_id}/{asked.channel_id}/{asked.id}"
    texts = wording.ui_texts
    text, answer = texts(post.problem) if post.problem else "", post.answer
    if answer is not None:
        said = [
            f"{escape_untrusted(one.text, max_length=_MAX_SENTENCE)} ({one.quote})"
            for one in answer.sentences[:2]
        ]
        found = [f"> {mark_matches(one.excerpt)}\n<{one.url}>" for one in answer.passages]
        text = "\n".join((*said, *found[: 2 if said else None])) or texts("ask-none")
    if post.found is not None:
        near = [f"> {mark_matches(one.excerpt)}\n<{one.paper.url}>" for one in post.found.found[:2]]
        text = "\n".join((_describe_nearness(texts, post.found), *near))
    plain = client_messages.marked_plain_payload(f"{subtext(url)}\n{text}", marker)
    body, reply = plain, dict[str, Any]()
    if asked.may_reply:
        body = client_messages.marked_plain_payload(text, marker)
        reply = {"message_reference": {"message_id": str(asked.id), "fail_if_not_exists": False}}
    if answer is not None:
        view = answer_view(texts, answer, marker=marker, url="" if asked.may_reply else url)
        body = layout_payload(view)
    elif post.found is not None:
        address = "" if asked.may_reply else url
        body = layout_payload(archive_view(texts, post.found, is_shown=False, marker=marker, url=address))
    if post.is_edit:
        # Discord takes a layout in place of a text only if the text is removed.
        return (RenderedPart(PartKind.EDIT, {"content": None} | body, plain),)
    return (RenderedPart(PartKind.MESSAGE, body | reply, plain),)
