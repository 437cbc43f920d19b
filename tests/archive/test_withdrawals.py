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
