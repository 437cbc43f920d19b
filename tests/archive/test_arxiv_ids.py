"""arXiv ids in texts, links and messages."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.archive import arxiv_ids

NOTATIONS = {
    "2502.02737": "2502.02737 | 2502.02737v3 |  arXiv:2502.02737  | arxiv: 2502.02737v1 | arXiv:2502.02737v2 [cs.CL]"
    " | 2502.02737v2.pdf | https://arxiv.org/abs/2502.02737 | http://www.arxiv.org/pdf/2502.02737v1.pdf"
    " | https://arxiv.org/html/2502.02737v2#S3 | look at arxiv.org/abs/2502.02737, please | arXiv 2502.02737"
    " | https://huggingface.co/papers/2502.02737?ref=x | https://hf.co/papers/2502.02737 | arXiv：2502.02737"
    " | https://www.alphaxiv.org/abs/2502.02737v1 | https://www.alphaxiv.org/ko/overview/2502.02737"
    " | https://doi.org/10.48550/arXiv.2502.02737 | 10.48550/arXiv.2502.02737 | doi:10.48550/ARXIV.2502.02737"
    " | https://arxiv.org/abs/arXiv:2502.02737 | arxiv.org/abs//2502.02737 | arXiv:2502.02737v2 [cs.CL] 5 Feb 2025"
    " | https://ar5iv.labs.arxiv.org/html/2502.02737 | https://ar5iv.org/abs/2502.02737 | 2502.02737v1-v3"
    " | https://papers.cool/arxiv/2502.02737 | https://scirate.com/arxiv/2502.02737"
    " | https%3A%2F%2Farxiv.org%2Fabs%2F2502.02737 | https://api.semanticscholar.org/arXiv:2502.02737"
    " | Cite as: arXiv:2502.02737 [cs.CL] (or arXiv:2502.02737v1 [cs.CL] for this version)",
    "0704.0001": "0704.0001",
    "cs/0112017": "cs/0112017 | cs/0112017v1 | https://arxiv.org/abs/cs%2F0112017",
    "math/0309136": "math.GT/0309136 | https://export.arxiv.org/abs/math.GT/0309136v2",
    "hep-th/9901001": "hep-th/9901001v2 | xxx.lanl.gov/abs/hep-th/9901001",
    "cond-mat/0501001": "cond-mat.mtrl-sci/0501001",
    "math-ph/0702001": "https://arxiv.org/abs/Math-PH/0702001",
}


@pytest.mark.parametrize("expected", NOTATIONS)
def test_finds_an_id_in_every_notation(expected: str) -> None:
    found = {text: arxiv_ids.extract_arxiv_id(text) for text in NOTATIONS[expected].split(" | ")}
    assert found == dict.fromkeys(found, expected)


def test_text_without_an_id_returns_none() -> None:
    for text in (
        *("", "small language model", "3.14159", "2025.0527", "2513.00001", "2502.027371", "12502.02737"),
        *("cs/011201", "zzz/0112017", "abcdefghij-abcdef/9999999", "stat/0704001"),
        *("https://example.org/abs/2502.02737", "https://huggingface.co/papers/date/2025-02-06"),
        *("https://arxiv.org/list/cs.CL/2502", "https://arxiv.org/abs/zzz/0112017"),
        *("https://arxiv.org/abs/2411.1234", "https://huggingface.co/papers/2513.00001"),
        "https://arxiv.org/html/2502.02737v1/x1.png",
    ):
        assert arxiv_ids.extract_arxiv_id(text) is None, text


def test_paper_urls_contain_the_arxiv_id() -> None:
    for url in (arxiv_ids.abstract_url, arxiv_ids.pdf_url, arxiv_ids.huggingface_url):
        for paper in ("2502.02737", "math/0309136"):
            assert arxiv_ids.extract_arxiv_id(url(paper)) == paper


@given(st.text() | st.from_regex(r"arxiv\.org/abs/([a-z.-]{2,12}/)?[0-9.]{4,12}", fullmatch=True))
def test_any_text_returns_a_plausible_id_or_none(text: str) -> None:
    arxiv_id = arxiv_ids.extract_arxiv_id(text)
    assert arxiv_id is None or arxiv_ids.is_possible(arxiv_id)


FIRST_AND_LAST = [
    *("hep-lat/9107001", "hep-th/9912999", "cs/0001001", "math/0703999", "q-bio/0309001", "cmp-lg/9404001"),
    *("0704.0001", "0712.9999", "1412.9999", "1501.00001", "2512.99999"),
]
NEVER_ASSIGNED = [
    *("hep-th/9106001", "hep-th/9113001", "cs/0704001", "cs/0100001", "cs/0112000", "zzz/0112017", ""),
    *("q-fin/0612001", "0703.0001", "0713.0001", "0704.0000", "0704.12345", "1412.12345", "1501.1234"),
    *("1501.00000", "2500.00001", "2513.00001", "2512.000001", "2512.00001v1", " 2512.00001", "cs.CL"),
]


def test_ids_that_arxiv_never_assigned_are_impossible() -> None:
    assert [
        name for name in (*FIRST_AND_LAST, *NEVER_ASSIGNED) if arxiv_ids.is_possible(name)
    ] == FIRST_AND_LAST


def test_an_id_is_accepted_once_its_month_begins() -> None:
    on = date(2025, 12, 31)
    begun = ["2512.00001", "2601.00001", "cs/0112017"]  # the next month begins earlier ahead of UTC
    assert [name for name in (*begun, "2602.00001", "9912.00001") if arxiv_ids.is_possible(name, on)] == begun


def test_lists_all_ids_in_a_message() -> None:
    text = (
        "2501.00001에서, arXiv:2501.00002v3! <https://ar5iv.labs.arxiv.org/html/2501.00003v2> cs/0112017"
        " **2501.00001** $2501.00009 2025.0527 2501.000091 https://a.example/2501.00009 2501.00009-1 v2501.00009"
    )
    expected = ["2501.00001", "2501.00002", "2501.00003", "cs/0112017"]
    assert arxiv_ids.list_arxiv_ids(text, date(2026, 1, 1)) == expected


def test_lists_ids_in_the_fields_of_references() -> None:
    for text, expected in (
        ("2501.00001, 2501.00003v1-v2", ["2501.00001", "2501.00003"]),
        ("volume = {abs/1711.00399}, file = {:a/1706.03762.pdf:PDF}", ["1711.00399", "1706.03762"]),
        ("https%3A%2F%2Farxiv.org%2Fabs%2F2501.00005 arXiv:\n2501.00006", ["2501.00005", "2501.00006"]),
        (
            '@misc{a, eprint="cs/0112017v2"} @article{b, volume={abs/cs/0112018}}',
            ["cs/0112017", "cs/0112018"],
        ),  # DBLP
        ("JO  - CoRR\nVL  - abs/1711.00399\nM1  - arXiv:2401.00002\n", ["1711.00399", "2401.00002"]),
        ('[{"number": "arXiv:2401.00002", "note": "arXiv:2401.00003 [cs]"}]', ["2401.00002", "2401.00003"]),
        ('<bib:Article rdf:about="http://arxiv.org/abs/math.GT/0309136v2">', ["math/0309136"]),
        ("title,id\nA,2401.00002\nB,2401.00001\nC,2401.00002\n", ["2401.00002", "2401.00001"]),
        (
            "doi = {10.1145/2939672.2939785}, url = {https://a.example/labs/1711.00399}, pages = {12401.000021}",
            [],
        ),
        ("2603.00001 is not assigned yet, and 0613.0001 never was", []),
        ("https://cdn.h.test/papers/2501.00001.png https://arxiv.org/html/2501.00002v1/x1.jpg", []),
    ):
        assert sorted(arxiv_ids.list_arxiv_ids(text, date(2026, 1, 1))) == sorted(expected), text


def test_ids_do_not_change_where_a_long_text_is_divided() -> None:
    for text in ("https://arxiv.org/abs/2501.00001", " 2501.00001 ", "0704.00012"):
        alone = arxiv_ids.list_arxiv_ids(f" {text} ", date(2026, 1, 1))
        for length in range(4_960, 5_010):
            assert (
                arxiv_ids.list_arxiv_ids(
                    f"{'x ' * (length // 2)}{' ' * (length % 2)}{text} x", date(2026, 1, 1)
                )
                == alone
            ), text
