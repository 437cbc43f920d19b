"""Drafts by a server with OpenAI's API that behaves as `docs/services.md`, *Models*, says."""

from contextlib import aclosing

import pytest

from bot.core.model_server import LanguageModel, ModelServer
from bot.features.writer import drafting
from storage.database import Database
from storage.writer import Draft, DraftState
from tests.fake_model import papers
from tests.fake_model.server import MODEL, FakeModel
from tests.writer.test_drafting import Desk

CHECKED, PLANNED, FAILED = DraftState.CHECKED, DraftState.PLANNED, DraftState.FAILED
CAP = 10**9
"""With a cap on tokens the papers are written one at a time, in order."""
READ = [paper for paper in papers.load() if paper.summary][:6]


class Service:
    """A desk whose model is on the fake server. Each run begins with a new client, as the bot's do."""

    def __init__(self, desk: Desk, fake: FakeModel) -> None:
        self.desk, self.fake = desk, fake

    async def write(self, count: int = 6, *, daily: int | None = CAP, long: bool = False) -> list[Draft]:
        listed = [
            {
                "key": paper.id,
                "title": paper.title,
                # Abstracts that take more than a window of 4,096 tokens, or their summary alone.
                "abstract": f"{paper.summary}\n\n" + "It is an ordinary sentence. " * (1_500 * long),
            }
            for paper in READ[:count]
        ]
        async with aclosing(ModelServer(f"{self.fake.url}/v1", None)) as server:
            return await self.desk.write(LanguageModel(server, MODEL), papers=listed, daily=daily)

    async def states(self, count: int = 6, *, daily: int | None = CAP) -> list[DraftState]:
        return [draft.state for draft in await self.write(count, daily=daily)]


@pytest.fixture
async def service(sqlite_db: Database, fake_model: FakeModel) -> Service:
    return Service(Desk(sqlite_db), fake_model)


@pytest.mark.parametrize("daily", [None, CAP])
@pytest.mark.parametrize("code", [502, 429, "server_error"])
async def test_papers_wait_for_a_provider_that_is_away_and_are_written_when_it_is_back(
    service: Service, code: int | str, daily: int | None
) -> None:
    service.fake.reset(error=code)
    assert {*await service.states(daily=daily)} == {PLANNED}
    assert service.desk.pauses[:3] == [drafting.ROUND_SECONDS] * 3
    assert "6 papers left" in service.desk.problems[-1]
    assert await service.desk.used() == 0
    service.fake.reset()
    assert {*await service.states(daily=daily)} == {CHECKED}


async def test_a_provider_that_goes_away_in_the_middle_fails_no_paper(service: Service) -> None:
    service.fake.reset(error=503, answers_before_error=5)
    states = await service.states()
    assert states[:2] == [CHECKED] * 2
    assert not {*states} & {FAILED}
    assert await service.desk.used() == sum(row.get("tokens", 0) for row in service.fake.log())
    service.fake.reset()
    assert {*await service.states()} == {CHECKED}
    # The answer before the fault was kept.
    assert len(service.fake.log()) == 7


@pytest.mark.parametrize("daily", [None, CAP])
@pytest.mark.parametrize(("place", "gives_reasons"), [(0, True), (1, True), (1, False), (5, False)])
async def test_a_paper_that_moderation_refuses_costs_itself_alone(
    service: Service, place: int, gives_reasons: bool, daily: int | None
) -> None:
    service.fake.reset(flagged=READ[place].title, gives_reasons=gives_reasons, delay=0.02)
    # A refusal without reasons, before any answer, is about the key: another run begins with another paper.
    for _ in range(1 if daily or gives_reasons else 2):
        states = await service.states(daily=daily)
    assert states == [FAILED if number == place else CHECKED for number in range(6)]
    refused = [row for row in service.fake.log() if row["status"] == 403]
    assert len(refused) <= 2
    assert await service.states(daily=daily) == states
    assert [row for row in service.fake.log() if row["status"] == 403] == refused


async def test_a_first_paper_that_is_refused_without_reasons_begins_only_one_run(service: Service) -> None:
    service.fake.reset(flagged=READ[0].title, gives_reasons=False)
    assert {*await service.states()} == {PLANNED}
    assert await service.states() == [FAILED, *[CHECKED] * 5]


@pytest.mark.parametrize("refused", [(), ("reasoning_effort",), ("max_tokens",)])
@pytest.mark.parametrize("thinking", [1_500, 9_000, 20_000])
async def test_a_model_has_room_to_think(service: Service, thinking: int, refused: tuple[str, ...]) -> None:
    service.fake.reset(thinking=thinking, refused=refused)
    assert await service.states(3) == [CHECKED] * 3
    log = service.fake.log()
    assert len(log) <= 6 + 2 + 2
    assert await service.desk.used() == sum(row.get("tokens", 0) for row in log)


async def test_a_prompt_that_the_window_cuts_is_an_error_that_names_the_setting(service: Service) -> None:
    service.fake.reset(window=2_050)
    drafts = await service.write(long=True)
    assert {draft.state for draft in drafts} == {PLANNED}
    assert "OLLAMA_CONTEXT_LENGTH" in service.desk.problems[-1]
    assert len(service.fake.log()) == 1
    service.fake.reset()
    assert {draft.state for draft in await service.write(long=True)} == {CHECKED}


@pytest.mark.parametrize("refused", [(), ("response_format",)])
async def test_a_schema_that_is_not_taken_is_put_in_words(service: Service, refused: tuple[str, ...]) -> None:
    service.fake.reset(ignores_schemas=True, refused=refused)
    assert await service.states(3) == [CHECKED] * 3
    assert len(service.fake.log()) == 6 + 1
