"""A withdrawn paper from arXiv's answer to the post that does not have it, to `/why` and to exports."""

import csv
import io
import json

from bot.archive.exports import ExportFormat, export_digests
from bot.features.daily.why import Cause
from bot.i18n import texts as i18n_texts
from bot.rendering.templates import Templates
from storage import models
from tests.support import origin_server, source_payloads
from tests.support.polling_harness import PollingHarness
from tests.support.world import MONDAY, World, arxiv_id, moment

COMMENTS = {
    "A": "12 pages. This paper has been withdrawn by the authors due to a mistake in Lemma 1",
    "B": "arXiv admin note: submission has been withdrawn by arXiv administrators due to disputed authorship",
    "C": "The slides are not withdrawn",
    "D": "",
}
ABSTRACTS = {"D": "This paper has been withdrawn, since its data were mixed up."}
WITHDRAWN = {"A": "authors", "B": "arxiv", "D": "authors"}


async def test_what_arxiv_answers_about_a_withdrawal_decides_on_the_post_and_is_exported(
    world: World,
) -> None:
    await world.daily(papers=4)
    world.now = moment("Mon 20:00")
    items = (
        f"<item><link>https://arxiv.org/abs/{arxiv_id(name)}</link><pubDate>{MONDAY}</pubDate></item>"
        for name in COMMENTS
    )
    entries = [
        source_payloads.arxiv_entry(arxiv_id(name), comment=comment).replace(
            "Small things\nare studied.", ABSTRACTS.get(name, "Small things are studied.")
        )
        for name, comment in COMMENTS.items()
    ]
    async with origin_server.run_origin() as origin:
        origin.pages |= {"/feed": source_payloads.rss(*items), "/api/query": source_payloads.atom(*entries)}
        harness = PollingHarness(world.database, origin, world.now)
        await harness.add("/feed", "feed")
        await harness.fetch_due()
    await world.at("Tue 09:00")
    assert world.sent == ["C"]
    for name, by in WITHDRAWN.items():
        found = await world.explain(name)
        assert (found.cause, found.reason) == (Cause.WITHDRAWN, by)
    assert (await world.explain("C")).cause is Cause.POSTED
    await _check_exports(world)


async def _check_exports(world: World) -> None:
    async def export(form: ExportFormat) -> str:
        return await export_digests(
            world.database, form, Templates(None), since_on=None, until_on=None, locale=models.Locale.EN
        )

    expected = {arxiv_id(name): WITHDRAWN.get(name) for name in COMMENTS}
    rows = csv.DictReader(io.StringIO((await export(ExportFormat.CSV)).removeprefix("\ufeff")))
    assert {row["arxiv_id"]: row["withdrawn_by"] or None for row in rows} == expected
    [digest] = map(json.loads, (await export(ExportFormat.JSON)).splitlines())
    assert {paper["arxiv_id"]: paper["stored"]["withdrawn_by"] for paper in digest["papers"]} == expected
    notes = [line for line in (await export(ExportFormat.BIBTEX)).split("\n") if line.startswith("  note ")]
    assert len(notes) == len(COMMENTS)
    assert sum("ithdrawn by its authors" in note for note in notes) == 1, "D's comment does not say so itself"


def test_both_languages_say_who_withdrew_it() -> None:
    for locale in models.Locale:
        texts = i18n_texts.for_locale(locale)
        by_arxiv, by_authors = (texts("why-withdrawn", by=by) for by in ("arxiv", "authors"))
        assert ("arXiv" in by_arxiv, "arXiv" in by_authors) == (True, False)
