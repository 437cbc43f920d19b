"""LaTeX in titles: what is converted, and that everything else is unchanged."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import typography
from tests.support import growth

FRAGMENTS = st.sampled_from(
    ["$", "\\", "{", "}", "\\textbf{", "a", " ", "%", "^", "_", "\\frac", "5", "\\'", "[", "\\begin{x}"]
)


@pytest.mark.parametrize(
    ("title", "text"),
    [
        (r"$\pi_0$: a policy", "π_0: a policy"),
        (r"$\sim$100K images", "∼100K images"),
        (r"R$^2$ at 50% of \textbf{all} costs", "R^2 at 50% of all costs"),
        (r"M\"uller and \'{e}t\'e", "Müller and été"),
        (r"A\&B at 50\% for \$5", "A&B at 50% for $5"),
        ("From $5 to $10 and $5-$10", "From $5 to $10 and $5-$10"),
        (r"\unheardof{x} stays", r"\unheardof{x} stays"),
        (r"\input{/etc/hosts}", r"\input{/etc/hosts}"),
    ],
)
def test_known_latex_is_converted_to_text(title: str, text: str) -> None:
    assert typography.to_plain_text(title) == text


@given(st.text(max_size=200).filter(lambda text: "$" not in text and "\\" not in text))
def test_a_title_without_dollar_and_backslash_is_unchanged(title: str) -> None:
    assert typography.to_plain_text(title) == title


@given(st.lists(FRAGMENTS, max_size=60).map("".join))
def test_any_title_is_valid_input(title: str) -> None:
    assert isinstance(typography.to_plain_text(title), str)


@pytest.mark.parametrize("piece", ["$", "$a", "\\textbf{", "\\'", "{", "$a$ ", "\\"])
def test_conversion_takes_linear_time(piece: str) -> None:
    growth.assert_linear(lambda length: typography.to_plain_text(piece * (length // len(piece))), 5_000)


def test_plain_titles_do_not_import_pylatexenc() -> None:
    code = (
        "import sys; from bot.text import typography; typography.to_plain_text('A plain title'); "
        "assert 'pylatexenc' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
