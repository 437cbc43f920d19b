"""Parse and clean the fields of digests: headings, labelled lines and single values.

Also defines the size limits of digests, and detects the language of a summary.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from bot.archive import arxiv_ids, html_pages, schemes
from bot.text import plain, typography
from storage.models import Problem, Section

MAX_PAPERS = 10_000
"""The most papers read from one text, and from a source's first poll."""
MAX_AUTHORS = 10_000
"""The most authors of a paper, twice as many as any paper has had."""
MAX_CHARACTERS = 40_000
"""The most characters of all sections of a paper with headings, twenty times a long review."""
MAX_LINE_LENGTH = 1_000
"""Characters of a title or a heading."""
MAX_NAME_LENGTH = 200
"""Characters of a name. Collaborations have the longest."""
MAX_TEXT_LENGTH = 20_000
_MAX_NAMES_LENGTH = 50_000
MAX_URL_LENGTH = 2_000
_MAX_LABELS = 50
_MAX_MEDIA = 30
_MAX_VOTES = 10_000_000


def decode_json(text: str) -> object:
    """Parse JSON and drop lone surrogates (an emoji that a server cut in half).

    Raises ValueError for invalid or too deeply nested JSON.
    """
    try:
        value: object = json.loads(text)
        if "\\ud" in text.lower():
            value = json.loads(plain.make_storable(json.dumps(value, ensure_ascii=False)))
        return value
    except RecursionError as error:
        raise ValueError(str(error)) from None


def bounded_key(location: str, max_length: int) -> str:
    """Return the location, with its end replaced by a SHA-256 if it exceeds `max_length` characters."""
    if len(location) <= max_length:
        return location
    return location[: max_length - 64] + hashlib.sha256(location.encode("utf-8", "replace")).hexdigest()


def describe_bug(error: Exception) -> str:
    """Describe a bug for an error message, since the parsing process has no log."""
    detail = clean_line(str(error), _MAX_BUG_LENGTH)
    return f"caused an internal error ({type(error).__name__}{f': {detail}' if detail else ''})"


_MAX_BUG_LENGTH = 120


def clean_line(value: object, max_length: int = MAX_LINE_LENGTH) -> str | None:
    """Return a text on one line of at most `max_length` characters, or None if it has no visible character."""
    if not isinstance(value, str):
        return None
    line = plain.to_single_line(value[: 4 * max_length])
    return plain.cut(line, max_length) if plain.is_visible(line) else None


def clean_paragraph(value: object) -> str | None:
    """Return a text as paragraphs separated by empty lines, or None if it is empty."""
    if not isinstance(value, str):
        return None
    blocks = map(plain.to_single_line, value[:MAX_TEXT_LENGTH].replace("\r\n", "\n").split("\n\n"))
    return "\n\n".join(filter(None, blocks)) or None


_TAG = re.compile(
    r"<(?P<end>/?)(?:(?:jats|mml|m|xhtml):[a-z-]{1,30}|(?P<block>p|br|div|li|h[1-6]|sec|title)|i|b|em|strong|su[bp]|u|s|sc|scp|tt|span|font|a|img|[ou]l"
    r"|italic|bold|inline-formula|math|m(?:row|i|n|o|su[bp]|subsup|text|style|frac|sqrt|over|under|space))(?:\s[^<>]{0,2000}=[^<>]{0,2000})?\s?/?>",
    re.IGNORECASE | re.ASCII,
)
"""A tag of HTML, JATS or MathML, and not what papers write in angle brackets, such as `<think>`."""
_ABSTRACT_HEADING = re.compile(
    r"<(?:jats:)?(title|h[1-6])>\s*(?:abstract|summary|초록)\W*</(?:jats:)?\1>", re.IGNORECASE | re.ASCII
)


def read_markup(text: str) -> str:
    """Return a title or an abstract of a record as plain text: without tags, with characters for references."""
    if "<" not in text and "&" not in text:
        return text
    text = _ABSTRACT_HEADING.sub("", html_pages.unescape(text) if "&lt;" in text else text)
    has_markup = "</" in text or "/>" in text or "<br" in text
    text = (
        text
        if not has_markup
        else _TAG.sub(
            lambda tag: "\n\n" if tag["block"] or ":p" in tag[0] or ":title" in tag[0] else "", text
        )
    )
    return html_pages.unescape(text).strip()


def clean_labels(values: object) -> tuple[str, ...]:
    """Return the distinct keywords or categories in order, each on one line."""
    return tuple(dict.fromkeys(_clean_each(values, _clean_name)))[:_MAX_LABELS]


def clean_names(values: object) -> tuple[str, ...]:
    """Return people's names in order, each on one line, LaTeX as text. Those without a letter are dropped."""
    names = _clean_each(values, _clean_name)
    return tuple(line for line in map(typography.to_plain_text, names) if any(map(str.isalpha, line)))


def clean_media(values: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_clean_each(values, clean_url)))[:_MAX_MEDIA]


def _clean_name(value: object) -> str | None:
    return clean_line(value, MAX_NAME_LENGTH)


def _clean_each(values: object, clean: Callable[[object], str | None]) -> Iterator[str]:
    if not isinstance(values, str | bytes | Mapping) and isinstance(values, Iterable):
        yield from filter(None, map(clean, itertools.islice(values, MAX_AUTHORS)))


def clean_url(value: object) -> str | None:
    """Return an http(s) URL without line breaks, which browsers also drop, or None for any other value."""
    from yarl import URL

    if not isinstance(value, str) or len(value) > MAX_URL_LENGTH:
        return None
    address = "".join(map(str.strip, value.splitlines()))
    if not address.isprintable():
        return None
    try:
        url = URL(address)
    except ValueError:
        return None
    return str(url) if url.scheme in ("http", "https") and url.raw_host else None


_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp")
_VIDEOS = (".mp4", ".webm", ".mov")


def is_picture(address: str) -> bool:
    """Return whether a URL has the file extension of a picture that Discord shows."""
    return _path_of(address).endswith(_PICTURES)


def is_video(address: str) -> bool:
    """Return whether a URL has the file extension of a video that Discord plays."""
    return _path_of(address).endswith(_VIDEOS)


def _path_of(address: str) -> str:
    return address.partition("#")[0].partition("?")[0].lower()


def clean_votes(value: object) -> int | None:
    """Return a vote count, or None (never 0) if the value is invalid."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_VOTES:
        return None
    return value


def clean_date(value: object) -> date | None:
    """Return the date of an ISO 8601 timestamp, or None for any other value."""
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value).date()
    except ValueError:
        return None


def cut_sections(sections: Sequence[Section]) -> Iterator[Section]:
    """Yield sections up to MAX_CHARACTERS in total, cutting the last one and long headings."""
    room = MAX_CHARACTERS
    for section in sections:
        heading = plain.cut(section.heading or "", MAX_LINE_LENGTH)
        if room <= len(heading):
            return
        length = len(heading) + len(section.body)
        is_whole = length <= room and len(heading) == len(section.heading or "")
        yield section if is_whole else Section(heading or None, section.body[: room - len(heading)])
        room -= length


def describe_cut(row: int) -> Problem:
    """Return a problem reporting that a text has too many papers. `row` is the row of the first paper left out."""
    return Problem(row + 1, f"only the first {MAX_PAPERS:,} papers are read, up to here")


# Parts of written digests: headings with a paper, labelled lines, bullets with a heading.


class PaperHeading(NamedTuple):
    """A heading that names a paper by its `key`. A bare id has no `title`, and a heading without a link has no `url`."""

    key: str
    title: str | None
    url: str | None


def parse_paper_heading(text: str) -> PaperHeading | None:
    """Return the paper that a heading links to or begins with the id of, or None."""
    text = html_pages.convert_tags(text) if "<" in text else text
    if "/" not in text and not arxiv_ids.MAY_HAVE_ID.search(text):
        return None
    for match in _LINK_START.finditer(text):
        if link := schemes.parse_link_at(text, match.end()):
            key, url = link
            before, label = text[: match.start()], match["label"]
            if not label or before.count("[") > before.count("]"):
                start = text.find("[") + 1
                before, label = text[:start], text[start : match.start("end")]
            if is_button(label):
                return PaperHeading(key, before.strip(" *_-–—:|[(") or None, url)
            is_id = (schemes.read_key if "/" in label else arxiv_ids.parse_bare_id)(label) == key
            return PaperHeading(key, None if is_id else _clean_title(label), url)
    words = text.split(maxsplit=2)
    for number in (1, 2):
        if paper_id := arxiv_ids.parse_bare_id(" ".join(words[:number]).strip("[]():`*")):
            return PaperHeading(paper_id, _clean_title(" ".join(words[number:]).lstrip("-–—: ")), None)
    return None


_LINK_START = re.compile(
    r"(?:\[(?P<label>(?:[^\[\]]++|\[[^\[\]]*+\])*+))?(?P<end>\])\s?\(?\s?<?(?=https?://|\S{0,20}arxiv)",
    re.IGNORECASE,
)
_BUTTONS = frozenset(
    word
    for row in (
        "abs abstract arxiv hf html link links paper papers pdf url doi code data dataset datasets github gitlab",
        "project page pages website site web homepage demo video videos talk poster slides bibtex bib cite citation",
        "supp supplement supplementary supplemental material materials appendix openreview pmlr cvf acl anthology",
        "biorxiv medrxiv ieee xplore acm springer nature elsevier sciencedirect science direct hugging face huggingface",
        "model models weights blog post thread publisher journal proceedings article preprint export version reviews",
        "discussion forum repository repo source official download read view see open visit click check get go",
        "full text free access online more here the at on in and with of for this our to mb kb 논문 링크 원문 코드",
        "oral spotlight",
        "데이터 데이터셋 프로젝트 페이지 홈페이지 초록 발표 자료 영상 슬라이드 포스터 보기 다운로드 바로가기 论文",
        "论文链接 链接 原文 代码 项目 主页 项目主页 数据 数据集 下载 摘要 全文 論文 リンク コード ページ 本文 要旨",
    )
    for word in row.split()
)
"""The words of links that name no paper by its title."""
_LETTERS = re.compile(r"[^\W\d_]+")


def is_button(label: str) -> bool:
    """Return whether a link's label has no other words than those of buttons, and no number: `Download PDF`, `[code]`, none."""
    is_plain = len(label) < MAX_LINE_LENGTH and not any(map(str.isdecimal, label))
    return is_plain and _BUTTONS.issuperset(_LETTERS.findall(label.lower()))


def _clean_title(title: str) -> str | None:
    """Return a title on one line with brackets unescaped and bold removed, or None if it is empty."""
    title = " ".join(title.replace("\\[", "[").replace("\\]", "]").split())
    for mark in ("**", "__", "*"):
        size = len(mark)
        is_marked = (
            len(title) > 2 * size and title.startswith(mark) and title.find(mark, size) == len(title) - size
        )
        title = title[size:-size].strip() if is_marked else title
    return title if plain.is_visible(title) else None


TITLE_LABEL = re.compile(
    r"\W{0,6}(?:paper |논문\s?|论文)?(?:title|제목|标题|題名|タイトル)\**\s?[:：]\**\s*", re.IGNORECASE
)
_NOTICE = re.compile(
    r"(?:(?:author|publisher)['’]?s? correction|correction|corrigend(?:um|a)|errat(?:um|a)|retraction(?: note)?"
    r"|(?:editorial )?expression of concern|editorial|masthead|news|obituary|issue (?:editorial )?(?:masthead|information)"
    r"|(?:inside )?(?:front|back) (?:cover|matter)|cover (?:image|picture|feature)|table of contents|editorial board"
    r"|정오표|정정|訂正|勘误|更正)(?:\s?[:：]|\s(?:to|for)\b|\s?\Z)",
    re.IGNORECASE,
)


def is_notice(*labels: str | None) -> bool:
    """Return whether a title or a type is that of a journal's notice and no paper's: `Author Correction: Moss`, `Editorial`."""
    return any(label and _NOTICE.match(label.strip()) for label in labels)


_QUOTES = ('""', "''", "“”", "‘’", "「」", "『』", "《》", "[]")


def strip_quotes(title: str) -> str:
    """Return a title without the quotation marks or brackets around all of it."""
    is_quoted = len(title) > 2 and title[0] + title[-1] in _QUOTES and title[-1] not in title[1:-1]
    return title[1:-1].strip() if is_quoted else title


_BULLET_HEADING = re.compile(
    r"(?:[^\w\s*_\[({<\"'`$]\ufe0f?\s)?(?:(?P<mark>\*{2,3}|__)\s?(?P<bold>[^*]{1,1000}?)\s?(?:[:：]\s?(?P=mark)|(?P=mark)\s*(?:[:：]|[-–—]\s))"
    r"|[*_\[]{0,3}(?P<marked>what['’]s new|technical details|performance highlights)"
    r"(?:[*_\]]{0,3}\s?[:：][*_]{0,3}|\*{2,3}(?=\s)))\s*(?:<br\s?/?>\s*)?",
    re.IGNORECASE,
)


def split_heading(text: str) -> tuple[str | None, str]:
    """Split a bullet into its bold heading (`**New**: it …`; None if absent) and the text after the colon."""
    match = _BULLET_HEADING.match(text)
    if match is None:
        return None, text
    return (match["bold"] or match["marked"]).rstrip(" :：") or None, text[match.end() :]


_LABEL = re.compile(
    r"[\W_]{0,6}(?P<name>votes?|upvotes?|likes|추천|authors?|저자)(?:\(s\)|들|수)?"
    r"[*_]{0,3}\s?[:：][*_]*\s*(?P<value>.*)",
    re.IGNORECASE | re.DOTALL,
)
_COUNT = re.compile(
    r"([0-9]{1,9}|[0-9]{1,3}(?:,[0-9]{3}){1,2})(?:\s?(?:votes?|upvotes?|likes?|표|👍))?", re.IGNORECASE
)
_UNKNOWN_VALUES = frozenset({"", "-", "–", "—", "?", "n/a", "none", "null", "unknown", "미상", "없음"})


def parse_labelled_field(line: str) -> tuple[str, str] | None:
    """Parse a labelled line into its field ("votes" or "authors") and value. Returns None for other lines."""
    match = _LABEL.match(line)
    if not match:
        return None
    return ("votes" if match["name"][0] in "vVuUlL추" else "authors"), match["value"].strip()


def parse_votes(value: str) -> tuple[int | None, bool]:
    """Parse a vote count. Returns the number, or None if unknown, and whether the value is valid."""
    value = value.strip("*_` ().,+")
    match = _COUNT.fullmatch(value) if len(value) < 40 else None
    return (int(match[1].replace(",", "")), True) if match else (None, value.lower() in _UNKNOWN_VALUES)


_QUOTED_NAME = re.compile(r"'((?:[^'\\]|\\.){0,200}+)'|\"((?:[^\"\\]|\\.){0,200}+)\"", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_MORE = re.compile(
    r"\+.{0,40}|\.{3}|…|et\.? al\.?|(?:and )?(?:[0-9]{1,4} )?(?:others|more)(?: authors)?", re.IGNORECASE
)
"""Marks of a truncated list of authors, such as "et al."."""
_MORE_STARTS = "+.…eEaAoOmM0123456789"
_TRAILING_MORE = re.compile(r"\s(?:et\.? al\.?|and [0-9]{1,4} (?:others|more)|외 [0-9]{1,4}\s?[명인])$")


def parse_authors(value: str) -> tuple[tuple[str, ...], bool]:
    """Return the names in order, and whether the digest truncated the list.

    The names are separated by commas or semicolons, or form a Python or JSON list. The mark of a truncated
    list can appear anywhere.
    """
    value = value[1:-1].strip("*_") if value[:1] in ("*", "_") and value[-1] == value[0] else value
    if value.lower().strip("*_` ") in _UNKNOWN_VALUES:
        return (), False
    quoted = list(_QUOTED_NAME.finditer(value)) if value.startswith(("[", '"')) else []
    if quoted:
        names = [_ESCAPE.sub(_unescape, match[1] or match[2] or "").strip() for match in quoted]
        between = _QUOTED_NAME.sub("", value)
        is_shortened = any(mark in between for mark in ("+", "...", "…"))
        return tuple(map(typography.to_plain_text, filter(None, names))), is_shortened
    names = _split_names(value.strip("[]"))
    people = [name for name in names if name[0] not in _MORE_STARTS or not _MORE.fullmatch(name[:60])]
    is_shortened = len(people) < len(names)
    if people:
        last = people[-1]
        people[-1] = _TRAILING_MORE.sub("", last) if len(last) < MAX_NAME_LENGTH else last
        is_shortened |= people[-1] != last
    return tuple(map(typography.to_plain_text, people)), is_shortened


def _split_names(line: str) -> list[str]:
    """Return the names in a line: between semicolons, else commas, else *and*, and before an *and* at its end."""
    marks = next((marks for marks in _SEPARATORS if marks.search(line)), _SEPARATORS[0])
    names = list(filter(None, map(str.strip, marks.split(line))))
    if len(names) > 1 and marks is not _SEPARATORS[-1]:
        names = [*names[:-1], *filter(None, map(str.strip, _SEPARATORS[-1].split(names[-1])))]
    return names


_SEPARATORS = tuple(map(re.compile, ("[;；]", "[,，、]", r"(?:^|\s)(?:and|&|그리고)\s|\s?·\s?")))
"""What separates names: the first of these that a text has."""


_AND = re.compile(r"\s(?:and|&|그리고)\s")
_GIVEN, _FAMILY = (
    ("given", "givenname", "first", "firstname", "forename"),
    ("family", "familyname", "last", "lastname", "surname"),
)
_WHOLE = ("name", "fullname", "displayname", "literal", "text", "value", "author", "creator")
"""The members of an object for a person, without `_` and `-`."""
_NUMBERED, _IS_CJK = (
    re.compile(r"\s[0-9]{4}$"),
    re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3·\\s]{2,12}"),
)
_TITLES = frozenset(("inc", "ltd", "llc", "jr", "sr", "ii", "iii", "md", "phd"))
"""What is no given name behind a comma."""


def read_names(value: object) -> tuple[str, ...]:
    """Return the people in a record's field for names, in order: in a text, an object, or a list of either.

    A person in a list or an object is written `Ann Beech` or `Beech, Ann`. A text has one person or several, between
    semicolons or commas, of which one may also be between a family name and what goes before it.
    """
    return clean_names(_list_people(value, is_one=False))


def _list_people(value: object, *, is_one: bool) -> Iterator[str]:
    """Yield the people in a value; of one that is a member of a list, each comma is between a family and a given name."""
    if isinstance(value, str):
        line = " ".join(value[:_MAX_NAMES_LENGTH].split())
        yield from (_turn(_NUMBERED.sub("", line)),) if is_one else _split_people(line)
    elif isinstance(value, Mapping):
        members = {re.sub("[^a-z]", "", str(name).lower()): member for name, member in value.items()}
        given, family = (
            [members[name] for name in names if isinstance(members.get(name), str)]
            for names in (_GIVEN, _FAMILY)
        )
        if family:
            is_cjk = _IS_CJK.fullmatch("".join((*family[:1], *given[:1])))
            yield "".join((*family[:1], *given[:1])) if is_cjk else " ".join((*given[:1], *family[:1]))
        elif whole := next((members[name] for name in _WHOLE if members.get(name)), None):
            yield from _list_people(whole, is_one=True)
    elif isinstance(value, list):
        for member in value[:MAX_AUTHORS]:
            yield from _list_people(member, is_one=len(value) > 1)


def _split_people(line: str) -> list[str]:
    """Return the people in a line. Commas are inside names if one side of each pair is one word, or initials."""
    sides = _AND.split(line)
    if len(sides) > 1 and ";" not in line and all(side.count(",") == 1 for side in sides):
        return [*map(_turn, sides)]
    parts = _split_names(line)
    is_other = ";" in line or "," not in line or len(parts) % 2 or any(map(_IS_CJK.fullmatch, parts))
    families, given = parts[::2], parts[1::2]
    if is_other or not (all(map(_is_word, families)) or all(map(_is_word, given))):
        return parts
    return [_turn(f"{name}, {own}") for name, own in zip(families, given, strict=True)]


def _is_word(part: str) -> bool:
    """Return whether a part of a name is one word, or initials."""
    return " " not in part or (part.isupper() and len(re.sub(r"[\W_]", "", part)) < 5)


def _turn(name: str) -> str:
    """Return a name with what is behind its only comma first."""
    family, _, given = name.partition(", ")
    is_whole = not given or "," in given or given.lower().replace(".", "") in _TITLES
    return name if is_whole else f"{given} {family}"


def _unescape(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    return plain.make_storable(chr(int(code, 16))) if code else match[3].translate(_BLANKS)


_BLANKS = str.maketrans("ntr\n", "    ")
_IMAGE = re.compile(
    r"!\[(?:[^\[\]]|\[[^\[\]]{0,100}\]){0,300}\]\s?[(\[<]{0,2}\s?(https?://[^\s)>\]]{1,2000})"
    r"(?:\s{1,9}[\"'][^\"'\n]{0,200}[\"'])?\s?[)>\]]{0,2}(?:\{[^{}\n]{0,100}\})?"
)
_LOCAL_IMAGE = re.compile(r"!\[[^\[\]]{0,300}\]\((?!<?https?:)[^\s()]{1,2000}\)")
"""An image with a relative address, which nothing can load."""
_ADDRESS = re.compile(r"https?://[^\s()<>\[\]\"']{1,2000}")
_MEDIA_WORDS = frozenset(
    (
        *("video", "watch", "play", "movie", "clip", "demo", "youtube", "image", "figure"),
        *("picture", "photo", "cover", "thumbnail", "poster", "the", "here", "link", "view", "see"),
        *("gif", "mp", "mov", "webm", "png", "jpg", "jpeg", "webp", "br", "영상", "동영상", "비디오", "보기"),
        *("데모", "시연", "이미지", "그림", "사진", "썸네일", "표지"),
    )
)
_VIDEO_WORDS = ("video", "watch", "movie", "영상", "비디오")


def parse_media(line: str) -> tuple[str | None, str | None, str] | None:
    """Return the cover URL, the video URL and the other text of a line that shows media, or None.

    Media are an image or a tag in Markdown or HTML, and the address of a picture or video that stands alone or
    after a label such as "Watch Video", in brackets of any kind. If only one is present, the other is None; of an
    image with a relative address, both.
    """
    line = html_pages.convert_tags(line[:5_000]) if "<" in line else line[:5_000]
    if local := _LOCAL_IMAGE.match(line):
        return None, None, line[local.end() :].strip()
    if line.startswith(("![", "[![")) and (image := _IMAGE.search(line)):
        rest = "" if line[0] == "[" else _IMAGE.sub("", line).strip()
        return (None, image[1], rest) if is_video(image[1]) else (image[1], None, rest)
    address = _ADDRESS.search(line)
    if address is None:
        return None
    label = _ADDRESS.sub("", line).lower()
    if not _MEDIA_WORDS.issuperset(re.findall(r"[^\W\d_]+", label)):
        return None
    if is_video(address[0]) or any(word in label for word in _VIDEO_WORDS):
        return None, address[0], ""
    return (address[0], None, "") if is_picture(address[0]) else None
