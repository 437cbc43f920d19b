"""The buttons, menus and forms around the daily post. Its commands are in `daily`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from bot.client import controls, custom_ids, order_desk, order_options, replies
from bot.client.views import forms, notices, orders

if TYPE_CHECKING:
    from bot.client.bot import PaperroundBot

Interaction = discord.Interaction["PaperroundBot"]


class OrdersCog(commands.Cog):
    """A server's standing orders, by buttons."""

    def __init__(self, bot: PaperroundBot) -> None:
        self._services = bot.services
        self._desk = order_desk.OrderDesk(bot)

    @controls.handles(orders.START)
    async def start(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Start the order that the wizard shows."""
        order_desk.require_manager(interaction)
        await replies.hold(interaction)
        await self._desk.show(
            interaction, await self._desk.start(interaction, orders.unpack(action)), "order-started"
        )

    @controls.handles(orders.START_NOW)
    async def start_now(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Start the order and post once at once."""
        order_desk.require_manager(interaction)
        await replies.hold(interaction)
        order = await self._desk.start(interaction, orders.unpack(action))
        await self._desk.show(interaction, order, "order-started")
        await self._desk.post_now(interaction, order)

    @controls.handles(orders.CHANGE)
    async def change(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Ask for other wishes in a form."""
        order_desk.require_manager(interaction)
        words = await interaction.client.words_for(interaction)
        await replies.ask(interaction, forms.order_form(words, orders.unpack(action)))

    @controls.handles(forms.ORDER_CHANGED)
    async def changed(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the wizard with what was typed into the form."""
        order_desk.require_manager(interaction)
        await replies.hold(interaction)
        draft = orders.unpack(action)
        typed = controls.entered(interaction)
        wishes = order_options.changed(
            draft.wishes,
            typed.get(forms.TIME),
            typed.get(forms.ZONE),
            order_options.number(typed.get(forms.PAPERS, ""), "papers-not-a-number", 1, 25),
            order_options.number(typed.get(forms.VOTES, "") or "0", "votes-not-a-number", 0, 99_999),
            typed.get(forms.DAYS),
        )
        await replies.in_place(
            interaction, await self._desk.setup(interaction, replace(draft, wishes=wishes))
        )

    @controls.handles(orders.LIST)
    async def show_list(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the server's daily posts."""
        order_desk.require_manager(interaction)
        await replies.hold(interaction)
        await replies.in_place(interaction, await self._desk.list_all(interaction))

    @controls.handles(orders.PICK)
    async def pick(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the daily post that was picked."""
        order_desk.require_manager(interaction)
        await replies.hold(interaction)
        await self._desk.show(
            interaction, await self._desk.order(interaction, controls.chosen(interaction)[0])
        )

    @controls.handles(orders.SHOW_PREVIEW)
    async def show_preview(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the post that would go out now."""
        order_desk.require_manager(interaction)
        await replies.think(interaction)
        await self._desk.show_post(interaction, await self._desk.order(interaction, action.rest))

    @controls.handles(orders.POST_NOW)
    async def post_now(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Post out of turn."""
        order_desk.require_manager(interaction)
        await replies.think(interaction)
        await self._desk.post_now(interaction, await self._desk.order(interaction, action.rest))

    @controls.handles(orders.PAUSE)
    async def pause_one(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Stop a daily post."""
        order_desk.require_manager(interaction)
        await replies.hold(interaction)
        order = await self._desk.order(interaction, action.rest)
        await self._desk.show(interaction, await self._services.subscriptions.pause(order.id), "order-paused")

    @controls.handles(orders.RESUME)
    async def resume_one(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Start a paused daily post again; also from a notice in a direct message, for whoever set it up."""
        await replies.hold(interaction)
        order = await self._desk.own_or_managed(interaction, action.rest)
        await self._desk.show(
            interaction, await self._services.subscriptions.resume(order.id), "order-resumed"
        )

    @controls.handles(orders.REMOVE)
    async def remove_one(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Ask whether the order is to be removed."""
        order_desk.require_manager(interaction)
        await replies.hold(interaction)
        words = await interaction.client.words_for(interaction)
        await replies.in_place(
            interaction, orders.sure_view(words, await self._desk.order(interaction, action.rest))
        )

    @controls.handles(orders.REMOVE_SURE)
    async def remove_surely(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Remove a daily post."""
        order_desk.require_manager(interaction)
        await replies.hold(interaction)
        order = await self._desk.order(interaction, action.rest)
        await self._services.subscriptions.remove(order.id)
        words = await interaction.client.words_for(interaction)
        text = words("order-removed", channel=f"<#{order.channel_id}>")
        await replies.in_place(interaction, notices.plain_view(text))
