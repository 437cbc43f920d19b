"""arXiv's comment field: venues and withdrawals as authors write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.archive import fields


@pytest.mark.parametrize(
    ("comment", "venue"),
    [
        ("Accepted at NeurIPS 2025", "NeurIPS 2025"),
        ("15 pages, 4 figures. Accepted to ICML 2025 (Spotlight)", "ICML 2025"),
        ("To appear in CVPR 2025. Project page: https://a.example/", "CVPR 2025"),
        ("CVPR2025", "CVPR 2025"),
        ("CVPR'25 Highlight", "CVPR 2025"),
        ("AAAI-26, 9 pages", "AAAI 2026"),
        ("ICLR 2025 Oral; code at https://github.com/a/b", "ICLR 2025"),
        ("Published as a conference paper at ICLR 2025", "ICLR 2025"),
        ("Accepted by IEEE TPAMI", "TPAMI"),
        ("neurips 2024 Datasets and Benchmarks Track", "NeurIPS 2024"),
        ("Camera-ready version, ACL 2025 Main", "ACL 2025"),
        ("Findings of EMNLP 2025", "Findings of EMNLP 2025"),
        ("Accepted to EMNLP 2025 (Findings)", "Findings of EMNLP 2025"),
        ("Accepted at the ICML 2025 Workshop on Long Context", "ICML 2025 workshop"),
        ("SIGGRAPH Asia 2025 (journal track)", "SIGGRAPH Asia 2025"),
        ("Accepted to Transactions on Machine Learning Research (TMLR)", "TMLR"),
        ("Accepted to Nature Communications", "Nature Communications"),
        (
            "Accepted for publication in IEEE Robotics and Automation Letters, 8 pages",
            "IEEE Robotics and Automation Letters",
        ),
        ("Published in Neural Networks; 12 pages", "Neural Networks"),
        ("Submitted to ICLR 2026", None),
        ("Under review at NeurIPS 2025", None),
        ("Under review. 10 pages", None),
        ("Preprint, 20 pages, 3 figures", None),
        ("Code is published at https://github.com/a/b", None),
        ("Fixes a bug. Extended version of our ICML 2024 paper", None),
        ("Uses the WWW and an ASE library", None),
        ("24 pages, v2.1 of the report", None),
        ("A miracle, oracles and obstacles", None),
        ("", None),
        (None, None),
    ],
)
def test_a_venue_is_found_in_the_forms_that_authors_write(comment: str | None, venue: str | None) -> None:
    assert fields.find_venue(comment) == venue


@pytest.mark.parametrize(
    ("comment", "withdrawn"),
    [
        ("This paper has been withdrawn by the author due to a crucial error in equation 1", True),
        ("Withdrawn. The proof of Lemma 2 is wrong", True),
        ("The paper is withdrawn because of an authorship dispute", True),
        ("This submission was retracted", True),
        ("Withdrawn from ICLR 2025, now 12 pages", False),
        ("12 pages; money is withdrawn in the experiments", False),
        (None, False),
    ],
)
def test_a_withdrawal_is_found(comment: str | None, withdrawn: bool) -> None:
    assert fields.says_withdrawn(comment) is withdrawn


@given(st.text(max_size=300))
def test_no_comment_raises(comment: str) -> None:
    venue = fields.find_venue(comment)
    assert venue is None or 0 < len(venue) <= 90
    fields.says_withdrawn(comment)
