"""The tags of a forum's post."""

from __future__ import annotations

from bot.client.discord_api import forum_tags
from bot.client.discord_api.forum_tags import Tag

NEWS, PAPERS, KOREAN, STAFF = (
    Tag("1", "News", False),
    Tag("2", "ML Papers", False),
    Tag("3", "오늘의 논문", False),
    Tag("4", "Papers of the staff", True),
)


def test_a_tag_that_speaks_of_papers_is_taken_even_when_none_is_demanded() -> None:
    assert forum_tags.choose_tags([NEWS, STAFF, PAPERS], required=False) == ["2"]
    assert forum_tags.choose_tags([NEWS, KOREAN], required=True) == ["3"]


def test_the_first_open_tag_is_taken_when_one_is_demanded_and_none_fits() -> None:
    assert forum_tags.choose_tags([STAFF, NEWS], required=True) == ["1"]
    assert forum_tags.choose_tags([NEWS], required=False) == []


def test_short_words_count_only_as_whole_words() -> None:
    assert forum_tags.choose_tags([Tag("1", "Maintenance", False), Tag("2", "AI", False)], required=True) == [
        "2"
    ]


def test_where_only_moderators_may_tag_there_is_none_to_set() -> None:
    assert forum_tags.choose_tags([STAFF], required=True) == []
