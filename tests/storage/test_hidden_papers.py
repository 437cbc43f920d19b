"""A paper that the operator hides is in no post and no alert, whatever brings it again, until it is shown."""

import itertools

import pytest

from bot.archive import listing
from bot.features.today.service import TodayPlanner
from storage import models, outbox, papers, shelf, today
from tests.support.world import READER, World, arxiv_id, day, moment

pytestmark = pytest.mark.engines("sqlite", pytest.param("postgresql", marks=pytest.mark.all_faults))
DOI, FORUM = "doi/10.1234/p.1", "openreview/aB3dEfGh1J"


async def hide(world: World, key: str, *, hidden: bool = True) -> None:
    assert await world.ingest().set_hidden(key, hidden=hidden) is not None


async def test_no_post_and_no_alert_has_it_though_its_source_brings_it_again(world: World) -> None:
    await world.daily(papers=3)
    await world.alert("Paper")
    await world.list("Mon", "A▲9 B▲8", at="Mon 20:00")
    await hide(world, arxiv_id("A"))
    await world.at("Tue 09:00")
    assert sorted(world.sent) == ["@7 B", "B"]
    await world.list("Mon", "A▲20 B▲8 D▲1", at="Tue 10:00")
    await world.list("Tue", "A▲20 C▲7", at="Tue 20:00")
    await world.facts("A", votes=90, title="Paper A again", listed_on=day("Tue"))
    await world.at("Wed 09:00")
    assert sorted(world.sent[2:]) == ["@7 C D", "C D"]
    assert await world.database.fetch(papers.find_hidden, [arxiv_id("A"), arxiv_id("B")]) == {arxiv_id("A")}
    await hide(world, arxiv_id("A"), hidden=False)
    await world.at("Thu 09:00")
    assert world.sent[4:] == [], "it is not new because it is shown"
    shown = await world.search.find_paper(arxiv_id("A"))
    assert shown is not None
    assert (shown.title, shown.votes, shown.last_on) == ("Paper A again", 90, day("Tue"))


async def test_a_post_and_an_alert_that_wait_go_on_without_it(world: World) -> None:
    await world.daily(papers=3)
    await world.alert("Paper")
    await world.list("Mon", "A▲9 B▲8", at="Mon 20:00")
    world.now = moment("Tue 09:00")
    await world.daily_planner.tick(world.now)
    await world.alert_planner.drain()
    waiting = await world.database.fetch(outbox.list_rows, state=models.DeliveryState.WAITING)
    assert [row.papers for row in waiting] == [(arxiv_id("A"), arxiv_id("B"))] * 2
    await hide(world, arxiv_id("A"))
    await world.at("Tue 09:05")
    assert sorted(world.sent) == ["@7 B", "B"]


@pytest.mark.parametrize("is_joined_first", [True, False])
@pytest.mark.parametrize("kind", ["daily", "alert", "now", "today"])
async def test_a_message_that_waits_under_the_papers_former_key_goes_on_without_it(
    world: World, kind: str, is_joined_first: bool
) -> None:
    """docs/operating.md: *Post now* does not come. Hidden before or after both keys are known as one paper's."""
    if kind == "alert":
        await world.alert("Paper")
    elif kind == "today":
        profile = today.Profile(READER, "12:00", "Asia/Seoul", day("Mon"))
        await world.database.write(today.add, profile)
    else:
        row = await world.daily(papers=3)
    rows = [{"key": FORUM, "title": "Paper A", "votes": 9}, {"key": arxiv_id("B"), "title": "Paper B"}]
    world.now = moment("Mon 20:00")
    digest = listing.build(day("Mon"), rows, form=models.DigestFormat.LIST)
    await world.ingest().put("https://f.example", "u", [digest])
    await world.alert_planner.drain()
    world.now = moment({"now": "Tue 08:59", "today": "Tue 12:00"}.get(kind, "Tue 09:00"))
    match kind:
        case "daily":
            await world.daily_planner.tick(world.now)
        case "alert":
            await world.alert_planner.drain()
        case "now":
            assert await world.on_demand.plan(row.id, 1)
        case "today":
            await world.workers.services.get(TodayPlanner).tick(world.now)
    [planned] = await world.database.fetch(outbox.list_rows, state=models.DeliveryState.WAITING)
    assert set(planned.papers) == {FORUM, arxiv_id("B")}
    if not is_joined_first:
        await hide(world, FORUM)
    await world.facts("A", source="arxiv", title="Paper A", names=(FORUM,))
    if is_joined_first:
        await hide(world, FORUM)
    waiting = await world.database.fetch(outbox.list_rows, state=models.DeliveryState.WAITING)
    assert {key for row in waiting for key in row.papers} <= {arxiv_id("B")}
    if kind == "today":
        await world.workers.services.get(TodayPlanner).tick(world.now)
    await world.wait(minutes=5)
    assert [text.removeprefix("@7 ") for text in world.sent] == ["B"]


async def test_one_that_was_only_looked_up_stays_hidden_and_its_savers_keep_it(world: World) -> None:
    await world.facts("A", source="arxiv", title="Paper A", names=(DOI,))
    ids = await world.database.fetch(papers.get_ids, [DOI])
    await world.database.write(shelf.save_at, READER, {ids[DOI]: world.now})
    await hide(world, DOI)
    assert await world.search.find_paper(arxiv_id("A")) is None
    rows, number = await world.database.fetch(shelf.list_rows, READER)
    assert ([row.title for row in rows], number) == (["Paper A"], 1)
    await world.database.write(shelf.remove, READER, ids[DOI])
    await world.facts("Z", source="arxiv", title="The last row is never purged")
    assert await world.database.write(papers.purge_unkept, 10, read_before=moment("Sun+1 09:00")) == 0
    await world.list("Mon", "A▲9", at="Mon 20:00")
    assert await world.search.find_paper(DOI) is None


@pytest.mark.parametrize("order", [*itertools.permutations([arxiv_id("A"), DOI, FORUM])])
@pytest.mark.parametrize("named", ["in a list", "by a source"])
async def test_of_three_that_become_one_in_a_reading_any_that_is_hidden_hides_it(
    world: World, order: tuple[str, ...], named: str
) -> None:
    """docs/operating.md: in no post, list and search, also when its source brings it again; once in `papers show`."""
    await world.daily(papers=3)
    world.now = moment("Sun-1 20:00")
    for number, key in enumerate(order):
        rows = [{"key": key, "title": "Paper A", "votes": 9}]
        digest = listing.build(day("Sun-1"), rows, form=models.DigestFormat.LIST)
        await world.ingest().put(f"https://{number}.example", "u", [digest])
    await hide(world, order[-1])
    world.now = moment("Mon 20:00")
    if named == "in a list":
        paper = {"key": order[0], "names": list(order[1:]), "title": "Paper A", "votes": 9}
        rows = [paper, {"key": arxiv_id("B"), "title": "Paper B"}]
        digest = listing.build(day("Mon"), rows, form=models.DigestFormat.LIST)
        await world.ingest().put("https://f.example", "u", [digest])
    else:
        told = models.PaperFacts(order[0], "https://f.example", "u", world.now, names=order[1:])
        await world.ingest().add_facts([told])
        await world.list("Mon", "B▲8")
    assert await world.database.fetch(papers.find_hidden, order) == {*order}
    assert [key for key, _ in await world.database.fetch(papers.list_hidden)] == [arxiv_id("A")]
    assert [await world.search.find_paper(key) for key in order] == [None] * 3
    await world.at("Tue 09:00")
    assert world.sent == ["B"]


async def test_joined_with_another_the_one_paper_is_hidden(world: World) -> None:
    await world.list("Mon", "A▲9", at="Mon 20:00")
    await world.facts("A", source="arxiv", title="Paper A")
    await world.ingest().add_facts(
        [models.PaperFacts(DOI, "https://f.example", "u", world.now, title="Paper A")]
    )
    await hide(world, DOI)
    await world.facts("A", source="arxiv", title="Paper A", names=(DOI,))
    assert await world.database.fetch(papers.find_hidden, [arxiv_id("A"), DOI]) == {arxiv_id("A"), DOI}
    assert await world.search.find_paper(arxiv_id("A")) is None
