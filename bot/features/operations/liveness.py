"""A process's signs of life: for `/health`, and to end one that hangs."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Literal, get_args

from bot.outbox.request_pacing import HttpAnswer
from storage import errors

TICK_SECONDS = 150.0
"""The planner runs every minute, and a batch of its work takes seconds."""
CLAIM_SECONDS = 60.0
"""The relay claims every two seconds. If all slots are busy it waits for a send, which ends within 20 s."""
DISCORD_SECONDS = 1200.0
"""discord.py waits up to 1,024 s between attempts to reconnect."""

GATEWAY_SECONDS = 300.0
"""A lost connection is resumed within seconds. While Discord does not answer at all, only the limit above counts."""

LOGIN_SECONDS = 60.0
"""The time that a sender may take for its first login. Until then it plans and reads nothing."""

HANG_SECONDS = 300.0
"""The time over its limit above that a sign may be missing until the process counts as hanging."""
DOUBLED_COUNT, DOUBLED_OF = 2, 10
"""How often another process answers or posts, within how many interactions, if a second bot runs. One may be a lost response."""
DOUBLED_SECONDS = 3600.0

STUCK = "{} post{} {} stuck: `paperround posts` says why."
NO_LOGIN = "Discord has not accepted the login so far."

Sign = Literal["tick", "claim", "discord", "gateway", "index"]
"""A sign of life: the planner finished a batch or a tick; the relay claimed parts, or found that none can be sent now;
the Gateway is connected, or a request to Discord succeeded; the Gateway is connected; the search index is up to date.
"""


class Liveness:
    """The times of the last signs of life, by `monotonic` (seconds).

    A sign that has not occurred yet counts as having occurred at the start, as a grace period.
    """

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        is_discord_well: Callable[[], bool] = lambda: True,
        way: str = "",
    ) -> None:
        """`way`: a sentence that says by which proxy Discord is asked, or ""."""
        self._way = way
        self._is_discord_well = is_discord_well
        self._monotonic = monotonic
        self._began_at = self._started_at = monotonic()
        self._signs: dict[Sign, float | None] = dict.fromkeys(get_args(Sign))
        self._ended: dict[Sign, float] = {}
        self._reasons: dict[Sign, str] = {}
        self._obstacle: str | None = f"{NO_LOGIN} {way}".rstrip()
        self._interactions = 0
        self._answered_elsewhere = deque[tuple[int, float]](maxlen=DOUBLED_COUNT)
        self.notices: list[str] = []
        """What the operator should know although the process is healthy."""
        self.concerns: list[str] = []
        """Those of them that concern sources and backups."""
        self.heartbeat = ""
        """Why the operator's heartbeat URL did not take the last call, or ""."""
        self.troubles: list[str] = []
        """What is wrong with the file of the database or its disk."""
        self.stuck_posts = 0
        """How many posts `paperround posts` calls stuck."""
        self.has_recipient = True
        """Whether the operator can be told in Discord, which needs a token."""

    def record_start(self) -> None:
        """Restart the grace period: before a login is tried again, when the process becomes the sender, after it was frozen."""
        self._started_at = self._monotonic()

    def record(self, sign: Sign) -> None:
        self.record_progress(sign)
        self._reasons.pop(sign, None)

    def record_progress(self, sign: Sign) -> None:
        """Record that a part of a sign's work is done; an error in another part stays known until all is done."""
        self._signs[sign] = self._ended[sign] = self._monotonic()

    def record_failure(self, sign: Sign, error: Exception) -> None:
        """Record that a sign's work failed, which proves neither that the process works nor that it hangs."""
        self._ended[sign] = self._monotonic()
        is_for_people = isinstance(error, errors.PaperroundError)
        self._reasons[sign] = str(error) if is_for_people else f"An internal error ({type(error).__name__})."

    def record_gateway(self) -> None:
        """Record that the Gateway is connected, or that the process runs without one."""
        self.record("discord")
        self.record("gateway")

    def record_interaction(self, is_answered_elsewhere: bool) -> None:
        """Record that an interaction came, or that another process has answered one or posted."""
        if is_answered_elsewhere:
            self._answered_elsewhere.append((self._interactions, self._monotonic()))
        else:
            self._interactions += 1

    def find_double(self) -> float | None:
        """Return how many seconds ago another process acted, if one seems to have run with the token in the last hour."""
        taken = self._answered_elsewhere
        if len(taken) < DOUBLED_COUNT or self._interactions - taken[0][0] >= DOUBLED_OF:
            return None
        seconds = self._seconds_since(taken[-1][1])
        return seconds if seconds <= DOUBLED_SECONDS else None

    def record_heartbeat(self, problem: str) -> None:
        self.heartbeat = problem

    def record_obstacle(self, reason: str | None) -> None:
        """Record why a standby cannot take over. None clears the reason."""
        self._obstacle = reason

    def is_logged_in(self) -> bool:
        """Return whether Discord has accepted the login, or nothing else keeps the process from its work."""
        return self._obstacle is None

    def record_answer(self, answer: HttpAnswer) -> None:
        """Record a response from Discord or a proxy. Every response from Discord is a sign of life."""
        if answer.is_discords and answer.status < 500 and answer.status != 429:
            self.record("discord")

    def get_fields(self) -> dict[str, float | str | None]:
        """Return the fields of `/health`: Discord's state, unknown before it answers, and the seconds since each sign."""
        ages = {
            f"{sign}_seconds": None if at is None else self._seconds_since(at)
            for sign, at in self._signs.items()
            if sign not in ("gateway", "index")  # of which `gateway_connected` and `problems` tell
        }
        state = "well" if self._is_discord_well() else "troubled"
        return {"discord": "unknown" if self._signs["discord"] is None else state, **ages}

    def find_problems(self, *, is_standby: bool = False) -> list[str]:
        """Return a sentence for each overdue sign and trouble, and one if a standby cannot take over."""
        obstacle = [] if self._obstacle is None else [self._obstacle]
        if is_standby:
            return obstacle
        is_late = self._signs["discord"] is None and self._seconds_since(self._began_at) > LOGIN_SECONDS
        stuck = [] if self.has_recipient else self.list_stuck()
        return [*self.troubles, *(obstacle if is_late else ()), *self.list_missing(*_LIMITS), *stuck]

    def list_stuck(self) -> list[str]:
        """Return a sentence if posts are stuck."""
        number = self.stuck_posts
        return [STUCK.format(number, *("", "is") if number == 1 else ("s", "are"))] if number else []

    def list_missing(self, *signs: Sign) -> list[str]:
        """Return a sentence for each of these signs that is overdue, and why its work failed."""
        return [self._describe(sign) for sign in signs if self._is_missing(sign, _LIMITS[sign][0])]

    def _describe(self, sign: Sign) -> str:
        limit, sentence = _LIMITS[sign]
        way = self._way if sign in ("discord", "gateway") else ""
        return " ".join(filter(None, (sentence.format(limit), way, self._reasons.get(sign))))

    def find_hanging(self) -> str | None:
        """Return a sentence if planning or sending neither succeeds nor fails, so that a restart may help.

        Without Discord its client goes on trying, as it would after a restart: that does not count.
        """
        own_work: tuple[Sign, ...] = ("tick", "claim")
        for sign in own_work:
            limit, sentence = _LIMITS[sign]
            if self._is_overdue(self._ended.get(sign), limit + HANG_SECONDS):
                return sentence.format(limit + HANG_SECONDS)
        return None

    def _is_missing(self, sign: Sign, limit: float) -> bool:
        at = self._signs[sign]
        if sign == "index":  # to index an archive takes as long as it takes
            return sign in self._reasons
        has_answered = (self._signs["discord"] or self._started_at) > (at or self._started_at)
        return self._is_overdue(at, limit) and (sign != "gateway" or has_answered)

    def _is_overdue(self, at: float | None, limit: float) -> bool:
        return self._seconds_since(max(self._started_at, at or self._started_at)) > limit

    def _seconds_since(self, moment: float) -> float:
        return round(self._monotonic() - moment, 1)


_LIMITS: dict[Sign, tuple[float, str]] = {
    "tick": (TICK_SECONDS, "The planner has made no progress for {:.0f} s."),
    "claim": (CLAIM_SECONDS, "For {:.0f} s, the relay has not looked for parts to send."),
    "discord": (
        DISCORD_SECONDS,
        "Discord has not been reached for {:.0f} s. If that lasts, look at https://discordstatus.com and at your proxy.",
    ),
    "gateway": (
        GATEWAY_SECONDS,
        "The Gateway has not been connected for {:.0f} s: no command is answered. It connects again by itself; see whether your"
        " firewall or proxy lets wss://gateway.discord.gg through.",
    ),
    "index": (
        0.0,
        "The search index cannot be updated, so searches lack the newest papers."
        " What the bot may not write is in the line `files` of `paperround doctor`.",
    ),
}
