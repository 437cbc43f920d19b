"""The registry of written digest formats: the parser of each, and the evidence by which a digest's format is detected.

The third format, `bot.digests.listing`, is JSON and detected by its first character.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.digests.elements import date_headings, labelled_fields, paper_headings
from bot.digests.markdown import lines
from bot.digests.newsletter.parser import parse_newsletter
from bot.digests.review import markers
from bot.digests.review.parser import parse_review
from storage.models import DigestFormat

_SAMPLED_PAPERS = 2
_SAMPLED_LINES = 12
_LINE_WEIGHT = 2

Parser = Callable[
    [
        Sequence[str],
        Sequence[lines.Heading],
        Mapping[int, paper_headings.PaperHeading],
        date_headings.DateHeading,
    ],
    paper_headings.ParseResult,
]


@dataclass(frozen=True, slots=True)
class FormatParser:
    """A digest format. `bare_ids`: its papers' headings are ids without a title. `date_marks`, in lower case, are
    found in its date headings alone."""

    parse: Parser
    is_typical_line: Callable[[str], bool]
    bare_ids: bool = False
    date_marks: tuple[str, ...] = ()


def _is_newsletter_line(line: str) -> bool:
    return line.startswith(("Vote", "Author")) and labelled_fields.parse_labelled_field(line) is not None


def _is_review_line(line: str) -> bool:
    return markers.parse_summary_label(line) == "" or line.startswith(markers.LINK_MARK)


FORMATS: Mapping[DigestFormat, FormatParser] = {
    DigestFormat.NEWSLETTER: FormatParser(parse_newsletter, _is_newsletter_line),
    DigestFormat.REVIEW: FormatParser(
        parse_review, _is_review_line, bare_ids=True, date_marks=("📰", "hugging face")
    ),
}


def detect_format(
    rows: Sequence[str], day: date_headings.DateHeading, papers: Sequence[paper_headings.PaperHeading]
) -> DigestFormat:
    """The format of the first papers under a date heading; without papers, the one that the date heading suggests.

    The content alone decides, never a file's name. The first format of the registry wins a tie.
    """
    if not papers:
        text = day.heading.text.lower()
        marked = (name for name, form in FORMATS.items() if any(mark in text for mark in form.date_marks))
        return next(marked, DigestFormat.NEWSLETTER)
    scores = dict.fromkeys(FORMATS, 0)
    for index, paper in enumerate(papers[:_SAMPLED_PAPERS]):
        stop = papers[index + 1].row if index + 1 < len(papers) else day.end
        sample = list(_sample_lines(rows, paper.row + 1, stop))
        for name, form in FORMATS.items():
            scores[name] += form.bare_ids is paper.is_bare_id
            scores[name] += _LINE_WEIGHT * sum(map(form.is_typical_line, sample))
    return max(scores, key=scores.__getitem__)


def _sample_lines(rows: Sequence[str], start: int, stop: int) -> Iterator[str]:
    """The first lines under a paper's heading, up to another heading: the text below that may not be the digest's."""
    for line in rows[start : min(stop, start - 1 + _SAMPLED_LINES)]:
        if line.startswith("#") and markers.parse_summary_label(line) != "":
            return
        yield line
