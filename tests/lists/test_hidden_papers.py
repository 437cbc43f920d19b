"""A hidden paper is on no surface that shows papers, and on each again once it is shown."""

import json
import re
from typing import Any
from urllib.parse import quote

from bot.app.workers import Workers
from bot.cli import mcp_server
from bot.core import http_server
from bot.features.shelf.service import Shelf
from bot.features.web.server import WebServer
from storage import papers, shelf
from tests.support.client_harness import ClientHarness, both_languages, shown_text
from tests.web.conftest import WebArchive

HIDDEN, TITLE, TOKEN = "2501.00004", "Maps for Robots", "0123456789abcdef0123456789abcdef"
COMMANDS: dict[str, dict[str, Any]] = {
    "digest": {"date": "2026-01-01"},
    "top": {"period": "2026-01"},
    "topic": {"query": "robots"},
    "author": {"name": "Grace Hopper"},
    "paper": {"paper": TITLE.lower()},
    "today": {},
}
PAGES = (
    *(
        "/",
        "/days/2026-01-01",
        "/feed.atom",
        "/search?q=robots",
        "/search.atom?q=robots",
        f"/papers/{HIDDEN}",
    ),
    *(f"/authors/{quote('Grace Hopper')}", f"/authors/{quote('Grace Hopper')}.atom", "/ask?q=robots"),
    *(f"/lists/{TOKEN}{ending}" for ending in ("", ".bib", ".json", ".atom")),
)


async def find_surfaces(harness: ClientHarness, archive: WebArchive) -> dict[str, bool]:
    """Return whether each surface names the paper."""
    texts = {name: shown_text(await harness.ask(name, **options)) for name, options in COMMANDS.items()}
    texts["typing"] = str(await harness.reader.autocomplete(harness.channel, "paper", "paper", "maps"))
    for path in PAGES:
        texts[path] = (await archive.get(path))[2]
    tools = mcp_server.create_tools(harness.container.database, harness.env.now, harness.texts.locale)
    answers = {
        "search_papers": tools.search_papers("robots"),
        "papers_by_author": tools.papers_by_author("Grace Hopper"),
        "daily_digest": tools.daily_digest(),
        "ask": tools.ask("robots"),
    }
    for name, answer in answers.items():
        texts[name] = json.dumps(json.loads(await answer), ensure_ascii=False)
    days = await harness.container.database.fetch(papers.count_by_date, [harness.env.now().date()])
    return {name: TITLE in text for name, text in texts.items()} | {"count": sum(days.values()) == 6}


async def test_each_surface_names_the_paper_before_and_after_and_none_between(harness: ClientHarness) -> None:
    database, ingest = harness.container.database, Workers(harness.container).ingest
    ids = await database.fetch(papers.get_ids, [HIDDEN])
    await harness.bot.services.get(Shelf).save(harness.manager.id, list(ids.values()))
    await database.write(shelf.set_address, harness.manager.id, TOKEN)
    archive = WebArchive(harness.container.services, harness.container.web_pages)
    async with http_server.serving(
        "127.0.0.1:0", "PAPERROUND_WEB", [WebServer(archive.pages).add_routes]
    ) as archive.url:
        before = await find_surfaces(harness, archive)
        await ingest.set_hidden(HIDDEN, hidden=True)
        hidden = await find_surfaces(harness, archive)
        card = shown_text(await harness.ask("paper", paper=f"https://arxiv.org/abs/{HIDDEN}"))
        await ingest.set_hidden(HIDDEN, hidden=False)
        after = await find_surfaces(harness, archive)
    assert [name for name, is_named in before.items() if not is_named] == []
    assert [name for name, is_named in hidden.items() if is_named] == []
    assert after == before
    assert "The operator of this bot has hidden paper 2501\\.00004." in card


@both_languages
async def test_an_archive_that_is_hidden_whole_is_not_said_to_be_a_new_one(harness: ClientHarness) -> None:
    ingest = Workers(harness.container).ingest
    tools = mcp_server.create_tools(harness.container.database, harness.env.now, harness.texts.locale)
    for paper in json.loads(await tools.search_papers("since:2020-01-01"))["papers"]:
        await ingest.set_hidden(paper["key"], hidden=True)
    for name, options in {"digest": {}, "top": {}, "today": {}, "ask": {"question": "robots?"}}.items():
        shown = shown_text(await harness.ask(name, **options))
        assert not re.search(r"\b(yet|still|first|No digest)\b|아직|첫|다이제스트가 없", shown), shown
