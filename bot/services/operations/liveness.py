"""Liveness of a running bot: when its tick, its relay and Discord last showed that they work. Behind `/health`."""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.services.outbox.discord_health import Answer, HealthState

TICK_SECONDS = 150.0
"""The planner runs every minute, and planning for 10,000 channels takes less than another."""
CLAIM_SECONDS = 60.0
"""The relay claims every two seconds. While every slot is taken it waits for an attempt, which ends within 20 s."""
DISCORD_SECONDS = 120.0
"""discord.py notices a dead connection within a minute and connects again within seconds."""
DISCORD_FAILURE_SECONDS = 1200.0
"""During this time after a failed request Discord's silence is an outage: discord.py waits up to 1,024 s between attempts to
connect again."""


class Liveness:
    """The moments of the last signs of life. `monotonic` is in seconds, so that a changed clock does not count.

    Before its first sign each of them is as old as the start, which is the grace for starting up. While requests to
    Discord are made and fail, or Discord limits the bot, its silence is an outage, which starting this process again would
    not end. Until the login succeeds, an outage excuses the other signs.
    """

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        get_discord_state: Callable[[], HealthState] = lambda: HealthState.WELL,
    ) -> None:
        self._get_discord_state = get_discord_state
        self._monotonic = monotonic
        self._started_at = monotonic()
        self._tick_at: float | None = None
        self._claim_at: float | None = None
        self._discord_at: float | None = None
        self._discord_failed_at = float("-inf")

    def record_start(self) -> None:
        """Begin the grace again: the sender lock was acquired, or Discord is asked again to accept the login."""
        self._started_at = self._monotonic()

    def record_tick(self) -> None:
        """Record that the planner has finished a tick."""
        self._tick_at = self._monotonic()

    def record_claim(self) -> None:
        """Record that the relay has claimed parts, or has decided that none can be sent now."""
        self._claim_at = self._monotonic()

    def record_discord(self) -> None:
        """Record that the Gateway is connected, or that a request to Discord has succeeded."""
        self._discord_at = self._monotonic()

    def record_discord_failure(self) -> None:
        """Record that a request to Discord got an error or no answer."""
        self._discord_failed_at = self._monotonic()

    def record_answer(self, answer: Answer) -> None:
        """Record an answer of Discord, or of a proxy before it. Any answer to the request itself is a success."""
        if answer.is_discords and answer.status < 500 and answer.status != 429:
            self.record_discord()
        else:
            self.record_discord_failure()

    def get_fields(self) -> dict[str, float | str | bool | None]:
        """Return the fields of `/health`: Discord's state, and the seconds since each sign, None before the first."""
        signs = {"tick": self._tick_at, "claim": self._claim_at, "discord": self._discord_at}
        ages = {
            f"{name}_seconds": None if at is None else self._seconds_since(at) for name, at in signs.items()
        }
        return {"discord": self._get_discord_state().value, "outage": self.is_outage(), **ages}

    def find_problems(self) -> list[str]:
        """Return a sentence for each sign that is overdue."""
        problems = self._find_own_problems()
        if self._is_overdue(self._discord_at, DISCORD_SECONDS):
            problems.append(
                f"The Gateway is disconnected, and no request to Discord has succeeded for {DISCORD_SECONDS:.0f} s."
            )
        return problems

    def is_outage(self) -> bool:
        """Return whether nothing is wrong but that Discord does not answer, although it is asked."""
        is_silent = self._is_overdue(self._discord_at, DISCORD_SECONDS)
        return is_silent and self._is_discord_ill() and not self._find_own_problems()

    def _find_own_problems(self) -> list[str]:
        is_logging_in = (self._tick_at or float("-inf")) < self._started_at
        if is_logging_in and self._is_discord_ill():
            return []
        problems = []
        if self._is_overdue(self._tick_at, TICK_SECONDS):
            problems.append(f"The planner has not finished a tick for {TICK_SECONDS:.0f} s.")
        if self._is_overdue(self._claim_at, CLAIM_SECONDS):
            problems.append(f"The relay has not looked for parts to send for {CLAIM_SECONDS:.0f} s.")
        return problems

    def _is_discord_ill(self) -> bool:
        has_failed_lately = self._seconds_since(self._discord_failed_at) <= DISCORD_FAILURE_SECONDS
        return has_failed_lately or self._get_discord_state() is not HealthState.WELL

    def _is_overdue(self, at: float | None, limit: float) -> bool:
        return self._seconds_since(max(self._started_at, at or self._started_at)) > limit

    def _seconds_since(self, moment: float) -> float:
        return round(self._monotonic() - moment, 1)
