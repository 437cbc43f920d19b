"""Parse other projects' lists of papers in Markdown, JSON or BibTeX: the papers of each day by their keys, with titles.

`lines` and `records` read their items. An item that names a paper by
several keys is one paper: arXiv's id is its key, else the first. A day is of the papers below the heading or line that states
it, or of the row that it is in. Papers without a date form a *rolling* digest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from bot.archive import fields, lines, listing, records, sorting
from bot.archive.items import Item
from bot.text import analyser, date_reader
from storage import errors
from storage.models import Digest, DigestFormat, Problem, Skipped, SkipReason, add_up, arxiv_id_of

_MIN_LIST = 3
"""The papers of a list without a date."""
_AHEAD = timedelta(days=7)
"""How far in the future a list's day may be: a week's list has its last day."""
NO_PAPER = "it names no paper"


def parse(rows: Sequence[str], name: str, on: date | None) -> tuple[Digest, ...]:
    """Parse a Markdown list into one digest per date. Undated papers become a rolling digest dated `on`, which is today.

    `name`, the path or URL, may contain the date. Raises NotADigestError with a reason if the text is not a
    list.
    """
    front, start = lines.read_front_matter(rows)
    named_on = records.day_of(front) or date_reader.find_path_date(name)
    reader = lines.LineReader(rows, named_on)
    papers, skipped = sorting.split(reader.read(start))
    if records.keys_of(front) and isinstance(paper := records.read_item(front, 0), Item):
        # A note of this paper: what its text mentions are others.
        papers = [paper._replace(on=named_on), *(paper for paper in papers if not paper.is_mention)]
    if not papers and any(map(lines.find_keys, rows)):
        raise errors.NotADigestError(
            "its links to papers are in code, comments or references, which are not read"
        )
    dates, is_named = {named_on, *reader.weeks}, named_on is not None or bool(records.keys_of(front))
    return _build_digests(papers, on, skipped, is_named=is_named, certain=dates, doubts=reader.doubts)


def parse_json(text: str, name: str, on: date | None, listing_form: DigestFormat) -> tuple[Digest, ...]:
    """Parse JSON values: listings, Hugging Face's list as people store it, or any objects that contain papers.

    For the arguments see `parse.parse_text`. Raises NotADigestError with a reason if there is no digest.
    """
    values = list(listing.read_values(text))
    if any(listing.is_record(value) for _, value in values[:2]):
        return listing.build_records(values, listing_form)
    path_on = date_reader.find_path_date(name)
    items, stated_on = records.read_answer([value for _, value in values])
    if items and (day := path_on or stated_on):
        return (listing.build(day, listing.from_services(items), form=listing_form),)
    papers, skipped = sorting.split(records.read_items(values, path_on))
    if not papers:
        raise errors.NotADigestError("its objects have no title with a DOI, a link or an ID of a paper")
    return _build_digests(papers, on, skipped, is_named=True, certain={path_on}, doubts=())


def parse_bibtex(text: str, name: str, on: date | None) -> tuple[Digest, ...]:
    """Parse a file of BibTeX, one paper an entry, as a list without a date, unless its `name` has one."""
    entries = (record for record in records.read_bibtex(text) if not isinstance(record, str))
    papers, skipped = sorting.sort_out(entries, lambda record: records.read_item(record, 0))
    path_on = date_reader.find_path_date(name)
    dated = (paper._replace(on=path_on) for paper in papers)
    return _build_digests(dated, on, skipped, is_named=True, certain={path_on}, doubts=())


def _cut(papers: Iterable[Item]) -> tuple[list[Item], list[Problem], tuple[Skipped, ...]]:
    """Return the papers up to the last of MAX_PAPERS distinct ones, a problem if there are more, and the others."""
    ids, problems = set[str](), list[Problem]()

    def judge(paper: Item) -> Item | Skipped:
        ids.add(paper.key)
        if len(ids) <= fields.MAX_PAPERS:
            return paper
        if not problems:
            problems.append(fields.describe_cut(paper.row))
        return paper.skip(SkipReason.TOO_MANY)

    first, beyond = sorting.sort_out(papers, judge)
    return first, problems, beyond


def _build_digests(
    papers: Iterable[Item],
    on: date | None,
    skipped: Iterable[Skipped],
    *,
    is_named: bool,
    certain: Collection[date | None],
    doubts: Iterable[Problem],
) -> tuple[Digest, ...]:
    """Build one digest per date. A list needs three papers, or a date.

    `skipped` are other papers in the text. `is_named`: the text's name contains the date, or the text is JSON.
    `certain` dates may be in the future; `doubts` are about unclear ones.
    """
    papers, problems, beyond = _cut(_unite_keys([*papers]))
    papers, doubtful = _question_dates(papers, on, certain)
    doubts = [*doubts, *doubtful]
    undated = [sorting.skip(SkipReason.NO_DATE, f"line {doubt.line}: {doubt.message}") for doubt in doubts]
    problems += doubts
    everything = {paper.key for paper in papers}
    listed = [paper for paper in papers if not paper.is_mention]
    ids = {paper.key for paper in listed}
    if not everything:
        raise errors.NotADigestError(NO_PAPER)
    what = "arXiv link" if all(map(arxiv_id_of, everything)) else "paper"
    links = f"{len(everything)} {what}{'s' if len(everything) > 1 else ''}"
    if 2 * len(ids) < len(everything):
        raise errors.NotADigestError(
            f"it has {links}, but only {len(ids)} in links or cells: it is not a list"
        )
    if len(ids) < (1 if is_named or doubts or any(paper.on for paper in listed) else _MIN_LIST):
        raise errors.NotADigestError(
            f"it has {links}, but a list has three papers or a date: it is not a list"
        )
    by_day: dict[date | None, dict[str, Item]] = {}
    dated = {paper.key for paper in listed if paper.on}
    united = _unite_fields(listed)

    def judge(paper: Item) -> Item | Skipped:
        if paper.is_mention:
            return paper.skip(SkipReason.MENTION)
        if paper.on is None and paper.key in dated:
            return paper.skip(SkipReason.REPEATED)  # as in a table of contents
        group = by_day.setdefault(paper.on, {})
        is_first = group.setdefault(paper.key, paper) is paper
        return paper if is_first else paper.skip(SkipReason.REPEATED)

    _, others = sorting.sort_out(papers, judge)
    if on is None and None in by_day:
        number = len(by_day[None])
        raise errors.NotADigestError(f"it lists {number} paper{'s' if number > 1 else ''} without a date")
    # The rolling digest comes first: its check for a first read must run before the dated ones are stored.
    digests = [
        listing.build(
            day or on or date.min,
            [
                {**united[key], "key": key, "title": paper.title or united[key]["title"]}
                for key, paper in group.items()
            ],
            [paper.row + 1 for paper in group.values()],
            () if number else problems,
            form=DigestFormat.LIST,
            is_rolling=day is None,
        )
        for number, (day, group) in enumerate(sorted(by_day.items(), key=lambda item: item[0] is not None))
    ]
    unlisted = add_up([*skipped, *beyond, *others])
    digests[0] = replace(digests[0], skipped=unlisted, warnings=add_up(undated))
    return tuple(digests)


def _unite_keys(papers: Sequence[Item]) -> Iterator[Item]:
    """Yield papers so that one which items name by different keys has one key: arXiv's, or else the first.

    Items whose titles differ are those of different papers.
    """
    main: dict[str, str] = {}
    titles: dict[str, str] = {}
    for paper in sorted(papers, key=lambda paper: not paper.is_of_arxiv):
        keys = () if paper.is_mention else (paper.key, *paper.names)
        first = (
            paper.key if paper.is_of_arxiv else next((main[key] for key in keys if key in main), paper.key)
        )
        for key in keys:
            main.setdefault(key, first)
        if paper.title and not paper.is_mention:
            titles.setdefault(first, paper.title)
    for paper in papers:
        key = main.get(paper.key, paper.key)
        if paper.title and key in titles and not analyser.are_titles_alike(titles[key], paper.title):
            key = paper.key
        names = tuple(name for name in (paper.key, *paper.names) if name != key)
        yield paper._replace(key=key, names=names)


def _unite_fields(papers: Iterable[Item]) -> dict[str, dict[str, Any]]:
    """Return what the items of each paper say about it, by its key. Of what several say, the first counts."""
    united: dict[str, dict[str, Any]] = {}
    for paper in papers:
        fields = united.setdefault(paper.key, {"title": None})
        names = dict.fromkeys((*fields.get("names", ()), *paper.names))
        said = {**paper.others, "title": paper.title}
        fields |= {name: value for name, value in said.items() if not fields.get(name)} | {"names": [*names]}
    return united


def _question_dates(
    papers: Iterable[Item], today: date | None, certain: Collection[date | None]
) -> tuple[list[Item], list[Problem]]:
    """Remove dates before the month of the paper's id or in the future, and return a problem for each such date."""
    plausible, doubts = list[Item](), dict[tuple[date, bool], Problem]()
    for paper in papers:
        on = paper.on
        is_early = on is not None and lines.is_early(on, paper.key)
        is_ahead = on is not None and today is not None and on > today + _AHEAD and on not in certain
        if on and (is_early or is_ahead):
            doubt = f"before the month of {paper.key}" if is_early else "in the future"
            problem = Problem(paper.row + 1, f"{on} is {doubt}{lines.UNDATED}")
            doubts.setdefault((on, is_early), problem)
            paper = paper._replace(on=None)
        plausible.append(paper)
    return plausible, list(doubts.values())
