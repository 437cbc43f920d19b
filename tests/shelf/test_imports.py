"""Imports save the papers whose arXiv ids are in a file of any format, and name the lines that led to none."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from bot.app import container
from bot.archive import references
from bot.archive.exports import ReferenceFormat
from bot.core.settings import Settings
from bot.demo import sample_digests
from bot.features.operations.readers import Readers
from bot.features.shelf import messages, notes
from bot.features.shelf.service import Imported, Shelf
from bot.i18n.texts import for_locale
from bot.search.glossary_service import GlossaryService
from bot.search.service import SearchService
from bot.sources import arxiv, base
from storage import models, papers, shelf
from storage.database import Database
from storage.errors import UsageError
from storage.shelf import Owner
from tests.storage.test_saved_papers import add_papers
from tests.support import child_functions
from tests.support.client_harness import ClientHarness, shown_text
from tests.support.fake_arxiv import FakeArxiv
from tests.support.origin_server import OriginServer
from tests.support.sample_archive import make_ingest
from tests.support.shelves import open_shelf

NOW = datetime(2026, 1, 5, tzinfo=UTC)

NOTE = '100 % of {a} & $b$_c ~d^2 #1\\e, see 2401.99999\nand a second line: "quoted"'


BIBTEX = """@inproceedings{vaswani2017attention,
  title     = {Attention Is All You Need},
  author    = "Vaswani, Ashish",
}
@article{bert, title = "{BERT}: Pre-training of Deep Bidirectional Transformers", year = 2019}
@misc{third,
  title={{\\"U}ber $\\beta$-VAEs}, eprint={2401.00003}}
@string{acl = "ACL"}
@comment{title = {not a reference}}
"""
THREE = [
    "Attention Is All You Need",
    "BERT: Pre-training of Deep Bidirectional Transformers",
    "2401.00003 Über β-VAEs",
]
ONE, OTHER = "A study of kilns and clay", "Listening to frogs with small arrays"
TWO, FIRST_HAS_ID = [ONE, OTHER], [f"2409.10001 {ONE}", OTHER]
OF_THREE = {
    "BibTeX": BIBTEX,
    "RIS": "TY  - CONF\nID  - vaswani2017attention\nTI  - Attention Is All You Need\nER  - \n\n"
    "TY  - JOUR\nT1  - BERT: Pre-training of Deep Bidirectional Transformers\nID  - bert\nER  - \n"
    "TY  - GEN\nTI  - Über β-VAEs\nUR  - https://arxiv.org/abs/2401.00003\nER  - \n",
    "CSL": """[{"id": "vaswani2017attention", "title": "Attention Is All You Need"},
 {"id": 7, "citation-key": "bert", "title": "BERT: Pre-training of Deep Bidirectional Transformers"},
 {"title": "Über β-VAEs", "URL": "https://arxiv.org/abs/2401.00003"}]""",
    "CSV": '\ufeff"Key","Item Type","Title","Url"\n"vaswani2017attention","conferencePaper","Attention Is All You Need",""\n'
    '"bert","preprint","BERT: Pre-training of Deep Bidirectional Transformers",""\n'
    '"third","preprint","Über β-VAEs","https://arxiv.org/abs/2401.00003"\n',
}
OF_A_FIRST_WITH_ID = {
    "Better BibTeX": f'{{"items": [{{"title": "{ONE}", "extra": "arXiv:2409.10001"}},'
    f' {{"citationKey": "b", "title": "{OTHER}"}}]}}',
    "Semantic Scholar": f'{{"total": 2, "data": [{{"title": "{ONE}", "externalIds": {{"ArXiv": "2409.10001"}},'
    f' "citations": [{{"title": "Geese", "arxivId": "2310.00001"}}]}}, {{"title": "{OTHER}"}}]}}',
    "Zotero's web service": f'[{{"key": "K", "data": {{"title": "{ONE}", "extra": "arXiv:2409.10001 [cs]",'
    f' "abstractNote": "arXiv:2310.00001"}}}},'
    f' {{"key": "L", "data": {{"title": "{OTHER}", "note": "see arXiv:2310.00001"}}}}]',
    "Notion": f"Name,URL,Tags\n{ONE},https://arxiv.org/abs/2409.10001,clay\n{OTHER},,frogs\n",
    "Notion in Korean": f"이름,링크,태그\n{ONE},https://arxiv.org/abs/2409.10001,흙\n{OTHER},,개구리\n",
    "notes in cells": f"id,title,note,excerpt,url\n1,{ONE},,see also arXiv:2310.00001,https://arxiv.org/abs/2409.10001\n"
    f"2,{OTHER},arXiv:2310.00001 is better,,\n",
    "a note of arXiv's number alone": f"@misc{{a, title={{{ONE}}}, note={{arXiv:2409.10001 [cs]}}}}\n"
    f"@misc{{b, title={{{OTHER}}}, note={{We extend arXiv:2310.00001}}}}",
    "numbers of JSON": f'[{{"title": "{ONE}", "arxiv_id": 2409.10001}}, {{"title": "{OTHER}", "year": 2409.2}}]',
}
"""Texts in other fields name other papers."""
OF_TWO = {
    "EndNote": f"%0 Journal Article\n%T A study of kilns\nand clay\n%A Oak\n\n%0 Book\n%T {OTHER}\n",
    "PubMed": f"\nPMID- 12\nOWN - NLM\nTI  - A study of kilns\n      and clay\nFAU - Oak\n\nPMID- 13\nTI  - {OTHER}\n",
    "OpenReview": f'{{"notes": [{{"content": {{"title": {{"value": "{ONE}"}},'
    f' "abstract": {{"value": "See arXiv:2310.00001."}}}}}},'
    f' {{"id": "B", "content": {{"title": {{"value": "{OTHER}"}}}}}}], "count": 2}}',
    "a line for Excel": f'sep=;\nTitel;Notiz\n"{ONE}";"gut; lesen"\n"{OTHER}";""\n',
    "a tab for Excel": f"sep=\t\ntitle\tyear\n{ONE}\t2024\n{OTHER}\t2024\n",
    **{
        f"a table with {name}": f"No;{name};Publication Title\n1;{ONE};x\n2;{OTHER};x\n"
        for name in (
            *("Titel", "Titre", "Título", "Titolo", "标题", "题名", "タイトル", "논문명", "논문제목"),
            *("Document Title", "Article Title", "Paper title", "Title of the paper", "논문명(국문)"),
        )
    },
    "boxes": f"# Reading list\n\n- [ ] {ONE}\n1. [X] {OTHER}\n",
    "entries on one line": f"@misc{{a, title={{{ONE}}}}}@article(b, title={{{OTHER}}}) text",
    "an entry behind a remark": f"See also: @misc{{a, title={{{ONE}}}}}, @misc{{b, title={{{OTHER}}}}}",
    "a field twice": f"@misc{{a, title={{{ONE}}}, title={{x}}}}@misc{{b,title={{{OTHER}}}}}",
    "a key twice": f"@misc{{a, title={{{ONE}}}}}\n@misc{{a, title={{{OTHER}}}}}",
    "no key": f"@misc{{title={{{ONE}}}}}\n@misc{{, title={{{OTHER}}}}}",
    "a comma too few": f"@misc{{a, author={{X}} title={{{ONE}}}\n year={{2026}}}}\n@misc{{b title={{{OTHER}}}}}",
    "never closed": f"@misc{{a, title={{{ONE}\n@misc{{b, title={{{OTHER}}}}}",
    "a comment in an entry": f"@misc{{a,\n % title={{no}},\n title={{{ONE}}}\n}}\n@misc{{b,title={{{OTHER}}}}}",
    "an entry in a comment": f"@misc{{a, title={{{ONE}}}}}\n\n@Comment{{\n@Article{{b,\n  title = {{{OTHER}}}\n}}\n}}\n",
    "one space": f"TY - JOUR\nTI - {ONE}\nER -\nTY - JOUR\nT1 - {OTHER}\nER -\n",
    "carriage returns": f"TY  - JOUR\rTI  - {ONE}\rER  - \rTY  - JOUR\rTI  - {OTHER}\rER  - \r",
    "files joined, each with its mark": f"\ufeffTY  - JOUR\nTI  - {ONE}\nER  - \n\ufeffTY  - JOUR\nTI  - {OTHER}\nER  - \n",
    "text between entries": f"TY  - JOUR\nTI  - {ONE}\nER  - \n\nScopus\nEXPORT DATE: 2026\nTY  - JOUR\nTI  - {OTHER}\nER  - \n",
    "no end": f"TY  - JOUR\nTI  - {ONE}\nTY  - BOOK\nTI  - {OTHER}\n",
    "other tags first": f"DB  - Pond\nTI  - {ONE}\nTY  - JOUR\nER  - \n\nDB  - Pond\nTI  - {OTHER}\nTY  - JOUR\nER  - \n",
    "CSL in lines": f'{{"id": 1, "title": "{ONE}"}}\n{{"id": 2, "title": "{OTHER}"}}\n',
    "commands for the order": rf'@preamble{{"\newcommand{{\noop}}[1]{{}}"}}@misc{{a, title={{\noop{{2026}}{ONE}}}}}'
    rf"@misc{{b, title={{{{\noopsort{{1973b}}}}{OTHER}}}}}",
    "BibTeX in a note of RIS": f"TY  - GEN\nTI  - {ONE}\nN1  - cite as\n"
    f"@article{{sample, title={{Geese}}, eprint={{2310.00001}}}}\nER  - \n"
    f"TY  - GEN\nTI  - {OTHER}\nER  - \n",
    "RIS in a note of BibTeX": f"@misc{{a, title={{{ONE}}}, note={{\n"
    f"TY  - JOUR\nTI  - Geese\nUR  - arXiv:2310.00001\n}}}}\n@misc{{b, title={{{OTHER}}}}}",
    "BibTeX in a cell": f'Title,Notes\n{ONE},"@misc{{a, title={{Geese}}, eprint={{2310.00001}}}}"\n{OTHER},\n',
}
"""What reference managers and services write, and files with errors or changed by hand."""
OF_ONE = {
    "one work of Crossref": f'{{"message": {{"DOI": "10.1/x", "title": ["{ONE}", "x"], "subtitle": []}}}}',
    "no space behind the dash": f"TY  -JOUR\nTI  -{ONE}\nER  -\n",
    "spaces that do not break": f"TY\u00a0\u00a0- JOUR\nTI\u00a0\u00a0- {ONE}\nER\u00a0\u00a0-\n",
    "indented and wrapped": "  TY  - JOUR\n  TI  - A study of\n      kilns and clay\n  ER  - \n",
}
ALIKE = ((OF_THREE, THREE), (OF_A_FIRST_WITH_ID, FIRST_HAS_ID), (OF_TWO, TWO), (OF_ONE, [ONE]))
FILES = {
    **{kind: (text, entries) for texts, entries in ALIKE for kind, text in texts.items()},
    "Crossref": (
        f'{{"message": {{"items": [{{"title": ["{ONE}"]}}, {{"title": ["{OTHER}"], "subtitle": ["Of jars"]}}]}}}}',
        [ONE, f"{OTHER}: Of jars"],
    ),
    "wrapped before a dash": (
        "TY  - JOUR\nTI  - Kilns of\n      GPT - 4\nA-1 is new\nER  - \n",
        ["Kilns of GPT - 4 A-1 is new"],
    ),
    "no title": (
        f"@misc{{kiln25, year=2025}}\n@misc{{, year=2024}}\n@misc{{b,title={{{OTHER}}}}}",
        ["kiln25", "@misc{, year=2024}", OTHER],
    ),
    "no title in RIS": (
        f"TY  - JOUR\nAU  - Oak, A\nER  - \nTY  - JOUR\nTI  - {OTHER}\nER  - \n",
        ["TY - JOUR AU - Oak, A", OTHER],
    ),
    "a row with an abstract alone": ("Title,Abstract\n,Of kilns\n", ["Of kilns"]),
    "commands": (
        r"@misc{a, title={A {\it study} of <b>{K}ilns</b> \& clay in H{\"o}ganäs}}",
        ["A study of Kilns & clay in Höganäs"],
    ),
    "subtitles": (
        f"@misc{{a, title={{{ONE}}}, subtitle={{With {{Glaze}}}}}}\n@misc{{b, title={{{OTHER}}}, subtitle={{of jars}}",
        [f"{ONE}: With Glaze", f"{OTHER}: of jars"],
    ),
    "tags": (
        '[{"id": 1, "title": "Of <i>E. coli</i> &amp; H<sub>2</sub>O <mml:math><mml:mi>k</mml:mi></mml:math><br/>"}]',
        ["Of E. coli & H2O k"],
    ),
    "tags in a cell": (
        'Key,Title\na,"Of <span class=""nocase"">E. coli</span> &lt; 5"\nb,\n',
        ["Of E. coli < 5", "b"],
    ),
    "numbers of a spreadsheet": (
        "Title,arXiv ID\nHerons,2409.1001\nFrogs,2409.2\nNewts,2409.10003\nToads,704.0001\nRooks,1412.51\nCrows,1501.2\n",
        [
            *("2409.10010 Herons", "2409.20000 Frogs", "2409.10003 Newts"),
            *("0704.0001 Toads", "1412.5100 Rooks", "1501.20000 Crows"),
        ],
    ),
}
"""Files, and what each of their entries is: its id if the file has it, and what names it to its reader."""


@pytest.mark.parametrize("kind", FILES)
def test_each_entry_has_its_own_id_and_title(kind: str) -> None:
    text, entries = FILES[kind]
    read = references.read_references(text.encode(), date(2026, 11, 29))
    assert [f"{row.arxiv_id or ''} {row.label}".strip() for row in read] == entries


@pytest.mark.parametrize(
    "text",
    [
        "@misc{nsa, eprint={2502.11089}, keywords={2312.00752, 필독}}",
        "TY  - JOUR\nID  - nsa\nUR  - https://arxiv.org/abs/2502.11089\nKW  - 2312.00752\nKW  - 필독\nER  - \n",
        '[{"id": "nsa", "URL": "https://arxiv.org/abs/2502.11089", "keyword": "2312.00752,필독"}]',
        "@misc{nsa, abstract={We extend {arXiv}:2312.00752.}, eprint={2502.11089}}",
        '@misc{nsa, abstract="We extend arXiv:2312.00752.", eprint={2502.11089}',
        "@misc{nsa, eprint={2502.11089}, Cited-References={{Oak A., 2023, arXiv:2312.00752}}}",
        "TY  - JOUR\nAB  - We extend\nof 2023 arXiv:2312.00752.\nUR  - https://arxiv.org/abs/2502.11089\nER  - \n",
        "%0 Book\n%X We extend\narXiv:2312.00752.\n%U https://arxiv.org/abs/2502.11089\n",
        "PMID- 12\nAB  - We extend\n      arXiv:2312.00752.\nLID - 10.48550/arXiv.2502.11089 [doi]\n",
        '[{"id": "nsa", "abstract": "We extend arXiv:2312.00752.", "number": "arXiv:2502.11089"}]',
        '{"items": [{"abstractNote": "We extend arXiv:2312.00752.", "url": "https://arxiv.org/abs/2502.11089"}]}',
        '{"reference": [{"DOI": "10.48550/arXiv.2312.00752"}], "DOI": "10.48550/arXiv.2502.11089"}',
        'Title,Abstract Note,Url\nKilns,"We extend\narXiv:2312.00752.",https://arxiv.org/abs/2502.11089\n',
        "제목,초록,링크\n가마,arXiv:2312.00752를 잇는다,https://arxiv.org/abs/2502.11089\n",
    ],
)
def test_a_number_in_keywords_abstracts_or_lists_of_references_is_not_the_entrys_paper(text: str) -> None:
    read = references.read_references(text.encode(), NOW.date())
    assert [reference.arxiv_id for reference in read] == ["2502.11089"]


@pytest.mark.parametrize(
    "text",
    [
        "@misc{a, journal={never closed, arXiv:2401.00001, not arXiv:0613.0001, arxiv.org/abs/cs/0112017",
        "[{]",
        "[" * 50_000,
        "title,\n,",
        "@",
        '"title","key"\n"' + "x" * 200_000,
        '{"tables": {"saved_papers": [1, {}]}}',
        "%PDF-1.7 @a(b=",
        '<plist version="1.0"><dict><key>a</key>',
        "<plist><dict><string>a</string></dict></plist>",
        "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n",
    ],
)
def test_malformed_files_lose_no_id(text: str) -> None:
    """What cannot be read as its format is searched for ids as any other text."""
    read = references.read_references(text.encode(), NOW.date())
    expected = ["2401.00001", "cs/0112017"] if "2401.00001" in text else []
    assert [reference.arxiv_id for reference in read if reference.arxiv_id] == expected


def open_asking_shelf(database: Database, origin: OriginServer) -> Shelf:
    """Return a shelf that looks titles up in the archive and then at the arXiv on loopback."""
    settings = Settings(arxiv_url=f"{origin.url}/api/query", hf_endpoint=origin.url)
    lookup = arxiv.PaperLookup(
        lambda: NOW,
        make_ingest(database),
        lambda: container.create_fetcher(settings, lambda: NOW, container.LOOKUP_LIMITS),
        settings.arxiv_url,
        base.no_throttle,
        patience=600,
    )
    search = SearchService(database, GlossaryService(database, lambda: NOW), lambda: NOW)
    return open_shelf(database, lambda: NOW, find_titled=search.find_titled, fetch_titled=lookup.fetch_titled)


LINK = "https://arxiv.org/abs/2501.00001"
PRIVATE = "My doctor called about the biopsy", "See you at the clinic, Bo Carr"
"""Lines that nobody but the reader has to see."""
MAIL = (
    "From: Bo Carr <bo@carr.example>\nTo: ann@example.org\nSubject: My doctor called about the biopsy\n"
    "Message-ID: <1@carr.example>\nContent-Type: text/plain; charset=utf-8\n\n{}\n\n"
    "See you at the clinic, Bo Carr\n"
)
EXPORTS = {
    "WhatsApp on a phone": "[27/11/2026, 15:21:07] Ann: {}\n[27/11/2026, 15:22:10] Bo Carr: {}\n[27/11/2026, 15:23:10] Ann: {}\n",
    "WhatsApp on another": "11/27/26, 3:21 PM - Ann: {}\n11/27/26, 3:22 PM - Bo Carr: {}\n11/27/26, 3:23 PM - Ann: {}\n",
    "KakaoTalk": "[민지] [오후 3:21] {}\n[도윤] [오후 3:22] {}\n[민지] [오후 3:23] {}\n",
    "Zoom": "15:21:07 From Ann Beech to Everyone:\n\t{}\n15:22:10 From Bo Carr to Everyone:\n\t{}\n\t{}\n",
    "Slack": "Ann Beech  3:21 PM\n{}\n\nBo Carr  3:22 PM\n{}\n{}\n",
    "Discord": "[27-Nov-26 03:21 PM] ann\n{}\n\n[27-Nov-26 03:22 PM] bo.carr\n{}\n{}\n",
    "Telegram": json.dumps(
        {"name": "Bo Carr", "messages": [{"from": "Bo Carr", "text": text} for text in ("{}", *PRIVATE)]}
    ),
    "Messenger": json.dumps(
        {
            "participants": [{"name": "Bo Carr"}],
            "messages": [{"sender_name": "Bo Carr", "content": text} for text in ("{}", *PRIVATE)],
            "title": "Bo Carr",
        }
    ),
    "a mail": MAIL,
    "an mbox": f"From bo@carr.example Fri Nov 27 15:21:07 2026\n{MAIL}\nFrom bo@carr.example Fri Nov 27 16:21:07 2026\n{MAIL}",
    "mails in a table": f"Subject,Body,From\n{PRIVATE[0]},{{}},Bo Carr\n{PRIVATE[1]},Hello,Bo Carr\n",
    "Keep": json.dumps([{"title": text, "textContent": "{}", "labels": []} for text in PRIVATE]),
    "a note with front matter": f"---\ntitle: {PRIVATE[0]}\ntags: [clinic]\n---\n\n{{}}\n\n## {PRIVATE[1]}\n",
    "Evernote": f"<?xml version='1.0'?><en-export><note><title>{PRIVATE[0]}</title><content>{{}}</content>"
    f"<author>Bo Carr</author></note><note><title>{PRIVATE[1]}</title></note></en-export>",
    "a browser's bookmarks": f'<!DOCTYPE NETSCAPE-Bookmark-file-1>\n<DL><p>\n<DT><A HREF="{{}}">Attention</A>\n'
    f'<DT><A HREF="https://clinic.example">{PRIVATE[0]}</A>\n<DT><A HREF="https://a.example">{PRIVATE[1]}</A>\n</DL><p>\n',
    "a to-do list": "# To do\n\n- [ ] {}\n- [ ] {}\n- [x] {}\n",
}
"""Chats, mails and notes as programs export them: a link, and what is between people."""


async def test_no_line_of_a_chat_a_mail_or_a_note_is_sent_to_arxiv(
    sqlite_db: Database, origin: OriginServer
) -> None:
    FakeArxiv(origin)
    kept = open_asking_shelf(sqlite_db, origin)
    for reader, (kind, text) in enumerate(EXPORTS.items(), 1):
        for filled in (LINK, *PRIVATE):
            text = text.replace("{}", filled, 1)
        imported = await kept.import_file(Owner(reader), text.encode(), is_kept=False)
        assert [*imported.saved] == ["2501.00001"], kind
        assert [dict(request.query) for request in origin.requests] == [], kind


@pytest.mark.parametrize(
    "text",
    [
        "@book{{a, title={{{}}}}}",
        "TY  - BOOK\nTI  - {}\nER  - \n",
        "TY  - BOOK\nT1  - {}\nER  - \n",
        "%0 Book\n%T {}\n",
        "PMID- 12\nTI  - {}\n",
        "Title,Notes\n{},My doctor called about the biopsy\n",
        '[{{"title": "{}", "author": [{{"family": "Oak"}}], "note": "My doctor called about the biopsy"}}]',
    ],
)
async def test_what_a_file_calls_a_title_is_looked_up_at_arxiv_alone(
    sqlite_db: Database, origin: OriginServer, text: str
) -> None:
    FakeArxiv(origin)
    await open_asking_shelf(sqlite_db, origin).import_file(Owner(7), text.format(ONE).encode(), is_kept=False)
    assert {request.query["search_query"] for request in origin.requests} == {f'ti:"{ONE}"'}


async def test_references_are_found_by_title_in_the_archive_and_then_at_arxiv(
    sqlite_db: Database, origin: OriginServer
) -> None:
    await sqlite_db.write(add_papers, ["Attention is all you need!", "Attention"])
    arxiv_papers = FakeArxiv(origin)
    arxiv_papers.add("1810.04805", "BERT: Pre-training of Deep Bidirectional Transformers")
    arxiv_papers.add("1901.00001", "BERT: Pre-training of Deep Bidirectional Transformers Revisited")
    kept = open_asking_shelf(sqlite_db, origin)
    text = BIBTEX + "@book{knuth, title={The Art of Computer Programming}}\n@misc{empty, year=2020}"
    imported = await kept.import_file(Owner(7), text.encode(), is_kept=False)
    assert (len(imported.saved), imported.unlisted) == (3, 2)
    assert imported.skipped == ("The Art of Computer Programming", "empty")
    rows = (await kept.load_page(Owner(7))).papers
    assert [row.key for row in rows] == ["2501.00001", "1810.04805", "2401.00003"]
    assert rows[1].title == "BERT: Pre-training of Deep Bidirectional Transformers"
    assert len(origin.requests) == 1, "all titles are asked for at once"
    many = "".join(f"@misc{{k{n}, title={{Unknown title {n}}}}}\n" for n in range(30))
    again = await kept.import_file(Owner(8), many.encode(), is_kept=False)
    assert (len(again.skipped), len(again.unasked)) == (0, 30), "an empty answer is no absence"
    arxiv_papers.add("1901.00002", "Unknown title 0")
    arxiv_papers.add("1901.00003", "Unknown title 11")
    found = await kept.import_file(Owner(10), many.encode(), is_kept=False)
    assert (len(found.saved), len(found.skipped), len(found.unasked)) == (2, 18, 10)
    origin.pages["/api/query"] = web.Response(status=503)
    away = await kept.import_file(Owner(9), many.encode(), is_kept=False)
    assert (len(away.skipped), len(away.unasked)) == (0, 30)


async def test_long_titles_are_asked_for_in_several_requests_and_those_with_many_hits_count(
    sqlite_db: Database, origin: OriginServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers_there = FakeArxiv(origin)
    papers_there.add("2501.00009", "Kites in Wind")
    kept = open_asking_shelf(sqlite_db, origin)
    assert kept.fetch_titled
    korean = [f"{'가나다라마바사 ' * 8}{number}" for number in range(9)]
    text = "".join(
        f"@misc{{k{at}, title={{{title}}}}}\n" for at, title in enumerate([*korean, "Kites in Wind"])
    )
    assert [*(await kept.import_file(Owner(7), text.encode(), is_kept=False)).saved] == ["2501.00009"]
    for number in range(201):
        papers_there.add(f"2502.{number + 1:05}", f"Common Learning {number}")
    monkeypatch.setattr(arxiv, "MAX_PER_DAY", 3)
    for _ in range(5):
        await kept.fetch_titled(8, ["Common Learning"])
    assert sum("Common" in str(request.query) for request in origin.requests) == 2 * 3


@pytest.mark.parametrize(
    "text",
    [
        f"@misc{{a, title={{{ONE}}}, eprint={{2409.10001}}, keywords={{clay, To read}}, annote={{of others}}}}",
        f"TY  - JOUR\nTI  - {ONE}\nUR  - https://arxiv.org/abs/2409.10001\nKW  - clay\nKW  - To read\nN1  - of others\nER  - \n",
        f'[{{"title": "{ONE}", "url": "https://arxiv.org/abs/2409.10001", "tags": [{{"tag": "clay"}}, {{"tag": "To read"}}]}}]',
        f'[{{"title": "{ONE}", "url": "https://arxiv.org/abs/2409.10001", "tags": ["clay", "To read"]}}]',
    ],
)
def test_the_tags_of_others_files_come_if_they_are_wanted_and_their_notes_never(text: str) -> None:
    for with_tags, tags in ((True, ["clay", "to-read"]), (False, [])):
        [read] = references.read_references(text.encode(), NOW.date(), with_tags=with_tags)
        assert (read.arxiv_id, notes.parse_tags(read.tags), read.note) == ("2409.10001", tags, "")


async def test_the_strangest_tags_of_a_file_are_shown_and_found(harness: ClientHarness) -> None:
    """docs/commands.md: ten tags of 30 characters. A longer one is cut, and leaves room for others; views keep their names."""
    family, many = "👨\u200d👩\u200d👧\u200d👦", [f"t{number}" for number in range(100)]
    own = ["x" * 5_000, family * 9, "읽을 것", "C++", "<b>@everyone</b>", "@here"]
    tags = [*own, "unread", "updated", *many]
    file = (
        f'"Key","Title","Url","Manual Tags"\n"A","H","https://arxiv.org/abs/2501.00001","{"; ".join(tags)}"\n'
    )
    await harness.bot.services.get(Shelf).import_file(
        Owner(harness.reader.id), file.encode(), is_kept=False, with_tags=True
    )
    [row] = (await harness.bot.services.get(Shelf).load_page(Owner(harness.reader.id))).papers
    cut = "x" * 30, (family * 9)[:30].rstrip("\u200d")
    kept = (*cut, "읽을-것", "c++", "<b>@everyone</b>", "@here", "t0", "t1")
    assert row.tags == kept, "ten, of which two are views"
    shown = shown_text(await harness.ask("saved"))
    assert "#읽을-것" in shown
    for tag in kept:
        assert harness.texts("list-saved-heading", count=1) in shown_text(
            await harness.ask("saved", tag=tag[:60])
        )


async def test_titles_are_not_for_tomorrow_where_arxiv_is_never_asked(sqlite_db: Database) -> None:
    kept = open_shelf(sqlite_db, lambda: NOW, fetch_titled=None)
    imported = await kept.import_file(Owner(7), f"@book{{a, title={{{ONE}}}}}".encode(), is_kept=False)
    assert imported == Imported(unasked=(ONE,), asks_arxiv=False)
    for locale in models.Locale:
        view: Any = messages.import_view(for_locale(locale), imported)
        shown = str(view.to_components())
        assert ONE in shown
        assert not any(word in shown for word in ("tomorrow", "내일"))
    for unasked, said in (((ONE,), "If it may be there"), ((ONE, OTHER), "If they may be there")):
        view = messages.import_view(for_locale(models.Locale.EN), Imported(unasked=unasked))
        assert said in str(view.to_components())


@pytest.mark.parametrize(("field", "key"), [("eprint", "2409.10001"), ("doi", "10.1234/moss.1")])
async def test_a_papers_title_in_the_file_is_shown_to_its_reader_until_a_source_describes_it(
    sqlite_db: Database, field: str, key: str
) -> None:
    """docs/commands.md, *Saved papers* and *A paper outside arXiv*: others see its key alone."""
    kept = open_shelf(sqlite_db, lambda: NOW)
    text = f"@misc{{a, title={{{ONE}}}, {field}={{{key}}}}}"
    imported = await kept.import_file(Owner(7), text.encode(), is_kept=False)
    [(paper_key, shown)] = imported.saved.items()
    assert (shown, imported.unlisted, imported.skipped) == (ONE, int(field == "eprint"), ())
    await kept.import_file(Owner(8), key.encode(), is_kept=False)
    for reader, title in ((7, ONE), (8, None)):
        assert [row.title for row in (await kept.load_page(Owner(reader))).papers] == [title]
    fact = models.PaperFacts(paper_key, "f", "u", NOW, title=OTHER)
    await make_ingest(sqlite_db).add_facts([fact])
    for reader in (7, 8):
        assert [row.title for row in (await kept.load_page(Owner(reader))).papers] == [OTHER]


async def test_each_line_of_a_text_is_saved_or_named(sqlite_db: Database) -> None:
    await sqlite_db.write(add_papers, ["Segment Anything"])
    search = SearchService(sqlite_db, GlossaryService(sqlite_db, lambda: NOW), lambda: NOW)
    kept = open_shelf(sqlite_db, lambda: NOW, find_titled=search.find_titled)
    lines = ["2305.20050", "https://arxiv.org/abs/1706.03762v5", "- Segment Anything", "", "2401.99999"]
    others = ["Some Paper That Does Not Exist At All", "https://openreview.net/forum?id=x", "읽을 논문"]
    for start in ("", "\n", "[1] "):
        imported = await kept.import_file(
            Owner(7), (start + "\n".join([*others, *lines])).encode(), is_kept=False
        )
        assert len(imported.saved) + len(imported.known) == 4
        assert imported.skipped == tuple(others), "a line of a text is no title that arXiv is asked for"


async def test_a_file_that_is_not_read_within_its_limits_is_refused(
    sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.features.shelf.service._READ_MEGABYTES", 1)
    text = "@misc{a, title={b}, annote={" + "x" * 1_100_000 + "}}"
    with pytest.raises(UsageError, match="in time"):
        await open_shelf(sqlite_db, lambda: NOW).import_file(Owner(7), text.encode(), is_kept=False)


@pytest.mark.engines("sqlite", "postgresql")
async def test_imported_papers_keep_the_order_of_the_file(db: Database) -> None:
    kept = open_shelf(db, lambda: NOW)
    async with db.transaction() as connection:
        _, known = await add_papers(connection, ["Listed", "Known"])
        await shelf.save(connection, 7, [known], NOW - timedelta(days=1), None)
    text = "2501.00001\n2501.00002\n2401.99999v2\narXiv:2401.99999\n"
    imported = await kept.import_file(Owner(7), text.encode(), is_kept=False)
    assert [*imported.saved.items()] == [("2501.00001", "Listed"), ("2401.99999", "2401.99999")]
    assert (imported.unlisted, imported.known) == (1, ("Known",))
    rows = (await kept.load_page(Owner(7))).papers
    assert [row.key for row in rows] == ["2501.00001", "2401.99999", "2501.00002"]
    assert [row.is_listed for row in rows] == [True, False, True]
    again = await kept.import_file(Owner(8), text.encode("utf-16"), is_kept=False)
    assert (len(again.saved), again.unlisted) == (3, 1)
    assert await db.fetch(papers.list_arxiv_due, NOW, limit=9) == ["2401.99999"]


@pytest.mark.engines("sqlite", "postgresql")
async def test_titles_are_asked_for_in_turn_by_reader_and_of_listed_papers_first(db: Database) -> None:
    kept = open_shelf(db, lambda: NOW)
    numbers = {1: range(1, 60), 2: range(101, 103), 3: (55, 201)}
    for reader, of_reader in numbers.items():
        text = "\n".join(f"2401.{number:05}" for number in of_reader)
        await kept.import_file(Owner(reader), text.encode(), is_kept=False)
    listed = [f"2401.0030{number}" for number in range(3)]
    rows = "".join(f"- https://arxiv.org/abs/{arxiv_id}\n" for arxiv_id in listed)
    await make_ingest(db).add_text(f"# 2026-01-05\n\n{rows}", location="a.md")
    async with db.read() as connection:
        due = await papers.list_arxiv_due(connection, NOW, limit=200)
        first = await papers.list_arxiv_due(connection, NOW, limit=9)
    assert due[:9] == first
    assert due[:3] == listed
    assert {*first} >= {"2401.00101", "2401.00102", "2401.00055", "2401.00201"}
    assert (len(due), len({*due})) == (65, 65)


async def test_a_file_that_its_reader_fails_on_is_one_that_cannot_be_read(
    sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.archive.references.read_references", child_functions.fail)
    with pytest.raises(UsageError, match=r"The file cannot be read\."):
        await open_shelf(sqlite_db, lambda: NOW).import_file(Owner(7), b"2401.00009", is_kept=False)


async def test_mails_in_mails_are_read_however_deep_they_are(sqlite_db: Database) -> None:
    for depth in (3, 1_000):
        mail = (
            "MIME-Version: 1.0\nContent-Type: message/rfc822\n\n" * depth
            + "Subject: Moss\n\nhttps://arxiv.org/abs/2401.00009\n"
        )
        imported = await open_shelf(sqlite_db, lambda: NOW).import_file(
            Owner(depth), mail.encode(), is_kept=False
        )
        assert [*imported.saved] == ["2401.00009"]


async def test_an_import_stops_at_the_limit(sqlite_db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.shelf.MAX_SAVED", 3)
    kept = open_shelf(sqlite_db, lambda: NOW)
    await kept.import_file(Owner(7), b"2401.00009", is_kept=False)
    text = " ".join(f"2401.{number:05}" for number in range(1, 6))
    imported = await kept.import_file(Owner(7), text.encode(), is_kept=False)
    assert (len(imported.saved), imported.unlisted, imported.full) == (2, 2, 3)


async def test_every_export_format_and_me_data_can_be_imported(sqlite_db: Database) -> None:
    ingest = make_ingest(sqlite_db)
    for name, text in sample_digests.sample_texts():
        await ingest.add_text(text, location=name)
    keys = ["doi/10.1023/a%3A1010933404324", "openreview/aB3dEfGh1J"]
    keys += ["acl/p19-1001", "cvf/CVPR2026/Kim_A_Title"]
    await ingest.add_facts(
        models.PaperFacts(key, "f", key, NOW, title=f"Moss at {key[:4]}", published_on=NOW.date())
        for key in keys
    )
    kept = open_shelf(sqlite_db, lambda: NOW)
    elsewhere = await sqlite_db.fetch(papers.get_ids, keys)
    ids = [*await sqlite_db.fetch(papers.list_newest_ids, limit=100), *elsewhere.values()]
    await kept.save(7, ids)
    for number, paper_id in enumerate([*ids[:4], *elsewhere.values()]):
        await kept.annotate(
            Owner(7), paper_id, note=f"{NOTE} {number}", tags="rl, to-read, 논문리뷰"[: 20 - number]
        )
    page = await kept.load_page(Owner(7))
    before, count = page.papers, page.total
    assert count >= 20
    files = {
        form.value: (await kept.export(Owner(7), form))[0]
        for form in ReferenceFormat
        if form is not ReferenceFormat.MARKDOWN
    }
    files["/me data"] = await Readers(sqlite_db, lambda: NOW).export(7)
    for reader, (form, file) in enumerate(files.items(), 8):
        assert len((await kept.import_file(Owner(reader), file, is_kept=False)).saved) == count, form
        after = (await kept.load_page(Owner(reader))).papers
        assert [(paper.key, paper.title) for paper in after] == [(row.key, row.title) for row in before], form
        assert [(paper.note, paper.tags) for paper in after] == [(row.note, row.tags) for row in before], form
        # A second import changes no note that its reader has edited since.
        await kept.annotate(Owner(reader), after[0].id, note="mine", tags="own")
        assert len((await kept.import_file(Owner(reader), file, is_kept=False)).known) == count, form
        edited = (await kept.load_page(Owner(reader))).papers[0]
        assert (edited.note, edited.tags) == ("mine", ("own",)), form


async def test_what_a_file_holds_is_bounded_before_it_leaves_its_process(sqlite_db: Database) -> None:
    kept = open_shelf(sqlite_db, lambda: NOW)
    joined = (
        '@string{aa = "'
        + "xy " * 700
        + '"}\n@misc{arxiv:2505.01234, title={T}, annote = '
        + "#".join(["aa"] * 2_000)
        + "}"
    )
    long = "@misc{arxiv:2505.01234, title={" + "T " * 90_000 + "}, annote={" + "n " * 900_000 + "}}"
    for text in (joined, long):
        [read] = references.read_references(text.encode(), NOW.date())
        assert sum(map(len, (read.label, read.title, read.note, read.tags))) < 20_000
        assert len((await kept.import_file(Owner(7), text.encode(), is_kept=False)).saved) <= 1
    many = "\n".join(f"2401.{number:05}" for number in range(references.MAX_REFERENCES + 2))
    with pytest.raises(UsageError, match="more than"):
        await kept.import_file(Owner(7), many.encode(), is_kept=False)
    notes = '@string{aa = "' + "n" * 990 + '"}\n'
    notes += "".join(f"@misc{{arxiv:2401.{number:05}, annote = aa}}\n" for number in range(9_000))
    assert sum(len(one.note) for one in references.read_references(notes.encode(), NOW.date())) < len(notes)
