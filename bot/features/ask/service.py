"""Answers questions about papers with their passages, privately, or publicly where a message mentions the bot.

A question in a message is answered by a delivery. It is planned at once with the sentence that the bot was interrupted, due
in three minutes, and gets the answer in its place, or the reason why it failed: so there is one answer, and *interrupted* is
shown only if the process ended. While a text is read, its message says so, and is edited. Its last part is always the one to be
sent if nothing follows.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import chain, product
from typing import NamedTuple, TypeAlias

import structlog

from bot.archive import schemes
from bot.archive.summaries import Basis
from bot.client.text_tokens import TextPurpose, TextTokenStore
from bot.core import isolation
from bot.core.admission import Admission, BusyError, work_in_thread
from bot.core.clock import Clock
from bot.features.ask import passages, question_parts
from bot.features.ask.answers import (
    Answer,
    AnswerStatus,
    AskedPaper,
    PassageOrigin,
    ShownPassage,
    StoredPassage,
)
from bot.features.ask.archive_questions import (
    ArchiveQuestions,
    guess_language,
    list_sources,
    list_text_sources,
    split_ids,
)
from bot.features.ask.model_sentences import Question, SentenceWriter
from bot.features.ask.passage_ranking import PaperIndex, Ranking
from bot.outbox import contents
from bot.search.glossary_service import GlossaryService
from bot.search.results import Snippet
from bot.sources.paper_text import PaperTexts
from bot.text import analyser, term_keys
from bot.text.concepts import QueryPart
from storage import accounts, day_counts, errors, models, outbox, paper_texts, papers
from storage import ask as storage
from storage.database import Database

log = structlog.get_logger(__name__)

MAX_SHOWN = 3
"""The most passages of one paper."""
_MAX_READ_PARTS, _MAX_READ_FORMS = 4, 3
_MAX_INDEXES = 8
_MAX_READING, _READING_SECONDS, _PATIENCE = 4, 60.0, 30.0
"""The number of texts that are fetched at once; the seconds that a reader waits for one, and for a turn."""
READING_AFTER = 1.5
"""Seconds after which a thread is notified that a text is being read. The relay looks every two seconds."""
LOST_AFTER, ANSWER_LIFETIME = timedelta(minutes=3), timedelta(hours=1)
ANSWERING_SECONDS = 120.0
"""The time for an answer to a mention; below `LOST_AFTER`, at which it would be called interrupted."""
MAX_A_DAY = 50
"""The most mentions by one reader that are answered a day (UTC), and the most texts that one has read."""
_PUBLIC, _READ = "public", "read"
SENTENCES_A_DAY, SENTENCES_IN_SERVER = 10, 100
"""The most questions of one reader, and in one server, that a language model answers a day (UTC)."""


FindCards: TypeAlias = Callable[[], Awaitable[Sequence[str]]]


class AskedMessage(NamedTuple):
    """A message that may ask: where it is, who wrote it, and what it replies to.

    `may_reply`: the bot may read the channel's history, without which Discord permits no reply. `is_mention`: it mentions the
    bot in its text; else it only replies to one of the bot's messages. `cards` asks Discord for the papers (keys) of
    the card that it replies to, or on which its thread was opened.
    """

    guild_id: int
    channel_id: int
    id: int
    user_id: int
    replied_to: int | None
    may_reply: bool
    is_mention: bool
    cards: FindCards | None = None


@dataclass(frozen=True, slots=True)
class AnswerPost:
    """A public answer to a message.

    `problem` (a Fluent id) is shown in its place. `topic_token` names the question as a search, which is stored as the asker's.
    `is_edit`: it replaces a message that was sent.
    """

    message: AskedMessage
    locale: models.Locale
    problem: str
    answer: Answer | None = None
    topic_token: str = ""
    is_edit: bool = False

    @property
    def marker(self) -> str:
        """Its name, also the key of its delivery."""
        return f"answer:{self.message.id}"


ANSWER = contents.DeliveryHandler(kind=models.DeliveryKind.ANSWER, priority=models.Priority.INTERACTIVE)


@dataclass(eq=False)
class PaperQuestions:
    """`secret` is known to this bot alone."""

    database: Database
    clock: Clock
    glossary: GlossaryService
    texts: PaperTexts
    deliveries: contents.DeliveryFactory
    topics: TextTokenStore
    lookups: Admission
    archive: ArchiveQuestions
    sentences: SentenceWriter | None
    secret: bytes
    _reading: Admission = field(
        default_factory=lambda: Admission(_MAX_READING, patience=_READING_SECONDS), init=False
    )
    _indexes: dict[tuple[str, datetime], PaperIndex] = field(default_factory=dict, init=False)
    _asked: Counter[tuple[str, int]] = field(default_factory=Counter, init=False)
    _counted_on: date = field(default=date.min, init=False)

    async def answer(
        self,
        asked: str,
        locale: models.Locale,
        user_id: int,
        *,
        paper: models.PaperDetail | None = None,
        same: Sequence[str] = (),
    ) -> Answer:
        """Answer a question about a paper, else about the `same` papers (keys); if several have nothing near, the archive.

        The text of a paper is read if it is not stored; else nothing is fetched. `locale` is the reader's language. Raises
        BusyError, or UsageError beyond the day's limit of texts.
        """
        if paper is not None:
            return await self._answer_of_paper(paper, asked, locale, user_id)
        async with self.lookups.admitted(user_id, _PATIENCE):
            answer = await self.archive.answer(asked, locale, only=same)
            is_done = answer.is_near or len(same) < 2 or not question_parts.has_words(asked)
            return answer if is_done else await self.archive.answer(asked, locale)

    async def _answer_of_paper(
        self, paper: models.PaperDetail, asked: str, locale: models.Locale, user_id: int
    ) -> Answer:
        language = guess_language(asked, locale)
        text = await self.database.fetch(paper_texts.get, paper.key)
        if text is None:
            if self._count(_READ, user_id) > MAX_A_DAY:
                raise errors.UsageError(f"{MAX_A_DAY} papers a day", "ask-limit")
            text = await self._read(paper, user_id)
        async with self.lookups.admitted(user_id, _PATIENCE):
            glossary = await self.database.look_up(self.glossary.read_current)
            sources, index = await self._load_sources(paper, text, language)
            parts = await work_in_thread(question_parts.read, asked, glossary)
            ranking = await work_in_thread(index.rank, parts)
        asked_paper = AskedPaper(paper, sources, ranking.order)
        is_amount = question_parts.asks_number(asked)
        return await work_in_thread(_build, asked_paper, language, parts, ranking, asks_number=is_amount)

    async def find_passage(self, paper_key: str, key: str) -> ShownPassage | None:
        """Return a whole passage of a paper by its key; None if the paper's texts have changed since."""
        paper = await self.database.fetch(papers.get_detail, paper_key)
        if paper is None:
            return None
        text = await self.database.fetch(paper_texts.get, paper.key)
        kept = list_text_sources(text, (await self._load_index(text)).passages) if text is not None else []
        ways = product(models.Locale, (passages.MAX_LENGTH, 0))
        stored = chain(kept, *(list_sources(paper, locale, joined=joined) for locale, joined in ways))
        found = next((one for one in stored if one.key == key), None)
        return ShownPassage(paper, found, Snippet("", "", ())).whole() if found else None

    def begin_sentences(self, answer: Answer) -> Answer | None:
        """Return the answer with the note that a language model reads, or None if none is asked."""
        if self.sentences is None or not (self.sentences.is_ready and answer.is_readable):
            return None
        return replace(answer, note="ask-writing")

    async def add_sentences(
        self, answer: Answer, asked: str, language: models.Locale, user_id: int, guild_id: int | None = None
    ) -> Answer:
        """Return the answer with judged sentences of the language model, or with the reason for their absence.

        The answers of a day are limited for each reader and server; user 0 is the operator in the shell.
        """
        assert self.sentences is not None, "no model is asked"
        day = self.clock().date()
        asker = day_counts.name_reader("user", self.secret, user_id, day)
        limits = {asker: SENTENCES_A_DAY} if user_id else {}
        limits |= {f"server:{guild_id}": SENTENCES_IN_SERVER} if guild_id else {}
        try:
            await self.database.write(day_counts.add, day, limits, "ask-sentences-limit")
        except day_counts.DayLimitError as error:
            return replace(answer, note=error.key)
        glossary = await self.database.look_up(self.glossary.read_current)
        read = Question(asked, answer.list_read(), language, glossary)
        return await work_in_thread(answer.with_sentences, await self.sentences.write(read, user_id))

    async def _read(self, paper: models.PaperDetail, user_id: int) -> models.PaperText:
        try:
            async with asyncio.timeout(_READING_SECONDS):
                return await self.texts.read(
                    paper.key, paper.title or "", "", lambda: self._reading.admitted(user_id)
                )
        except TimeoutError:
            raise BusyError("the text is not read in time", "ask-too-slow") from None

    async def _load_sources(
        self, paper: models.PaperDetail, text: models.PaperText, language: models.Locale
    ) -> tuple[list[StoredPassage], PaperIndex]:
        """Return the passages of a paper's text, else of its abstract, and of summaries in the language if there are any."""
        if text.basis == Basis.PAPER:
            index = await self._load_index(text)
            return list_text_sources(text, index.passages), index
        stored = list(list_sources(paper, language))
        return stored, await work_in_thread(PaperIndex, [one.passage for one in stored])

    async def _load_index(self, text: models.PaperText) -> PaperIndex:
        key = text.paper_key, text.fetched_at
        if (index := self._indexes.get(key)) is None:
            index = await work_in_thread(PaperIndex, await passages.split_off_loop(text))
            if len(self._indexes) >= _MAX_INDEXES:
                self._indexes.pop(next(iter(self._indexes)), None)
            self._indexes[key] = index
        return index

    async def answer_mention(self, asked: str, message: AskedMessage) -> None:
        """Answer a question about papers of the bot's messages, else from the archive. An error is logged.

        In the place of a paper, a message without words or only with thanks is not answered. A server may have turned
        answers off.
        """
        async with self.database.read() as connection:
            in_place = await storage.list_place_papers(connection, message.channel_id, message.replied_to)
            answered = await storage.find_answered_papers(connection, message.replied_to or 0)
            guild = await accounts.get_guild(connection, message.guild_id)
        is_off = guild is not None and not guild.answers_mentions
        is_over = self._count(_PUBLIC, message.user_id, 0) > MAX_A_DAY
        if is_off or is_over or not (message.is_mention or answered is not None):
            return
        of_card = await message.cards() if message.cards else ()
        ids = await self.database.fetch(papers.list_current_keys, of_card) or in_place
        now = self.clock()
        named, asked = split_ids(asked, schemes.list_keys(asked, now.date()), now.date())
        is_heard = question_parts.has_words(asked) or named or not (ids or answered is not None)
        over = self._count(_PUBLIC, message.user_id) - MAX_A_DAY if is_heard else 0
        if not is_heard or over > 1:  # the limit is announced once
            return
        # A reply to an answer of several papers asks these.
        same = named or ([] if len(answered or ()) < 2 else list(answered or ()))
        named = named or ([] if same else list(answered or ids))
        # A message without letters is answered in the server's language.
        of_server = guild.locale if guild is not None and not any(map(str.isalpha, asked)) else None
        language = guess_language(asked, of_server or models.Locale.EN)
        post = AnswerPost(message, language, problem="ask-over" if over == 1 else "ask-lost")
        delivery = self.deliveries.build_post(
            ANSWER,
            post,
            now,
            guild_id=message.guild_id,
            channel_id=message.channel_id,
            due_at=now if over == 1 else now + LOST_AFTER,
            expires_at=now + ANSWER_LIFETIME,
            papers=tuple(named) if len(named) == 1 else (),
        )
        delivery_id = await self.database.write(outbox.add, delivery)
        if delivery_id is not None and over < 1:  # Discord may send an event again
            with isolation.isolated(log, "question in a message not answered"):
                await self._answer_in_place(delivery_id, post, named, same, asked)

    async def _answer_in_place(
        self, delivery_id: int, post: AnswerPost, ids: Sequence[str], same: Sequence[str], asked: str
    ) -> None:
        """Say the answer, after a while that a text is read, and the answer again with a language model's sentences."""
        answering = asyncio.create_task(self._find(post, ids, same, asked))
        try:
            if not (await asyncio.wait({answering}, timeout=READING_AFTER))[0]:
                reading, post = replace(post, problem="ask-reading"), replace(post, is_edit=True)
                await self._replace_last_part(delivery_id, reading, post)
            answered = replace(await answering, is_edit=post.is_edit)
        finally:
            answering.cancel()
        begun = answered.answer and self.begin_sentences(answered.answer)
        if begun is None:
            await self._replace_last_part(delivery_id, answered)
            return
        bare = replace(answered, answer=replace(begun, note="ask-sentences-failed"), is_edit=True)
        if await self._replace_last_part(delivery_id, replace(answered, answer=begun), bare):
            asker = post.message.user_id, post.message.guild_id
            done = await self.add_sentences(begun, asked, post.locale, *asker)
            await self._replace_last_part(delivery_id, replace(bare, answer=done))

    async def _replace_last_part(self, delivery_id: int, shown: AnswerPost, *rest: AnswerPost) -> bool:
        """Replace the last part of a planned answer. Returns False if that part was sent.

        `rest` follows after LOST_AFTER unless this is called again before.
        """
        now = self.clock()
        parts = [self._render(post, now) for post in (shown, *rest)]
        about = dict.fromkeys(one.paper.key for one in (shown.answer.found if shown.answer else ()))
        return await self.database.write(
            storage.put_answer,
            delivery_id,
            parts[0],
            now,
            *parts[1:],
            rest_at=now + LOST_AFTER,
            about=[*about],
        )

    def _render(self, post: AnswerPost, now: datetime) -> models.NewPart:
        """Return the message of a post; if it cannot be drawn, one that says so."""
        with isolation.isolated(log, "answer to a mention not drawn"):
            return self.deliveries.build_post(ANSWER, post, now).parts[0]
        failed = replace(post, answer=None, problem="ask-failed")
        return self.deliveries.build_post(ANSWER, failed, now).parts[0]

    async def _find(
        self, post: AnswerPost, ids: Sequence[str], same: Sequence[str], asked: str
    ) -> AnswerPost:
        """Return the post with the answer, or with what prevents one. An error is logged."""
        with isolation.isolated(log, "question in a message not answered"):
            try:
                async with asyncio.timeout(ANSWERING_SECONDS):
                    return await self._find_answer(post, ids, same, asked)
            except TimeoutError:
                return replace(post, problem="ask-too-slow")
            except errors.UsageError as error:
                return replace(post, problem=error.key)
        return replace(post, problem="ask-failed")

    async def _find_answer(
        self, post: AnswerPost, ids: Sequence[str], same: Sequence[str], asked: str
    ) -> AnswerPost:
        has_words = question_parts.has_words(asked)
        if len(ids) > 1 and has_words:
            return replace(post, problem="ask-which-paper")
        # A card stays when its paper is removed.
        paper = await self.database.fetch(papers.get_detail, ids[0]) if ids else None
        paper = paper if has_words else None
        named = same if has_words else ids  # ids alone show these papers
        user_id = post.message.user_id
        answer = await self.answer(asked, post.locale, user_id, paper=paper, same=named)
        topic = answer.list_topic
        token = await self.topics.save(user_id, TextPurpose.LIST, topic) if topic else ""
        return replace(post, answer=answer, topic_token=token, problem="")

    def _count(self, what: str, user_id: int, by: int = 1) -> int:
        """Count a mention, or one that has a text read, and return how many it is of the reader's on this day (UTC)."""
        today = self.clock().date()
        if self._counted_on != today:
            self._counted_on = today
            self._asked.clear()
        self._asked[what, user_id] += by
        return self._asked[what, user_id]


def _finds_any(parts: Sequence[QueryPart], ranking: Ranking) -> bool:
    """Return whether a paper has anything of what is asked: words that say little, such as "show", find nothing alone."""
    telling = [part for part in parts if part.weight > question_parts.VAGUE]
    return bool(ranking.order) and (not telling or any(ranking.found[part.text] for part in telling))


def _build(
    asked: AskedPaper,
    language: models.Locale,
    parts: Sequence[QueryPart],
    ranking: Ranking,
    *,
    asks_number: bool,
) -> Answer:
    """Return the answer of one paper."""
    words = {source.words for source in asked.sources}
    basis = Basis.PAPER if PassageOrigin.PAPER in words else Basis.ABSTRACT if words else Basis.NONE
    telling = (part for part in parts if part.weight > question_parts.VAGUE)
    read_as = ((part.text, _list_read_forms(part, ranking)) for part in telling)
    found = ranking.order[:MAX_SHOWN] if _finds_any(parts, ranking) else ()
    answer = Answer(
        AnswerStatus.NEAR if found else AnswerStatus.NOTHING,
        language.value,
        asked=(asked,) if asked.sources else (),
        paper=asked.paper,
        basis=basis,
        read_as=tuple((typed, forms) for typed, forms in read_as if forms)[:_MAX_READ_PARTS],
    )
    shown = [(asked, number) for number in found]
    patterns = ranking.compile_patterns(parts, ranking.weights, asks_number=asks_number)
    return answer.with_found(shown, patterns)


def _list_read_forms(part: QueryPart, ranking: Ranking) -> tuple[str, ...]:
    """Return a part's English forms that mean the same, other than the typed one, and that the paper has."""
    typed = term_keys.term_key(analyser.strip_ending(part.text))
    same = {
        f.text for f in part.forms if f.weight >= question_parts.NEAREST and not analyser.has_hangul(f.text)
    }
    found = (text for text in ranking.found[part.text] if text in same)
    return tuple(text for text in found if term_keys.term_key(text) != typed)[:_MAX_READ_FORMS]
