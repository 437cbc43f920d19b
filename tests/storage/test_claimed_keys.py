"""A key that one paper claims joins it with another only if both agree, in any order, and the operator can part the two.

Expectations: `docs/storage.md`, *Which module has a table*, and `docs/operating.md`, *A paper*.
"""

import itertools
from datetime import UTC, date, datetime

import pytest

from bot.archive import listing
from bot.archive.ingest import IngestService
from bot.sources import feed_entries
from storage import archive, database, models, papers, shelf
from storage.models import DigestFormat
from tests.support.world import READER, World, day

pytestmark = pytest.mark.engines("sqlite", pytest.param("postgresql", marks=pytest.mark.all_faults))
NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
MOSS, EVE, ANN = "doi/10.1234/moss.1", "2601.09999", "2601.08888"
TITLE, OTHER = "Moss on Old Walls at Night", "Buy My Snake Oil"


async def answer(ingest: IngestService, key: str, title: str, doi: str = "10.1234/moss.1") -> None:
    """Read what arXiv's API says of a paper whose author gave a DOI."""
    text = f"""<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom"><entry>
    <id>http://arxiv.org/abs/{key}v1</id><title>{title}</title><published>2026-01-02T00:00:00Z</published>
    <summary>An abstract.</summary><author><name>Ada Byron</name></author>
    <arxiv:doi>{doi}</arxiv:doi></entry></feed>"""
    [entry] = feed_entries.parse_document(text, "https://export.arxiv.org/api/query").entries
    paper = feed_entries.read_paper(entry)
    assert paper is not None
    await ingest.add_facts([feed_entries.paper_facts(entry, paper, "u", "arxiv", NOW)])


async def enlist(ingest: IngestService, name: str, *rows: str) -> None:
    await ingest.add_text("\n".join(("# 2026-01-03", "", *rows)), location=f"{name}.md")


def row(title: str, *keys: str) -> str:
    links = {key: key.replace("doi/", "https://doi.org/") for key in keys}
    links |= {key: f"https://arxiv.org/abs/{key}" for key in keys if models.arxiv_id_of(key)}
    return f"- {title} " + " ".join(f"[[{number}]]({link})" for number, link in enumerate(links.values()))


@pytest.mark.parametrize("by", ["arXiv's answer", "a list", "a feed's entry"])
@pytest.mark.parametrize("order", [*itertools.permutations(["listed", "claimed", "true"])])
async def test_a_claimed_key_is_that_of_the_paper_that_its_own_source_describes(
    db: database.Database, order: tuple[str, ...], by: str
) -> None:
    """Who has the DOI saved keeps Moss, whichever came first; the true author's claim is not blocked."""
    ingest = IngestService(db, lambda: NOW)
    for event in order:
        key, title = (EVE, OTHER) if event == "claimed" else (ANN, TITLE)
        if event == "listed":
            await enlist(ingest, event, f"- [{TITLE}](https://doi.org/10.1234/moss.1)")
            ids = await db.fetch(papers.get_ids, [MOSS])
            await db.write(shelf.save_at, READER, {ids[MOSS]: NOW})
        elif by == "arXiv's answer":
            await answer(ingest, key, title)
        elif by == "a list":
            await enlist(ingest, event, row(title, key, MOSS))
        else:
            fact = models.PaperFacts(key, "https://f.example", "u", NOW, title=title, names=(MOSS,))
            await ingest.add_facts([fact])
    ids = await db.fetch(papers.get_ids, [MOSS, EVE, ANN])
    assert ids[MOSS] == ids[ANN] != ids[EVE]
    saved, _ = await db.fetch(shelf.list_rows, READER)
    assert [(paper.key, paper.title) for paper in saved] == [(ANN, TITLE)]
    async with db.read() as connection:
        stored = await papers.list_merged(connection, ids=[ids[EVE]])
        listed = await archive.list_appearances(connection, [ids[EVE], ids[ANN]])
    assert stored[ids[EVE]].title == OTHER
    assert {of.entry.title for of in listed[ids[ANN]]} == {TITLE}
    assert {of.entry.title for of in listed.get(ids[EVE], ())} <= {OTHER}


@pytest.mark.parametrize("order", [*itertools.permutations([0, 1])])
async def test_a_list_that_names_two_papers_by_one_key_has_both(
    db: database.Database, order: tuple[int, ...]
) -> None:
    """The DOI's own line in the list that claims it, before or after the claim, and read again with a further paper."""
    ingest, rows = IngestService(db, lambda: NOW), [row(OTHER, EVE, MOSS), row(TITLE, MOSS)]
    await enlist(ingest, "list", *(rows[number] for number in order))
    await enlist(ingest, "list", *(rows[number] for number in order), "- https://arxiv.org/abs/2601.00003")
    async with db.read() as connection:
        listed = await papers.list_by_date(connection, date(2026, 1, 3))
    titles = {paper.key: paper.title for paper in listed}
    assert titles == {EVE: OTHER, MOSS: TITLE, "2601.00003": None}


@pytest.mark.parametrize(
    ("title", "is_one"),
    [
        ("MOSS ON OLD WALLS, AT NIGHT", True),
        ("Moss on \\emph{Old} Walls at Night: A Study of Lichens", True),
        ("Mosses on Old Walls at Night", True),
        ("Moss on Old Walls", False),
        ("Moss on Old Walls at Night 2", False),
        ("Where Lichens Grow: Moss on Old Walls at Night", False),
    ],
)
@pytest.mark.parametrize("is_claimed_first", [True, False])
async def test_a_title_that_differs_in_spelling_or_a_subtitle_is_that_of_the_same_paper(
    db: database.Database, title: str, is_claimed_first: bool, is_one: bool
) -> None:
    ingest = IngestService(db, lambda: NOW)
    if is_claimed_first:
        await answer(ingest, ANN, title)
    await enlist(ingest, "list", f"- [{TITLE}](https://doi.org/10.1234/moss.1)")
    if not is_claimed_first:
        await answer(ingest, ANN, title)
    ids = await db.fetch(papers.get_ids, [MOSS, ANN])
    assert (ids[MOSS] == ids[ANN]) is is_one


@pytest.mark.parametrize(("title", "is_one"), [(TITLE, True), (OTHER, False)])
async def test_a_claim_waits_for_a_paper_that_is_listed_without_a_title_until_it_has_one(
    db: database.Database, title: str, is_one: bool
) -> None:
    ingest = IngestService(db, lambda: NOW)
    await enlist(ingest, "list", f"- https://arxiv.org/abs/{ANN}")
    claim = models.PaperFacts(MOSS, "https://f.example", "u", NOW, title=TITLE, names=(ANN,))
    await ingest.add_facts([claim])
    ids = await db.fetch(papers.get_ids, [MOSS, ANN])
    assert ids[MOSS] != ids[ANN]
    await ingest.add_facts([models.PaperFacts(ANN, "arxiv", "u", NOW, title=title)])
    ids = await db.fetch(papers.get_ids, [MOSS, ANN])
    assert (ids[MOSS] == ids[ANN]) is is_one


async def test_a_confirmed_key_stays_the_papers_though_its_title_changes(db: database.Database) -> None:
    ingest = IngestService(db, lambda: NOW)
    await answer(ingest, ANN, TITLE)
    await enlist(ingest, "list", f"- [{TITLE}](https://doi.org/10.1234/moss.1)")
    await answer(ingest, ANN, "What Grows on Walls")
    await enlist(ingest, "other", f"- [{TITLE}, Revised](https://doi.org/10.1234/moss.1)")
    ids = await db.fetch(papers.get_ids, [MOSS, ANN])
    assert ids[MOSS] == ids[ANN]


@pytest.mark.parametrize("named", [MOSS, EVE])
async def test_a_parted_paper_has_what_was_said_and_saved_under_its_key_and_is_not_joined_again(
    db: database.Database, named: str
) -> None:
    """Both papers have one title, so that the claim joins them; `papers part` by either key undoes it."""
    ingest, before, both, after = IngestService(db, lambda: NOW), READER, READER + 1, READER + 2
    other = READER + 3
    moss = [{"key": MOSS, "title": TITLE, "abstract": "Of moss."}]
    await ingest.put(
        "https://m.example", "m", [listing.build(date(2026, 1, 1), moss, form=DigestFormat.LIST)]
    )
    await ingest.add_facts(
        [models.PaperFacts(MOSS, "https://m.example", "m", NOW, title=TITLE, abstract="Of moss.")]
    )
    await enlist(ingest, "eve", f"- [{TITLE}](https://arxiv.org/abs/{EVE})")
    ids = await db.fetch(papers.get_ids, [MOSS, EVE])
    for reader, saved_under in ((before, [MOSS]), (both, [MOSS, EVE]), (other, [EVE])):
        await db.write(shelf.save_at, reader, {ids[key]: NOW for key in saved_under})
    await db.write(shelf.update, before, ids[MOSS], note="read it")
    await answer(ingest, EVE, TITLE)
    ids = await db.fetch(papers.get_ids, [MOSS, EVE])
    assert ids[MOSS] == ids[EVE]
    await db.write(shelf.save_at, after, {ids[EVE]: NOW})

    parted = await ingest.part(named)
    assert {paper.key for paper in parted} == {MOSS, EVE}
    await answer(ingest, EVE, TITLE)
    await enlist(ingest, "again", row(TITLE, EVE, MOSS))
    ids = await db.fetch(papers.get_ids, [MOSS, EVE])
    assert ids[MOSS] != ids[EVE]
    for reader, keys in ((before, {MOSS}), (both, {MOSS, EVE}), (other, {EVE}), (after, {EVE})):
        rows, _ = await db.fetch(shelf.list_rows, reader)
        assert {saved.key for saved in rows} == keys, reader
    [saved], _ = await db.fetch(shelf.list_rows, before)
    assert (saved.title, saved.note) == (TITLE, "read it")
    async with db.read() as connection:
        assert [paper.key for paper in await papers.list_by_date(connection, date(2026, 1, 1))] == [MOSS]
        assert [paper.key for paper in await papers.list_by_date(connection, date(2026, 1, 3))] == [EVE]
        told = await papers.list_facts_by_paper(connection, ids.values())
    assert [fact.source for fact in told[ids[MOSS]]] == ["https://m.example"]
    assert [fact.source for fact in told[ids[EVE]]] == ["arxiv", "files"]
    assert await ingest.part(MOSS) == parted[:1], "it has no other key"
    assert await ingest.part("2601.00001") == []


async def test_a_parted_paper_of_three_leaves_the_other_two_joined(db: database.Database) -> None:
    ingest, keys = IngestService(db, lambda: NOW), [ANN, "openreview/aB3dEfGh1J", MOSS]
    for key in keys:
        await ingest.add_facts([models.PaperFacts(key, f"https://{key[:3]}.example", "u", NOW, title=TITLE)])
    told = models.PaperFacts(ANN, "arxiv", "u", NOW, title=TITLE, names=tuple(keys[1:]))
    await ingest.add_facts([told])
    assert len({*(await db.fetch(papers.get_ids, keys)).values()}) == 1
    await ingest.part(MOSS)
    await ingest.add_facts([told])
    ids = await db.fetch(papers.get_ids, keys)
    assert ids[ANN] == ids[keys[1]] != ids[MOSS]


async def test_nothing_is_posted_again_after_papers_were_parted(world: World) -> None:
    await world.daily(papers=3)
    await world.alert("Paper")
    await world.list("Mon", "A▲9 B▲8", at="Mon 20:00")
    await world.facts("A", source="arxiv", title="Paper A", names=(MOSS,))
    same = listing.build(day("Mon"), [{"key": MOSS, "title": "Paper A"}], form=DigestFormat.LIST)
    await world.ingest().put("https://m.example", "m", [same])
    await world.at("Tue 09:00")
    assert sorted(world.sent) == ["@7 A B", "A B"]
    assert len(await world.ingest().part(MOSS)) == 2
    await world.list("Tue", "C▲7", at="Tue 20:00")
    await world.at("Wed 09:00")
    assert sorted(world.sent[2:]) == ["@7 C", "C"]


@pytest.mark.parametrize("order", [*itertools.permutations(["2601.08888", "openreview/aB3dEfGh1J"])])
async def test_of_three_keys_in_one_claim_the_paper_that_is_described_otherwise_stays_apart(
    db: database.Database, order: tuple[str, ...]
) -> None:
    """The claimant and a key of arXiv that nothing is known of are one; a key of another paper is not, in either order."""
    ingest = IngestService(db, lambda: NOW)
    await enlist(ingest, "list", f"- [{OTHER}](https://openreview.net/forum?id=aB3dEfGh1J)")
    await ingest.add_facts([models.PaperFacts(MOSS, "https://f.example", "u", NOW, title=TITLE, names=order)])
    ids = await db.fetch(papers.get_ids, [MOSS, *order])
    assert ids[MOSS] == ids[ANN] != ids["openreview/aB3dEfGh1J"]
