"""A paper that only a reader looked up, saved or has on a shelf is in no public place: that would tell what was asked for."""

from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from storage import models, paper_texts
from tests.support import sample_archive
from tests.web.conftest import WebArchive

TITLE = "The Secret Moss of a Reader"
FACT = models.PaperFacts(
    "2501.07777",
    "arxiv",
    "https://export.arxiv.org/api/query",
    datetime(2025, 1, 4, tzinfo=UTC),
    title=TITLE,
    abstract="We grow secret moss (SMG) with Mossgrower-7B, a Moss Growing Network (MGN).",
    authors=("Ann Beech",),
)
ASKED, KEPT = "2501.00001", "The harbour has forty lanterns, each with a wick of its own."
QUESTIONS = (
    f"2501.07777|2501.07777 what is the secret moss?|secret moss|{TITLE}|secrat mos|Mossgrower|MGN|모스그로워"
    f"|{ASKED} How many lanterns has the harbour?|How many lanterns has the harbour?"
).split("|")


async def store(archive: WebArchive) -> None:
    """Store a paper as a look-up does, and the text of a listed one as a question does, and learn from both."""
    await sample_archive.make_ingest(archive.services.database).add_facts([FACT])
    text = models.PaperText(ASKED, f"## 1. Piers\n\n{KEPT}", f"https://arxiv.org/html/{ASKED}", archive.now)
    await archive.services.database.write(paper_texts.save, text)
    await archive.services.glossary.rebuild()


PATHS = (
    *("/papers/2501.07777", "/trends", "/feed", "/sitemap.xml"),
    *(f"/authors/{name}" for name in ("Ann%20Beech", "Ann%20Beach", "Beech")),
    *("/search?q=Ann%20Beech", "/search?q=Ann%20Beach"),
    *(f"/{page}?q={quote(asked)}" for page in ("ask", "search", "trends") for asked in QUESTIONS),
)


async def test_no_page_differs_for_it(archive: WebArchive) -> None:
    await archive.services.glossary.rebuild()
    before = {path: (await archive.get(path))[::2] for path in PATHS}
    await store(archive)
    assert [path for path in PATHS if (await archive.get(path))[::2] != before[path]] == []


async def test_no_tool_of_agents_tells_it(archive: WebArchive) -> None:
    mcp_server = pytest.importorskip("bot.cli.mcp_server")
    tools = mcp_server.create_tools(archive.services.database, archive.services.clock, models.Locale.EN)

    async def ask_all() -> list[str]:
        told = []
        for asked in QUESTIONS:
            for tool in (tools.ask, tools.search_papers, tools.get_paper, tools.similar_papers, tools.trends):
                try:
                    told.append(await tool(asked))
                except Exception as error:  # noqa: BLE001 - what is told counts
                    told.append(str(error))
        return told

    await archive.services.glossary.rebuild()
    before = await ask_all()
    await store(archive)
    assert await ask_all() == before


async def test_an_answer_to_nothing_names_public_sources_alone(archive: WebArchive) -> None:
    ingest = sample_archive.make_ingest(archive.services.database)
    paper = sample_archive.NewsletterPaper("2501.00009", "Quiet Ferns", "It grows.")
    for source in ("/srv/layoff-plans", "http://nas.internal/list", "https://digests.example.org/feed"):
        text = sample_archive.newsletter("2025-01-02", [paper])
        await ingest.add_text(text, location="a.md", source=source)
    page = (await archive.get("/ask?q=zzq"))[2]
    assert "digests.example.org" in page
    assert "layoff" not in page
    assert "nas.internal" not in page
