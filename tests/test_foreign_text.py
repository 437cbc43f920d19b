"""Foreign text of any shape takes linear steps and room at every entry point, which also drops half an emoji."""

import json
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from datetime import UTC, date, datetime
from functools import partial
from html import escape
from types import FrameType, ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.archive import arxiv_ids, exports, html_pages, mentions, parse, references, schemes, summaries
from bot.claims import form_checks, judging
from bot.client import refusals
from bot.features.ask import passages
from bot.features.writer import prompts
from bot.i18n import typed_values
from bot.rendering import discord_text, markdown, typesetting
from bot.search import term_mentions
from bot.sources import base, feed_entries, kinds, paper_text
from bot.text import institutions, people, plain, query_parser, questions, term_keys, tokens, typed_dates
from storage import errors, models
from tests.archive.test_schemes import NOTATIONS
from tests.sources.test_kinds import OTHER_ADDRESSES, SERVICES
from tests.support import paper_pages

pytestmark = pytest.mark.promise

LENGTH, MOST_GROWTH = 300, 6
DAY = date(2025, 5, 6)
UNITS = """
word a ␣ ␍⏎␍⏎⏎␍ <?a␣encoding=" e\u0301\u0300 \u0301\u0323 \uff9e\u0f73 <b>␣ 가나다 1 1,000, 1K,␣2M,␣ 1-
<!-- <script <script> <style><script></style> <a␣ <a␣b=" <a␣b=">"␣ <a␣b="> <a␣b='>"␣c=">' <!-->
<!--␣<script>␣</style>␣ <b␣x=1>a</b> < <div><span> </div></p> [ [a]( [[a](b) [](< [a][ `␣``␣ ```⏎
<base␣href=a/> <t: ![ ( (a)␣ {a} { ** **a**␣ *a␣_b␣ $x$ $ $a \\( \\' 10^ 1× 1억␣두␣백 $\\frac$␣ \\textbf{ \\textbf{a}
\\'{e} \\ a,b; &amp; &a >␣ -␣ -␣a⏎ | |␣a␣|␣b␣|⏎|---|---|⏎ " "a"␣-b␣ 'a #␣a⏎ ---⏎ https://a.b/c␣
https:// [Paper](https://arxiv.org/abs/2505.00001)
[A␣Paper␣about␣Kites](https://arxiv.org/abs/2505.00001)␣ arxiv:2505.01234␣ A␣b.␣ A.B.␣ a- aB
Kim,␣A.␣and␣ @a{b,c={d},}⏎ @a{b,c={ @a{b,c=" abstract={ "a"␣#␣ [{ <a><b> a{b:c} /* a:␣b;␣ 2025-01-01␣ 죄송합니다.␣제목␣
TY␣␣-␣A⏎TI␣␣-␣b⏎ TY␣␣-⏎ TI␣ %0␣a⏎%T␣b⏎
"""
"""Texts to repeat, separated by spaces. ␣ is a space; ⏎ and ␍ are line endings."""
RUN_SIGNS = ".!?。！？:;,-–*_#~`|=+/@%^)]}>”’」』\t"
"""Punctuation, brackets, quotation marks and other signs."""


def repeat(unit: str, length: int) -> str:
    return (unit * (length // len(unit) + 1))[:length]


def nest(opening: str, closing: str, length: int) -> str:
    depth = length // (len(opening) + len(closing))
    return opening * depth + closing * depth


def grow(sign: str, between: str, length: int) -> str:
    """Return runs of a sign, each run longer than the last."""
    return between.join(sign * run for run in range(1, int((2 * length) ** 0.5)))[:length]


def number_papers(before: str, after: str, length: int) -> str:
    """Repeat a text, each time with a different paper id."""
    count = length // (len(before) + len(after) + 10)
    return "".join(f"{before}2505.{number:05}{after}" for number in range(1, count + 1))


SHAPES: dict[str, Callable[[int], str]] = {
    **{
        unit: partial(repeat, unit.translate({0x2423: " ", 0x23CE: "\n", 0x240D: "\r"}))
        for unit in UNITS.split()
    },
    **{f"a run of {sign!r}": lambda length, sign=sign: f"{sign * length}x" for sign in RUN_SIGNS},  # type: ignore[misc]
    **{f"nested {pair[0]}": partial(nest, *pair) for pair in (("[", "](a)"), *zip("{(", "})", strict=True))},
    "nested <b>": partial(nest, "<b>", "</b>"),
    "nested commands": partial(nest, "\\textbf{", "}"),
    "papers": partial(number_papers, "arxiv:", " "),
    "links to papers": partial(number_papers, "[Paper](https://arxiv.org/abs/", ")"),
    "papers and links in a row": lambda length: f"| {number_papers('arxiv:', ' [a](b) ', length)} |",
    "growing runs of backticks": partial(grow, "`", " a "),
    "growing runs of stars": partial(grow, "*", " a "),
    "growing indents": partial(grow, " ", "- a\n"),
    **{
        f"{gap!r} within a text with a colon": lambda length, gap=gap: f"Ada{gap * length}Bo: c"  # type: ignore[misc]
        for gap in (" ", "\t", "\xa0", "\u3000", "_")
    },
    "entities": lambda length: "".join(
        ("<!DOCTYPE rss [", *(f"<!ENTITY e{n}x ''>" for n in range(length // 20)), "]><rss></rss>")
    ),
    "references to a long address": lambda length: (
        f"[a]: https://arxiv.org/abs/2505.00001?{'x' * (length // 2)}\n\n{'[a] ' * (length // 8)}"
    ),
    "ends of entries before the first": lambda length: "ER  -\n" * (length // 6) + "TY  - JOUR\nTI  - a\n",
    "a wide head above short rows": lambda length: "title," * (length // 12) + "\n" + "a\n" * (length // 4),
    "a table's dashes": lambda length: "| " + "- " * (length // 2) + "x",
}
LONG_SHAPES = {"\u0301\u0323": 8, "\uff9e\u0f73": 8, "entities": 16, "<base␣href=a/>": 8, "@a{b,c={d},}⏎": 4}
"""How much longer these shapes must be: what is quadratic of a short text is as fast as linear work."""

NEWSLETTER_ENTRY = (
    "### [A title §](https://arxiv.org/abs/ID§)\n\n![](https://covers.example/a§)\n\n"
    "Vote: 3§\n\nAuthors: Ada Lovelace§\n\n- ***What's New §***: A text §\n\n"
)
REVIEW_ENTRY = (
    "## [ID](https://arxiv.org/abs/ID§)\n\n# 논문 요약: A title §\n\n§\n\n## 1. 방법 §\n\n- 본문 §\n\n"
)
LIST = (
    "# 2025-05-06\n\n- [A Paper about Kites](https://arxiv.org/abs/2505.00001)\n"
    "- [Another Paper about Kites](https://arxiv.org/abs/2505.00002)\n"
)
LISTED = "title votes thumbnail summary abstract organization code_url project_url submitter published_on"
SERVED = "title summary ai_summary githubRepo projectPage publishedAt upvotes abstract organization thumbnail"
"""The fields of a paper in a list, and in the answer of a service."""


def fill_each_field(entry: str, text: str) -> str:
    """Return the entry once for each §, with the text at that position and a different paper id."""
    parts = entry.split("§")
    return "".join(
        ("".join(parts[:place]) + text + "".join(parts[place:])).replace("ID", f"2505.{place:05}")
        for place in range(1, len(parts))
    )


def read_listing(text: str) -> object:
    lists = {"authors": [text, text], "keywords": [text], "media": [text], "sections": [[text, text]]}
    paper = dict.fromkeys(LISTED.split(), text) | lists
    papers = [paper | {"arxiv_id": "2505.00001"}, paper | {"arxiv_id": text}]
    return parse.parse_text(json.dumps({"format": "list", "date": "2025-05-06", "papers": papers}))


def read_service(text: str) -> object:
    paper = dict.fromkeys(SERVED.split(), text) | {"id": "2505.00001"}
    lists = {"authors": [{"name": text}], "ai_keywords": [text], "mediaUrls": [text]}
    whole = paper | lists | {"organization": {"name": text}}
    item = {"paper": whole, "title": text, "publishedAt": "2025-05-06T00:00:00Z"}
    listed = {"date": "2025-05-06", "papers": [paper]}
    return [parse.parse_text(json.dumps(answer)) for answer in ([item], listed)]


def read_feed(text: str) -> object:
    with suppress(errors.PaperroundError):
        feed_entries.parse_document(f"{text}\n?><rss></rss>", "")
    part = escape(text)
    return feed_entries.parse_document(
        "<feed xmlns='http://www.w3.org/2005/Atom' xmlns:arxiv='http://arxiv.org/schemas/atom'><entry>"
        f"<id>1{part}</id><title>{part}</title><link href='https://a.example/{escape(text, quote=True)}'/>"
        f"<author><name>{part}</name><arxiv:affiliation>{part}</arxiv:affiliation></author><category term='{part}'/>"
        f"<updated>{part}</updated><arxiv:comment>{part}</arxiv:comment><content type='html'>{part}</content></entry></feed>",
        "",
    )


def read_page(text: str) -> None:
    """Parse a paper's page in HTML and in Markdown."""
    pages = {True: paper_pages.latexml_page(text), False: paper_pages.markdown_page(content=text)}
    for is_html, page in pages.items():
        paper_text.parse_paper(page, paper_pages.PAPER_ID, paper_pages.TITLE, is_html)


def read_asked_paper(text: str) -> object:
    """Split a paper with the text in a heading, in a table and in a paragraph."""
    page = f"# A Paper\n\n## 1 Intro{text}duction\n\n| {text} |\n\n{text}"
    return passages.split(models.PaperText("2505.00001", page, "", datetime(2025, 5, 6, tzinfo=UTC)))


def read_answer(text: str) -> object:
    """Parse a model's response with the text in its claims, and the judge's response."""
    claim = judging.Claim("overview", text, text)
    checker = form_checks.ClaimChecker(f"A short paper with 12 experts. {text}")
    checker.find_problems([claim], models.Locale.KO)
    checker.list_excerpts([claim])
    verdict = json.dumps({"verdicts": [{"claim": 1, "reason": text, "is_proved": False}]})
    judging.build_judgement(text, [])
    prompts.read_answer(text, models.DigestFormat.REVIEW)
    answer = json.dumps({"motivation": [{"text": text, "span": text}]})
    return judging.read_verdicts(verdict, [claim]), prompts.read_answer(answer, models.DigestFormat.REVIEW)


def read_typed(text: str) -> object:
    """Parse a reader's input as a query with dates, names and topics, and as a time with a zone."""
    typed = plain.clean_typed(text)
    query_parser.parse_query(typed)
    questions.find_topics(typed)
    questions.trim_filler(typed)
    typed_dates.read_typed_date(typed, DAY)
    typed_values.find_time(typed)
    typed_values.find_zone(typed)
    with suppress(refusals.UserError):
        typed_values.parse_dates(typed, DAY)
    return typed


def read_file(text: str) -> object:
    """Read references from the text, and from an entry of BibTeX and of RIS that it goes on with."""
    starts = ("", "@misc{a,title={b}}\n@misc{c, title = ", "TY  - JOUR\nTI  - ")
    return [references.read_references(f"{start}{text}".encode(), DAY) for start in starts]


def index_text(text: str) -> None:
    tokens.tokenize(text)
    plain.split_sentences(text)
    term_mentions.extract_mentions(text)
    term_mentions.long_form(text, "LLM")
    term_keys.query_names(text)
    summaries.find_basis((models.Section(text, text),))


def index_name(text: str) -> None:
    people.index_terms(text)
    people.list_keys(text)
    institutions.make_tokens([text] * 3)
    people.name_distance(("kim", "minsu"), text)
    people.is_same_name(text, "Kim Minsu")


def show(text: str) -> None:
    """Render the text on Discord, on a page and as a reference."""
    discord_text.escape_text(text)
    discord_text.split_pages(text, discord_text.TEXT, discord_text.TEXT_BYTES)
    discord_text.shorten(text, 2000)
    discord_text.masked_link(text, text)
    typesetting.render_title(text)
    summaries.choose_sentences(text)
    markdown.render_html(text)
    exports.BibtexFile().add(
        "1405.0123",
        text,
        [text],
        truncated=False,
        is_order_confirmed=False,
        comment=text,
        journal=text,
        note=text,
    )
    markdown.render_markdown(text)


STORED: dict[str, Callable[[str], object]] = {
    "list in JSON": read_listing,
    "answer of a service": read_service,
    "feed": read_feed,
    "answer of a model": read_answer,
    "reader's input": read_typed,
}
"""The entry points that return the text as it is stored."""
ENTRANCES: dict[str, Callable[[str], object]] = {
    **STORED,
    "newsletter": lambda text: parse.parse_text(
        f"## Daily Papers ({DAY})\n\n{fill_each_field(NEWSLETTER_ENTRY, text)}"
    ),
    "review": lambda text: parse.parse_text(f"# Paper List ({DAY})\n\n{fill_each_field(REVIEW_ENTRY, text)}"),
    "page that names its feeds": lambda text: [*html_pages.find_feeds(text, "https://a.example/")],
    "whole feed": lambda text: feed_entries.parse_document(text, ""),
    "list in Markdown": lambda text: parse.parse_text(LIST + text),
    "page of a paper": read_page,
    "paper at a question": read_asked_paper,
    "ids": lambda text: arxiv_ids.list_arxiv_ids(text, DAY),
    "reader's file": read_file,
    "text to index": index_text,
    "name": index_name,
    "text to show": show,
}


def enter(entrance: str, text: str) -> object:
    """Pass the text to an entry point, which may reject it."""
    with suppress(ValueError, errors.PaperroundError, refusals.UserError):
        return ENTRANCES[entrance](text)
    return None


@pytest.mark.parametrize("entrance", STORED)
@given(st.text(st.characters(), max_size=5), st.text(st.characters(), max_size=5))
@settings(max_examples=20)
def test_drops_half_an_emoji(entrance: str, before: str, after: str) -> None:
    answer = enter(entrance, f"A title {before}\ud83d{after} of words")
    assert not re.search(r"(?<!\\)(?:\\\\)*\\ud[89a-f]", repr(answer))


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_parsing_text_of_any_shape_takes_linear_steps(entrance: str) -> None:
    enter(entrance, "A title of words")  # loads the tables of words
    for shape, write in SHAPES.items():
        # What is done from some length on, such as splitting pages, is new work in one of the two comparisons.
        for more in (1, 3):
            length = more * LENGTH * LONG_SHAPES.get(shape, 1)
            steps = [count_steps(entrance, write(length)), count_steps(entrance, write(4 * length))]
            # Linear steps grow fourfold, quadratic ones sixteenfold.
            if steps[1] < MOST_GROWTH * steps[0]:
                break
        else:
            raise AssertionError(f"{shape}: {steps}")


# What upper and lower case are to a pattern without their being those of ASCII: `.lower()` does not make them i, s and k.
LETTERS = {"i": "ıİ", "s": "ſ", "k": "\N{KELVIN SIGN}"}
WORDS = (
    *("physics/0309136", "https://arxiv.org/abs/math-ph/0309136", "https://huggingface.co/papers/2502.02737"),
    *(
        "since:2024",
        "affiliation : kaist",
        "in:ICLR",
        "-institution:kaist",
        "likes >= 3",
        "votes:20",
        "not six",
        "since six weeks",
    ),
    *("sixty-six experts", "twenty-six", "five million", "Friday six pm", "transformer squared", "plus plus"),
    *(
        "<li>a</li>",
        "<script>a</script>",
        "<strike>a",
        "<i>a</i>",
        "<link href=a>",
        "Likes: 3",
        "Authors: Kim",
        "title: Kim",
        "Summary: six",
    ),
    *(
        "@misc{kim,title={six},author={Kim}}",
        "@string{kim={six}}",
        "TY  - JOUR\nTI  - six\nUR  - https://arxiv.org/abs/2505.00001",
    ),
    *(
        "Subject: six\nMIME-Version: 1.0\n\nsix",
        "title,author,link\nsix,Kim,https://arxiv.org/abs/2505.00001",
    ),
)


def list_alike(text: str) -> list[str]:
    """Return the text with each such letter in the place of one, and of all."""
    alike = []
    for plain_letter, others in LETTERS.items():
        places = [place for place, letter in enumerate(text) if letter.lower() == plain_letter]
        for other in others if places else "":
            alike += [f"{text[:place]}{other}{text[place + 1 :]}" for place in places[:2]]
            alike.append(re.sub(plain_letter, other, text, flags=re.IGNORECASE))
    return alike


def test_a_letter_that_is_only_like_an_i_s_or_k_ends_no_reading() -> None:
    addresses = [text for notations in NOTATIONS.values() for text in notations.split(" | ")]
    addresses += [address for of_kind in OTHER_ADDRESSES.values() for address in of_kind.split()]
    for text in (alike for known in (*addresses, *WORDS) for alike in list_alike(known)):
        for entrance in ENTRANCES:
            enter(entrance, text)
        kinds.guess_kind(text, SERVICES)
        for key in (*schemes.find_keys(text), *schemes.list_keys(text, DAY)):
            assert schemes.read_key(schemes.spell(key)) == key, (text, key)


def test_a_host_that_only_looks_like_a_publishers_has_no_papers() -> None:
    for key, name in (
        ("openreview/aB3dEfGh1J", "openreview"),
        ("pmlr/v306/kim26a", "proceedings"),
        ("cvf/CVPR2026/Kim_A_Title", "openaccess"),
    ):
        known = NOTATIONS[key].split(" | ")[0]
        assert schemes.find_keys(known) == [key]
        for alike in list_alike(name):
            assert schemes.find_keys(known.replace(name, alike)) == [], alike


GROWING: dict[str, Callable[[int], str]] = {
    "references to a long address": SHAPES["references to a long address"],
    "a long string in each field": lambda length: (
        f"@string{{s = {{{'x' * min(length // 2, 900)}}}}}\n@misc{{k, "
        + "".join(f"f{number}=s," for number in range(length // 16))
        + "}"
    ),
    "many papers in an entry with long tags": lambda length: (
        f"@misc{{k, keywords = {{{'x' * (length // 2)}}}, journal = {{{number_papers('', ' ', length // 2)}}}}}"
    ),
    "a page's long address before each link": lambda length: (
        f"<html><base href='https://a.b/{'x' * (length // 2)}/'>" + "<link rel=feed href=a>" * (length // 44)
    ),
    "a feed's long address before each link": lambda length: (
        f"<feed xmlns='http://www.w3.org/2005/Atom' xml:base='https://a.b/{'x' * (length // 2)}/'><entry><id>1</id>"
        + "<link href='a'/>" * (length // 32)
        + "</entry></feed>"
    ),
    "addresses that go on with each other": lambda length: (
        "<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>1</id>"
        + "<b xml:base='abcdefgh/'><link href='a'/>" * (length // 41)
        + "</b>" * (length // 41)
        + "</entry></feed>"
    ),
    "a wide head above short rows": SHAPES["a wide head above short rows"],
    "indented items": lambda length: "<ul>" * 7 + "<li>" * (length // 4),
    "empty headings": lambda length: "<h6>" * (length // 4),
    "bars in cells": lambda length: "<tr>" + "|" * length,
}
"""Texts that expand: a part that stands once is written at many places."""
READERS = ("bot.archive", "bot.sources", "feedparser.api")


@pytest.mark.parametrize("shape", GROWING)
def test_no_step_of_a_reader_returns_more_than_its_text_allows(shape: str) -> None:
    text = GROWING[shape](6_000)
    largest, step = max(measure_steps(text))
    # Twice the text, and beside it what was read of it.
    assert largest <= 3 * len(text), (step, largest, len(text))


@pytest.mark.parametrize("shape", {*UNITS.split(), *GROWING})
def test_a_page_as_markdown_is_at_most_twice_as_long(shape: str) -> None:
    text = {**SHAPES, **GROWING}[shape](3_000)
    for whole in (text, f"<html>{text}</html>", f"<table><tr><td>{text}"):
        assert len(html_pages.to_markdown(whole)) <= 2 * len(whole) + 20


def measure_steps(text: str) -> list[tuple[int, str]]:
    """Return how many characters each function of the readers returns of a text, or yields in all."""
    sizes: dict[tuple[int, str], int] = {}
    frames: list[FrameType] = []  # kept, so that no other has the id of one

    def measure(frame: FrameType, event: str, result: Any) -> None:
        if event == "return" and frame.f_globals.get("__name__", "").startswith(READERS):
            frames.append(frame)
            place = id(frame), frame.f_code.co_qualname
            sizes[place] = sizes.get(place, 0) + measure_text(result)

    former = sys.getprofile()
    for read in (
        parse.parse_text,
        read_references,
        lambda text: feed_entries.parse_document(text, ""),
        find_feeds,
    ):
        sys.setprofile(measure)
        try:
            with suppress(errors.PaperroundError):
                read(text)
        finally:
            sys.setprofile(former)
    return [(size, name) for (_, name), size in sizes.items()]


def read_references(text: str) -> object:
    return references.read_references(text.encode(), DAY, with_tags=True)


def find_feeds(text: str) -> object:
    return base.detect_in_text(text, "https://a.example/", None, DAY)


def test_a_paragraph_is_read_once_for_all_its_links(monkeypatch: pytest.MonkeyPatch) -> None:
    count_read(
        monkeypatch,
        mentions,
        "LINK",
        "list in Markdown",
        "We read",
        "[it](https://arxiv.org/abs/2505.{:05}) ",
    )


def test_a_line_is_read_once_for_all_its_dois(monkeypatch: pytest.MonkeyPatch) -> None:
    count_read(monkeypatch, mentions, "_WORD", "reader's file", "We read", " 10.1234/abc.{}")


def count_read(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, entrance: str, start: str, unit: str
) -> None:
    """Assert that a pattern is given at most so much more of a line that is four times as long."""
    read, pattern = [], getattr(module, name)
    for count in (100, 400):
        counted = CountedPattern(pattern)
        monkeypatch.setattr(module, name, counted)
        enter(entrance, start + "".join(unit.format(number) for number in range(1, count + 1)))
        read.append(counted.read)
    assert 0 < read[1] < MOST_GROWTH * read[0], read


class CountedPattern:
    """A pattern with the number of characters that it was given."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.read, self._pattern = 0, pattern

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def use(*given: Any, **options: Any) -> Any:
            self.read += sum(len(text) for text in given if isinstance(text, str))
            return getattr(self._pattern, name)(*given, **options)

        return use


def measure_text(value: object) -> int:
    """Return the characters of the texts in a value."""
    match value:
        case str():
            return len(value)
        case references.Reference() | feed_entries.FeedEntry() | feed_entries.Feed():
            return sum(measure_text(getattr(value, field.name)) for field in fields(value))
        case list() | tuple():
            return sum(map(measure_text, value))
        case dict():
            return sum(map(measure_text, value.values()))
    return 0


def count_steps(entrance: str, text: str) -> int:
    """Return how many lines of Python an entry point takes, those of libraries too.

    The work within one line is not counted; `test_patterns.py` counts the steps of patterns.
    """
    steps = 0

    def count(_: FrameType, event: str, __: Any) -> Callable[..., Any]:
        nonlocal steps
        steps += event == "line"
        return count

    former = sys.gettrace()
    sys.settrace(count)
    try:
        enter(entrance, text)
    finally:
        sys.settrace(former)
    return steps
