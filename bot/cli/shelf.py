"""`paperround saved`: a reader's saved papers, listed or as a file of references."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli import context, output

if TYPE_CHECKING:
    from bot.services.shelf.shelf import Shelf
    from storage import models
    from storage.database import Database


def register(app: typer.Typer) -> None:
    """Register the command."""
    app.command("saved")(saved)


def saved(
    user: Annotated[int, typer.Option("--user", min=1, help="The reader's Discord id.")],
    form: Annotated[
        str | None, typer.Option("--format", help="Write a file: bibtex, ris, csl-json, markdown or csv.")
    ] = None,
    tag: Annotated[str, typer.Option("--tag", help="Only papers with this tag.")] = "",
    search: Annotated[str, typer.Option("--search", help="Only papers that match, also by their note.")] = "",
    as_json: output.AsJson = False,
) -> None:
    """Show a reader's saved papers, the last saved first, or write them as a file to stdout."""
    from bot import errors
    from bot.rendering.export.references import ReferenceFormat

    query = " ".join(part for part in (tag and f"#{tag.lstrip('#')}", search) if part)
    if form is None:
        rows, _ = context.run_with_service(_create, lambda shelf: shelf.list_saved(user, query))
        output.print_rows([_to_dict(row) for row in rows], _COLUMNS, as_json, empty="No saved papers.")
        return
    if form not in list(ReferenceFormat):
        raise errors.UsageError(f"{form!r} is not a format. Use one of: {', '.join(ReferenceFormat)}.")
    if as_json:
        raise errors.UsageError("Give either --format or --json.")
    data, _ = context.run_with_service(
        _create, lambda shelf: shelf.export(user, ReferenceFormat(form), query)
    )
    output.print_document(data.decode())


_COLUMNS = ("arxiv_id", "title", "votes", "saved_at", "tags", "note")


def _to_dict(paper: models.SavedPaper) -> dict[str, Any]:
    return {
        "arxiv_id": paper.arxiv_id,
        "title": paper.title,
        "url": paper.url,
        "authors": list(paper.authors),
        "votes": paper.votes,
        "saved_at": paper.saved_at.isoformat(),
        "tags": list(paper.tags),
        "note": paper.note,
        "in_digest": paper.is_listed,
    }


def _create(database: Database) -> Shelf:
    from bot.clock import system_clock
    from bot.services.search.service import SearchService
    from bot.services.search.word_vectors import WordVectors
    from bot.services.shelf.shelf import Shelf

    vectors = WordVectors(context.load_settings().word_vectors)
    return Shelf(database, system_clock, SearchService(database, vectors=vectors).match_papers)
