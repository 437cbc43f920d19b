"""URL templates: date fields expand like strftime, other fields are usage errors."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import errors
from bot.sources import url

DIRECTIVES = [f"%{letter}" for letter in "YmdyjbBaAUWVGuw%"] + ["%-d", "%-m", "%-j"]
LITERALS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="{}%"), max_size=8)
PATTERNS = st.lists(st.one_of(st.sampled_from(DIRECTIVES), LITERALS), min_size=1, max_size=6).map("".join)


@given(PATTERNS.filter(bool), st.dates(date(1991, 1, 1), date(2100, 1, 1)))
def test_a_date_field_expands_like_strftime(pattern: str, day: date) -> None:
    template = f"https://host.test/{{date:{pattern}}}.md"
    url.check_template(template)
    assert url.expand_template(template, day) == f"https://host.test/{day.strftime(pattern)}.md"


@given(st.text(max_size=80))
def test_any_text_is_a_template_or_a_usage_error(text: str) -> None:
    try:
        url.check_template(text)
    except errors.UsageError:
        return
    assert url.is_dated(text) or url.expand_template(text, date(2025, 5, 6)) == text


def test_a_template_may_have_several_fields() -> None:
    template = "https://h.test/{date:%Y}/{date:%m-%d}.md"
    url.check_template(template)
    assert url.expand_template(template, date(2025, 5, 6)) == "https://h.test/2025/05-06.md"


@pytest.mark.parametrize(
    "template",
    [
        "https://h.test/{date}.md",
        "https://h.test/{date:}.md",
        "https://h.test/{day:%Y}.md",
        "https://h.test/{date.year}.md",
        "https://h.test/{date.__class__.__mro__}.md",
        "https://h.test/{0}.md",
        "https://h.test/{}.md",
        "https://h.test/{date:%H}.md",
        "https://h.test/{date:%s}.md",
        "https://h.test/{date:%c}.md",
        "https://h.test/{date:%}.md",
        "https://h.test/{date:%-}.md",
        "https://h.test/{date:%-H}.md",
        "https://h.test/{date:%Q}.md",
        "https://h.test/{date:%Y.md",
        "https://h.test/date:%Y}.md",
        "https://h.test/{{date:%Y}}.md",
    ],
)
def test_a_field_other_than_a_date_is_a_usage_error(template: str) -> None:
    with pytest.raises(errors.UsageError):
        url.check_template(template)


def test_an_address_without_fields_is_unchanged() -> None:
    address = "https://h.test/100%25.md"
    url.check_template(address)
    assert not url.is_dated(address)
    assert url.expand_template(address, date(2025, 5, 6)) == address
