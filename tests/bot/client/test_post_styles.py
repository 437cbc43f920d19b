"""The registry of post styles covers every style."""

from __future__ import annotations

import pytest

from bot.client import translations
from bot.client.post_styles import STYLES
from storage.models import Locale, Style

TRANSLATIONS = translations.load()


def test_every_style_has_a_record() -> None:
    assert set(STYLES) == set(Style)
    assert len({style.label for style in STYLES.values()}) == len(Style)


@pytest.mark.parametrize("locale", Locale)
@pytest.mark.parametrize("style", Style)
def test_every_style_has_a_name_for_readers(style: Style, locale: Locale) -> None:
    assert TRANSLATIONS.for_locale(locale).find(f"style-{style.value}")
