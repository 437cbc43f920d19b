"""Zotero's RDF: items with their notes, tags and containers; hostile and broken XML."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.shelf.imports import UnreadableFileError, parse_references

LIBRARY = """<rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:z="http://www.zotero.org/namespaces/export#"
 xmlns:dcterms="http://purl.org/dc/terms/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:bib="http://purl.org/net/biblio#" xmlns:foaf="http://xmlns.com/foaf/0.1/"
 xmlns:prism="http://prismstandard.org/namespaces/1.2/basic/">
    <rdf:Description rdf:about="http://arxiv.org/abs/2502.11089">
        <z:itemType>preprint</z:itemType>
        <bib:authors><rdf:Seq>
            <rdf:li><foaf:Person><foaf:surname>Yuan</foaf:surname><foaf:givenName>Jingyang</foaf:givenName></foaf:Person></rdf:li>
            <rdf:li><foaf:Person><foaf:surname>김민준</foaf:surname></foaf:Person></rdf:li>
        </rdf:Seq></bib:authors>
        <dcterms:isReferencedBy rdf:resource="#item_3"/>
        <dc:subject><z:AutomaticTag><rdf:value>Computer Science</rdf:value></z:AutomaticTag></dc:subject>
        <dc:subject>to read</dc:subject>
        <dc:title>Native Sparse Attention: Über &amp; more</dc:title>
    </rdf:Description>
    <bib:Memo rdf:about="#item_3">
        <rdf:value>&lt;p&gt;mine &amp;amp; ours&lt;/p&gt;&lt;p&gt;second&lt;/p&gt;</rdf:value>
    </bib:Memo>
    <z:Attachment rdf:about="#item_4"><z:itemType>attachment</z:itemType></z:Attachment>
    <bib:Article rdf:about="#item_5">
        <z:itemType>journalArticle</z:itemType><dc:title>In a journal</dc:title>
        <dcterms:isPartOf rdf:resource="#item_6"/>
    </bib:Article>
    <bib:Journal rdf:about="#item_6"><dc:title>arXiv preprint arXiv:2401.00002</dc:title></bib:Journal>
    <bib:Book rdf:about="urn:isbn:1"><z:itemType>book</z:itemType><dc:identifier>ISBN 1</dc:identifier></bib:Book>
</rdf:RDF>
"""
ENTITIES = "".join(f"<!ENTITY e{number} '{f'&e{number - 1};' * 10}'>" for number in range(1, 12))
LAUGHS = f"<!DOCTYPE r [<!ENTITY e0 'ha'>{ENTITIES}]><r>&e11;</r>"


def test_a_library_of_zotero_is_read() -> None:
    references, problems, left_out = parse_references(LIBRARY)
    assert (problems, left_out) == ([], 0)
    assert [item["arxiv_id"] for item in references] == ["2502.11089", "2401.00002", None]
    assert references[0] == {
        "arxiv_id": "2502.11089",
        "title": "Native Sparse Attention: Über & more",
        "authors": ["Jingyang Yuan", "김민준"],
        "note": "mine & ours\nsecond",
        "tags": ["Computer Science", "to read"],
    }


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        f"<?xml version='1.0'?>\n{LAUGHS}",
        "<!DOCTYPE rdf:RDF SYSTEM 'file:///etc/passwd'><rdf:RDF/>",
        LIBRARY.replace("Über", "&unknown;"),
        LIBRARY.removesuffix("</rdf:RDF>\n"),
        LIBRARY + "\ud800",
        "<rdf:RDF>" * 200_000,
    ],
)
def test_entities_and_broken_xml_are_refused(text: str) -> None:
    with pytest.raises(UnreadableFileError):
        parse_references(text)


@given(
    st.text("<>/&;:=\"' !-[]?#abrdfRDF\ud800"),
    st.sampled_from(["<?xml", "<rdf:", "<!--", "<rdf:RDF xmlns:rdf='"]),
)
def test_any_xml_is_read_or_refused(text: str, start: str) -> None:
    try:
        parse_references(start + text)
    except UnreadableFileError:
        return


def test_the_tags_of_a_hostile_note_cost_little() -> None:
    note = "&lt;" * 200_000
    references, _, _ = parse_references(LIBRARY.replace("&lt;p&gt;mine", note))
    assert references[0]["arxiv_id"] == "2502.11089"
