"""A conference in Discord: its list by `/digest`, its name on cards and where it is typed."""

from bot.app.workers import Workers
from bot.archive import listing
from storage import models, sources
from storage.models import DigestFormat
from tests.support.client_harness import ClientHarness, both_languages, shown_text

URL, LABEL, KEY = "https://a.example/iclr.md", "ICLR 2026", "openreview/aB3dEfGh1J"


async def fill(harness: ClientHarness) -> None:
    database, now = harness.container.database, harness.env.now()
    options = {"label": LABEL}
    await database.write(sources.add, url=URL, kind=models.SourceKind.URL, now=now, options=options)
    papers = [{"key": KEY, "title": "Robots that walk"}, {"key": "openreview/aB3dEfGh2J", "title": "Moss"}]
    digest = listing.build(now.date(), papers, form=DigestFormat.LIST)
    await Workers(harness.container).ingest.put(URL, URL, [digest], is_for_lookup=True)


@both_languages
async def test_a_label_is_a_list_a_filter_and_on_the_card(harness: ClientHarness) -> None:
    await fill(harness)
    listed = shown_text(await harness.ask("digest", date="iclr2026"))
    assert f"### {harness.texts('list-topic-heading', topic=LABEL, count=2)}" in listed
    assert "Robots that walk" in listed
    assert "Robots that walk" not in shown_text(await harness.ask("digest"))
    assert LABEL in shown_text(await harness.ask("paper", paper=KEY)).splitlines()[1]
    quoted = "학회:「ICLR 2026」" if harness.texts.locale is models.Locale.KO else 'in:"ICLR 2026"'
    found = shown_text(await harness.ask("topic", query=f"robots {quoted}"))
    assert "Robots that walk" in found
    assert "Maps for Robots" not in found
    offered = await harness.reader.autocomplete(harness.channel, "topic", "query", "robots in:ic")
    assert [choice["value"] for choice in offered] == [f'robots in:"{LABEL}"']
    assert await harness.reader.autocomplete(harness.channel, "topic", "query", "robots in:kai") == []
    typed = f'in:"{LABEL}" from:kais'
    [offered] = await harness.reader.autocomplete(harness.channel, "topic", "query", typed)
    assert offered["value"] == f'in:"{LABEL}" from:"KAIST"'
    offered = await harness.reader.autocomplete(harness.channel, "digest", "date", "icl")
    assert offered[0]["value"] == LABEL
    await harness.add_alert(f'robots in:"{LABEL}"')
    assert LABEL in shown_text(await harness.ask("alerts list"))
