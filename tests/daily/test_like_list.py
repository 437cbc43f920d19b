"""Daily posts of papers that are like a server's list: their order, reasons and silence, and how they end."""

import random
from collections.abc import Iterable
from typing import Any

import pytest

from storage import errors, models, papers, shelf, sources
from storage.database import Database
from tests.support.world import GUILD, World, arxiv_id

COMMON = [
    "model",
    "data",
    "method",
    "result",
    "learn",
    "task",
    "train",
    "test",
    "scale",
    "study",
    "graph",
    "sound",
    "text",
]
ROBOTS = ["robot", "gripper", "grasp", "hand", "touch", "force", "joint", "torque"]
SPEECH = ["speech", "voice", "accent", "noise", "microphone", "tone", "vowel", "whisper"]
NAMES = [f"{letter}{number}" for letter in "STUVW" for number in range(1, 21)]


def _paper(name: str, words: Iterable[str], concept: str = "", votes: int = 1) -> str:
    """Return a paper of four of these words and six that all papers use, as a world reads it. `concept` is in its title."""
    chance = random.Random(name)
    own = " ".join([*chance.sample(list(words), 4), *chance.sample(COMMON, 6)])
    return f'{name}▲{votes} "{own} {concept} | {own}."'


def robot(name: str, votes: int = 1) -> str:
    return _paper(name, ROBOTS, "with Reinforcement Learning", votes)


def speech(name: str, votes: int = 1) -> str:
    return _paper(name, SPEECH, "Speech Recognition", votes)


def other(name: str, votes: int = 50) -> str:
    return _paper(name, [f"{name.lower()}x{number}" for number in range(4)], votes=votes)


class LikeWorld(World):
    """A world with a hundred papers of other topics, five on robots (R) and five on speech (P), of days long ago."""

    async def prepare(self, *names: str) -> None:
        """Put papers on the server's list."""
        await self.list("Sun-5", " ".join(map(other, NAMES)))
        await self.list("Sat-5", " ".join(robot(f"R{number}") for number in range(1, 8)))
        await self.list("Fri-5", " ".join(speech(f"P{number}") for number in range(1, 8)))
        await self.put(*names)

    async def put(self, *names: str) -> None:
        ids = await self.database.fetch(papers.get_ids, [arxiv_id(name) for name in names])
        async with self.database.transaction() as connection:
            await shelf.add_to_list(connection, GUILD, ids.values(), 7, self.now, b"s")


FIVE = [f"R{number}" for number in range(1, 6)]


async def test_a_post_has_what_is_like_the_list_the_nearest_first_and_is_silent_on_other_days(
    sqlite_db: Database,
) -> None:
    world = LikeWorld(sqlite_db)
    await world.prepare(*FIVE)
    await world.daily(topic="like:list", papers=3)
    await world.list("Mon", f"{robot('A')} {other('B')} {other('C')} {robot('D')}", at="Mon 08:00")
    await world.at("Mon 09:00")
    await world.list("Tue", f"{other('E')} {other('F')} {speech('G')}", at="Tue 08:00")
    await world.at("Tue 09:00", "Tue 15:00", "Tue 21:00")
    await world.list("Wed", f"{other('H')} {robot('I')}", at="Wed 08:00")
    await world.at("Wed 09:00")
    assert [sorted(text.split()) for text in world.sent] == [["A", "D"], ["I"]]


async def test_each_paper_says_how_many_of_the_list_it_has_a_topic_in_common_with(
    sqlite_db: Database,
) -> None:
    world = LikeWorld(sqlite_db)
    mentioned = " Reinforcement learning helps."
    once, twice = (
        _paper(name, ROBOTS)[:-1] + count * mentioned + ' Finally."' for name, count in (("M", 1), ("N", 2))
    )
    await world.list("Sat-4", f"{once} {twice}")
    await world.prepare(*FIVE, "P1", "M", "N")
    await world.daily(topic="비슷:목록")
    await world.list("Mon", f"{robot('A')} {other('B')}", at="Mon 08:00")
    await world.at("Mon 09:00")
    [paper] = world.renderer.posts[0].papers
    assert [(each.papers, each.english, each.korean) for each in paper.shared] == [
        (6, "reinforcement learning", "강화 학습")
    ], "five by their titles and one whose text repeats it; one that mentions it is not on it"


async def test_a_change_of_the_list_counts_from_the_next_post_on(sqlite_db: Database) -> None:
    world = LikeWorld(sqlite_db)
    await world.prepare(*FIVE)
    await world.daily(topic="like:list", papers=3)
    await world.list("Mon", f"{robot('A')} {speech('B')}", at="Mon 08:00")
    await world.at("Mon 09:00")
    await world.put(*(f"P{number}" for number in range(1, 6)))
    await world.list("Tue", f"{other('C')} {speech('D')}", at="Tue 08:00")
    await world.at("Tue 09:00")
    assert world.sent == ["A", "D"]


async def test_what_is_on_the_list_already_is_not_posted(sqlite_db: Database) -> None:
    world = LikeWorld(sqlite_db)
    await world.prepare(*FIVE)
    await world.daily(topic="like:list", papers=3)
    await world.list("Mon", f"{robot('A')} {robot('B')} {other('C')}", at="Mon 08:00")
    await world.put("B")
    await world.at("Mon 09:00")
    assert world.sent == ["A"]


@pytest.mark.parametrize("listed", [[], FIVE[:4]])
async def test_a_post_waits_for_five_papers_on_the_list_and_then_comes(
    sqlite_db: Database, listed: list[str]
) -> None:
    world = LikeWorld(sqlite_db)
    await world.prepare(*listed)
    row = await world.daily(topic="like:list")
    await world.list("Mon", f"{robot('A')} {other('B')}", at="Mon 08:00")
    await world.at("Mon 09:00", "Mon 12:00")
    assert world.sent == []
    await world.put(*FIVE)
    await world.at("Mon 14:00")
    assert world.sent == ["A"]
    assert (await world.subscriptions.get(row.id)).state is models.ActivityState.ACTIVE


async def test_hidden_papers_of_the_list_do_not_count(sqlite_db: Database) -> None:
    world = LikeWorld(sqlite_db)
    await world.prepare(*FIVE)
    await world.daily(topic="like:list")
    await world.list("Mon", f"{robot('A')} {other('B')}", at="Mon 08:00")
    for name in FIVE[:2]:
        await world.ingest().set_hidden(arxiv_id(name), hidden=True)
    await world.at("Mon 09:00")
    assert world.sent == []
    with pytest.raises(errors.UsageError, match="papers 3 have one"):
        await world.search.our_lists.compare(GUILD, {})


async def test_other_terms_limit_what_is_like_the_list(sqlite_db: Database) -> None:
    world = LikeWorld(sqlite_db)
    await world.prepare(*FIVE)
    await world.daily(topic="like:list votes:5")
    await world.list("Mon", f"{robot('A', 9)} {robot('B', 3)} {other('C')}", at="Mon 08:00")
    await world.at("Mon 09:00")
    assert world.sent == ["A"]


async def test_the_posts_of_two_servers_have_what_is_like_the_list_of_each(sqlite_db: Database) -> None:
    world = LikeWorld(sqlite_db)
    await world.prepare(*FIVE)
    ids = await sqlite_db.fetch(papers.get_ids, [arxiv_id(f"P{number}") for number in range(1, 6)])
    async with sqlite_db.transaction() as connection:
        await shelf.add_to_list(connection, GUILD + 1, ids.values(), 7, world.now, b"s")
    await world.daily(topic="like:list")
    other_row = await world.daily(topic="like:list", channel=21)
    await world.force(other_row, guild_id=GUILD + 1)
    await world.list("Mon", f"{robot('A')} {speech('B')} {other('C')}", at="Mon 08:00")
    await world.at("Mon 09:00")
    assert sorted(world.sent) == ["#21 B", "A"]


async def test_a_webhook_cannot_post_what_is_like_a_list(sqlite_db: Database) -> None:
    world = World(sqlite_db)
    draft = models.Subscription(guild_id=models.NO_GUILD, channel_id=5, topic="like:list")
    with pytest.raises(errors.UsageError, match="of no server"):
        await world.subscriptions.add(draft, webhook_token="t")


async def _conference(sqlite_db: Database, count: int) -> LikeWorld:
    """Return a world whose source *ICLR 2026* lists three hundred papers on one day, of which so many are like the list."""
    world = LikeWorld(sqlite_db)
    await world.prepare(*FIVE)
    url = "https://conference.example"
    options = {"label": "ICLR 2026"}
    await sqlite_db.write(sources.add, url=url, kind=models.SourceKind.FEED, now=world.now, options=options)
    near = [robot(f"K{number}") for number in range(1, count + 1)]
    far = [other(f"{letter}{number}") for letter in "LMNO" for number in range(1, 71)]
    await world.list("Mon-3", " ".join([*near, *far]), source=url, for_lookup=True)
    return world


@pytest.mark.parametrize(
    "settings",
    [{"topic": 'like:list in:"ICLR 2026"'}, {"topic": "like:list", "source": "https://conference.example"}],
)
async def test_a_label_comes_a_few_a_day_until_none_is_left_and_says_so_once(
    sqlite_db: Database, settings: dict[str, Any]
) -> None:
    world = await _conference(sqlite_db, 7)
    row = await world.daily(papers=3, **settings)
    assert row.source == "https://conference.example"
    for day in ("Mon", "Tue", "Wed", "Thu", "Fri"):
        await world.at(f"{day} 09:00", f"{day} 21:00")
    assert [len(text.split()) for text in world.sent] == [3, 3, 1]
    assert len({name for text in world.sent for name in text.split()}) == 7
    assert [post.planned.is_end for post in world.renderer.posts] == [False, False, True]


async def test_a_label_of_which_nothing_is_like_the_list_posts_nothing(sqlite_db: Database) -> None:
    world = await _conference(sqlite_db, 0)
    await world.daily(papers=3, topic='like:list in:"ICLR 2026"')
    await world.at("Mon 09:00", "Mon 21:00", "Tue 09:00")
    assert world.sent == []


async def test_of_more_papers_than_were_measured_a_post_has_at_most_three(sqlite_db: Database) -> None:
    world = LikeWorld(sqlite_db)
    await world.prepare(*FIVE)
    await world.daily(topic="like:list", papers=9)
    for day, letter, others in (("Mon", "A", 80), ("Tue", "B", 120)):
        near = [robot(f"{letter}{number}") for number in range(1, 6)]
        far = [other(f"{'X' if day == 'Mon' else 'Y'}{number}") for number in range(1, others)]
        await world.list(day, " ".join([*near, *far]), at=f"{day} 08:00")
        await world.at(f"{day} 09:00")
    measured, beyond = (len(text.split()) for text in world.sent)
    assert measured > 3
    assert beyond == 3
