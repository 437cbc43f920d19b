"""Answers from a paper's passages, and the form for a question."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import discord
from discord import ui

from bot.archive import arxiv_ids, schemes
from bot.archive.summaries import Basis, label_name
from bot.client import message_builder, verbs
from bot.client.custom_ids import pack_custom_id, unpack_custom_id
from bot.client.message_builder import MessageBuilder, button, layout_payload, select_menu, select_option
from bot.client.wording import PostWording
from bot.features.ask.answers import Answer, AnswerStatus, ArchiveContents, PassageOrigin, ShownPassage
from bot.features.ask.archive_questions import MAX_PAPERS
from bot.features.ask.model_sentences import QuotedSentence
from bot.features.ask.question_parts import MAX_LENGTH
from bot.features.ask.service import MAX_A_DAY, AnswerPost
from bot.i18n.texts import Texts
from bot.outbox import contents
from bot.outbox.contents import RenderedPart
from bot.papers import message_parts
from bot.papers.list_state import ListKind, ListState, pack_state
from bot.papers.paper_texts import format_title, format_votes, mark_matches, title_link
from bot.rendering import discord_text
from bot.rendering.discord_text import escape_untrusted, join_dotted, subtext
from bot.search.results import Snippet
from bot.text import analyser, plain, questions
from storage import models
from storage.models import PartKind

_Controls: TypeAlias = tuple[ui.Item[Any] | None, ui.Item[Any] | None]
"""A menu, and the first button below it."""
QUESTION = "question"
"""The form's field."""
COMMON = ("data", "baselines", "cost", "limits", "code")
"""The questions that fit any paper; each has a text, `ask-common-data`, that is also the question."""
_SAVE = (verbs.SAVE_PAPER, "1", message_parts.NO_PAGE)
"""The beginning of the id of an entry that saves a paper."""
_MAX_TITLE = 160
"""The most characters of a passage's title with its address."""
_MAX_SECTION, _MAX_READ, _MAX_SENTENCE = 120, 60, 600
_QUOTED = (600, 480, 400, 300, 200, 120, 40)
"""The characters of an archive's passage, fewer where a message is full."""
_WHOLE = (3_600, 3_000, 2_400, 1_200, 600)
"""The characters of a whole passage, fewer where they have many bytes."""
_RESERVE = 600
"""The maximum size, in characters and bytes, of the notes below the sentences in a message."""
_THANKS = re.compile(r"\b(?:thanks?|thx)\b|고마|고맙|감사", re.IGNORECASE)
_MAX_THANKS = 20
"""The most characters of a message that only thanks."""
_MAX_SHARER = 60
"""Characters of the name of who shares an answer."""
_MAX_ORIGINS = 4
"""The maximum number of the archive's sources that are named."""


def answer_view(
    texts: Texts,
    answer: Answer,
    asked: str = "",
    *,
    topic_token: str = "",
    may_share: bool = False,
    in_server: bool = False,
    marker: str | None = None,
    url: str = "",
) -> ui.LayoutView:
    """Return an answer with its passages as quotations, below the question.

    `topic_token` names the answer's topic, if it is stored. `url` is the address of the message that asked, for an answer that
    cannot be a reply to it; `marker` that of a delivery's message, which the buttons' ids carry.
    """
    message, lines = MessageBuilder(), describe(texts, answer)
    head = [subtext(url)] if url else []
    if answer.paper is not None and not answer.found:
        head.append(f"### {title_link(answer.paper, max_characters=300, max_bytes=900)}")
    if asked:
        head.append(texts("ask-asked", question=escape_untrusted(asked, max_length=MAX_LENGTH)))
    # What was not found is in normal print, mere remarks are in small print.
    message.add_text("\n".join([*head, *lines[:1], *map(subtext, lines[1:])]))
    menu, further = (
        _archive_controls(texts, answer, topic_token, marker, in_server=in_server)
        if answer.paper is None
        else _paper_controls(texts, answer.paper, marker)
    )
    share = button(texts("share"), pack_custom_id(verbs.SHARE_ANSWER)) if may_share and answer.found else None
    if share is not None:  # Room for the line above a shared answer.
        message.budget.add(1, (_shared_line(texts, "x" * _MAX_SHARER),))
    message.end_with([[menu], [further, share]], "\n".join(map(subtext, list_notes(texts, answer))))
    if answer.sentences:
        blocks = [_passage_text(texts, answer, *numbered) for numbered in enumerate(answer.found)]
        blocks = _fit_sentences(answer.sentences, blocks, *message.share(1))
        for block in blocks:
            message.add_text(block)
        return message.view
    for place, passage in enumerate(answer.found):
        text = _passage_text(texts, answer, place, passage, *message.share(len(answer.found) - place))
        if passage.is_cut:
            action = (verbs.SHOW_PASSAGE, f"{models.alias_of(passage.paper.key)} {passage.source.key}")
            more = button(texts("ask-more"), pack_custom_id(*action, marker=marker))
            message.add_text_with_accessory(text, more)
        else:
            message.add_text(text)
    return message.view


def passage_view(texts: Texts, shown: ShownPassage) -> ui.LayoutView:
    """Return a whole passage with its paper, as far as a message has room for it."""
    message, answer = MessageBuilder(), Answer(AnswerStatus.NEAR, texts.locale.value)
    message.add_text(_passage_text(texts, answer, 0, shown, *message.share(1), lengths=_WHOLE))
    return message.view


def shared_view(texts: Texts, answered: discord.Message, *, sharer: str) -> ui.LayoutView:
    """Return a private answer as a public message: what its reader saw, without the button that shares it."""
    layout = ui.LayoutView.from_message(answered, timeout=None)
    for row in [one for one in layout.walk_children() if isinstance(one, ui.ActionRow)]:
        for item in row.children:
            if unpack_custom_id(getattr(item, "custom_id", None) or "").verb == verbs.SHARE_ANSWER:
                row.remove_item(item)
        if not row.children:
            holder = row.parent if isinstance(row.parent, ui.Container) else layout
            holder.remove_item(row)
    shared = ui.LayoutView(timeout=None)
    for item in (ui.TextDisplay(_shared_line(texts, sharer)), *layout.children):
        shared.add_item(item)
    return shared


def _shared_line(texts: Texts, sharer: str) -> str:
    return subtext(texts("shared-by", name=sharer))


def _paper_controls(texts: Texts, paper: models.PaperDetail, marker: str | None) -> _Controls:
    options = [select_option(texts(f"ask-common-{name}"), name) for name in COMMON]
    alias = models.alias_of(paper.key)
    menu = select_menu(
        texts("ask-common"), pack_custom_id(verbs.SELECT_QUESTION, alias, marker=marker), options
    )
    return menu, button(texts("ask-again"), pack_custom_id(verbs.OPEN_QUESTION, alias, marker=marker))


def _archive_controls(
    texts: Texts, answer: Answer, topic_token: str, marker: str | None, *, in_server: bool
) -> _Controls:
    offers = [("ask-menu-ask", (verbs.OPEN_QUESTION,)), ("ask-menu-save", _SAVE)]
    offers += [("ask-menu-list", (verbs.LIST_PAPER,))] if in_server else []
    shown = {passage.paper.key: passage.paper for passage in answer.found}
    options = [
        select_option(
            texts(name, title=format_title(paper.title, paper_key)),
            pack_custom_id(*action, models.alias_of(paper_key)),
        )
        for paper_key, paper in shown.items()
        for name, action in offers
    ]
    menu = select_menu(texts("ask-menu"), pack_custom_id(verbs.SELECT_ACTION, marker=marker), options)
    state = ListState(ListKind.TOPIC, answer.list_topic, token=topic_token)
    further = button(texts("ask-all-papers"), pack_state(state, marker=marker)) if answer.list_topic else None
    return menu, further


def describe(texts: Texts, answer: Answer) -> list[str]:
    """Return what was not found, on one line, and then, if nothing was, what the archive is; [] if nothing is missing."""
    if answer.sentences or answer.kind is AnswerStatus.NAMED:
        return []
    if answer.paper is not None:
        none = "ask-no-text" if answer.basis is Basis.NONE else "ask-none"
        return [] if answer.found else [texts(none, scheme=schemes.label(answer.paper.key))]
    if not answer.found and len(answer.topic) <= _MAX_THANKS and _THANKS.search(answer.topic):
        return [texts("ask-archive-thanks")]
    if not answer.found and questions.asks_what_to_read(answer.topic):
        commands = {name: texts.name_command(name) for name in ("today", "digest")}
        return [texts("list-today", **commands).partition("\n")[2]]
    names = {name: texts("ask-name", name=escape_untrusted(name)) for name in answer.absent}
    unlisted = [f"**{escape_untrusted(name)}**" for name in answer.absent if arxiv_ids.is_possible(name)]
    absent = [name for id_, name in names.items() if not arxiv_ids.is_possible(id_)]
    lines = [texts("why-not-listed", paper=", ".join(unlisted))] if unlisted else []
    if mistyped := arxiv_ids.find_mistyped(answer.topic):
        lines.append(texts("no-paper", paper=mistyped))
    lines += [texts("ask-archive-absent", names=", ".join(absent))] if absent else []
    if (
        lacking := []
        if absent
        else [texts("ask-name", name=escape_untrusted(word)) for word in answer.lacking]
    ):
        lines.append(texts("ask-archive-lacking", names=", ".join(lacking)))
    lines += [texts("ask-archive-near")] if absent and answer.found else []
    if not (answer.found or lines):
        lines.append(texts(f"ask-archive-{answer.kind}"))
    extent = [_describe_archive(texts, answer.extent)] if answer.extent is not None else []
    return [" ".join(lines), *extent] if lines else []


def _describe_archive(texts: Texts, extent: ArchiveContents) -> str:
    if extent.since is None:
        return texts("ask-archive-empty")
    size = texts("ask-archive-is", count=extent.papers, since=texts.format_date(extent.since))
    named = [escape_untrusted(name) for name in extent.origins[:_MAX_ORIGINS]]
    named += ["…"] if len(extent.origins) > _MAX_ORIGINS else []
    return f"{size} {texts('ask-archive-sources', sources=', '.join(named))}" if named else size


def list_notes(texts: Texts, answer: Answer) -> list[str]:
    """Return the notes below the passages: on how the question was read, and on a language model's sentences."""
    read_as = " · ".join(
        f"{escape_untrusted(analyser.strip_ending(typed), max_length=_MAX_READ)} → "
        + ", ".join(escape_untrusted(form, max_length=_MAX_READ) for form in forms)
        for typed, forms in answer.read_as
    )
    excluded = ", ".join(escape_untrusted(term, max_length=_MAX_READ) for term in answer.excluded)
    pairs = ", ".join(escape_untrusted(" → ".join(pair), max_length=_MAX_READ) for pair in answer.corrected)
    note = answer.note
    if note == "ask-written" and answer.paper is None:
        note = "ask-archive-written"
    is_of_archive = answer.paper is None and answer.is_near and not answer.sentences
    has_passage = any(one.source.words is not PassageOrigin.TITLE for one in answer.found)
    notes = (
        texts("list-corrected", pairs=pairs) if pairs else "",
        texts("ask-without", terms=excluded) if excluded else "",
        texts("list-dates", period=texts.format_period(*answer.days)) if any(answer.days) else "",
        texts("ask-archive-cut", count=MAX_LENGTH, papers=MAX_PAPERS) if answer.is_cut else "",
        texts("ask-archive-nearest") if is_of_archive and has_passage else "",
        texts("ask-disagree") if answer.disagree else "",
        texts(note) if note else "",
        texts("ask-from-abstract", scheme=schemes.label(answer.paper.key))
        if answer.paper is not None and answer.basis is Basis.ABSTRACT
        else "",
        texts("ask-read-as", parts=read_as) if read_as and not answer.sentences else "",
    )
    return list(filter(None, notes))


def list_passages(
    texts: Texts, answer: Answer
) -> Iterator[tuple[models.PaperDetail, tuple[tuple[str, bool], ...], str, str, str]]:
    """Yield each passage's paper, the pieces of its excerpt (none if it is the title), whose words they are (Markdown), its
    language, "" if it is the question's, and all of it, "" if the excerpt is."""
    for one in answer.found:
        language = one.source.language if one.source.language != answer.language else ""
        whole = one.whole().excerpt.text if one.is_cut else ""
        pieces = () if one.source.words is PassageOrigin.TITLE else one.excerpt.pieces
        yield one.paper, pieces, describe_words(texts, answer, one), language, whole


def describe_words(texts: Texts, answer: Answer, passage: ShownPassage) -> str:
    """Return whose words a passage has, its place, and its language if it is not the question's."""
    source, is_of_one = passage.source, answer.paper is not None
    is_paper = source.words is PassageOrigin.PAPER
    words = texts(f"ask-words-{source.words}", day=texts.format_date(source.on) if source.on else "")
    headings = [
        texts(f"label-{label}") if (label := label_name(heading)) else heading
        for heading in source.passage.section.split(" › ")
    ]
    section = discord_text.shorten(" › ".join(headings), _MAX_SECTION, markdown=False)
    section = plain.strip_invisible(section) or (texts("ask-place") if is_of_one and is_paper else "")
    is_link = section and is_paper
    place = discord_text.masked_link(section, source.url) if is_link else discord_text.escape_inline(section)
    language = texts(f"language-{source.language}") if source.language != answer.language else ""
    return join_dotted("" if is_of_one and is_paper else words, place, language)


def _passage_text(
    texts: Texts,
    answer: Answer,
    place: int,
    passage: ShownPassage,
    characters: int = 1_000,
    size: int = 3_000,
    lengths: Sequence[int] = _QUOTED,
) -> str:
    """Return the passage at a place of an answer, and below it its paper, once, and whose words it has.

    It is numbered if sentences rest on it, and shortened until the text has at most `characters`, and `size` bytes.
    """
    paper, is_of_archive = passage.paper, answer.paper is None
    number = f"{place + 1}. " if answer.sentences else ""
    is_named = all(one.paper.key != paper.key for one in answer.found[:place])
    title = title_link(paper, max_characters=_MAX_TITLE, max_bytes=700) if is_named else ""
    day = texts.format_date(paper.last_on) if passage.source.on != paper.last_on else ""
    of_paper = (day, format_votes(paper.votes)) if is_of_archive and is_named else ()
    is_quoted = passage.source.words is not PassageOrigin.TITLE
    words = describe_words(texts, answer, passage)
    foot = subtext(number + join_dotted(title if is_quoted else "", *of_paper, words))
    for length in lengths:
        text = f"{_quote(_shorten(passage.excerpt, length)) if is_quoted else f'**{title}**'}\n{foot}"
        if len(text) <= characters and discord_text.utf8_bytes(text) <= size:
            break
    return text


def _quote(excerpt: Snippet) -> str:
    """Return an excerpt as a quotation, each of its lines by itself."""
    lines, start = list[str](), 0
    for line in excerpt.text.split("\n"):
        ends = ((max(first - start, 0), min(stop - start, len(line))) for first, stop in excerpt.spans)
        spans = tuple((first, stop) for first, stop in ends if first < stop)
        lines.append(f"> {mark_matches(Snippet(line, '', spans))}")
        start += len(line) + 1
    return "\n".join(lines)


def _shorten(excerpt: Snippet, length: int) -> Snippet:
    if len(excerpt.text) <= length:
        return excerpt
    text = discord_text.shorten(excerpt.text, length, markdown=False)
    spans = tuple(span for span in excerpt.spans if span[1] < len(text) - 1)
    return excerpt._replace(text=text, spans=spans)


def _fit_sentences(
    sentences: Sequence[QuotedSentence], quotes: Sequence[str], characters: int, size: int
) -> list[str]:
    """Return the sentences, with the numbers of their quotes, and these quotes: as many, and at least one, as fit."""
    for count in range(len(sentences), 0, -1):
        shown = sentences[:count]
        lines = (f"{escape_untrusted(one.text, max_length=_MAX_SENTENCE)} ({one.quote})" for one in shown)
        blocks = ["\n".join(lines), *quotes[: max(sentence.quote for sentence in shown)]]
        joined = "\n".join(blocks)
        if len(joined) + _RESERVE <= characters and len(joined.encode()) + _RESERVE <= size:
            break
    return blocks


def render(wording: PostWording, post: AnswerPost) -> tuple[RenderedPart, ...]:
    """Return the message of a public answer, or its edit: a reply to the question, or with a link to it. It notifies nobody."""
    marker, asked = contents.part_marker(post.marker, 0), post.message
    url = f"https://discord.com/channels/{asked.guild_id}/{asked.channel_id}/{asked.id}"
    texts, answer = wording.ui_texts, post.answer
    problem = "ask-refused" if answer is not None else post.problem
    text = texts(problem, ask=wording.mention("ask"), count=MAX_A_DAY)
    plain = message_builder.marked_plain_payload(f"{subtext(url)}\n{text}", marker)
    body, reply = plain, dict[str, Any]()
    if asked.may_reply:
        body = message_builder.marked_plain_payload(text, marker)
        reply = {"message_reference": {"message_id": str(asked.id), "fail_if_not_exists": False}}
    if answer is not None:
        above = "" if asked.may_reply else url
        view = answer_view(
            texts, answer, topic_token=post.topic_token, in_server=True, marker=marker, url=above
        )
        body = layout_payload(view)
    if post.is_edit:
        # Discord takes a layout in place of a text only if the text is removed.
        return (RenderedPart(PartKind.EDIT, {"content": None} | body, plain),)
    return (RenderedPart(PartKind.MESSAGE, body | reply, plain),)
