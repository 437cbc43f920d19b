"""Questions to the archive: what is found within limits, what is said of names, and texts that are no question."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from unittest import mock
from unittest.mock import AsyncMock

import pytest

from bot.archive.summaries import Basis
from bot.cli.search import asked_to_dict
from bot.client import verbs
from bot.features.ask import messages
from bot.features.ask.answers import Answer, AnswerStatus, ArchiveContents
from bot.features.ask.service import PaperQuestions
from bot.i18n.texts import for_locale
from bot.search.results import SearchRequest
from bot.search.service import SearchService
from storage import models, paper_texts
from storage.database import Database
from tests.ask.test_commands import keep_text, mention
from tests.conftest import OpenFilled
from tests.support import client_fixtures, digest_builders, sample_archive
from tests.support.client_harness import (
    SIMCORD_EPOCH,
    ClientHarness,
    both_languages,
    component_ids,
    raw_components,
    shown_text,
)

EARLY, LATE, SHORT = "2501.10001", "2501.10002", "2501.10003"
_SUMMARIES = {
    EARLY: (
        "Quiet Lanterns",
        3,
        "Ada Lovelace",
        "lamps save oil at night with a smaller wick, as in ChatGPT and Tide.4-Small",
    ),
    LATE: ("Loud Lanterns", 90, "Grace Hopper", "lamps save oil with a pump that turns itself off"),
    SHORT: ("Ferries", 20, "Grace Hopper", "ferries find their harbour by a table of tides"),
}


def _digest(on: date, papers: Mapping[str, tuple[str, int, str, str]]) -> str:
    blocks = [f"## Daily Papers ({on})"]
    for arxiv_id, (title, votes, author, text) in papers.items():
        blocks.append(
            f"### [{title}](https://arxiv.org/abs/{arxiv_id})\n\nVote: {votes}\n\nAuthors: {author}\n\n"
            f"- ***What's New***: {title} shows how {text}.\n- ***Technical Details***: A plain account.\n"
            "- ***Performance Highlights***: It is better than before."
        )
    return "\n\n".join(blocks)


async def add_digest(harness: ClientHarness, text: str) -> None:
    await digest_builders.ingest_digest(harness.container.database, text, at=harness.env.now())


async def add_papers(
    harness: ClientHarness, papers: Mapping[str, tuple[str, int, str, str]], on: date = date(2025, 1, 6)
) -> None:
    await add_digest(harness, _digest(on, papers))


async def add_title(harness: ClientHarness, title: str) -> None:
    """Store a paper of which only the title is known."""
    papers = [{"arxiv_id": "2501.30001", "title": title}]
    await add_digest(harness, json.dumps({"format": "listing", "date": "2025-01-05", "papers": papers}))


async def _add_lanterns(database: Database) -> None:
    await client_fixtures.add_samples(database)
    for on, ids in ((date(2025, 1, 3), (EARLY,)), (date(2025, 3, 3), (LATE, SHORT))):
        text = _digest(on, {one: _SUMMARIES[one] for one in ids})
        await digest_builders.ingest_digest(database, text, at=SIMCORD_EPOCH)
    facts = models.PaperFacts(
        LATE, "huggingface", "a", SIMCORD_EPOCH, title="Loud Lanterns", organization="Example Institute"
    )
    await digest_builders.add_facts(database, facts)


@pytest.fixture
async def archive_db(open_filled: OpenFilled) -> Database:
    """The database of `harness`, with three more papers, one of which is from an institution."""
    return await open_filled(_add_lanterns)


async def ask(harness: ClientHarness, asked: str) -> Answer:
    questions = harness.container.services.get(PaperQuestions).archive
    return await questions.answer(asked, models.Locale.EN)


LAMPS = "How do lamps save oil?"
TYPED = "*a* _b_ <@7> `c`"


async def test_a_question_is_asked_of_the_papers_within_its_limits(harness: ClientHarness) -> None:
    for asked, ids in (
        (LAMPS, {EARLY, LATE}),
        (f"{LAMPS} votes:50", {LATE}),
        (f"{LAMPS} votes:<50", {EARLY}),
        (f'author:"Ada Lovelace" {LAMPS}', {EARLY}),
        (f"{LAMPS} since:2025-02-01", {LATE}),
        (f"until:2025-02-01 {LAMPS}", {EARLY}),
        (f'{LAMPS} from:"Example Institute"', {LATE}),
        (f"{LAMPS} -pump", {EARLY}),
        (f"{LAMPS} {EARLY}", {EARLY}),
        (f"https://arxiv.org/abs/{LATE}v2 {LAMPS}", {LATE}),
        (f"{LAMPS} after january 2025", {LATE}),
        *((f"{LAMPS} {limit}", set()) for limit in ("votes:9000", "since:2031-01-01", 'from:"Nowhere"')),
        (f"{LAMPS} before february 2025", {EARLY}),
    ):
        answer = await ask(harness, asked)
        assert answer.kind is (AnswerStatus.NEAR if ids else AnswerStatus.OUTSIDE), asked
        assert {one.paper.key for one in answer.found} == ids, asked
        assert all("oil" in one.source.passage.text for one in answer.found), asked
    assert answer.days == (None, date(2025, 1, 31))


async def test_names_that_no_paper_has_are_named(harness: ClientHarness) -> None:
    names: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("Is Orca 9 faster?", ("Orca 9",)),
        ("Orca 9는 램프보다 빨라?", ("Orca 9",)),
        ("QuokkaNet이랑 LampNet-2 중에 뭐가 나아?", ("QuokkaNet", "LampNet-2")),
        ("How does Zorblax save oil?", ("Zorblax",)),
        ("Zorblax가 뭐야?", ("Zorblax",)),
        ("Which papers use Flash Lantern 3?", ("Flash Lantern 3",)),
        ("플래시 말고 Flash Lantern 3은 누가 써?", ("Flash Lantern 3",)),
        ("How does Lovelase save oil?", ("Lovelase",)),  # a misspelt author has written nothing
        ("How does Lovelace save oil?", ()),
        ("챗GPT는 기름을 어떻게 아껴?", ()),
        ("뱁새-7B는 등잔을 알아?", ("뱁새-7B",)),
        ("How does 2501.99999 save oil?", ("2501.99999",)),
        ("Tide.4-Small이나 Tide.9-Small은 기름을 아껴?", ("Tide.9-Small",)),
        ("Lamps reached 96.3 of Lanterns, Ferries 94 and Lanterns 32K.", ("Ferries 94",)),
        ("What do Table 2, Stage 1 and Figure 3 say of lamps?", ()),  # plain nouns with a number
        # Amounts, years, what a hyphen adds and words in capitals are no names.
        ("Does a lamp need 640 wicks, 16GB or 2,000 hours in 2025?", ()),
        ("Is there a ChatGPT-like lamp? I wonder how Lanterns save oil.", ()),
        # The first is a compound of words that papers have.
        ("Does wick-to-ChatGPT or wick-to-Zorblax save oil?", ("wick-to-Zorblax",)),
        ("WHY DOES MY LAMP FORGET ITS OIL", ()),
        ("Did Grace Hopper or the Example Institute write on lamps?", ()),
        ("Which lamps that save oil came in November or on Monday?", ()),
        ("2025년 11월에 나온 램프는 기름을 어떻게 아껴?", ()),
    )
    for asked, absent in names:
        answer = await ask(harness, asked)
        assert answer.absent == absent, asked


async def test_a_korean_name_with_a_version_is_read_as_in_a_search(harness: ClientHarness) -> None:
    papers = {
        "2501.50001": ("Gemini 2 Rows", 1, "Bo Lin", "crews keep their time"),
        "2501.50002": ("Rowing", 50, "Bo Lin", "crews row together"),
    }
    await add_papers(harness, papers)
    await harness.container.glossary.rebuild()
    for name in ("제미나이2는", "제미나이2를", "제미나이2의", "제미나이2"):
        answer = await ask(harness, f"{name} 등잔을 얼마나 알아?")
        assert (answer.absent, answer.asked[0].paper.title) == ((), "Gemini 2 Rows"), name
    assert (await ask(harness, "제미나이9는 등잔을 알아?")).absent == ("제미나이9",)


async def test_words_such_as_not_leave_nothing_out_of_a_question(harness: ClientHarness) -> None:
    for asked, id_ in (
        ("How do lamps save oil, not a pump?", LATE),
        ("How do lamps save oil without a pump?", LATE),
        ("How do lamps save oil excluding the pump?", LATE),
        ("How do ferries find a harbour without tides?", SHORT),
        ("pump 말고 lamp는 oil을 어떻게 아껴?", LATE),
        ("pump 빼고 lamp는 oil을 어떻게 아껴?", LATE),
    ):
        answer = await ask(harness, asked)
        assert id_ in {one.paper.key for one in answer.found}, asked
        assert not answer.excluded, asked
    answer = await harness.ask("ask", question="How do lamps save oil? -pump")
    assert "Left out: papers on pump." in shown_text(answer)
    assert "Loud Lanterns" not in shown_text(answer)


async def test_what_is_no_question_gets_a_sentence_without_papers(harness: ClientHarness) -> None:
    unasked = "hello|hi! who are you|안녕하세요~|반가워요!|how are you?|😀😀|ㅋㅋㅋ|?|```\nlamp = oil()\n```|.|votes:3"
    for asked in unasked.split("|"):
        answer = await harness.ask("ask", question=asked)
        assert harness.texts("ask-archive-unasked") in shown_text(answer), asked
        assert "\n> " not in shown_text(answer), asked
        assert component_ids(answer) == [], asked


async def test_a_question_of_any_length_is_answered_within_a_message(harness: ClientHarness) -> None:
    if harness.runtime is None:
        await harness.start_runtime()
    long = f"{LAMPS} " * 190
    assert len(long) > 4000
    answer = await ask(harness, long)
    assert (answer.kind, answer.found[0].paper.key in {EARLY, LATE}) == (AnswerStatus.NEAR, True)
    [shown] = await mention(harness, harness.channel, long[:1900])
    assert "oil" in shown_text(shown)
    assert len(shown_text(shown)) <= 4000


async def test_a_question_shows_the_papers_that_a_search_for_it_finds(harness: ClientHarness) -> None:
    search = harness.container.search
    chatter = (
        "you are stupid|이 멍청한 봇아|Who is the admin of this server?|여기 서버 관리자 누구야?|https://example.org"
        "|def f(x): return x + 1|zzz"
    )
    has_words_by_chance = (
        "table|drop table|Which table is best for a garden?|How do I pump up a bicycle?|고양이 자는 night에 뭐 해?"
        "|How do lamps of Zorblax save oil?|등잔의 Zorblax가 뭐야?"
        "|What keeps lamps from burning without losing the quality of their oil?"
    )
    for asked in f"{chatter}|{has_words_by_chance}".split("|"):
        answer = await ask(harness, asked)
        found = {row.key for row in (await search.search(SearchRequest(asked, limit=20))).rows}
        assert {one.paper.key for one in answer.found} <= found, asked
        assert answer.is_near is bool(answer.found) is bool(found), asked
        if not found:
            assert answer.extent is not None
            assert answer.extent.papers > 3


async def test_what_is_absent_is_said_above_the_passages(harness: ClientHarness) -> None:
    absent_from = {"How do lamps of Zorblax save oil?": "Zorblax", "Orca 9는 oil을 아껴?": "Orca 9"}
    for asked, absent in absent_from.items():
        shown = shown_text(await harness.ask("ask", question=asked))
        assert 0 < shown.index(f"No paper here mentions “{absent}”. Nearest:") < shown.index("\n> ")
        told = asked_to_dict(await ask(harness, asked))
        assert (told["is_near"], told["absent"]) == (True, [absent])
        assert all(one["text"] != one["title"] for one in told["passages"])


async def test_a_misspelt_word_is_read_as_in_a_search_and_that_is_said(harness: ClientHarness) -> None:
    paper = ("Numbers", 5, "Ada Lovelace", "quantization (양자화) of lamps saves oil")
    await add_papers(harness, {"2501.10004": paper})
    for asked, pair in (
        ("How does quantisaton save oil?", "quantisaton → quantization"),
        ("양자하로 기름을 어떻게 아껴?", "양자하 → 양자화"),
    ):
        answer = await ask(harness, asked)
        assert answer.is_near, asked
        assert answer.found[0].paper.key == "2501.10004", asked
        assert asked_to_dict(answer)["corrected"] == [pair.split(" → ")]
        assert pair in shown_text(await harness.ask("ask", question=asked))


async def test_a_short_summary_is_quoted_whole(harness: ClientHarness) -> None:
    """The introduction may repeat the question, and another chapter answer it."""
    text = (
        "## Daily Papers (2025-03-05)\n\n### [Beacons](https://arxiv.org/abs/2501.10005)\n\nVote: 4\n\n"
        "- ***What's New***: Beacons (등대) guide ships in fog better with mirrors than with lenses.\n"
        "- ***Technical Details***: Beacons turn ten mirrors on a wheel in fog.\n"
        "- ***Performance Highlights***: Ships saw beacons 31% sooner with mirrors than with lenses."
    )
    await add_digest(harness, text)
    for asked in (
        "How do beacons guide ships in fog with mirrors?",
        "등대 beacons의 mirrors는 lenses보다 얼마나 더 좋아?",
    ):
        shown = shown_text(await harness.ask("ask", question=asked)).replace("**", "")
        assert all(words in shown for words in ("guide ships", "turn ten mirrors", "31% sooner")), asked


async def test_a_summary_that_two_digests_have_is_quoted_once(harness: ClientHarness) -> None:
    await add_papers(harness, {LATE: _SUMMARIES[LATE]}, date(2025, 3, 4))
    for asked in ("How do Loud Lanterns save oil?", f"{LAMPS} {LATE}"):
        quoted = [one.excerpt.text for one in (await ask(harness, asked)).found]
        assert len(set(quoted)) == len(quoted) > 0, asked


async def test_a_word_that_papers_have_is_asked_for_alone(harness: ClientHarness) -> None:
    for asked, id_ in (("wick", EARLY), ("tides", SHORT), ("is there a pump that turns?", LATE)):
        answer = await ask(harness, asked)
        assert (answer.kind, answer.found[0].paper.key) == (AnswerStatus.NEAR, id_), asked


async def test_a_paper_is_asked_first_by_its_name(harness: ClientHarness) -> None:
    """Though many are on the other words of the question."""
    contexts = "language models need long inputs, and a benchmark measures the context length of each"
    accuracy = "language models are compared by accuracy, and the best has the highest on each benchmark"
    papers = {
        f"2501.4{number:04}": (f"Study {number}", 50, "Bo Lin", contexts if number < 10 else accuracy)
        for number in range(40)
    }
    experts = "experts share a context of 4 million tokens"
    papers["2501.49998"] = ("Kestrel-01: Foundation Models", 1, "Bo Lin", experts)
    papers["2501.49999"] = ("Kestrel-02: A Corpus of Birds", 1, "Bo Lin", "birds sing at dawn")
    await add_papers(harness, papers)
    for asked, key in (
        ("What is the context length of Kestrel-01?", "2501.49998"),
        ("Which model is best on Kestrel-02 and how high is its accuracy?", "2501.49999"),
        ("Kestrel-02 벤치마크에서 정확도가 가장 높은 언어 모델은?", "2501.49999"),
        ("Is the accuracy of language models on benchmarks such as Kestrel-02 high?", "2501.49999"),
    ):
        assert (await ask(harness, asked)).found[0].paper.key == key, asked
    # A table repeats the name; who asks by the name alone reads what the paper is.
    rows = "| Kestrel-01 | score |\n|---|---|\n| Kestrel-01 | 97.3 |\n| Kestrel-01 mini | 79.8 |"
    table = f"## 3 Results\n\n{rows}"
    await keep_text(harness, table, "2501.49998")
    for asked in ("How does Kestrel-01 work?", "Kestrel-01은 뭐예요?"):
        assert "experts share" in (await ask(harness, asked)).found[0].excerpt.text, asked
    assert "79.8" in (await ask(harness, "What score has Kestrel-01 mini?")).found[0].excerpt.text


async def test_the_period_of_a_question_is_an_option(harness: ClientHarness) -> None:
    shown = shown_text(await harness.ask("ask", question=LAMPS, period="January 2025"))
    assert "Quiet Lanterns" in shown
    assert "Loud Lanterns" not in shown
    assert "since:" not in shown


async def test_the_sentence_that_answers_is_marked_whatever_the_ending(harness: ClientHarness) -> None:
    shown = shown_text(await harness.ask("ask", question="Are lamps pumped for oil?"))
    assert "**Loud Lanterns shows how lamps save oil with a pump that turns itself off.**" in shown


async def test_of_a_long_text_the_passages_with_most_of_the_question_are_read(harness: ClientHarness) -> None:
    filler = [
        f"## {one} Aside\n\nThe harbour of town {one} has a clerk who writes of wind and of old ropes."
        for one in range(300)
    ]
    filler[250] += "\n\nA night lamp saves its oil since a smaller wick lets less of it burn in an hour."
    await keep_text(harness, "\n\n".join(filler), EARLY)
    answer = await ask(harness, f"How does a wick let less oil burn? {EARLY}")
    assert answer.found[0].source.passage.section == "250 Aside"
    assert len(answer.asked[0].sources) < 20


async def test_a_passage_in_another_language_than_the_question_says_so(harness: ClientHarness) -> None:
    label = harness.texts("language-en")
    assert label not in shown_text(await harness.ask("ask", question=LAMPS))
    assert label in shown_text(await harness.ask("ask", question="lamp는 oil을 어떻게 아껴?"))


async def test_all_passages_fit_a_message_and_a_button_has_any_question(harness: ClientHarness) -> None:
    ids = [f"2501.2000{number}" for number in range(5)]
    digest = digest_builders.newsletter(
        date(2025, 1, 4), [(one, 5) for one in ids], text="*_[lamps]_* \\` save ~oil~ |||| " * 40
    )
    await add_digest(harness, digest)
    asked = "How do *lamps* ||save|| oil? " * 20
    answer = await harness.ask("ask", question=asked[:500])
    shown = [str(part["content"]) for part in raw_components(answer) if part.get("content")]
    assert sum(map(len, shown)) <= 4000
    assert all(any(f"Paper {one}" in text and "> " in text for text in shown) for one in ids)
    button = next(name for name in component_ids(answer) if name.startswith("pr:l:"))
    assert len(button) <= 100
    assert "Paper 2501.20001" in shown_text(await harness.press(answer, custom_id=button))


async def test_from_the_fourth_passage_on_the_sentence_that_answers_stands_alone(
    harness: ClientHarness,
) -> None:
    text = "lamps save oil"
    await add_papers(harness, {f"2501.2000{n}": (f"Lamps {n}", 5, "Ada Lovelace", text) for n in range(4)})
    shown = shown_text(await harness.ask("ask", question=LAMPS))
    # The fourth is as near as the third, and the fifth is not.
    assert (shown.count("> "), shown.count("A plain account.")) == (4, 3)


async def test_a_paper_of_which_only_the_title_is_stored_is_found_as_such(harness: ClientHarness) -> None:
    await add_title(harness, "Why Kites Hallucinate Gales")
    for asked in ("Why do kites hallucinate?", "Why do kites hallucinate gales?"):
        shown = shown_text(await harness.ask("ask", question=asked))
        assert "Why Kites Hallucinate Gales" in shown
        assert "> Why Kites" not in shown
        assert harness.texts("ask-words-title") in shown
        assert harness.texts("ask-archive-nearest") not in shown, "a title is no passage"


async def test_titles_with_what_is_asked_come_before_a_passage_without_it(harness: ClientHarness) -> None:
    await add_title(harness, "Lamps Hallucinate Gales at Night")
    found = (await ask(harness, "Why do lamps hallucinate at night?")).found
    assert found[0].paper.key == "2501.30001"
    assert {one.paper.key for one in found} > {"2501.30001"}


async def test_a_paper_is_quoted_in_the_language_of_the_question(harness: ClientHarness) -> None:
    korean = _digest(date(2025, 1, 4), {EARLY: _SUMMARIES[EARLY]}).replace(
        "Quiet Lanterns shows how lamps save oil at night with a smaller wick, as in ChatGPT and Tide.4-Small",
        "램프(lamp)가 밤에 더 작은 심지로 기름(oil)을 아낍니다. 램프(lamp)와 기름(oil)을 다룹니다",
    )
    await add_digest(harness, korean)
    for asked, language in ((LAMPS, "en"), ("램프는 기름을 어떻게 아껴요?", "ko")):
        quoted = {one.paper.key: one.source.language for one in (await ask(harness, asked)).found}
        assert quoted[EARLY] == language


async def test_a_summary_in_another_language_alone_comes_as_its_words_say(harness: ClientHarness) -> None:
    korean = _digest(date(2025, 1, 4), {"2501.10009": _SUMMARIES[EARLY]})
    for english, words in (
        (
            f"Quiet Lanterns shows how {_SUMMARIES[EARLY][3]}",
            "배(ferries)가 안개 속에서도 사이렌(sirens)과 등대(beacons)로 항구(harbour)를 찾는 방법을 제안합니다",
        ),
        ("A plain account", "방법을 쉽게 설명합니다"),
        ("It is better than before", "예전보다 더 나은 결과를 보입니다"),
    ):
        korean = korean.replace(english, words)
    await add_digest(harness, korean)
    answer = await ask(harness, "How do ferries find their harbour by sirens and beacons?")
    found = [(passage.paper.key, passage.source.language) for passage in answer.found]
    assert found[:2] == [("2501.10009", "ko"), (SHORT, "en")]


async def test_of_many_ids_the_first_twenty_are_asked_and_that_is_said(harness: ClientHarness) -> None:
    ids = [EARLY, *(f"2412.{number:05}" for number in range(1, 41))]
    named = await ask(harness, " ".join([*ids, LAMPS]))
    assert EARLY in {one.paper.key for one in named.found}
    assert named.is_cut
    assert not (await ask(harness, " ".join([*ids[:20], LAMPS]))).is_cut
    with mock.patch.object(SearchService, "find_paper", AsyncMock(return_value=None)) as find_paper:
        shown = shown_text(await harness.ask("ask", question=" ".join(ids)[:500]))
    assert "up to 500 characters and 20 papers" in shown
    assert find_paper.await_count == 20


@pytest.mark.parametrize("is_kept", [True, False], ids=["paper", "review"])
async def test_a_heading_is_shown_without_invisible_signs(harness: ClientHarness, is_kept: bool) -> None:
    """Others write it, so it may have signs of Markdown, of a terminal and of direction."""
    heading = "3. Low_Rank \u202eWicks \x1b"
    chapter = f"## {heading}\n\nThe 310 fishermen of the pier twine their nets from old lamp wicks."
    if is_kept:
        await keep_text(harness, chapter, EARLY)
    else:
        review = f"## {EARLY}\n\n**Summary**:\n```markdown\n# A review\n\n{chapter}\n```\n"
        await add_digest(harness, f"# Daily Papers – 2025-01-09\n\n{review}")
    shown = shown_text(await harness.ask("ask", question=f"What do the fishermen twine? {EARLY}"))
    assert ("[3\\. Low\\_Rank Wicks](" if is_kept else "3. Low\\_Rank Wicks") in shown
    assert not {"\u202e", "\x1b"}.intersection(shown)


async def test_more_opens_the_rest_of_a_passage(harness: ClientHarness) -> None:
    sentence = "Lamps save oil with a smaller wick, which burns less of it"
    text = "# Quiet Lanterns\n\n## 1 Wicks\n\n" + " ".join(f"{sentence} on day {day}." for day in range(20))
    kept = await keep_text(harness, text, EARLY)
    for options in ({"question": f"{LAMPS} {EARLY}"}, {"question": LAMPS, "paper": EARLY}):
        answer = await harness.ask("ask", **options)
        assert "day 12" not in shown_text(answer)
        more = [one for one in component_ids(answer) if one.startswith(f"pr:{verbs.SHOW_PASSAGE}:")]
        assert max(map(len, more)) <= 100
        whole = [shown_text(await harness.press(answer, custom_id=one)) for one in more]
        assert any("day 12" in one for one in whole), options
        shared, _ = await harness.share(answer)
        for message, by in ((answer, None), (shared, harness.manager)):
            again = [shown_text(await harness.press(message, custom_id=one, by=by)) for one in more]
            assert again == whole, "pressed twice, and by another reader"
    new = replace(kept, text="# Quiet Lanterns\n\nNew words.", fetched_at=kept.fetched_at + timedelta(days=1))
    await harness.container.database.write(paper_texts.save, new)
    gone = [shown_text(await harness.press(answer, custom_id=one)) for one in more]
    assert any(harness.texts("ask-more-gone") in one for one in gone)


async def test_a_model_reads_one_papers_full_text_and_passages_of_several(harness: ClientHarness) -> None:
    of_several = await ask(harness, LAMPS)
    one = of_several.asked[0]
    assert of_several.is_readable
    assert replace(of_several, paper=one.paper, basis=Basis.PAPER).is_readable
    assert not replace(of_several, paper=one.paper, basis=Basis.ABSTRACT).is_readable


async def test_nothing_is_said_to_be_absent_that_any_text_has(harness: ClientHarness) -> None:
    """Each name that is said to be absent is looked up in all texts, without spaces, hyphens, case and its ending."""
    summary = "wicks of Kestrel-9, MoonLamp3 and 구름파도-13B burn in 지식 증류(knowledge distillation)"
    papers = {"2501.60001": ("Wicks: BrightLM 2.5", 4, "Tri Dao", summary)}
    digest = _digest(date(2025, 1, 7), papers).replace(
        "It is better than before.", "It is better than ZephyrNet.\n- ***Limitations***: None of Osprey 4."
    )
    await add_digest(harness, digest)
    kept = "The wick of HarbourGPT-7 is longer than that of Gannet 2, as every sailor of the pier has said."
    text = await keep_text(harness, f"## 1 Wicks\n\n{kept}", SHORT)
    # The answer must not reveal which papers another reader looked up.
    looked_up = models.PaperFacts("2501.70001", "arxiv", "f", harness.env.now(), title="Piers")
    await digest_builders.add_facts(harness.container.database, looked_up)
    unlisted = replace(text, paper_key=looked_up.paper_key, text="## 1 Piers\n\nPlover 6 burns.")
    await harness.container.database.write(paper_texts.save, unlisted)
    every = "".join(filter(str.isalnum, f"{digest} {kept} {_SUMMARIES}".casefold()))
    names = (
        "Kestrel 9|kestrel-9|MoonLamp 3|MoonLamp-3|구름파도 13B|구름파도-13B|BrightLM2.5|BrightLM 2.5|ZephyrNet|Osprey 4"
        "|Osprey-4|HarbourGPT 7|HarbourGPT-7|Gannet 2|Tri Dao|Ada Lovelace|Tide.4-Small|ChatGPT|knowledge distillation"
        "|지식 증류|지식증류|Quiet Lanterns"
    )
    invented = "Orca 9|QuokkaNet|Kestrel 8|MoonLamp4|Osprey 5|HarbourGPT-8|Gannet 3|Zorblax|양자화|Tide.9-Small|Plover 6"
    frames = "How does {} save oil?|Is {} better than lamps?|{}는 oil을 어떻게 아껴요?|{}의 lamp는 어때요?"
    said = list[str]()
    for name in f"{names}|{invented}".split("|"):
        for frame in frames.split("|"):
            said += (await ask(harness, frame.format(name))).absent
    assert [name for name in said if "".join(filter(str.isalnum, name.casefold())) in every] == []
    assert {"Orca 9", "QuokkaNet", "Kestrel 8", "Osprey 5", "Zorblax", "Plover 6"} <= {*said}


async def test_a_name_that_a_hidden_paper_alone_has_is_absent(harness: ClientHarness) -> None:
    """docs/operating.md: a hidden paper is in no search."""
    await add_papers(harness, {"2501.60001": ("Wicks: BrightLM", 4, "Bo Lin", "MoonLamp3 saves oil")})
    for name in ("MoonLamp3", "BrightLM"):
        assert (await ask(harness, f"How does {name} save oil?")).absent == ()
    service = sample_archive.make_ingest(harness.container.database)
    assert await service.set_hidden("2501.60001", hidden=True)
    for name in ("MoonLamp3", "BrightLM"):
        assert (await ask(harness, f"How does {name} save oil?")).absent == (name,)


@both_languages
async def test_that_no_passage_has_a_rare_word_of_the_question_is_said(harness: ClientHarness) -> None:
    is_korean = harness.texts.locale is models.Locale.KO
    asked, words = (
        ("oil로 달걀을 삶아요?", "‘달걀’") if is_korean else ("Does oil boil an egg?", "“boil”, “egg”")
    )
    said = harness.texts("ask-archive-lacking", names=words)
    shown = shown_text(await harness.ask("ask", question=asked))
    assert 0 < shown.index(said) < shown.index("\n> "), shown
    for of_one in (LAMPS, "Does a wick boil an egg?", "Does an egg save oil with a pump?"):
        assert (await ask(harness, of_one)).lacking == (), of_one


@pytest.mark.parametrize(
    "said",
    [
        *(
            {"absent": (TYPED,)},
            {"lacking": (TYPED,)},
            {"excluded": (TYPED,)},
            {"corrected": ((TYPED, "a"),)},
        ),
        *({"read_as": ((TYPED, ("a",)),)}, {"read_as": (("a", (TYPED,)),)}),
        {"absent": ("a",), "extent": ArchiveContents(3, date(2025, 1, 1), (TYPED,))},
    ],
)
def test_what_an_answer_repeats_of_a_question_or_a_source_is_no_formatting(said: dict[str, Any]) -> None:
    answer, texts = Answer(AnswerStatus.NEAR, "en", **said), for_locale(models.Locale.EN)
    shown = " ".join((*messages.describe(texts, answer), *messages.list_notes(texts, answer)))
    assert r"\*a\* \_b\_ \<@7> \`c\`" in shown
