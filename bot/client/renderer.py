"""Turns posts into the messages that the outbox keeps: the one implementation of `bot.services.posts.contents.Renderer`."""

from __future__ import annotations

from typing import Any

from discord import ui

from bot.client import translations
from bot.client.components import payload
from bot.client.views import alert_post, announcement, daily_post, notices
from bot.client.views.post_text import Mention, Voice
from bot.rendering.discord_text import limits, split
from bot.rendering.wording.post_texts import Wording
from bot.services.posts import contents
from storage import models

THREAD_MINUTES = 4320
"""How long a thread stays open without messages: three days, one of the four spans that Discord knows."""


class DiscordRenderer:
    """Renders posts in their own language. `mention` gives a command's mention, such as that of `daily edit`."""

    def __init__(self, texts: translations.Translations, wording: Wording, mention: Mention) -> None:
        self._voices = {locale: Voice(texts.of(locale), wording, mention) for locale in models.Locale}

    def voice(self, locale: models.Locale) -> Voice:
        """Return what posts of a language are worded with, for copies of them in answers."""
        return self._voices[locale]

    def render_daily(self, post: contents.DailyPost) -> tuple[contents.RenderedPart, ...]:
        """Return the messages of a daily or weekly post in its style. Without papers every style is one message."""
        voice = self._voices[post.locale]
        if post.style is models.Style.ANNOUNCEMENT:
            return self._announcement(voice, post)
        if post.style is models.Style.FORUM:
            return self._forum(voice, post)
        if post.style is models.Style.THREAD and post.papers:
            return self._thread(voice, post)
        if post.style is models.Style.CARDS and post.papers:
            return self._cards(voice, post, models.PartKind.MESSAGE, first=1)
        return self._compact(voice, post)

    def render_alert(self, post: contents.AlertPost) -> tuple[contents.RenderedPart, ...]:
        """Return the one message that tells a recipient of new papers."""
        voice = self._voices[post.locale]
        full = payload.payload(alert_post.alert_view(voice, post))
        return (contents.RenderedPart(models.PartKind.MESSAGE, full, alert_post.plain_alert(voice, post)),)

    def render_notice(self, post: contents.NoticePost) -> tuple[contents.RenderedPart, ...]:
        """Return the one message that tells a person what happened and what to do."""
        voice = self._voices[post.locale]
        full = payload.payload(notices.notice_view(voice, post))
        return (contents.RenderedPart(models.PartKind.MESSAGE, full, notices.plain_notice(voice, post)),)

    def _compact(self, voice: Voice, post: contents.DailyPost) -> tuple[contents.RenderedPart, ...]:
        views = daily_post.compact_views(voice, post)
        groups = daily_post.groups(post.papers)
        return tuple(
            self._message(voice, post, view, tuple(group), position)
            for position, (view, group) in enumerate(zip(views, groups, strict=True))
        )

    def _cards(
        self, voice: Voice, post: contents.DailyPost, kind: models.PartKind, *, first: int
    ) -> tuple[contents.RenderedPart, ...]:
        """Return a headline and a message a paper; `first` is the position of the first paper's part."""
        head = self._message(voice, post, daily_post.headline_view(voice, post), (), 0)
        papers = [
            self._message(
                voice,
                post,
                daily_post.card_view(voice.words, post, paper, position),
                (paper,),
                position,
                kind,
            )
            for position, paper in enumerate(post.papers, first)
        ]
        return head, *papers

    def _thread(self, voice: Voice, post: contents.DailyPost) -> tuple[contents.RenderedPart, ...]:
        head, *papers = self._cards(voice, post, models.PartKind.THREAD_MESSAGE, first=2)
        opened = {"name": self._name(voice, post), "auto_archive_duration": THREAD_MINUTES}
        return head, contents.RenderedPart(models.PartKind.THREAD, opened), *papers

    def _forum(self, voice: Voice, post: contents.DailyPost) -> tuple[contents.RenderedPart, ...]:
        first, *rest = self._compact(voice, post)
        shell: dict[str, Any] = {"name": self._name(voice, post), "auto_archive_duration": THREAD_MINUTES}
        if post.forum_tags:
            shell["applied_tags"] = [str(tag) for tag in post.forum_tags]
        opening = contents.RenderedPart(
            models.PartKind.FORUM_POST,
            {**shell, "message": first.payload},
            {**shell, "message": first.fallback},
        )
        return opening, *(
            contents.RenderedPart(models.PartKind.THREAD_MESSAGE, part.payload, part.fallback)
            for part in rest
        )

    def _announcement(self, voice: Voice, post: contents.DailyPost) -> tuple[contents.RenderedPart, ...]:
        message = contents.RenderedPart(
            models.PartKind.MESSAGE,
            announcement.embeds_payload(voice, post, 0),
            announcement.plain_post(voice, post, post.papers, 0),
        )
        return message, contents.RenderedPart(models.PartKind.CROSSPOST)

    def _message(
        self,
        voice: Voice,
        post: contents.DailyPost,
        view: ui.LayoutView,
        papers: tuple[contents.PostPaper, ...],
        position: int,
        kind: models.PartKind = models.PartKind.MESSAGE,
    ) -> contents.RenderedPart:
        plain = announcement.plain_post(voice, post, papers, position)
        return contents.RenderedPart(kind, payload.payload(view), plain)

    def _name(self, voice: Voice, post: contents.DailyPost) -> str:
        return (
            split.shorten(voice.daily(post).name, limits.THREAD_NAME, markdown=False)
            or post.digest_on.isoformat()
        )
