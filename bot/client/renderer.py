"""Renders posts into messages for the outbox. The record of each delivery kind names its method."""

from __future__ import annotations

from typing import Any

from discord import ui

from bot.client import translations
from bot.client.components import payload
from bot.client.post_styles import STYLES
from bot.client.views import alert_post, notices, paper_news, today
from bot.client.views.post_text import MentionLookup, PostWording
from bot.rendering.wording.templates import Templates
from bot.services.posts import contents
from storage import models


class DiscordRenderer:
    """Renders each post in its language. `mention` returns the mention of a command, such as `daily edit`."""

    def __init__(
        self, texts: translations.Translations, templates: Templates, mention: MentionLookup
    ) -> None:
        self._wordings = {
            locale: PostWording(texts.for_locale(locale), templates, mention) for locale in models.Locale
        }

    def wording_for(self, locale: models.Locale) -> PostWording:
        """Return the texts of posts in a language, for copies of posts in answers."""
        return self._wordings[locale]

    def render_daily(self, post: contents.DailyPost) -> tuple[contents.RenderedPart, ...]:
        """Return the messages of a daily or weekly post in its style; a single message without papers."""
        return STYLES[post.style].render(self._wordings[post.locale], post)

    def render_alert(self, post: contents.AlertPost) -> tuple[contents.RenderedPart, ...]:
        """Return the message of an alert."""
        wording = self._wordings[post.locale]
        return _message(alert_post.alert_view(wording, post), alert_post.plain_alert_payload(wording, post))

    def render_today(self, post: contents.TodayPost) -> tuple[contents.RenderedPart, ...]:
        """Return the message of a reader's papers of the day."""
        wording = self._wordings[post.locale]
        view = today.today_view(wording.ui_texts, post, marker=contents.part_marker(post.marker, 0))
        return _message(view, today.plain_today_payload(wording, post))

    def render_notice(self, post: contents.NoticePost) -> tuple[contents.RenderedPart, ...]:
        """Return the message of a notice."""
        wording = self._wordings[post.locale]
        return _message(notices.notice_view(wording, post), notices.plain_notice_payload(wording, post))

    def render_news(self, post: contents.NewsPost) -> tuple[contents.RenderedPart, ...]:
        """Return the weekly message about saved papers."""
        texts = self._wordings[post.locale].ui_texts
        plain = paper_news.plain_news_payload(texts, post.marker, post.news)
        return _message(paper_news.news_view(texts, post.marker, post.news), plain)


def _message(view: ui.LayoutView, plain: dict[str, Any]) -> tuple[contents.RenderedPart, ...]:
    return (contents.RenderedPart(models.PartKind.MESSAGE, payload.layout_payload(view), plain),)
