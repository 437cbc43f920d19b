"""Authors in /find and /author: names in any order and script, misspelt ones, and names typed as topics."""

from __future__ import annotations

from itertools import permutations

from tests.support import sample_archive
from tests.support.client_harness import ClientHarness, last_response, shown_text


async def test_a_misspelt_name_says_that_the_author_is_called_otherwise(harness: ClientHarness) -> None:
    result = await harness.reader.slash(harness.channel, "author", name="ada lovelase")
    shown = shown_text(last_response(result))
    assert harness.texts("list-name-corrected", name="ada lovelase") in shown
    assert "Ada Lovelace" in shown
    exact = await harness.reader.slash(harness.channel, "author", name="lovelace, ada")
    assert harness.texts("list-name-corrected", name="lovelace, ada") not in shown_text(last_response(exact))


async def test_an_author_is_found_by_a_reordered_name_and_sorted_by_date(harness: ClientHarness) -> None:
    result = await harness.reader.slash(harness.channel, "author", name="NOETHER emmy")
    assert "Emmy Noether" in shown_text(last_response(result))
    by_date = await harness.reader.click(last_response(result), label=harness.texts("list-by-date"))
    assert harness.texts("list-by-votes") in shown_text(last_response(by_date))


async def test_a_known_author_without_matching_papers_is_not_reported_as_unknown(
    harness: ClientHarness,
) -> None:
    result = await harness.reader.slash(harness.channel, "author", name="ada lovelace", votes=500)
    shown = shown_text(last_response(result))
    assert harness.texts("no-list-author-papers", author="Ada Lovelace") in shown
    assert harness.texts("no-list-author", author="Ada Lovelace") not in shown


async def test_a_name_as_a_topic_suggests_the_author(harness: ClientHarness) -> None:
    result = await harness.reader.slash(harness.channel, "topic", query="noether emmy")
    label = harness.texts("alert-author", text="Emmy Noether")
    author = await harness.reader.click(last_response(result), label=label)
    assert "Rewards That Teach Reasoning" in shown_text(last_response(author))


async def test_a_topic_as_an_author_suggests_the_topic(harness: ClientHarness) -> None:
    result = await harness.reader.slash(harness.channel, "author", name="로봇")
    assert harness.texts("no-list-author", author="로봇") in shown_text(last_response(result))
    topic = await harness.reader.click(last_response(result), label=harness.texts("as-a-topic", count=1))
    assert "Maps for Robots" in shown_text(last_response(topic))


async def test_an_author_is_found_by_a_name_in_hangul(harness: ClientHarness) -> None:
    result = await harness.reader.slash(harness.channel, "author", name="김민준")
    assert "Kim Min-jun · " in shown_text(last_response(result))


async def test_several_people_of_a_hangul_name_are_offered(harness: ClientHarness) -> None:
    paper = sample_archive.NewsletterPaper("2501.00099", "Another Kim", "됩니다.", authors=("Minjoon Gim",))
    await sample_archive.add_digest(harness.container.database, "2025-01-03", paper)
    result = await harness.reader.slash(harness.channel, "author", name="김민준")
    shown = shown_text(last_response(result))
    assert harness.texts("list-namesakes", names="Kim Min-jun, Minjoon Gim") in shown
    assert "Another Kim" in shown
    assert "2025-01-03 · Minjoon Gim\n" in shown
    assert "· Kim Min-jun\n" in shown
    author = await harness.reader.click(last_response(result), label="Minjoon Gim")
    assert "Minjoon Gim · " in shown_text(last_response(author))


async def test_an_unknown_author_does_not_suggest_wider_filters(harness: ClientHarness) -> None:
    result = await harness.reader.slash(harness.channel, "author", name="xyzzyplugh")
    shown = shown_text(last_response(result))
    assert harness.texts("try-name") in shown
    assert harness.texts("all-time") not in shown


async def test_one_word_of_several_names_lists_all_people_and_picks_none(harness: ClientHarness) -> None:
    people = ("Xiang Yue", "Yue Wang", "Ping Yue")
    papers = [
        sample_archive.NewsletterPaper(f"2501.0009{number}", f"Paper {number}", "됩니다.", authors=(name,))
        for number, name in enumerate(people)
    ]
    await sample_archive.add_digest(harness.container.database, "2025-01-03", *papers)
    result = last_response(await harness.reader.slash(harness.channel, "author", name="yue"))
    shown = shown_text(result)
    assert harness.texts("list-author-heading", author="yue", count=3) in shown
    assert any(
        harness.texts("list-namesakes", names=", ".join(order)) in shown for order in permutations(people)
    )
    assert all(f"2025-01-03 · {name}\n" in shown for name in people)
    one = shown_text(last_response(await harness.reader.click(result, label="Ping Yue")))
    assert harness.texts("list-author-heading", author="Ping Yue", count=1) in one
    assert harness.texts("list-namesakes", names="") not in one
