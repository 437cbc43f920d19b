"""`paperround run` as a process: a first daily post from four kinds of source."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.clock import system_clock
from bot.daily.service import Subscriptions
from storage import migrate, models
from tests.fake_discord import process
from tests.support import origin_server, source_payloads

pytestmark = pytest.mark.wire


async def test_a_first_post_combines_digest_votes_and_authors(
    fake: process.FakeDiscord, tmp_path: Path
) -> None:
    now = system_clock()
    today = now.date()
    [channel_id] = await fake.add_channels(1)
    db = await migrate.open_database(f"sqlite+aiosqlite:///{tmp_path / 'paperround.db'}")
    minute_ago = now - timedelta(minutes=1)
    draft = models.Subscription(
        guild_id=process.GUILD_ID, channel_id=channel_id, at_time=f"{minute_ago:%H:%M}", top_n=2
    )
    added_at = minute_ago - timedelta(minutes=1)
    await Subscriptions(db, lambda: added_at).add(draft)
    await db.close()
    ids = ["2505.00001", "2505.00002", "2505.00003"]
    async with origin_server.run_origin() as origin:
        origin.pages[f"/{today}.md"] = source_payloads.review(today, ids)
        listed = [
            source_payloads.daily_papers_item(arxiv_id, votes)
            for arxiv_id, votes in zip(ids, (5, 81, 40), strict=True)
        ]
        origin.pages[f"/api/daily_papers?date={today}"] = source_payloads.daily_papers(*listed)
        origin.pages["/api/query"] = source_payloads.atom(*map(source_payloads.arxiv_entry, ids))
        origin.pages["/feed"] = source_payloads.atom(source_payloads.arxiv_entry("2505.00009"))
        urls = [
            f"{origin.url}/{{date:%Y-%m-%d}}.md",
            origin.url,
            f"{origin.url}/api/query",
            f"{origin.url}/feed",
        ]
        sources = "\n".join(f"[[sources]]\nurl = {json.dumps(url)}" for url in urls)
        (tmp_path / "paperround.toml").write_text(sources, encoding="utf-8")
        (tmp_path / "wording").mkdir()
        (tmp_path / "wording/daily.en.j2").write_text("{% block headline %}{{ day }{% endblock %}")
        settings = {
            "PAPERROUND_FETCH_ALLOW": f"127.0.0.1:{origin.port}",
            "HF_ENDPOINT": origin.url,
            "PAPERROUND_TEMPLATES": str(tmp_path / "wording"),
            "PAPERROUND_ARXIV_URL": f"{origin.url}/api/query",
        }
        async with fake.running_bot(tmp_path, **settings) as (_, log):
            [first, *_] = await fake.wait_for_messages(channel_id, log.read_text)
    message = json.dumps(first, ensure_ascii=False)
    assert "81" in message
    assert "40" in message
    assert "Ada Lovelace" in message
    assert message.index("2505.00002") < message.index("2505.00003")
    assert "template not used" in log.read_text()
