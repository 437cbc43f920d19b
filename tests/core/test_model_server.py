"""The client for language models: requests with and without schemas, invalid responses and errors."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Any

import pytest
from aiohttp import web

from bot.core import model_server
from tests.support import origin_server, patience

KEY = "sk-s3cret"
MESSAGES = [{"role": "system", "content": "Write."}, {"role": "user", "content": "A paper."}]
SCHEMA = {"type": "object"}


async def complete(
    url: str, *, times: int = 1, seconds: float = 60.0
) -> tuple[str, int | None, model_server.LanguageModel]:
    """Call the model several times. Returns the last response, its tokens, and the model."""
    async with aclosing(model_server.ModelServer(f"{url}/v1", KEY)) as server:
        model = model_server.LanguageModel(server, "small", seconds=seconds)
        for _ in range(times):
            answer, tokens = await model.complete(MESSAGES, SCHEMA, max_tokens=3_000)
    return answer, tokens, model


@asynccontextmanager
async def serve(answer: origin_server.Page, path: str = "") -> AsyncIterator[origin_server.OriginServer]:
    """Run a server that gives the same response to all requests."""
    async with origin_server.run_origin() as origin:
        origin.pages[f"{path}/v1/chat/completions"] = answer
        yield origin


def completion(content: Any = "text", tokens: Any = 7, **fields: Any) -> web.Response:
    """Return an API response with one completion."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    return web.json_response({"choices": [{**choice, **fields}], "usage": {"total_tokens": tokens}})


@pytest.mark.parametrize("takes_schemas", [True, False])
async def test_server_that_rejects_schemas_gets_them_as_text(takes_schemas: bool) -> None:
    requests: list[dict[str, Any]] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        requests.append(json.loads(await request.read()))
        is_refused = "response_format" in requests[-1] and not takes_schemas
        return web.json_response({}, status=400) if is_refused else completion()

    async with serve(answer) as origin:
        text, tokens, model = await complete(origin.url, times=3)
    assert (text, tokens, model.requests) == ("text", 7, len(requests))
    expected = [True] * 3 if takes_schemas else [True, False, False, False]
    assert ["response_format" in request for request in requests] == expected
    in_text = [json.dumps(SCHEMA) in request["messages"][0]["content"] for request in requests]
    assert in_text == [not is_form for is_form in expected]
    assert {request["max_tokens"] for request in requests} == {3_000}


@pytest.mark.parametrize("takes_schemas", [True, False])
async def test_limit_has_its_new_name_where_a_model_wants_it(takes_schemas: bool) -> None:
    requests: list[dict[str, Any]] = []
    wanted = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        requests.append(json.loads(await request.read()))
        if "max_tokens" in requests[-1]:
            return web.json_response({"error": {"message": wanted}}, status=400)
        is_refused = "response_format" in requests[-1] and not takes_schemas
        return web.json_response({}, status=400) if is_refused else completion()

    async with serve(answer) as origin:
        text, _, model = await complete(origin.url, times=3)
    assert (text, model.requests) == ("text", 4 if takes_schemas else 5)
    assert ["max_tokens" in request for request in requests] == [True] + [False] * (len(requests) - 1)
    assert {request.get("max_completion_tokens", 3_000) for request in requests} == {3_000}


LONG = {"error": {"message": f"no, {KEY}\x1b will\nnot do " + "x" * 9_000}}
FLAGGED = {"error": {"code": 403, "message": "flagged", "metadata": {"reasons": ["violence"]}}}
NO_CREDIT = {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}


def error(status: int, seconds: str | None = None, body: Any = LONG) -> web.Response:
    return web.json_response(body, status=status, headers={} if seconds is None else {"Retry-After": seconds})


def failed_choice(**fields: Any) -> web.Response:
    return web.json_response({"choices": [{"finish_reason": "error", **fields}]})


@pytest.mark.parametrize(
    ("answer", "reason", "kinds", "tokens", "retry_after"),
    [
        (lambda: error(429), "Error code: 429", "outage", 0, 0),
        (lambda: error(429, "37"), "Error code: 429", "outage", 0, 37),
        (lambda: error(503, "7200"), "Error code: 503", "outage", None, 7200),
        (lambda: error(500), "Error code: 500", "outage", None, 0),
        (lambda: error(401), "Error code: 401", "fatal", 0, 0),
        (lambda: error(402), "Error code: 402", "fatal", 0, 0),
        (lambda: error(413), "Error code: 413", "", 0, 0),
        (lambda: error(302), "Error code: 302", "", None, 0),
        # OpenAI calls an empty account a rate limit.
        (lambda: error(429, body=NO_CREDIT), "Error code: 429", "outage fatal", 0, 0),
        # An error within 200 is what its code says.
        (lambda: error(200, body={"error": {"code": 502, "message": "Provider"}}), "502", "outage", 0, 0),
        (lambda: error(200, body={"error": {"code": 408, "message": "Late"}}), "408", "outage", 0, 0),
        (lambda: error(200, body={"error": {"code": "429", "message": "Fast"}}), "429", "outage", 0, 0),
        (lambda: error(200, body={"error": "the runner has stopped"}), "Error code", "outage", 0, 0),
        (lambda: failed_choice(error={"code": 503, "message": "No"}), "503", "outage", 0, 0),
        (lambda: failed_choice(message={"content": '{"half'}), "Error code", "outage", 0, 0),
        (lambda: error(200, body={"error": {"code": 402, "message": "No"}}), "402", "fatal", 0, 0),
        (lambda: error(200, body=NO_CREDIT), "Error code", "outage fatal", 0, 0),
        (lambda: error(200, body={"error": {"code": 413, "message": "Long"}}), "413", "", 0, 0),
        (lambda: error(200, body=FLAGGED), "Error code", "refusal", 0, 0),
        # Neither is of a model.
        (lambda: web.Response(text="<!doctype html><HTML>Log in"), "HTML page.*login", "outage", 0, 0),
        (lambda: web.json_response({"status": "ok"}), "no completion.*login", "outage", 0, 0),
        # What is no whole text.
        (lambda: completion('{"half": 1}', finish_reason="content_filter"), "content_filter", "", 7, 0),
        (lambda: completion('{"half": 1}', finish_reason="tool_calls"), "tool_calls", "", 7, 0),
        (lambda: completion("half", finish_reason="length"), "cut off", "", 7, 0),
        (lambda: completion(None), "no text", "", 7, 0),
        (lambda: completion([1]), "no text", "", 7, 0),
        (lambda: web.Response(text='{"choices": [{"mess'), "no text", "", None, 0),
        (lambda: web.Response(body=b"[" * 100_000), "no text", "", None, 0),
        (lambda: web.json_response(["nothing"]), "no text", "", None, 0),
        (lambda: web.Response(status=204), "204", "", None, 0),
    ],
)
async def test_a_failure_says_why_what_it_used_and_what_other_requests_can_expect(
    answer: Callable[[], web.Response], reason: str, kinds: str, tokens: int | None, retry_after: float
) -> None:
    async with serve(answer()) as origin:
        with pytest.raises(model_server.ModelError, match=reason) as failure:
            await complete(origin.url)
    error, said = failure.value, str(failure.value)
    assert [kind for kind in ("outage", "fatal", "refusal") if getattr(error, f"is_{kind}")] == kinds.split()
    assert (error.tokens, error.retry_after) == (tokens, retry_after)
    assert KEY not in said
    assert said.isprintable()
    assert len(said) <= 200


PARTS = [{"type": "text", "text": '{"whole":'}, {"type": "image_url"}, "x", {"type": "text", "text": " 1}"}]


@pytest.mark.parametrize(
    ("content", "reason", "address"),
    [
        # Servers have their own words for a whole answer.
        *(('{"whole": 1}', reason, "/v1") for reason in ("stop", "eos_token", "end_turn", "STOP", "", None)),
        (PARTS, "stop", "/v1"),
        # The address of the call itself is taken too.
        *(('{"whole": 1}', "stop", f"/v1{end}") for end in ("/", "/chat/completions", "/chat/completions/")),
    ],
)
async def test_a_whole_answer_is_taken_in_each_form(content: Any, reason: str | None, address: str) -> None:
    async with (
        serve(completion(content, finish_reason=reason)) as origin,
        aclosing(model_server.ModelServer(f"{origin.url}{address}", KEY)) as server,
    ):
        model = model_server.LanguageModel(server, "small", seconds=20)
        assert (await model.complete(MESSAGES, SCHEMA, max_tokens=30))[0] == '{"whole": 1}'


async def test_an_answer_whose_tokens_are_not_counted_costs_the_most_after_one_that_was_sent_again() -> None:
    answers = iter([("no such field", 7), ('{"whole": 1}', None)])

    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return completion(*next(answers))

    async with serve(answer) as origin, aclosing(model_server.ModelServer(f"{origin.url}/v1", KEY)) as server:
        model = model_server.LanguageModel(server, "small", seconds=20)
        text, tokens = await model.complete(MESSAGES, {**SCHEMA, "required": ["whole"]}, max_tokens=3_000)
    assert (text, model.requests) == ('{"whole": 1}', 2)
    assert tokens is not None
    assert tokens > 7 + 3_000


async def test_an_address_without_a_path_is_named() -> None:
    async with serve(completion()) as origin, aclosing(model_server.ModelServer(origin.url, KEY)) as server:
        with pytest.raises(model_server.ModelError, match=r"404.* The address has no path, such as /v1"):
            await model_server.LanguageModel(server, "small", seconds=20).check()


@pytest.mark.parametrize("answers", [0, 1])
async def test_403_after_an_answer_is_about_the_prompt_not_the_key(answers: int) -> None:
    pages = [completion()] * answers

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return pages.pop() if pages else web.json_response({"error": {"message": "no"}}, status=403)

    async with serve(answer) as origin:
        with pytest.raises(model_server.ModelError) as failure:
            await complete(origin.url, times=2)
    assert (failure.value.is_fatal, failure.value.is_refusal) == (not answers, bool(answers))


async def _send_without_end(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse(status=500 if "error" in request.path else 200)
    await response.prepare(request)
    for _ in range(10_000):
        await response.write(b" " * 65_536)
    raise AssertionError("all was read")


async def _send_slowly(is_asked: asyncio.Event, request: web.BaseRequest) -> web.StreamResponse:
    """Send a byte every 10 ms, so that no pause is as long as the deadline."""
    response = web.StreamResponse()
    await response.prepare(request)
    is_asked.set()
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
        (_send_packed, "", "its answer has no text"),
    ],
)
async def test_rejects_endless_and_compressed_responses(
    handler: origin_server.Handler, path: str, reason: str
) -> None:
    async with serve(handler, path) as origin:
        with pytest.raises(model_server.ModelError, match=reason) as failure:
            await complete(origin.url + path)
    assert failure.value.tokens is None


async def test_ends_a_slow_response() -> None:
    is_asked = asyncio.Event()
    async with serve(partial(_send_slowly, is_asked)) as origin:
        with pytest.raises(model_server.ModelError, match="it did not answer within") as failure:
            await complete(origin.url, seconds=patience.Until(is_asked))
    assert failure.value.tokens is None


async def test_unreachable_server_is_an_outage() -> None:
    with pytest.raises(model_server.ModelError, match="Connection error") as failure:
        await complete("http://127.0.0.1:9")
    assert failure.value.is_outage
    assert failure.value.tokens == 0


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, {"choices": [{"message": {"content": ""}, "finish_reason": "length"}]}, ""),
        (401, {"error": {"message": "no such key"}}, "Error code: 401 - no such key"),
        (404, {"error": {"message": "model not found"}}, "Error code: 404 - model not found"),
        (400, {"error": {"message": "unknown model"}}, "Error code: 400 - unknown model"),
        (503, {}, "Error code: 503"),
        (200, {"status": "ok"}, "no completion of a model"),
        (200, [], "no JSON object"),
    ],
)
async def test_check_asks_for_a_word_and_says_what_the_server_answers(
    status: int, body: Any, said: str
) -> None:
    requests: list[dict[str, Any]] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        requests.append(json.loads(await request.read()))
        if "max_tokens" in requests[-1] and not said:
            return web.json_response({"error": {"message": "use max_completion_tokens"}}, status=400)
        return web.json_response(body, status=status)

    async with serve(answer) as origin, aclosing(model_server.ModelServer(f"{origin.url}/v1", KEY)) as server:
        checking = model_server.LanguageModel(server, "small", seconds=20).check()
        if not said:
            await checking
        else:
            with pytest.raises(model_server.ModelError, match=said):
                await checking
    assert len(requests) == (1 if said else 2)
    assert {request["model"] for request in requests} == {"small"}
