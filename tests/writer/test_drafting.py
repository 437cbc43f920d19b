"""The draft of one paper: what becomes of claims that fail, and of a prompt that is too long, without a server."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.writer import drafting
from bot.writer.language_model import ModelError
from bot.writer.prompts import Claim, claims_to_json
from storage import models, writer

NOW = datetime(2026, 11, 18, tzinfo=UTC)
DRAFT = writer.Draft(
    "2611.10001", models.DigestFormat.NEWSLETTER, models.Locale.EN, "1", "small", NOW, "hash"
)
NEW, HOW, RESULT = (
    Claim(section, f"{section} is told.", "span")
    for section in ("whats_new", "technical_details", "performance_highlights")
)
WRONG = RESULT._replace(text="It has 99 %.")


class Script(drafting.ModelCalls):
    """Calls that end as the test says, and store nothing."""

    def __init__(self, *outcomes: str | ModelError) -> None:
        self._outcomes = list(outcomes)
        self.requests: list[Any] = []

    async def call(self, messages: Any, schema: Any, max_tokens: int, **actions: Any) -> str:
        self.requests.append(messages)
        outcome = self._outcomes.pop(0)
        drafter: Callable[..., Awaitable[None]] = actions["on_ended"]
        await drafter(_NoConnection(), outcome, 10)
        if isinstance(outcome, ModelError):
            raise outcome
        return outcome


class _NoConnection:
    """A connection that takes statements and forgets them."""

    class dialect:  # noqa: N801 - the name of an attribute of SQLAlchemy's
        name = "sqlite"

    async def execute(self, *_: Any) -> None:
        return None


async def write(*outcomes: str | ModelError, failing: str = "99") -> tuple[writer.Draft, Script]:
    """Write a draft; claims with `failing` in them fail the check."""
    script = Script(*outcomes)

    async def no_sleep(_: float) -> None:
        return None

    drafter = drafting.Drafter(script, lambda: NOW, sleep=no_sleep, random=lambda: 0.5)
    messages: list[list[dict[str, str]]] = [[{"role": "user", "content": text}] for text in ("long", "short")]
    draft = await drafter.write(
        DRAFT,
        iter(messages),
        lambda claims: {index: ["wrong"] for index, claim in enumerate(claims) if failing in claim.text},
    )
    return draft, script


def claims_of(draft: writer.Draft) -> list[str]:
    """Return the texts of the claims that passed."""
    return [claim["text"] for claims in json.loads(draft.text or "{}").values() for claim in claims]


@pytest.mark.parametrize(
    ("repair", "texts", "dropped"),
    [
        ([NEW, HOW, RESULT], [NEW.text, HOW.text, RESULT.text], 0),
        ([NEW, HOW, WRONG], [NEW.text, HOW.text], 1),
        ([NEW._replace(text="It has 99 %, too."), HOW, RESULT], [NEW.text, HOW.text, RESULT.text], 0),
        ([NEW, HOW], [NEW.text, HOW.text], 1),
    ],
)
async def test_a_repair_replaces_what_failed_and_nothing_else(
    repair: list[Claim], texts: list[str], dropped: int
) -> None:
    draft, script = await write(claims_to_json([NEW, HOW, WRONG]), claims_to_json(repair))
    assert claims_of(draft) == texts
    assert (draft.claims_dropped, draft.state, draft.calls) == (dropped, writer.DraftState.CHECKED, 2)
    assert '"It has 99 %.": wrong' in script.requests[1][-1]["content"]


async def test_a_failed_repair_keeps_what_passed() -> None:
    error = ModelError("wrong key", is_fatal=True)
    draft, _ = await write(claims_to_json([NEW, HOW, WRONG]), error)
    assert claims_of(draft) == [NEW.text, HOW.text]
    assert draft.problems[-1] == "wrong key"


async def test_a_prompt_that_is_too_long_is_shortened() -> None:
    error = ModelError("context length", is_retryable=False, is_too_long=True)
    draft, script = await write(error, claims_to_json([NEW, HOW, RESULT]))
    assert [request[0]["content"] for request in script.requests] == ["long", "short"]
    assert draft.state is writer.DraftState.CHECKED
    failed, _ = await write(error, error)
    assert (failed.state, failed.calls, failed.problems[-1]) == (
        writer.DraftState.FAILED,
        2,
        "context length",
    )


async def test_four_calls_without_an_answer_are_the_end() -> None:
    draft, script = await write(*[ModelError("no answer", is_outage=True)] * 3, "no JSON", "never asked")
    assert (draft.state, draft.calls, len(script.requests)) == (writer.DraftState.FAILED, 4, 4)
    assert draft.problems[-1] == "its answer cannot be used: it has no JSON object"
