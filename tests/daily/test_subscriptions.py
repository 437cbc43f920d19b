"""Options of new subscriptions in custom ids."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.client import custom_ids
from bot.daily import messages as daily_messages
from bot.daily.service import SubscriptionOptions
from storage import models


@given(
    channel_id=st.integers(0, 2**63 - 1),
    options=st.builds(
        SubscriptionOptions,
        at_time=st.just("23:59"),
        timezone=st.just("America/Argentina/ComodRivadavia"),
        days=st.sets(st.integers(1, 7), min_size=1).map(lambda days: tuple(sorted(days))),
        top_n=st.integers(1, 25),
        min_votes=st.integers(0, 99_999),
        locale=st.sampled_from(models.Locale),
        style=st.sampled_from(models.Style),
        say_when_empty=st.booleans(),
        when=st.sampled_from(models.When),
        server_picks=st.booleans(),
        fresh_days=st.just(3),
        wait_minutes=st.just(720),
        settle_hours=st.just(0),
    ).filter(lambda options: options.style is not models.Style.WEEKLY or options.when is models.When.HOUR),
)
def test_unpacking_returns_the_packed_options(channel_id: int, options: SubscriptionOptions) -> None:
    packed = daily_messages.pack(channel_id, options, daily_messages.START_NOW)
    assert daily_messages.unpack(custom_ids.unpack(packed)) == (channel_id, options.validated())
