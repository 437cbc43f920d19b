"""Papers that no digest has: fetched for /paper and for the menu of a message, from servers on loopback."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from bot.digests.elements import arxiv_ids
from tests.support import origin_server, source_payloads
from tests.support.client_harness import (
    ClientHarness,
    component_ids,
    last_response,
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
    assert f"▲ 12 · {texts('published-on', date='2025-05-01')} · Ada Lovelace, Kim Minsu" in shown
    assert texts("paper-fetched") in shown
    assert "Small things are studied." in shown
    assert texts("similar") not in shown
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
