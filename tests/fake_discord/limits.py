"""Discord's rate limits: 50 requests a second over all, and a window for each route and channel."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field

Key = tuple[str, str]

ROUTE_LIMITS: dict[str, tuple[int, float]] = {
    "POST /channels/{channel_id}/messages": (5, 5.0),
    "POST /channels/{channel_id}/messages/{message_id}/crosspost": (10, 3600.0),
    "POST /users/@me/channels": (10, 10.0),
}
DEFAULT_ROUTE_LIMIT = (50, 1.0)


@dataclass
class Window:
    """A fixed window that opens with its first request: `limit` requests in `period` seconds."""

    limit: int
    period: float
    opened_at: float = -math.inf
    used: int = 0

    def hit(self, now: float) -> float:
        """Count a request made at `now` (seconds). Gives 0, or how many seconds too early it was."""
        if now >= self.opened_at + self.period:
            self.opened_at, self.used = now, 0
        if self.used >= self.limit:
            return self.opened_at + self.period - now
        self.used += 1
        return 0.0


@dataclass
class RateLimitResult:
    """Whether a request may pass, and the headers that tell the client about its window."""

    retry_after: float = 0.0
    is_global: bool = False
    headers: dict[str, str] = field(default_factory=dict)


class RateLimiter:
    """All windows. Times are seconds of a clock that only goes forward."""

    def __init__(self, per_second: int = 50) -> None:
        self.routes = dict(ROUTE_LIMITS)
        self.rejected = 0
        self._global_window = Window(per_second, 1.0)
        self._windows: dict[Key, Window] = {}

    def set_global_limit(self, per_second: int) -> None:
        """Replace the limit over all routes."""
        self._global_window = Window(per_second, 1.0)

    def set_route_limit(self, route: str, limit: int, period: float) -> None:
        """Replace the limit of one route, written `METHOD /path/{with}/{names}`."""
        self.routes[route] = (limit, period)
        self._windows = {key: w for key, w in self._windows.items() if key[0] != route}

    def check(self, route: str, major: str, now: float, *, exempt: bool = False) -> RateLimitResult:
        """Count one request on `route` for the channel, guild or webhook `major`."""
        limit, period = self.routes.get(route, DEFAULT_ROUTE_LIMIT)
        window = self._windows.setdefault((route, major), Window(limit, period))
        verdict = RateLimitResult()
        if not exempt and (wait := self._global_window.hit(now)):
            verdict = RateLimitResult(wait, is_global=True)
        elif wait := window.hit(now):
            verdict = RateLimitResult(wait)
        self.rejected += verdict.retry_after > 0
        verdict.headers = _headers(route, window, now, verdict)
        return verdict


def _headers(route: str, window: Window, now: float, verdict: RateLimitResult) -> dict[str, str]:
    reset_after = max(0.0, window.opened_at + window.period - now)
    headers = {
        "X-RateLimit-Limit": str(window.limit),
        "X-RateLimit-Remaining": str(window.limit - window.used),
        "X-RateLimit-Reset-After": f"{reset_after:.3f}",
        "X-RateLimit-Bucket": hashlib.sha256(route.encode()).hexdigest()[:32],
        "Via": "1.1 google",
    }
    if verdict.retry_after:
        headers["Retry-After"] = str(math.ceil(verdict.retry_after))
        headers["X-RateLimit-Scope"] = "global" if verdict.is_global else "user"
        if verdict.is_global:
            headers["X-RateLimit-Global"] = "true"
    return headers
