"""Converting LaTeX in titles and formulas to text."""

import pytest

from bot.rendering import typesetting
from bot.text import typography


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
        (r"\textcolor{red}{Hot} papers in \frac{1}{2} of the time", "Hot papers in 1/2 of the time"),
        (r"\textbf{a}{open", r"a{open"),
    ],
)
def test_known_latex_is_converted_to_text(title: str, text: str) -> None:
    assert typography.to_plain_text(title) == text


@pytest.mark.parametrize(
    "title",
    [
        r"A paper with \href{https://a.example}{code}",
        r"A \textcolor{red} paper",
        r"$\fcolorbox{a}$ and $\sqrt[$ of $\footnote[$",
        r"$\begin{array}$",
    ],
)
def test_latex_that_cannot_be_converted_is_unchanged(title: str) -> None:
    assert typography.to_plain_text(title) == title


@pytest.mark.parametrize("piece", ["$x$ ", r"\emph{x} ", r"\'{e} "])
def test_only_the_first_twenty_formulas_are_converted(piece: str) -> None:
    assert typography.to_plain_text(piece * 50).endswith(piece * 30)
    assert piece not in typography.to_plain_text(piece * 20)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a" + "\u0301" * 30, None),
        ("a" + "\u0301" * 31 + "b", "a" + "\u0301" * 30 + "b"),
        ("\u0301\u0323" * 40 + "b" + "\u0301" * 50, "\u0301\u0323" * 15 + "b" + "\u0301" * 30),
        ("\uff9e" * 20 + "\u0f73" * 20, "\uff9e" * 20 + "\u0f73" * 10),
        ("각" * 40 + "e\u0301" * 40, None),
    ],
)
def test_long_runs_of_combining_marks_are_cut(text: str, kept: str | None) -> None:
    assert typography.limit_marks(text) == (text if kept is None else kept)


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("GRS-QA -- Graph Reasoning", "GRS-QA – Graph Reasoning"),
        ("Learning from `Constitutions' and ``rules''", "Learning from ‘Constitutions’ and “rules”"),
        ("Counter Turing Test (VCT^2) and (V_AI)", "Counter Turing Test (VCT^2) and (V_AI)"),
        ("Free^2Guide", "Free^2Guide"),
        (r"$\pi_0$: A Policy", "π0: A Policy"),
        ("π_0.5 and snake_case of 2024--2025", "π0.5 and snake_case of 2024–2025"),
        (r"$\tau^2$-Bench at $\mathcal{O}(n^{1.5})$", "τ^2-Bench at 𝒪(n^(1.5))"),
        ("Costs of $5 -- or $10, and --help", "Costs of $5 – or $10, and --help"),
    ],
)
def test_formulas_in_titles_are_written_as_plain_text(title: str, shown: str) -> None:
    assert typesetting.render_title(title) == shown


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        (r"\alpha_{t+1}^2", "α_(t+1)^2"),
        (r"o_t = \sum_{c \in \{\text{cmp}, \text{slc}\}} g_t^c", "o_t = ∑_(c ∈{cmp, slc}) g_t^c"),
        (r"\mathbb{R}^{d \times d}", "ℝ^(d × d)"),
        ("10^{-3}", "10^(-3)"),
        (r"p_\theta(x)", "p_θ(x)"),
    ],
)
def test_long_subscripts_and_superscripts_get_parentheses(formula: str, shown: str) -> None:
    assert typesetting.render_formula(formula) == shown
