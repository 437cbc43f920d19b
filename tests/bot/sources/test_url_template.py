"""A date in an address is what strftime makes of it, and nothing else is understood."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import errors
from bot.sources import url_template

DIRECTIVES = [f"%{letter}" for letter in "YmdyjbBaAUWVGuw%"] + ["%-d", "%-m", "%-j"]
LITERALS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="{}%"), max_size=8)
PATTERNS = st.lists(st.one_of(st.sampled_from(DIRECTIVES), LITERALS), min_size=1, max_size=6).map("".join)


@given(PATTERNS.filter(bool), st.dates(date(1991, 1, 1), date(2100, 1, 1)))
def test_a_field_gives_what_strftime_gives(pattern: str, day: date) -> None:
    address = url_template.parse_url_template(f"https://host.test/{{date:{pattern}}}.md")
    assert address.expand(day) == f"https://host.test/{day.strftime(pattern)}.md"


@given(st.text(max_size=80))
def test_any_text_is_an_address_or_wrong_usage(text: str) -> None:
    try:
        address = url_template.parse_url_template(text)
    except errors.UsageError:
        return
    assert address.is_dated or address.expand(date(2025, 5, 6)) == text


def test_several_fields_stand_side_by_side() -> None:
    address = url_template.parse_url_template("https://h.test/{date:%Y}/{date:%m-%d}.md")
    assert address.expand(date(2025, 5, 6)) == "https://h.test/2025/05-06.md"


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
def test_anything_but_a_date_is_wrong_usage(template: str) -> None:
    with pytest.raises(errors.UsageError):
        url_template.parse_url_template(template)


def test_an_address_without_field_stays_as_it_is() -> None:
    address = url_template.parse_url_template("https://h.test/100%25.md")
    assert not address.is_dated
    assert address.expand(date(2025, 5, 6)) == "https://h.test/100%25.md"
