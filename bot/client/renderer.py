"""Turns posts into the messages that the outbox keeps: the one implementation of `bot.services.posts.contents.Renderer`."""

from __future__ import annotations

from typing import Any

from discord import ui

from bot.client import translations
from bot.client.components import payload
from bot.client.views import alert_post, announcement, daily_post, notices
from bot.client.views.post_text import MentionLookup, PostWording
from bot.rendering.discord_text import limits, split
from bot.rendering.wording.templates import Templates
from bot.services.posts import contents
from storage import models

AUTO_ARCHIVE_MINUTES = 4320
"""How long a thread stays open without messages: three days, one of the four spans that Discord knows."""


class DiscordRenderer:
    """Renders posts in their own language. `mention` gives a command's mention, such as that of `daily edit`."""

    def __init__(
        self, texts: translations.Translations, templates: Templates, mention: MentionLookup
    ) -> None:
        self._wordings = {
            locale: PostWording(texts.for_locale(locale), templates, mention) for locale in models.Locale
        }

    def wording_for(self, locale: models.Locale) -> PostWording:
        """Return what posts of a language are worded with, for copies of them in answers."""
        return self._wordings[locale]

    def render_daily(self, post: contents.DailyPost) -> tuple[contents.RenderedPart, ...]:
        """Return the messages of a daily or weekly post in its style. Without papers every style is one message."""
        voice = self._wordings[post.locale]
        if post.style is models.Style.ANNOUNCEMENT:
            return self._render_announcement(voice, post)
        if post.style is models.Style.FORUM:
            return self._render_forum(voice, post)
        if post.style is models.Style.THREAD and post.papers:
            return self._render_thread(voice, post)
        if post.style is models.Style.CARDS and post.papers:
            return self._render_cards(voice, post, models.PartKind.MESSAGE, first=1)
        return self._render_compact(voice, post)

    def render_alert(self, post: contents.AlertPost) -> tuple[contents.RenderedPart, ...]:
        """Return the one message that tells a recipient of new papers."""
        voice = self._wordings[post.locale]
        full = payload.layout_payload(alert_post.alert_view(voice, post))
        return (
            contents.RenderedPart(models.PartKind.MESSAGE, full, alert_post.plain_alert_payload(voice, post)),
        )

    def render_notice(self, post: contents.NoticePost) -> tuple[contents.RenderedPart, ...]:
        """Return the one message that tells a person what happened and what to do."""
        voice = self._wordings[post.locale]
        full = payload.layout_payload(notices.notice_view(voice, post))
        return (
            contents.RenderedPart(models.PartKind.MESSAGE, full, notices.plain_notice_payload(voice, post)),
        )

    def _render_compact(
        self, voice: PostWording, post: contents.DailyPost
    ) -> tuple[contents.RenderedPart, ...]:
        views = daily_post.compact_views(voice, post)
        groups = daily_post.split_papers(post.papers)
        return tuple(
            self._message_part(voice, post, view, tuple(group), position)
            for position, (view, group) in enumerate(zip(views, groups, strict=True))
        )

    def _render_cards(
        self, voice: PostWording, post: contents.DailyPost, kind: models.PartKind, *, first: int
    ) -> tuple[contents.RenderedPart, ...]:
        """Return a headline and a message a paper; `first` is the position of the first paper's part."""
        head = self._message_part(voice, post, daily_post.headline_view(voice, post), (), 0)
        papers = [
            self._message_part(
                voice,
                post,
                daily_post.card_view(voice.ui_texts, post, paper, position),
                (paper,),
                position,
                kind,
            )
            for position, paper in enumerate(post.papers, first)
        ]
        return head, *papers

    def _render_thread(
        self, voice: PostWording, post: contents.DailyPost
    ) -> tuple[contents.RenderedPart, ...]:
        head, *papers = self._render_cards(voice, post, models.PartKind.THREAD_MESSAGE, first=2)
        opened = {"name": self._thread_name(voice, post), "auto_archive_duration": AUTO_ARCHIVE_MINUTES}
        return head, contents.RenderedPart(models.PartKind.THREAD, opened), *papers

    def _render_forum(
        self, voice: PostWording, post: contents.DailyPost
    ) -> tuple[contents.RenderedPart, ...]:
        first, *rest = self._render_compact(voice, post)
        shell: dict[str, Any] = {
            "name": self._thread_name(voice, post),
            "auto_archive_duration": AUTO_ARCHIVE_MINUTES,
        }
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

    def _render_announcement(
        self, voice: PostWording, post: contents.DailyPost
    ) -> tuple[contents.RenderedPart, ...]:
        message = contents.RenderedPart(
            models.PartKind.MESSAGE,
            announcement.embeds_payload(voice, post, 0),
            announcement.plain_post_payload(voice, post, post.papers, 0),
        )
        return message, contents.RenderedPart(models.PartKind.CROSSPOST)

    def _message_part(
        self,
        voice: PostWording,
        post: contents.DailyPost,
        view: ui.LayoutView,
        papers: tuple[contents.PostPaper, ...],
        position: int,
        kind: models.PartKind = models.PartKind.MESSAGE,
    ) -> contents.RenderedPart:
        plain = announcement.plain_post_payload(voice, post, papers, position)
        return contents.RenderedPart(kind, payload.layout_payload(view), plain)

    def _thread_name(self, voice: PostWording, post: contents.DailyPost) -> str:
        return (
            split.shorten(voice.daily_texts(post).name, limits.THREAD_NAME, markdown=False)
            or post.digest_on.isoformat()
        )
