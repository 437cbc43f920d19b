"""Fixtures for the client harness, which validate all requests to Discord after each test, and its small archive."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from bot.app.container import Container
from bot.app.workers import Workers
from bot.core.settings import Settings
from storage import models
from storage.database import Database
from tests.support import origin_server, payload_checks
from tests.support.client_harness import NOWHERE, SIMCORD_EPOCH, ClientHarness, open_harness
from tests.support.sample_archive import NewsletterPaper, newsletter

LONG_CHAPTER = " ".join(
    f"문장 {number}은 긴 장이 다음 쪽으로 이어지는지 살피려고 있어요." for number in range(150)
)
SURVEY = (
    "소형 언어 모델(Small Language Model; SLM)이 어디에 쓰이는지 처음으로 한데 모았어요. 두 번째 문장이에요.\n"
    "- ***Technical Details***: Reads **200 papers** and sorts them by task.\n"
    "- ***Performance Highlights***: Finds that 1.7B parameters are often enough."
)
REWARDS = "강화 학습(Reinforcement Learning; RL)으로 추론을 가르쳐요.\n- ***Technical Details***: One reward for each step."
ADA, EMMY, GRACE, KIM = "Ada Lovelace", "Emmy Noether", "Grace Hopper", "Kim Min-jun"
AGAIN = "Small language models again. A small language model forgets."

NEWEST_NEWSLETTER = newsletter(
    "2026-01-01",
    [
        NewsletterPaper(
            "2501.00001",
            "Small Language Models [at Work]: A *Survey*",
            SURVEY,
            81,
            (ADA, GRACE, KIM, EMMY, "Alan Turing"),
        ),
        NewsletterPaper("2501.00002", "Rewards That Teach Reasoning", REWARDS, 57, (EMMY,)),
        NewsletterPaper("2501.00003", "Speech without a Score", "Listens to speech in noise.", None, (KIM,)),
        NewsletterPaper("2501.00004", "Maps for Robots", "로봇이 방을 기억해요.", 12, (GRACE,)),
        NewsletterPaper("2501.00005", "Colour from Grey", "Paints old films.", 9, (ADA,)),
        NewsletterPaper("2501.00006", "A Sixth Paper on Language Models", AGAIN, 8, (ADA,)),
    ],
).replace("Vote: 81", "![](https://covers.example/1.png)\n\nVote: 81")

WEATHER = "Weather in a Small Language Model"
FORECASTS = "Forecasts with a small language model."
EARLIER_NEWSLETTER = newsletter(
    "2025-12-30", [NewsletterPaper("2412.00007", WEATHER, FORECASTS, 33, (EMMY, ADA))]
)

REVIEW = f"""# 📰 Hugging Face Daily Papers – 2025-12-31

## 2501.00001
🔗 https://huggingface.co/papers/2501.00001

**Summary**:
```markdown
# 논문 요약: "Small Language Models at Work"

## 1. 핵심 동기

작은 모델이 얼마나 쓸모 있는지 묻습니다.

## 2. 기여

| 항목 | 값 |
| --- | --- |
| 논문 | 200 |

## 3. 긴 장

{LONG_CHAPTER}
```
"""

DIGESTS = (EARLIER_NEWSLETTER, REVIEW, NEWEST_NEWSLETTER)
"""Two newsletters and a review, in Korean and English."""


async def add_samples(database: Database) -> None:
    """Ingest the sample digests."""
    ingest = Workers(Container(Settings(), database, lambda: SIMCORD_EPOCH)).ingest
    for number, text in enumerate(DIGESTS):
        await ingest.add_text(text, location=f"{number}.md")


@pytest.fixture
async def archive_db(open_filled: Callable[..., Awaitable[Database]]) -> Database:
    return await open_filled(add_samples)


@pytest.fixture
def locale() -> models.Locale:
    """The language of all users: English, except in tests marked `both_languages`."""
    return models.Locale.EN


@pytest.fixture
async def harness(archive_db: Database, locale: models.Locale) -> AsyncIterator[ClientHarness]:
    async with _checked_harness(archive_db, locale) as harness:
        yield harness


@pytest.fixture
async def empty_harness(sqlite_db: Database) -> AsyncIterator[ClientHarness]:
    """A client harness in Korean with an empty archive."""
    async with _checked_harness(sqlite_db, models.Locale.KO) as harness:
        yield harness


@pytest.fixture
async def origin() -> AsyncIterator[origin_server.OriginServer]:
    """The server that plays arXiv and Hugging Face in `online_harness`."""
    async with origin_server.run_origin() as opened:
        yield opened


@pytest.fixture
async def online_harness(
    archive_db: Database, locale: models.Locale, origin: origin_server.OriginServer
) -> AsyncIterator[ClientHarness]:
    """A client harness with arXiv and Hugging Face on loopback."""
    async with _checked_harness(archive_db, locale, origin.url) as harness:
        yield harness


@asynccontextmanager
async def _checked_harness(
    database: Database, locale: models.Locale, services_url: str = NOWHERE
) -> AsyncIterator[ClientHarness]:
    async with open_harness(database, locale, services_url) as harness:
        yield harness
        payload_checks.check_requests(harness.env.http_requests)
        assert harness.unexpected_errors() == []
