"""Discord's rate limits: 50 requests per second in all, and a window per route and channel.

They keep `docs/services.md`, section *Limits of Discord*.
"""

import hashlib
import math
from dataclasses import dataclass, field

Key = tuple[str, str]

ROUTE_LIMITS: dict[str, tuple[int, float]] = {
    "POST /channels/*/messages": (5, 5.0),
    "POST /channels/*/messages/*/crosspost": (10, 3600.0),
    "POST /webhooks/*": (5, 2.0),
    "POST /users/@me/channels": (10, 10.0),
}
DEFAULT_ROUTE_LIMIT = (50, 1.0)


@dataclass
class Window:
    """A window of `period` seconds, starting with its first request, for at most `limit` requests."""

    limit: int
    period: float
    opened_at: float = -math.inf
    used: int = 0

    def hit(self, now: float) -> float:
        """Count a request at `now` (seconds). Returns the seconds to wait; 0 if it is within the limit."""
        if now >= self.opened_at + self.period:
            self.opened_at, self.used = now, 0
        if self.used >= self.limit:
            return self.opened_at + self.period - now
        self.used += 1
        return 0.0


@dataclass
class RateLimitResult:
    """The seconds to wait (0 if allowed), and the response's rate limit headers."""

    retry_after: float = 0.0
    is_global: bool = False
    headers: dict[str, str] = field(default_factory=dict)


class RateLimiter:
    """The windows of all routes, and the global window. Times are in monotonic seconds."""

    def __init__(self, per_second: int = 50) -> None:
        self.routes = dict(ROUTE_LIMITS)
        self.rejected = 0
        self._global_window = Window(per_second, 1.0)
        self._windows: dict[Key, Window] = {}

    def set_global_limit(self, per_second: int) -> None:
        self._global_window = Window(per_second, 1.0)

    def set_route_limit(self, route: str, limit: int, period: float) -> None:
        """Set a route's limit. The route is given as `METHOD /path/{parameter}`."""
        self.routes[route] = (limit, period)
        self._windows = {key: window for key, window in self._windows.items() if key[0] != route}

    def check(self, route: str, major: str, now: float, *, exempt: bool = False) -> RateLimitResult:
        """Count a request on a route. `major` is its channel or guild id, or its webhook's id and token."""
        limit, period = self.routes.get(route, DEFAULT_ROUTE_LIMIT)
        window = self._windows.setdefault((route, major), Window(limit, period))
        result = RateLimitResult()
        if not exempt and (wait := self._global_window.hit(now)):
            result = RateLimitResult(wait, is_global=True)
        elif wait := window.hit(now):
            result = RateLimitResult(wait)
        self.rejected += result.retry_after > 0
        result.headers = _headers(route, window, now, result)
        return result


def _headers(route: str, window: Window, now: float, result: RateLimitResult) -> dict[str, str]:
    reset_after = max(0.0, window.opened_at + window.period - now)
    headers = {
        "X-RateLimit-Limit": str(window.limit),
        "X-RateLimit-Remaining": str(window.limit - window.used),
        "X-RateLimit-Reset-After": f"{reset_after:.3f}",
        "X-RateLimit-Bucket": hashlib.sha256(route.encode()).hexdigest()[:32],
        "Via": "1.1 google",
    }
    if result.retry_after:
        headers["Retry-After"] = str(math.ceil(result.retry_after))
        headers["X-RateLimit-Scope"] = "global" if result.is_global else "user"
        if result.is_global:
            headers["X-RateLimit-Global"] = "true"
    return headers
