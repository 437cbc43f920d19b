"""Papers that no digest has: fetched for /paper and for the menu of a message, from servers on loopback."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import pytest

from bot.alerts import matcher
from bot.app.runtime import build_runtime
from bot.archive import arxiv_ids
from storage import locks
from tests.support import origin_server, source_payloads
from tests.support.client_harness import (
    ClientHarness,
    both_languages,
    component_ids,
    last_response,
    post_daily,
    raw_components,
    shown_text,
)
from tests.support.paper_services import PaperServices

NEW = "2505.04321"


@pytest.fixture
def services(origin: origin_server.OriginServer) -> PaperServices:
    return PaperServices(origin)


async def test_a_paper_that_no_digest_has_is_fetched_once_and_is_the_same_when_a_digest_brings_it(
    online_harness: ClientHarness, services: PaperServices
) -> None:
    harness, texts = online_harness, online_harness.texts
    services.add(NEW, "Robots *That* Knit", votes=12)
    link = f"https://www.alphaxiv.org/abs/{NEW}v2"
    card = last_response(await harness.reader.slash(harness.channel, "paper", paper=link))
    shown = shown_text(card)
    assert f"▲ 12 · {NEW} · {texts('published-on', date='2025-05-01')} · Ada Lovelace, Kim Minsu" in shown
    assert texts("paper-fetched") in shown
    assert "Small things are studied." in shown
    similar = last_response(await harness.reader.click(card, label=texts("similar")))
    assert texts("list-similar-heading", title="Robots \\*That\\* Knit") in shown_text(similar)
    assert "Maps for Robots" in shown_text(similar)
    saved = last_response(await harness.reader.click(card, label=texts("save")))
    assert texts("unsave") in shown_text(saved)
    again = last_response(await harness.user.slash("paper", paper=NEW))
    assert "Ada Lovelace, Kim Minsu" in shown_text(again)
    assert services.asked == [[NEW]]
    listed = shown_text(last_response(await harness.reader.slash(harness.channel, "saved list")))
    assert texts("saved-unlisted") in listed
    for name, options in (
        ("top", {}),
        ("topic", {"query": "robots that knit"}),
        ("author", {"name": "Minsu"}),
    ):
        shown = shown_text(last_response(await harness.reader.slash(harness.channel, name, **options)))
        assert NEW not in shown, name
        assert "Knit" not in shown, name
    digest = source_payloads.newsletter(date(2026, 1, 1), [NEW])
    await harness.container.create_ingest().add_text(digest, location="new.md")
    card = last_response(await harness.reader.slash(harness.channel, "paper", paper=NEW))
    assert texts("paper-fetched") not in shown_text(card)
    assert texts("unsave") in shown_text(card)
    assert texts("similar") in shown_text(card)
    assert len(services.asked) == 1


async def test_a_paper_that_is_not_found_is_said_to_be_so_with_links(
    online_harness: ClientHarness, services: PaperServices, origin: origin_server.OriginServer
) -> None:
    harness = online_harness
    expected = {"2505.00404": "unknown", "2413.00001": "unknown", "foo/0112017": "unreachable"}
    services.add("2505.00405")
    for paper, outcome in expected.items():
        if outcome == "unreachable":
            origin.pages["/api/query"] = "<html><body>Rate exceeded</body></html>"
        for _ in range(2):
            link = f"https://arxiv.org/abs/{paper}"
            message = last_response(await harness.reader.slash(harness.channel, "paper", paper=link))
            shown = harness.texts(f"lookup-{outcome}", paper=paper.replace(".", "\\."))
            assert shown in shown_text(message)
            urls = [part["url"] for part in raw_components(message) if part.get("url")]
            assert urls == [arxiv_ids.abstract_url(paper), arxiv_ids.huggingface_url(paper)]
    assert services.asked == [["2505.00404"], ["foo/0112017"], ["foo/0112017"]]


async def test_hostile_texts_ask_the_services_for_nothing_but_an_id(
    online_harness: ClientHarness, services: PaperServices
) -> None:
    services.add(NEW, "@everyone [x](http://evil.example) `<@1>`", votes=1)
    for text in (
        f"https://arxiv.org/abs/{NEW}/../../admin?id_list=1,2#x",
        f"https://arxiv.org/pdf/{NEW}v1%2f..%00",
    ):
        card = shown_text(
            last_response(await online_harness.reader.slash(online_harness.channel, "paper", paper=text))
        )
        assert arxiv_ids.abstract_url(NEW) in card
        assert "](http://evil" not in card
        assert "@everyone" not in card
    for text in (
        "../../etc/passwd",
        "2505.04321\u202e/..",
        "9" * 500,
        f"{NEW},2505.04322",
        "http://127.0.0.1/2505.04322",
    ):
        await online_harness.reader.slash(online_harness.channel, "paper", paper=text)
    paths = sorted(request.path for request in services.origin.requests)
    assert paths == [f"/api/papers/{NEW}", "/api/query"]
    assert services.asked == [[NEW]]


async def test_a_paper_of_an_imported_file_is_fetched_when_it_is_read(
    online_harness: ClientHarness, services: PaperServices
) -> None:
    harness, texts = online_harness, online_harness.texts
    services.add(NEW, "Robots That Knit")
    file = ("library.bib", f"@misc{{a, title={{Knitting}}, eprint={{{NEW}}}}}".encode())
    answer = last_response(await harness.reader.slash(harness.channel, "saved import", file=file))
    listed = last_response(await harness.reader.click(answer, label=texts("saved-show-all")))
    menu = next(name for name in component_ids(listed) if name.startswith("pr:sp"))
    saved = last_response(await harness.reader.select(listed, [NEW], custom_id=menu))
    assert "Knitting" in shown_text(saved)
    card = last_response(await harness.reader.click(saved, label=texts("read")))
    assert "Robots That Knit" in shown_text(card)
    assert texts("unsave") in shown_text(card)


async def test_papers_of_previews_and_forwarded_messages_are_found_and_a_few_are_fetched(
    online_harness: ClientHarness, services: PaperServices
) -> None:
    harness, texts = online_harness, online_harness.texts
    for number in range(1, 6):
        services.add(f"2505.0000{number}", f"Title {number}", votes=number)
    text = (
        "2505.00001에서 봤어요, <https://ar5iv.labs.arxiv.org/html/2505.00002v3>; not $2505.00009, 2025.0527,"
        " 9999.99999 https://a.example/2505.00008 nor 2505.000011"
    )
    written = await harness.manager.send(harness.channel, text)
    embeds = [
        {
            "url": "https://huggingface.co/papers/2505.00003",
            "title": "[2505.00004] Title 4",
            "description": "see https://arxiv.org/pdf/2501.00001v1",
            "fields": [{"name": "also", "value": "arXiv:2505.00005"}],
        }
    ]
    message = await harness.manager.forward(written, harness.channel)
    stored = harness.env.backend.get_message(harness.channel.id, message.id)
    stored.embeds = embeds
    result = await harness.reader.context_menu(harness.channel, "Look up papers", message)
    assert result.ephemeral
    shown = shown_text(last_response(result))
    assert texts("papers-in-message", count=6) in shown
    assert [f"Title {number}" for number in range(1, 6) if f"[Title {number}]" in shown] == [
        "Title 3",
        "Title 4",
        "Title 5",
    ]
    assert "A \\*Survey\\*" in shown
    assert services.asked == [["2505.00003", "2505.00004", "2505.00005"]]
    menu = next(name for name in component_ids(last_response(result)) if name.startswith("pr:"))
    opened = await harness.reader.select(last_response(result), ["2505.00004"], custom_id=menu)
    assert texts("paper-fetched") in shown_text(last_response(opened))


async def test_a_post_of_the_bot_that_was_forwarded_names_its_papers(harness: ClientHarness) -> None:
    forwarded = await harness.manager.forward(await post_daily(harness), harness.channel)
    result = await harness.reader.context_menu(harness.channel, "Look up papers", forwarded)
    shown = shown_text(last_response(result))
    assert harness.texts("papers-in-message", count=5) in shown
    assert "Rewards That Teach Reasoning" in shown


async def test_an_app_of_a_user_looks_up_a_message_of_a_server_without_the_bot(
    online_harness: ClientHarness, services: PaperServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = online_harness
    services.add(NEW)
    emit = harness.env.backend.emit

    def elsewhere(event: str, payload: dict[str, Any], *args: Any, **options: Any) -> Any:
        if event == "INTERACTION_CREATE":
            elsewhere_ids = {
                "guild_id": "77",
                "guild": {"id": "77", "locale": "de", "features": []},
                "context": 0,
            }
            owners = {"authorizing_integration_owners": {"1": str(harness.reader.id)}}
            payload = {**payload, **elsewhere_ids, **owners, "app_permissions": "0"}
        return emit(event, payload, *args, **options)

    monkeypatch.setattr(harness.env.backend, "emit", elsewhere)
    message = await harness.manager.send(harness.channel, f"https://hf.co/papers/{NEW}")
    result = await harness.reader.context_menu(harness.channel, "Look up papers", message)
    assert result.ephemeral
    assert "Small Things" in shown_text(last_response(result))


@both_languages
async def test_a_reader_is_told_once_when_a_digest_brings_the_paper(
    online_harness: ClientHarness, services: PaperServices
) -> None:
    harness, texts = online_harness, online_harness.texts
    services.add(NEW)
    missing = last_response(await harness.reader.slash(harness.channel, "paper", paper="2512.00404"))
    card = last_response(await harness.reader.slash(harness.channel, "paper", paper=NEW))
    for message, paper in ((missing, "2512\\.00404"), (card, NEW.replace(".", "\\."))):
        made = last_response(await harness.reader.click(message, label=texts("tell-me")))
        assert shown_text(made).startswith(texts("tell-made", paper=paper))
        again = last_response(await harness.reader.click(message, label=texts("tell-me")))
        assert texts("alert-paper", papers=paper) in shown_text(again)
    listed = shown_text(last_response(await harness.reader.slash(harness.channel, "alerts list")))
    assert "arXiv:2512.00404" in listed
    assert await _deliver(harness, "2512.00405") == []
    await harness.container.create_retention().purge()
    harness.env.inject_error("POST", "/channels/*/messages", status=403, code=50007, times=1)
    assert await _deliver(harness, "2512.00404") == []
    await harness.container.create_retention().purge()
    own = await harness.bot.services.alerts.list_rows(user_id=harness.reader.id)
    assert [alert.reason for alert in own] == ["dms-closed", "dms-closed"]
    await harness.bot.services.alerts.resume([alert.id for alert in own])
    assert await _deliver(harness, "2512.00407") == ["2512.00404"]
    assert await _deliver(harness, "2512.00404", NEW) == ["2512.00404", NEW]
    reason = {"en": "in a digest now, as you asked", "ko": "기다리던 논문이 다이제스트에 실렸어요"}
    told = max(harness.user.dm_channel.history(), key=lambda message: message.id)
    assert reason[texts.locale.value] in shown_text(told)
    why = last_response(await harness.user.click(told, label=texts("alert-why")))
    assert texts("alert-found-paper") in shown_text(why)
    left = shown_text(last_response(await harness.reader.slash(harness.channel, "alerts list")))
    assert texts("no-alerts", command=harness.bot.mentions("alerts add")) in left
    await harness.container.create_retention().purge()
    assert await harness.bot.services.alerts.list_rows(user_id=harness.reader.id) == []
    assert await _deliver(harness, "2512.00404", NEW, "2512.00406") == ["2512.00404", NEW]
    why = last_response(await harness.user.click(told, label=texts("alert-why")))
    assert texts("alert-why-gone") in shown_text(why)
    late = last_response(await harness.reader.click(card, label=texts("tell-me")))
    assert shown_text(late) == texts("tell-listed")


async def _deliver(harness: ClientHarness, *papers: str) -> list[str]:
    """Ingest a digest of today, send what is due, and return the papers that the reader was sent by now, oldest first."""
    day = harness.env.now().date()
    digest = source_payloads.newsletter(day, papers, note=f"note {len(papers)}")
    await harness.container.create_ingest().add_text(digest, location=str(papers))
    lock = locks.SenderLock(harness.container.database)
    await lock.try_acquire()
    runtime = build_runtime(harness.container, harness.bot, asyncio.Event(), lock)
    await harness.container.alert_planner.drain()
    await harness.env.advance_time(matcher.GATHERING_TIME.total_seconds())
    await harness.container.alert_planner.drain()
    await runtime.relay.drain(harness.env.now())
    await lock.release()
    if harness.user.dm_channel is None:
        return []
    messages = sorted(harness.user.dm_channel.history(), key=lambda message: message.id)
    found = [arxiv_ids.list_arxiv_ids(shown_text(message), 9, day) for message in messages]
    return [arxiv_id for ids in found for arxiv_id in ids]
