"""Choice of tags for a forum post."""

from __future__ import annotations

from bot.client import sender

NEWS, PAPERS, KOREAN, STAFF = (
    ("1", "News", False),
    ("2", "ML Papers", False),
    ("3", "오늘의 논문", False),
    ("4", "Papers of the staff", True),
)


def test_a_tag_about_papers_is_chosen_even_if_none_is_required() -> None:
    assert sender.choose_tags([NEWS, STAFF, PAPERS], required=False) == ["2"]
    assert sender.choose_tags([NEWS, KOREAN], required=True) == ["3"]


def test_the_first_unmoderated_tag_is_chosen_if_required_and_none_matches() -> None:
    assert sender.choose_tags([STAFF, NEWS], required=True) == ["1"]
    assert sender.choose_tags([NEWS], required=False) == []


def test_short_terms_match_only_whole_words() -> None:
    assert sender.choose_tags([("1", "Maintenance", False), ("2", "AI", False)], required=True) == ["2"]


def test_moderated_tags_are_never_chosen() -> None:
    assert sender.choose_tags([STAFF], required=True) == []


def test_tags_named_like_the_topic_or_its_words_come_first() -> None:
    named = [
        ("5", "Robots", False),
        ("6", "reinforcement-learning", False),
        ("7", "강화학습", False),
        ("8", "Learning", True),
    ]
    tags = [NEWS, PAPERS, *named]
    assert sender.choose_tags(tags, required=True, topic="Reinforcement Learning -survey author:news") == [
        "6"
    ]
    assert sender.choose_tags(tags, required=False, topic="learning robots") == ["5"]
    assert sender.choose_tags(tags, required=False, topic='"강화 학습" robots') == ["7", "5"]
    assert sender.choose_tags(tags, required=False, topic="vision") == ["2"]
    many = [(str(number), word, False) for number, word in enumerate("abcdefg")]
    assert sender.choose_tags(many, required=False, topic="a b c d e f g") == ["0", "1", "2", "3", "4"]
