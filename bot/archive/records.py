"""Read the items of records: of objects in JSON, and of entries in BibTeX."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import chain
from typing import Any, NamedTuple

from bot.archive import arxiv_ids, bibtex, fields, listing, mentions, schemes, sorting, title_reader
from bot.archive.items import Item
from bot.text import date_reader
from storage.models import Skipped, SkipReason, arxiv_id_of, scheme_of

_MAX_NAMES = 50_000
"""Characters of the authors of a paper."""
_TITLE_KEYS = ("title", "paper_title")
_LIST_DATE_KEY = re.compile(
    r"\A(?:date|day|week)\Z|\A(?!.*(?:updat|modif|creat|added)).*(?:daily|listed|digest|report)",
    re.IGNORECASE,
)
_DATE_KEY = re.compile(
    r"\A(?!.*(?:updat|modif|creat|added|submit)).*(?:date|publish|announced)", re.IGNORECASE
)
_OF_OTHERS = re.compile(
    r"references?|citations?|cited|cites|bibliography|(?:related|previous|prior|code).*", re.IGNORECASE
)
"""Members of an object with a title that name other papers: cited ones, earlier submissions, what its code is of."""


class _End(NamedTuple):
    """The end of an item in a file, which was left out if no paper and no other item has been read since its start."""

    number: int
    left_out: Skipped

    def tell(self, number: int) -> Skipped | None:
        return self.left_out if self.number == number else None


def read_value(value: object, row: int, path_on: date | None, *, is_item: bool) -> Iterator[Item | Skipped]:
    """Yield the papers in a JSON value in order, without recursion. A list's date counts before its papers' own.

    What is left out is counted once: each item of a list of objects, and each object with a title, but nothing inside one.
    """
    # Whether it is an item, or None inside an object with a title.
    stack: list[tuple[str, object, date | None, bool | None]] = [("", value, path_on, is_item)]
    number = 0
    while stack:
        key, part, on, is_one = stack.pop()
        found = part.tell(number) if isinstance(part, _End) else _read_item(key, part, on, row)
        if found is not None:
            number += 1
            yield found
        if found is not None or isinstance(part, _End):
            continue
        title = _title_of(part) if isinstance(part, Mapping) else None
        if is_one or title:
            stack.append(("", _End(number, _leave_out(part)), None, None))
        if isinstance(part, list):
            are_items = None if is_one is None else any(isinstance(child, Mapping) for child in part)
            stack += [("", child, on, are_items) for child in reversed(part)]
        elif isinstance(part, Mapping):
            on = day_of(part) or on
            stack += [
                (name, child, date_reader.find_date(name[:40]) or on, None if title else False)
                for name, child in reversed([*part.items()])
                if not (_OF_OTHERS.fullmatch(name) and title)
            ]


def _read_item(key: str, item: object, on: date | None, row: int) -> Item | Skipped | None:
    """Return the paper of a text or an object that is a member `key`, or None: it may contain papers."""
    key_id = arxiv_ids.parse_bare_id(key)
    if isinstance(item, str):
        paper_key = _read_key(item) or key_id
        return Item(paper_key, None, on, row) if paper_key else None
    if not isinstance(item, Mapping):
        return None
    if "content" in item and "forum" in item:
        if item.get("id", item["forum"]) != item["forum"]:
            return sorting.skip(SkipReason.NO_PAPER, f"reply to {item['forum']}")
        item = _read_note(item)
    item = {**listing.get_mapping(item, "paper"), **item}
    keys = [key_id] if key_id else _list_keys(item)
    if not keys:
        return None
    paper = _read_record(keys, item, on or day_of(item), row)
    is_known = paper.title or paper.is_of_arxiv
    return paper if is_known else sorting.skip(SkipReason.NO_TITLE, schemes.short_name(paper.key))


def _leave_out(item: object) -> Skipped:
    """Return why an item of a file without a paper has none."""
    if not isinstance(item, Mapping):
        return sorting.skip(
            SkipReason.NO_PAPER, "null" if item is None else "" if isinstance(item, list) else str(item)
        )
    texts = (value for value in item.values() if isinstance(value, str) and len(value) < 300)
    links = [text for text in texts if " " not in text]
    return sorting.skip(schemes.explain("\n".join(links)), _title_of(item) or "".join(links[:1]))


def _list_keys(item: Mapping[str, Any]) -> list[str]:
    """Return the keys in an object's members, arXiv's first, each scheme's first one."""
    keys: dict[str, str] = {}
    for name, value in item.items():
        if not _OF_OTHERS.fullmatch(name) and (key := _read_key(value)):
            keys.setdefault(scheme_of(key), key)
    doi = item.get("doi") or item.get("DOI")
    if isinstance(doi, str) and (key := schemes.read_key(doi)):
        keys.setdefault(scheme_of(key), key)
    return sorted(keys.values(), key=lambda key: arxiv_id_of(key) is None)


def _read_record(keys: Sequence[str], item: Mapping[str, Any], on: date | None, row: int) -> Item:
    """Return the paper of an object or an entry of BibTeX. Outside arXiv, its authors and abstract are the record's."""
    main, *names = keys
    others: dict[str, Any] = {}
    if not arxiv_id_of(main):
        others = {"authors": _authors_of(item), "abstract": item.get("abstract")}
    return Item(main, _title_of(item), on, row, names=tuple(names), others=others)


def _authors_of(item: Mapping[str, Any]) -> list[object]:
    """Return the names in a record: a list of texts or objects, or one text (`A; B`, `A, B and C`, or as in BibTeX)."""
    value = next((item[name] for name in ("authors", "author") if item.get(name)), ())
    if isinstance(value, str):
        value = value[:_MAX_NAMES]
        if " and " in value and all(name.count(",") == 1 for name in value.split(" and ")):
            return [*bibtex.read_names(value)]
        return [*re.split(";" if ";" in value else ",| and ", value)]
    if not isinstance(value, list):
        return []
    return [one.get("name") if isinstance(one, Mapping) else one for one in value]


def _read_note(note: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a paper's note of OpenReview as an object: its address, and its content, in which links name the paper, too."""
    content = {
        name: value["value"] if isinstance(value, Mapping) and "value" in value else value
        for name, value in listing.get_mapping(note, "content").items()
    }
    return {"forum": f"https://openreview.net/forum?id={note['forum']}", **content}


def _title_of(item: Mapping[str, Any]) -> str | None:
    """Return an object's title as plain text."""
    titles = (item[key] for key in _TITLE_KEYS if isinstance(item.get(key), str))
    return next(filter(None, map(title_reader.clean_title, titles)), None)


def _read_key(value: object) -> str | None:
    """Return the key if a value is only an id or a paper's link, or None. A bare key without a link is arXiv's."""
    if arxiv_id := _read_id(value):
        return arxiv_id
    is_link = isinstance(value, str) and len(value) < 300 and "://" in value and " " not in value.strip()
    return schemes.read_key(value) if isinstance(value, str) and is_link else None


def _read_id(value: object) -> str | None:
    """Return the arXiv id if a value is only an id or a paper link, or None."""
    if not isinstance(value, str) or len(value) >= 300:
        return None
    return arxiv_ids.parse_bare_id(value) if " " in value.strip() else arxiv_ids.extract_arxiv_id(value)


def day_of(item: Mapping[str, Any]) -> date | None:
    """Return the date in an object's fields, or None: that of a list, else of the paper, never of its making or change."""
    names = chain(filter(_LIST_DATE_KEY.search, item), filter(_DATE_KEY.search, item))
    dates = (date_reader.find_date(item[name][:40]) for name in names if isinstance(item[name], str))
    return next(filter(None, dates), None)


# Hugging Face's list as people store it: the answer itself or parts of it, in an object with a date, or as JSON Lines.


def _is_service_item(item: object) -> bool:
    """Return whether an object is a paper in Hugging Face's form, in its wrapper or alone."""
    if not isinstance(item, Mapping):
        return False
    paper = listing.get_mapping(item, "paper") or (item if "upvotes" in item else {})
    return _read_id(paper.get("id")) is not None


def read_answer(values: Sequence[object]) -> tuple[list[Any], date | None]:
    """Return the items of Hugging Face's list and its day, or an empty list for any other JSON.

    The day is that of the object around the list, or the newest on which a paper was submitted to the list.
    """
    only = values[0] if len(values) == 1 else list(values)
    around = only if isinstance(only, Mapping) and not _is_service_item(only) else {}
    [(key, items), *others] = [
        (key, part) for key, part in [("", only), *around.items()] if isinstance(part, list)
    ] or [("", [])]
    papers = list(filter(_is_service_item, items))
    if others or 2 * len(papers) <= len(items):
        return [], None
    on = day_of(around) or date_reader.find_date(key[:40])
    submitted = list(filter(None, map(_find_submission, papers)))
    if on or not submitted:
        return items, on
    # The lists of several days are none of one day.
    is_of_one_day = max(submitted) - min(submitted) <= _LONGEST_LIST
    return (items, max(submitted)) if is_of_one_day else ([], None)


_LONGEST_LIST = timedelta(days=4)
"""The longest time in which the papers of one list are submitted: a long weekend."""


def _find_submission(item: Mapping[str, Any]) -> date | None:
    """Return the day on which a paper was submitted to Hugging Face's list, not to arXiv."""
    paper = listing.get_mapping(item, "paper") or item
    return fields.clean_date(paper.get("submittedOnDailyAt"))


# BibTeX.


def read_entry(entry: Mapping[str, str], name: str) -> Item | Skipped:
    """Return the paper of an entry of BibTeX by its fields for ids and links, or why it has none."""
    ids = [entry.get(name, "") for name in ("eprint", "doi", "url", "ee", "pdf", "html")]
    found = [key for value in ids if (key := schemes.read_key(value))]
    # As in references: {arXiv preprint arXiv:2401.00003}, and volume {abs/2401.00003} of {CoRR}.
    journal = f"{entry.get('journal', '')} {entry.get('volume', '')}"
    places = (entry.get(name, "") for name in ("number", "howpublished", "note"))
    found += [
        key
        for text in (journal, *places)
        if mentions.is_only_id(text)
        for key, *_ in schemes.find_places(text)
    ]
    keys = {scheme_of(key): key for key in reversed(found)}
    latex: dict[str, Any] = {
        name: bibtex.read_latex(entry[name]) for name in ("title", "abstract") if name in entry
    }
    latex["authors"] = bibtex.read_names(entry.get("author", "")[:_MAX_NAMES])
    if not keys:
        return sorting.skip(schemes.explain("\n".join(ids)), latex.get("title") or name)
    if not latex.get("title"):
        return sorting.skip(SkipReason.NO_TITLE, name)
    return _read_record(sorted(keys.values(), key=lambda key: arxiv_id_of(key) is None), latex, None, 0)
