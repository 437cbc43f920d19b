"""Phrases of titles: what is one, how it is written, and that any titles at all do no harm."""

from __future__ import annotations

import random
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import query_parser
from bot.text.analysis import term_keys
from bot.text.glossary.extraction import title_phrases
from tests.support import growth

WORDS = st.sampled_from(
    [
        "Video",
        "video",
        "Diffusion",
        "Models",
        "for",
        "of",
        "the",
        ":",
        ",",
        "확산",
        "모델을",
        "위한",
        "LLM의",
        "C++",
        "$x$",
    ]
)
TITLES = st.lists(st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=12).map(" ".join)), max_size=12)


def count_phrases(*titles: str) -> dict[str, int]:
    counted = title_phrases.TitlePhraseCounter()
    for title in titles:
        counted.add(title)
    return {phrase.text: phrase.papers for phrase in counted.summarise().phrases}


def test_a_phrase_is_what_titles_share() -> None:
    assert count_phrases("Fast Video Diffusion", "Video Diffusion: A Survey", "Video Games") == {
        "Video Diffusion": 2
    }


def test_a_phrase_is_written_as_most_titles_write_it() -> None:
    titles = ("Image Editing at Scale", "On image editing", "Image Editing", "image-editing tools")
    assert count_phrases(*titles) == {"Image Editing": 4}


def test_one_and_many_are_one_phrase() -> None:
    assert count_phrases("Reward Models", "A Reward Model", "Reward Models Again") == {"Reward Models": 3}


def test_a_phrase_neither_begins_nor_ends_in_a_small_word() -> None:
    titles = ["Rethinking the Power of Attention Maps for Everyone"] * 3
    assert set(count_phrases(*titles)) == {"Power of Attention Maps"}


def test_no_phrase_goes_across_a_sign() -> None:
    assert count_phrases(*["Robots, Maps: Paths (Plans) – Goals"] * 3) == {}


def test_a_part_of_an_equally_frequent_phrase_is_left_out() -> None:
    titles = ["State Space Models"] * 4 + ["Space Weather Models", "Space Weather Maps"]
    assert count_phrases(*titles) == {"State Space Models": 4, "Space Weather": 2}


def test_a_part_that_stands_alone_too_is_kept() -> None:
    assert count_phrases("Sparse Depth Maps", "Sparse Depth Maps", "Depth Maps", "Good Depth Maps") == {
        "Depth Maps": 4,
        "Sparse Depth Maps": 2,
    }


def test_korean_phrases_are_without_the_particle_at_their_end() -> None:
    titles = ("언어 모델을 위한 지도", "언어 모델의 지도", "작은 언어모델", "LLM 추론에서 배우기", "LLM 추론")
    assert count_phrases(*titles) == {"언어 모델": 3, "LLM 추론": 2}
    assert count_phrases("작은 LLM의 하루", "작은 LLM을 위한 집") == {"작은 LLM": 2}


def test_what_is_known_is_counted_instead_of_offered() -> None:
    counted = title_phrases.TitlePhraseCounter()
    for title in ("Diffusion Models", "A diffusion model", "RL for Robot Arms", "Robot Arms"):
        counted.add(title)
    known = {(text, text) for text in ("diffusion model", "RL", "transformer")}
    found = counted.summarise(known)
    assert [phrase.text for phrase in found.phrases] == ["Robot Arms"]
    assert found.concept_counts == {"diffusion model": 2, "RL": 1}


def test_a_known_word_is_not_counted_for_others_of_its_stem() -> None:
    counted = title_phrases.TitlePhraseCounter()
    for title in ("Generation of Maps", "Generators", "A generator"):
        counted.add(title)
    assert counted.summarise({("generator", "generat")}).concept_counts == {"generat": 2}


def test_what_is_mostly_hyphenated_is_no_phrase() -> None:
    assert count_phrases("Zero-Shot Maps", "Zero-Shot Plans", "Zero Shot") == {}


def test_latex_is_read_as_it_is_shown() -> None:
    assert count_phrases(*[r"\textbf{Graph} Search ($O(n)$)"] * 2) == {"Graph Search": 2}


def test_a_large_archive_asks_for_three_papers() -> None:
    others = [f"Thing{number}" for number in range(1000)]
    assert count_phrases("Robot Arms", "Robot Arms", *others) == {}
    assert count_phrases("Robot Arms", "Robot Arms", "Robot Arms", *others) == {"Robot Arms": 3}


@given(TITLES)
def test_any_titles_give_phrases_that_can_be_asked_for(titles: list[str]) -> None:
    counted = title_phrases.TitlePhraseCounter()
    for title in titles:
        counted.add(title)
    found = counted.summarise(limit=5).phrases
    assert len(found) <= 5
    assert [one.papers for one in found] == sorted((one.papers for one in found), reverse=True)
    for one in found:
        assert len(one.text.split()) <= title_phrases.MAX_PHRASE_WORDS
        assert len(one.text) <= title_phrases.MAX_PHRASE_LENGTH
        assert 2 <= one.papers <= len(titles)
        asked = query_parser.parse_query(one.text)
        assert asked == query_parser.Query(text=unicodedata.normalize("NFKC", one.text)), (
            "no operator hides in it"
        )
    assert len({term_keys.term_key(one.text) for one in found}) == len(found)


@given(TITLES)
def test_the_order_of_titles_does_not_matter(titles: list[str]) -> None:
    assert count_phrases(*titles) == count_phrases(*reversed(titles))


def test_memory_stays_bounded_and_what_is_frequent_is_not_forgotten() -> None:
    chance = random.Random(5)
    counted = title_phrases.TitlePhraseCounter(max_counted=2000)
    for number in range(3000):
        noise = [f"w{chance.randrange(10**6)}" for _ in range(8)]
        counted.add(" ".join([*noise, *(["Robot Arms"] if number % 10 == 0 else [])]))
        assert len(counted._surface_counts) <= 2000
    (found,) = counted.summarise().phrases
    assert found.text == "Robot Arms"
    assert found.papers >= 250


@pytest.mark.parametrize("piece", ["a-", "가", "a ", "$", "\\a{"])
def test_hostile_titles_take_linear_time(piece: str) -> None:
    def count_title(length: int) -> None:
        counter = title_phrases.TitlePhraseCounter()
        for _ in range(20):
            counter.add(piece * (length // len(piece)))
        counter.summarise()
        assert sys.getsizeof(counter) < 1000

    growth.assert_linear(count_title, 25_000)
