"""The texts of `/why` cover every cause."""

from __future__ import annotations

import pytest

from bot.client import translations
from bot.daily.messages import CAUSE_TEXT_IDS
from bot.daily.why import Cause
from storage.models import Locale

TRANSLATIONS = translations.load()


@pytest.mark.parametrize("locale", Locale)
@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_a_text(cause: Cause, locale: Locale) -> None:
    numbers = dict.fromkeys(("rank", "total", "votes", "least", "top", "days"), 3)
    assert TRANSLATIONS.for_locale(locale)(
        CAUSE_TEXT_IDS[cause], date="2026-01-01", at="", state="held", topic="diffusion", **numbers
    )
