"""The doors by which foreign text enters, each with what happens to it, and shapes of text that make a careless reader slow."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from html import escape

from bot.archive import arxiv_ids, exports, parse, summaries
from bot.client import options, router
from bot.glossary import mentions
from bot.rendering import discord_text, markdown
from bot.sources import feed, fetcher
from bot.text import analyser, dates, people, query_parser, questions, tokens, typography
from bot.writer import claims, paper_text, prompts
from storage import errors, models
from tests.support import digest_builders, paper_pages

UNITS = """
word a ␣ ␍⏎␍⏎⏎␍ <?a␣encoding=" e\u0301\u0300 \u0301\u0323 \uff9e\u0f73 <b>␣ 가나다 1 1,000, 1K,␣2M,␣ 1-
<!-- <script <script> <style><script></style> <a␣ <a␣b=" <a␣b=">"␣ <a␣b="> <a␣b='>"␣c=">' <!-->
<!--␣<script>␣</style>␣ <b␣x=1>a</b> < <div><span> </div></p> [ [a]( [[a](b) [](< [a][ `␣``␣ ```⏎
<t: ![ ( (a)␣ {a} { ** **a**␣ *a␣_b␣ $x$ $ $a \\( \\' 10^ 1× 1억␣두␣백 $\\frac$␣ \\textbf{ \\textbf{a}
\\'{e} \\ a,b; &amp; &a >␣ -␣ -␣a⏎ | |␣a␣|␣b␣|⏎|---|---|⏎ " "a"␣-b␣ 'a #␣a⏎ ---⏎ https://a.b/c␣
https:// [Paper](https://arxiv.org/abs/2505.00001)
[A␣Paper␣about␣Kites](https://arxiv.org/abs/2505.00001)␣ arxiv:2505.01234␣ A␣b.␣ A.B.␣ a- aB
Kim,␣A.␣and␣ @a{b,c={d},}⏎ @a{b,c={ [{ <a><b> a{b:c} /* a:␣b;␣ 2025-01-01␣ 죄송합니다.␣제목␣
"""
"""What a shape repeats, separated by blanks: ␣ is a blank, ⏎ and ␍ are line ends."""


def _growing_runs(sign: str) -> Callable[[int], str]:
    def write(length: int) -> str:
        count = int((2 * length) ** 0.5)
        return " a ".join(sign * run for run in range(1, count))[:length]

    return write


def _nested(opening: str, closing: str) -> Callable[[int], str]:
    def write(length: int) -> str:
        depth = length // (len(opening) + len(closing))
        return opening * depth + closing * depth

    return write


def _repeat(unit: str) -> Callable[[int], str]:
    return lambda length: (unit * (length // len(unit) + 1))[:length]


def _count_up(before: str, after: str) -> Callable[[int], str]:
    """Repeat a text with another paper's id each time."""
    return lambda length: "".join(
        f"{before}2505.{number:05}{after}"
        for number in range(1, length // (len(before) + len(after) + 10) + 1)
    )


RUN_SIGNS = ".!?。！？:;,-–*_#~`|=+/@%^)]}>”’」』\t"
"""Signs of which a run stands before a letter: ends of sentences, of brackets and quotations, and marks."""

SHAPES: dict[str, Callable[[int], str]] = {
    **{unit: _repeat(unit.translate({0x2423: " ", 0x23CE: "\n", 0x240D: "\r"})) for unit in UNITS.split()},
    **{f"a run of {sign!r}": lambda length, sign=sign: f"{sign * length}x" for sign in RUN_SIGNS},  # type: ignore[misc]
    "papers": _count_up("arxiv:", " "),
    "links to papers": _count_up("[Paper](https://arxiv.org/abs/", ")"),
    "papers and links in a row": lambda length: f"| {_count_up('arxiv:', ' [a](b) ')(length)} |",
    "growing runs of backticks": _growing_runs("`"),
    "growing runs of stars": _growing_runs("*"),
    "growing indents": lambda length: "".join(
        " " * depth + "- a\n" for depth in range(int((2 * length) ** 0.5))
    ),
    "dashes as of a table": lambda length: "| " + "- " * (length // 2) + "x",
    "nested brackets": _nested("[", "](a)"),
    "nested braces": _nested("{", "}"),
    "nested elements of HTML": _nested("<b>", "</b>"),
    "nested commands": _nested("\\textbf{", "}"),
    "nested parentheses": _nested("(", ")"),
}

LONG_SHAPES = {"\u0301\u0323": 4, "\uff9e\u0f73": 4}
"""How much longer a shape is than others: a sort by insertion is fast enough to pass for linear work in a short text."""

_NEWSLETTER = digest_builders.newsletter(date(2025, 5, 6), [("2505.00001", 3)])
_REVIEW = "# Paper List (2025-05-06)\n\n## [A title](https://arxiv.org/abs/2505.00001)\n\n"

_LIST = "# 2025-05-06\n\n- [A Paper about Kites](https://arxiv.org/abs/2505.00001)\n- [Another Paper about Kites](https://arxiv.org/abs/2505.00002)\n"

_DAY = date(2025, 5, 6)
_AT = datetime(2025, 5, 6, tzinfo=UTC)


_NEWSLETTER_FIELDS = ("title", "link", "cover", "votes", "authors", "heading", "body")
_REVIEW_FIELDS = ("title", "link", "text", "heading", "body")
_LISTING_FIELDS = (
    "arxiv_id title votes thumbnail summary abstract organization code_url project_url submitter published_on"
)
_SERVICE_FIELDS = "id title summary ai_summary githubRepo projectPage publishedAt upvotes abstract tldr organization thumbnail"


def _read_newsletter(text: str) -> object:
    """Parse a newsletter with the text at its end, and in one field of each of its papers."""
    parse.parse_text(_NEWSLETTER + text)
    return _parse_entries(
        "## Daily Papers (2025-05-06)\n\n",
        "### [A title {title}](https://arxiv.org/abs/2505.{number:05}{link})\n\n![](https://covers.example/a{cover})\n\n"
        "Vote: 3{votes}\n\nAuthors: Ada Lovelace{authors}\n\n- ***What's New {heading}***: A text {body}\n\n",
        _NEWSLETTER_FIELDS,
        text,
    )


def _read_review(text: str) -> object:
    """Parse a review with the text at its end, and in one field of each of its papers."""
    parse.parse_text(_REVIEW + text)
    return _parse_entries(
        "# Paper List (2025-05-06)\n\n",
        "## [2505.{number:05}](https://arxiv.org/abs/2505.{number:05}{link})\n\n# 논문 요약: A title {title}\n\n{text}\n\n"
        "## 1. 방법 {heading}\n\n- 본문 {body}\n\n",
        _REVIEW_FIELDS,
        text,
    )


def _parse_entries(head: str, entry: str, names: Sequence[str], text: str) -> object:
    entries = (
        entry.format(number=number, **(dict.fromkeys(names, "") | {name: text}))
        for number, name in enumerate(names, 1)
    )
    return parse.parse_text(head + "".join(entries))


def _read_listing(text: str) -> object:
    """Parse a list in JSON with the text in all fields of a paper but its id, and in the id of another."""
    paper = dict.fromkeys(_LISTING_FIELDS.split(), text) | {"arxiv_id": "2505.00001"}
    lists = {"authors": [text, text], "keywords": [text], "media": [text], "sections": [[text, text]]}
    papers = [paper | lists, paper | {"arxiv_id": text}]
    return parse.parse_text(json.dumps({"format": "list", "date": "2025-05-06", "papers": papers}))


def _read_service(text: str) -> object:
    """Parse the answer of a service with the text in all fields of a paper but its id."""
    paper = dict.fromkeys(_SERVICE_FIELDS.split(), text) | {"id": "2505.00001"}
    lists = {
        "authors": [{"name": text}],
        "ai_keywords": [text],
        "mediaUrls": [text],
        "organization": {"name": text},
    }
    item = {"paper": paper | lists, "title": text, "publishedAt": "2025-05-06T00:00:00Z"}
    return parse.parse_text(json.dumps([item])), parse.parse_text(
        json.dumps({"date": "2025-05-06", "papers": [paper]})
    )


def _read_feed(text: str) -> object:
    """Parse a feed with the text at its head, and in all fields of an entry."""
    with suppress(errors.PaperroundError):
        feed.parse_document(f"{text}\n?><rss></rss>")
    part = escape(text)
    return feed.parse_document(
        "<feed xmlns='http://www.w3.org/2005/Atom' xmlns:arxiv='http://arxiv.org/schemas/atom'><entry>"
        f"<id>1{part}</id><title>{part}</title><link href='https://a.example/{escape(text, quote=True)}'/>"
        f"<author><name>{part}</name><arxiv:affiliation>{part}</arxiv:affiliation></author><category term='{part}'/>"
        f"<updated>{part}</updated><arxiv:comment>{part}</arxiv:comment><content type='html'>{part}</content></entry></feed>"
    )


def _read_page(text: str) -> object:
    """Parse the page of a paper, in HTML and in Markdown."""
    for page, is_html in (
        (paper_pages.latexml_page(text), True),
        (paper_pages.markdown_page(content=text), False),
    ):
        paper_text.parse_paper(page, paper_pages.PAPER_ID, paper_pages.TITLE, is_html)
    return None


def _read_answer(text: str) -> object:
    """Read the answer of a model with the text in its claims, and the verdict of another on them."""
    claim = prompts.Claim("overview", text, text)
    checker = claims.ClaimChecker("A short paper with 12 experts.")
    checker.find_problems([claim, claim], models.Locale.KO)
    checker.list_excerpts([claim])
    verdict = json.dumps({"verdicts": [{"claim": 1, "reason": text, "is_proved": False}]})
    prompts.build_judgement(text, [claim])
    prompts.read_answer(text, models.DigestFormat.REVIEW)
    answer = json.dumps({"motivation": [{"text": text, "span": text}]})
    return prompts.read_verdicts(verdict, [claim]), prompts.read_answer(answer, models.DigestFormat.REVIEW)


def _read_typed(text: str) -> object:
    """Read what a reader types: a query with dates, names and topics, or a time with its zone."""
    typed = analyser.clean_typed(text)
    query_parser.parse_query(typed)
    people.find_writers(typed.split())
    questions.find_topics(typed)
    questions.trim_filler(typed)
    dates.read_period(typed, _DAY)
    for read in (options.find_time, options.find_zone):
        read(typed)
    with suppress(router.UserError):
        options.parse_dates(typed, _DAY)
    return typed


def _index(text: str) -> object:
    """Read a paper's text as the index and the glossary do."""
    tokens.tokenize(text)
    analyser.split_sentences(text)
    mentions.extract_mentions(text)
    mentions.long_form(text, "LLM")
    return summaries.find_basis((models.Section(text, text),))


def _read_name(text: str) -> object:
    """Read the name of an author or an institution."""
    people.index_terms(text)
    people.consonant_keys(text)
    people.find_keys(text)
    people.institution_tokens([text] * 3)
    return people.name_distance(("kim", "minsu"), text), people.is_same_name(text, "Kim Minsu")


def _show(text: str) -> object:
    """Show a text on Discord, on a page, and in a file of references."""
    discord_text.escape_text(text)
    discord_text.split_pages(text)
    discord_text.shorten(text, 2000)
    discord_text.masked_link(text, text)
    typography.render_title(text)
    summaries.choose_sentences(text)
    markdown.render_html(text)
    exports.render_entry("2505.01234", text, [text], note=text)
    return markdown.render_markdown(text)


ENTRANCES: dict[str, Callable[[str], object]] = {
    "a written newsletter": _read_newsletter,
    "a written review": _read_review,
    "a list in Markdown": lambda text: parse.parse_text(_LIST + text),
    "a list in JSON": _read_listing,
    "the answer of a service": _read_service,
    "a feed": _read_feed,
    "the head of an answer": lambda text: fetcher.parse_retry_after(text, _AT),
    "the page of a paper": _read_page,
    "the answer of a model": _read_answer,
    "what a reader types": _read_typed,
    "a file of a reader": lambda text: arxiv_ids.list_arxiv_ids(text, _DAY),
    "a text to index": _index,
    "a name": _read_name,
    "a text to show": _show,
}
STORED = (
    "a list in JSON",
    "the answer of a service",
    "a feed",
    "the answer of a model",
    "what a reader types",
)
"""Entrances that return what is stored."""


def read(entrance: str, text: str) -> object:
    """Read a text at an entrance; a refusal is an answer too."""
    with suppress(ValueError, errors.PaperroundError, router.UserError):
        return ENTRANCES[entrance](text)
    return None
