"""Buttons, menus and modals of subscriptions. The commands are in `subscriptions`."""

from __future__ import annotations

from discord.ext import commands

from bot.client.components import custom_ids
from bot.client.context import Client, Interaction
from bot.client.interactions import checks, component_router, option_parsers, responses
from bot.client.presenters import subscription_options, subscriptions
from bot.client.views import modals, notices
from bot.client.views import subscriptions as subscriptions_view


class SubscriptionButtonsCog(commands.Cog):
    """A server's subscriptions, managed with components. All but `resume` require a manager of the server."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._presenter = subscriptions.SubscriptionPresenter(bot)

    @component_router.handles(subscriptions_view.START, check=checks.require_manager)
    async def start(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Create the subscription of the wizard."""
        await self._presenter.show(
            interaction,
            await self._presenter.create(interaction, *await self._presenter.load_options(action)),
            "order-started",
        )

    @component_router.handles(subscriptions_view.START_NOW, check=checks.require_manager)
    async def start_now(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Create the subscription of the wizard, and post immediately."""
        subscription = await self._presenter.create(interaction, *await self._presenter.load_options(action))
        await self._presenter.show(interaction, subscription, "order-started")
        await self._presenter.post_now(interaction, subscription)

    @component_router.handles(subscriptions_view.EDIT, check=checks.require_manager, first=None)
    async def open_edit_modal(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Open a modal to change the options of the wizard."""
        texts = await interaction.client.texts_for(interaction)
        await responses.open_modal(
            interaction, modals.subscription_modal(texts, *await self._presenter.load_options(action))
        )

    @component_router.handles(modals.SUBMIT_SUBSCRIPTION_MODAL, check=checks.require_manager)
    async def submit_edit_modal(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Update the wizard with the values of the modal."""
        channel_id, options = await self._presenter.load_options(action)
        values = component_router.modal_values(interaction)
        options = subscription_options.apply_changes(
            options,
            values.get(modals.TIME),
            values.get(modals.ZONE),
            option_parsers.parse_number(values.get(modals.PAPERS, ""), "papers-not-a-number", 1, 25),
            option_parsers.parse_number(values.get(modals.VOTES, "") or "0", "votes-not-a-number", 0, 99_999),
            values.get(modals.DAYS),
        )
        await responses.update_message(
            interaction, await self._presenter.setup_view(interaction, channel_id, options)
        )

    @component_router.handles(subscriptions_view.LIST, check=checks.require_manager)
    async def show_list(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the server's subscriptions."""
        await responses.update_message(interaction, await self._presenter.list_view(interaction))

    @component_router.handles(subscriptions_view.SELECT, check=checks.require_manager)
    async def select_subscription(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the selected subscription."""
        selected = component_router.selected_value(interaction)
        await self._presenter.show(interaction, await self._presenter.find(interaction, selected))

    @component_router.handles(
        subscriptions_view.SHOW_PREVIEW, check=checks.require_manager, first=responses.defer
    )
    async def show_preview(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Preview the post that would be sent now."""
        await self._presenter.show_preview(
            interaction, await self._presenter.find(interaction, action.payload)
        )

    @component_router.handles(
        subscriptions_view.POST_NOW, check=checks.require_manager, first=responses.defer
    )
    async def post_now(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Post immediately, outside the schedule."""
        await self._presenter.post_now(interaction, await self._presenter.find(interaction, action.payload))

    @component_router.handles(subscriptions_view.PAUSE, check=checks.require_manager)
    async def pause(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Pause a subscription."""
        subscription = await self._presenter.find(interaction, action.payload)
        paused = await self._services.subscriptions.pause(subscription.id)
        await self._presenter.show(interaction, paused, "order-paused")

    @component_router.handles(subscriptions_view.RESUME)
    async def resume(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Resume a subscription: for managers, and for its creator from a notice in a direct message."""
        subscription = await self._presenter.find_manageable(interaction, action.payload)
        resumed = await self._presenter.resume(interaction, subscription)
        await self._presenter.show(interaction, resumed, "order-resumed")

    @component_router.handles(subscriptions_view.REMOVE, check=checks.require_manager)
    async def confirm_remove(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Ask for confirmation to remove a subscription."""
        texts = await interaction.client.texts_for(interaction)
        subscription = await self._presenter.find(interaction, action.payload)
        await responses.update_message(
            interaction, subscriptions_view.confirm_remove_view(texts, subscription)
        )

    @component_router.handles(subscriptions_view.REMOVE_CONFIRMED, check=checks.require_manager)
    async def remove(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Remove a subscription."""
        subscription = await self._presenter.find(interaction, action.payload)
        await self._services.subscriptions.remove(subscription.id)
        texts = await interaction.client.texts_for(interaction)
        text = texts("order-removed", channel=f"<#{subscription.channel_id}>")
        await responses.update_message(interaction, notices.text_view(text))
