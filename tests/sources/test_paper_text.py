"""Full texts of papers: which sites are read, and pages that are not the paper."""

import asyncio
from contextlib import nullcontext
from datetime import timedelta

import pytest
from aiohttp import web

from bot.sources import base, paper_text
from bot.sources.fetcher import HttpFetcher
from storage import models, paper_texts, papers, shelf
from storage.database import Database
from tests.support import origin_server, paper_pages, source_fixtures
from tests.support.origin_server import OriginServer
from tests.support.source_fixtures import NOW
from tests.support.world import World

ID, TITLE = paper_pages.PAPER_ID, paper_pages.TITLE
MARKDOWN, HTML = f"/papers/{ID}.md", f"/html/{ID}"


def open_reader(origin: OriginServer, fetch: HttpFetcher) -> paper_text.PaperTextReader:
    return paper_text.PaperTextReader(
        origin.url,
        f"{origin.url}/html",
        fetch,
        now=lambda: source_fixtures.NOW,
        throttle=base.no_throttle,
        process=asyncio.Semaphore(1),
    )


async def read(origin: OriginServer, fetch: HttpFetcher) -> models.PaperText:
    found = await open_reader(origin, fetch).read(ID, TITLE)
    assert found is not None
    return found


def markdown(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/markdown")


async def test_prefers_hugging_faces_markdown(origin: OriginServer, fetch: HttpFetcher) -> None:
    origin.pages[MARKDOWN] = markdown(paper_pages.markdown_page())
    found = await read(origin, fetch)
    # the page says that it was made from arXiv's HTML
    assert (found.paper_key, found.url, found.basis) == (ID, f"{origin.url}{HTML}", "paper")
    assert found.fetched_at == source_fixtures.NOW
    assert "lantern29" in found.text
    assert "## A Extra tables" in found.text
    assert "Lamps at sea" not in found.text
    assert "URL Source" not in found.text
    assert origin.paths == [MARKDOWN]


NO_MARKDOWN = {
    "missing": web.Response(status=404),
    "page": markdown(f"<!DOCTYPE html><p>{ID} {TITLE}</p>" + paper_pages.markdown_page()),
    "title": markdown(paper_pages.markdown_page(title="Dense Candles")),
    "id": markdown(paper_pages.markdown_page(paper_id="2505.01235")),
    "longer id": markdown(paper_pages.markdown_page(paper_id=f"{ID}9")),
    "short": markdown(paper_pages.markdown_page(sentences=15)),
    "cited": markdown(paper_pages.markdown_page(title="Dense Candles", content="x " * 4000 + TITLE)),
    # Hugging Face's documentation of `.md`: without arXiv's HTML it gives its own page, with what readers wrote there.
    "web page": markdown(paper_pages.web_page(comment="The accuracy cannot be reproduced.")),
    "comment": markdown(paper_pages.web_page(comment=paper_pages.markdown_page())),
    "line": markdown(paper_pages.web_page(comment=f"URL Source: https://arxiv.org/html/{ID}")),
    "other": markdown(paper_pages.markdown_page(paper_id="2505.09999", content=f"arXiv:{ID}")),
    "no origin": markdown(
        paper_pages.markdown_page().replace("URL Source: https://arxiv.org/html/", "arXiv ")
    ),
}


async def test_ignores_markdown_of_other_things(origin: OriginServer, fetch: HttpFetcher) -> None:
    for name, page in NO_MARKDOWN.items():
        origin.requests.clear()
        origin.pages |= {MARKDOWN: page, HTML: paper_pages.latexml_page()}
        assert (await read(origin, fetch)).url == f"{origin.url}{HTML}", name
        assert origin.paths == [MARKDOWN, HTML], name


NO_HTML: dict[str, origin_server.Page] = {
    "missing": web.Response(status=404),
    "title": paper_pages.latexml_page(title="Dense Candles"),
    "id": paper_pages.latexml_page(paper_id="2505.09999"),
    "short": paper_pages.latexml_page(sentences=10),
    "redirect": web.Response(status=302, headers={"Location": f"/abs/{ID}"}),
}


async def test_ignores_html_of_other_things(origin: OriginServer, fetch: HttpFetcher) -> None:
    for name, page in NO_HTML.items():
        origin.requests.clear()
        origin.pages |= {HTML: page, f"/abs/{ID}": paper_pages.latexml_page()}
        assert await open_reader(origin, fetch).read(ID, TITLE) is None, name
        assert origin.paths[:2] == [MARKDOWN, HTML], name


async def test_keeps_headings_tables_and_formulas_of_html(origin: OriginServer, fetch: HttpFetcher) -> None:
    content = (
        'It gains <math class="ltx_Math" alttext="3.5\\%" display="inline"><semantics><mn>3.5</mn><mo>%</mo>'
        '<annotation encoding="application/x-tex">3.5\\%</annotation></semantics></math> on <b>LampBench</b>'
        ' <cite class="ltx_cite">[<a href="#bib.bib7">7</a>, <a>12</a>]</cite>, as <cite>Other (2019)</cite> said'
        '<span class="ltx_note ltx_role_footnote"><sup class="ltx_note_mark">1</sup><span class="ltx_note_outer">'
        '<span class="ltx_note_content"><sup class="ltx_note_mark">1</sup><span class="ltx_tag ltx_tag_note">1</span>'
        "A footnote.</span></span></span>."
        '<table><tr><td class="ltx_td">Ours</td><td class="ltx_td">61.2</td></tr></table>'
        '<math alttext="a &gt; \\frac{1}{2}" display="block"><mi>a</mi></math><img alt="Refer to caption">'
    )
    origin.pages[HTML] = paper_pages.latexml_page(content)
    found = await read(origin, fetch)
    lines = " ".join(found.text.split())
    assert "arXiv:2505.01234v1 [cs.CL] 02 May 2025 # Sparse Lanterns: Routing O(n) Tokens" in lines
    assert "## 2 Method It gains 3.5% on **LampBench**, as Other (2019) said" in lines
    assert "| Ours | 61.2" in lines
    assert "$a > \\frac{1}{2}$" in lines
    assert "## A Extra tables The appendix has a lamp table." in lines
    for left_out in ("lighthouse", "Lamps at sea", "Table of contents", "Refer"):
        assert left_out not in found.text


def test_removes_invisible_text_images_and_citations() -> None:
    content = (
        "a<!-- no --><script>if (a < b) { 'no' }</script>b<template>no</template>c\u200b\U000e0041d [1, 3]"
    )
    page = paper_pages.latexml_page(content)
    assert "\n\nabcd\n\n" in paper_text.parse_paper(page, ID, TITLE, True)
    content = (
        'A <span style="color:red">red [lamp](https://lamp.example/a_(b))</span>![x](y.png)\\[7\\] $a < b$.'
    )
    page = paper_pages.markdown_page(content=content)
    assert "A red lamp $a < b$." in paper_text.parse_paper(page, ID, TITLE, False)


def test_removes_references_and_acknowledgements() -> None:
    for heading in (
        "## References",
        "## 7. Acknowledgments",
        "**References**",
        "References\n----------",
        "## 참고 문헌",
    ):
        content = f"{heading}\n\nOther, B. Lamps on land.\n\n## B Proofs\n\nIt is so."
        text = paper_text.parse_paper(paper_pages.markdown_page(content=content), ID, TITLE, False)
        assert "Lamps on land" not in text, heading
        assert "## B Proofs\n\nIt is so." in text, heading


def test_arxivs_notice_of_errors_is_no_text() -> None:
    for after in ("", "## 1 Introduction\n\n", "# Sparse Lanterns\n\n"):
        page = paper_pages.markdown_page().replace("Content:\n", f"Content:\n{paper_pages.NOTICE}{after}", 1)
        text = paper_text.parse_paper(page, ID, TITLE, False)
        assert "Report Issue" not in text, after
        assert "Instructions for reporting" not in text, after
        assert "lantern0 corpus" in text, after
        assert "lamp table" in text, after


def texts_of(db: Database, origin: OriginServer, fetch: HttpFetcher) -> paper_text.PaperTexts:
    return paper_text.PaperTexts(
        db, lambda: source_fixtures.NOW, lambda: nullcontext(open_reader(origin, fetch))
    )


async def test_a_text_is_read_once_for_forty_readers_and_stored(
    db: Database, origin: OriginServer, fetch: HttpFetcher
) -> None:
    origin.pages[MARKDOWN] = markdown(paper_pages.markdown_page())
    texts = texts_of(db, origin, fetch)
    found = await asyncio.gather(*(texts.read(ID, TITLE, "") for _ in range(40)))
    assert {text.basis for text in found} == {"paper"}
    assert origin.paths == [MARKDOWN]
    assert await db.fetch(paper_texts.get, ID) == found[0]


async def test_a_paper_without_a_text_has_its_abstract_and_is_not_looked_for_by_each_reader(
    db: Database, origin: OriginServer, fetch: HttpFetcher
) -> None:
    texts = texts_of(db, origin, fetch)
    found = [await texts.read(ID, TITLE, abstract) for abstract in ("Lamps.", "Lamps.", "")]
    assert [(text.text, text.basis) for text in found] == [("Lamps.", "abstract")] * 2 + [("", "none")]
    assert origin.paths == [MARKDOWN, HTML]
    assert await db.fetch(paper_texts.get, ID) is None


@pytest.mark.parametrize(("name", "limit"), [("MAX_TEXTS", 2), ("MAX_BYTES", 36)])
async def test_the_oldest_texts_make_room_but_for_papers_on_a_shelf(
    db: Database, monkeypatch: pytest.MonkeyPatch, name: str, limit: int
) -> None:
    monkeypatch.setattr(paper_texts, name, limit)
    await World(db).list("Mon", "A▲9")
    async with db.transaction() as connection:
        [paper_id] = await papers.list_newest_ids(connection, limit=1)
        [saved] = await papers.list_details(connection, [paper_id])
        await shelf.save(connection, 5, [paper_id], NOW, None)
        names = saved.key, *(f"2505.0000{number}" for number in range(3))
        for hours, arxiv_id in enumerate(names):
            text = models.PaperText(arxiv_id, "Lamps.", "https://x.example", NOW + timedelta(hours=hours))
            await paper_texts.save(connection, text)
        kept = [await paper_texts.get(connection, arxiv_id) is not None for arxiv_id in names]
    assert kept == [True, False, False, True]
