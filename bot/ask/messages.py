"""Answers from a paper's passages, and the form for a question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from discord import ui

from bot.archive import languages
from bot.archive.summaries import Basis, label_name
from bot.ask.archive import ArchiveAnswer, Found, Kind, Words
from bot.ask.question import MAX_LENGTH
from bot.ask.sentences import QuotedSentence
from bot.ask.service import Answer, AnswerPost, AnyAnswer, ShownPassage
from bot.client import messages as client_messages
from bot.client.custom_ids import pack_custom_id
from bot.client.list_state import ListKind, ListState, pack_state
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
from bot.search.results import Snippet
from storage import models
from storage.models import PartKind, Section

OPEN, SUBMIT, CHOOSE = "qa", "qas", "qam"
QUESTION = "question"
"""The form's field."""
COMMON = ("data", "baselines", "cost", "limits", "code")
"""The questions that fit any paper; each has a text, `ask-common-data`, that is also what is asked."""
_SAVE = (client_messages.SAVE_PAPER, "1", client_messages.NO_PAGE)
"""The beginning of the id of an entry that saves a paper."""
_MAX_SHOWN_QUESTION, _MAX_SECTION, _MAX_READ, _MAX_SENTENCE = 300, 120, 60, 600
_QUOTED = (350, 200, 120, 40)
"""The characters of an archive's passage, fewer where a message is full."""
_RESERVE = 600
"""How many characters of a message the notes below the sentences may take, and bytes."""
_MAX_ORIGINS = 4
"""How many sources of the archive are named."""


def answer_view(
    texts: Texts, answer: AnyAnswer, asked: str = "", *, marker: str | None = None, url: str = ""
) -> ui.LayoutView:
    """Return an answer with its passages as quotations, below the question.

    `url` is the address of the message that asked, for an answer that cannot be a reply to it; `marker` that of a delivery's
    message, which the buttons' ids carry.
    """
    if isinstance(answer, Answer):
        return _paper_view(texts, answer, asked, marker, url)
    return _archive_view(texts, answer, asked, marker, url)


def _paper_view(texts: Texts, answer: Answer, asked: str, marker: str | None, url: str) -> ui.LayoutView:
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
    blocks = [_quote(texts, *numbered) for numbered in zip(answer.passages, numbers, strict=True)]
    if answer.sentences:
        blocks = _fit_sentences(answer.sentences, blocks, *message.share(1))
    for block in blocks:
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


def _archive_view(
    texts: Texts, answer: ArchiveAnswer, asked: str, marker: str | None, url: str
) -> ui.LayoutView:
    message, lines = MessageBuilder(), [subtext(url)] if url else []
    if asked:
        lines.append(texts("ask-asked", question=escape_untrusted(asked, max_length=_MAX_SHOWN_QUESTION)))
    message.add_text("\n".join(lines))
    if not answer.sentences:
        message.add_text(_nearness_text(texts, answer))
    if answer.is_cut:
        message.add_text(subtext(texts("ask-archive-cut", count=MAX_LENGTH)))
    shown = {passage.paper.arxiv_id: passage.paper for passage in answer.found}
    options = [
        select_option(
            texts(name, title=format_title(paper.title, arxiv_id)), pack_custom_id(*action, arxiv_id)
        )
        for arxiv_id, paper in shown.items()
        for name, action in (("ask-menu-ask", (OPEN,)), ("ask-menu-save", _SAVE))
    ]
    state = ListState(ListKind.TOPIC, answer.topic)
    topic = pack_state(state, marker=marker) if shown and answer.kind is not Kind.NAMED else ""
    menu = select_menu(texts("ask-menu"), pack_custom_id(client_messages.ACT, marker=marker), options)
    notes = [texts("ask-disagree") if answer.disagree else "", texts(answer.note) if answer.note else ""]
    foot = "\n".join(subtext(note) for note in notes if note)
    message.end_with([[menu], [button(texts("ask-all-papers"), topic) if topic else None]], foot)
    if answer.sentences:
        blocks = [
            _passage_text(texts, answer, passage, number)
            for number, passage in enumerate(answer.found, start=1)
        ]
        for block in _fit_sentences(answer.sentences, blocks, *message.share(1)):
            message.add_text(block)
        return message.view
    for place, passage in enumerate(answer.found):
        share = message.share(len(answer.found) - place)
        message.add_text(_passage_text(texts, answer, passage, 0, *share))
    return message.view


def describe(texts: Texts, answer: ArchiveAnswer) -> list[str]:
    """Return what is promised of the passages: that they are the nearest, or what no paper has, and what the archive is."""
    if answer.kind is Kind.NAMED:
        return []
    names = ", ".join(f"**{escape_untrusted(name)}**" for name in answer.absent)
    told = texts(f"ask-archive-{answer.kind}", names=names)
    nearest = [texts("ask-archive-near-papers")] if answer.found else []
    return [told] if answer.is_near else [told, _describe_archive(texts, answer), *nearest]


def _nearness_text(texts: Texts, answer: ArchiveAnswer) -> str:
    said = describe(texts, answer)
    return (
        "\n".join(map(subtext, said)) if answer.is_near else "\n".join([*said[:1], *map(subtext, said[1:])])
    )


def _describe_archive(texts: Texts, answer: ArchiveAnswer) -> str:
    if answer.since is None:
        return texts("ask-archive-empty")
    told = texts("ask-archive-is", count=answer.papers, since=texts.format_date(answer.since))
    named = [escape_untrusted(name) for name in answer.origins[:_MAX_ORIGINS]]
    named += ["…"] if len(answer.origins) > _MAX_ORIGINS else []
    return f"{told} {texts('ask-archive-sources', sources=', '.join(named))}" if named else told


def list_passages(
    texts: Texts, answer: ArchiveAnswer
) -> Iterator[tuple[models.PaperDetail, Snippet, str, str]]:
    """Yield each passage's paper, excerpt, whose words they are, and its language, "" if it is the question's."""
    for one in answer.found:
        yield one.paper, one.excerpt, _describe_words(texts, answer, one), _find_language(answer, one)


def _find_language(answer: ArchiveAnswer, found: Found) -> str:
    return found.source.language if found.source.language != answer.language else ""


def _describe_words(texts: Texts, answer: ArchiveAnswer, passage: Found) -> str:
    """Return whose words a passage has, its place, and its language if it is not the question's."""
    source = passage.source
    words = texts(f"ask-words-{source.words}", day=texts.format_date(source.on) if source.on else "")
    heading = source.passage.section
    heading = texts(f"label-{label}") if (label := label_name(heading)) else heading
    section = discord_text.escape_inline(discord_text.shorten(heading, _MAX_SECTION, markdown=False))
    is_link = source.words is Words.PAPER and section
    place = discord_text.masked_link(section, source.url) if is_link else section
    language = _find_language(answer, passage)
    return join_dotted(words, place, texts(f"language-{language}") if language else "")


def _passage_text(
    texts: Texts,
    answer: ArchiveAnswer,
    passage: Found,
    number: int,
    characters: int = 1_000,
    size: int = 3_000,
) -> str:
    """Return a passage below its paper, with its number if sentences rest on it (else 0), and whose words it has.

    The passage is shortened until the text has at most `characters`, and `size` bytes.
    """
    paper = passage.paper
    title = title_link(paper, max_characters=300, max_bytes=700)
    facts = join_dotted(title, texts.format_date(paper.last_on), format_votes(paper.votes))
    head, words = f"{number}. {facts}" if number else facts, subtext(_describe_words(texts, answer, passage))
    for length in _QUOTED:
        quoted = (
            f"> {mark_matches(_shorten(passage.excerpt, length))}\n"
            if passage.source.words is not Words.TITLE
            else ""
        )
        text = f"**{head}**\n{quoted}{words}"
        if len(text) <= characters and discord_text.utf8_bytes(text) <= size:
            break
    return text


def _shorten(excerpt: Snippet, length: int) -> Snippet:
    if len(excerpt.text) <= length:
        return excerpt
    text = discord_text.shorten(excerpt.text, length, markdown=False)
    spans = tuple(span for span in excerpt.spans if span[1] < len(text) - 1)
    return excerpt._replace(text=text, spans=spans)


def _quote(texts: Texts, passage: ShownPassage, number: int) -> str:
    """Return a passage as a quotation with a link to its place, and its number if sentences rest on it."""
    titles = [
        texts(f"label-{label}") if (label := label_name(title)) else title
        for title in passage.section.split(" › ")
    ]
    section = discord_text.shorten(" › ".join(titles), _MAX_SECTION, markdown=False) or texts("ask-place")
    place = discord_text.masked_link(section, passage.url)
    return f"> {mark_matches(passage.excerpt)}\n{subtext(f'{number}. {place}' if number else place)}"


def _fit_sentences(
    sentences: Sequence[QuotedSentence], quotes: Sequence[str], characters: int, size: int
) -> list[str]:
    """Return the sentences, with the numbers of their quotes, and these quotes: as many, and at least one, as fit."""
    for count in range(len(sentences), 0, -1):
        shown = sentences[:count]
        blocks = ["\n".join(_number(shown)), *quotes[: max(sentence.quote for sentence in shown)]]
        joined = "\n".join(blocks)
        if len(joined) + _RESERVE <= characters and len(joined.encode()) + _RESERVE <= size:
            break
    return blocks


def _number(sentences: Sequence[QuotedSentence]) -> list[str]:
    return [f"{escape_untrusted(one.text, max_length=_MAX_SENTENCE)} ({one.quote})" for one in sentences]


def _plain_text(texts: Texts, answer: AnyAnswer) -> str:
    """Return an answer for the plain form of its message, which is sent if Discord refuses the layout."""
    sentences = _number(answer.sentences[:2])
    if isinstance(answer, Answer):
        quotes = [f"> {mark_matches(passage.excerpt)}\n<{passage.url}>" for passage in answer.passages]
        return "\n".join((*sentences, *quotes[: 2 if sentences else None])) or texts("ask-none")
    quotes = [
        f"> {mark_matches(_shorten(passage.excerpt, _QUOTED[-2]))}\n<{passage.paper.url}>"
        for passage in answer.found
    ]
    return "\n".join((*(sentences or [_nearness_text(texts, answer)]), *quotes))


def render(wording: PostWording, post: AnswerPost) -> tuple[RenderedPart, ...]:
    """Return the message of a public answer, or its edit: a reply to the question, or with a link to it. It notifies nobody."""
    marker, asked = contents.part_marker(post.marker, 0), post.message
    url = f"https://discord.com/channels/{asked.guild_id}/{asked.channel_id}/{asked.id}"
    texts, answer = wording.ui_texts, post.answer
    text = texts(post.problem) if post.problem else ""
    if answer is not None:
        text = _plain_text(texts, answer)
    plain = client_messages.marked_plain_payload(f"{subtext(url)}\n{text}", marker)
    body, reply = plain, dict[str, Any]()
    if asked.may_reply:
        body = client_messages.marked_plain_payload(text, marker)
        reply = {"message_reference": {"message_id": str(asked.id), "fail_if_not_exists": False}}
    if answer is not None:
        view = answer_view(texts, answer, marker=marker, url="" if asked.may_reply else url)
        body = layout_payload(view)
    if post.is_edit:
        # Discord takes a layout in place of a text only if the text is removed.
        return (RenderedPart(PartKind.EDIT, {"content": None} | body, plain),)
    return (RenderedPart(PartKind.MESSAGE, body | reply, plain),)
