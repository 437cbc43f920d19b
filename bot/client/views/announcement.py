"""Posts without layout components: embeds for announcement channels, and plain text as the fallback of every message."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from bot.client.components import message_builder, payload
from bot.client.translations import Texts
from bot.client.views.papers.paper_text import (
    code_and_project,
    format_authors,
    format_organization,
    format_title,
    format_votes,
    join_dotted,
    post_note,
    subtext,
)
from bot.client.views.post_text import PostWording, summary_excerpt
from bot.digests.elements import arxiv_ids
from bot.rendering.discord_text import escape, limits, split
from bot.services.posts import contents

PAPERS_PER_MESSAGE = limits.EMBEDS - 1
MAX_TITLE_LENGTH = 200
MAX_DESCRIPTION_LENGTH = 330
"""Code points of an embed's text: with titles of 256, nine and the head are below 6,000, the limit of a message."""
MAX_PLAIN_LENGTH = 1800
"""Code points of 2,000; the rest is for a marker that is longer than its placeholder."""


def embeds_payload(wording: PostWording, post: contents.DailyPost, position: int) -> dict[str, Any]:
    """Return one message of embeds without buttons, which Discord forwards to servers that follow the channel."""
    own, late = post.papers[: post.own_count], post.papers[post.own_count :]
    ranked = list(zip(post.numbers, post.papers, strict=True))
    # Late papers are at the end, and few.
    shown = ranked[: min(len(own), PAPERS_PER_MESSAGE - len(late))] + ranked[len(own) :]
    headings = wording.late_headings(post)
    count, missed = wording.daily_text(post, "count"), wording.daily_text(post, "missed")
    rest = len(post.papers) - len(shown)
    more = wording.ui_texts("more-papers", count=rest) if rest else ""
    head = {
        "title": split.shorten(f"📰 {wording.daily_text(post, 'headline')}", limits.EMBED_TITLE),
        "description": "\n".join(line for line in (count, missed, more) if line),
        "url": day_url(post, position),
        "color": message_builder.AMBER,
    }
    embeds = [
        head,
        *(_paper_embed(wording.ui_texts, rank, paper, headings.get(paper.arxiv_id)) for rank, paper in shown),
    ]
    body = {"embeds": embeds, "allowed_mentions": payload.allowed_mentions(post.mention_role_id)}
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
    return payload.plain_payload(text, mention_role_id=post.mention_role_id if position == 0 else None)


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
    more = texts("more-papers", count=len(papers))
    last = [end] if end else []
    remaining = MAX_PLAIN_LENGTH - sum(len(line) + 1 for line in (*lines, *last)) - len(more) - 1
    for shown, paper in enumerate(papers):
        line = f"▲ {'–' if paper.votes is None else paper.votes} {_plain_title_link(paper)}"
        if paper.arxiv_id in headings:
            line = f"{headings[paper.arxiv_id]}\n{line}"
        if len(line) + 1 > remaining:
            return "\n".join([*lines, texts("more-papers", count=len(papers) - shown), *last])
        lines.append(line)
        remaining -= len(line) + 1
    return "\n".join([*lines, *last])


def _plain_title_link(paper: contents.PostPaper) -> str:
    title = split.shorten(format_title(paper.title, paper.arxiv_id), MAX_TITLE_LENGTH, markdown=False)
    return f"[{escape.link_label(title)}](<{arxiv_ids.huggingface_url(paper.arxiv_id)}>)"


def day_url(post: contents.DailyPost | contents.AlertPost | contents.TodayPost, position: int) -> str:
    """Return the address of the day's list on Hugging Face, with the part's marker as its fragment."""
    marker = contents.part_marker(post.marker, position)
    return f"https://huggingface.co/papers/date/{post.digest_on.isoformat()}#{marker}"


def _paper_embed(texts: Texts, rank: int, paper: contents.PostPaper, heading: str | None) -> dict[str, Any]:
    title = f"{rank} · {format_title(paper.title, paper.arxiv_id)}"
    facts = join_dotted(
        format_votes(paper.votes),
        format_authors(paper.authors, truncated=paper.authors_truncated),
        format_organization(paper.organization),
    )
    excerpt = escape.escape_text(summary_excerpt(paper.sections))
    note, links = (
        post_note(texts, paper.summary),
        code_and_project(texts, paper.code_url, paper.code_stars, paper.project_url),
    )
    lines = [heading or "", facts, excerpt, subtext(join_dotted(note, links))]
    if sum(len(line) + 1 for line in lines) > MAX_DESCRIPTION_LENGTH:
        # Two addresses can take most of the space; the title's link leads to the paper's page.
        lines[-1] = subtext(note)
    embed: dict[str, Any] = {
        "title": split.shorten(title, limits.EMBED_TITLE, markdown=False),
        "url": escape.safe_url(paper.url) or arxiv_ids.huggingface_url(paper.arxiv_id),
        "description": split.shorten("\n".join(line for line in lines if line), MAX_DESCRIPTION_LENGTH),
        "color": message_builder.AMBER,
    }
    picture = escape.safe_url(paper.thumbnail) if paper.thumbnail else None
    if picture is not None:
        embed["thumbnail"] = {"url": picture}
    return embed
