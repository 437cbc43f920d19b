"""The options *order*, *period* and *without* of `/topic`, `/top` and `/author`, and what a list says of them."""

import re
from datetime import timedelta
from typing import Any

from storage import models
from storage.models import AlertKind
from tests.support.client_harness import (
    ClientHarness,
    both_languages,
    component_ids,
    raw_components,
    shown_text,
)
from tests.support.sample_archive import NewsletterPaper, add_digest

VOTES = re.compile("^▲\\s([0-9]+)", re.MULTILINE)
TITLES = re.compile(r"\*\*[0-9]+ · \[([^\]]+)\]")


def _list_titles(message: Any) -> list[str]:
    return TITLES.findall(shown_text(message))


async def _add_lanterns(harness: ClientHarness, *, count: int = 3) -> None:
    """Add papers on lanterns: the n-th is of the n-th day of December 2025 and has n votes."""
    for number in range(1, count + 1):
        paper = NewsletterPaper(f"2512.0010{number}", f"Lanterns {number}", "A lantern.", votes=number)
        await add_digest(harness.container.database, f"2025-12-0{number}", paper)


async def test_a_topic_is_in_the_chosen_order(harness: ClientHarness) -> None:
    await _add_lanterns(harness)
    for order, numbers in (("votes", "321"), ("date", "321"), ("oldest", "123")):
        shown = shown_text(await harness.ask("topic", query="lanterns", order=order))
        assert VOTES.findall(shown) == [*numbers], order
        assert f"{harness.texts('period-all')} · {harness.texts(f'list-by-{order}')}" in shown.splitlines()
    unordered = await harness.ask("topic", query="lanterns")
    by_relevance = await harness.ask("topic", query="lanterns", order="relevance")
    assert _list_titles(by_relevance) == _list_titles(unordered)
    assert f"{harness.texts('period-all')} · {harness.texts('list-by-relevance')}" in shown_text(unordered)


async def test_an_authors_papers_are_in_the_chosen_order_and_of_the_period(harness: ClientHarness) -> None:
    await _add_lanterns(harness)
    listed = await harness.ask("author", name="Ada Lovelace", order="oldest", period="2025-12-02/2025-12-03")
    assert harness.texts("no-date", text="", example="2026-01-01").split("“")[0] in shown_text(listed)
    for period in ("dec 2025", "2025년 12월"):
        listed = await harness.ask("author", name="Ada Lovelace", order="oldest", period=period)
        assert _list_titles(listed)[:3] == ["Lanterns 1", "Lanterns 2", "Lanterns 3"]
        assert harness.texts("list-by-oldest") in shown_text(listed)
        assert "A Sixth Paper" not in shown_text(listed), "a paper of January"


@both_languages
async def test_a_period_may_be_typed_in_either_language(harness: ClientHarness) -> None:
    december = {models.Locale.EN: "December 2025", models.Locale.KO: "2025년 12월"}[harness.texts.locale]
    week, always = harness.texts("period-week"), harness.texts("period-all")
    for period, named in (
        ("last month", december),
        ("지난달", december),
        ("2025-12", december),
        ("w", week),
        ("Last 7 days", week),
        ("최근 7일", week),
        ("all time", always),
        ("전체 기간", always),
    ):
        shown = shown_text(await harness.ask("topic", query="language model", period=period))
        assert any(line.split(" · ")[0] == named for line in shown.splitlines()), (period, shown)
    for age in (6, 7):
        paper = NewsletterPaper(f"2512.0020{age}", f"Lanterns of {age} days ago", "A lantern.")
        on = harness.container.clock().date() - timedelta(days=age)
        await add_digest(harness.container.database, on.isoformat(), paper)
    listed = await harness.ask("topic", query="lanterns", period="w")
    assert _list_titles(listed) == ["Lanterns of 6 days ago"], "seven days with today"
    answer = await harness.ask("topic", query="language model", period="soon")
    assert shown_text(answer) == harness.texts("no-date", text="soon", example="2026-01-01")


@both_languages
async def test_a_period_is_completed_as_one_types(harness: ClientHarness) -> None:
    async def offer(typed: str, command: str = "topic") -> list[tuple[str, str]]:
        choices = await harness.reader.autocomplete(harness.channel, command, "period", typed)
        return [(choice["name"], choice["value"]) for choice in choices]

    texts = harness.texts
    december, year = {
        models.Locale.EN: ("December 2025", "2025"),
        models.Locale.KO: ("2025년 12월", "2025년"),
    }[texts.locale]
    for command in ("topic", "top", "author"):
        names = [name for name, _ in await offer("", command)]
        for key in ("week", "month", "all", "this-week", "last-week", "this-month", "last-month"):
            assert texts(f"period-{key}") in names, command
        assert texts("day-today") in names, command
        assert {december, year} <= set(names), command
        assert len(names) == len(set(names)) <= 25
    for typed in ("last w", "지난주", " LAST  WEEK"):
        assert texts("period-last-week") in [name for name, _ in await offer(typed)], typed
    for typed in ("dec", "december 2025", "12월", "2025-12"):
        assert [name for name, _ in await offer(typed)] == [december], typed
    for typed in ("", "2025", "last"):
        for name, value in await offer(typed):
            shown = shown_text(await harness.ask("topic", query="language model", period=value))
            assert "(no-date)" not in shown, name
            assert texts("no-date", text=value, example="2026-01-01") not in shown, name


async def test_words_are_left_out_and_taken_back(harness: ClientHarness) -> None:
    texts = harness.texts
    result = await harness.ask("topic", query="language models", without='survey, "world model"')
    shown = shown_text(result)
    assert "Survey" not in shown
    assert "A Sixth Paper on Language Models" in shown
    assert shown.splitlines()[0].startswith("### language models"), "the heading has the words alone"
    left_out = texts("list-without", words="survey, world model")
    assert sum(left_out in line for line in shown.splitlines()) == 2, "above the list, and in the menu"
    options = [option for part in raw_components(result) for option in part.get("options", ())]
    [option] = [one for one in options if one["label"] == texts("list-take-back", name="survey")]
    taken = await harness.select(result, [option["value"]], custom_id="pr:lp:")
    assert "Survey" in shown_text(taken)
    assert texts("list-without", words="world model") in shown_text(taken)
    top = shown_text(await harness.ask("top", votes=30, without="survey"))
    assert VOTES.findall(top)[:2] == ["57", "33"]
    assert f"{texts('subscription-votes', votes=30)} · {texts('list-without', words='survey')}" in top


async def test_words_to_leave_out_are_completed_like_topics(harness: ClientHarness) -> None:
    for command in ("topic", "top"):
        choices = await harness.reader.autocomplete(harness.channel, command, "without", "survey, small l")
        assert choices[0]["value"].startswith("survey, small language model"), command


async def test_the_options_are_kept_by_pages_sharing_and_following(harness: ClientHarness) -> None:
    await _add_lanterns(harness, count=8)
    options = {"order": "oldest", "period": "dec 2025", "without": "survey, kites", "votes": 1}
    result = await harness.ask("topic", query="lanterns", **options)
    assert VOTES.findall(shown_text(result)) == ["1", "2", "3", "4", "5"]
    shared, _ = await harness.share(result)
    assert VOTES.findall(shown_text(shared)) == ["1", "2", "3", "4", "5"]
    label = harness.texts("list-more-privately", count=8)
    opened = await harness.click(shared, label=label, by=harness.manager)
    assert all(len(custom_id) <= 100 for custom_id in component_ids(result))
    await harness.press(result, "follow-topic")
    [alert] = await harness.alerts.list_rows(user_id=harness.reader.id)
    assert (alert.terms[0].kind, alert.min_votes) == (AlertKind.KEYWORD, 1)
    assert alert.excluded == ("survey", "kites")
    second = await harness.turn(result)
    assert VOTES.findall(shown_text(second)) == ["6", "7", "8"]
    for listed in (second, shared, opened):
        assert harness.texts("list-without", words="survey, kites") in shown_text(listed)
        assert "December 2025" in shown_text(listed)
    newest = await harness.select(second, ["date"], custom_id="pr:lp:")
    assert VOTES.findall(shown_text(newest)) == ["8", "7", "6", "5", "4"], "and by the menu"


@both_languages
async def test_of_a_period_and_a_filter_the_narrower_is_named_and_applies(harness: ClientHarness) -> None:
    await _add_lanterns(harness)
    since = {models.Locale.EN: "since December 2, 2025", models.Locale.KO: "2025년 12월 2일부터"}
    day = {models.Locale.EN: "December 2, 2025", models.Locale.KO: "2025년 12월 2일"}
    for period, query, named, days in (
        ("a", "lanterns since:2025-12-02", since, ["3", "2"]),
        ("a", "lanterns 이후:2025-12-02", since, ["3", "2"]),
        ("2025-12-02", "lanterns since:2025", day, ["2"]),
    ):
        for command, option in (("topic", "query"), ("top", "topic")):
            shown = shown_text(await harness.ask(command, **{option: query}, period=period))
            assert named[harness.texts.locale] in shown, (command, query)
            assert sorted(VOTES.findall(shown), reverse=True) == days, (command, query)
    query = "lanterns since:2025-12-02"
    week, year = [
        shown_text(
            await harness.select(await harness.ask("topic", query=query), [period], custom_id="pr:lp:")
        )
        for period in ("w", "y")
    ]
    assert harness.texts("no-list-topic", topic=f"lanterns · {since[harness.texts.locale]}") in week
    assert VOTES.findall(year) == ["3", "2"]


async def test_filters_that_exclude_each_other_are_named(harness: ClientHarness) -> None:
    texts = harness.texts
    first = texts("list-no-day", since="January 2, 2026", until="January 1, 2025")
    second = texts("list-no-day", since="January 1, 2026", until="December 31, 2025")
    votes = texts("list-no-votes", least=20, most=10)
    for options, said in (
        ({"query": "robots since:2026-01-02 until:2025-01-01"}, first),
        ({"query": "robots since:2026-01-01", "period": "dec 2025"}, second),
        ({"query": "robots votes:20..10"}, votes),
        ({"query": "robots votes:<=10", "votes": 20}, votes),
    ):
        shown = shown_text(await harness.ask("topic", **options))
        assert said in shown, options
        assert "Maps" not in shown
    top = await harness.ask("top", topic="robots since:2026-01-01", period="dec 2025")
    assert second in shown_text(top)
    author = await harness.ask("author", name="ada lovelace since:2026-01-01", period="dec 2025")
    assert second in shown_text(author)
    agreeing = shown_text(await harness.ask("topic", query="robots since:2026 until:2026-01-01 votes:10..10"))
    assert not any(note.split(":")[0] in agreeing for note in (first, votes))


async def test_each_kind_of_result_is_below_its_divider(harness: ClientHarness) -> None:
    texts = harness.texts
    papers = (
        ("2512.00301", "Origami Gliders", "Paper folding for gliders."),
        ("2512.00302", "Weather Balloons", "One sentence names origami, another gliders."),
        ("2512.00303", "Origami Cranes", "Cranes only."),
    )
    await add_digest(harness.container.database, "2025-12-29", *(NewsletterPaper(*row) for row in papers))
    shown = shown_text(await harness.ask("topic", query="origami gliders"))
    assert shown.splitlines()[0] == f"### {texts('list-topic-heading', topic='origami gliders', count=1)}"
    mentioned, lacking = texts("list-kind-all", count=2), texts("list-kind-some")
    places = [
        shown.index(part)
        for part in ("[Origami Gliders]", mentioned, "[Weather Balloons]", lacking, "[Origami Cranes]")
    ]
    assert places == sorted(places)
    assert shown.count(texts("list-missing", terms="")) == 1
    assert texts("list-missing", terms="gliders") in shown[places[-1] :]
    # A word that no paper has is said once.
    shown = shown_text(await harness.ask("topic", query="origami balloons zeppelins"))
    assert texts("list-absent", terms="zeppelins") in shown
    assert "zeppelins" not in shown.partition("[Weather Balloons]")[2].replace(
        "origami balloons zeppelins", ""
    )
    # Without a paper on the topic, the heading has no number.
    shown = shown_text(await harness.ask("topic", query="weather cranes"))
    assert shown.splitlines()[0] == "### weather cranes"
    assert shown.index(texts("list-kind-some")) < shown.index("**1 · ")


async def test_one_line_says_what_was_searched(harness: ClientHarness) -> None:
    searched = harness.texts("list-searched", terms="").strip()
    shown = shown_text(await harness.ask("topic", query="소형 언어 모델"))
    [line] = [line for line in shown.splitlines() if searched in line]
    assert line.startswith(f"-# {harness.texts('list-searched', terms='소형 언어 모델 (')}")
    assert "small language model" in line.lower()
    corrected = shown_text(await harness.ask("topic", query="quaternions langauge models"))
    assert corrected.count(searched) <= 1
    assert searched not in shown_text(await harness.ask("topic", query="colour"))
    assert searched not in shown_text(await harness.ask("topic", query="since:2025"))


@both_languages
async def test_a_word_of_order_names_the_option(harness: ClientHarness) -> None:
    order = harness.texts("list-hint-order")
    option = {models.Locale.EN: "*order*", models.Locale.KO: "*정렬*"}
    assert option[harness.texts.locale] in order
    for query, is_said in (
        ("newest language models", True),
        ("언어 모델 추천순", True),
        ("language models", False),
        ("language models -survey", False),
    ):
        assert (order in shown_text(await harness.ask("topic", query=query))) is is_said, query
    shared, _ = await harness.share(await harness.ask("topic", query="newest language models"))
    assert order not in shown_text(shared), "the menu is not there"


@both_languages
async def test_korean_forms_of_a_query_are_shown_to_readers_of_korean_alone(harness: ClientHarness) -> None:
    shown = shown_text(await harness.ask("topic", query="reinforcement learning"))
    told = [line for line in shown.splitlines() if line.startswith("-# ")]
    assert any("강화 학습" in line for line in told) is (harness.texts.locale is models.Locale.KO), told
