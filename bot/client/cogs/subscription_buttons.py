"""The buttons, menus and forms around the daily post. Its commands are in `daily`."""

from __future__ import annotations

from discord.ext import commands

from bot.client.components import custom_ids
from bot.client.context import Client, Interaction
from bot.client.interactions import checks, component_router, option_parsers, responses
from bot.client.presenters import subscription_options, subscriptions
from bot.client.views import modals, notices
from bot.client.views import subscriptions as subscriptions_view


class SubscriptionButtonsCog(commands.Cog):
    """A server's standing orders, by buttons."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._presenter = subscriptions.SubscriptionPresenter(bot)

    @component_router.handles(subscriptions_view.START, check=checks.require_manager)
    async def start(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Start the order that the wizard shows."""
        await responses.acknowledge(interaction)
        await self._presenter.show(
            interaction,
            await self._presenter.create(interaction, *subscriptions_view.unpack(action)),
            "order-started",
        )

    @component_router.handles(subscriptions_view.START_NOW, check=checks.require_manager)
    async def start_now(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Start the order and post once at once."""
        await responses.acknowledge(interaction)
        order = await self._presenter.create(interaction, *subscriptions_view.unpack(action))
        await self._presenter.show(interaction, order, "order-started")
        await self._presenter.post_now(interaction, order)

    @component_router.handles(subscriptions_view.EDIT, check=checks.require_manager)
    async def open_edit_modal(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Ask for other wishes in a form."""
        words = await interaction.client.texts_for(interaction)
        await responses.open_modal(
            interaction, modals.subscription_modal(words, *subscriptions_view.unpack(action))
        )

    @component_router.handles(modals.SUBMIT_SUBSCRIPTION_MODAL, check=checks.require_manager)
    async def submit_edit_modal(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the wizard with what was typed into the form."""
        await responses.acknowledge(interaction)
        channel_id, wishes = subscriptions_view.unpack(action)
        typed = component_router.modal_values(interaction)
        wishes = subscription_options.apply_changes(
            wishes,
            typed.get(modals.TIME),
            typed.get(modals.ZONE),
            option_parsers.parse_number(typed.get(modals.PAPERS, ""), "papers-not-a-number", 1, 25),
            option_parsers.parse_number(typed.get(modals.VOTES, "") or "0", "votes-not-a-number", 0, 99_999),
            typed.get(modals.DAYS),
        )
        await responses.update_message(
            interaction, await self._presenter.setup_view(interaction, channel_id, wishes)
        )

    @component_router.handles(subscriptions_view.LIST, check=checks.require_manager)
    async def show_list(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the server's daily posts."""
        await responses.acknowledge(interaction)
        await responses.update_message(interaction, await self._presenter.list_view(interaction))

    @component_router.handles(subscriptions_view.SELECT, check=checks.require_manager)
    async def select_subscription(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the daily post that was picked."""
        await responses.acknowledge(interaction)
        await self._presenter.show(
            interaction,
            await self._presenter.find(interaction, component_router.selected_values(interaction)[0]),
        )

    @component_router.handles(subscriptions_view.SHOW_PREVIEW, check=checks.require_manager)
    async def show_preview(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the post that would go out now."""
        await responses.defer(interaction)
        await self._presenter.show_preview(
            interaction, await self._presenter.find(interaction, action.payload)
        )

    @component_router.handles(subscriptions_view.POST_NOW, check=checks.require_manager)
    async def post_now(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Post out of turn."""
        await responses.defer(interaction)
        await self._presenter.post_now(interaction, await self._presenter.find(interaction, action.payload))

    @component_router.handles(subscriptions_view.PAUSE, check=checks.require_manager)
    async def pause(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Stop a daily post."""
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

    @component_router.handles(subscriptions_view.REMOVE, check=checks.require_manager)
    async def confirm_remove(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Ask whether the order is to be removed."""
        await responses.acknowledge(interaction)
        words = await interaction.client.texts_for(interaction)
        await responses.update_message(
            interaction,
            subscriptions_view.confirm_remove_view(
                words, await self._presenter.find(interaction, action.payload)
            ),
        )

    @component_router.handles(subscriptions_view.REMOVE_CONFIRMED, check=checks.require_manager)
    async def remove(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Remove a daily post."""
        await responses.acknowledge(interaction)
        order = await self._presenter.find(interaction, action.payload)
        await self._services.subscriptions.remove(order.id)
        words = await interaction.client.texts_for(interaction)
        text = words("order-removed", channel=f"<#{order.channel_id}>")
        await responses.update_message(interaction, notices.text_view(text))
