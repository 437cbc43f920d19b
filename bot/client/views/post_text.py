"""The texts of posts, alerts and notices: interface texts for buttons, the operator's templates for the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from bot.client.translations import Texts
from bot.client.views.papers import paper_text
from bot.rendering.discord_text import split
from bot.rendering.discord_text.escape import SafeMarkdown
from bot.rendering.markdown import blocks
from bot.rendering.wording.filters import EVERY_DAY, WORKDAYS
from bot.rendering.wording.templates import OutputFormat, Templates
from bot.services.posts import contents
from bot.services.search import snippets
from storage import models

DailyBlock = Literal["headline", "count", "missed", "foot", "name"]
"""A block of the templates `daily` and `empty`."""

MentionLookup = Callable[[str], str]
"""Returns the mention of a command, such as `daily edit`."""

EXCERPT_COLUMNS = snippets.MAX_COLUMNS
"""Columns of the excerpt below a title; a Hangul syllable takes two."""
EXCERPTS = 128
"""Excerpts that are kept: the messages of a day show the same papers."""
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
            "missed": post.missed_on,
            "at_time": at_time,
            "timezone": timezone,
            "days": days,
            "every_day": EVERY_DAY,
            "workdays": WORKDAYS,
            "edit_command": SafeMarkdown(self.mention("daily edit")),
            "digest_command": SafeMarkdown(self.mention("digest")),
            "topic": split.shorten(post.topic, MAX_TOPIC_LENGTH, markdown=False),
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
        picks = [
            {
                "title": SafeMarkdown(
                    paper_text.title_link(
                        paper.title, paper.arxiv_id, paper.url, max_characters=MAX_PICK_LENGTH
                    )
                ),
                "saved": saved,
                "shared": shared,
            }
            for paper, saved, shared in post.server_picks
        ]
        text = self.templates.render_block("daily", "server_picks", post.locale.value, {"papers": picks})
        return split.shorten(text, MAX_SERVER_PICKS_LENGTH, max_bytes=MAX_SERVER_PICKS_BYTES)

    def paper_lines(self, rank: int, paper: contents.PostPaper, title: str) -> str:
        """Return the lines of a paper in a daily post: title, facts, the start of the summary."""
        values = {
            "rank": rank,
            "title": SafeMarkdown(title),
            "votes": paper.votes,
            "authors": paper.authors,
            "authors_truncated": paper.authors_truncated,
            "organization": SafeMarkdown(paper_text.format_organization(paper.organization)),
            "links": paper_text.code_and_project(
                self.ui_texts, paper.code_url, paper.code_stars, paper.project_url
            ),
            "thought": summary_excerpt(paper.sections),
            "note": paper_text.post_note(self.ui_texts, paper.summary),
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
        topics = list(dict.fromkeys(reason.text for reason in reasons))
        values = {
            "day": post.digest_on,
            "total": len(post.matches) + post.more,
            "shown": shown,
            "in_channel": post.in_channel,
            "topics": [
                split.shorten(topic, MAX_TOPIC_LENGTH, markdown=False) for topic in topics[:MAX_TOPICS]
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
            "status_command": SafeMarkdown(self.mention("status")),
        }
        return self.templates.render_block("notice", "text", post.locale.value, values)


def summary_excerpt(sections: Sequence[models.Section], length: int = EXCERPT_COLUMNS) -> str:
    """Return the start of a summary as plain text on one line, cut at a sentence; "" for no summary."""
    return _excerpt(sections[0].body, length) if sections else ""


@lru_cache(maxsize=EXCERPTS)
def _excerpt(body: str, length: int) -> str:
    plain = " ".join(blocks.render_plain(body[: 40 * length]).split())
    return split.shorten(plain, snippets.count_fitting(plain, length), markdown=False)


def subtext_lines(text: str) -> str:
    """Return the lines of a text as small print, without blank lines."""
    return "\n".join(paper_text.subtext(line) for line in text.splitlines() if line.strip())
