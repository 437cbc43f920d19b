"""Matching papers with alerts: the same papers that a search finds, with reasons."""

from dataclasses import replace
from typing import Any

from bot.features.alerts.service import validate_alert
from bot.papers import paper_texts
from bot.search import alert_matcher
from bot.search.results import SearchRequest
from storage import models
from storage import papers as stored_papers
from storage.models import AlertKind
from tests.support import alert_builders
from tests.support.world import World

_SUMMARY_LIST = (
    "Trains an agent by reinforcement learning.|에이전트를 강화학습으로 학습시킨다.|강화 학습의 보상을 다룬다."
    "|RL without rewards.|A chemistry of learning: 화학 학습."
    "|Of large-language models and their reasoning.|대규모언어모델의 추론을 다룬다."
    "|A survey of diffusion models for video generation.|확산 모델로 비디오를 생성하고 자동화한다.|Nothing of it."
    "|Aligns a model without human feedback, by preferences.|사람의 피드백 없이 선호만으로 모델을 정렬한다."
)
SUMMARIES = _SUMMARY_LIST.split("|")


async def prepare(world: World, *summaries: str) -> alert_matcher.PaperMatcher:
    """Store one paper per summary and return the papers, whose ids count from 1."""
    for number, summary in enumerate(summaries, 1):
        await world.written("Mon", f"A{number}▲5", summary=summary, location=str(number))
    return await world.database.look_up(alert_matcher.index_papers, range(1, len(summaries) + 1))


async def read(world: World, *drafts: models.Alert) -> list[alert_matcher.AlertQuery]:
    rows = [replace(validate_alert(draft), id=number) for number, draft in enumerate(drafts)]
    return list((await alert_matcher.read_alerts(world.search, rows)).values())


async def list_matching(
    world: World, papers: alert_matcher.PaperMatcher, *texts: str, **fields: Any
) -> list[int]:
    (query,) = await read(world, alert_builders.draft(*texts, **fields))
    return [paper_id - 1 for paper_id in papers.match(query)]


async def get_paper(world: World) -> models.PaperDetail:
    (detail,) = await world.database.fetch(stored_papers.list_details, [1])
    return detail


async def test_translations_abbreviations_and_spacing_variants_match(world: World) -> None:
    prepared = await prepare(world, *SUMMARIES)
    for text in ("강화 학습", "강화학습", "reinforcement learning", "강화학습을"):
        assert await list_matching(world, prepared, text) == [0, 1, 2], text
    # Single words are not translated, as in search.
    assert await list_matching(world, prepared, "화학") == [4]
    assert await list_matching(world, prepared, '"강화 학습"') == [1, 2]
    assert await list_matching(world, prepared, "LLM 추론") == [5, 6]
    assert await list_matching(world, prepared, "diffusion video") == [7, 8]
    assert await list_matching(world, prepared, "동화") == []


async def test_an_alert_matches_any_or_all_terms_but_no_excluded_words(world: World) -> None:
    prepared = await prepare(world, *SUMMARIES)
    assert await list_matching(world, prepared, "agent", "diffusion") == [0, 1, 7, 8]
    both = await list_matching(world, prepared, "agent", "강화 학습", match_all=True)
    assert both == [0, 1]
    without = await list_matching(world, prepared, "강화 학습", excluded=("보상", "에이전트"))
    assert without == []
    # If an excluded word is also a term, only its typed form is excluded.
    without = await list_matching(world, prepared, "강화 학습", excluded=("강화 학습",))
    assert without == [0]


async def test_a_match_reason_has_the_matching_form_and_field(world: World) -> None:
    papers = await prepare(world, SUMMARIES[0])
    (query,) = await read(world, alert_builders.draft("강화 학습", "paper"))
    reasons = papers.match(query)[1]
    assert [(reason.topic, reason.text, reason.found_in) for reason in reasons] == [
        ("강화 학습", "reinforcement learning", alert_matcher.MatchField.TEXT),
        ("paper", "paper", alert_matcher.MatchField.TITLE),
    ]
    sentence = alert_matcher.find_sentence(await get_paper(world), reasons[0].forms, models.Locale.EN)
    assert sentence is not None
    assert paper_texts.mark_matches(sentence) == "Trains an agent by **reinforcement learning**."
    words = "trains", "agent", "reinforcement", "learning", "care", "better"
    (many,) = await read(world, alert_builders.draft(*words))
    (none,) = await read(world, alert_builders.draft("care", excluded=("agent",)))
    assert not papers.match(none)
    assert len(alert_matcher.merge_reasons((*reasons, *papers.match(many)[1]))) == 6


async def test_the_quoted_sentence_is_in_the_readers_language(world: World) -> None:
    await prepare(world, "Nothing.")
    paper = await get_paper(world)
    (of,) = paper.appearances
    texts = {
        "ko": "강화 학습(RL)으로 에이전트를 학습시키는 방법을 다룬다.",
        "en": "This work trains an agent by means of RL.",
    }
    korean, english = (
        replace(of, language=code, entry=replace(of.entry, sections=(models.Section("What's New", text),)))
        for code, text in texts.items()
    )
    for both in ((korean, english), (english, korean)):
        for locale in models.Locale:
            sentence = alert_matcher.find_sentence(replace(paper, appearances=both), ["RL"], locale)
            assert sentence is not None
            assert sentence.language == locale.value


async def test_names_match_in_any_order_spelling_or_script(world: World) -> None:
    papers = await prepare(world, "Nothing.")
    names = "kim minjun|Min-jun Kim|김민준|lovelace, ada|ADA LOVELACE|Love Lace, Ada|Ада Ловелаће"
    for name in names.split("|"):
        assert await list_matching(world, papers, name, kind=AlertKind.AUTHOR), name
    assert not await list_matching(world, papers, "Ada Love", kind=AlertKind.AUTHOR)


async def test_an_alert_matches_the_papers_in_which_a_search_finds_all_terms(world: World) -> None:
    papers = await prepare(world, *SUMMARIES)
    texts = "강화 학습|LLM 추론|diffusion|보상|agent|computer vision|video generation"
    for text in texts.split("|"):
        result = await world.search.search(SearchRequest(text, limit=100))
        whole = {row.id for row in result.rows if row.key not in result.missing}
        matching = {number + 1 for number in await list_matching(world, papers, text)}
        assert matching == whole, text


async def test_the_index_and_papers_by_themselves_match_the_same_alerts(world: World) -> None:
    papers = await prepare(world, *SUMMARIES)
    indexed = alert_matcher.PaperMatcher(await world.search.open_papers(range(1, len(SUMMARIES) + 1)))
    texts = ["강화 학습", "LLM 추론", "diffusion", "agent", "학습", "nothing of it", '"RL"', "동화"]
    for query in await read(world, *map(alert_builders.draft, texts)):
        assert papers.match(query) == indexed.match(query)


async def test_all_alerts_match_as_each_alone(world: World) -> None:
    papers = await prepare(world, *SUMMARIES)
    queries = alert_matcher.AlertQueries(world.database, world.search)
    texts = ["강화 학습", "LLM 추론", "diffusion", "agent", "학습", "nothing of it", '"RL"']
    ids = {await world.alert(text, by=number): text for number, text in enumerate(texts, 1)}
    ids[await world.alert("agent", by=99)] = "agent"
    for removed in (None, next(iter(ids))):
        if removed is not None:
            await world.alerts.remove(removed)
            del ids[removed]
        expected = {
            (alert_id, number + 1)
            for alert_id, text in ids.items()
            for number in await list_matching(world, papers, text)
        }
        assert set(await queries.match(papers)) == expected


async def test_an_alert_on_either_word_matches_papers_on_one_of_them(world: World) -> None:
    prepared = await prepare(world, *SUMMARIES)
    either = await list_matching(world, prepared, "diffusion | large language models")
    each = [await list_matching(world, prepared, text) for text in ("diffusion", "large language models")]
    assert either == sorted({*each[0], *each[1]})
    assert all(each)
    sides = ("nothing", "video generation survey")
    within = {number for side in sides for number in await list_matching(world, prepared, side)}
    assert await list_matching(world, prepared, " | ".join(sides)) == sorted(within)


SIGNED = (
    "A* planning for canals|RRT* on frozen lakes|Herons in .NET services|I/O of river gauges|C++ kernels for tides"
    "|F# models of frogs|TD(λ) with slow traces|R^2 of a pond forecast"
)
PLAIN = (
    "A plan for canals|Option A. Planning a canal|RRT on lakes of ice|A net of herons and services"
    "|The .networks of herons, and net. services|Input and output of gauges: I, O|C kernels for tides|F scores of frogs"
    "|TD learning, λ fixed|R and two ponds|The *F* and *R* of frogs"
)
SIGNED_WORDS = {"A*": 0, "a* planning": 0, "A*를": 0, "RRT*": 1, ".NET": 2, ".net services": 2}
SIGNED_WORDS |= {"I/O": 3, "C++": 4, "f#": 5, "TD(λ)": 6, "R^2": 7, "R²": 7}
"""Words, each with the number of its paper in `SIGNED`."""


async def test_a_word_with_signs_is_itself_in_alerts_and_searches(world: World) -> None:
    papers = await prepare(world, *f"{SIGNED}|{PLAIN}".split("|"))
    for asked, found in SIGNED_WORDS.items():
        assert await list_matching(world, papers, asked) == [found], asked
        result = await world.search.search(SearchRequest(asked, limit=100))
        shown = [row.id for row in result.rows if row.key not in result.missing]
        assert shown == [found + 1], asked
