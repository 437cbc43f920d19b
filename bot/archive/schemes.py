"""Papers' keys: find them in texts and links, read a typed one, and tell a key's page, label, DOI and date.

A key is an arXiv id or `SCHEME/VALUE`, has no colon and at most `MAX_BYTES` bytes. A DOI is read whole or not at
all: of one that is cut, many papers of a journal would have the same key. https://www.doi.org/doi-handbook/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from enum import StrEnum
from typing import NamedTuple, TypeAlias
from urllib.parse import parse_qs, quote, unquote, urlsplit

from bot.archive import arxiv_ids
from storage.models import SkipReason, scheme_of

MAX_BYTES = 250
"""The longest key in UTF-8: with `.html` it is the name of a file in any file system, and it fits into any index."""
_WITH_CASE = ("openreview", "cvf")
_UNDERSCORE = r"(?:\\_|\{\\_\}|\{\\textunderscore\}|\\textunderscore(?:\{\}| ))"
"""An underscore as LaTeX and Markdown have it."""
_DOI = re.compile(
    r"(?:(?<![0-9A-Za-z.])|(?<=doi)|(?<=DOI))(10\.[0-9]{4,9}(?:\.[0-9]+)*)(?:/|%2[Ff])"
    # The form of journals' older DOIs: https://en.wikipedia.org/wiki/Serial_Item_and_Contribution_Identifier
    r"((?:[^\s\"<>\[\]{}|%]|%(?:28|29|2[Ff]|3[AaBb])){1,80}(?:<|\[|%3[Cc]|%5[Bb]|&lt;)[^\s\"<>\[\]{}|]{1,60}?(?:>|\]|%3[Ee]|%5[Dd]|&gt;)"
    r"[0-9]\.[0-9]\.(?:CO|TX|AB)(?:;|%3[Bb])2(?:-(?:[0-9A-Z]|%23|#))?(?![0-9A-Z])"
    r"|(?:[0-9A-Za-z._/:()+~=@-]|[,;](?!10\.[0-9]{4}|https?:|doi\b)|&(?!(?:amp;)?[a-z_]+=)|%[0-9A-Fa-f]{2}"
    rf"|{_UNDERSCORE})+)",
    re.IGNORECASE,
)
_IS_CUT = re.compile(r"[$\\{^‐‑‒–−À-ɏ\u0300-\u036f%]|<[0-9]|\[[0-9]+:|\*[0-9A-Za-z]|&lt;")
"""What stands behind a DOI that goes on, in a form that is not read."""
_PAGES = frozenset(
    [
        *("abstract", "article-info", "article-metrics", "bib", "citations", "endf"),
        *("epdf", "epub", "figure", "figures", "full", "full-text", "fulltext", "htm", "html"),
        *("meta", "metrics", "nlm", "pdf", "pdf+html", "reader", "references"),
        *("short", "supplementary-material", "table", "tables", "xml"),
    ]
)
"""What is behind a key in the address of a page or file of a paper."""


class _Server(NamedTuple):
    """The DOIs of a server of preprints, or of a journal (`name` None), whose papers have versions.

    `paper` is the DOI of a paper, and `version` what is behind it in that of a version; both are regular expressions.
    """

    name: str | None
    paper: str
    version: str = ""
    first: str = ""
    """What is behind it in the DOI of the first version, where only versions have a DOI."""


_DAY = r"(?:[0-9]{4}\.[0-9]{2}\.[0-9]{2}\.)?"
_OSF, _OSF_VERSION = r"osf\.io/[0-9a-z]{5}", r"_v[0-9]{1,2}"
_SERVERS = (
    _Server("bioRxiv", rf"10\.(?:1101|64898)/{_DAY}[0-9]{{5,7}}", r"v[0-9]{1,3}"),
    _Server("medRxiv", rf"10\.(?:1101|64898)/{_DAY}[0-9]{{8}}", r"v[0-9]{1,3}"),
    _Server("ChemRxiv", r"10\.26434/chemrxiv(?:\.[0-9]{5,9}|-[0-9]{4}-[0-9a-z]{4,7})", r"[./-]v[0-9]{1,2}"),
    _Server("Research Square", r"10\.21203/rs\.[0-9]\.(?:[a-z]+-)?[0-9]+", r"/v[0-9]{1,2}", "/v1"),
    _Server("Preprints.org", r"10\.20944/preprints[0-9]{6}\.[0-9]{4,5}", r"\.v[0-9]{1,2}", ".v1"),
    _Server("PsyArXiv", rf"10\.31234/{_OSF}", _OSF_VERSION),
    _Server("SocArXiv", rf"10\.31235/{_OSF}", _OSF_VERSION),
    _Server("OSF", rf"10\.[0-9]{{4,5}}/{_OSF}", _OSF_VERSION),
    _Server("Authorea", r"10\.22541/[a-z]+\.[0-9]+\.[0-9]+", r"/v[0-9]{1,2}", "/v1"),
    _Server("TechRxiv", r"10\.36227/techrxiv\.[0-9]+\.[0-9]+", r"/v[0-9]{1,2}", "/v1"),
    _Server("TechRxiv", r"10\.36227/techrxiv\.[0-9]+", r"\.v[0-9]{1,2}"),
    _Server("PeerJ Preprints", r"10\.7287/peerj\.preprints\.[0-9]+", r"v[0-9]{1,2}"),
    _Server("ESSOAr", r"10\.1002/essoar\.[0-9]+", r"\.[0-9]{1,2}", ".1"),
    _Server("SSRN", r"10\.2139/ssrn\.[0-9]+"),
    # F1000Research, Wellcome Open Research, Open Research Europe
    _Server(None, r"10\.12688/[a-z0-9]+\.[0-9]+-[0-9]+", r"\.v[0-9]{1,2}", ".v1"),
    _Server(None, r"10\.12688/[a-z0-9]+\.[0-9]+", r"\.[0-9]{1,2}", ".1"),
    _Server(None, r"10\.7554/elife\.[0-9]{5,6}", r"\.[1-9]"),
)
_SERVED = re.compile(
    rf"(?:{'|'.join(f'({row.paper})(?:{row.version})?' for row in _SERVERS)})(?![0-9a-z]|\.[0-9])"
)
"""A DOI of one of these, and its paper as the group of its row."""
_NUMBERED = re.compile(r"(10\.[^/]+/.+?)/[0-9]{4,9}(?:/[^/]*)?")
"""A DOI in an address `…/article-pdf/doi/DOI/NUMBER/NAME`, as many publishers have it."""
_IN_BOOK = re.compile(r"(10\.[^/]+/97[89][0-9]{10}(?:-[0-9]+)?)/.*")
"""A DOI of a book or chapter that consists of an ISBN and a number, before the name in an address."""
_NO_PAPER = re.compile(
    # Zenodo, Dryad, figshare, Dataverse, Mendeley, Kaggle, Hugging Face, OpenNeuro, PANGAEA, GBIF, ICPSR, IEEE DataPort,
    # OSF's projects, the Protein Data Bank; referees' reports of F1000 and Wellcome, Faculty Opinions
    r"10\.(?:5281|5061|6084|7910|17632|34740|57967|18112|1594|15468|3886|21227|17605|2210|5256|21956|3410)/"
    r"|.*(?:\.sa[0-9]+|\.rev[0-9]+|/reviews?/?[0-9]*|/decision/?[0-9]*|-[race]c[0-9]+)$|.*/suppl"
    # files, figures and tables of a paper; whole books, by their ISBN or Elsevier's number; Nature's news
    r"|.*(?:\.[gst][0-9]{3}|/(?:fig|supp|table)-[0-9]+|/s[0-9]|[0-9]supp[a-z]?|/mediaobjects/.*)$"
    r"|10\.[0-9.]+/(?:(?=97[89])(?:[0-9]-?){12}|(?=[0-9]+-[0-9]+-[0-9]+-)(?:[0-9]-?){9})[0-9x]$|10\.1016/c[0-9]{4}-|10\.1038/d[0-9]{5}-"
)
_ACL_ID = r"(?:[a-z][0-9]{2}-(?![0-9]000)[0-9]{4,5}|(?:19|20)[0-9]{2}\.[a-z0-9_]{1,30}-[a-z0-9_]{1,30}\.[1-9][0-9]{0,4})"
_ACL_DOI = re.compile(
    r"[dekpnsw](?:1[6-9])-.*|[0-9]{4}\.(?:findings|acl|naacl|eacl|aacl|emnlp|conll)-.*", re.IGNORECASE
)
"""The Anthology's ids that are the end of a DOI: journals' and those of conferences as LREC are not."""
_CVF_VENUE = r"[A-Z]{3,5}(?:_20[0-9]{2}|20[0-9]{2}(?:W/[\w.-]+)?)"
_KEY = re.compile(
    r"doi/10\.[0-9]{4,9}(?:\.[0-9]+)*/(?:%3A|[^\s:\"|?%A-Z]){3,}"
    rf"|acl/{_ACL_ID}"
    r"|openreview/[A-Za-z0-9_-]{6,20}"
    r"|pmlr/[vr][0-9]{1,4}/[a-z][a-z_'-]{0,50}[0-9]{2}[a-z]{0,3}"
    rf"|cvf/{_CVF_VENUE}/[\w.,'!+&-]+"
)
_ADDRESS = re.compile(
    r"(?<![0-9A-Za-z-])(?:aclanthology\.(?:org|info)|aclweb\.org|openreview\.net|proceedings\.mlr\.press|mlresearch"
    rf"|openaccess\.thecvf\.com|(?:bio|med)rxiv\.org)/(?:[0-9A-Za-zÀ-ɏ./?=&;#_%'!+:~@$*-]|,(?=_)|{_UNDERSCORE}){{1,800}}",
    re.IGNORECASE | re.ASCII,
)
"""An address where a scheme's papers are, or of a folder of PMLR's at GitHub."""
Query: TypeAlias = dict[str, list[str]]


class Kind(StrEnum):
    """What a paper outside arXiv is, for programs that manage references."""

    PREPRINT = "preprint"
    CONFERENCE = "conference"
    ARTICLE = "article"


class Scheme(NamedTuple):
    """What keys mean that begin with a name."""

    label: str
    page: Callable[[str], str]
    doi: Callable[[str], str | None] = lambda _: None
    day: Callable[[str], date | None] = lambda _: None


def _doi(value: str) -> str:
    return value.replace("%3A", ":")


def _read_doi(match: re.Match[str]) -> str | None:
    """Return the key of a DOI in a text (of any scheme), or None: it is cut, or no paper's."""
    text, behind = match.string, match.end()
    folders = text[max(match.start() - 40, 0) : match.start()].lower().split("/")[:-1]
    is_picture = "badge" in folders[-2:] or match[2].lower().endswith(arxiv_ids.PICTURES)
    if is_picture or "".join(folders[-1:]).startswith("suppl") or _IS_CUT.match(text, behind):
        return None
    doi, value = _name_doi(match, folders)
    is_wrapped = value.endswith("-") or (value.endswith("/") and text[behind : behind + 1] == "\n")
    rest = doi.partition("/")[2]
    is_odd = (
        # What its codes stand for is what a DOI may have: no bracket or sign of control that its reader would obey.
        not _DOI.fullmatch(f"{match[1]}/{value}")
        or not (rest.isascii() and rest.isprintable())
        or re.search(r"[%\\`^]|\(sici\)(?!.*;2)|,(?!.*;2)|;(?!2)", rest)
        or rest.count("(") != rest.count(")")
    )
    if is_wrapped or is_odd or len(rest) < _SHORTEST or _NO_PAPER.match(doi):
        return None
    if doi.startswith("10.48550/"):
        return arxiv_ids.parse_bare_id(rest)
    if doi.startswith(("10.18653/v1/", "10.3115/v1/")):
        return _key("acl", rest.removeprefix("v1/"))
    return _key("doi", _first_version(doi).replace(":", "%3A"))


_SHORTEST = 3


def _name_doi(match: re.Match[str], folders: Sequence[str] = ()) -> tuple[str, str]:
    """Return the DOI in a text, without what addresses have behind it, and what was found of it behind its first `/`.

    `folders` are the parts of the address before it.
    """
    value = re.sub(_UNDERSCORE, "_", match[2]).replace("&lt;", "<").replace("&gt;", ">")
    value = re.sub("%([0-9A-Fa-f]{2})", lambda code: chr(int(code[1], 16)), value)
    value = _balanced(value.split("?")[0])
    doi = _without_pages(f"{match[1]}/{value.rstrip('.,;:/_~').lower()}")
    is_numbered = folders[-1:] == ["doi"] and "article" in "".join(folders[-2:-1])
    numbered = _NUMBERED.fullmatch(doi) if is_numbered else None
    if shorter := _IN_BOOK.match(doi) or numbered:
        doi = shorter[1]
    return doi, value


def _first_version(doi: str) -> str:
    """Return a DOI that is the same for all versions of a paper, and that resolves."""
    found = _SERVED.match(doi)
    return (
        f"{found[found.lastindex]}{_SERVERS[found.lastindex - 1].first}" if found and found.lastindex else doi
    )


def _server_of(key: str) -> str | None:
    found = _SERVED.match(key.removeprefix("doi/"))
    return _SERVERS[found.lastindex - 1].name if found and found.lastindex else None


def _balanced(text: str) -> str:
    """Return what is before the first closing bracket that nothing opened."""
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            return text[:place]
    return text


def _without_pages(name: str) -> str:
    """Return a name without what the addresses of a paper's pages and files have behind it."""
    head, _, number = name.rpartition("/")
    if number.isdecimal() and head.rpartition("/")[2] in _PAGES:  # a figure's
        name = head
    while name[(end := max(name.rfind("/"), name.rfind("."))) + 1 :] in _PAGES and end > 0:
        name = name[:end]
    return name


def _read_address(match: re.Match[str]) -> str | None:
    """Return the key of an address in a text, or None: it is no paper's."""
    found = re.sub(_UNDERSCORE, "_", match[0].replace("&amp;", "&")).rstrip(_BEHIND)
    if found.endswith("_"):  # as OpenReview's ids may, which are in the query
        closing = _find_emphasis(match) if "id=" in found else "_"
        found = found.removesuffix(closing).rstrip(_BEHIND)
    address = urlsplit("//" + found)
    path = unquote(address.path).strip("/")
    return _READERS[address.netloc.lower()](path.split("/"), parse_qs(address.query))


_BEHIND = ".,;:*~'!?/"


def _find_emphasis(match: re.Match[str]) -> str:
    """Return the underscores that open an emphasis before an address, in its line and outside brackets; "" without."""
    before = re.split(r"[\n|<>()\[\]\"']", match.string[max(match.start() - 200, 0) : match.start()])[-1]
    mark = ""
    for word in re.findall(r"\w+", before):
        opening = mark or word[: len(word) - len(word.lstrip("_"))]
        mark = "" if word.endswith(opening) and (mark or word != opening) else opening
    return mark


def _read_acl(parts: list[str], _: Query) -> str | None:
    name = _without_pages(parts[-1].lower())
    unversioned = name.rstrip("0123456789")
    return (
        None if "attachments" in parts else _key("acl", unversioned[:-1] if unversioned[-1:] == "v" else name)
    )


def _read_openreview(parts: list[str], query: Query) -> str | None:
    is_paper = parts in (["forum"], ["pdf"]) or (parts == ["attachment"] and query.get("name") == ["pdf"])
    return _key("openreview", query["id"][0]) if is_paper and "id" in query else None


def _read_pmlr(parts: list[str], _: Query) -> str | None:
    name = _without_pages(parts[-1].lower())
    is_paper = len(parts) == 2 or parts[-2:-1] == [name]
    return _key("pmlr", f"{parts[0].lower()}/{name}") if is_paper else None


def _read_cvf(parts: list[str], _: Query) -> str | None:
    """Return the key of a title between its place and `CVPR_2026_paper.html`, which has to be of that place."""
    title, *event = parts[-1].rpartition("_paper.")[0].rsplit("_", 2)
    if len(event) < 2 or parts[-2:-1] not in (["html"], ["papers"]):
        return None
    venue, year = event
    place, slash, workshop = "/".join(parts[:-2]).removeprefix("content").lstrip("/_").partition("/")
    places = {f"{venue[:-1]}{year}W"} if workshop else {f"{venue}{year}", f"{venue}_{year}"}
    return _key("cvf", f"{place.upper()}{slash}{workshop}/{title}") if place.upper() in places else None


def _read_preprint(parts: list[str], _: Query) -> str | None:
    """Return the key of a link to a preprint by its number, which was posted under one of two prefixes."""
    if parts[:2] != ["cgi", "content"] and "early" not in parts:
        return None
    number = _first_version(f"10.1101/{parts[-1]}").partition("/")[2]
    return _key("doi", f"10.{'64898' if '.' in number and number >= '2025.12.01.' else '1101'}/{number}")


_READERS = {
    "aclanthology.org": _read_acl,
    "aclanthology.info": _read_acl,
    "aclweb.org": _read_acl,
    "openreview.net": _read_openreview,
    "proceedings.mlr.press": _read_pmlr,
    "mlresearch": _read_pmlr,
    "openaccess.thecvf.com": _read_cvf,
    "biorxiv.org": _read_preprint,
    "medrxiv.org": _read_preprint,
}


def _cvf_page(value: str) -> str:
    place, _, title = value.rpartition("/")
    venue, _, workshop = place.partition("/")
    year = venue.removesuffix("W")[-4:]
    event = f"{venue.partition(year)[0].rstrip('_')}{'W' if workshop else ''}_{year}"
    folder = f"content_{place}" if "_" in venue else f"content/{place}"
    return f"https://openaccess.thecvf.com/{folder}/html/{quote(title)}_{event}_paper.html"


def _acl_id(value: str) -> str:
    return value if value[:4].isdecimal() else value.upper()


def _preprint_day(value: str) -> date | None:
    """Return the day in a DOI of bioRxiv or medRxiv."""
    found = re.match(r"10\.(?:1101|64898)/([0-9]{4})\.([0-9]{2})\.([0-9]{2})\.", value)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


def _year(value: str) -> date | None:
    found = re.search(r"(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])", value)
    return date(int(found[0]), 1, 1) if found else None


def _acl_day(value: str) -> date | None:
    if value[:4].isdecimal():
        return date(int(value[:4]), 1, 1)
    year = int(value[1:3])
    return date(year + (1900 if year > 60 else 2000), 1, 1)


_SCHEMES = {
    "doi": Scheme(
        label="DOI",
        page=lambda value: "https://doi.org/" + quote(_doi(value), safe="/:;()+~=@,"),
        doi=_doi,
        day=_preprint_day,
    ),
    "acl": Scheme(
        label="ACL Anthology",
        page=lambda value: f"https://aclanthology.org/{_acl_id(value)}/",
        doi=lambda value: f"10.18653/v1/{_acl_id(value)}" if _ACL_DOI.fullmatch(value) else None,
        day=_acl_day,
    ),
    "openreview": Scheme(label="OpenReview", page=lambda value: f"https://openreview.net/forum?id={value}"),
    "pmlr": Scheme(label="PMLR", page=lambda value: f"https://proceedings.mlr.press/{value}.html"),
    "cvf": Scheme(label="CVF", page=_cvf_page, day=_year),
}
_PIECE_LENGTH, _LONGEST_MATCH = 5_000, 900
"""Characters searched at a time, see `arxiv_ids`, and those of the longest key with all its bytes as `%xx`, and its host."""
Place: TypeAlias = tuple[str, int, int]
"""A key, with the start and the end of what names it in a text."""


def read_key(text: str) -> str | None:
    """Return the key that a text consists of (an id, a DOI, a key), or the first that it links to or names."""
    typed = text.strip()
    if arxiv_id := arxiv_ids.parse_bare_id(typed):
        return arxiv_id
    name, _, value = typed.partition("/")
    if not value and (prefix := typed.partition(":"))[0].lower() in _SCHEMES:  # openreview:ID
        name, _, value = prefix
    if not value and "10." not in typed:
        return next(iter(arxiv_ids.find_ids(text)), None)
    if name.lower() not in _SCHEMES:
        return next(iter(find_keys(text)), None)
    if name.lower() == "doi":
        return next(iter(find_keys(f"doi:{value}")), None)
    return _key(name.lower(), value if name.lower() in _WITH_CASE else value.lower())


def find_keys(text: str) -> list[str]:
    """Return the distinct keys that a text links to or names (`arXiv:…`, a DOI), in order; no arXiv id alone."""
    text = arxiv_ids.unquote(text)
    return _distinct((*_find_others(text), *arxiv_ids.find_named_places(text)))


def explain(text: str) -> SkipReason:
    """Return why a text without a key has none: an ID or address is not read, or is that of a data set or a review."""
    text = arxiv_ids.unquote(text)
    dois = [_name_doi(match)[0] for match in _DOI.finditer(text)]
    if any(map(_NO_PAPER.match, dois)):
        return SkipReason.NO_PAPER
    return SkipReason.UNKNOWN_ID if dois or _ADDRESS.search(text) else SkipReason.NO_ID


def names_paper(text: str) -> bool:
    """Return whether a text has a key, even an arXiv id without a link or prefix."""
    has_id = arxiv_ids.MAY_HAVE_ID.search(text) is not None and arxiv_ids.names_paper(text)
    return has_id or next(_find_others(text), None) is not None


def list_keys(text: str, on: date) -> list[str]:
    """Return the distinct keys in a message or file of any format, also of arXiv ids alone. `on` is today's date."""
    keys = _distinct(find_places(arxiv_ids.unquote(text)))
    return [key for key in keys if not is_arxiv(key) or arxiv_ids.is_possible(key, on)]


def find_places(text: str) -> list[Place]:
    """Return each key in a text, also of an arXiv id alone, in order."""
    return sorted((*_find_others(text), *arxiv_ids.find_places(text)), key=lambda place: place[1])


def parse_link_at(text: str, start: int) -> tuple[str, str] | None:
    """Return the key and URL of the paper link at `start`, or None. Without `http`, the URL is that of its page."""
    if link := arxiv_ids.parse_link_at(text, start):
        return link
    address = arxiv_ids.ADDRESS.match(text, start)
    if address is None or not (keys := find_keys(address[0])):
        return None
    is_url = address[0].startswith(("http://", "https://"))
    return keys[0], (address[0] if is_url else page_url(keys[0]))


def without_version(key: str) -> str:
    """Return the key that is read of a key's DOI: all versions of a preprint have that of the paper, or of its first one."""
    return f"doi/{_first_version(key.removeprefix('doi/'))}" if key.startswith("doi/") else key


def is_arxiv(key: str) -> bool:
    return scheme_of(key) == "arxiv"


def label(key: str) -> str:
    """Return where a paper's page is: arXiv, bioRxiv, OpenReview, PMLR; "DOI" without a better name."""
    return "arXiv" if is_arxiv(key) else _server_of(key) or _SCHEMES[scheme_of(key)].label


def publisher_of(key: str) -> str | None:
    """Return where a paper is published; None: its DOI does not tell."""
    return _server_of(key) if key.startswith("doi/") else label(key)


def spell(key: str) -> str:
    """Return a key for a document of another program: with its colons, which `read_key` reads again."""
    return _doi(key)


def short_name(key: str) -> str:
    """Return what names a paper to a reader: its arXiv id, its DOI, or the key."""
    return _doi(key.removeprefix("doi/")) if key.startswith("doi/") else key


def page_url(key: str) -> str:
    """Return the address of a paper's page at arXiv or at its publisher's."""
    if is_arxiv(key):
        return arxiv_ids.abstract_url(key)
    return _SCHEMES[scheme_of(key)].page(key.partition("/")[2])


def list_pages(key: str) -> list[tuple[str, str]]:
    """Return the labels and addresses of a paper's pages, its `page_url` first."""
    pages = [(label(key), page_url(key))]
    if is_arxiv(key):
        pages += [("PDF", arxiv_ids.pdf_url(key)), ("Hugging Face", arxiv_ids.huggingface_url(key))]
    return pages


def doi_of(key: str) -> str | None:
    """Return the DOI that a key tells, in the form that is cited."""
    if is_arxiv(key):
        return f"10.48550/arXiv.{key}"
    return _SCHEMES[scheme_of(key)].doi(key.partition("/")[2])


def kind_of(key: str) -> Kind | None:
    """Return what a paper is by its key; None: arXiv's."""
    if is_arxiv(key):
        return None
    return Kind.PREPRINT if _server_of(key) else Kind.ARTICLE if key.startswith("doi/") else Kind.CONFERENCE


def first_day(key: str) -> date | None:
    """Return the first day of the month or year in a key, or the day in it; None without one."""
    return arxiv_ids.first_day(key) if is_arxiv(key) else _SCHEMES[scheme_of(key)].day(key.partition("/")[2])


def _find_others(text: str) -> Iterator[Place]:
    """Yield the places of papers' links and DOIs, but for links to arXiv."""
    for mark, links, read in (("10.", _DOI, _read_doi), ("/", _ADDRESS, _read_address)):
        if mark not in text:
            continue
        for start in range(0, len(text), _PIECE_LENGTH):
            stop = start + _PIECE_LENGTH
            for match in links.finditer(text, start, stop + _LONGEST_MATCH):
                if match.start() < stop and (key := read(match)):
                    yield key, match.start(), match.end()


def _distinct(places: Iterable[Place]) -> list[str]:
    return list(dict.fromkeys(key for key, _, _ in sorted(places, key=lambda place: place[1])))


def _key(name: str, value: str) -> str | None:
    """Return a key, or None: the value is not of its scheme, or is too long."""
    key = f"{name}/{value}"
    return key if _KEY.fullmatch(key) and len(key.encode()) <= MAX_BYTES else None
