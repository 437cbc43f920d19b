"""Turns posts into the messages that the outbox keeps: the one implementation of `bot.services.posts.Renderer`."""

from __future__ import annotations

from typing import Any

from discord import ui

from bot.client import translations
from bot.client.translations import Words
from bot.client.views import alert_post, announcement, daily_post, notices, payload, post_texts
from bot.services import posts
from storage import models

THREAD_MINUTES = 4320
"""How long a thread stays open without messages: three days, one of the four spans that Discord knows."""


class DiscordRenderer:
    """Renders posts in their own language. `mention` gives a command's mention, such as that of `daily edit`."""

    def __init__(self, texts: translations.Translations, mention: post_texts.Mention) -> None:
        self._texts = texts
        self._mention = mention

    def render_daily(self, post: posts.DailyPost) -> tuple[posts.RenderedPart, ...]:
        """Return the messages of a daily or weekly post in its style. Without papers every style is one message."""
        words = self._texts.of(post.locale)
        if post.style is models.Style.ANNOUNCEMENT:
            return self._announcement(words, post)
        if post.style is models.Style.FORUM:
            return self._forum(words, post)
        if post.style is models.Style.THREAD and post.papers:
            return self._thread(words, post)
        if post.style is models.Style.CARDS and post.papers:
            return self._cards(words, post, models.PartKind.MESSAGE, first=1)
        return self._compact(words, post)

    def render_alert(self, post: posts.AlertPost) -> tuple[posts.RenderedPart, ...]:
        """Return the one message that tells a recipient of new papers."""
        words = self._texts.of(post.locale)
        full = payload.payload(alert_post.alert_view(words, post))
        return (posts.RenderedPart(models.PartKind.MESSAGE, full, alert_post.plain_alert(words, post)),)

    def render_notice(self, post: posts.NoticePost) -> tuple[posts.RenderedPart, ...]:
        """Return the one message that tells a person what happened and what to do."""
        words = self._texts.of(post.locale)
        full = payload.payload(notices.notice_view(words, post, self._mention))
        return (
            posts.RenderedPart(
                models.PartKind.MESSAGE, full, notices.plain_notice(words, post, self._mention)
            ),
        )

    def _compact(self, words: Words, post: posts.DailyPost) -> tuple[posts.RenderedPart, ...]:
        views = daily_post.compact_views(words, post, self._mention)
        groups = daily_post.groups(post.papers)
        return tuple(
            self._message(words, post, view, tuple(group), position)
            for position, (view, group) in enumerate(zip(views, groups, strict=True))
        )

    def _cards(
        self, words: Words, post: posts.DailyPost, kind: models.PartKind, *, first: int
    ) -> tuple[posts.RenderedPart, ...]:
        """Return a headline and a message a paper; `first` is the position of the first paper's part."""
        head = self._message(words, post, daily_post.headline_view(words, post, self._mention), (), 0)
        papers = [
            self._message(
                words, post, daily_post.card_view(words, post, paper, position), (paper,), position, kind
            )
            for position, paper in enumerate(post.papers, first)
        ]
        return head, *papers

    def _thread(self, words: Words, post: posts.DailyPost) -> tuple[posts.RenderedPart, ...]:
        head, *papers = self._cards(words, post, models.PartKind.THREAD_MESSAGE, first=2)
        opened = {"name": self._name(words, post), "auto_archive_duration": THREAD_MINUTES}
        return head, posts.RenderedPart(models.PartKind.THREAD, opened), *papers

    def _forum(self, words: Words, post: posts.DailyPost) -> tuple[posts.RenderedPart, ...]:
        first, *rest = self._compact(words, post)
        shell: dict[str, Any] = {"name": self._name(words, post), "auto_archive_duration": THREAD_MINUTES}
        if post.forum_tags:
            shell["applied_tags"] = [str(tag) for tag in post.forum_tags]
        opening = posts.RenderedPart(
            models.PartKind.FORUM_POST,
            {**shell, "message": first.payload},
            {**shell, "message": first.fallback},
        )
        return opening, *(
            posts.RenderedPart(models.PartKind.THREAD_MESSAGE, part.payload, part.fallback) for part in rest
        )

    def _announcement(self, words: Words, post: posts.DailyPost) -> tuple[posts.RenderedPart, ...]:
        message = posts.RenderedPart(
            models.PartKind.MESSAGE,
            announcement.embeds_payload(words, post, self._mention, 0),
            announcement.plain_post(words, post, post.papers, 0),
        )
        return message, posts.RenderedPart(models.PartKind.CROSSPOST)

    def _message(
        self,
        words: Words,
        post: posts.DailyPost,
        view: ui.LayoutView,
        papers: tuple[posts.PostPaper, ...],
        position: int,
        kind: models.PartKind = models.PartKind.MESSAGE,
    ) -> posts.RenderedPart:
        plain = announcement.plain_post(words, post, papers, position)
        return posts.RenderedPart(kind, payload.payload(view), plain)

    def _name(self, words: Words, post: posts.DailyPost) -> str:
        return words("thread-name", date=post.digest_on.isoformat(), count=post.total)
