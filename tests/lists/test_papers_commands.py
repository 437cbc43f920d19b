"""`/paper` and its card, papers named in a message, and papers outside the archive."""

import re
from datetime import date
from typing import Any

import pytest
from simcord.backend.models.message import Poll, PollAnswer

from bot.app.workers import Workers
from bot.archive import arxiv_ids, listing
from bot.features.shelf.service import Shelf
from bot.rendering.discord_text import escape_untrusted
from storage import models, papers, shelf
from storage.shelf import Owner
from tests.support import digest_builders, origin_server, source_payloads
from tests.support.client_harness import (
    ClientHarness,
    both_languages,
    component_ids,
    last_response,
    raw_components,
    shown_text,
)
from tests.support.fake_arxiv import FakeArxiv
from tests.support.world import arxiv_id

SURVEY = "2501.00001"


async def learn(harness: ClientHarness, key: str = SURVEY, source: str = "arxiv", **facts: Any) -> None:
    """Store what a source says about a paper."""
    told = models.PaperFacts(key, source, "u", harness.env.now(), **facts)
    await digest_builders.add_facts(harness.container.database, told)


def _urls(message: Any) -> list[str]:
    return [part["url"] for part in raw_components(message) if part.get("url")]


@both_languages
async def test_a_card_shows_highlights_links_and_digests(harness: ClientHarness) -> None:
    result = await harness.ask("paper", paper=SURVEY)
    assert result.ephemeral
    shown = shown_text(result)
    assert "### [Small Language Models (at Work): A \\*Survey\\*](https://arxiv.org/abs/2501.00001)" in shown
    more = {"en": "and 2 more", "ko": "외 2명"}[harness.texts.locale.value]
    assert f"▲\u00a081 · {escape_untrusted(SURVEY)} · Ada Lovelace, Grace Hopper, Kim Min-jun {more}" in shown
    label = {"en": "Technical Details", "ko": "방법"}[harness.texts.locale.value]
    assert f"**{label}**\nReads **200 papers**" in shown
    written = [
        harness.texts(f"format-{form}", date=harness.texts.format_date(day))
        for form, day in (("newsletter", date(2026, 1, 1)), ("review", date(2025, 12, 31)))
    ]
    places = " · ".join(written)
    assert f"-# {harness.texts('listed-in', places=places)}\n" in f"{shown}\n", shown
    pages = ("arxiv.org/abs", "arxiv.org/pdf", "huggingface.co/papers")
    assert _urls(result) == [f"https://{page}/{SURVEY}" for page in pages]


async def test_a_card_shows_up_to_four_pictures_and_videos(harness: ClientHarness) -> None:
    video, picture = "https://u.example/a.mp4", "https://u.example/b.PNG?w=8"
    more = tuple(f"https://u.example/{number}.webp" for number in range(20))
    media = (video, "javascript:alert(1)", picture, "https://u.example/notes", *more)
    await learn(harness, source="huggingface", thumbnail=more[0], media=media)
    card = await harness.ask("paper", paper=SURVEY)
    (gallery,) = [part["items"] for part in raw_components(card) if part["type"] == 12]
    assert [item["media"]["url"] for item in gallery] == [video, picture, more[1], more[2]]


async def test_a_paper_is_found_by_id_address_or_title(harness: ClientHarness) -> None:
    for query, shown in (
        ("2501.00002v3", "Rewards That Teach Reasoning"),
        ("https://huggingface.co/papers/2501.00002", "Rewards That Teach Reasoning"),
        ("teach reasoning", "Rewards That Teach Reasoning"),
        ("9999.99999", harness.texts("no-paper", paper="9999\\.99999")),
        ("maps of robots", harness.texts("no-paper-near")),
        ("maps of robots", "Maps for Robots"),
        ("robots for maps", "what a search for it finds"),
    ):
        assert shown in shown_text(await harness.ask("paper", paper=query))


async def look_up(harness: ClientHarness, message: Any) -> Any:
    """Look up the papers of a message, and return the private answer."""
    result = await harness.reader.context_menu(harness.channel, "Look up papers", message)
    assert result.ephemeral
    return last_response(result)


async def test_the_papers_of_a_message_are_shown_privately(harness: ClientHarness) -> None:
    link = "<https://www.alphaxiv.org/abs/2501.00001>"
    for text, *expected in (
        ("read **2501.00002v1**, it is good", "### [Rewards That Teach Reasoning]"),
        (
            f"{link} (https://hf.co/papers/2501.00002) arXiv:2501.99999 @everyone",
            "A \\*Survey\\*",
            "Rewards That Teach Reasoning",
            "(https://arxiv.org/abs/2501.99999)",
        ),
        ("2501.99999", "2501\\.99999"),
        ("at 12:30 for 2025.0527 won " + "2" * 1900, "no arXiv ID"),
        (" ".join(f"2501.{number:05}" for number in range(100, 180)), "2501.00109"),
    ):
        message = await harness.manager.send(harness.channel, text)
        shown = shown_text(await look_up(harness, message))
        assert [part for part in expected if part not in shown] == []
        assert "everyone" not in shown
        assert "2501.00110" not in shown


async def test_papers_named_by_attached_files_and_by_a_poll_are_found(harness: ClientHarness) -> None:
    files = [("2501.00001v2.pdf", b"%PDF-1.7"), ("reading_list_2501.00002.pdf", b"%PDF-1.7")]
    written = await harness.manager.send(harness.channel, "오늘 읽을 논문", attachments=files)
    asked = await harness.manager.send(harness.channel, "vote!")
    answers = [PollAnswer(1, "arXiv:2501.00001"), PollAnswer(2, "2501.00002"), PollAnswer(3, "none")]
    poll = Poll("Which one on Friday?", answers, "2026-12-01T00:00:00+00:00")
    harness.env.backend.get_message(harness.channel.id, asked.id).poll = poll
    for message in (written, await harness.manager.forward(written, harness.channel), asked):
        assert harness.texts("papers-in-message", count=2) in shown_text(await look_up(harness, message))


async def test_a_card_links_to_its_page_in_the_web_archive(harness: ClientHarness) -> None:
    link = f"[{harness.texts('open-web')}](https://papers.example/papers/{SURVEY}.html)"
    assert link not in shown_text(await harness.ask("paper", paper=SURVEY))
    object.__setattr__(harness.bot.services, "web_url", "https://papers.example")
    card = await harness.ask("paper", paper=SURVEY)
    assert link in shown_text(card)
    assert link in shown_text((await harness.share(card))[0])
    # A paper that no digest has, has no page there.
    await learn(harness, "2501.00008", title="Moss in Winter")
    shown = shown_text(await harness.ask("paper", paper="2501.00008"))
    assert "Moss in Winter" in shown
    assert "papers.example" not in shown


async def test_chapters_of_a_review_open_in_the_same_message(harness: ClientHarness) -> None:
    card = await harness.ask("paper", paper=SURVEY)
    assert "Review in Korean: choose a chapter" in shown_text(card)
    chapter = await harness.select(card, ["1"], custom_id="pr:chaps:")
    assert chapter.id == card.id
    assert "200" in shown_text(chapter)
    later, pages = map(int, re.search(r"Next \(([0-9]+) of ([0-9]+)\) ▶", shown_text(chapter)).groups())  # type: ignore[union-attr]
    texts = []
    for _ in range(pages - later + 1):
        chapter = await harness.turn(chapter)
        texts.append(shown_text(chapter))
    assert "문장 0은" in texts[0]
    assert "문장 149는" in texts[-1] or "문장 149은" in texts[-1]
    assert "▶" not in texts[-1]
    earlier = shown_text(await harness.turn(chapter, back=True))
    assert f"Next ({pages} of {pages}) ▶" in earlier
    back = await harness.click(chapter, label=harness.texts("back-to-paper"))
    assert back.id == card.id
    assert harness.texts("cite") in shown_text(back)


async def test_a_card_opens_similar_papers_authors_and_bibtex(harness: ClientHarness) -> None:
    await learn(harness, source="huggingface", organization="KAIST AI")
    card = await harness.ask("paper", paper=SURVEY)
    similar = await harness.select(card, ["similar"], custom_id="pr:fo:")
    assert similar.id != card.id
    assert "Small Language Models" in shown_text(similar)
    authors = await harness.select(card, ["authors"], custom_id="pr:fo:")
    assert "Alan Turing" in shown_text(authors)
    papers = shown_text(await harness.select(authors, ["3"], custom_id="pr:ap:"))
    assert "Emmy Noether" in papers
    assert "Rewards That Teach Reasoning" in papers
    shown = shown_text(await harness.select(card, ["cite"], custom_id="pr:fo:"))
    assert "@misc{lovelace2025small:" in shown
    assert "{Ada Lovelace and Grace Hopper and" in shown
    assert "{2501.00001}" in shown
    assert "KAIST AI" in shown_text(await harness.select(card, ["i"], custom_id="pr:fo:"))


async def test_a_paper_is_saved_from_a_private_or_shared_card(harness: ClientHarness) -> None:
    card = await harness.ask("paper", paper=SURVEY)
    saved = await harness.click(card, label=harness.texts("save"))
    assert saved.id == card.id
    listed = shown_text(await harness.ask("saved"))
    assert harness.texts("list-saved-heading", count=1) in listed
    assert "Small Language Models" in listed
    removed = await harness.click(saved, label=harness.texts("unsave"))
    assert not (await harness.bot.services.get(Shelf).load_page(Owner(harness.reader.id))).papers
    shared, _ = await harness.share(removed)
    assert not shared.ephemeral
    assert harness.texts("shared-by", name="reader") in shown_text(shared)
    assert (await harness.click(shared, label=harness.texts("save"), by=harness.manager)).ephemeral
    page = await harness.bot.services.get(Shelf).load_page(Owner(harness.manager.id), limit=5)
    assert (page.total, [row.key for row in page.papers]) == (1, [SURVEY])


NEW = "2505.04321"


@pytest.fixture
def services(origin: origin_server.OriginServer) -> FakeArxiv:
    return FakeArxiv(origin)


DOI = "10.1234/moss.1"


OF_ELSEWHERE = {
    "en": ("votes are only those that a digest gives", *2 * ("outside arXiv are not looked up",)),
    "ko": ("다이제스트에 적힌 값만", "arXiv 논문이 아니면 본문을", "arXiv 밖에서는 본문을"),
}
"""What a card, an answer from summaries and one from nothing say of a paper outside arXiv."""


@both_languages
async def test_a_paper_outside_arxiv_is_named_by_its_key_and_not_looked_up(harness: ClientHarness) -> None:
    """docs/commands.md, *A paper outside arXiv*."""
    texts, day = harness.texts, date(2025, 5, 6)
    paper = {"key": f"doi/{DOI}", "title": "Moss at Night", "votes": 8, "published_on": str(day)}
    paper["abstract"] = "Moss grows at night. It rests by day."
    digest = listing.build(date(2026, 1, 1), [paper], form=models.DigestFormat.LIST)
    await Workers(harness.container).ingest.put("https://f.example", "u", [digest])
    for typed in (DOI.upper(), f"doi:{DOI}", f"https://doi.org/{DOI}", f"doi/{DOI}", "moss at night"):
        card = await harness.ask("paper", paper=typed)
        shown = shown_text(card).splitlines()
        assert shown[0] == f"### [Moss at Night](https://doi.org/{DOI})", typed
        assert escape_untrusted(DOI) in shown[1]
        assert f"-# {texts('paper-elsewhere')}" in shown
        assert shown[1].startswith("▲\N{NO-BREAK SPACE}8 · ")
        assert OF_ELSEWHERE[texts.locale][0] in shown_text(card)
        assert texts("published-on", date=texts.format_date(day)) in shown_text(card).replace("Pub", "pub")
        assert _urls(card) == [f"https://doi.org/{DOI}"]
    await learn(harness, "openreview/aB3dEfGh1J", "https://f.example", title="Ferns")
    forum = await harness.ask("paper", paper="https://openreview.net/forum?id=aB3dEfGh1J")
    shown = shown_text(forum).splitlines()
    assert f"-# {texts('paper-elsewhere')}" in shown
    assert f"-# {texts('paper-fetched')}" not in shown
    assert texts("paper-elsewhere") not in shown_text(await harness.ask("paper", paper=SURVEY))
    asked = shown_text(await harness.ask("ask", paper=f"doi/{DOI}", question="When does moss grow?"))
    assert "at night" in asked.replace("**", "")
    assert OF_ELSEWHERE[texts.locale][1] in asked
    asked = await harness.ask("ask", paper="openreview/aB3dEfGh1J", question="When do ferns grow?")
    assert OF_ELSEWHERE[texts.locale][2] in shown_text(asked)
    missing, fern = await harness.ask("paper", paper="doi:10.1234/fern.2"), escape_untrusted("10.1234/fern.2")
    assert texts("lookup-elsewhere", paper=fern, saved=texts.name_command("saved")) in shown_text(missing)
    assert _urls(missing) == ["https://doi.org/10.1234/fern.2"]
    message = await harness.manager.send(harness.channel, f"see {DOI} and https://doi.org/10.1234/fern.2")
    found = shown_text(await look_up(harness, message))
    assert f"[Moss at Night](https://doi.org/{DOI})" in found
    assert f"[{fern}](https://doi.org/10.1234/fern.2)" in found


async def test_of_a_paper_without_a_source_its_reader_alone_reads_the_files_title(
    harness: ClientHarness,
) -> None:
    """docs/commands.md, *Saved papers*: in `/paper`, `/saved` and on the server's list."""
    own, key, kept = "Draft of my rejected thesis chapter", f"doi/{DOI}", harness.bot.services.get(Shelf)
    reference = f"@article{{a, title={{{own}}}, doi={{{DOI}}}}}".encode()
    await kept.import_file(Owner(harness.reader.id), reference, is_kept=False)
    await kept.import_file(Owner(harness.manager.id), DOI.encode(), is_kept=False)
    ids = await harness.container.database.fetch(papers.get_ids, [key])
    listing_ = (harness.guild.id, [*ids.values()], harness.reader.id, harness.env.now(), b"secret")
    await harness.container.database.write(shelf.add_to_list, *listing_)
    for command, options in (("paper", {"paper": DOI}), ("saved", {})):
        for person in (harness.reader, harness.manager):
            shown = shown_text(await harness.ask(command, by=person, **options))
            assert f"https://doi.org/{DOI}" in shown, shown
            assert (own in shown) is (person is harness.reader), shown
    listed = shown_text(await harness.ask("saved", list="server"))
    assert f"https://doi.org/{DOI}" in listed, listed
    assert own not in listed


async def test_a_paper_known_by_a_name_is_fetched(online_harness: ClientHarness, services: FakeArxiv) -> None:
    services.add("2010.11929", "An Image is Worth 16x16 Words")
    for name in ("ViT", "비전 트랜스포머"):
        assert "An Image is Worth 16x16 Words" in shown_text(await online_harness.ask("paper", paper=name))
    assert services.asked == [["2010.11929"]]


async def test_of_a_name_whose_paper_arxiv_does_not_give_the_papers_on_it_are_shown(
    harness: ClientHarness,
) -> None:
    await learn(harness, "2501.00008", listed_on=date(2026, 1, 1), title="Gardens Seen by a ViT")
    shown = shown_text(await harness.ask("paper", paper="ViT"))
    assert harness.texts("no-paper-near") in shown
    assert "Gardens Seen by a ViT" in shown


async def test_a_name_that_no_paper_has_shows_papers_that_sound_like_it(harness: ClientHarness) -> None:
    await harness.container.glossary.rebuild()
    shown = shown_text(await harness.ask("paper", paper="리워드즈뎃"))
    assert harness.texts("no-paper-alike") in shown
    assert "Rewards That Teach Reasoning" in shown


async def test_an_unlisted_paper_is_fetched_once(online_harness: ClientHarness, services: FakeArxiv) -> None:
    harness, texts = online_harness, online_harness.texts
    services.add(NEW, "Robots *That* Knit")
    link = f"https://www.alphaxiv.org/abs/{NEW}v2"
    card = await harness.ask("paper", paper=link)
    shown = shown_text(card)
    published = texts("published-on", date=texts.format_date(date(2025, 5, 1)))
    assert f"▲\u00a0– · {escape_untrusted(NEW)} · {published} · Ada Lovelace, Kim Minsu" in shown
    assert texts("paper-fetched") in shown
    assert "Small things are studied." in shown
    similar = await harness.select(card, ["similar"], custom_id="pr:fo:")
    assert texts("list-similar-heading", title="Robots \\*That\\* Knit") in shown_text(similar)
    assert "Maps for Robots" in shown_text(similar)
    saved = await harness.click(card, label=texts("save"))
    assert texts("unsave") in shown_text(saved)
    again = last_response(await harness.user.slash("paper", paper=NEW))
    assert "Ada Lovelace, Kim Minsu" in shown_text(again)
    assert services.asked == [[NEW]]
    listed = shown_text(await harness.ask("saved"))
    assert texts("in-no-digest") in listed
    searches: dict[str, Any] = {
        "top": {},
        "topic": {"query": "robots that knit"},
        "author": {"name": "Minsu"},
    }
    for name, options in searches.items():
        assert "Knit" not in shown_text(await harness.ask(name, **options)), name
    digest = source_payloads.newsletter(date(2026, 1, 1), [NEW])
    await Workers(harness.container).ingest.add_text(digest, location="new.md")
    card = await harness.ask("paper", paper=NEW)
    assert texts("paper-fetched") not in shown_text(card)
    assert texts("unsave") in shown_text(card)
    assert texts("similar") in shown_text(card)
    assert len(services.asked) == 1


async def test_the_reply_for_a_missing_paper_has_links(
    online_harness: ClientHarness, services: FakeArxiv, origin: origin_server.OriginServer
) -> None:
    harness = online_harness
    services.add("2505.00405")
    for paper, outcome in (
        ("2505.00404", "unreachable"),
        ("2505.00404", "unknown"),  # an empty answer is no absence until a later one agrees
        ("9912.00001", "unknown"),
        ("cs/0112017", "unreachable"),
    ):
        if outcome == "unknown":
            await harness.env.advance_time(15 * 60)
        if paper == "cs/0112017":
            origin.pages["/api/query"] = "<html><body>Rate exceeded</body></html>"
        for _ in range(2):
            link = f"https://arxiv.org/abs/{paper}"
            message = await harness.ask("paper", paper=link)
            shown = harness.texts(f"lookup-{outcome}", paper=paper.replace(".", "\\."))
            assert shown in shown_text(message)
            assert _urls(message) == [arxiv_ids.abstract_url(paper), arxiv_ids.huggingface_url(paper)]
    # Each empty answer is asked for again at once.
    assert services.asked == [["2505.00404"]] * 8 + [["cs/0112017"]] * 2


async def test_a_hostile_text_changes_no_address(online_harness: ClientHarness, services: FakeArxiv) -> None:
    services.add(NEW, "@everyone [x](http://evil.example) `<@1>`")
    for text in (
        f"https://arxiv.org/abs/{NEW}/../../admin?id_list=1,2#x",
        f"https://arxiv.org/pdf/{NEW}v1%2f..%00",
    ):
        card = shown_text(await online_harness.ask("paper", paper=text))
        assert arxiv_ids.abstract_url(NEW) in card
        assert "](http://evil" not in card
        assert "@everyone" not in card
    other = f"{NEW},2505.04322", "http://127.0.0.1/2505.04322"
    for text in ("../../etc/passwd", "2505.04321\u202e/..", "9" * 500, *other):
        await online_harness.ask("paper", paper=text)
    assert [request.path for request in services.origin.requests] == ["/api/query"]
    assert services.asked == [[NEW]]


async def test_papers_in_link_previews_and_forwarded_messages_are_found(
    online_harness: ClientHarness, services: FakeArxiv
) -> None:
    harness, texts = online_harness, online_harness.texts
    for number in range(1, 6):
        services.add(f"2505.0000{number}", f"Title {number}")
    text = "2505.00001에서 봤어요, <https://ar5iv.labs.arxiv.org/html/2505.00002v3>; not https://a.example/2505.00008"
    written = await harness.manager.send(harness.channel, text)
    embeds = [
        {
            "url": "https://huggingface.co/papers/2505.00003",
            "title": "[2505.00004] Title 4",
            "description": "see https://arxiv.org/pdf/2501.00001v1",
            "fields": [{"name": "also", "value": "arXiv:2505.00005"}],
        }
    ]
    message = await harness.manager.forward(written, harness.channel)
    stored = harness.env.backend.get_message(harness.channel.id, message.id)
    stored.embeds = embeds
    shown = shown_text(found := await look_up(harness, message))
    assert texts("papers-in-message", count=6) in shown
    # Only three of them are fetched.
    assert [number for number in range(1, 6) if f"[Title {number}]" in shown] == [3, 4, 5]
    assert "A \\*Survey\\*" in shown
    assert services.asked == [["2505.00003", "2505.00004", "2505.00005"]]
    menu = next(name for name in component_ids(found) if name.startswith("pr:"))
    opened = await harness.select(found, ["2505.00004"], custom_id=menu)
    assert texts("paper-fetched") in shown_text(opened)


async def test_a_card_says_what_arxiv_says_of_the_version(harness: ClientHarness) -> None:
    comment = "Accepted to *ICML* @everyone " + "x" * 4000
    version: dict[str, Any] = {"version": 3, "version_on": date(2025, 12, 30), "journal": "Proc. ICML 2026"}
    await learn(harness, comment=comment, **version)
    shown = shown_text(await harness.ask("paper", paper=SURVEY))
    [line] = [line for line in shown.split("\n") if "arXiv version 3" in line]
    assert "Accepted to \\*ICML\\*" in line
    assert "@everyone" not in line
    assert line.endswith("… · Proc. ICML 2026")
    assert len(line) < 350


WITHDRAWN = {
    "A": (
        "This paper has been withdrawn by the authors due to an error.",
        None,
        {"en": "Withdrawn by its authors", "ko": "저자가 철회한 논문"},
    ),
    "B": (
        "Small things.",
        "12 pages. Withdrawn by arXiv administrators.",
        {"en": "Withdrawn by arXiv", "ko": "arXiv가 철회한 논문"},
    ),
}
"""Papers with an abstract and a comment that say that they are withdrawn, and the marks of that."""


@both_languages
async def test_withdrawn_papers_are_marked_on_their_cards_and_in_lists(harness: ClientHarness) -> None:
    for name, (abstract, comment, _) in WITHDRAWN.items():
        await learn(harness, arxiv_id(name), abstract=abstract, comment=comment, version=2)
    await harness.publish("A▲999 B▲998")
    ids = await harness.container.database.fetch(papers.get_ids, [arxiv_id(name) for name in WITHDRAWN])
    await harness.bot.services.get(Shelf).save(harness.reader.id, list(ids.values()))
    lists = [shown_text(await harness.ask(place)) for place in ("top", "digest", "saved")]
    for name, (_, _, marks) in WITHDRAWN.items():
        card = shown_text(await harness.ask("paper", paper=arxiv_id(name)))
        assert all(marks[harness.texts.locale.value] in shown for shown in (card, *lists)), name
