"""Readers' settings, on both engines."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.accounts.service import Readers
from storage import models
from storage.database import Database

pytestmark = pytest.mark.engines("sqlite", "postgresql")


NOW = datetime(2026, 1, 5, tzinfo=UTC)


async def test_an_update_keeps_the_settings_that_it_does_not_name(db: Database) -> None:
    readers = Readers(db, lambda: NOW)
    assert await readers.get(7) is None
    await readers.update(7, locale=models.Locale.KO, timezone="Asia/Seoul")
    await readers.update(7, dm_channel_id=9)
    assert await readers.get(7) == models.Reader(7, models.Locale.KO, "Asia/Seoul", 9)
