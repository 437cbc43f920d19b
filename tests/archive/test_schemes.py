"""Papers' keys in texts and links: a DOI is read whole or not at all, and every link of a paper names the same key."""

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.archive import parse, references, schemes
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
    "doi/10.1101/2024.06.10.24308888": "10.1101/2024.06.10.24308888"
    " | https://www.medrxiv.org/content/10.1101/2024.06.10.24308888v3.full.pdf+html",
    # Where only versions have DOIs, a paper's is that of its first one: it resolves.
    "doi/10.21203/rs.3.rs-3193191/v1": "10.21203/rs.3.rs-3193191/v2 | https://doi.org/10.21203/rs.3.rs-3193191/v1"
    " | doi:10.21203/rs.3.rs-3193191",
    "doi/10.20944/preprints202611.0421.v1": "10.20944/preprints202611.0421.v1 | 10.20944/preprints202611.0421.v12",
    "doi/10.12688/f1000research.9259.1": "10.12688/f1000research.9259.1 | https://doi.org/10.12688/f1000research.9259.2.",
    "doi/10.12688/f1000research.2-152.v1": "10.12688/f1000research.2-152.v2",
    "doi/10.12688/wellcomeopenres.16000.1": "10.12688/wellcomeopenres.16000.3",
    "doi/10.22541/au.160253123.39578910/v1": "10.22541/au.160253123.39578910/v2",
    "doi/10.36227/techrxiv.171234567.12345678/v1": "10.36227/techrxiv.171234567.12345678/v1"
    " | https://www.techrxiv.org/doi/full/10.36227/techrxiv.171234567.12345678/v3",
    "doi/10.1002/essoar.10501234.1": "10.1002/essoar.10501234.2",
    # Where the DOI of all versions resolves, it is that.
    "doi/10.36227/techrxiv.12345678": "10.36227/techrxiv.12345678.v1 | 10.36227/techrxiv.12345678.v2",
    "doi/10.26434/chemrxiv.12782456": "10.26434/chemrxiv.12782456.v1 | https://doi.org/10.26434/chemrxiv.12782456.v2",
    "doi/10.26434/chemrxiv-2026-abc12": "10.26434/chemrxiv-2026-abc12 | 10.26434/chemrxiv-2026-abc12-v2"
    " | https://chemrxiv.org/doi/full/10.26434/chemrxiv-2026-abc12/v3",
    "doi/10.31234/osf.io/ab3cd": "10.31234/osf.io/ab3cd | https://doi.org/10.31234/osf.io/ab3cd_v2 | 10.31234/osf.io/ab3cd_v1",
    "doi/10.7554/elife.89106": "10.7554/eLife.89106 | 10.7554/eLife.89106.1 | https://doi.org/10.7554/eLife.89106.3",
    # Theirs only look like versions.
    "doi/10.1175/bams-d-18-0001.1": "10.1175/BAMS-D-18-0001.1",
    "doi/10.1101/gr.123456.111": "10.1101/gr.123456.111",
    "doi/10.5555/newts.1/v2": "10.5555/newts.1/v2",
    "doi/10.7554/elife.1.005": "10.7554/eLife.1.005",
    "doi/10.1162/tacl_a_00712": "https://direct.mit.edu/tacl/article/doi/10.1162/tacl_a_00712/125177/A-Title-In-The-Address"
    " | https://direct.mit.edu/tacl/article-pdf/doi/10.1162/tacl_a_00712/2480000/tacl_a_00712.pdf"
    " | https://direct.mit.edu/tacl/article-abstract/doi/10.1162/tacl_a_00712/125177/A-Title?redirectedFrom=fulltext",
    "doi/10.1093/nar/gkag123": "https://academic.oup.com/nar/article-pdf/doi/10.1093/nar/gkag123/61234567/gkag123.pdf"
    " | https://academic.oup.com/nar/advance-article/doi/10.1093/nar/gkag123/61234567?login=false"
    " | https://academic.oup.com/nar/article-lookup/doi/10.1093/nar/gkag123",
    "doi/10.1159/000123456": "https://karger.com/nmd/article-lookup/doi/10.1159/000123456"
    " | https://karger.com/nmd/article/doi/10.1159/000123456/512345/A-Title",
    "doi/10.1088/1742-6596/1/1/012001": "https://iopscience.iop.org/article/10.1088/1742-6596/1/1/012001/pdf",
    "doi/10.1201/9781003143123-5": "https://www.taylorfrancis.com/chapters/edit/10.1201/9781003143123-5/ponds-ann-beech",
    "doi/10.1007/s11263-015-0816-y": "https://link.springer.com/article/10.1007/s11263-015-0816-y/figures/2",
    "doi/10.3389/fnins.2018.00774": "https://www.frontiersin.org/articles/10.3389/fnins.2018.00774/xml/nlm"
    " | https://www.frontiersin.org/journals/neuroscience/articles/10.3389/fnins.2018.00774/epub",
    f"doi/10.1234/{'a' * 78}": f"10.1234/{'a' * 78}",
    "doi/10.1007/978-3-319-24574-4_28": r"10.1007/978-3-319-24574-4\_28 | 10.1007/978-3-319-24574-4{\_}28"
    " | https://link.springer.com/content/pdf/10.1007/978-3-319-24574-4_28.pdf",
    "acl/2026.acl-long.17": "https://aclanthology.org/2026.acl-long.17/ | 10.18653/v1/2026.acl-long.17"
    " | https://aclanthology.org/2026.acl-long.17v2.pdf에서 | acl/2026.acl-long.17",
    "acl/p19-1001": "https://www.aclweb.org/anthology/P19-1001.pdf | https://doi.org/10.18653/v1/P19-1001",
    "openreview/aB3dEfGh1J": "https://openreview.net/forum?id=aB3dEfGh1J | https://openreview.net/pdf?id=aB3dEfGh1J"
    " | openreview.net/forum?id=aB3dEfGh1J&noteId=xyz12345 | openreview/aB3dEfGh1J"
    " | openreview:aB3dEfGh1J",
    "openreview/aB3_EfGh1_": "https://openreview.net/forum?id=aB3_EfGh1_ | https://openreview.net/pdf?id=aB3_EfGh1_&noteId=x_"
    r" | https://openreview.net/forum?id=aB3\_EfGh1\_ | https://openreview.net/forum?id=aB3{\_}EfGh1{\textunderscore}"
    " | [_A Title_](https://openreview.net/forum?id=aB3_EfGh1_) | _[A Title](https://openreview.net/forum?id=aB3_EfGh1_)_"
    " | _A Title_ https://openreview.net/forum?id=aB3_EfGh1_. | *https://openreview.net/forum?id=aB3_EfGh1_*"
    " | _see https://openreview.net/forum?id=aB3_EfGh1__ | __https://openreview.net/forum?id=aB3_EfGh1___",
    "openreview/aB3dEfGh1-": "https://openreview.net/forum?id=aB3dEfGh1- | (https://openreview.net/forum?id=aB3dEfGh1-).",
    "openreview/aB3dEfGh12": "_https://openreview.net/forum?id=aB3dEfGh12_ | _**https://openreview.net/forum?id=aB3dEfGh12**_"
    " | __see openreview.net/pdf?id=aB3dEfGh12__",
    "doi/10.5555/newts_1": r"10.5555/newts{\textunderscore}1 | 10.5555/newts\textunderscore{}1 | _10.5555/newts_1_",
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
        "https://doi.org/10.1234/cafe\u0301.7",
        *("10.5281/zenodo.1234567", "https://doi.org/10.5061/dryad.abc12", "10.7554/eLife.12345.sa1"),
        *("10.5194/egusphere-2023-1-RC1", "https://pubs.acs.org/doi/suppl/10.1021/acs.1c1/suppl_file/a.pdf"),
        *(
            "10.1371/journal.pone.0185542.s001",
            "10.1371/journal.pone.0185542.g001",
            "10.7717/peerj.4375/supp-1",
        ),
        *("https://www.mdpi.com/article/10.3390/rs12010001/s1", "10.1214/18-AOS1709SUPP"),
        "https://static-content.springer.com/esm/art%3A10.1038%2Fs41586-021-03819-2/MediaObjects/41586_2021_MOESM1_ESM.pdf",
        *("10.1007/978-3-030-58452-8", "10.1007/3-540-45014-9", "10.1515/9783110641234/html"),
        *(
            "https://www.taylorfrancis.com/books/mono/10.1201/9781003143123/ponds",
            "10.1038/d41586-026-01234-5",
        ),
        "https://img.shields.io/badge/DOI-10.1145%2F3600006.3613165-blue.svg",
        "https://img.shields.io/badge/doi-10.1145/3600006.3613165-blue?style=flat",
        "https://zenodo.org/badge/DOI/10.1145/3600006.3613165.svg",
        "https://openreview.net/group?id=ICLR.cc/2026/Conference",
        "https://proceedings.mlr.press/v306/kim26a/kim26a-supp.pdf",
        *("https://aclanthology.org/volumes/2026.acl-long/", "https://aclanthology.org/2026.acl-long.0/"),
        *("unknown/abc", "openreview/", "10.18653/v1/2020.acl-main", "10.48550/arXiv.9913.00001"),
        "version 10.12/345",
    ):
        assert schemes.find_keys(text) == [], text
        assert schemes.read_key(text) is None, text


def test_the_ids_of_a_list_and_a_reference_end_in_underscores() -> None:
    text = (
        "- [Ponds at Night](https://openreview.net/forum?id=aB3dEfGh1_)\n"
        "- **Newts by Day** _https://openreview.net/forum?id=bB3dEfGh1__\n"
        "- Frogs of the World, _Conference on Ponds_, https://openreview.net/pdf?id=cB3dEfGh1_"
    )
    keys = ["openreview/aB3dEfGh1_", "openreview/bB3dEfGh1_", "openreview/cB3dEfGh1_"]
    [digest] = parse.parse_text(text, "2026-11-20.md", date(2026, 11, 30))
    assert [entry.paper_key for entry in digest.entries] == keys
    entry = (
        r"@inproceedings{a, title = {Ponds at Night}, url = {https://openreview.net/forum?id=aB3\_EfGh1\_}}"
    )
    [read] = references.read_references(entry.encode(), date(2026, 11, 30))
    assert read.other_key == "openreview/aB3_EfGh1_"


def test_versions_in_a_list_and_a_message_are_one_paper() -> None:
    dois = ("10.21203/rs.3.rs-3193191/v1", "10.21203/rs.3.rs-3193191/v2", "10.31234/osf.io/ab3cd_v1")
    text = "\n".join(f"- [Ponds at Night {number}](https://doi.org/{doi})" for number, doi in enumerate(dois))
    keys = ["doi/10.21203/rs.3.rs-3193191/v1", "doi/10.31234/osf.io/ab3cd"]
    [digest] = parse.parse_text(text, "2026-11-20.md", date(2026, 11, 30))
    assert [entry.paper_key for entry in digest.entries] == keys
    assert schemes.list_keys(text, date(2026, 11, 30)) == keys


def test_of_a_list_and_a_message_badges_files_and_books_name_no_paper() -> None:
    badge = "[![DOI](https://img.shields.io/badge/DOI-10.1145%2F3600006.3613165-blue.svg)]"
    lines = (
        f"- **Ponds at Night** {badge}(https://doi.org/10.1145/3600006.3613165)",
        "- [Newts by Day](https://direct.mit.edu/tacl/article/doi/10.1162/tacl_a_00712/125177/Newts-by-Day)",
        "- [Frogs of the World](https://link.springer.com/book/10.1007/978-3-030-58452-8)",
        "- [Data of the Frogs](https://journals.plos.org/plosone/article/file?type=supplementary&id=10.1371/journal.pone.0185542.s001)",
    )
    keys = ["doi/10.1145/3600006.3613165", "doi/10.1162/tacl_a_00712"]
    [digest] = parse.parse_text("\n".join(lines), "2026-11-20.md", date(2026, 11, 30))
    assert [entry.paper_key for entry in digest.entries] == keys
    assert schemes.list_keys("\n".join(lines), date(2026, 11, 30)) == keys
    assert {schemes.explain(line) for line in lines[2:]} == {models.SkipReason.NO_PAPER}


def test_what_a_code_stands_for_is_what_a_doi_may_have() -> None:
    """No bracket, quotation mark or sign of control comes into a key, which exports and databases take for one word."""
    for text in (
        text
        for code in range(256)
        for text in (
            f"https://doi.org/10.1234/moss%{code:02x}kite",
            SICI.replace("AID", f"%{code:02X}AID"),
            f"https://doi.org/10.1234/a%{code:02x},note=%7Bb%7D,x=%7By;2",
        )
    ):
        for key in schemes.find_keys(text):
            assert re.fullmatch(r"doi/[!-~]+", key), (text, key)
            assert not set(key) & set('{}|\\"`^\x00\x1b'), (text, key)


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


def test_a_preprint_names_its_server() -> None:
    told = {
        "10.64898/2026.11.20.700001": ("bioRxiv", schemes.Kind.PREPRINT),
        "10.1101/2024.06.10.24308888": ("medRxiv", schemes.Kind.PREPRINT),
        "10.26434/chemrxiv-2026-abc12-v2": ("ChemRxiv", schemes.Kind.PREPRINT),
        "10.31234/osf.io/ab3cd_v2": ("PsyArXiv", schemes.Kind.PREPRINT),
        "10.31219/osf.io/ab3cd": ("OSF", schemes.Kind.PREPRINT),
        "10.2139/ssrn.1234567": ("SSRN", schemes.Kind.PREPRINT),
        "10.12688/f1000research.9259.1": (None, schemes.Kind.ARTICLE),
        "10.5555/newts.1": (None, schemes.Kind.ARTICLE),
    }
    keys = {doi: schemes.read_key(doi) or "" for doi in told}
    assert {doi: (schemes.publisher_of(key), schemes.kind_of(key)) for doi, key in keys.items()} == told
    assert {schemes.list_pages(key)[0][0] for key in keys.values()} == {
        name or "DOI" for name, _ in told.values()
    }


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
