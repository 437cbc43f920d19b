"""Functions that take foreign text, found in the code, and shapes of text that make a careless one slow.

A function whose only argument is a text is called as it is. `READERS` says how the others are called, and on which part of a
document; `OWN_TEXT` names those whose text is the project's own, or is bounded by what calls them.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from html import escape

import bot
from bot.archive import arxiv_ids, exports, fields, markdown_lines, parse, summaries
from bot.client import message_builder, options, router, webhook
from bot.glossary import mentions, resolver
from bot.outbox import contents
from bot.rendering import discord_text
from bot.search import results
from bot.shelf import notes
from bot.sources import feed, fetcher
from bot.text import dates, people, questions, typography
from bot.web import server
from bot.writer import claims, paper_text, prompts, publication
from storage import errors, models, snapshot
from tests.support import digest_builders, paper_pages

_LEFT_OUT = ("bot.cli.", "bot.demo.")
"""What the operator alone types."""
_ROOMS = ("bot.archive", "bot.glossary", "bot.rendering", "bot.sources", "bot.text", "bot.writer")
"""Rooms of which all modules read; of the others those that have regular expressions."""
_TEXT = ("str", "bytes", "str | None", "object", "Any")

UNITS = {
    "a long word": "word",
    "one letter": "a",
    "blanks": " ",
    "line ends": "\r\n\r\n\n\r",
    "encodings of a declaration": '<?a encoding="',
    "combining marks": "e\u0301\u0300",
    "marks out of order": "\u0301\u0323",
    "marks by their form out of order": "\uff9e\u0f73",
    "blanks between tags": "<b> ",
    "Korean": "가나다",
    "digits": "1",
    "numbers with commas": "1,000,",
    "a list of sizes": "1K, 2M, ",
    "a range of numbers": "1-",
    "open comments": "<!--",
    "open scripts": "<script",
    "script after script": "<script>",
    "style and script": "<style><script></style>",
    "open tags": "<a ",
    "open attributes": '<a b="',
    "quoted ends of tags": '<a b=">" ',
    "open quotes at ends": '<a b=">',
    "alternating quotes": "<a b='>\" c=\">'",
    "closed comments": "<!-->",
    "comments and scripts": "<!-- <script> </style> ",
    "whole tags": "<b x=1>a</b>",
    "lone brackets": "<",
    "nested elements": "<div><span>",
    "closed elements": "</div></p>",
    "square brackets": "[",
    "open links": "[a](",
    "nested links": "[[a](b)",
    "open links to addresses": "[](<",
    "open references of links": "[a][",
    "code spans": "` `` ",
    "fences": "```\n",
    "open timestamps": "<t:",
    "pictures": "![",
    "round brackets": "(",
    "words in brackets": "(a) ",
    "braces": "{a}",
    "open braces": "{",
    "bold": "**",
    "bold words": "**a** ",
    "alternating emphasis": "*a _b ",
    "formulas": "$x$",
    "dollars": "$",
    "open formulas": "$a",
    "open formulas in brackets": "\\(",
    "open accents": "\\'",
    "powers": "10^",
    "signs of multiplication": "1×",
    "Korean numbers": "1억 두 백",
    "formulas with commands": "$\\frac$ ",
    "LaTeX commands": "\\textbf{",
    "whole LaTeX commands": "\\textbf{a}",
    "accents": "\\'{e}",
    "backslashes": "\\",
    "semicolons": "a,b;",
    "entities": "&amp;",
    "open entities": "&a",
    "quotations in one line": "> ",
    "nested lists": "- ",
    "list items": "- a\n",
    "table rows": "|",
    "tables": "| a | b |\n|---|---|\n",
    "quotation marks": '"',
    "quoted words": '"a" -b ',
    "apostrophes": "'a",
    "headings": "# a\n",
    "rules": "---\n",
    "links": "https://a.b/c ",
    "hidden link": "https://",
    "links to a paper": "[Paper](https://arxiv.org/abs/2505.00001)",
    "named links to a paper": "[A Paper about Kites](https://arxiv.org/abs/2505.00001) ",
    "arXiv ids": "arxiv:2505.01234 ",
    "sentences": "A b. ",
    "abbreviations": "A.B. ",
    "hyphens": "a-",
    "alternating cases": "aB",
    "names": "Kim, A. and ",
    "references": "@a{b,c={d},}\n",
    "open references": "@a{b,c={",
    "JSON": "[{",
    "elements of XML": "<a><b>",
    "style rules": "a{b:c}",
    "open style comments": "/*",
    "colons": "a: b; ",
    "dates": "2025-01-01 ",
    "apologies": "죄송합니다. 제목 ",
}
"""What a shape repeats."""


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

LONG_SHAPES = {"marks out of order": 4, "marks by their form out of order": 4}
"""How much longer a shape is than others: a sort by insertion is fast enough to pass for linear work in a short text."""

SHAPES: dict[str, Callable[[int], str]] = {
    **{name: _repeat(unit) for name, unit in UNITS.items()},
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

_NEWSLETTER = digest_builders.newsletter(date(2025, 5, 6), [("2505.00001", 3)])
_REVIEW = "# Paper List (2025-05-06)\n\n## [A title](https://arxiv.org/abs/2505.00001)\n\n"

_LIST = "# 2025-05-06\n\n- [A Paper about Kites](https://arxiv.org/abs/2505.00001)\n- [Another Paper about Kites](https://arxiv.org/abs/2505.00002)\n"

_EMPTY = snapshot.Snapshot(lambda _, __: [], is_sqlite=True)
"""A database without papers and authors."""
_DAY = date(2025, 5, 6)
_AT = datetime(2025, 5, 6, tzinfo=UTC)


def _check(text: str) -> object:
    claims_checker = claims.ClaimChecker("A short paper with 12 experts.")
    claim = prompts.Claim("overview", text, text)
    return claims_checker.find_problems([claim, claim], models.Locale.KO), claims_checker.list_excerpts(
        [claim]
    )


def _read_json(text: str) -> object:
    paper = {"id": "2505.00001", "title": f"A Paper about Kites {text}", "summary": text}
    return parse.parse_text(json.dumps({"date": "2025-05-06", "papers": [paper]}))


_NEWSLETTER_FIELDS = ("title", "link", "cover", "votes", "authors", "heading", "body")
_REVIEW_FIELDS = ("title", "link", "text", "heading", "body")
_LISTING_FIELDS = (
    "arxiv_id title votes thumbnail summary abstract organization code_url project_url submitter published_on"
)
_SERVICE_FIELDS = "id title summary ai_summary githubRepo projectPage publishedAt upvotes abstract tldr organization thumbnail"


def _read_newsletter(text: str) -> object:
    """Parse a newsletter with the text in one field of each of its papers."""
    return _parse_entries(
        "## Daily Papers (2025-05-06)\n\n",
        "### [A title {title}](https://arxiv.org/abs/2505.{number:05}{link})\n\n![](https://covers.example/a{cover})\n\n"
        "Vote: 3{votes}\n\nAuthors: Ada Lovelace{authors}\n\n- ***What's New {heading}***: A text {body}\n\n",
        _NEWSLETTER_FIELDS,
        text,
    )


def _read_review(text: str) -> object:
    """Parse a review with the text in one field of each of its papers."""
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
    """Parse a feed with the text in all fields of an entry."""
    part = escape(text)
    return feed.parse_document(
        "<feed xmlns='http://www.w3.org/2005/Atom' xmlns:arxiv='http://arxiv.org/schemas/atom'><entry>"
        f"<id>1{part}</id><title>{part}</title><link href='https://a.example/{escape(text, quote=True)}'/>"
        f"<author><name>{part}</name><arxiv:affiliation>{part}</arxiv:affiliation></author><category term='{part}'/>"
        f"<updated>{part}</updated><arxiv:comment>{part}</arxiv:comment><content type='html'>{part}</content></entry></feed>"
    )


def _judge(text: str) -> object:
    claim = prompts.Claim("overview", text, text)
    answer = json.dumps({"verdicts": [{"claim": 1, "reason": text, "is_proved": False}]})
    return prompts.build_judgement(text, [claim]), prompts.read_verdicts(answer, [claim])


def _read_answer(text: str) -> object:
    """Read the answer of a model with the text in its claims."""
    answer = json.dumps({"motivation": [{"text": text, "span": text}]})
    return prompts.read_answer(answer, models.DigestFormat.REVIEW)


def _is_word(word: str) -> bool:
    return word == "word"


def _parse_paper(page: str, is_html: bool) -> object:
    return paper_text.parse_paper(page, paper_pages.PAPER_ID, paper_pages.TITLE, is_html)


READERS: dict[str, Callable[[str], object]] = {
    "archive.arxiv_ids.list_arxiv_ids": lambda text: arxiv_ids.list_arxiv_ids(text, _DAY),
    "archive.arxiv_ids.is_possible": lambda text: arxiv_ids.is_possible(text, _DAY),
    "archive.arxiv_ids.parse_link_at": lambda text: arxiv_ids.parse_link_at(text, 0),
    "archive.exports.render_entry": lambda text: exports.render_entry("2505.01234", text, [text], note=text),
    "archive.fields.clean_labels": lambda text: fields.clean_labels([text]),
    "archive.fields.clean_names": lambda text: fields.clean_names([text]),
    "archive.fields.decode_json of a text": lambda text: fields.decode_json(json.dumps([text, {text: text}])),
    "archive.fields.cut_line": lambda text: fields.cut_line(text, 200),
    "archive.markdown_lines.parse_heading": lambda text: markdown_lines.parse_heading(0, text),
    "archive.markdown_lines.label_before": lambda text: markdown_lines.label_before(text, len(text) - 1),
    "archive.markdown_lines.find_headings": lambda text: markdown_lines.find_headings(text.split("\n")),
    "archive.parse.parse_text of a newsletter": lambda text: parse.parse_text(_NEWSLETTER + text),
    "archive.parse.parse_text of a review": lambda text: parse.parse_text(_REVIEW + text),
    "archive.parse.parse_text of a list": lambda text: parse.parse_text(_LIST + text),
    "archive.parse.parse_text of a newsletter's fields": _read_newsletter,
    "archive.parse.parse_text of a review's fields": _read_review,
    "archive.parse.parse_text of a listing's fields": _read_listing,
    "archive.parse.parse_text of a service's fields": _read_service,
    "archive.parse.parse_text of JSON": lambda text: _read_json(text),
    "archive.parse.parse_text of authors": lambda text: parse.parse_text(f"{_NEWSLETTER}Authors: {text}"),
    "archive.parse.parse_text of a title": lambda text: parse.parse_text(f"{_NEWSLETTER}### {text}"),
    "archive.parse.parse_text of a listing's title": lambda text: parse.parse_text(
        json.dumps(
            [{"paper": {"id": "2505.01234", "title": text, "summary": text}, "publishedAt": "2025-05-06"}]
        )
    ),
    "archive.summaries.find_basis": lambda text: summaries.find_basis((models.Section(text, text),)),
    "client.message_builder.shorten_label": lambda text: message_builder.shorten_label(text, 80),
    "client.options.move_zone": lambda text: options.move_zone({"time": text}, "time", "zone"),
    "client.options.parse_dates": lambda text: options.parse_dates(text, _DAY),
    "client.options.parse_number": lambda text: options.parse_number(text, "key", 1, 9),
    "client.webhook.parse_address": lambda text: webhook.parse_address(text, "http://127.0.0.1:8"),
    "glossary.mentions.long_form": lambda text: mentions.long_form(text, "LLM"),
    "glossary.mentions.list_names": lambda text: list(mentions.list_names(text)),
    "glossary.resolver.form_language": resolver.form_language,
    "glossary.resolver.is_same_form": lambda text: resolver.is_same_form(text, text[::-1]),
    "outbox.contents.remove_foreign_markers": lambda text: contents.remove_foreign_markers(text, None),
    "rendering.discord_text.shorten": lambda text: discord_text.shorten(text, 2000),
    "rendering.discord_text.tie_marks": discord_text.tie_marks,
    "rendering.discord_text.masked_link": lambda text: discord_text.masked_link(text, text),
    "search.results.make_snippet": lambda text: results.make_snippet(text, [re.compile("word")]),
    "search.results.find_sentence": lambda text: results.find_sentence(text, re.compile("word")),
    "shelf.notes.make_query": lambda text: notes.make_query(text, text),
    "sources.feed.parse_document of an entry's fields": _read_feed,
    "sources.feed.parse_document of an entry": lambda text: feed.parse_document(
        f"<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>1</id><title>{escape(text)}</title>"
        f"<summary>{escape(text)}</summary></entry></feed>"
    ),
    "sources.feed.parse_document behind a head": lambda text: feed.parse_document(f"{text}\n?><rss></rss>"),
    "sources.fetcher.parse_retry_after": lambda text: fetcher.parse_retry_after(text, _AT),
    "text.dates.read_period": lambda text: dates.read_period(text, _DAY),
    "text.dates.read_typed_date": lambda text: dates.read_typed_date(text, _DAY),
    "text.people.complete_institution": lambda text: people.complete_institution(text, {"mit": 3}),
    "text.people.is_same_name": lambda text: people.is_same_name(text, "Kim Minsu"),
    "text.people.name_distance": lambda text: people.name_distance(("kim", "minsu"), text),
    "text.people.is_correction": lambda text: people.is_correction(("kim", "minsu"), text),
    "text.people.is_plausible": lambda text: people.is_plausible(("kim", "minsu"), text),
    "text.questions.find_everyday_terms": lambda text: questions.find_everyday_terms(text),
    "text.people.find_writers": lambda text: people.find_writers(text.split()),
    "text.people.institution_tokens": lambda text: people.institution_tokens([text] * 3),
    "text.questions.strip_query_word": lambda text: questions.strip_query_word(text, _is_word),
    "text.typography.normalise": lambda text: typography.normalise("NFKC", text),
    "web.server.find_language": lambda text: server.find_language(text, models.Locale.EN),
    "writer.claims.ClaimChecker": _check,
    "writer.paper_text.parse_paper of Markdown": lambda text: _parse_paper(
        paper_pages.markdown_page(content=text), False
    ),
    "writer.paper_text.parse_paper of HTML": lambda text: _parse_paper(paper_pages.latexml_page(text), True),
    "writer.prompts.read_answer": lambda text: prompts.read_answer(text, models.DigestFormat.REVIEW),
    "writer.prompts.read_answer of claims": _read_answer,
    "writer.prompts.build_judgement": _judge,
    "writer.prompts.read_verdicts": lambda text: prompts.read_verdicts(text, []),
    "writer.publication.build_extract": lambda text: publication.build_extract(
        models.DigestFormat.REVIEW, models.Locale.EN, text, summaries.Basis.ABSTRACT
    ),
}

ENTRANCES = (
    "archive.fields.decode_json of a text",
    "archive.parse.parse_text of a listing's title",
    "archive.parse.parse_text of JSON",
    "archive.parse.parse_text of a listing's fields",
    "archive.parse.parse_text of a service's fields",
    "sources.feed.parse_document of an entry's fields",
    "text.analyser.clean_typed",
    "writer.prompts.read_answer of claims",
)
"""Readers of whole documents and of what is typed: what they return is stored."""

OWN_TEXT = {
    "of the operator, or of the code": """
        operations.set_up_file.parse
        archive.digest_writer.to_sourced_digests archive.fields.bounded_key archive.listing.union archive.listing.papers_of
        lists.messages.add_span
        archive.parse.digest_to_json
        text.seed.read_data text.concepts.read_words search.glossary.check_decision
        rendering.charts.day_name rendering.charts.draw_png rendering.charts.draw_png_in_process rendering.charts.month_name
        rendering.templates.render_authors rendering.templates.render_more_authors rendering.templates.render_timestamp
        rendering.templates.render_weekday rendering.templates.render_zone
        sources.base.failed_result sources.folder.make_absolute
        sources.folder.parse_folder_path sources.ssrf_guard.allowed_host_of_url
        sources.ssrf_guard.parse_allowed_host sources.kinds.check sources.kinds.guess_kind
        sources.kinds.public_label sources.arxiv_categories.check_options
        sources.fetcher.shared_throttle
        sources.ssrf_guard.allowed_host_of_url sources.ssrf_guard.parse_allowed_host
        sources.feed.check_undated sources.feed.expand_template sources.feed.parse_publishing_schedule
        """,
    "an answer of Discord, in JSON": """
        client.rest.add_error_body client.rest.override_endpoints client.rest.read_answer
        """,
    "at most 100 characters, by Discord": """
        client.message_builder.button client.message_builder.link_button client.message_builder.pack_custom_id
        client.message_builder.select_menu client.message_builder.select_option outbox.contents.part_marker
        """,
    "a word or name, whose length its caller bounds": """
        glossary.induction.find_term
        glossary.transliteration.sounds_like
        lists.messages.topic_heading search.completion.apply_corrections search.completion.find_corrections
        text.analyser.fewest_pieces text.analyser.has_final_consonant text.analyser.is_particle text.analyser.monosyllabic_noun
        text.analyser.split_syllable text.people.match_cost text.people.word_distance
        """,
    "an id, or a record of cleaned texts": """
        search.authors.find_author search.authors.find_authors search.completion.complete_author
        search.completion.complete_paper lists.messages.refine
        archive.digest_writer.merge lists.messages.format_names lists.messages.shared_view lists.messages.view_with_rows
        sources.feed.paper_facts
        """,
    "only joined or counted": """
        writer.prompts.build_messages
        """,
    "called by another reader here": """
        archive.paper_list.parse archive.paper_list.parse_json
        sources.base.detect_in_bytes writer.prompts.list_terms
        """,
}
"""Functions that no text from outside reaches, or no long one, by the reason."""


def list_functions() -> dict[str, Callable[..., object]]:
    """Return the public functions of the rooms that take a text, and classes that take it alone, by names below `bot`."""
    found: dict[str, Callable[..., object]] = {}
    for module in pkgutil.walk_packages(bot.__path__, "bot."):
        if module.ispkg or module.name.endswith("__main__") or module.name.startswith(_LEFT_OUT):
            continue
        members = vars(importlib.import_module(module.name))
        if not module.name.startswith(_ROOMS) and "re" not in members:
            continue
        for name, member in members.items():
            if name.startswith("_") or not callable(member):
                continue
            function = inspect.unwrap(member)
            if function.__module__ != module.name:
                continue
            is_reader = (
                isinstance(function, type) and "__init__" in vars(function) and _needs_only_text(function)
            )
            is_plain = (
                inspect.isfunction(function) and not _is_asynchronous(function) and _takes_text(function)
            )
            if is_reader or is_plain:
                found[f"{module.name.removeprefix('bot.')}.{name}"] = function
    return found


def _is_asynchronous(function: Callable[..., object]) -> bool:
    """Whether a function needs a connection or a network; what it reads, a function without them reads."""
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def _takes_text(function: Callable[..., object]) -> bool:
    return any(str(each.annotation) in _TEXT for each in inspect.signature(function).parameters.values())


def _needs_only_text(function: Callable[..., object]) -> bool:
    each = list(inspect.signature(function).parameters.values())
    return (
        bool(each)
        and str(each[0].annotation) in _TEXT
        and all(other.default is not other.empty for other in each[1:])
    )


def list_unknown() -> set[str]:
    """Return the functions of which nothing says how they are called, and the names that no function has."""
    functions = list_functions()
    own = {name for names in OWN_TEXT.values() for name in names.split()}
    alone = {name for name, function in functions.items() if _needs_only_text(function)}
    named = {name.partition(" of ")[0] for name in READERS}
    return (functions.keys() - own - alone - named) | (own - functions.keys()) | (own & named)


def list_readers() -> dict[str, Callable[[str], object]]:
    """Return the functions that read foreign text, as they are called with it alone. They raise nothing."""
    own = {name for names in OWN_TEXT.values() for name in names.split()}
    alone = {
        name: function
        for name, function in list_functions().items()
        if _needs_only_text(function) and name not in own
    }
    return {name: _tolerate(function) for name, function in (alone | READERS).items()}


def _tolerate(function: Callable[[str], object]) -> Callable[[str], object]:
    """Return the function with the refusal of a text as one of its answers."""

    def read(text: str) -> object:
        with suppress(ValueError, errors.PaperroundError, router.UserError):
            first = next(iter(inspect.signature(function).parameters.values()))
            answer = function(text.encode() if str(first.annotation) == "bytes" else text)  # type: ignore[arg-type]
            return list(answer) if isinstance(answer, Iterator) else answer
        return None

    return read
