"""Likeness to papers of several interests. The numbers are those of docs/planning.md."""

import random
from collections.abc import Iterable

import pytest

from bot.search import likeness, vectors
from bot.search.vectors import Vector

INTERESTS = (
    "robot grasp arm gripper hand touch",
    "speech voice accent noise listen tone",
    "moss fern lichen bog peat spore",
)
COMMON = "model data method result learn task train test scale study graph image text code"


def _paper(words: str, seed: int) -> Vector:
    """Return a text of four of these words and six that all papers use."""
    chance = random.Random(seed)
    own, others = words.split(), COMMON.split()
    return vectors.extract_words(" ".join([*chance.sample(own, min(4, len(own))), *chance.sample(others, 6)]))


def _profile(interests: Iterable[str], papers: int = 10) -> likeness.LearntProfile:
    wanted = {
        100 * number + place: _paper(words, 100 * number + place)
        for number, words in enumerate(interests)
        for place in range(papers)
    }
    others = {key: _paper(f"{COMMON} w{key} v{key // 7}", key) for key in range(1000, 1400)}
    return likeness.learn(wanted, {}, vectors.make_sample(others))


def _degrees(profile: likeness.LearntProfile, interests: Iterable[str]) -> list[float]:
    rated = likeness.rate(
        profile, {number: _paper(words, 5000 + number) for number, words in enumerate(interests)}
    )
    return [degree for degree, _ in rated.values()]


def test_a_new_paper_on_one_of_several_interests_is_as_like_the_papers_as_on_a_single_one() -> None:
    """A list that grows stays awake: the average of three interests is like none of them."""
    alone = [_degrees(_profile([words]), [words])[0] for words in INTERESTS]
    together = _degrees(_profile(INTERESTS), INTERESTS)
    assert min(together) > 0.8 * min(alone) > likeness.LINE


def test_each_paper_is_in_a_group_of_ten_that_are_most_like_each_other() -> None:
    profile = _profile(INTERESTS, papers=15)
    assert {key for group in profile.groups for key in group} == {
        100 * n + place for n in range(3) for place in range(15)
    }
    assert all(len(group) == likeness.GROUP for group in profile.groups)
    assert all(len({key // 100 for key in group}) == 1 for group in profile.groups)


@pytest.mark.parametrize(("compared", "line"), [(1, 2.75), (20, 2.75), (300, 3.5)])
def test_the_line_rises_with_the_number_of_papers_compared(compared: int, line: float) -> None:
    assert likeness.find_line(compared) == pytest.approx(line)


def test_papers_that_are_not_like_the_others_stay_below_the_line() -> None:
    [degree] = _degrees(_profile(INTERESTS[:1]), INTERESTS[1:2])
    assert degree < likeness.LINE


def test_what_grouping_costs_grows_with_the_papers_and_not_with_their_square(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trained = list[int]()
    train = likeness.train

    def count(wanted: list[likeness.Example], *rest: object) -> dict[str, float]:
        trained.append(len(wanted))
        return train(wanted, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(likeness, "train", count)
    for papers in (10, 40):
        trained.clear()
        _profile(INTERESTS, papers)
        assert sum(trained) <= 3 * papers * likeness.GROUP
        assert set(trained) == {likeness.GROUP}
