"""The entry point of the parsers: bytes to text, text to digests, a digest to the JSON of `paperround parse`.

`FORMATS` has the parser of each format that is written, and the evidence by which it is detected. JSON is detected by its
first character. What is neither may be a list of papers of another form.
"""

from __future__ import annotations

import codecs
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from itertools import islice
from operator import attrgetter
from typing import Any, NamedTuple

from bot.archive import headings as archive_headings
from bot.archive import html_pages, json_list, listing, markdown_lines, paper_list, review
from bot.archive.newsletter import parse_newsletter
from bot.archive.review import parse_review
from storage import errors
from storage.models import Digest, DigestFormat, Entry, Problem

_SAMPLED_PAPERS = 2
_SAMPLED_LINES = 12
_LINE_WEIGHT = 2


@dataclass(frozen=True, slots=True)
class FormatParser:
    """A digest format. `bare_ids`: its papers' headings are ids without a title. `date_marks`, in lower case, are
    found in its date headings alone."""

    parse: Callable[[archive_headings.DatedRows], archive_headings.ParseResult]
    is_typical_line: Callable[[str], bool]
    bare_ids: bool = False
    date_marks: tuple[str, ...] = ()


def _is_newsletter_line(line: str) -> bool:
    return line.startswith(("Vote", "Author")) and archive_headings.parse_labelled_field(line) is not None


def _is_review_line(line: str) -> bool:
    return review.parse_summary_label(line) == "" or line.startswith(review.LINK_MARK)


FORMATS: Mapping[DigestFormat, FormatParser] = {
    DigestFormat.NEWSLETTER: FormatParser(parse_newsletter, _is_newsletter_line),
    DigestFormat.REVIEW: FormatParser(
        parse_review, _is_review_line, bare_ids=True, date_marks=("📰", "hugging face")
    ),
}


def detect_format(
    dated: archive_headings.DatedRows, papers: Sequence[archive_headings.PaperHeading]
) -> DigestFormat:
    """The format of the first papers under a date heading; without papers, the one that the date heading suggests.

    The content alone decides, never a file's name. The first format of the registry wins a tie.
    """
    day = dated.day
    if not papers:
        text = day.heading.text.lower()
        marked = (name for name, form in FORMATS.items() if any(mark in text for mark in form.date_marks))
        return next(marked, DigestFormat.NEWSLETTER)
    scores = dict.fromkeys(FORMATS, 0)
    for index, paper in enumerate(papers[:_SAMPLED_PAPERS]):
        stop = papers[index + 1].row if index + 1 < len(papers) else day.end
        sample = list(_sample_lines(dated.rows, paper.row + 1, stop))
        for name, form in FORMATS.items():
            scores[name] += form.bare_ids is paper.is_bare_id
            scores[name] += _LINE_WEIGHT * sum(map(form.is_typical_line, sample))
    return max(scores, key=scores.__getitem__)


def _sample_lines(rows: Sequence[str], start: int, stop: int) -> Iterator[str]:
    """The first lines under a paper's heading, up to another heading: the text below that may not be the digest's."""
    for line in rows[start : min(stop, start - 1 + _SAMPLED_LINES)]:
        if line.startswith("#") and review.parse_summary_label(line) != "":
            return
        yield line


FILE_SUFFIXES = frozenset({".md", ".markdown", ".txt", ".json", ".jsonl", ".html", ".htm"})
"""Suffixes of digest files, in lower case."""

MAX_BYTES = 20 * 1024 * 1024
"""The largest file that is read, as large as a page of a source. Years of digests fit, and one day is far smaller."""

MAX_LINES = 2_000_000
"""Lines of a text: twenty megabytes of written digests have a fifth of that, and of empty ones take a gigabyte in Python."""

NO_DATE = "it has no heading with a date"
"""The reason for a text without any paper and date."""
_NO_PAPERS = "no paper in a known form stands under this date"


class _Segment(NamedTuple):
    """The rows between two date headings. Without `date` they are not a digest, but may have problems."""

    start: int
    end: int
    problems: list[Problem]
    format: DigestFormat = DigestFormat.NEWSLETTER
    date: date | None = None
    drafts: Sequence[archive_headings.PaperDraft] = ()


def decode(data: bytes) -> str:
    """A file's bytes as text: UTF-8, or UTF-16 with a byte order mark. Raises NotADigestError for anything else."""
    if len(data) > MAX_BYTES:
        size = f"{len(data) / 2**20:.0f} MB"
        raise errors.NotADigestError(f"it has {size}; a digest file may have at most {MAX_BYTES >> 20} MB")
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        if data.count(b"\0", 0, 8192):
            raise errors.NotADigestError("it is binary, not text") from error
        encoding = "UTF-16" if utf16 else "UTF-8"
        raise errors.NotADigestError(f"it is not valid {encoding} (at byte {error.start})") from error
    if text.count("\0", 0, 8192) > 8:
        raise errors.NotADigestError("it is binary, not text")
    return text


def parse_text(
    text: str, name: str = "", on: date | None = None, listing_form: DigestFormat = DigestFormat.LISTING
) -> tuple[Digest, ...]:
    """All digests of a text of any format, in the order of their first dates. Pages of HTML are read as Markdown.

    `name`, its path or address, may have the date of a list; `on` is the day of papers without any date. What says of itself
    that it is a service's listing has the `listing_form`: a stranger's is a list. Raises NotADigestError, with the reason, if
    there is no digest. All other content that is not understood is among the problems of the digest that contains or
    precedes it.
    """
    text = markdown_lines.normalise(text)
    if not text or text.isspace():
        raise errors.NotADigestError("it is empty")
    if listing.is_json(text):
        return json_list.parse(text, name, on, listing_form)
    if html_pages.is_html(text):
        text = html_pages.to_markdown(text)
    if (lines := text.count("\n")) > MAX_LINES:
        raise errors.NotADigestError(f"it has {lines:,} lines; a digest file may have at most {MAX_LINES:,}")
    rows = text.split("\n")
    del text  # 20 MB, unless the caller keeps it
    written: tuple[Digest, ...] = ()
    reason = errors.NotADigestError(NO_DATE)
    try:
        written = _parse_written(rows)
    except errors.NotADigestError as error:
        reason = error
    if any(map(_is_typical, written)):
        return written
    if "does not exist" in str(reason):
        raise reason  # it is dated, so its papers are not those of another day
    try:
        listed = paper_list.parse(rows, name, on)
    except errors.NotADigestError as error:
        if written:
            return written
        # What is there says more than what is not: papers without a form or a date, before a date without papers.
        raise (reason if str(error) == NO_DATE else error) from None
    found, known = _count_papers(listed), _count_papers(written)
    # More problems than papers: a list that has a newsletter's headings and other texts below them.
    is_strained = sum(len(digest.problems) for digest in written) > known
    return listed if found > known or (found == known and is_strained) else written


def _is_typical(digest: Digest) -> bool:
    """Whether a digest has what only its format has, and so cannot be a list that looks like it."""
    if digest.format is DigestFormat.REVIEW:
        return any(entry.sections for entry in digest.entries)
    return any(entry.votes is not None or entry.authors for entry in digest.entries)


def _count_papers(digests: Iterable[Digest]) -> int:
    return sum(len(digest.entries) for digest in digests)


def _parse_written(rows: Sequence[str]) -> tuple[Digest, ...]:
    """The digests of the two written formats. A repeated date continues its digest. Raises NotADigestError for none."""
    headings = markdown_lines.find_headings(rows)
    papers_by_row = {
        paper.row: paper
        for heading in headings
        if (paper := archive_headings.parse_paper_heading(heading, rows))
    }
    days = archive_headings.find_date_headings(headings, papers_by_row, len(rows))
    if not days:
        raise errors.NotADigestError(NO_DATE)
    first_row = days[0].heading.row
    above = [paper for paper in papers_by_row.values() if paper.row < first_row]
    segments = [_Segment(0, first_row, _undated_paper_problems(above))]
    for day in days:
        start = bisect_left(headings, day.heading.row + 1, key=attrgetter("row"))
        below = headings[start : bisect_left(headings, day.end, key=attrgetter("row"))]
        segments.append(_parse_segment(archive_headings.DatedRows(rows, day, below, papers_by_row)))
    groups = _group_segments(segments)
    if not groups:
        raise errors.NotADigestError(_rejection_reason(segments, days))
    return tuple(_build_digest(rows, group) for group in groups)


def _parse_segment(dated: archive_headings.DatedRows) -> _Segment:
    """The digest under a date heading, or the reason why there is none."""
    rows, day, headings, papers_by_row = dated
    start = day.heading.row
    papers = [papers_by_row[heading.row] for heading in headings if heading.row in papers_by_row]
    error = day.error
    if day.date:
        digest_format = detect_format(dated, papers)
        drafts, problems, end = FORMATS[digest_format].parse(dated)
        if drafts or (day.mentions_papers and not archive_headings.find_stray_text(rows, start + 1, end)):
            left_out = _undated_paper_problems(paper for paper in papers if paper.row >= end)
            end = day.end if left_out else end
            return _Segment(start, end, problems + left_out, digest_format, day.date, drafts)
        error = _NO_PAPERS
    if not papers and not day.mentions_papers:
        return _Segment(start, day.end, [])
    problem = Problem(start + 1, f"{error}: {markdown_lines.excerpt(day.heading.text)}")
    return _Segment(start, day.end, [problem, *_undated_paper_problems(papers)])


def _undated_paper_problems(papers: Iterable[archive_headings.PaperHeading]) -> list[Problem]:
    """A problem for each paper outside all dated digests: it is named, not parsed."""
    return [
        Problem(paper.row + 1, f"{paper.arxiv_id} stands outside a dated digest and is left out")
        for paper in papers
    ]


def _group_segments(segments: Sequence[_Segment]) -> list[list[_Segment]]:
    """The segments of each digest. A segment without one joins the digest before it, or else the first."""
    groups: dict[tuple[DigestFormat, date], list[_Segment]] = {}
    group: list[_Segment] = []
    for segment in segments:
        if segment.date:
            leading = [] if groups else group
            group = groups.setdefault((segment.format, segment.date), [])
            group += [*leading, segment]
        elif segment.problems:
            group.append(segment)
    return list(groups.values())


def _build_digest(rows: Sequence[str], group: Sequence[_Segment]) -> Digest:
    dated = next(segment for segment in group if segment.date)
    assert dated.date
    entries, repeated = archive_headings.build_entries(draft for segment in group for draft in segment.drafts)
    problems = [problem for segment in group for problem in segment.problems] + repeated
    problems.sort(key=lambda problem: problem.line)
    return Digest(dated.format, dated.date, entries, tuple(problems), _join_rows(rows, group))


def _join_rows(rows: Sequence[str], group: Sequence[_Segment]) -> str:
    """The rows of the segments with one line end at the end, joined in one copy."""
    kept = [row for segment in group for row in islice(rows, segment.start, segment.end)]
    while kept and (not kept[-1] or kept[-1].isspace()):
        kept.pop()
    if kept:
        kept[-1] = kept[-1].rstrip()
    return "\n".join([*kept, ""]) if kept else "\n"


def _rejection_reason(segments: Sequence[_Segment], days: Sequence[archive_headings.DateHeading]) -> str:
    """Why a text with date headings has no digest: its first problem."""
    problems = [problem for segment in segments[1:] for problem in segment.problems]
    if problems:
        return f"line {problems[0].line}: {problems[0].message}"
    day = next((day for day in days if day.error), days[0])
    return (
        f"line {day.heading.row + 1}: {day.error or _NO_PAPERS}: {markdown_lines.excerpt(day.heading.text)}"
    )


def digest_to_json(digest: Digest, file: str) -> dict[str, Any]:
    """Return the JSON object of a digest. Keys and their order are a contract. `file` is the file's name to print."""
    return {
        "file": file,
        "format": digest.format.value,
        "date": digest.date.isoformat(),
        "papers": [paper_to_json(entry) for entry in digest.entries],
        "problems": [asdict(problem) for problem in digest.problems],
    }


def paper_to_json(entry: Entry) -> dict[str, Any]:
    """Return the JSON object of a paper in a digest."""
    record = asdict(entry)
    return record | {"authors": list(entry.authors), "sections": list(record["sections"])}
