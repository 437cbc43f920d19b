"""`paperround run --once` that is killed at twenty places, and run again."""

import json

import pytest

from tests.support.fault_harness import FaultHarness
from tests.support.running_bot import PAPER, SingleRuns, post_in

KILLS = 20


@pytest.mark.promise
@pytest.mark.engines("sqlite", "postgresql")
@pytest.mark.all_faults
async def test_a_run_that_is_killed_at_any_of_twenty_places_loses_and_doubles_nothing(
    harness: FaultHarness,
) -> None:
    single = SingleRuns(harness.fake, harness.folder, {"PAPERROUND_DATABASE_URL": harness.database_url})
    single.write_digest()
    channels = harness.fake.add_channels(KILLS + 2)
    places = harness.folder / "places"

    async def run(number: int, posts: int) -> int:
        """Run with posts in the first channels, up to the place with a number."""
        single.write_set_up(*map(post_in, channels[:posts]))
        places.write_text("")
        before = ("", str(places), str(number))
        found = await single.run(module="tests.support.shifted_command", before=before)
        await harness.end_lease()
        assert found.exit_status in (0, -9), found
        return found.exit_status

    # Each run has a post of its own to plan and send, and finds what the one before it left.
    assert await run(0, 1) == 0
    assert len(harness.fake.messages(channels[0])) == 1
    reached = places.read_text().splitlines()
    asked = 1 + next(number for number, place in enumerate(reached) if not place.endswith("commit"))
    # Every place from the first request on, and the others at equal distances before it.
    before = KILLS - len(reached[asked:])
    numbers = [*range(1, asked, max(1, asked // before)), *range(asked, len(reached) + 1)][-KILLS:]
    for done, number in enumerate(numbers):
        assert await run(number, done + 2) == -9, (number, reached)
    assert await run(0, len(numbers) + 2) == 0
    for channel_id in channels[: len(numbers) + 2]:
        [message] = harness.fake.messages(channel_id)
        assert PAPER in json.dumps(message)
