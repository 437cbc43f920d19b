"""Digests in the form written by Paperround, with the fake model's papers."""

import json
from collections.abc import Sequence
from datetime import date

from bot.app.container import Container
from bot.app.workers import Workers
from bot.archive import digest_writer, parse
from bot.archive.summaries import Basis
from bot.features.writer import prompts, publication
from bot.rendering.templates import Templates
from storage import models, writer
from tests.fake_model import papers, writing

MODEL = "fake-1"


def build_sections(
    paper: papers.Paper,
    digest_format: models.DigestFormat,
    language: models.Locale,
    basis: Basis,
    claims_dropped: int = 0,
) -> tuple[models.Section, ...]:
    """Return a paper's sections, written by the fake model, or an extract if the basis is an extract."""
    if basis in (Basis.EXTRACT, Basis.HUGGINGFACE):
        return publication.build_extract(digest_format, language, paper.summary, basis)
    text = papers.markdown(paper) if basis is Basis.PAPER else paper.summary
    schema = prompts.build_schema(digest_format)
    answer = json.dumps(writing.write(text, schema, korean=language is models.Locale.KO))
    claims = prompts.read_answer(answer, digest_format)
    return publication.build_sections(digest_format, language, claims, basis, claims_dropped)


def print_digest(
    on: date,
    digest_format: models.DigestFormat,
    language: models.Locale,
    chosen: Sequence[tuple[papers.Paper, Basis]],
) -> str:
    """Return a digest of papers, each with a text of the given basis."""
    entries = [
        publication.build_entry(
            rank,
            {"arxiv_id": paper.id, "title": paper.title, "votes": paper.votes, "authors": paper.authors},
            build_sections(paper, digest_format, language, basis),
        )
        for rank, (paper, basis) in enumerate(chosen, 1)
    ]
    return publication.render_digest(on, digest_format, entries, Templates(None))


async def store(
    container: Container,
    on: date,
    digest_format: models.DigestFormat,
    language: models.Locale,
    chosen: Sequence[tuple[papers.Paper, Basis]],
) -> None:
    text = print_digest(on, digest_format, language, chosen)
    place = f"writer/{digest_format}-{language}.md"
    await Workers(container).ingest.add_text(text, location=place)
    async with container.database.transaction() as connection:
        digests = digest_writer.to_sourced_digests(parse.parse_text(text), "files", place)
        await writer.add_published(connection, place, [digest.hash for digest in digests], MODEL)
