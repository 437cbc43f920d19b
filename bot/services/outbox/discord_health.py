"""What is known of Discord as a whole from its answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a request of the client, interactions included.

    `is_json` is whether the body is in Discord's own format; a proxy or Cloudflare answers with a page. `retry_after` is in
    seconds, from the body or the header. `answered_at` is the `Date` header (UTC). A `shared` rate limit is not the bot's.
    """

    status: int
    is_json: bool
    retry_after: float | None = None
    answered_at: datetime | None = None
    is_global: bool = False
    is_shared: bool = False


AnswerListener = Callable[[Answer], None]
"""Is called with each answer, on the event loop."""

FailureListener = Callable[[BaseException], None]
"""Is called with the error of each request that got no answer: a connection refused or reset, a time-out."""
