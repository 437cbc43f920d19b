"""Turns posts into the messages that the outbox keeps: the one implementation of `bot.services.posts.contents.Renderer`."""

from __future__ import annotations

from bot.client import translations
from bot.client.components import payload
from bot.client.post_styles import STYLES
from bot.client.views import alert_post, notices
from bot.client.views.post_text import MentionLookup, PostWording
from bot.rendering.wording.templates import Templates
from bot.services.posts import contents
from storage import models


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
        return STYLES[post.style].render(self._wordings[post.locale], post)

    def render_alert(self, post: contents.AlertPost) -> tuple[contents.RenderedPart, ...]:
        """Return the one message that tells a recipient of new papers."""
        wording = self._wordings[post.locale]
        full = payload.layout_payload(alert_post.alert_view(wording, post))
        return (
            contents.RenderedPart(
                models.PartKind.MESSAGE, full, alert_post.plain_alert_payload(wording, post)
            ),
        )

    def render_notice(self, post: contents.NoticePost) -> tuple[contents.RenderedPart, ...]:
        """Return the one message that tells a person what happened and what to do."""
        wording = self._wordings[post.locale]
        full = payload.layout_payload(notices.notice_view(wording, post))
        return (
            contents.RenderedPart(models.PartKind.MESSAGE, full, notices.plain_notice_payload(wording, post)),
        )
