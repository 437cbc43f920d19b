"""Every kind of source: guessed from an address, checked, added, polled and labelled."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from bot.i18n import texts as i18n_texts
from bot.sources import kinds
from storage import errors, models
from storage.models import FetchStatus
from tests.support import source_payloads
from tests.support.origin_server import OriginServer
from tests.support.polling_harness import PollingHarness

SERVICES = {
    models.SourceKind.HUGGINGFACE: "http://127.0.0.1:9000/",
    models.SourceKind.ARXIV: "http://127.0.0.1:9000/api/query",
}
KIND = models.SourceKind


ADDRESSES = {
    KIND.FOLDER: "{folder}",
    KIND.URL: "{origin}/{{date:%Y-%m-%d}}.md",
    KIND.FEED: "{origin}/feed",
    KIND.HUGGINGFACE: "{origin}",
    KIND.ARXIV: "arxiv:cs.CL",
}
"""An address for each kind. A new kind needs an address here and content in `_publish`."""

OTHER_ADDRESSES = {
    KIND.URL: "https://h.test/papers/{date:%Y/%m/%d}.md https://h.test/latest.MD",
    KIND.FEED: "https://h.test/feed.xml https://rss.arxiv.org/rss/cs.CL",
    KIND.HUGGINGFACE: "https://huggingface.co https://huggingface.co/api/daily_papers https://huggingface.co/papers"
    " http://mirror.test/api/daily_papers?date={date:%Y-%m-%d}",
    KIND.ARXIV: "arxiv:cs arxiv:cs.LG,stat.ML",
    KIND.FOLDER: "/srv/papers papers file:///srv/papers",
}


@pytest.mark.parametrize("kind", models.SourceKind)
def test_guesses_the_kind_from_the_address(kind: models.SourceKind) -> None:
    own = ADDRESSES[kind].format(origin="http://127.0.0.1:9000", folder="/srv/papers")
    addresses = [own, *OTHER_ADDRESSES.get(kind, "").split()]
    assert [kinds.guess_kind(address, SERVICES) for address in addresses] == [kind] * len(addresses)


INVALID = {
    KIND.FEED: ["https://", "h.test/feed", "https://h.test/{date:%Y}.xml", "https://h.test/\x00", " "],
    KIND.URL: ["javascript:alert(1)"],
    KIND.FOLDER: ["/no/such/folder", "https://h.test/"],
    KIND.ARXIV: ["arxiv:", "arxiv:cs.CL,", "arxiv:computer-science", "arxiv:hep-th.XX", "arxiv:cs.X1"],
}
INVALID[KIND.FEED] += ["https://h.test/" + "a" * 3000, "https://h.test:99999/"]
INVALID[KIND.ARXIV] += ["arxiv:" + ",".join(["cs.CL"] * 21)]


@pytest.mark.parametrize("kind", INVALID)
def test_invalid_address_raises_a_usage_error(kind: models.SourceKind) -> None:
    for address in INVALID[kind]:
        with pytest.raises(errors.UsageError):
            kinds.check(kind, address, {})


def test_public_label_hides_paths_passwords_folders_and_private_hosts() -> None:
    rows = [
        ("", ""),
        ("arxiv:cs.CL,cs.LG", "arXiv cs.CL,cs.LG"),
        *((path, "folder") for path in ("/srv/secret/papers/", "C:\\papers\\daily", "/")),
        ("https://me:pass@h.test/a/{date:%Y}.md?key=1#top", "h.test"),
        ("https://feeds.example.org:8443/private/S3cr3t.xml", "feeds.example.org"),
        ("https://[h.test/feed", "url"),
        *((f"http://{host}/papers", "url") for host in ("10.20.30.40:8080", "[::1]", "nas", "wiki.internal")),
    ]
    assert [(address, kinds.public_label(address)) for address, _ in rows] == rows


def test_sources_of_one_host_are_numbered() -> None:
    addresses = [f"https://{host}/feed" for host in ("a.test", "b.test/x", "b.test/y", "nas", "10.0.0.1")]
    labels = list(kinds.public_labels(addresses).values())
    assert labels == ["a.test", "b.test", "b.test (2)", "url", "url (2)"]


def _publish(origin: OriginServer, folder: Path) -> None:
    origin.pages["/2025-05-06.md"] = source_payloads.newsletter()
    origin.pages["/feed"] = source_payloads.atom(source_payloads.arxiv_entry("2505.00003"))
    origin.pages["/api/daily_papers?date=2025-05-06"] = source_payloads.daily_papers(
        source_payloads.daily_papers_item("2505.00001")
    )
    origin.pages["/rss/cs.CL"] = source_payloads.rss(
        "<item><link>https://arxiv.org/abs/2505.00001</link><title>A</title><category>cs.CL</category></item>"
    )
    (folder / "2025-05-06.md").write_text(source_payloads.newsletter(), encoding="utf-8")


@pytest.mark.parametrize("kind", models.SourceKind)
async def test_sources_of_every_kind_can_be_added_and_polled(
    kind: models.SourceKind, harness: PollingHarness, tmp_path: Path
) -> None:
    for locale in models.Locale:
        assert i18n_texts.for_locale(locale)(f"source-{kind.value}")
    _publish(harness.origin, tmp_path)
    address = ADDRESSES[kind].format(origin=harness.origin.url, folder=tmp_path)
    added = await harness.registry.add(address)
    assert added.kind is kind
    reports = {report.source.url: report for report in await harness.fetch_due()}
    assert reports[address].status is FetchStatus.OK, reports[address].reason
    stored = (await harness.health())[address]
    next_at = harness.now + kinds.get(kind).poll_interval
    assert (stored.last_success_at, stored.next_attempt_at) == (harness.now, next_at)


async def test_a_list_at_an_address_describes_papers_outside_arxiv_alone(harness: PollingHarness) -> None:
    """docs/sources.md: of arXiv's papers, arXiv tells the abstract."""
    described = {"authors": ["Ann Beech"], "abstract": "Newts sleep in ponds."}
    keys = {"doi": "10.5555/newts.1"}, {"arxiv_id": "2505.00001"}
    harness.origin.pages["/2025-05-06.json"] = json.dumps(
        [{**key, "title": "Sleep in newts across ponds", **described} for key in keys]
    )
    await harness.registry.add(f"{harness.origin.url}/2025-05-06.json")
    await harness.fetch_due()
    newts, moss = await harness.detail("doi/10.5555/newts.1"), await harness.detail("2505.00001")
    assert (newts.title, newts.abstract, newts.authors) == (
        "Sleep in newts across ponds",
        "Newts sleep in ponds.",
        ("Ann Beech",),
    )
    assert (moss.abstract, moss.authors) == (None, ())


async def test_an_inbox_that_is_gone_is_not_created_again_and_keeps_its_digests(
    harness: PollingHarness, tmp_path: Path
) -> None:
    """docs/sources.md: a new one is created; one that was read may be on a disk that is not mounted."""
    inbox = tmp_path / "new" / "inbox"
    await harness.registry.add_configured([], inbox)
    (inbox / "2025-05-06.md").write_text(source_payloads.newsletter(), encoding="utf-8")
    await harness.fetch_due()
    inbox.rename(tmp_path / "elsewhere")
    for _ in range(2):
        harness.now += timedelta(days=2)
        await harness.registry.add_configured([], inbox)
        [report] = await harness.fetch_due()
        assert "there is no such folder" in (report.reason or "")
    assert (await harness.detail("2505.00001")).votes == 10
    (tmp_path / "file").touch()
    with pytest.raises(errors.UsageError, match="cannot be created"):
        await harness.registry.add_configured([], tmp_path / "file" / "inbox")
