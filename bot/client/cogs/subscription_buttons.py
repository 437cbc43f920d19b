"""The buttons, menus and forms around the daily post. Its commands are in `daily`."""

from __future__ import annotations

from dataclasses import replace

from discord.ext import commands

from bot.client.components import custom_ids
from bot.client.context import Client, Interaction
from bot.client.interactions import component_router, responses
from bot.client.presenters import subscription_options, subscriptions
from bot.client.views import modals, notices
from bot.client.views import subscriptions as subscriptions_view


class OrdersCog(commands.Cog):
    """A server's standing orders, by buttons."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._desk = subscriptions.OrderDesk(bot)

    @component_router.handles(subscriptions_view.START)
    async def start(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Start the order that the wizard shows."""
        subscriptions.require_manager(interaction)
        await responses.hold(interaction)
        await self._desk.show(
            interaction,
            await self._desk.start(interaction, subscriptions_view.unpack(action)),
            "order-started",
        )

    @component_router.handles(subscriptions_view.START_NOW)
    async def start_now(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Start the order and post once at once."""
        subscriptions.require_manager(interaction)
        await responses.hold(interaction)
        order = await self._desk.start(interaction, subscriptions_view.unpack(action))
        await self._desk.show(interaction, order, "order-started")
        await self._desk.post_now(interaction, order)

    @component_router.handles(subscriptions_view.CHANGE)
    async def change(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Ask for other wishes in a form."""
        subscriptions.require_manager(interaction)
        words = await interaction.client.words_for(interaction)
        await responses.ask(interaction, modals.order_form(words, subscriptions_view.unpack(action)))

    @component_router.handles(modals.ORDER_CHANGED)
    async def changed(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the wizard with what was typed into the form."""
        subscriptions.require_manager(interaction)
        await responses.hold(interaction)
        draft = subscriptions_view.unpack(action)
        typed = component_router.entered(interaction)
        wishes = subscription_options.changed(
            draft.wishes,
            typed.get(modals.TIME),
            typed.get(modals.ZONE),
            subscription_options.number(typed.get(modals.PAPERS, ""), "papers-not-a-number", 1, 25),
            subscription_options.number(typed.get(modals.VOTES, "") or "0", "votes-not-a-number", 0, 99_999),
            typed.get(modals.DAYS),
        )
        await responses.in_place(
            interaction, await self._desk.setup(interaction, replace(draft, wishes=wishes))
        )

    @component_router.handles(subscriptions_view.LIST)
    async def show_list(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the server's daily posts."""
        subscriptions.require_manager(interaction)
        await responses.hold(interaction)
        await responses.in_place(interaction, await self._desk.list_all(interaction))

    @component_router.handles(subscriptions_view.PICK)
    async def pick(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the daily post that was picked."""
        subscriptions.require_manager(interaction)
        await responses.hold(interaction)
        await self._desk.show(
            interaction, await self._desk.order(interaction, component_router.chosen(interaction)[0])
        )

    @component_router.handles(subscriptions_view.SHOW_PREVIEW)
    async def show_preview(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the post that would go out now."""
        subscriptions.require_manager(interaction)
        await responses.think(interaction)
        await self._desk.show_post(interaction, await self._desk.order(interaction, action.rest))

    @component_router.handles(subscriptions_view.POST_NOW)
    async def post_now(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Post out of turn."""
        subscriptions.require_manager(interaction)
        await responses.think(interaction)
        await self._desk.post_now(interaction, await self._desk.order(interaction, action.rest))

    @component_router.handles(subscriptions_view.PAUSE)
    async def pause_one(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Stop a daily post."""
        subscriptions.require_manager(interaction)
        await responses.hold(interaction)
        order = await self._desk.order(interaction, action.rest)
        await self._desk.show(interaction, await self._services.subscriptions.pause(order.id), "order-paused")

    @component_router.handles(subscriptions_view.RESUME)
    async def resume_one(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Start a paused daily post again; also from a notice in a direct message, for whoever set it up."""
        await responses.hold(interaction)
        order = await self._desk.own_or_managed(interaction, action.rest)
        await self._desk.show(
            interaction, await self._services.subscriptions.resume(order.id), "order-resumed"
        )

    @component_router.handles(subscriptions_view.REMOVE)
    async def remove_one(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Ask whether the order is to be removed."""
        subscriptions.require_manager(interaction)
        await responses.hold(interaction)
        words = await interaction.client.words_for(interaction)
        await responses.in_place(
            interaction, subscriptions_view.sure_view(words, await self._desk.order(interaction, action.rest))
        )

    @component_router.handles(subscriptions_view.REMOVE_SURE)
    async def remove_surely(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Remove a daily post."""
        subscriptions.require_manager(interaction)
        await responses.hold(interaction)
        order = await self._desk.order(interaction, action.rest)
        await self._services.subscriptions.remove(order.id)
        words = await interaction.client.words_for(interaction)
        text = words("order-removed", channel=f"<#{order.channel_id}>")
        await responses.in_place(interaction, notices.plain_view(text))
