"""A paper's text becomes passages with their sections and places."""

import pytest

from bot.features.ask import passages
from tests.support import asked_paper


def test_captions_tables_and_paragraphs_are_passages_with_their_sections() -> None:
    found = passages.split(asked_paper.paper_text())
    table = next(passage for passage in found if "| BurstNet | 31.2 |" in passage.text)
    assert (table.section, table.anchor) == ("3 Experiments › 3.1 Baselines", "S3.SS1")
    assert any(passage.text.startswith("Figure 2:") for passage in found)
    assert not any("Tiny Experts" in passage.text for passage in found)


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        # LaTeXML numbers sections S1, subsections S1.SS1, subsubsections S1.SS1.SSS1 and appendices A1.
        ("## 3 Method", "S3"),
        ("## 3.2. Data", "S3.SS2"),
        ("### 4.1.2 Ablations", "S4.SS1.SSS2"),
        ("## B Proofs", "A2"),
        ("### C.1 Details", "A3.SS1"),
        ("## A study of lamps", ""),
        ("## Conclusion", ""),
        ("## 3D lamps", ""),
    ],
)
def test_the_place_in_arxivs_html_follows_from_the_number_of_the_section(heading: str, anchor: str) -> None:
    text = f"# Title\n\n{heading}\n\n{'Lamps are lit at dusk by hand in every harbour. ' * 3}"
    assert [passage.anchor for passage in passages.split(asked_paper.paper_text(text))] == [anchor]


def test_a_long_paragraph_is_split_after_sentences_and_a_formula_stays_with_its_sentence() -> None:
    sentence = "The lamp is lit at dusk and burns until the morning ferry leaves. "
    text = f"## 1 Lamps\n\n{sentence * 60}\n\nThe loss of a lamp is given by the next formula, which we minimise.\n\n$x^2$"
    *long, last = passages.split(asked_paper.paper_text(text))
    assert all(len(passage.text) <= 1_200 and passage.text.endswith(".") for passage in long)
    assert last.text.endswith("$x^2$")


@pytest.mark.parametrize(
    "text",
    ["# " * 200_000, "|" * 400_000, "```\n" * 100_000, "a" * 400_000, "**b**\n\n" * 50_000, "a. " * 130_000],
)
def test_hostile_texts_give_few_passages(text: str) -> None:
    assert len(passages.split(asked_paper.paper_text(text))) <= passages.MAX_PASSAGES
