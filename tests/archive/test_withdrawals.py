"""Whether a paper is withdrawn, by its authors or by arXiv, from the words of its abstract and its comment."""

import pytest

from storage.withdrawals import Withdrawal, find_withdrawal

BY_AUTHORS = [
    ("This paper has been withdrawn by the author due to a crucial sign error in equation 1.", None),
    ("The paper has been withdrawn because of an error in Lemma 4.", None),
    ("We have withdrawn this paper since Theorem 3 is false.", None),
    ("The authors have withdrawn this submission.", None),
    ("THIS PAPER HAS BEEN WITHDRAWN BY THE AUTHORS.", None),
    ("Rivers are long.", "RETRACTED"),
    ("We study rivers. This article was temporarily withdrawn until the data are checked.", None),
    ("This manuscript is retracted by its authors.", None),
    ("Rivers are long.", "This paper has been withdrawn by the authors due to an error in Eq. 7"),
    ("Rivers are long.", "Withdrawn by the authors; see arXiv:2505.00001"),
    ("Rivers are long.", "12 pages, withdrawn due to a mistake"),
    ("Rivers are long.", "[withdrawn] Duplicate of another submission"),
    ("Rivers are long.", "Paper withdrawn"),
    ("Rivers are long.", "Author has withdrawn this paper due to errors"),
    ("This paper has been withdrawn by Ann Beech, since its data are lost.", None),
    ("Rivers are long.", "withdrawn for revision"),
    ("WITHDRAWN: the data are wrong.", None),
    ("This manuscript has been removed by its authors due to a crucial error in equation (12).", None),
    ("The submission is withdrawn at the request of the co-authors pending further analysis.", None),
    ("This paper is withdrawn in favor of arXiv:2505.00001.", None),
    ("The paper is withdrawn and replaced by a longer one.", None),
    ("Rivers are long.", "Withdrawn after discovery of an error"),
    ("Rivers are long.", "Withdrawn to be merged with arXiv:2505.00001"),
    ("The author is withdrawing this manuscript until Section 4 can be corrected.", None),
    ("The authors wish to withdraw this paper.", None),
    ("{\\bf This paper has been withdrawn by the authors}", None),
    ("The present paper has since been withdrawn by the author.", None),
    ("Rivers are long.", "9 pages, withdrawn"),
    ("Rivers are long.", "ICML 2024, withdrawn due to a mistake"),
    ("This paper has been withdrawn since Lemma 2 is in error and its data come from NASA.", None),
    ("This paper was withdrawn by the authors from the arXiv.", None),
    ("The first author has withdrawn this paper due to a mistake in Table 2.", None),
    ("Rivers are long.", "This paper withdrawn due to an error"),
]
BY_ARXIV = [
    (
        "Rivers are long.",
        "arXiv admin note: This paper has been withdrawn by arXiv since its authors are unknown",
    ),
    (
        "Rivers are long.",
        "arXiv admin note: submission has been withdrawn by arXiv administrators due to overlap",
    ),
    ("This submission has been withdrawn by arXiv administrators due to disputed authorship.", None),
    ("Rivers are long.", "This article has been removed by arXiv administrators due to its license"),
    ("Rivers are long.", "arXiv admin note: submission removed by the arXiv moderators"),
    (
        "Rivers are long.",
        "This version withdrawn by arXiv administrators because its author did not have the right",
    ),
]
NOT_WITHDRAWN = [
    ("Rivers are long.", "10 pages, on deposits that were withdrawn from accounts"),
    ("We study why 2,300 papers have been withdrawn from arXiv.", None),
    ('"This paper has been withdrawn" is the notice that we classify.', None),
    ("Rivers are long.", "arXiv admin note: text overlap with arXiv:2505.00001"),
    (
        "Rivers are long.",
        "arXiv admin note: substantial text overlap with arXiv:2401.1, which has been withdrawn",
    ),
    ("Rivers are long.", "Withdrawn from a conference, now in a journal"),
    ("When the paper is withdrawn, its citations go on.", None),
    ("Rivers are long.", "Replaces a withdrawn paper, arXiv:2401.00001"),
    ("The paper has been withdrawn in 12% of the cases that reviewers flag.", None),
    ("Rivers are long.", "An earlier version of this paper was withdrawn due to an error"),
    ("Retracted by their authors, such articles are still cited.", None),
    ("We withdraw one sensor at a time.", "15 pages; data on retracted papers included"),
    ("Rivers are long.", "This paper was not withdrawn, its second version was."),
    ("Withdrawn, yet cited: a study of old papers.", None),
    ("Noise was removed by an arXiv parser. This paper is new.", None),
    ("We withdrew this paper from ICLR 2026.", None),
    ("The authors have withdrawn this paper from NeurIPS.", None),
    ("Rivers are long.", "This work was withdrawn by the authors from ICLR 2026"),
    ("Rivers are long.", "Withdrawn by the authors from CVPR"),
    ("Rivers are long.", "Submitted to ICLR 2026 (withdrawn)"),
    ("Rivers are long.", "10 pages, ICLR 2026, withdrawn"),
    ("Rivers are long.", "Submitted to NeurIPS, withdrawn, now in a journal"),
    ("The paper withdrawn by its authors in 2019 is still cited.", None),
    ("The article retracted by its authors lives on in reviews.", "Accepted at ICML (withdrawn)"),
    ("Rivers are long.", "Comment on arXiv:2505.00001 (withdrawn)"),
    ("Rivers are long.", "This paper was withdrawn by arXiv in error and has been reinstated"),
    ("This paper was withdrawn by the authors in v2; v3 restores it with a corrected proof.", None),
    ("We withdraw the paper's claim that rivers are short.", None),
    ("Retracted and corrected articles are compared.", None),
    (None, None),
]


@pytest.mark.parametrize(
    ("told", "by"),
    [
        *((told, Withdrawal.AUTHORS) for told in BY_AUTHORS),
        *((told, Withdrawal.ARXIV) for told in BY_ARXIV),
        *((told, None) for told in NOT_WITHDRAWN),
    ],
)
def test_what_a_paper_says_of_itself_tells_who_withdrew_it(
    told: tuple[str | None, str | None], by: Withdrawal | None
) -> None:
    assert find_withdrawal(*told) is by
