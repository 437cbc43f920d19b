"""`/ask`, the button and the form for a question about a paper, and questions in threads and replies."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from functools import partial
from typing import Any

import aiohttp
import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.archive import schemes
from bot.client import interaction_values, permissions, responses, router, verbs
from bot.client.custom_ids import Action, InvalidCustomIdError, pack_custom_id, unpack_custom_id
from bot.client.handler_context import Client, Request
from bot.client.message_builder import StatelessModal, button
from bot.features.ask import messages as ask_messages
from bot.features.ask.answers import Answer
from bot.features.ask.archive_questions import guess_language
from bot.features.ask.question_parts import MAX_LENGTH
from bot.features.ask.service import AskedMessage, PaperQuestions
from bot.papers import completers, list_state, replies
from bot.papers.replies import card_view, load_paper, store_list_text
from storage import errors, models
from storage.ask import list_place_papers

_TYPED = (discord.MessageType.default, discord.MessageType.reply)
_PRIVATE = (discord.DMChannel, discord.GroupChannel, discord.PartialMessageable)
_MARKUP = re.compile(r"<(?:@[!&]?|#|a?:\w{1,64}:)\d{1,20}>")
"""Mentions of members, roles and channels, and emojis: no words of a question."""


class AskCog(commands.Cog):
    """Questions about one paper, or to the archive."""

    def __init__(self, bot: Client) -> None:
        self._bot = bot
        self._questions = bot.services.get(PaperQuestions)
        bot.services.get(replies.Additions).card_offers.append(self._add_to_card)

    @router.command(
        name="ask", description="Ask the archive or one paper: the nearest passages, word for word"
    )
    @app_commands.describe(
        question="What you want to know, in English or Korean",
        paper="Only this paper: an arXiv ID, a DOI, a link, or part of the title",
        period="Only papers of a period such as last week, a month or Dec 2025",
    )
    @app_commands.autocomplete(paper=completers.papers, period=completers.periods)
    async def ask(
        self,
        request: Request,
        question: app_commands.Range[str, 1, MAX_LENGTH],
        paper: app_commands.Range[str, 1, 500] = "",
        period: app_commands.Range[str, 1, 40] = list_state.Period.ALL.value,
    ) -> ui.LayoutView | None:
        """Answer a question about a paper, in a paper's thread about that one, else from the archive.

        An arXiv id alone shows its paper.
        """
        if not paper and " " not in question.strip() and schemes.read_key(question):
            return await card_view(request, question)
        is_of_archive = schemes.names_paper(question) or period != list_state.Period.ALL
        if paper := paper or (
            "" if is_of_archive else await self._find_discussed(request.interaction.channel)
        ):
            return await self._answer(request, paper, question)
        today = await request.interaction.client.today_for(request.interaction)
        limits = list_state.limits_of(*list_state.parse_period(period, today), today)
        dates = zip(("since", "until"), limits, strict=True)
        limited = " ".join((*(f"{name}:{day}" for name, day in dates if day), question))
        answer = await self._questions.answer(limited, request.texts.locale, request.user_id)
        return await self._show(request, answer, question)

    @router.handles(verbs.OPEN_QUESTION, responses.AT_ONCE)
    async def open_form(self, request: Request, action: Action) -> ui.Modal:
        texts = request.texts
        modal = StatelessModal(texts("ask-paper"), pack_custom_id(verbs.SUBMIT_QUESTION, action.payload))
        field, hint = ask_messages.QUESTION, texts("ask-hint")
        modal.add_text(texts("ask-label"), field, placeholder=hint, max_length=MAX_LENGTH, multiline=True)
        return modal

    @router.handles(verbs.SUBMIT_QUESTION, responses.PRIVATELY)
    async def submit_question(self, request: Request, action: Action) -> ui.LayoutView | None:
        asked = interaction_values.modal_values(request.interaction).get(ask_messages.QUESTION, "")
        return await self._answer(request, action.payload, asked)

    @router.handles(verbs.SELECT_QUESTION, responses.PRIVATELY)
    async def choose(self, request: Request, action: Action) -> ui.LayoutView | None:
        name = interaction_values.selected_value(request.interaction)
        if name not in ask_messages.COMMON:
            raise InvalidCustomIdError(f"{name!r} is not a question")
        return await self._answer(request, action.payload, request.texts(f"ask-common-{name}"))

    @router.handles(verbs.SHOW_PASSAGE, responses.PRIVATELY)
    async def show_passage(self, request: Request, action: Action) -> ui.LayoutView:
        paper_key, _, key = action.payload.partition(" ")
        shown = await self._questions.find_passage(paper_key, key)
        if shown is None:
            raise errors.UsageError("a passage that has changed", "ask-more-gone")
        return ask_messages.passage_view(request.texts, shown)

    @router.handles(verbs.SHARE_ANSWER, responses.PUBLICLY, check=permissions.require_may_share)
    async def share(self, request: Request, action: Action) -> ui.LayoutView:
        """Show the reader's answer to everyone. It is copied from its message, so nothing of the question is stored for it."""
        interaction = request.interaction
        answered = interaction.message
        shown = interaction_values.list_custom_ids(answered)
        if answered is None or pack_custom_id(verbs.SHARE_ANSWER) not in shown:
            raise InvalidCustomIdError("there is no answer to share")
        async with router.deferring_publicly(interaction):
            sharer = interaction_values.display_name(interaction)
            return ask_messages.shared_view(request.texts, answered, sharer=sharer)

    async def _find_discussed(self, place: Any) -> str:
        """Return the key of the paper that a thread is about; "" in another place, and in a thread about several."""
        found: Sequence[str] = ()
        if isinstance(place, discord.Thread) and self._bot.user is not None:
            of_card = _list_card_papers(await _load_first(place, self._bot.user), self._bot.user)
            found = of_card or await self._bot.services.database.fetch(list_place_papers, place.id, None)
        return found[0] if len(found) == 1 else ""

    async def _answer(self, request: Request, paper: str, asked: str) -> ui.LayoutView | None:
        async with router.admitted_lookup(request.interaction):
            found = await load_paper(request, paper)
        answer = await self._questions.answer(asked, request.texts.locale, request.user_id, paper=found)
        return await self._show(request, answer, asked)

    async def _show(self, request: Request, answer: Answer, asked: str) -> ui.LayoutView | None:
        """Answer privately, and again with sentences if a language model is configured. None: it has replied."""
        begun, interaction = self._questions.begin_sentences(answer), request.interaction
        state = list_state.ListState(list_state.ListKind.TOPIC, answer.list_topic)
        token = (await store_list_text(request.services.text_tokens, request.user_id, state)).token
        in_server = interaction.client.is_in_server(interaction)
        show = partial(
            ask_messages.answer_view, request.texts, asked=asked, topic_token=token, in_server=in_server
        )
        may_share = permissions.may_share(interaction)
        if begun is None:
            return show(answer, may_share=may_share)
        await responses.reply_privately(interaction, show(begun))
        answer = await self._questions.add_sentences(
            begun, asked, guess_language(asked, request.texts.locale), request.user_id, interaction.guild_id
        )
        await responses.edit_reply(interaction, show(answer, may_share=may_share))
        return None

    async def _add_to_card(
        self, request: Request, paper: models.PaperDetail, page: int | None, saved: models.SavedPaper | None
    ) -> Sequence[ui.Item[Any]]:
        return [
            button(
                request.texts("ask-paper"), pack_custom_id(verbs.OPEN_QUESTION, models.alias_of(paper.key))
            )
        ]

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Answer a message that mentions the bot, or replies to an answer so that Discord notifies the bot.

        Discord gives the text of no other message.
        """
        place, bot_user = message.channel, self._bot.user
        if (
            bot_user is None
            or message.author.bot
            or message.guild is None
            or bot_user not in message.mentions
            or message.type not in _TYPED
            or isinstance(place, _PRIVATE)
        ):
            return
        allowed, in_thread = place.permissions_for(message.guild.me), isinstance(place, discord.Thread)
        if not (allowed.send_messages_in_threads if in_thread else allowed.send_messages):
            return
        is_mention = bot_user.id in message.raw_mentions  # a reply mentions its author in `mentions` alone
        asked = AskedMessage(
            message.guild.id,
            place.id,
            message.id,
            message.author.id,
            message.reference.message_id if message.reference is not None else None,
            may_reply=allowed.read_message_history,
            is_mention=is_mention,
            cards=partial(_find_card_papers, message, bot_user) if is_mention else None,
        )
        await self._questions.answer_mention(_MARKUP.sub(" ", message.content).strip(), asked)


async def _find_card_papers(message: discord.Message, bot_user: discord.ClientUser) -> tuple[str, ...]:
    """Return the papers of the bot's card that a message replies to, else of the one on which a person opened the thread."""
    replied = message.reference.resolved if message.reference is not None else None
    of_replied = _list_card_papers(replied, bot_user)
    return of_replied or _list_card_papers(await _load_first(message.channel, bot_user), bot_user)


def _list_card_papers(
    card: discord.Message | discord.DeletedReferencedMessage | None, bot_user: discord.ClientUser
) -> tuple[str, ...]:
    """Return the papers that the buttons of a card of the bot ask about: a card that a reader has shared is in no table."""
    if not isinstance(card, discord.Message) or card.author.id != bot_user.id:
        return ()
    actions = map(unpack_custom_id, interaction_values.list_custom_ids(card))
    return tuple(dict.fromkeys(action.payload for action in actions if action.verb == verbs.OPEN_QUESTION))


async def _load_first(thread: Any, bot_user: discord.ClientUser) -> discord.Message | None:
    """Return the message on which a person opened a thread; it has the thread's id. None in another place."""
    is_persons = isinstance(thread, discord.Thread) and thread.owner_id != bot_user.id
    if not is_persons or not isinstance(thread.parent, discord.TextChannel):
        return None
    with contextlib.suppress(discord.HTTPException, aiohttp.ClientError, OSError):
        return thread.starter_message or await thread.parent.fetch_message(thread.id)
    return None
