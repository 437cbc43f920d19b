"""The stub renderer: a harness overrides the one kind of post that its tests render."""

from __future__ import annotations

from bot.outbox import contents


class StubRenderer:
    """Fails for every kind of post."""

    def render_daily(self, post: contents.DailyPost) -> tuple[contents.RenderedPart, ...]:
        raise AssertionError

    def render_alert(self, post: contents.AlertPost) -> tuple[contents.RenderedPart, ...]:
        raise AssertionError

    def render_today(self, post: contents.TodayPost) -> tuple[contents.RenderedPart, ...]:
        raise AssertionError

    def render_notice(self, post: contents.NoticePost) -> tuple[contents.RenderedPart, ...]:
        raise AssertionError
