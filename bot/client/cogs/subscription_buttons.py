"""Buttons, menus and modals of subscriptions. The commands are in `subscriptions`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from discord.ext import commands

from bot.client.components import custom_ids
from bot.client.context import Client, Interaction
from bot.client.interactions import checks, component_router, responses
from bot.client.interactions.errors import UserError
from bot.client.presenters import subscription_forms, subscription_options, subscriptions
from bot.client.views import modals, notices
from bot.client.views import subscriptions as subscriptions_view
from bot.services.daily.subscriptions import SubscriptionOptions, options_of


class SubscriptionButtonsCog(commands.Cog):
    """A server's subscriptions, managed with components. All but `resume` require a manager of the server."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._presenter = subscriptions.SubscriptionPresenter(bot)
        self._forms = subscription_forms.SubscriptionFormPresenter(bot)

    @component_router.handles_itself(
        subscriptions_view.SETUP, check=checks.require_manager, first=responses.defer
    )
    async def setup(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Begin a subscription of this channel."""
        channel = subscription_options.postable_channel(interaction.channel)
        options = await self._presenter.default_options(interaction, channel)
        await self._presenter.start_setup(interaction, channel, options)

    @component_router.handles_itself(subscriptions_view.ADD, check=checks.require_manager)
    async def add(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the wizard, also in a channel that has a daily post."""
        await self._presenter.show_wizard(interaction, *await self._presenter.load_options(action))

    @component_router.handles_itself(subscriptions_view.START, check=checks.require_manager)
    async def start(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Create the subscription of the wizard."""
        subscription = await self._presenter.create(interaction, *await self._presenter.load_options(action))
        if subscription is not None:
            await self._presenter.show(interaction, subscription, "order-started")

    @component_router.handles_itself(subscriptions_view.START_NOW, check=checks.require_manager)
    async def start_now(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Create the subscription of the wizard, and post immediately."""
        subscription = await self._presenter.create(interaction, *await self._presenter.load_options(action))
        if subscription is not None:
            await self._presenter.show(interaction, subscription, "order-started")
            await self._presenter.post_now(interaction, subscription)

    @component_router.handles_itself(
        subscriptions_view.EDIT_SCHEDULE, check=checks.require_manager, first=None
    )
    async def open_schedule_modal(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Open the form for when a subscription posts."""
        modal = await self._forms.form_modal(interaction, modals.SUBMIT_SCHEDULE, action.payload)
        await responses.open_modal(interaction, modal)

    @component_router.handles_itself(subscriptions_view.EDIT_PAPERS, check=checks.require_manager, first=None)
    async def open_papers_modal(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Open the form for which papers a subscription posts, and how."""
        modal = await self._forms.form_modal(interaction, modals.SUBMIT_PAPERS, action.payload)
        await responses.open_modal(interaction, modal)

    @component_router.handles_itself(subscriptions_view.REOPEN, check=checks.require_manager, first=None)
    async def reopen_modal(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Open a form that was refused, with the typed values."""
        await responses.open_modal(interaction, await self._forms.reopen_form(interaction, action))

    @component_router.handles_itself(modals.SUBMIT_SCHEDULE, check=checks.require_manager)
    async def submit_schedule(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Apply the form for the schedule."""
        await self._submit(interaction, action, subscription_options.apply_schedule)

    @component_router.handles_itself(modals.SUBMIT_PAPERS, check=checks.require_manager)
    async def submit_papers(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Apply the form for the papers."""
        await self._submit(interaction, action, subscription_options.apply_papers)

    async def _submit(
        self,
        interaction: Interaction,
        action: custom_ids.Action,
        apply: Callable[[SubscriptionOptions, Mapping[str, str]], SubscriptionOptions],
    ) -> None:
        subscription = await self._forms.load_target(interaction, action.payload)
        values = component_router.modal_values(interaction)
        try:
            options = apply(options_of(subscription), values)
            await self._forms.apply_form(interaction, subscription, options)
        except UserError as error:
            await self._forms.refuse_form(interaction, action, values, error)

    @component_router.handles_itself(subscriptions_view.CHANGE, check=checks.require_manager)
    async def show_form(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the buttons of the forms of a subscription."""
        await responses.update_message(interaction, await self._forms.form_view(interaction, action.payload))

    @component_router.handles_itself(subscriptions_view.SELECT_CHANGE, check=checks.require_manager)
    async def select_form(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the buttons of the forms of the selected subscription."""
        selected = component_router.selected_value(interaction)
        await responses.update_message(interaction, await self._forms.form_view(interaction, selected))

    @component_router.handles_itself(subscriptions_view.SHOW, check=checks.require_manager)
    async def show(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show a subscription."""
        await self._presenter.show(interaction, await self._presenter.find(interaction, action.payload))

    @component_router.handles_itself(subscriptions_view.LIST, check=checks.require_manager)
    async def show_list(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the server's subscriptions."""
        await responses.update_message(interaction, await self._presenter.list_view(interaction))

    @component_router.handles_itself(subscriptions_view.SELECT, check=checks.require_manager)
    async def select_subscription(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the selected subscription."""
        selected = component_router.selected_value(interaction)
        await self._presenter.show(interaction, await self._presenter.find(interaction, selected))

    @component_router.handles_itself(
        subscriptions_view.SHOW_PREVIEW, check=checks.require_manager, first=responses.defer
    )
    async def show_preview(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Preview the post that would be sent now."""
        await self._presenter.show_preview(
            interaction, await self._presenter.find_chosen(interaction, action)
        )

    @component_router.handles_itself(
        subscriptions_view.POST_NOW, check=checks.require_manager, first=responses.defer
    )
    async def post_now(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Post immediately, outside the schedule."""
        await self._presenter.post_now(interaction, await self._presenter.find_chosen(interaction, action))

    @component_router.handles_itself(subscriptions_view.PAUSE, check=checks.require_manager)
    async def pause(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Pause a subscription; from the menu of `/daily pause` resume a paused one."""
        subscription = await self._presenter.find_chosen(interaction, action)
        if not action.payload:
            await self._presenter.toggle(interaction, subscription)
            return
        paused = await self._services.subscriptions.pause(subscription.id, by=interaction.user.id)
        await self._presenter.show(interaction, paused, "order-paused")

    @component_router.handles_itself(subscriptions_view.RESUME)
    async def resume(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Resume a subscription: for managers, and for its creator from a notice in a direct message."""
        subscription = await self._presenter.find_manageable(interaction, action.payload)
        resumed = await self._presenter.resume(interaction, subscription)
        await self._presenter.show(interaction, resumed, "order-resumed")

    @component_router.handles_itself(subscriptions_view.REMOVE, check=checks.require_manager)
    async def confirm_remove(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Ask for confirmation to remove a subscription."""
        texts = await interaction.client.texts_for(interaction)
        subscription = await self._presenter.find_chosen(interaction, action)
        await responses.update_message(
            interaction, subscriptions_view.confirm_remove_view(texts, subscription)
        )

    @component_router.handles_itself(subscriptions_view.REMOVE_CONFIRMED, check=checks.require_manager)
    async def remove(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Remove a subscription."""
        subscription = await self._presenter.find(interaction, action.payload)
        await self._services.subscriptions.remove(subscription.id)
        texts = await interaction.client.texts_for(interaction)
        text = texts("order-removed", channel=f"<#{subscription.channel_id}>")
        await responses.update_message(interaction, notices.text_view(text))
