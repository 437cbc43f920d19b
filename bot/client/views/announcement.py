"""Posts in the older form, for where layouts may be lost: embeds for announcement channels, and plain text as a last resort."""

from __future__ import annotations

from typing import Any

from bot.client.components import message_builder, payload
from bot.client.translations import Words
from bot.client.views import paper_text
from bot.client.views.post_text import Voice, thought_of
from bot.rendering.discord_text import escape, limits, split
from bot.services.posts import contents

PAPERS_AN_EMBED_MESSAGE = limits.EMBEDS - 1
TITLE_SHOWN = 200
PLAIN_ROOM = 1800
"""Of the 2,000 code points of a content; the rest is for a marker that is longer than its placeholder."""


def embeds_payload(voice: Voice, post: contents.DailyPost, position: int) -> dict[str, Any]:
    """Return one message of embeds without buttons: Discord hands it on to the servers that follow the channel."""
    shown = post.papers[:PAPERS_AN_EMBED_MESSAGE]
    texts = voice.daily(post)
    left = len(post.papers) - len(shown)
    more = voice.words("more-papers", count=left) if left else ""
    head = {
        "title": f"📰 {texts.headline}",
        "description": "\n".join(line for line in (texts.count, texts.missed, more) if line),
        "url": day_url(post, position),
        "color": message_builder.AMBER,
    }
    embeds = [head, *(_embed(rank, paper) for rank, paper in enumerate(shown, 1))]
    return {"embeds": embeds, "allowed_mentions": payload.NO_MENTIONS}


def plain_post(
    voice: Voice, post: contents.DailyPost, papers: tuple[contents.PostPaper, ...], position: int
) -> dict[str, Any]:
    """Return a post as plain text: the headline and a line a paper, as many as fit, and how many more there are."""
    texts = voice.daily(post)
    head = f"**[{texts.headline}](<{day_url(post, position)}>)**"
    lines = [head, texts.count]
    return payload.plain_payload(fill_lines(voice.words, lines, papers))


def fill_lines(words: Words, lines: list[str], papers: tuple[contents.PostPaper, ...]) -> str:
    """Return the lines with a line a paper below, as many as fit, and how many more there are."""
    more = words("more-papers", count=len(papers))
    room = PLAIN_ROOM - sum(len(line) + 1 for line in lines) - len(more) - 1
    for shown, paper in enumerate(papers):
        line = f"▲ {'–' if paper.votes is None else paper.votes} {_plain_title(paper)}"
        if len(line) + 1 > room:
            return "\n".join([*lines, words("more-papers", count=len(papers) - shown)])
        lines.append(line)
        room -= len(line) + 1
    return "\n".join(lines)


def _plain_title(paper: contents.PostPaper) -> str:
    title = split.shorten(paper_text.title(paper.title, paper.arxiv_id), TITLE_SHOWN, markdown=False)
    return f"[{escape.label(title)}](<{paper_text.hugging_face_url(paper.arxiv_id)}>)"


def day_url(post: contents.DailyPost, position: int) -> str:
    """Return the address of the day's list on Hugging Face; the part's marker is its fragment, which changes nothing."""
    marker = contents.part_marker(post.marker, position)
    return f"https://huggingface.co/papers/date/{post.digest_on.isoformat()}#{marker}"


def _embed(rank: int, paper: contents.PostPaper) -> dict[str, Any]:
    title = f"{rank} · {paper_text.title(paper.title, paper.arxiv_id)}"
    facts = paper_text.joined(
        paper_text.votes(paper.votes), paper_text.authors(paper.authors, truncated=paper.authors_truncated)
    )
    thought = escape.escape(thought_of(paper.sections))
    embed: dict[str, Any] = {
        "title": split.shorten(title, limits.EMBED_TITLE, markdown=False),
        "url": escape.safe_url(paper.url) or paper_text.hugging_face_url(paper.arxiv_id),
        # 9 × (256 + 330) + the head stay below the 6,000 that all embeds of a message may hold.
        "description": split.shorten(f"{facts}\n{thought}" if thought else facts, 330),
        "color": message_builder.AMBER,
    }
    picture = escape.safe_url(paper.thumbnail) if paper.thumbnail else None
    if picture is not None:
        embed["thumbnail"] = {"url": picture}
    return embed
