"""The client of a language model, against the fake model and against single answers of a server of the test."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from bot.archive import summaries
from bot.writer import language_model, prompts
from storage import models
from tests.fake_model import papers
from tests.fake_model.fixtures import fake_model, fake_model_process
from tests.fake_model.process import MODEL, FakeModelProcess
from tests.support import origin_server

__all__ = ["fake_model", "fake_model_process"]

KEY = "sk-s3cret"
PAPER = papers.load()[0]
NEWSLETTER = models.DigestFormat.NEWSLETTER
SCHEMA = prompts.build_schema(NEWSLETTER)
MESSAGES = prompts.build_messages(
    PAPER.title, papers.markdown(PAPER), summaries.Basis.PAPER, NEWSLETTER, models.Locale.EN
)


async def complete(
    url: str, *, times: int = 1, seconds: float = 60.0
) -> tuple[str, int | None, language_model.LanguageModel]:
    """Return the last of several answers of the server, and the model."""
    async with language_model.open_session() as session:
        model = language_model.LanguageModel(session, f"{url}/v1", MODEL, KEY, seconds=seconds)
        for _ in range(times):
            answer, tokens = await model.complete(MESSAGES, SCHEMA, max_tokens=3_000)
    return answer, tokens, model


@asynccontextmanager
async def serve(*answers: web.Response) -> AsyncIterator[str]:
    """Serve these answers in turn."""
    waiting = iter(answers)

    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return next(waiting)

    async with origin_server.run_origin() as origin:
        origin.pages["/v1/chat/completions"] = answer
        yield origin.url


def completion(content: Any = "text", tokens: Any = 7, **fields: Any) -> web.Response:
    """Return a completion."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    return web.json_response({"choices": [{**choice, **fields}], "usage": {"total_tokens": tokens}})


@pytest.mark.parametrize("mode", ["json_schema", "text"])
async def test_answers_are_read_with_and_without_schemas(fake_model: FakeModelProcess, mode: str) -> None:
    fake_model.reset(modes=[mode], key=KEY)
    answer, tokens, _ = await complete(fake_model.url)
    assert prompts.read_answer(answer, NEWSLETTER)
    row = fake_model.log()[-1]
    assert (row["mode"], row["tokens"], row["max_tokens"]) == (mode, tokens, 3_000)


async def test_schemas_that_are_refused_are_not_tried_again(fake_model: FakeModelProcess) -> None:
    fake_model.reset(modes=["text"])
    _, _, model = await complete(fake_model.url, times=3)
    assert [row["mode"] for row in fake_model.log()] == ["json_schema", "text", "text", "text"]
    assert model.requests == 4


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (429, (True, False, 0)),
        (500, (True, False, None)),
        (503, (True, False, None)),
        (401, (False, True, 0)),
        (413, (False, False, 0)),
        (302, (False, False, None)),
    ],
)
async def test_a_failure_says_what_follows_from_it(
    status: int, expected: tuple[bool, bool, int | None]
) -> None:
    body = {"error": {"message": f"no, {KEY}\x1b will\nnot do " + "x" * 9_000}}
    async with serve(web.json_response(body, status=status)) as url:
        with pytest.raises(language_model.ModelError, match=f"Error code: {status}") as failure:
            await complete(url)
    error = failure.value
    assert (error.is_outage, error.is_fatal, error.tokens) == expected
    assert KEY not in str(error)
    assert str(error).isprintable()
    assert len(str(error)) <= 200


@pytest.mark.parametrize(
    ("answer", "reason", "tokens"),
    [
        (lambda: completion("half", finish_reason="length"), "cut off", 7),
        (lambda: completion(None), "no text", 7),
        (lambda: completion([1]), "no text", 7),
        (lambda: web.Response(text='{"choices": [{"mess'), "no text", None),
        (lambda: web.Response(body=b"[" * 100_000), "no text", None),
        (lambda: web.json_response(["nothing"]), "no text", None),
        (lambda: web.Response(status=204), "204", None),
    ],
)
async def test_an_answer_that_cannot_be_used_is_an_error(
    answer: Any, reason: str, tokens: int | None
) -> None:
    async with serve(answer()) as url:
        with pytest.raises(language_model.ModelError, match=reason) as failure:
            await complete(url)
    assert failure.value.tokens == tokens


async def _send_without_end(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse(status=500 if "error" in request.path else 200)
    await response.prepare(request)
    for _ in range(10_000):
        await response.write(b" " * 65_536)
    raise AssertionError("all was read")


async def _send_slowly(request: web.BaseRequest) -> web.StreamResponse:
    """Send a byte in a hundredth of a second: no pause is as long as the deadline."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.01)


async def _send_packed(request: web.BaseRequest) -> web.StreamResponse:
    assert request.headers["Accept-Encoding"] == "identity"
    return web.Response(body=gzip.compress(b'{"choices": []}'), headers={"Content-Encoding": "gzip"})


@pytest.mark.parametrize(
    ("handler", "path", "reason"),
    [
        (_send_without_end, "", "its answer is larger than 2 MB"),
        (_send_without_end, "/error", "its answer is larger than 2 MB"),
        (_send_slowly, "", "it did not answer within"),
        (_send_packed, "", "its answer has no text"),
    ],
)
async def test_a_hostile_answer_is_given_up(handler: origin_server.Handler, path: str, reason: str) -> None:
    async with origin_server.run_origin() as origin:
        origin.pages[f"{path}/v1/chat/completions"] = handler
        with pytest.raises(language_model.ModelError, match=reason) as failure:
            await complete(origin.url + path, seconds=1.0 if handler is _send_slowly else 60.0)
    assert failure.value.tokens is None


async def test_a_server_that_is_away_is_an_outage() -> None:
    with pytest.raises(language_model.ModelError, match="Connection error") as failure:
        await complete("http://127.0.0.1:9")
    assert failure.value.is_outage
