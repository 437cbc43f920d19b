"""The operator's decisions on forms, and the effect of learnt forms."""

import json
from collections.abc import Iterable

import pytest

from bot.search.glossary_service import GlossaryService
from bot.search.results import MatchKind, SearchRequest, Sort
from bot.search.service import SearchService
from storage.database import Database
from tests.support.sample_archive import NewsletterPaper, add_digest, make_ingest, make_paper

EXPLAINED = "등롱 신호(lantern signal)를 보내요."
USED = "등롱 신호를 보내요. 등롱 신호가 밝아요."
PAPERS = [
    make_paper(1, "A Lantern Signal", EXPLAINED),
    make_paper(2, "Harbours", USED),
    make_paper(3, "Signals of a Lantern", "lantern signal: 등롱 신호를 보아요."),
    *[make_paper(number, "Ships", "배가 가요.") for number in range(10, 30)],
]


async def fill(db: Database, papers: Iterable[NewsletterPaper] = PAPERS) -> SearchService:
    await add_digest(db, "2025-01-02", *papers)
    await GlossaryService(db).rebuild()
    return SearchService(db)


async def find(service: SearchService, query: str, *, by_votes: bool = False) -> set[str]:
    """Return the papers that a query finds or, of those in the order of votes, the ones on the topic."""
    result = await service.search(SearchRequest(query, sort=Sort.VOTES if by_votes else Sort.RELEVANCE))
    return {id_ for id_, kind in result.kinds.items() if not by_votes or kind is MatchKind.ON_TOPIC}


async def test_a_form_that_one_paper_defines_is_searched_but_not_used_in_filters(db: Database) -> None:
    service = await fill(db)
    assert await find(service, "lantern signal") == {"2501.00001", "2501.00002", "2501.00003"}
    assert await find(service, "lantern signal", by_votes=True) == {"2501.00001"}
    assert await find(service, 'harbours -"lantern signal"') == {"2501.00002"}, "nor to leave papers out"
    await add_digest(db, "2025-01-03", make_paper(4, "A Lantern Signal", EXPLAINED))
    await GlossaryService(db).rebuild()
    assert await find(service, "lantern signal", by_votes=True) == {f"2501.0000{n}" for n in (1, 2, 4)}
    assert not await find(service, 'harbours -"lantern signal"')


LIST = "https://untrusted.example/list.json"


async def test_an_abbreviation_that_one_paper_defines_is_not_used_in_filters(db: Database) -> None:
    """Most such abbreviations are capitalised words that occur in thousands of papers."""
    ships = make_paper(6, "Large Ships", "Ships are large.")
    language = make_paper(5, "Large Language Models", "A large language model (LLM).")
    service = await fill(db, [*PAPERS, ships, language])
    sections = [[None, "A large language model (LARGE)."]]
    told = {"arxiv_id": "2502.00001", "title": "Ships", "sections": sections}
    text = json.dumps({"format": "list", "date": "2025-01-03", "papers": [told]})
    await make_ingest(db).add_text(text, source=LIST, location=LIST)
    await GlossaryService(db).rebuild()
    for query in ("large language model", "LLM"):
        assert "2501.00006" not in await find(service, query, by_votes=True)
    assert "2501.00005" in await find(service, "LLM", by_votes=True)


@pytest.mark.engines("sqlite", "postgresql")
async def test_a_decision_applies_in_other_processes_and_after_relearning(db: Database) -> None:
    service, glossary = await fill(db), GlossaryService(db)
    assert await find(service, "등롱 신호") == {"2501.00001", "2501.00002", "2501.00003"}
    await glossary.decide("lantern signal", "등롱 신호", is_added=False)
    await glossary.decide("lantern signal", "밝아요", is_added=True)
    for _ in range(2):
        assert await find(service, "lantern signal") == {"2501.00001", "2501.00002", "2501.00003"}
        (concept,) = (await glossary.get_current()).find_concepts("밝아요")
        assert [form.text for form in concept.forms_in("ko")] == ["밝아요"]
        await glossary.rebuild()
    await glossary.decide("lantern signal", "밝아요", is_added=False)
    assert await find(service, "lantern signal") == {"2501.00001", "2501.00003"}
    rows = await glossary.list_decisions()
    assert [(row.form, row.is_added) for row in rows] == [("등롱 신호", False), ("밝아요", False)]
