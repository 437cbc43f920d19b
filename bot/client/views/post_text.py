"""What a post is worded with: the interface's texts for its buttons, the operator's templates for the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.client.translations import Texts
from bot.client.views import paper_text
from bot.rendering.discord_text import split
from bot.rendering.discord_text.escape import SafeMarkdown
from bot.rendering.markdown import blocks
from bot.rendering.wording import post_texts
from bot.services.posts import contents
from bot.services.search import snippets
from storage import models

MentionLookup = Callable[[str], str]
"""Gives the mention of a command, such as `daily edit`."""

EXCERPT_COLUMNS = snippets.MAX_COLUMNS
"""Columns of the one thought below a title; a Hangul syllable takes two."""


@dataclass(frozen=True, slots=True)
class PostWording:
    """The wording of one language. `mention` gives the mention of a command."""

    ui_texts: Texts
    templates: post_texts.PostTemplates
    mention: MentionLookup

    def daily_texts(self, post: contents.DailyPost) -> post_texts.DailyPostTexts:
        """Return the texts around the papers of a daily or weekly post."""
        schedule = post.schedule
        return self.templates.daily(
            post.locale.value,
            post_texts.DailyPostContext(
                day=post.digest_on,
                total=post.total,
                shown=len(post.papers),
                since=post.since_on if post.style is models.Style.WEEKLY else None,
                missed=post.missed_on,
                at_time=schedule.at_time if schedule else None,
                timezone=schedule.timezone if schedule else "UTC",
                days=schedule.days if schedule else (),
                edit_command=SafeMarkdown(self.mention("daily edit")),
                digest_command=SafeMarkdown(self.mention("digest")),
            ),
        )

    def paper_lines(self, rank: int, paper: contents.PostPaper, title: str) -> str:
        """Return a paper's lines in a daily post."""
        return self.templates.paper(
            self.ui_texts.locale.value,
            post_texts.PaperContext(
                rank=rank,
                title=SafeMarkdown(title),
                votes=paper.votes,
                authors=paper.authors,
                authors_truncated=paper.authors_truncated,
                thought=summary_excerpt(paper.sections),
            ),
        )

    def alert_paper_lines(self, match: contents.AlertMatch, title: str) -> str:
        """Return a paper's lines in an alert, each reason once."""
        reasons = dict.fromkeys(
            post_texts.AlertReasonContext(why.found_in.value, why.text) for why in match.reasons
        )
        return self.templates.alert_paper(
            self.ui_texts.locale.value, SafeMarkdown(title), match.paper.votes, list(reasons)[:6]
        )

    def notice_text(self, post: contents.NoticePost) -> str:
        """Return what a person is told once."""
        return self.templates.notice(
            post.locale.value,
            post_texts.NoticeContext(
                kind=post.kind.value,
                reason=post.reason or "",
                place=SafeMarkdown("" if post.channel_id is None else f"<#{post.channel_id}>"),
                subject=post.subject or "",
                is_alert=post.alert_id is not None,
                status_command=SafeMarkdown(self.mention("status")),
            ),
        )


def summary_excerpt(sections: Sequence[models.Section], length: int = EXCERPT_COLUMNS) -> str:
    """Return the first thought of a summary as plain text on one line, shortened at a sentence; empty without one."""
    if not sections:
        return ""
    plain = " ".join(blocks.render_plain(sections[0].body[: 40 * length]).split())
    return split.shorten(plain, snippets.count_fitting(plain, length), markdown=False)


def subtext_lines(text: str) -> str:
    """Return every line of a text as small print."""
    return "\n".join(paper_text.subtext(line) for line in text.splitlines() if line.strip())
