"""Posts in the older form, for where layouts may be lost: embeds for announcement channels, and plain text as a last resort."""

from __future__ import annotations

from typing import Any

from bot.client.translations import Words
from bot.client.views import payload, phrases, sheet
from bot.client.views.voice import Voice, thought_of
from bot.rendering import escape, fitting, limits
from bot.services import posts

PAPERS_AN_EMBED_MESSAGE = limits.EMBEDS - 1
TITLE_SHOWN = 200
PLAIN_ROOM = 1800
"""Of the 2,000 code points of a content; the rest is for a marker that is longer than its placeholder."""


def embeds_payload(voice: Voice, post: posts.DailyPost, position: int) -> dict[str, Any]:
    """Return one message of embeds without buttons: Discord hands it on to the servers that follow the channel."""
    shown = post.papers[:PAPERS_AN_EMBED_MESSAGE]
    texts = voice.daily(post)
    left = len(post.papers) - len(shown)
    more = voice.words("more-papers", count=left) if left else ""
    head = {
        "title": f"📰 {texts.headline}",
        "description": "\n".join(line for line in (texts.count, texts.missed, more) if line),
        "url": day_url(post, position),
        "color": sheet.AMBER,
    }
    embeds = [head, *(_embed(rank, paper) for rank, paper in enumerate(shown, 1))]
    return {"embeds": embeds, "allowed_mentions": payload.NO_MENTIONS}


def plain_post(
    voice: Voice, post: posts.DailyPost, papers: tuple[posts.PostPaper, ...], position: int
) -> dict[str, Any]:
    """Return a post as plain text: the headline and a line a paper, as many as fit, and how many more there are."""
    texts = voice.daily(post)
    head = f"**[{texts.headline}](<{day_url(post, position)}>)**"
    lines = [head, texts.count]
    return payload.plain_payload(fill_lines(voice.words, lines, papers))


def fill_lines(words: Words, lines: list[str], papers: tuple[posts.PostPaper, ...]) -> str:
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


def _plain_title(paper: posts.PostPaper) -> str:
    title = fitting.shorten(phrases.title(paper.title, paper.arxiv_id), TITLE_SHOWN, markdown=False)
    return f"[{escape.label(title)}](<{phrases.hugging_face_url(paper.arxiv_id)}>)"


def day_url(post: posts.DailyPost, position: int) -> str:
    """Return the address of the day's list on Hugging Face; the part's marker is its fragment, which changes nothing."""
    marker = posts.part_marker(post.marker, position)
    return f"https://huggingface.co/papers/date/{post.digest_on.isoformat()}#{marker}"


def _embed(rank: int, paper: posts.PostPaper) -> dict[str, Any]:
    title = f"{rank} · {phrases.title(paper.title, paper.arxiv_id)}"
    facts = phrases.joined(
        phrases.votes(paper.votes), phrases.authors(paper.authors, truncated=paper.authors_truncated)
    )
    thought = escape.escape(thought_of(paper.sections))
    embed: dict[str, Any] = {
        "title": fitting.shorten(title, limits.EMBED_TITLE, markdown=False),
        "url": escape.safe_url(paper.url) or phrases.hugging_face_url(paper.arxiv_id),
        # 9 × (256 + 330) + the head stay below the 6,000 that all embeds of a message may hold.
        "description": fitting.shorten(f"{facts}\n{thought}" if thought else facts, 330),
        "color": sheet.AMBER,
    }
    picture = escape.safe_url(paper.thumbnail) if paper.thumbnail else None
    if picture is not None:
        embed["thumbnail"] = {"url": picture}
    return embed
