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


class SubscriptionButtonsCog(commands.Cog):
    """A server's standing orders, by buttons."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._presenter = subscriptions.SubscriptionPresenter(bot)

    @component_router.handles(subscriptions_view.START)
    async def start(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Start the order that the wizard shows."""
        subscriptions.require_manager(interaction)
        await responses.acknowledge(interaction)
        await self._presenter.show(
            interaction,
            await self._presenter.create(interaction, subscriptions_view.unpack(action)),
            "order-started",
        )

    @component_router.handles(subscriptions_view.START_NOW)
    async def start_now(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Start the order and post once at once."""
        subscriptions.require_manager(interaction)
        await responses.acknowledge(interaction)
        order = await self._presenter.create(interaction, subscriptions_view.unpack(action))
        await self._presenter.show(interaction, order, "order-started")
        await self._presenter.post_now(interaction, order)

    @component_router.handles(subscriptions_view.EDIT)
    async def open_edit_modal(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Ask for other wishes in a form."""
        subscriptions.require_manager(interaction)
        words = await interaction.client.texts_for(interaction)
        await responses.open_modal(
            interaction, modals.subscription_modal(words, subscriptions_view.unpack(action))
        )

    @component_router.handles(modals.SUBMIT_SUBSCRIPTION_MODAL)
    async def submit_edit_modal(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the wizard with what was typed into the form."""
        subscriptions.require_manager(interaction)
        await responses.acknowledge(interaction)
        draft = subscriptions_view.unpack(action)
        typed = component_router.modal_values(interaction)
        wishes = subscription_options.apply_changes(
            draft.options,
            typed.get(modals.TIME),
            typed.get(modals.ZONE),
            subscription_options.parse_number(typed.get(modals.PAPERS, ""), "papers-not-a-number", 1, 25),
            subscription_options.parse_number(
                typed.get(modals.VOTES, "") or "0", "votes-not-a-number", 0, 99_999
            ),
            typed.get(modals.DAYS),
        )
        await responses.update_message(
            interaction, await self._presenter.setup_view(interaction, replace(draft, options=wishes))
        )

    @component_router.handles(subscriptions_view.LIST)
    async def show_list(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the server's daily posts."""
        subscriptions.require_manager(interaction)
        await responses.acknowledge(interaction)
        await responses.update_message(interaction, await self._presenter.list_view(interaction))

    @component_router.handles(subscriptions_view.SELECT)
    async def select_subscription(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the daily post that was picked."""
        subscriptions.require_manager(interaction)
        await responses.acknowledge(interaction)
        await self._presenter.show(
            interaction,
            await self._presenter.find(interaction, component_router.selected_values(interaction)[0]),
        )

    @component_router.handles(subscriptions_view.SHOW_PREVIEW)
    async def show_preview(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the post that would go out now."""
        subscriptions.require_manager(interaction)
        await responses.defer(interaction)
        await self._presenter.show_preview(
            interaction, await self._presenter.find(interaction, action.payload)
        )

    @component_router.handles(subscriptions_view.POST_NOW)
    async def post_now(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Post out of turn."""
        subscriptions.require_manager(interaction)
        await responses.defer(interaction)
        await self._presenter.post_now(interaction, await self._presenter.find(interaction, action.payload))

    @component_router.handles(subscriptions_view.PAUSE)
    async def pause(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Stop a daily post."""
        subscriptions.require_manager(interaction)
        await responses.acknowledge(interaction)
        order = await self._presenter.find(interaction, action.payload)
        await self._presenter.show(
            interaction, await self._services.subscriptions.pause(order.id), "order-paused"
        )

    @component_router.handles(subscriptions_view.RESUME)
    async def resume(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Start a paused daily post again; also from a notice in a direct message, for whoever set it up."""
        await responses.acknowledge(interaction)
        order = await self._presenter.find_manageable(interaction, action.payload)
        await self._presenter.show(
            interaction, await self._services.subscriptions.resume(order.id), "order-resumed"
        )

    @component_router.handles(subscriptions_view.REMOVE)
    async def confirm_remove(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Ask whether the order is to be removed."""
        subscriptions.require_manager(interaction)
        await responses.acknowledge(interaction)
        words = await interaction.client.texts_for(interaction)
        await responses.update_message(
            interaction,
            subscriptions_view.confirm_remove_view(
                words, await self._presenter.find(interaction, action.payload)
            ),
        )

    @component_router.handles(subscriptions_view.REMOVE_CONFIRMED)
    async def remove(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Remove a daily post."""
        subscriptions.require_manager(interaction)
        await responses.acknowledge(interaction)
        order = await self._presenter.find(interaction, action.payload)
        await self._services.subscriptions.remove(order.id)
        words = await interaction.client.texts_for(interaction)
        text = words("order-removed", channel=f"<#{order.channel_id}>")
        await responses.update_message(interaction, notices.text_view(text))
