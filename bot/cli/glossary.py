"""The command that shows the glossary: the forms of a term, and the forms that papers hardly confirm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import context, output, search

if TYPE_CHECKING:
    from bot.services.search.glossary_explain import FormEvidence
    from bot.text.glossary.model.concepts import SurfaceForm


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("glossary")(glossary)


def glossary(
    term: Annotated[
        str,
        typer.Argument(
            metavar="[TERM]", help="A term in Korean or English, or an abbreviation.", show_default=False
        ),
    ] = "",
    suspicious: Annotated[
        bool, typer.Option("--suspicious", help="List the forms of all terms that papers hardly confirm.")
    ] = False,
    as_json: output.AsJson = False,
) -> None:
    """Show the forms of a term, what speaks for them, and how many papers each has."""
    if suspicious:
        _print_suspicious(as_json)
        return
    if not term:
        raise typer.BadParameter("Name a term, or use --suspicious.")

    explained = context.run_with_service(search.create_search, lambda service: service.explain_term(term))
    concepts, senses = explained
    if as_json:
        data = [
            {"key": key, "name": _name(key, forms), "forms": [_form_to_dict(*form) for form in forms]}
            for key, forms in concepts
        ]
        output.print_json({"term": term, "senses": senses, "concepts": data})
        return
    columns = ("concept", "form", "language", "explained in", "papers", "from")
    rows = [
        (_name(key, forms), form.text, form.language, form.papers, paper_count, _origin(form))
        for key, forms in concepts
        for form, paper_count in forms
    ]
    output.print_table(columns, rows, empty=f"{term!r} is not in any concept; it is searched for as typed.")
    if senses:
        output.error(f"{term} is short for: {' · '.join(senses)}")


def _name(key: str, forms: Sequence[FormEvidence]) -> str:
    """Return the usual English form of a concept; its key has stems."""
    return next((form.text for form, _ in forms if form.language == "en"), key)


def _print_suspicious(as_json: bool) -> None:
    """Print the Korean forms with few papers that have another form of the term, the weakest first."""
    weak = context.run_with_service(search.create_search, lambda service: service.list_suspicious_forms())
    if as_json:
        rows = [
            {
                "form": form.text,
                "term": term,
                "papers": form.found,
                "confirmed": form.confirmed,
                "explained": form.papers,
                "seeded": form.seeded,
            }
            for term, form in weak
        ]
        output.print_json(rows)
        return
    table = [
        (
            form.text[:20],
            term[:24],
            f"{form.confirmed / form.found:.2f}",
            form.found,
            form.papers,
            "yes" if form.seeded else "no",
        )
        for term, form in weak
    ]
    columns = ("form", "term", "share", "papers", "explained", "listed")
    output.print_table(columns, table, empty="Papers confirm all forms.")


def _form_to_dict(form: SurfaceForm, paper_count: int) -> dict[str, object]:
    return {
        "text": form.text,
        "language": form.language,
        "explained": form.papers,
        "papers": paper_count,
        "seeded": form.seeded,
        "share": form.share,
        "alias": form.is_alias,
        "searched": _is_searched(form),
    }


def _is_searched(form: SurfaceForm) -> bool:
    return form.expands and not form.is_alias


def _origin(form: SurfaceForm) -> str:
    origins = [*(["digests"] if form.papers else []), *(["starting list"] if form.seeded else [])]
    return ", ".join(origins) + ("" if _is_searched(form) else "; asked for, not searched for")
