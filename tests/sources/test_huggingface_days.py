"""73 days of Hugging Face's list in our own made-up form, from a server on loopback into storage: all of it is exact."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from bot.archive import ingest
from bot.sources import huggingface
from bot.sources.fetcher import Fetcher
from storage import archive, papers
from storage.database import Database
from tests.support import source_fixtures
from tests.support.origin_server import OriginServer
from tests.support.source_requests import fetch_results

pytestmark = pytest.mark.promise

DAYS = 73
PAPERS = 1_250
AUTHORS = (
    "Wei Wang",
    "Ada Lovelace",
    "Kim Min-jun",
    "Yang Liu",
    "Emmy Noether",
    "José Núñez",
    "Jing Li",
    "李静",
)
CDN = "https://uploads.example/production"


def build_item(rng: random.Random, arxiv_id: str, number: int) -> dict[str, Any]:
    """Return a paper as the API gives it. One in 200 has two authors of one name, one in five pictures and videos."""
    names = rng.sample(AUTHORS, rng.randint(1, len(AUTHORS)))
    if number % 200 == 7:
        names.insert(rng.randint(0, len(names)), names[0])
    if number == 404:
        names = [f"Author Number {position}" for position in range(531)] + ["Yang Liu", "Yang Liu"]
    paper: dict[str, Any] = {
        "id": arxiv_id,
        "title": f"A Study of\nThing {number}",
        "authors": [
            {"_id": f"{number}-{position}", "name": name, "hidden": False}
            for position, name in enumerate(names)
        ],
        "summary": f"Thing {number} is studied.",
        "upvotes": rng.randint(0, 300),
        "publishedAt": "2025-05-05T17:00:00.000Z",
    }
    if number % 5 == 0:
        endings = rng.choices((".mp4", ".png", ".PNG?width=800", ".jpeg", ".gif"), k=rng.randint(1, 4))
        paper["mediaUrls"] = [f"{CDN}/{number}/{position}{ending}" for position, ending in enumerate(endings)]
    if number % 50 == 3:
        paper["githubRepo"] = f"https://github.com/example/\n  thing-{number}"
    item = {"paper": paper, "title": paper["title"], "numComments": 1}
    return item if number % 3 else {**item, "thumbnail": f"{CDN}/cards/{arxiv_id}.png"}


def build_days() -> dict[date, list[dict[str, Any]]]:
    rng = random.Random(24)
    days: dict[date, list[dict[str, Any]]] = {}
    first_on = source_fixtures.NOW.date() - timedelta(days=DAYS)
    for number in range(PAPERS):
        day = first_on + timedelta(days=number * DAYS // PAPERS)
        days.setdefault(day, []).append(build_item(rng, f"{day:%y%m}.{number + 1:05}", number))
    for items in days.values():
        rng.shuffle(items)
    return days


def expect(item: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what must be known of a paper: its authors, media, picture and code."""
    paper = item["paper"]
    media: Sequence[str] = paper.get("mediaUrls", ())
    pictures = (address for address in media if not address.endswith(".mp4"))
    return (
        tuple(author["name"] for author in paper["authors"]),
        tuple(media),
        item.get("thumbnail") or next(pictures, None),
        paper.get("githubRepo", "").replace("\n  ", "") or None,
    )


async def test_order_authors_and_media_of_73_days_are_exact(
    origin: OriginServer, fetch: Fetcher, db: Database
) -> None:
    days = build_days()
    assert (len(days), sum(map(len, days.values()))) == (DAYS, PAPERS)
    for day, items in days.items():
        origin.pages[f"/api/daily_papers?date={day}"] = json.dumps(items)
    source = huggingface.HuggingFaceSource(origin.url, fetch)
    results = await fetch_results(source, days=list(days))
    for (day, items), result in zip(days.items(), results, strict=True):
        [digest] = result.digests
        assert (digest.date, digest.problems) == (day, ())
        read = {
            fact.arxiv_id: (fact.authors, fact.media, entry.thumbnail, fact.code_url)
            for fact, entry in zip(result.facts, digest.entries, strict=True)
        }
        # Dictionaries keep their order.
        assert list(read.items()) == [(item["paper"]["id"], expect(item)) for item in items]
    service = ingest.IngestService(db, lambda: source_fixtures.NOW)
    for result in results:
        await service.add_digests(result.digests, source=huggingface.ADDRESS, location=result.location)
        await service.add_facts(result.facts)
    async with db.read() as connection:
        digests = await archive.list_rows(connection)
        listed = await archive.list_papers(connection, [digest.id for digest in digests[::-1]])
        known = {
            detail.arxiv_id: (detail.authors, detail.media, detail.thumbnail, detail.code_url)
            for detail in await papers.list_details(connection, [paper.paper_id for paper in listed])
        }
    wanted = [(item["paper"]["id"], expect(item)) for items in days.values() for item in items]
    assert [(paper.arxiv_id, known[paper.arxiv_id]) for paper in listed] == wanted
