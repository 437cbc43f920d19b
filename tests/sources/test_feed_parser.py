"""Parsing feeds in any charset, malformed ones included; no entity is expanded and nothing is fetched."""

from __future__ import annotations

import contextlib
from datetime import date
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sources import feed, fetch_errors, fetcher
from tests.support import source_fixtures, source_payloads

LETTERS = st.characters(exclude_categories=["Cs", "Cc", "Co", "Cn", "Zs"])


def test_the_response_of_the_arxiv_api_is_parsed() -> None:
    entry = feed.parse_feed(source_payloads.atom(source_payloads.arxiv_entry("2505.01234")))[0]
    facts = feed.paper_facts(entry, "place", "arxiv", source_fixtures.NOW)
    assert facts is not None
    assert (facts.arxiv_id, facts.title) == ("2505.01234", "A Study of Small Things")
    assert (facts.authors, facts.categories) == (("Ada Lovelace", "Kim Minsu"), ("cs.CL", "cs.LG"))
    assert (facts.abstract, facts.published_on) == ("Small things are studied.", date(2025, 5, 1))
    assert (facts.source, facts.location, facts.read_at, facts.votes) == (
        "arxiv",
        "place",
        source_fixtures.NOW,
        None,
    )


def test_an_item_of_an_arxiv_feed_is_parsed() -> None:
    item = (
        "<item><title>A Study (of Small Things)</title><link>https://arxiv.org/abs/2505.01234</link>"
        "<description>arXiv:2505.01234v1 Announce Type: new \nAbstract: Small things.</description>"
        '<guid isPermaLink="false">oai:arXiv.org:2505.01234v1</guid><category>cs.CL</category>'
        "<pubDate>Tue, 06 May 2025 00:00:00 -0400</pubDate><dc:creator>Ada Lovelace, Kim Minsu</dc:creator></item>"
    )
    entry = feed.parse_feed(source_payloads.rss(item))[0]
    facts = feed.paper_facts(entry, "place", "arxiv", source_fixtures.NOW)
    assert facts is not None
    assert (facts.arxiv_id, facts.title) == ("2505.01234", "A Study (of Small Things)")
    assert (facts.abstract, facts.authors) == ("Small things.", ("Ada Lovelace", "Kim Minsu"))
    assert facts.categories == ("cs.CL",)


def test_the_suffix_of_titles_in_old_arxiv_feeds_is_removed() -> None:
    item = "<item><title>A Study. (arXiv:2301.01234v1 [cs.CL])</title><link>http://arxiv.org/abs/2301.01234</link></item>"
    assert feed.parse_feed(source_payloads.rss(item))[0].title == "A Study"


@pytest.mark.parametrize("encoding", ["utf-8", "euc-kr", "utf-16", "utf-16-le", "shift_jis"])
def test_a_feed_is_decoded_by_its_declared_charset(encoding: str) -> None:
    title = "小さな模型" if encoding == "shift_jis" else "작은 모델의 논문"
    head = f'<?xml version="1.0" encoding="{encoding}"?>'
    body = source_payloads.rss(f"<item><title>{title}</title><guid>1</guid></item>", head=head).encode(
        encoding
    )
    assert feed.parse_feed(fetcher.decode_text(body))[0].title == title


@pytest.mark.parametrize(
    "when",
    [
        "yesterday",
        "2025-02-31T25:61:00Z",
        "31 Feb 99999",
        "",
        "0000-00-00",
        "Tue, 06 May 2025 99:00:00 GMT",
        "-1",
    ],
)
def test_an_invalid_date_is_dropped_and_the_entry_kept(when: str) -> None:
    item = f"<item><title>A</title><guid>1</guid><pubDate>{when}</pubDate></item>"
    assert [entry.title for entry in feed.parse_feed(source_payloads.rss(item))] == ["A"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "<html><body>not found</body></html>",
        "## Daily Papers (2025-05-06)",
        "<rss",
        "a" * 1000,
        "<a/>",
    ],
)
def test_an_invalid_feed_is_an_error(text: str) -> None:
    with pytest.raises(fetch_errors.FetchError, match="it is no feed"):
        feed.parse_feed(text)


def test_an_entity_expansion_bomb_is_refused() -> None:
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY l0 "lol">{levels}]>' + source_payloads.rss(
        "<item><title>&l9;</title></item>", head=""
    )
    with pytest.raises(fetch_errors.FetchError, match="entities"):
        feed.parse_feed(bomb)


@pytest.mark.parametrize(
    "code", ["#xD800", "#XDFFF", "#55296", "#x110000", f"#{'9' * 6000}", "#x" + "f" * 20]
)
def test_a_reference_to_no_character_leaves_the_rest_of_the_feed_readable(code: str) -> None:
    items = f"<item><title>A&{code}; &#x1F600;</title></item><item><title>B</title></item>"
    entries = feed.parse_feed(source_payloads.rss(items, head=""))
    assert [(entry.title or "")[-1] for entry in entries] == ["😀", "B"]


def test_an_external_entity_is_not_opened() -> None:
    text = (
        '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        + source_payloads.rss("<item><title>&x;</title></item>", head="")
    )
    with pytest.raises(fetch_errors.FetchError, match="entities"):
        feed.parse_feed(text)


def test_an_external_dtd_is_not_fetched() -> None:
    text = '<!DOCTYPE rss SYSTEM "http://127.0.0.1:9/rss.dtd">' + source_payloads.rss(
        "<item><title>A</title></item>", head=""
    )
    assert [entry.title for entry in feed.parse_feed(text)] == ["A"]


def test_a_text_like_a_url_or_path_is_not_opened() -> None:
    for text in ("http://127.0.0.1:9/feed.xml", "/etc/passwd", "file:///etc/passwd"):
        with pytest.raises(fetch_errors.FetchError, match="it is no feed"):
            feed.parse_feed(text)


def test_a_long_title_is_truncated() -> None:
    text = source_payloads.rss(f"<item><title>{'T' * 1_000_000}</title><guid>{'g' * 1_000_000}</guid></item>")
    entry = feed.parse_feed(text)[0]
    assert len(entry.title or "") == 1000
    assert len(entry.key) <= 500


def test_a_too_large_feed_is_an_error() -> None:
    with pytest.raises(fetch_errors.FetchError, match="larger than 4 MB"):
        feed.parse_feed(source_payloads.rss("<item/>") + " " * 4_000_000)


@pytest.mark.parametrize(
    "text",
    [
        "<rss><channel>" + "<item><title>a" * 20_000,
        "<rss><channel><item><title>" + "<" * 200_000,
        "<rss><channel><item><title>" + "&" * 200_000,
        "<rss><channel><item><title>" + "<!--" * 50_000,
        "<rss><channel><item><title>" + "<![CDATA[" * 30_000,
        "<rss " + "a='b' " * 50_000,
        "<!DOCTYPE rss [" + " " * 200_000,
        "<rss><channel><item><description>" + "<![" * 50_000,
    ],
)
def test_hostile_text_is_parsed_in_linear_time(text: str) -> None:
    with contextlib.suppress(fetch_errors.FetchError):
        feed.parse_feed(text)


@given(
    st.lists(st.tuples(st.text(LETTERS, min_size=1, max_size=20), st.text(LETTERS, max_size=40)), max_size=5)
)
def test_entries_keep_their_order_without_duplicate_ids(items: list[tuple[str, str]]) -> None:
    text = source_payloads.atom(
        *(f"<entry><id>{escape(key)}</id><title>{escape(title)}</title></entry>" for key, title in items)
    )
    keys = [entry.key for entry in feed.parse_feed(text)]
    assert len(keys) == len(set(keys)) <= len(items)


@given(st.text(max_size=300), st.sampled_from(["", "<rss version='2.0'>", "<feed>", "<?xml version='1.0'?>"]))
def test_any_text_gives_entries_or_an_error(text: str, head: str) -> None:
    try:
        entries = feed.parse_feed(head + text)
    except fetch_errors.FetchError:
        return
    assert all(entry.key for entry in entries)
