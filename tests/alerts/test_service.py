"""The alerts service: parsing, validating, changing and previewing alerts."""

import asyncio
from typing import Any

import pytest

from bot.client.custom_ids import InvalidCustomIdError
from bot.client.refusals import UserError
from bot.client.text_tokens import TOKEN_LENGTH, TextPurpose, TextTokenStore
from bot.features.alerts import commands as alerts_commands
from bot.features.alerts import draft_fields
from bot.features.alerts import service as alerts_service
from bot.i18n import typed_values
from storage import errors, models
from storage.models import AlertKind
from tests.support import alert_builders
from tests.support.world import CHANNEL, FORBIDDEN, GUILD, World, names

draft = alert_builders.draft


@pytest.mark.parametrize(
    ("texts", "fields", "message"),
    [
        ((), {}, "needs a word"),
        (("", "  "), {}, "“” has no letters"),
        (("***",), {}, r"“\*\*\*” has no letters"),
        (("은 는", "에서"), {}, "only of common words"),
        (("of the",), {}, "only of common words"),
        (("University of Science",), {"kind": AlertKind.INSTITUTION}, "“University of Science” .*full name"),
        (("robot",), {"excluded": ["?!"]}, r"“\?!” has no letters"),
        (("robot",), {"excluded": [f"word{n}" for n in range(21)]}, "20 excluded words.* Remove some"),
        (("robot",), {"at_time": "25:00"}, "HH:MM"),
        (("robot",), {"timezone": "Mars/Olympus"}, "time zone"),
    ],
)
def test_the_error_for_an_invalid_draft_says_what_to_change(
    texts: list[str], fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(errors.UsageError, match=message):
        alerts_service.validate_alert(draft(*texts, **fields))


def test_equivalent_drafts_have_the_same_key() -> None:
    first = alerts_service.validate_alert(
        draft("Language  Model", "로봇", "로봇 ", match_all=True, excluded=("beam", "Car"))
    )
    assert first.terms == ((AlertKind.KEYWORD, "Language Model"), (AlertKind.KEYWORD, "로봇"))
    equal, *others = [
        draft("로봇", "language-model", match_all=True, excluded=("car", "Beam")),
        draft("로봇", "language model", excluded=("car", "Beam")),
        draft("로봇", "language model", match_all=True, excluded=("car",)),
        draft("로봇", "language model", kind=AlertKind.AUTHOR, match_all=True),
        draft('"로봇"', "language model", match_all=True, excluded=("car", "Beam")),
    ]
    assert alerts_service.validate_alert(equal).key == first.key
    one, all_of_one = draft("robot"), draft("robot", match_all=True)
    assert alerts_service.validate_alert(one).key == alerts_service.validate_alert(all_of_one).key
    assert len({first.key, *(alerts_service.validate_alert(other).key for other in others)}) == 5


@pytest.mark.parametrize(
    ("channel", "sent"), [({}, "@7 A"), ({"channel_id": CHANNEL, "guild_id": GUILD}, "A")]
)
async def test_resuming_retries_refused_messages_immediately(
    world: World, channel: dict[str, Any], sent: str
) -> None:
    alert = await world.alert("care", **channel)
    await world.written("Mon", "A▲5")
    world.discord.answer = FORBIDDEN
    await world.wait(minutes=3)
    world.discord.answer = None
    await world.wait(minutes=1)
    assert sent not in world.sent
    await world.alerts.resume(alert)
    await world.tick()
    assert sent in world.sent


async def test_duplicate_and_excess_alerts_are_rejected(world: World) -> None:
    first = await world.alert("Diffusion")
    with pytest.raises(errors.DuplicateError, match=f"already exists: alert {first}"):
        await world.alert("diffusion ")
    for number in range(alerts_service.MAX_ALERTS - 1):
        await world.alert(f"word{number}x")
    with pytest.raises(errors.UsageError, match="25"):
        await world.alert("one more")


@pytest.mark.engines("sqlite", "postgresql")
async def test_concurrent_button_presses_add_one_alert(world: World) -> None:
    presses = (world.alert("diffusion") for _ in range(4))
    outcomes = await asyncio.gather(*presses, return_exceptions=True)
    assert sum(isinstance(outcome, errors.DuplicateError) for outcome in outcomes) == 3
    assert len(await world.alerts.list_rows(user_id=7)) == 1


async def test_a_changed_alert_uses_its_new_terms(world: World) -> None:
    alert = await world.alert("speech")
    await world.alert("robot")
    await world.alerts.pause(alert)
    changed = draft("care", "better", match_all=True, excluded=("speech",))
    with pytest.raises(errors.UsageError, match=r"Alert 1 no longer exists\. Add a new one\."):
        await world.alerts.change(alert, changed, user_id=8)
    with pytest.raises(errors.DuplicateError):
        await world.alerts.change(alert, draft(" ROBOT"), user_id=7)
    await world.alerts.change(alert, changed, user_id=7)
    stored, _ = await world.alerts.list_rows(user_id=7)
    assert (stored.id, stored.match_all, stored.paused) == (alert, True, True)
    await world.alerts.resume(alert)
    await world.written("Mon", "A▲5 B▲5", summary="Of care.")
    await world.wait(minutes=3)
    assert world.sent == ["@7 A B"]


async def test_a_preview_counts_matches_from_the_last_30_days(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for on, text in (("Sat-5", "A▲5 B▲5"), ("Sat-1", "C▲9 E"), ("Fri-5", "D▲5")):
        await world.written(on, text)
    preview = await world.alerts.preview(draft("care"))
    assert preview.paper_count == 4
    assert names([row.key for row in preview.latest]) == "C E A"
    preview = await world.alerts.preview(draft("care", min_votes=6))
    assert names([row.key for row in preview.latest]) == "C"
    monkeypatch.setattr("bot.search.service._MAX_RECENT", 3)  # only the latest papers are counted
    preview = await world.alerts.preview(draft("care"))
    assert (preview.paper_count, names([row.key for row in preview.latest[:2]])) == (3, "C E")


async def test_a_preview_respects_authors_and_exclusions(world: World) -> None:
    await world.written("Mon", "A▲5", summary="Of robots.", location="1")
    await world.written("Mon", "B▲5", summary="A survey of robots.", location="2")
    for of, count in (
        (draft("lovelace, ada", kind=AlertKind.AUTHOR), 2),
        (draft("Ada Love", kind=AlertKind.AUTHOR), 0),
        (draft("robot", excluded=("survey",)), 1),
        (draft("robot", "survey", match_all=True), 1),
    ):
        assert (await world.alerts.preview(of)).paper_count == count, of


@pytest.mark.parametrize(
    ("asked", "wider"),
    [
        (draft("care", min_votes=50), draft("care")),
        (draft('"강화 학습"', "zeta", match_all=True, min_votes=1), draft("강화", "학습", "zeta")),
        (draft("better zeta"), draft("better", "zeta")),
        (draft("zeta"), None),
    ],
)
async def test_an_empty_preview_suggests_a_wider_alert(
    world: World, asked: models.Alert, wider: models.Alert | None
) -> None:
    await world.written("Mon", "A▲5", summary="학습에 쓴다.")
    preview = await world.alerts.preview(asked)
    assert preview.paper_count == 0
    found = preview.wider and (preview.wider.terms, preview.wider.match_all, preview.wider.min_votes)
    assert found == (wider and (wider.terms, False, 0))
    assert preview.wider_count == (1 if wider else 0)


async def test_expired_and_invalid_draft_tokens_are_rejected(world: World) -> None:
    tokens = TextTokenStore(world.database, world.clock)
    with pytest.raises(UserError, match=r"outdated-control$"):
        await alerts_commands.load_draft(tokens, "0" * TOKEN_LENGTH)
    for text in ("a long topic", "[]", '{"id":1}'):
        token = await tokens.save(7, TextPurpose.ALERT, text)
        with pytest.raises(InvalidCustomIdError):
            await alerts_commands.load_draft(tokens, token)


@pytest.mark.parametrize(
    ("typed", "items"),
    [
        ("강화 학습, diffusion", ["강화 학습", "diffusion"]),
        (" one ,, two,\n", ["one", "two"]),
        ("Doe, Jane; Roe, Ann", ["Doe, Jane", "Roe, Ann"]),
        ("로봇，확산、언어", ["로봇", "확산", "언어"]),
        (" , ;\n", []),
    ],
)
def test_items_are_split_at_commas_or_semicolons(typed: str, items: list[str]) -> None:
    assert typed_values.split_items(typed) == items
    assert typed_values.split_items(draft_fields.join_items(items)) == items
