"""The client of a language model, against the fake model and against single answers of a server of the test."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import subprocess
import sys
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
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

NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)
KEY = "sk-s3cret"
PAPER = papers.load()[0]
NEWSLETTER = models.DigestFormat.NEWSLETTER
SCHEMA = prompts.build_schema(NEWSLETTER)
MESSAGES = prompts.build_messages(
    PAPER.title, papers.markdown(PAPER), summaries.Basis.PAPER, NEWSLETTER, models.Locale.EN
)


async def complete(url: str, **options: Any) -> tuple[str, int | None]:
    """Return one answer of the server."""
    async with language_model.open_model(f"{url}/v1", MODEL, KEY, lambda: NOW, **options) as model:
        return await model.complete(MESSAGES, SCHEMA, max_tokens=3_000)


@asynccontextmanager
async def serve(*answers: web.Response) -> AsyncIterator[str]:
    """Serve these answers in turn."""
    waiting = iter(answers)

    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return next(waiting)

    async with origin_server.run_origin() as origin:
        origin.pages["/v1/chat/completions"] = answer
        yield origin.url


def completion(content: Any = "text", **fields: Any) -> web.Response:
    """Return a completion."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    return web.json_response({"choices": [{**choice, **fields}], "usage": {"total_tokens": 7}})


@pytest.mark.parametrize("mode", language_model.FORMS)
async def test_each_form_of_answers_is_read(fake_model: FakeModelProcess, mode: str) -> None:
    fake_model.reset(modes=[mode])
    answer, tokens = await complete(fake_model.url)
    assert prompts.read_answer(answer, NEWSLETTER)
    row = fake_model.log()[-1]
    assert (row["mode"], row["tokens"], row["max_tokens"]) == (mode, tokens, 3_000)


async def test_a_form_that_is_refused_is_not_tried_again(fake_model: FakeModelProcess) -> None:
    fake_model.reset(modes=["text"])
    async with language_model.open_model(f"{fake_model.url}/v1", MODEL, None, lambda: NOW) as model:
        for _ in range(3):
            await model.complete(MESSAGES, SCHEMA, max_tokens=3_000)
        assert model.requests == 5
    assert [row["mode"] for row in fake_model.log()] == [*language_model.FORMS, "text", "text"]


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (429, {"Retry-After": "7"}, (7.0, True, False, 0)),
        (429, {"Retry-After": "Wed, 18 Nov 2026 12:00:30 GMT"}, (30.0, True, False, 0)),
        (429, {"Retry-After": "soon"}, (None, True, False, 0)),
        (503, {"Retry-After": "1"}, (1.0, True, False, None)),
        (500, {}, (None, True, False, None)),
        (401, {}, (None, False, True, 0)),
        (413, {}, (None, False, False, 0)),
    ],
)
async def test_a_failure_says_what_follows_from_it(
    status: int, headers: dict[str, str], expected: tuple[float | None, bool, bool, int | None]
) -> None:
    body = {"error": {"message": f"no, {KEY} will not do"}}
    async with serve(web.json_response(body, status=status, headers=headers)) as url:
        with pytest.raises(language_model.ModelError) as failure:
            await complete(url)
    error = failure.value
    assert (error.retry_after, error.is_retryable, error.is_fatal, error.tokens) == expected
    assert KEY not in str(error)


async def test_a_request_that_is_refused_in_every_form_takes_no_form_from_others() -> None:
    body = {"error": {"message": "The response was filtered due to the prompt"}}
    refusals = [web.json_response(body, status=400) for _ in range(4)]
    async with (
        serve(*refusals, completion()) as url,
        language_model.open_model(f"{url}/v1", MODEL, KEY, lambda: NOW) as model,
    ):
        with pytest.raises(language_model.ModelError, match="filtered"):
            await model.complete(MESSAGES, SCHEMA, max_tokens=10)
        # The fourth refusal is of the first form, after which there is another.
        assert await model.complete(MESSAGES, SCHEMA, max_tokens=10) == ("text", 7)


async def test_a_prompt_that_is_too_long_refuses_no_form() -> None:
    body = {"error": {"message": "This model's maximum context length is 8192 tokens"}}
    async with (
        serve(web.json_response(body, status=400), completion()) as url,
        language_model.open_model(f"{url}/v1", MODEL, KEY, lambda: NOW) as model,
    ):
        with pytest.raises(language_model.ModelError, match="context length"):
            await model.complete(MESSAGES, SCHEMA, max_tokens=10)
        assert await model.complete(MESSAGES, SCHEMA, max_tokens=10) == ("text", 7)
        assert model.requests == 2


@pytest.mark.parametrize(
    ("answer", "reason", "tokens"),
    [
        (lambda: completion("half", finish_reason="length"), "cut off", 7),
        (lambda: completion(None), "no text", 7),
        (lambda: completion([1]), "no text", 7),
        (lambda: web.Response(text='{"choices": [{"mess'), "not JSON", None),
        (lambda: web.json_response(["nothing"]), "no text", None),
        (lambda: web.Response(status=204), "no text", None),
        (lambda: web.Response(status=302, headers={"Location": "http://127.0.0.1:9/"}), "302", None),
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
        (_send_without_end, "", "its answer cannot be read: its response is larger than 2 MB"),
        (_send_without_end, "/error", "its answer cannot be read: its response is larger than 2 MB"),
        (_send_slowly, "", "it did not answer within"),
        (_send_packed, "", "its answer is compressed"),
    ],
)
async def test_a_hostile_answer_is_given_up(handler: origin_server.Handler, path: str, reason: str) -> None:
    async with origin_server.run_origin() as origin:
        origin.pages[f"{path}/v1/chat/completions"] = handler
        with pytest.raises(language_model.ModelError, match=reason) as failure:
            await complete(origin.url + path, seconds=2.0 if handler is _send_slowly else 60.0)
    assert failure.value.tokens is None
    assert failure.value.is_retryable


async def test_neither_a_charset_nor_a_count_of_the_server_is_believed() -> None:
    # Decoding by this charset takes quadratic time.
    headers = {"Content-Type": "text/plain; charset=punycode"}
    async with serve(web.Response(status=400, body=b"a" * 1_000_000, headers=headers), completion()) as url:
        assert await complete(url) == ("text", 7)
    counted = {"choices": [{"message": {"content": "text"}}], "usage": {"total_tokens": -1}}
    async with serve(web.json_response(counted)) as url:
        assert await complete(url) == ("text", None)
    cut_off = {"choices": [{"finish_reason": "length"}], "usage": {"total_tokens": 0}}
    async with serve(web.json_response(cut_off)) as url:
        with pytest.raises(language_model.ModelError, match="cut off") as failure:
            await complete(url)
    assert failure.value.tokens is None


@pytest.mark.parametrize("status", [302, 400, 500])
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"error": [' + b"{}," * 600_000 + b"0]}", ""),
        (b"[" * 100_000, ""),
        (b'{"error": {"message": "' + b"no. " * 400_000 + b'"}}', " - no. no."),
        (b'{"message": "no", "at": [' + b"[]," * 9_000 + b"0]}", " - no"),
    ],
)
async def test_the_body_of_an_error_is_kept_as_a_short_message(status: int, body: bytes, reason: str) -> None:
    answers = [web.Response(status=status, body=body, content_type="application/json") for _ in range(3)]
    async with (
        serve(*answers) as url,
        language_model.open_model(f"{url}/v1", MODEL, KEY, lambda: NOW) as model,
    ):
        tracemalloc.start()
        try:
            with pytest.raises(language_model.ModelError) as failure:
                await model.complete(MESSAGES, SCHEMA, max_tokens=10)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert str(failure.value).startswith(f"Error code: {status}{reason}")
    assert len(str(failure.value)) <= 200
    assert peak < 100_000_000  # two megabytes of empty lists are 50 in memory


async def test_half_an_emoji_is_left_out_of_answers_and_errors() -> None:
    async with serve(completion("text \ud83d")) as url:  # sent as an escape
        assert await complete(url) == ("text ", 7)
    async with serve(web.json_response({"error": {"message": "no \ud83d"}}, status=401)) as url:
        with pytest.raises(language_model.ModelError) as failure:
            await complete(url)
    assert str(failure.value) == "Error code: 401 - no"


async def test_silence_ends_with_the_time_out(fake_model: FakeModelProcess) -> None:
    fake_model.reset(fault_share=1.0, faults=["silence"])
    with pytest.raises(language_model.ModelError, match="did not answer within") as failure:
        await complete(fake_model.url, seconds=0.2)
    assert failure.value.is_outage
    assert failure.value.tokens is None


async def test_a_server_that_is_away_is_an_outage() -> None:
    with pytest.raises(language_model.ModelError, match="Connection error") as failure:
        await complete("http://127.0.0.1:9")
    assert failure.value.is_outage


async def test_neither_the_key_nor_the_paper_is_logged(
    fake_model: FakeModelProcess, caplog: pytest.LogCaptureFixture
) -> None:
    fake_model.reset(key=KEY)
    with caplog.at_level(logging.DEBUG):
        await complete(fake_model.url)
    assert KEY not in caplog.text
    assert PAPER.title not in caplog.text


def test_the_client_is_loaded_with_the_first_model_only() -> None:
    code = "import sys, bot.app.tasks, bot.cli.digests; print([m for m in sys.modules if m.startswith('openai')])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(found.stdout) == []
