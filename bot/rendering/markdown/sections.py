"""A paper's summary as texts to show: one thought for a list, the whole of it for a card."""

from __future__ import annotations

from collections.abc import Sequence

from bot.rendering.discord_text import escape, split
from bot.rendering.discord_text.escape import SafeMarkdown
from bot.rendering.markdown import blocks
from storage import models

THOUGHT = 160
"""Code points of the one thought: about two lines on a phone."""

_READ = 8000


def render_thought(sections: Sequence[models.Section], limit: int = THOUGHT) -> str:
    """Return the first section's text on one plain line, at most `limit` code points, cut at a sentence with `…`.

    Plain text: whoever puts it into a message escapes it, as the templates do. Empty without sections.
    """
    for section in sections:
        plain = escape.to_single_line(_without_bullets(blocks.render_plain(section.body[:_READ])))
        if plain:
            return split.shorten(plain, limit, markdown=False)
    return ""


def render_section(section: models.Section) -> SafeMarkdown:
    """Return a section as Discord's Markdown, its heading bold: before a highlight of one paragraph, else above."""
    body = blocks.render_markdown(section.body)
    if not section.heading:
        return body
    heading = blocks.render_heading(section.heading)
    if not heading:
        return body
    # A chapter has a number, a highlight has none.
    inline = "\n" not in body and not heading[0].isdigit() and not body.startswith(("- ", "```", "> ", "1. "))
    return SafeMarkdown(f"**{heading}**{' ' if inline else chr(10)}{body}".rstrip())


def render_sections(sections: Sequence[models.Section]) -> SafeMarkdown:
    """Return all sections as Discord's Markdown with blank lines between them; `fitting.split` makes pages of it."""
    return SafeMarkdown("\n\n".join(text for text in map(render_section, sections) if text))


def _without_bullets(text: str) -> str:
    return "\n".join(line.strip().removeprefix("- ") for line in text.split("\n"))
