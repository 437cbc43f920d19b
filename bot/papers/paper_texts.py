"""Texts about papers for messages and pages: titles, links, authors, votes, summaries and where they come from."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Protocol

from bot.archive import exports, schemes, summaries
from bot.archive.summaries import Basis
from bot.i18n.texts import Texts
from bot.outbox import contents
from bot.papers import post_papers
from bot.rendering import discord_text, markdown, templates, typesetting
from bot.rendering.discord_text import SafeMarkdown, escape_untrusted, join_dotted
from bot.search.results import SharedConcept, Snippet
from bot.sources import kinds
from bot.text import analyser
from storage import models, sources
from storage.papers import EventKind, PaperEvent
from storage.withdrawals import Withdrawal

MAX_URL_LENGTH = 160
"""A longer URL is replaced by the paper's page on Hugging Face, so that a title always fits."""

TITLE_LENGTHS = (1000, 300, 200, 120, 60)
MAX_NAME_LENGTH = 80
MAX_ORGANIZATION_LENGTH = 60
MAX_MODEL_LENGTH = 60

format_votes = templates.render_votes

MAX_TOPIC_LENGTH = 60
"""The most characters of a topic in a headline. A thread's name has at most 100."""
MAX_SHARED = 2
MAX_TITLE_LENGTH = 200
"""Of Discord's 2,000 code points. The rest allows for a marker longer than its placeholder."""


# Texts of papers: title, votes, authors, the origin of a summary.


def format_title(text: str | None, paper_key: str) -> str:
    """Return a title on one line with LaTeX as Unicode; the paper's key if there is no title."""
    return discord_text.to_single_line(typesetting.render_title(text or "")) or paper_key


class Titled(Protocol):
    """What a link to a paper shows."""

    @property
    def title(self) -> str | None: ...
    @property
    def key(self) -> str: ...
    @property
    def url(self) -> str: ...


def title_link(paper: Titled, max_characters: int = 1600, max_bytes: int = 4000) -> str:
    """Return a paper's title as a link of at most `max_characters` code points and `max_bytes` bytes.

    The key replaces a missing title, and the paper's page on Hugging Face replaces a URL that is too
    long. The limits may be exceeded if even these do not fit.
    """
    short_address = schemes.page_url(paper.key)
    is_short = len(paper.url) <= MAX_URL_LENGTH and discord_text.safe_url(paper.url)
    address = paper.url if is_short else short_address
    plain, link = format_title(paper.title, paper.key), ""
    for length, target in (
        *((length, address) for length in TITLE_LENGTHS),
        (TITLE_LENGTHS[-1], short_address),
    ):
        link = discord_text.masked_link(discord_text.shorten(plain, length, markdown=False), target)
        if len(link) <= max_characters and discord_text.utf8_bytes(link) <= max_bytes:
            break
    return link


def format_authors(texts: Texts, names: Sequence[str], *, truncated: bool) -> str:
    """Return the first three authors and the number of others."""
    authors = templates.render_authors(names, texts.locale, truncated=truncated)
    return discord_text.escape_text(authors)


def format_organization(name: str | None) -> str:
    """Return the authors' organization, shortened; "" if unknown."""
    return escape_untrusted(name, max_length=MAX_ORGANIZATION_LENGTH) if name else ""


def format_stars(number: int | None) -> str:
    """Format a number of stars as `★ 950` or `★ 1.2k`; "" without stars."""
    if not number:
        return ""
    return f"★ {number if number < 1000 else f'{number // 100 / 10:g}k'}"


def code_and_project(texts: Texts, paper: models.PaperDetail) -> discord_text.SafeMarkdown:
    """Return links to the code, with its stars, and to the project. Very long URLs are left out."""
    code = f"{texts('link-code')} {format_stars(paper.code_stars)}".rstrip()
    links = (
        discord_text.masked_link(label, url)
        for label, url in ((code, paper.code_url), (texts("link-project"), paper.project_url))
        if url and len(url) <= MAX_URL_LENGTH and discord_text.safe_url(url)
    )
    return discord_text.SafeMarkdown(join_dotted(*links))


def summary_line(texts: Texts, summary: summaries.Summary) -> str:
    """Return a line that states who wrote a summary, when, and from which text."""
    if summary.format in (None, models.DigestFormat.LISTING):
        return texts("summary-listing" if summary.format else "summary-abstract")
    return join_dotted(_digest_text(texts, summary.format, summary), _basis_text(texts, summary))


def _digest_text(texts: Texts, kind: models.DigestFormat, of: models.Appearance | summaries.Summary) -> str:
    """Return the kind and day of a digest and, if people wrote it, the public name of its source."""
    day = texts(f"format-{kind.value}", date=texts.format_date(of.date))
    is_named = kind in (models.DigestFormat.NEWSLETTER, models.DigestFormat.REVIEW) and of.writer is None
    name = kinds.public_name(of.source) if is_named and of.source != sources.FILES else ""
    return f"{day}, {escape_untrusted(name)}" if name else day


def _basis_text(texts: Texts, summary: summaries.Summary) -> str:
    """Return what a digest's summary is based on, and the model if Paperround wrote it; "" if unknown."""
    if summary.basis in (Basis.PAPER, Basis.ABSTRACT) and summary.writer is not None:
        model = escape_untrusted(summary.writer, max_length=MAX_MODEL_LENGTH)
        return texts(f"written-from-{summary.basis.value}", model=model)
    return texts(f"basis-{summary.basis.value}") if summary.basis else ""


def language_note(texts: Texts, language: str | None, note: str = "summary-in-other-language") -> str:
    """Return a note (a Fluent id) if a text is not in the reader's language, otherwise ""."""
    return texts(note) if language not in (None, texts.locale.value) else ""


def post_note(texts: Texts, summary: summaries.Summary | None, *, with_language: bool) -> str:
    """Return the small print below a paper in a post: the summary's origin and language.

    The origin is left out if people wrote the summary. If the post's footer states the language of all
    papers, `with_language` is False.
    """
    if summary is None:
        return ""
    note = language_note(texts, summary.language) if with_language else ""
    if note and summary.basis is Basis.EXTRACT:
        return texts("basis-extract-in-other-language")
    if summary.writer is not None or summary.basis in (Basis.EXTRACT, Basis.HUGGINGFACE):
        return join_dotted(_basis_text(texts, summary), note)
    if summary.format is not models.DigestFormat.LISTING:
        return note
    return texts("summary-listing-in-other-language" if note else "summary-listing")


MAX_SUMMARY_LENGTH = 2600
"""Code points of a summary per page, about three phone screens."""


def name_shared(texts: Texts, shared: Sequence[SharedConcept]) -> str:
    """Return the first concepts that a paper has in common with a server's list, each with how many of its papers have it."""
    names = (
        (each.papers, escape_untrusted(each.name(texts.locale), max_length=60))
        for each in shared[:MAX_SHARED]
    )
    return join_dotted(*(texts("post-shared", count=count, topic=name) for count, name in names))


def name_related(texts: Texts, forms: Sequence[str], *, most: int) -> str:
    """Return related terms as Markdown. To readers of English, Korean forms are only mentioned next to others: "" without."""
    is_korean = texts.locale is models.Locale.KO
    own = [form for form in forms if is_korean or not analyser.has_hangul(form)]
    names = ", ".join(escape_untrusted(form, max_length=60) for form in own[:most])
    return texts("related-and-korean", forms=names) if names and len(own) < len(forms) else names


def extent_line(texts: Texts, extent: models.ArchiveExtent) -> str:
    if not extent.paper_count or extent.first_on is None or extent.last_on is None:
        return texts("archive-empty")
    first, last = map(texts.format_date, (extent.first_on, extent.last_on))
    if first == last:
        return texts("archive-extent-day", count=extent.paper_count, day=first)
    return texts("archive-extent", count=extent.paper_count, first=first, last=last)


def label_days(texts: Texts, papers_by_day: Mapping[date, int], today: date) -> tuple[tuple[str, str], ...]:
    """Return (label, ISO date) for each day, with labels such as `Today · 12 papers` or `Dec 30 · 8 papers`."""
    return tuple(
        (f"{texts.format_day(day, today)} · {texts('choice-papers', count=count)}", day.isoformat())
        for day, count in papers_by_day.items()
    )


def nearest_days(days: Sequence[date], first: date, last: date) -> list[date]:
    """Return the nearest day before a period and the nearest one after it, the closer one first."""
    before = max((day for day in days if day < first), default=None)
    after = min((day for day in days if day > last), default=None)
    distances = {before: first - before} if before else {}
    distances |= {after: after - last} if after else {}
    return sorted(distances, key=distances.__getitem__)


_GITHUB = tuple(
    f"{scheme}://{host}/" for scheme in ("https", "http") for host in ("github.com", "www.github.com")
)
"""How addresses at GitHub begin. What only contains its name may lead elsewhere."""


def list_links(paper: models.PaperDetail, project_url: str | None) -> list[tuple[str, str | None]]:
    """Return the labels and URLs of a paper's links. A missing URL is None."""
    paper_key = paper.key
    label = "GitHub" if (paper.code_url or "").lower().startswith(_GITHUB) else "Code"
    code_label = f"{label} {format_stars(paper.code_stars)}".rstrip()
    return [
        *schemes.list_pages(paper_key),
        (code_label, paper.code_url),
        ("Project" if paper.project_url else "Video", project_url),
    ]


def summary_pages(texts: Texts, sections: Sequence[models.Section], budget: discord_text.Budget) -> list[str]:
    """Return the sections as Discord Markdown, in pages that each fit into the space left in a message."""
    text = summary_text(texts, sections)
    characters = min(budget.characters, MAX_SUMMARY_LENGTH)
    return discord_text.split_pages(text, characters, budget.text_bytes - discord_text.TEXT_BYTES_OVERHEAD)


def summary_text(texts: Texts, sections: Sequence[models.Section]) -> discord_text.SafeMarkdown:
    """Return the sections as Discord Markdown with bold headings. The newsletter's labels are translated."""
    parts = []
    for section in sections:
        body: str = markdown.render_markdown(section.body)
        if section.heading:
            label = summaries.label_name(section.heading)
            heading = texts(f"label-{label}") if label else section.heading
            body = f"**{markdown.render_heading(heading)}**\n{body}"
        parts.append(body)
    return discord_text.SafeMarkdown("\n\n".join(parts))


def web_link(texts: Texts, base_url: str | None, *path: str) -> str:
    """Return a link to a page of the web archive, or "" if PAPERROUND_WEB_URL is not set."""
    if base_url is None:
        return ""
    address = f"{base_url.rstrip('/')}/{'/'.join(path)}.html"  # valid for a static host and for the bot's own server
    return discord_text.masked_link(texts("open-web"), address)


def excerpt_lines(
    texts: Texts, paper: post_papers.PostPaper, *, with_language: bool
) -> tuple[SafeMarkdown, str]:
    """Return the sentence with the matched words, or else the start of the summary, and a language note.

    The reader's own language comes before the words. The note is "" if the text is in that language; a summary has
    a note only if `with_language`.
    """
    language, locale = paper.summary.language if paper.summary else None, texts.locale.value
    if paper.quoted and paper.quoted.language not in (language, locale):
        # Only the text in the other language contains the matched words.
        if language == locale:
            words = next((text for text, is_match in paper.quoted.pieces if is_match), "")
            note = texts("found-in", language=paper.quoted.language, words=escape_untrusted(words))
            return summary_excerpt(paper.sections), note
        return mark_matches(paper.quoted), texts("quoted-from", language=paper.quoted.language)
    note = language_note(texts, language) if with_language else ""
    return mark_matches(paper.quoted) if paper.quoted else summary_excerpt(paper.sections), note


def mark_matches(snippet: Snippet) -> SafeMarkdown:
    """Return a snippet with its matches in bold."""
    escaped = ((discord_text.escape_inline(text), is_match) for text, is_match in snippet.pieces)
    marked = "".join(f"**{text}**" if is_match else text for text, is_match in escaped)
    return SafeMarkdown(discord_text.escape_line_start(marked))


def summary_excerpt(sections: Sequence[models.Section]) -> SafeMarkdown:
    """Return the start of a summary on one line, or "" if it has no sections."""
    return discord_text.escape_text(plain_excerpt(sections[0].body) if sections else "")


@lru_cache(maxsize=128)
def plain_excerpt(body: str) -> str:
    """Return the start of a body as plain text on one line. Cached, since the messages for a day share papers."""
    plain = " ".join(markdown.render_plain(body[: 40 * discord_text.MAX_COLUMNS]).split())
    return discord_text.shorten(plain, discord_text.count_fitting(plain), markdown=False)


def day_url(day: date, marker: str, position: int) -> str:
    """Return the URL of Hugging Face's list for a day, with a part's marker as its fragment."""
    return f"https://huggingface.co/papers/date/{day.isoformat()}#{contents.part_marker(marker, position)}"


MAX_CITED_AUTHORS = 60
MAX_OTHER_DIGESTS = 2
"""The maximum number of other digests named at the foot of a card."""


def listed_text(texts: Texts, detail: models.PaperDetail) -> str:
    """Return when a digest last listed a paper or, if none did, when it was published."""
    is_new_only = all(of.format is models.DigestFormat.LOOKUP for of in detail.appearances)
    listed_id = "published-on" if not detail.is_listed else "card-new" if is_new_only else "card-listed"
    return texts(listed_id, date=texts.format_date(detail.last_on))


def foot_lines(texts: Texts, detail: models.PaperDetail, summary: summaries.Summary | None) -> list[str]:
    """Return the small print: what arXiv says of the paper, notes about the summary, and the digests with the paper."""
    shown = (summary.format, summary.date) if summary else None
    others = dict.fromkeys(
        _digest_text(texts, of.format, of) for of in detail.appearances if (of.format, of.date) != shown
    )
    places = join_dotted(summary_line(texts, summary) if summary else "", *list(others)[:MAX_OTHER_DIGESTS])
    lines = (
        withdrawn_note(texts, detail),
        arxiv_note(texts, detail),
        texts("paper-elsewhere") if detail.arxiv_id is None else "",
        "" if detail.is_listed or detail.arxiv_id is None else texts("paper-fetched"),
        language_note(texts, summary.language) if summary else "",
        texts("listed-in", places=places) if places else "",
    )
    return [line for line in lines if line]


def withdrawn_note(texts: Texts, paper: models.PaperRow | models.PaperDescription) -> str:
    """Return that a paper was withdrawn, and by whom, or ""."""
    withdrawn_by = paper.withdrawn_by
    if withdrawn_by is Withdrawal.ARXIV:
        return texts("paper-withdrawn-by-arxiv")
    return texts("paper-withdrawn") if withdrawn_by else ""


MAX_SHOWN_COMMENT = 200


def arxiv_note(texts: Texts, detail: models.PaperDetail) -> str:
    """Return when a paper was published or came to arXiv, its version, its comment there, and where it was published."""
    version = ""
    if detail.version is not None:
        on = texts.format_date(detail.version_on) if detail.version_on else ""
        version = join_dotted(texts("paper-version", version=detail.version), on)
    if detail.arxiv_id is None:
        on = texts.format_date(detail.published_on) if detail.published_on and detail.is_listed else ""
        published = texts("published-on", date=on) if on else ""
    else:
        month = schemes.first_day(detail.key) or detail.first_on
        last = month.replace(day=calendar.monthrange(month.year, month.month)[1])
        # Of a paper that no digest lists, the card begins with its day.
        published = texts("published-on", date=texts.format_period(month, last)) if detail.is_listed else ""
    quoted = (
        escape_untrusted(typesetting.render_title(text or ""), max_length=MAX_SHOWN_COMMENT)
        for text in (detail.comment, detail.journal)
    )
    return join_dotted(published[:1].upper() + published[1:], version, *quoted)  # it begins a line


EVENT_LENGTHS = (MAX_SHOWN_COMMENT, 120, 80, 50, 30, 15, 0)
"""The lengths to which what is quoted in `event_lines` is cut until it fits."""


def event_lines(
    texts: Texts, events: Iterable[PaperEvent], *, max_length: int = MAX_SHOWN_COMMENT
) -> list[str]:
    """Return what is new about a paper, a line for each event, a withdrawal first. The words of authors are quoted up to
    `max_length` characters; at 0 there are no quotes and no address of code.
    """
    lines = []
    for event in sorted(events, key=lambda event: event.kind is not EventKind.WITHDRAWN):
        if not max_length and event.kind not in (EventKind.VERSION, EventKind.WITHDRAWN):
            lines.append(f"🆕 {texts('news-bare', kind=event.kind.value)}")
            continue
        text = escape_untrusted(
            typesetting.render_title(event.text), max_length=max_length or MAX_SHOWN_COMMENT
        )
        if event.kind is EventKind.CODE:
            label = discord_text.shorten(event.text, min(max_length, 80), markdown=False)
            text = discord_text.masked_link(label, event.text)
        lines.append(f"🆕 {texts(f'news-{event.kind.value}', text=text)}")
    return lines


def fit_event_lines(
    texts: Texts,
    events: Sequence[PaperEvent],
    characters: int,
    size: int,
    lengths: Sequence[int] = EVENT_LENGTHS,
) -> str:
    """Return the `event_lines` at the first of some lengths that fits into these code points and bytes, else at the last."""
    text = ""
    for length in lengths:
        text = "\n".join(event_lines(texts, events, max_length=length))
        if len(text) <= characters and discord_text.utf8_bytes(text) <= size:
            break
    return text


def cite(detail: models.PaperDetail) -> str:
    names, file = detail.authors[:MAX_CITED_AUTHORS], exports.BibtexFile()
    file.add(
        detail.key,
        detail.title,
        names,
        truncated=detail.authors_truncated or len(names) < len(detail.authors),
        is_order_confirmed=detail.is_author_order_confirmed,
        comment=exports.describe_state(detail.comment, detail.withdrawn_by),
        journal=detail.journal,
        published_on=detail.published_on,
    )
    return file.render()
