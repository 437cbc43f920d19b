"""Source spans: verbatim, and at most twelve words."""

from __future__ import annotations

import pytest

from bot.writer import claims

SOURCE = claims.normalise_span(
    "We train a “sparse” encoder\n for 1,000 steps — on **eight** GPUs, and reach $92.4\\%$ accuracy; it's fast."
)


@pytest.mark.parametrize(
    "span",
    [
        'a "sparse" encoder for 1,000 steps',
        "1,000 steps - on eight GPUs",
        "on **eight** GPUs,",
        "reach 92.4% accuracy",
        "it’s fast",
    ],
)
def test_white_space_and_typography_make_no_difference(span: str) -> None:
    assert claims.find_span_problems(span, SOURCE) == []


@pytest.mark.parametrize(
    "span", ["", "  ", "a dense encoder", "1,000 steps on nine GPUs", "...", "sparse steps"]
)
def test_a_span_that_does_not_stand_in_the_source_is_a_problem(span: str) -> None:
    assert len(claims.find_span_problems(span, SOURCE)) == 1


def test_a_span_of_more_than_twelve_words_is_a_problem() -> None:
    span = "We train a sparse encoder for 1,000 steps - on eight GPUs, and"
    assert claims.find_span_problems(span.replace("sparse", '"sparse"'), SOURCE) == [
        "the span has 13 words, at most 12 are allowed"
    ]
