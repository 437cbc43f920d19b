"""Converting LaTeX in titles and formulas to text."""

import re
import sys
from types import FrameType

import pytest

from bot.rendering import typesetting
from bot.text import latex, typography


@pytest.mark.parametrize(
    ("title", "text"),
    {
        r"$\pi_0$: a policy": "π_0: a policy",
        r"$\sim$100K images": "∼100K images",
        r"R$^2$ at 50% of \textbf{all} costs": "R^2 at 50% of all costs",
        r"M\"uller and \'{e}t\'e": "Müller and été",
        r"A\&B at 50\% for \$5": "A&B at 50% for $5",
        "From $5 to $10 and $5-$10": "From $5 to $10 and $5-$10",
        r"With $<$1\% and $>$90 labels in R$/$5": "With <1% and >90 labels in R$/$5",
        r"A 2$D$ \enquote{Kiln}\textsuperscript{\textregistered} at 5$/h and 10$/h": "A 2D “Kiln”® at 5$/h and 10$/h",
        r"\unheardof{x} stays": r"\unheardof{x} stays",
        r"\input{/etc/hosts}": r"\input{/etc/hosts}",
        r"\textcolor{red}{Hot} papers in \frac{1}{2} of the time": "Hot papers in 1/2 of the time",
        r"\textbf{a}{open": r"a{open",
        r"Calm K{ä}hler and H{\"o}lder Ponds": "Calm Kähler and Hölder Ponds",
        r"Navier{--}Stokes and GPT-{4}, Eq.~(3)": "Navier--Stokes and GPT-4, Eq. (3)",
        r"\copyright~2026, \S~3, Fig.~\textbf{12}, Prop.~$2$ of J.~{\L}oj": "© 2026, § 3, Fig. 12, Prop. 2 of J. Łoj",
        r"S{\o}rensen, {\L}ojasiewicz and \L ojasiewicz": "Sørensen, Łojasiewicz and Łojasiewicz",
        r"{\'E}cole d'\'et\'e, \v{S}im\'{\i}n, Erd{\H{o}}s, \AA ngstr\"om": "École d'été, Šimín, Erdős, Ångström",
        r"$\texttt{HERON}$ and $\mathsf{Egret}$ on $\mathbf{x}$": "HERON and Egret on 𝐱",
        r"{\it E. coli} and {\bf bold} {BERT} in {k}-means": "E. coli and bold BERT in k-means",
        r"Sorting in \(O(n)\) or $\mathcal{O}(n\log n)$": "Sorting in O(n) or 𝒪(n log n)",
        r"\c{opyright} 2026 A Press, \d{ag} and \t{imes}": "© 2026 A Press, † and ×",
        r"10 pages \& 3 figures, 100\% new, No.~3 of J.~Smith": "10 pages & 3 figures, 100% new, No. 3 of J. Smith",
        r"Code: \url{https://a.example/a_b\%20c}": "Code: https://a.example/a_b%20c",
        r"A paper with \href{https://a.example}{code}": "A paper with code (https://a.example)",
        r"H$_2$O at 90$^\circ$, $\pi_{0.5}$": "H_2O at 90°, π_0.5",
        r"A \textcolor{red} paper": "A paper",
        r"\uppercase{bert}, \MakeUppercase{\"ol}, \lowercase{BERT}, \MakeLowercase{AI}": "BERT, ÖL, bert, ai",
        r"\it{in vitro} and \rm{ponds} of \texorpdfstring{$\alpha$}{alpha} rays": "in vitro and ponds of alpha rays",
        r"\sout{old} \textbraceleft{}new\textbraceright{}": "old {new}",
    }.items(),
)
def test_known_latex_is_converted_to_text(title: str, text: str) -> None:
    assert typography.to_plain_text(title) == text


@pytest.mark.parametrize(
    "title",
    [
        "5$ or 10$, $20/$30, US$5M, and A~Z or 5~10",
        "Sets GPT-{3,4}, {a, b} and a {slot}; C:\\new\\temp, 100% of a_b^c -- ``all''",
        r"\cite{a} and \begin{b}",
        "{" * 13 + "deep" + "}" * 13,
        r"$x_$ and $\sqrt[$ of $\footnote[$",
        r"$\begin{array}$ and $\begin{cases} x & x > 0 \\ 0 & \text{otherwise} \end{cases}$",
        r"\textbf{a \sqrt} and \frac{1",
    ],
)
def test_latex_that_cannot_be_converted_is_unchanged(title: str) -> None:
    assert typography.to_plain_text(title) == title


INVISIBLE = re.compile(r"[\0-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f]")


def _count_calls(text: str) -> tuple[int, list[str]]:
    """Return how many functions of the converter are called for a text and for it as a formula, and what they return."""
    calls = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal calls
        calls += event == "call" and frame.f_code.co_filename == latex.__file__

    former = sys.getprofile()
    sys.setprofile(count)
    try:
        written = [latex.to_text(text), latex.to_text(f"A ${text}$"), latex.formula_to_text(text)]
    finally:
        sys.setprofile(former)
    return calls, written


def _nest(name: str, depth: int, leaf: str) -> str:
    """Return a command in each of its own arguments."""
    start = f"\\{name}"
    for kind in getattr(latex.COMMANDS[name], "arguments", "")[:-1]:
        start += "[1]" if kind == "[" else "{b}"
    return f"{start}{{" * depth + leaf + "}" * depth


@pytest.mark.parametrize("kind", sorted({command.kind for command in latex.COMMANDS.values()}))
def test_nested_commands_are_read_once_and_bring_no_line_ends(kind: str) -> None:
    first, *others = (name for name, command in latex.COMMANDS.items() if command.kind == kind)
    for name in (first, *others):
        # Commands of these kinds without arguments differ in their text alone.
        is_sign = kind in ("sign", "name", "relation") and not latex.COMMANDS[name].arguments
        is_read_alike = is_sign and name != first
        for leaf in (r"\alpha \\ b",) if is_read_alike else ("x_y", "xy", r"\alpha \\ b", "ß"):
            once, _ = _count_calls(_nest(name, 1, leaf * 10))
            for depth in (6,) if is_read_alike else (6, 12):
                text = _nest(name, depth, leaf * 10)
                calls, written = _count_calls(text)
                assert calls < once + 200 * depth, (text, calls, once)
                for shown in written:
                    assert len(shown) <= 2 * len(text), shown
                    assert not INVISIBLE.search(shown), shown
                    assert len(shown.splitlines()) <= 1, shown


PIECES = r"$x$ |\emph{x} |\'{e} |x_|$|\(|{|}|a~|\frac|^{|\sqrt[|\textcolor{"


@pytest.mark.parametrize("piece", PIECES.split("|"))
def test_twice_the_latex_takes_twice_the_work(piece: str) -> None:
    work = [_count_calls(piece * count)[0] for count in (40, 160)]
    assert work[1] <= 6 * work[0], work


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
    {
        "GRS-QA -- Graph Reasoning": "GRS-QA – Graph Reasoning",
        "Learning from `Constitutions' and ``rules''": "Learning from ‘Constitutions’ and “rules”",
        "Counter Turing Test (VCT^2) and (V_AI)": "Counter Turing Test (VCT^2) and (V_AI)",
        "Free^2Guide": "Free^2Guide",
        r"$\pi_0$: A Policy": "π0: A Policy",
        "π_0.5 and snake_case of 2024--2025": "π0.5 and snake_case of 2024–2025",
        r"$\tau^2$-Bench at $\mathcal{O}(n^{1.5})$": "τ^2-Bench at 𝒪(n^(1.5))",
        "Costs of $5 -- or $10, and --help": "Costs of $5 – or $10, and --help",
        "Kilns (and Clay)---``Hot''---for $3--$5, <!--x-->": "Kilns (and Clay)—“Hot”—for $3–$5, <!--x-->",
        r"40\textsuperscript{th} kiln, 21$^{\rm st}$, the $k^{th}$ of $x^t$": "40th kiln, 21st, the kth of x^t",
    }.items(),
)
def test_formulas_in_titles_are_written_as_plain_text(title: str, shown: str) -> None:
    assert typesetting.render_title(title) == shown


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        (r"\alpha_{t+1}^2", "α_(t+1)^2"),
        (r"o_t = \sum_{c \in \{\text{cmp}, \text{slc}\}} g_t^c", "o_t = ∑_(c ∈ {cmp, slc}) g_t^c"),
        (r"\mathbb{R}^{d \times d}", "ℝ^(d × d)"),
        ("10^{-3}", "10^(-3)"),
        (r"p_\theta(x)", "p_θ(x)"),
        # fractions
        (r"\frac{a-b}{c}", "(a-b)/c"),
        (r"\frac{1}{n+1}", "1/(n+1)"),
        (r"\frac{x}{2\sigma}", "x/(2σ)"),
        (r"\frac{1}{n(n+1)}", "1/(n(n+1))"),
        (r"\sqrt{(a+b)(c+d)}", "√((a+b)(c+d))"),
        (r"\frac{n!}{k!(n-k)!}", "(n!)/(k!(n-k)!)"),
        (
            r"A = \frac{r_i - \text{mean}(r_1, \ldots, r_G)}{\text{std}(r_1, \ldots, r_G)}",
            "A = (r_i - mean(r1, …, r_G))/(std(r1, …, r_G))",
        ),
        (r"\frac{\frac{a}{b}}{c} + \frac{a}{\frac{b}{c}} + a/\frac{b}{c}", "(a/b)/c + a/(b/c) + a/(b/c)"),
        (r"\frac{1}{n}\sum_{i=1}^n \frac{x_i}{2}", "(1/n)∑_(i=1)^n ((x_i)/2)"),
        (r"2\frac{1}{2} + \tfrac12 mv^2 - \frac{a}{b}^2", "2(1/2) + (1/2) mv^2 - (a/b)^2"),
        (r"\log\frac{p(x)}{q(x)}", "log((p(x))/(q(x)))"),
        (r"\frac{\sum_i x_i}{\log y}", "(∑_i x_i)/(log y)"),
        (r"\frac{\partial L}{\partial \theta} = \frac{dy}{dx}", "(∂L)/(∂θ) = (dy)/(dx)"),
        (r"\mathrm{softmax}\left(\frac{QK^\top}{\sqrt{d_k}}\right)V", "softmax((QK^⊤)/(√(d_k)))V"),
        (r"\frac{u\cdot v}{\|u\|\|v\|}", "(u·v)/(‖u‖‖v‖)"),
        # roots
        (r"\sqrt{2} + \sqrt{x}y + \sqrt{a+b}", "√2 + √x y + √(a+b)"),
        (r"\sqrt[3]{x} + \sqrt[n]{a+b} + \sqrt{x}^2", "x^(1/3) + (a+b)^(1/n) + (√x)^2"),
        # powers and indices
        (r"x^{2n} + 2^{10}y + A_{ij}B_{jk} + x_ty", "x^(2n) + 2^10 y + A_ij B_jk + x_t y"),
        (r"a^{b^c} + x_{i_j} + x^{-\frac{1}{2}} + {a+b}^2", "a^(b^c) + x_(i_j) + x^(-1/2) + (a+b)^2"),
        (r"f'(x) + 90^\circ + x^{(i)} + \underbrace{a+b}_{\text{loss}}", "f'(x) + 90° + x^(i) + (a+b)_loss"),
        # commands and names
        (r"\arg\max_y p(y \mid x)", "arg max_y p(y | x)"),
        (r"\operatorname*{arg\,min}_{\theta\in\Theta} \mathcal{L}", "arg min_(θ ∈ Θ) ℒ"),
        (r"\notacommand(x) + \unknown{y}", "notacommand(x) + unknown y"),
        (r"\overline{x+y} \ne \bar{x}, \widehat{xy}, \hat{y}_i", "overline(x+y) ≠ x̄, hat(xy), ŷ_i"),
        (r"\binom{n}{k} \bmod 2 \equiv 1 \pmod{p}", "binom(n, k) mod 2 ≡ 1 (mod p)"),
        (r"\mathbbm{1}[y=\hat{y}]", "𝟙[y=ŷ]"),
        (r"a \not\in B", "a ∉ B"),
        (r"D_{\mathrm{KL}}(p \,\|\, q)", "D_KL(p ‖ q)"),
    ],
)
def test_formulas_keep_their_meaning_on_a_line(formula: str, shown: str) -> None:
    assert typesetting.render_formula(formula) == shown
