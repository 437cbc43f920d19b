"""Feeds as files (`tests/data/feeds`), with what is read from each in `expected.json`, and a site that has them."""

import asyncio
import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.sources import base, feed
from storage import models, sources
from tests.support import source_payloads

FOLDER = Path(__file__).parents[1] / "data/feeds"
EXPECTED: dict[str, dict[str, Any]] = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))
"""By name of the file: `papers` by day with their titles, `left_out` by reason, `authors` with their affiliations, `abstracts`,
`untold` dates. A day is "rolling" for papers without a date.
"""
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
SITE = "https://site.test"
URL = f"{SITE}/feed"
LIST = "".join(f"- [Moss on Old Walls {n}](https://arxiv.org/abs/2505.0000{n})\n" for n in (1, 2, 3))
PAGES = {
    f"{SITE}/html": "<html><body>Moss</body></html>",
    f"{SITE}/list.md": LIST,
    f"{SITE}/article": "<html><body><h1>Why Moss Matters</h1><p>We build on <a href='https://arxiv.org/abs/2505.00001'>Moss"
    " on Old Walls</a>, which all know, and on <a href='https://arxiv.org/abs/2505.00002'>ferns</a>.</p><p>As <a href="
    "'https://doi.org/10.1234/moss.1'>Beech et al.</a> say, moss is green, and see <a href='https://arxiv.org/abs/2505.00003'>"
    "more of it</a> for what others found.</p></body></html>",
    f"{SITE}/digest.md": source_payloads.newsletter(),
}
"""What entries link to. A page named `denied` is refused; any other is missing."""


@dataclass
class Site:
    """A fetcher of the pages that it is given."""

    pages: dict[str, str] = field(default_factory=dict)

    async def get(
        self,
        url: str,
        page_state: sources.PageState | None = None,
        *,
        accept: str = "*/*",
        throttle: base.Throttle = base.no_throttle,
    ) -> base.Response:
        if url not in self.pages:
            code = 403 if url.endswith("/denied") else base.NOT_FOUND
            raise base.FetchError("it cannot be fetched", code=code, is_blocked="//10." in url)
        body = self.pages[url].encode()
        state = sources.PageState(url, NOW, models.FetchStatus.OK, hash=hashlib.sha256(body).hexdigest())
        return base.Response(url, body, state)


def load(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def read(
    text: str, states: dict[str, sources.PageState], now: datetime = NOW
) -> tuple[list[base.FetchResult], models.ReadingReport]:
    """Read a feed, add its page states, and return the results with the report on all of them."""

    async def fetch() -> list[base.FetchResult]:
        source = feed.FeedSource(URL, Site(PAGES | {URL: text}))
        return [result async for result in source.fetch(base.FetchRequest(now, dict(states)))]

    results = asyncio.run(fetch())
    for result in results:
        states.update({base.page_key(page.location): page for page in result.page_states})
    return results, sum((result.reading for result in results if result.reading), models.ReadingReport())
