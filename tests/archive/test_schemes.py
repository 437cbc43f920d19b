"""Papers' keys in texts and links: a DOI is read whole or not at all, and every link of a paper names the same key."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.archive import schemes
from storage import models

SICI = "10.1002/(SICI)1097-0258(19980815/30)17:15/16<1661::AID-SIM968>3.0.CO;2-2"
SICI_KEY = "doi/10.1002/(sici)1097-0258(19980815/30)17%3A15/16<1661%3A%3Aaid-sim968>3.0.co;2-2"
NOTATIONS = {
    "doi/10.1016/s0140-6736(20)30183-5": "10.1016/S0140-6736(20)30183-5 | see (doi:10.1016/S0140-6736(20)30183-5)."
    " | https://doi.org/10.1016/S0140-6736%2820%2930183-5 | **10.1016/S0140-6736(20)30183-5**"
    " | [10.1016/S0140-6736(20)30183-5](https://dx.doi.org/10.1016/S0140-6736(20)30183-5)",
    SICI_KEY: f"{SICI} | https://doi.org/{SICI} | ({SICI})"
    " | https://doi.org/10.1002/(SICI)1097-0258(19980815/30)17:15/16%3C1661::AID-SIM968%3E3.0.CO;2-2",
    "doi/10.1890/0012-9658(2006)87[2614%3Aeratlm]2.0.co;2": "10.1890/0012-9658(2006)87[2614:ERATLM]2.0.CO;2",
    "doi/10.1061/(asce)0733-9410(2000)126%3A2(155)": "10.1061/(ASCE)0733-9410(2000)126:2(155).",
    "doi/10.1023/a%3A1010933404324": "10.1023/A:1010933404324 | doi/10.1023/a%3A1010933404324",
    "doi/10.64898/2026.11.20.700001": "https://www.biorxiv.org/content/10.64898/2026.11.20.700001v2.full.pdf"
    " | https://www.medrxiv.org/content/10.64898/2026.11.20.700001v1?rss=1 | 10.64898/2026.11.20.700001v3"
    " | http://biorxiv.org/cgi/content/short/2026.11.20.700001v1?rss=1",
    "doi/10.1101/2020.01.01.123456": "https://www.biorxiv.org/content/10.1101/2020.01.01.123456v1.full"
    " | https://www.biorxiv.org/content/biorxiv/early/2020/01/02/2020.01.01.123456.full.pdf",
    "doi/10.7554/elife.1.005": "10.7554/eLife.1.005",
    f"doi/10.1234/{'a' * 78}": f"10.1234/{'a' * 78}",
    "doi/10.1007/978-3-319-24574-4_28": r"10.1007/978-3-319-24574-4\_28 | 10.1007/978-3-319-24574-4{\_}28"
    " | https://link.springer.com/content/pdf/10.1007/978-3-319-24574-4_28.pdf",
    "acl/2026.acl-long.17": "https://aclanthology.org/2026.acl-long.17/ | 10.18653/v1/2026.acl-long.17"
    " | https://aclanthology.org/2026.acl-long.17v2.pdf에서 | acl/2026.acl-long.17",
    "acl/p19-1001": "https://www.aclweb.org/anthology/P19-1001.pdf | https://doi.org/10.18653/v1/P19-1001",
    "openreview/aB3dEfGh1J": "https://openreview.net/forum?id=aB3dEfGh1J | https://openreview.net/pdf?id=aB3dEfGh1J"
    " | openreview.net/forum?id=aB3dEfGh1J&noteId=xyz12345 | openreview/aB3dEfGh1J",
    "pmlr/v306/kim26a": "https://proceedings.mlr.press/v306/kim26a.html"
    " | https://proceedings.mlr.press/v306/kim26a/kim26a.pdf"
    " | https://raw.githubusercontent.com/mlresearch/v306/main/assets/kim26a/kim26a.pdf",
    "cvf/CVPR2026/Kim_A_Title": "https://openaccess.thecvf.com/content/CVPR2026/html/Kim_A_Title_CVPR_2026_paper.html"
    " | https://openaccess.thecvf.com/content/CVPR2026/papers/Kim_A_Title_CVPR_2026_paper.pdf",
    "cvf/CVPR_2018/Kim_A_Title": "https://openaccess.thecvf.com/content_cvpr_2018/papers/Kim_A_Title_CVPR_2018_paper.pdf",
    "2502.02737": "10.48550/arXiv.2502.02737 | https://doi.org/10.48550/ARXIV.2502.02737 | 2502.02737v2",
}


@pytest.mark.parametrize("key", NOTATIONS)
def test_every_notation_of_a_paper_has_one_key(key: str) -> None:
    found = {text: schemes.read_key(text) for text in NOTATIONS[key].split(" | ")}
    assert found == dict.fromkeys(found, key)
    assert schemes.read_key(schemes.page_url(key)) == schemes.read_key(schemes.spell(key)) == key


def test_what_is_cut_or_no_paper_has_no_key() -> None:
    for text in (
        *("10.1002/(SICI)1097-0258(19980815/30)17:15/16<1661", "10.1016/s0140-6736(20", "10.1234/abc-\ndef"),
        *("10.1002/x%253C12%253E", "10.1234/abc\N{EN DASH}def", "10.1234/abc,Title", "10.1234/" + "a" * 239),
        *("10.5281/zenodo.1234567", "https://doi.org/10.5061/dryad.abc12", "10.7554/eLife.12345.sa1"),
        *("10.5194/egusphere-2023-1-RC1", "https://pubs.acs.org/doi/suppl/10.1021/acs.1c1/suppl_file/a.pdf"),
        "https://openreview.net/group?id=ICLR.cc/2026/Conference",
        "https://proceedings.mlr.press/v306/kim26a/kim26a-supp.pdf",
        *("https://aclanthology.org/volumes/2026.acl-long/", "https://aclanthology.org/2026.acl-long.0/"),
        *("unknown/abc", "openreview/", "10.18653/v1/2020.acl-main", "10.48550/arXiv.9913.00001"),
        "version 10.12/345",
    ):
        assert schemes.find_keys(text) == [], text
        assert schemes.read_key(text) is None, text


_PART = st.text("abcdefghijklmnopqrstuvwxyz0123456789-._", min_size=3, max_size=20).filter(
    lambda text: text[0].isalnum() and text[-1].isalnum() and "." not in text
)
DOIS = st.builds(
    lambda prefix, *parts: f"10.{prefix}/" + "".join(parts),
    st.integers(3000, 3399),
    _PART,
    st.sampled_from(["", "/", ":", "(20)", "(a/b)", "."]),
    _PART,
)
AROUND = [
    *(("", ""), ("(", ")"), ("see ", "."), ("<b>", "</b>"), ('"', '",'), ("[", "]"), ("doi:", ";")),
    *(("https://doi.org/", "?rss=1"), ("https://a.example/doi/", ".full.pdf"), ("{", "},"), ("**", "**")),
    *(("https://a.example/doi/pdf/", "#sec-2"), ("https://a.example/?doi=", "&utm=1"), ("", "에서")),
    ("| ", " |"),
]


@given(DOIS, st.sampled_from(AROUND), st.booleans())
def test_a_doi_is_read_whole_in_whatever_is_around_it(doi: str, around: tuple[str, str], upper: bool) -> None:
    expected = "doi/" + doi.replace(":", "%3A")
    assert schemes.find_keys(f"{around[0]}{doi.upper() if upper else doi}{around[1]}") == [expected]


@given(
    st.text() | st.from_regex(r"https://(doi|openreview|aclanthology)\.(org|net)/[!-~]{4,40}", fullmatch=True)
)
def test_any_text_has_keys_that_are_read_again(text: str) -> None:
    for key in schemes.find_keys(text):
        assert ":" not in key
        assert len(key.encode()) <= schemes.MAX_BYTES
        assert schemes.read_key(key) == key
        assert schemes.page_url(key).startswith("https://")


def test_a_doi_and_a_date_are_told_where_they_are_known() -> None:
    told = {
        "2502.02737": ("10.48550/arXiv.2502.02737", date(2025, 2, 1)),
        SICI_KEY: (SICI.lower(), None),
        "acl/p19-1001": ("10.18653/v1/P19-1001", date(2019, 1, 1)),
        "acl/2026.lrec-1.3": (None, date(2026, 1, 1)),
        "doi/10.64898/2026.11.20.700001": ("10.64898/2026.11.20.700001", date(2026, 11, 20)),
        "openreview/aB3dEfGh1J": (None, None),
    }
    assert {key: (schemes.doi_of(key), schemes.first_day(key)) for key in told} == told
    assert {models.scheme_of(f"{name}/x") for name in schemes._SCHEMES} == {*schemes._SCHEMES}
