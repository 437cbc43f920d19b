"""Every member of `SourceKind` can be added, checked, opened, polled, ranked by the merge and labelled."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.archive import digest_writer
from bot.client import translations
from bot.core import errors
from bot.operations import messages as operations_messages
from bot.sources import base, kinds
from storage import database, models
from tests.support import origin_server, source_payloads
from tests.support.polling_harness import PollingHarness

ADDRESSES = {
    models.SourceKind.FOLDER: "{folder}",
    models.SourceKind.URL: "{origin}/{{date:%Y-%m-%d}}.md",
    models.SourceKind.FEED: "{origin}/feed",
    models.SourceKind.HUGGINGFACE: "{origin}",
    models.SourceKind.ARXIV: "{origin}/api/query",
}
"""An address of each kind, by which the kind is guessed. A new kind needs one, and its content below."""


def _publish(origin: origin_server.OriginServer, folder: Path) -> None:
    origin.pages["/2025-05-06.md"] = source_payloads.newsletter()
    origin.pages["/feed"] = source_payloads.atom(source_payloads.arxiv_entry("2505.00003"))
    origin.pages["/api/daily_papers?date=2025-05-06"] = source_payloads.daily_papers(
        source_payloads.daily_papers_item("2505.00001")
    )
    origin.pages["/api/query"] = source_payloads.atom(source_payloads.arxiv_entry("2505.00001"))
    (folder / "2025-05-06.md").write_text(source_payloads.newsletter(), encoding="utf-8")


@pytest.mark.parametrize("kind", models.SourceKind)
async def test_every_kind_can_be_added_and_polled(
    kind: models.SourceKind, sqlite_db: database.Database, tmp_path: Path
) -> None:
    record = kinds.get(kind)
    async with origin_server.run_origin() as origin:
        harness = PollingHarness(sqlite_db, origin)
        _publish(origin, tmp_path)
        address = ADDRESSES[kind].format(origin=origin.url, folder=tmp_path)
        added = await harness.registry.add(address)
        assert added.kind is kind
        if record.stage is base.Stage.MISSING_FACTS:
            await harness.add("/2025-05-06.md", "url")  # brings papers that lack facts
        reports = {report.source.url: report for report in await harness.fetch_due()}
        assert reports[address].status is models.FetchStatus.OK, reports[address].reason
        stored = (await harness.health())[address]
    assert (stored.last_success_at, stored.next_attempt_at) == (
        harness.now,
        harness.now + record.poll_interval,
    )


@pytest.mark.parametrize("kind", models.SourceKind)
async def test_every_kind_rejects_an_unusable_address(
    kind: models.SourceKind, sqlite_db: database.Database
) -> None:
    async with origin_server.run_origin() as origin:
        harness = PollingHarness(sqlite_db, origin)
        with pytest.raises(errors.UsageError):
            await harness.registry.add("ftp://h.test/no/such/folder", kind=kind)


@pytest.mark.parametrize("kind", models.SourceKind)
@pytest.mark.parametrize("locale", models.Locale)
def test_every_kind_has_a_label_in_every_language(kind: models.SourceKind, locale: models.Locale) -> None:
    texts = translations.load().for_locale(locale)
    assert operations_messages.kind_label(texts, kind)
    assert kinds.public_label(kind, "https://me:pass@h.test/a?key=secret")


@pytest.mark.parametrize("provider", digest_writer.MetadataProvider)
def test_every_provider_is_ranked_by_the_merge(provider: digest_writer.MetadataProvider) -> None:
    assert provider in digest_writer.PRECEDENCE["title"]
    assert provider in digest_writer.PRECEDENCE["authors"]
