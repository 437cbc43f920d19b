"""The texts of posts, alerts and notices, which are the operator's templates, and messages that several rooms show.

The latter are posts without layout components, notices and messages of one text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal

from discord import ui

from bot.archive import arxiv_ids, summaries
from bot.archive.summaries import Basis
from bot.client.message_builder import (
    AMBER,
    RED,
    MessageBuilder,
    allowed_mentions,
    button,
    pack_custom_id,
    plain_payload,
    shorten_label,
)
from bot.client.translations import Texts
from bot.outbox import contents
from bot.rendering import discord_text, markdown, templates
from bot.rendering.discord_text import SafeMarkdown
from bot.rendering.templates import EVERY_DAY, WORKDAYS, OutputFormat, Templates
from bot.search import results as search_results
from bot.text import typography
from storage import models

DailyBlock = Literal["headline", "count", "missed", "foot", "name"]
"""A block of the templates `daily` and `empty`."""

MentionLookup = Callable[[str], str]
"""Returns the mention of a command, such as `daily edit`."""

MAX_AUTHORS = 3
MAX_URL_LENGTH = 160
"""A longer address is replaced by the paper's page on Hugging Face, so that a title always fits."""

TITLE_LENGTHS = (1000, 300, 200, 120, 60)
MAX_NAME_LENGTH = 80
MAX_ORGANIZATION_LENGTH = 60
MAX_MODEL_LENGTH = 60

format_votes = templates.render_votes

_ORIGIN_KEYS = {models.DigestFormat.LISTING: "summary-listing", None: "summary-abstract"}
"""The texts for summaries that no digest's writer wrote."""
_FOREIGN_ORIGIN_KEYS = {
    models.DigestFormat.LISTING: "summary-listing-in-other-language",
    None: "summary-abstract-in-other-language",
}
"""The same for those in another language than the reader's: short, since they stand below each paper of a post."""

MAX_TOPIC_LENGTH = 60
"""Characters of a topic in a headline; the name of a thread has at most 100."""
MAX_PICK_LENGTH = 170
"""Code points of the link to a paper that members saved or shared."""
MAX_SERVER_PICKS_LENGTH = 1000
MAX_SERVER_PICKS_BYTES = 2000
"""Code points and UTF-8 bytes of the list of these; the papers of the post share what is left of the message."""
MAX_REASONS = 6
"""Reasons shown per paper of an alert."""
MAX_TOPICS = 3
"""Terms shown in the headline of an alert in a channel."""
PAPERS_PER_MESSAGE = discord_text.EMBEDS - 1
MAX_TITLE_LENGTH = 200
MAX_DESCRIPTION_LENGTH = 330
"""Code points of an embed's text: with titles of 256, nine and the head are below 6,000, the limit of a message."""
MAX_PLAIN_LENGTH = 1800
"""Code points of 2,000; the rest is for a marker that is longer than its placeholder."""

SHOW_STATUS = "status"
RESUME = "dr"
ACTION_REQUIRED = frozenset(
    {contents.NoticeKind.PAUSED, contents.NoticeKind.CLOSED, contents.NoticeKind.SOURCE_FAILING}
)


# Texts of papers: title, votes, authors, the origin of a summary.


def format_title(text: str | None, arxiv_id: str) -> str:
    """Return a title as plain text on one line, LaTeX as Unicode; the arXiv id for a paper without a title."""
    return discord_text.to_single_line(typography.render_title(text or "")) or arxiv_id


def title_link(
    text: str | None, arxiv_id: str, url: str, *, max_characters: int = 1600, max_bytes: int = 4000
) -> str:
    """Return the title as a link of at most `max_characters` code points and `max_bytes` bytes, or at the shortest.

    A paper without a title shows its arXiv id.
    """
    address = (
        url
        if len(url) <= MAX_URL_LENGTH and discord_text.safe_url(url)
        else arxiv_ids.huggingface_url(arxiv_id)
    )
    plain, link = format_title(text, arxiv_id), ""
    for length in TITLE_LENGTHS:
        link = discord_text.masked_link(discord_text.shorten(plain, length, markdown=False), address)
        if len(link) <= max_characters and discord_text.utf8_bytes(link) <= max_bytes:
            break
    return link


def format_authors(names: Sequence[str], *, truncated: bool = False) -> str:
    """Return the first three authors and the number of the others, `+…` if the digest did not list them all."""
    shown = ", ".join(escape_untrusted(name, max_length=MAX_NAME_LENGTH) for name in names[:MAX_AUTHORS])
    more = len(names) - MAX_AUTHORS
    if more > 0:
        return f"{shown} +{more}{'…' if truncated else ''}"
    return f"{shown} +…" if truncated and shown else shown


def format_organization(name: str | None) -> str:
    """Return the organization behind the authors, shortened; "" if it is unknown."""
    return escape_untrusted(name, max_length=MAX_ORGANIZATION_LENGTH) if name else ""


def format_stars(number: int | None) -> str:
    """Return a number of stars as `★ 950` or `★ 1.2k`; "" for none."""
    if not number:
        return ""
    return f"★ {number if number < 1000 else f'{number // 100 / 10:g}k'}"


def code_and_project(texts: Texts, paper: contents.PostPaper) -> discord_text.SafeMarkdown:
    """Return the links to the code, with its stars, and to the project; none with a very long address."""
    code = f"{texts('link-code')} {format_stars(paper.code_stars)}".rstrip()
    links = (
        discord_text.masked_link(label, url)
        for label, url in ((code, paper.code_url), (texts("link-project"), paper.project_url))
        if url and len(url) <= MAX_URL_LENGTH and discord_text.safe_url(url)
    )
    return discord_text.SafeMarkdown(join_dotted(*links))


def format_heading(texts: Texts, heading: str) -> str:
    """Return a section's heading, the newsletter's labels in the reader's language."""
    name = summaries.label_name(heading)
    return texts(f"label-{name}") if name else heading


def summary_line(texts: Texts, summary: summaries.Summary) -> str:
    """Return the writer of a summary, its date and what it was written from."""
    if summary.format is None or summary.format in _ORIGIN_KEYS:
        return texts(_ORIGIN_KEYS[summary.format])
    day = texts(f"format-{summary.format.value}", date=texts.format_date(summary.date))
    return join_dotted(day, _basis_text(texts, summary))


def _basis_text(texts: Texts, summary: summaries.Summary) -> str:
    """Return what a digest's summary was written from, and with which model if Paperround wrote it."""
    if summary.basis in (Basis.PAPER, Basis.ABSTRACT) and summary.writer is not None:
        model = escape_untrusted(summary.writer, max_length=MAX_MODEL_LENGTH)
        return texts(f"written-from-{summary.basis.value}", model=model)
    return texts(f"basis-{summary.basis.value if summary.basis else 'unknown'}")


def language_note(texts: Texts, language: str | None) -> str:
    """Return that a text is in another language than the reader's; "" if it is not, or if there is no text."""
    return texts("summary-in-other-language") if language not in (None, texts.locale.value) else ""


def post_note(texts: Texts, summary: summaries.Summary | None, *, with_language: bool = True) -> str:
    """Return the small print below a paper of a post: its origin unless other people wrote it, and its language.

    `with_language` is False if the foot of the post says the language of all its papers.
    """
    if summary is None:
        return ""
    note = language_note(texts, summary.language) if with_language else ""
    if note and summary.basis is Basis.EXTRACT:
        return texts("basis-extract-in-other-language")
    if summary.writer is not None or summary.basis in (Basis.EXTRACT, Basis.HUGGINGFACE):
        return join_dotted(_basis_text(texts, summary), note)
    key = (_FOREIGN_ORIGIN_KEYS if note else _ORIGIN_KEYS).get(summary.format)
    return texts(key) if key else note


def join_dotted(*texts: str | None) -> str:
    """Join the texts that are not empty with a middle dot."""
    return " · ".join(text for text in texts if text)


def subtext(text: str) -> str:
    """Return a line of small print; "" for an empty text."""
    return f"-# {text}" if text else ""


def escape_untrusted(text: str, *, max_length: int = 100) -> str:
    """Return untrusted text on one line, escaped and shortened."""
    return discord_text.escape_text(shorten_label(text, max_length))


# Posts, alerts and notices.


@dataclass(frozen=True, slots=True)
class PostWording:
    """Renders the texts of posts, alerts and notices in one language.

    The names of the values passed to the templates are a contract with operators (docs/wording.md).
    """

    ui_texts: Texts
    templates: Templates
    mention: MentionLookup

    def daily_text(self, post: contents.DailyPost, block: DailyBlock) -> SafeMarkdown:
        """Return a text around the papers of a daily or weekly post, "" to omit it. `name` is plain, for a thread.

        A post without papers is worded by the template `empty`.
        """
        at_time, timezone, days, *when = post.schedule or (None, "UTC", ())
        values = {
            "day": post.digest_on,
            "since": post.since_on,
            "total": post.total,
            "shown": post.own_count,
            "first": post.ranks[0] if post.ranks else 1,
            "last": post.ranks[-1] if post.ranks else post.own_count,
            "late_count": len(post.papers) - post.own_count,
            "complete": models.When.COMPLETE in when,
            "day_complete": post.is_complete,
            "closes_at": None if post.is_complete else post.closes_at,
            "final_total": post.final_total,
            "has_votes": post.has_votes,
            "missed": post.missed_on,
            "at_time": at_time,
            "timezone": timezone,
            "days": days,
            "every_day": EVERY_DAY,
            "workdays": WORKDAYS,
            **{
                f"{name}_command": SafeMarkdown("" if post.by_webhook else self.mention(command))
                for name, command in (("edit", "daily edit"), ("digest", "digest"))
            },
            "topic": discord_text.shorten(post.topic, MAX_TOPIC_LENGTH, markdown=False),
            "source": discord_text.shorten(post.source, MAX_TOPIC_LENGTH, markdown=False),
        }
        output = OutputFormat.PLAIN if block == "name" else OutputFormat.MARKDOWN
        template = "daily" if post.papers else "empty"
        return self.templates.render_block(template, block, post.locale.value, values, output)

    def late_headings(self, post: contents.DailyPost) -> dict[str, SafeMarkdown]:
        """Return the heading above the first late paper of each day, by the arXiv id of that paper."""
        headings, position = {}, post.own_count
        for day, shown, count in post.late:
            values = {"late_on": day, "late_shown": shown, "late_total": count}
            heading = self.templates.render_block("daily", "late", post.locale.value, values)
            headings[post.papers[position].arxiv_id] = heading
            position += shown
        return headings

    def server_picks(self, post: contents.DailyPost) -> str:
        """Return the papers that most members of the server saved or shared, below a heading; "" without any."""
        if not post.server_picks:
            return ""
        picks = []
        for paper, saved, shared in post.server_picks:
            title = title_link(paper.title, paper.arxiv_id, paper.url, max_characters=MAX_PICK_LENGTH)
            picks.append({"title": SafeMarkdown(title), "saved": saved, "shared": shared})
        text = self.templates.render_block("daily", "server_picks", post.locale.value, {"papers": picks})
        return discord_text.shorten(text, MAX_SERVER_PICKS_LENGTH, max_bytes=MAX_SERVER_PICKS_BYTES)

    def foot(self, post: contents.DailyPost) -> str:
        """Return the small print below a post: its language if no paper has a summary in the reader's, its schedule."""
        language = self.ui_texts("summary-in-other-language") if post.is_in_other_language else ""
        return subtext_lines(f"{language}\n{self.daily_text(post, 'foot')}")

    def paper_lines(self, post: contents.DailyPost, rank: int, paper: contents.PostPaper, title: str) -> str:
        """Return the lines of a paper in a daily post: title, facts, the start of the summary."""
        values = {
            "rank": rank,
            "title": SafeMarkdown(title),
            "votes": paper.votes,
            "has_votes": post.has_votes,
            "authors": paper.authors,
            "authors_truncated": paper.authors_truncated,
            "organization": SafeMarkdown(format_organization(paper.organization)),
            "links": code_and_project(self.ui_texts, paper),
            "thought": _excerpt(paper.sections[0].body) if paper.sections else "",
            "note": post_note(self.ui_texts, paper.summary, with_language=not post.is_in_other_language),
        }
        return self.templates.render_block("daily", "paper", self.ui_texts.locale.value, values)

    def alert_headline(self, post: contents.AlertPost) -> SafeMarkdown:
        """Return the line above the papers of an alert."""
        return self._alert_text("headline", post, len(post.matches))

    def alert_more(self, post: contents.AlertPost, shown: int) -> SafeMarkdown:
        """Return the line below the `shown` papers of an alert: how many more there are, "" if there are none."""
        return self._alert_text("more", post, shown)

    def _alert_text(
        self, block: Literal["headline", "more"], post: contents.AlertPost, shown: int
    ) -> SafeMarkdown:
        reasons = [reason for _, matched in post.matches for reason in matched]
        lines = {reason.crossed and reason.crossed[0] for reason in reasons}
        topics = list(dict.fromkeys(reason.topic for reason in reasons))
        values = {
            "day": post.digest_on,
            "total": len(post.matches) + post.more,
            "shown": shown,
            "in_channel": post.in_channel,
            "topics": [
                discord_text.shorten(topic, MAX_TOPIC_LENGTH, markdown=False) for topic in topics[:MAX_TOPICS]
            ],
            "crossed": lines.pop() if len(lines) == 1 else None,
        }
        return self.templates.render_block("alert", block, post.locale.value, values)

    def alert_paper_lines(self, match: contents.AlertMatch, title: str) -> str:
        """Return the lines of a paper in an alert: title, votes and at most MAX_REASONS different reasons."""
        paper, matched = match
        reasons = {(reason.found_in, reason.text): reason for reason in matched}
        crossed, votes_before = next((reason.crossed for reason in matched if reason.crossed), (None, None))
        values = {
            "title": SafeMarkdown(title),
            "votes": paper.votes,
            "reasons": list(reasons.values())[:MAX_REASONS],
            "crossed": crossed,
            "votes_before": votes_before,
        }
        return self.templates.render_block("alert", "paper", self.ui_texts.locale.value, values)

    def notice_text(self, post: contents.NoticePost) -> str:
        """Return the text of a notice: the event, its meaning, the remedy."""
        values = {
            "kind": post.kind.value,
            "reason": post.reason or "",
            "place": SafeMarkdown("" if post.channel_id is None else f"<#{post.channel_id}>"),
            "subject": post.subject or "",
            "is_alert": post.alert_id is not None,
            **{
                f"{name}_command": SafeMarkdown(self.mention(command))
                for name, command in (("status", "status"), ("setup", "daily setup"), ("topic", "topic"))
            },
        }
        return self.templates.render_block("notice", "text", post.locale.value, values)


def excerpt_lines(
    texts: Texts, paper: contents.PostPaper, *, with_language: bool = True
) -> tuple[SafeMarkdown, str]:
    """Return the sentence that the reason for a paper stands on, else the start of its summary; and a note on its language.

    The note is "" for the reader's language, and for that of the summary unless `with_language`.
    """
    language = paper.summary.language if paper.summary else None
    if paper.quoted and paper.quoted.language not in (language, texts.locale.value):
        # The word is in a text of the other language alone, though there is one in the reader's.
        return paper.quoted.text, texts("quoted-from", language=paper.quoted.language)
    note = language_note(texts, language) if with_language else ""
    return paper.quoted.text if paper.quoted else summary_excerpt(paper.sections), note


def summary_excerpt(sections: Sequence[models.Section]) -> SafeMarkdown:
    """Return the start of a summary on one line, cut at a sentence; "" for no summary."""
    return discord_text.escape_text(_excerpt(sections[0].body) if sections else "")


# The messages of a day show the same papers.
@lru_cache(maxsize=128)
def _excerpt(body: str) -> str:
    columns = search_results.MAX_COLUMNS
    plain = " ".join(markdown.render_plain(body[: 40 * columns]).split())
    return discord_text.shorten(plain, search_results.count_fitting(plain, columns), markdown=False)


def subtext_lines(text: str) -> str:
    """Return the lines of a text as small print, without blank lines."""
    return "\n".join(subtext(line) for line in text.splitlines() if line.strip())


# Posts without layout components: embeds for announcement channels, and plain text as the fallback of every message.


def embeds_payload(wording: PostWording, post: contents.DailyPost) -> dict[str, Any]:
    """Return one message of embeds without buttons, which Discord forwards to servers that follow the channel."""
    own, late = post.papers[: post.own_count], post.papers[post.own_count :]
    ranked = list(zip(post.numbers, post.papers, strict=True))
    # Late papers are at the end, and few.
    shown = ranked[: min(len(own), PAPERS_PER_MESSAGE - len(late))] + ranked[len(own) :]
    headings = wording.late_headings(post)
    rest = len(post.papers) - len(shown)
    more = wording.ui_texts("more-papers", count=rest) if rest else ""
    language = wording.ui_texts("summary-in-other-language") if post.is_in_other_language else ""
    lines = (wording.daily_text(post, "count"), wording.daily_text(post, "missed"), more, language)
    head = {
        "title": discord_text.shorten(f"📰 {wording.daily_text(post, 'headline')}", discord_text.EMBED_TITLE),
        "description": "\n".join(filter(None, lines)),
        "url": day_url(post, 0),
        "color": AMBER,
    }
    embeds = [
        head,
        *(
            _paper_embed(wording.ui_texts, post, rank, paper, headings.get(paper.arxiv_id))
            for rank, paper in shown
        ),
    ]
    body = {"embeds": embeds, "allowed_mentions": allowed_mentions(post.mention_role_id)}
    return body if post.mention_role_id is None else {"content": mention_line(post).strip(), **body}


def plain_post_payload(
    wording: PostWording,
    post: contents.DailyPost,
    papers: tuple[contents.PostPaper, ...],
    position: int,
    end: str = "",
) -> dict[str, Any]:
    """Return a post as plain text: the headline, a line per paper while they fit, and the number of the others.

    `end` is the text below them.
    """
    mention = mention_line(post) if position == 0 else ""
    head = f"{mention}**[{wording.daily_text(post, 'headline')}](<{day_url(post, position)}>)**"
    lines = [head, wording.daily_text(post, "count")]
    headings = wording.late_headings(post)
    text = fit_paper_lines(wording.ui_texts, lines, papers, headings, end)
    return plain_payload(text, mention_role_id=post.mention_role_id if position == 0 else None)


def mention_line(post: contents.DailyPost) -> str:
    """Return the line at the head of a post that mentions its role; "" without one."""
    return "" if post.mention_role_id is None else f"<@&{post.mention_role_id}>\n"


def fit_paper_lines(
    texts: Texts,
    lines: list[str],
    papers: tuple[contents.PostPaper, ...],
    headings: Mapping[str, str] = MappingProxyType({}),
    end: str = "",
) -> str:
    """Return the lines with a line per paper below while they fit, the number of the others, and the text `end`.

    `headings` are above the papers of these arXiv ids.
    """
    last = [end] if end else []
    more = texts("more-papers", count=len(papers))
    remaining = MAX_PLAIN_LENGTH - sum(len(line) + 1 for line in (*lines, *last)) - len(more) - 1
    has_votes = any(paper.votes is not None for paper in papers)
    for shown, paper in enumerate(papers):
        title = format_title(paper.title, paper.arxiv_id)
        label = discord_text.link_label(discord_text.shorten(title, MAX_TITLE_LENGTH, markdown=False))
        line = f"[{label}](<{arxiv_ids.huggingface_url(paper.arxiv_id)}>)"
        if has_votes:
            line = f"{format_votes(paper.votes)} {line}"
        if paper.arxiv_id in headings:
            line = f"{headings[paper.arxiv_id]}\n{line}"
        if len(line) + 1 > remaining:
            return "\n".join([*lines, texts("more-papers", count=len(papers) - shown), *last])
        lines.append(line)
        remaining -= len(line) + 1
    return "\n".join([*lines, *last])


def day_url(post: contents.DailyPost | contents.AlertPost | contents.TodayPost, position: int) -> str:
    """Return the address of the day's list on Hugging Face, with the part's marker as its fragment."""
    marker = contents.part_marker(post.marker, position)
    return f"https://huggingface.co/papers/date/{post.digest_on.isoformat()}#{marker}"


def _paper_embed(
    texts: Texts, post: contents.DailyPost, rank: int, paper: contents.PostPaper, heading: str | None
) -> dict[str, Any]:
    title = f"{rank} · {format_title(paper.title, paper.arxiv_id)}"
    facts = join_dotted(
        format_votes(paper.votes) if post.has_votes else "",
        format_authors(paper.authors, truncated=paper.authors_truncated),
        format_organization(paper.organization),
    )
    excerpt = summary_excerpt(paper.sections)
    note = post_note(texts, paper.summary, with_language=not post.is_in_other_language)
    links = code_and_project(texts, paper)
    lines = [heading or "", facts, excerpt, subtext(join_dotted(note, links))]
    if sum(len(line) + 1 for line in lines) > MAX_DESCRIPTION_LENGTH:
        # Two addresses can take most of the space; the title's link leads to the paper's page.
        lines[-1] = subtext(note)
    embed: dict[str, Any] = {
        "title": discord_text.shorten(title, discord_text.EMBED_TITLE, markdown=False),
        "url": discord_text.safe_url(paper.url) or arxiv_ids.huggingface_url(paper.arxiv_id),
        "description": discord_text.shorten("\n".join(filter(None, lines)), MAX_DESCRIPTION_LENGTH),
        "color": AMBER,
    }
    picture = discord_text.safe_url(paper.thumbnail) if paper.thumbnail else None
    if picture is not None:
        embed["thumbnail"] = {"url": picture}
    return embed


def text_view(text: str, *buttons: ui.Item[Any] | None, accent: int = AMBER) -> ui.LayoutView:
    """Return a message of one text, which is trusted Markdown, with up to five buttons below."""
    message = MessageBuilder(accent)
    message.add_text(text)
    message.add_buttons(*buttons)
    return message.view


def status_button(texts: Texts, marker: str | None = None) -> ui.Item[Any]:
    """Return the button that opens `/status`."""
    return button(texts("see-status"), pack_custom_id(SHOW_STATUS, marker=marker))


def notice_view(wording: PostWording, post: contents.NoticePost) -> ui.LayoutView:
    """Return the notice with a button for `/status`, and one to resume a paused subscription."""
    accent = RED if post.kind in ACTION_REQUIRED else AMBER
    texts = wording.ui_texts
    resume = None
    if post.kind is contents.NoticeKind.PAUSED and post.subscription_id is not None:
        resume = button(texts("resume-post"), pack_custom_id(RESUME, post.subscription_id))
    status = status_button(texts, contents.part_marker(post.marker, 0))
    return text_view(wording.notice_text(post), status, resume, accent=accent)


def plain_notice_payload(wording: PostWording, post: contents.NoticePost) -> dict[str, Any]:
    """Return the notice as plain text, its marker in the fragment of a link."""
    marker = contents.part_marker(post.marker, 0)
    return plain_payload(f"{wording.notice_text(post)}\n-# [Paperround](<https://discord.com/#{marker}>)")


def reason_text(texts: Texts, reason: str | None) -> str:
    """Return the text of a reason with its remedy; a reason without a text, such as a source's error, unchanged."""
    if not reason:
        return texts("reason-unknown")
    return texts.find(f"reason-{reason}") or escape_untrusted(reason, max_length=300)
