"""Commands that search the archive, and `glossary`, which shows and changes the forms of a term."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperCommand

from bot.archive import schemes, summaries
from bot.cli import shell
from bot.core.admission import Admission
from bot.search import results as search_results
from bot.search.glossary_service import GlossaryService
from bot.search.index import SearchIndex, folder_of
from bot.search.results import Hint, SearchRequest, Sort
from bot.search.service import FormEvidence, SearchService
from bot.text import query_parser
from bot.text.concepts import SurfaceForm
from storage import errors, models
from storage.database import Database

if TYPE_CHECKING:
    from bot.features.ask.answers import Answer

_MAX_NAMES = 5
_INCOMPLETE_INDEX = "Nothing found in a search index that is not complete: `paperround reindex` completes it."
_EMPTY_ARCHIVE = (
    "The archive has no papers yet. Add some with `paperround sources fetch` or `paperround ingest`."
)
_HIDDEN = "Hidden papers are left out: `paperround papers show` lists them."
ORDERS = {"best": "relevance", "votes": "votes", "newest": "date", "oldest": "oldest"}
"""The values of `bot.search.results.Sort` by the names of the orders."""
Order = Annotated[
    Literal["best", "votes", "newest", "oldest"] | None,
    typer.Option("--order", help="The order; best match first by default, or most votes without words."),
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="Maximum number of papers.")]


class QueryCommand(TyperCommand):
    """A command whose arguments are a query, in which -word is a word to leave out, not a row of short options."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments, after moving each -word to their end."""
        end = args.index("--") if "--" in args else len(args)
        taking = {name for one in self.params if not getattr(one, "is_flag", True) for name in one.opts}
        excluded = [
            word
            for before, word in zip(["", *args], args[:end], strict=False)
            if _EXCLUDED.match(word) and word not in ctx.help_option_names and before not in taking
        ]
        kept = [word for word in args[:end] if word not in excluded]
        return super().parse_args(ctx, [*kept, "--", *excluded, *args[end + 1 :]])


_EXCLUDED = re.compile(r"-[^-]")


async def search(
    query: Annotated[
        list[str],
        typer.Argument(
            metavar="QUERY",
            help='Words in Korean or English, with "a phrase", -word, author:, from:, since:, until: and votes: if needed.',
        ),
    ],
    order: Order = None,
    limit: Limit = 20,
    full_json: Annotated[
        bool, typer.Option("--json-full", help="Print JSON with the total, corrections and meanings too.")
    ] = False,
) -> shell.Output:
    """Find papers on a topic, best first."""
    if not "".join(query).strip():
        raise errors.UsageError(
            "QUERY is empty. Give words, a question, an arXiv ID, a DOI or a filter such as author:NAME."
        )

    async with shell.open_reader() as database:
        service = create_search(database)
        sort = Sort(ORDERS[order]) if order else None
        result = await service.search(SearchRequest(" ".join(query), limit=limit, sort=sort))
        empty = await _explain_nothing(database, result.rows, "Nothing found.")
    data = answer_to_dict(result)
    kinds = ["kind"] * (result.on_topic < result.total) + ["missing"] * any(result.missing.values())
    listed = list_papers(data["papers"], empty, *kinds)
    return replace(listed, data=data if full_json else listed.data, is_json=full_json, notes=_notes(result))


async def _is_index_incomplete(database: Database) -> bool:
    index = SearchIndex(folder_of(database))
    return await database.look_up(lambda view: index.count_unindexed(view) > 0)


async def _explain_nothing(database: Database, rows: Sequence[models.PaperRow], sentence: str) -> str:
    """Return the sentence for an empty result, or another one if the archive has no papers or the index lacks some."""
    if rows:
        return sentence
    if await _is_index_incomplete(database):
        return _INCOMPLETE_INDEX
    return await explain_empty(database, sentence)


async def explain_empty(database: Database, sentence: str) -> str:
    """Return a sentence for an empty result, where papers are hidden with how to list them, or that there are no papers."""
    from storage import papers

    if await database.fetch(papers.list_hidden):
        return f"{sentence} {_HIDDEN}"
    return sentence if (await create_search(database).get_extent()).paper_count else _EMPTY_ARCHIVE


def answer_to_dict(result: search_results.SearchResult) -> dict[str, Any]:
    """Convert a search result for JSON output, with how each paper matches and the terms that it lacks."""
    return {
        **shell.pick(result, "total on_topic all_terms"),
        "terms": result.read.terms,
        "also": result.read.translations,
        "read_as": result.read.meant,
        **shell.pick(result.read, "absent corrected meanings"),
        "without": result.read.excluded,
        "ignored": result.read.ignored,
        "suggestions": result.suggestions,
        "papers": [found_to_dict(row, result) for row in result.rows],
    }


def found_to_dict(row: models.PaperRow, result: search_results.SearchResult) -> dict[str, Any]:
    """Convert a found paper for JSON output: its `kind` is "on" (the topic), "all" (terms) or "some"."""
    kind = result.kinds.get(row.key)
    return {**to_dict(row), "kind": kind and kind.value, "missing": result.missing.get(row.key, ())}


async def like(
    texts: Annotated[
        list[str] | None,
        typer.Argument(metavar="PAPER…", help="arXiv IDs, DOIs, keys or links.", show_default=False),
    ] = None,
    day: Annotated[
        date | None,
        typer.Option(
            "--date", parser=shell.parse_date, help="YYYY-MM-DD, today or yesterday; by default the newest."
        ),
    ] = None,
    listed: Annotated[
        typer.FileText | None, typer.Option("--list", metavar="FILE", help="A file with papers, one a line.")
    ] = None,
    limit: Limit = 20,
) -> shell.Output:
    """Show a day's papers by how much they are like some papers, the nearest first."""
    texts = [*(texts or ()), *filter(None, map(str.strip, listed or ()))]
    if not texts:
        raise errors.UsageError("Give papers that others can be like, or a file with --list.")
    async with shell.open_reader() as database:
        data = await rank_like(database, create_search(database), texts, day, limit)
        empty = await explain_empty(database, f"No papers for {data['date'] or 'today'}.")
    rows = ({**paper, "kind": "like" if paper["is_like"] else ""} for paper in data["papers"])
    output = list_papers(rows, empty, "likeness", "kind")
    few = "Of fewer than five papers little can be learnt." if data["known"] < 5 else ""
    unknown = f"Unknown here: {name_some(data['unknown'])}." if data["unknown"] else ""
    return replace(output, data=data, rows=output.rows, notes=filter(None, (unknown, few)))


async def rank_like(
    database: Database, searching: SearchService, texts: Sequence[str], day: date | None, limit: int
) -> dict[str, Any]:
    """Return a day's papers by how much they are like those that texts name, for JSON output, and what is unknown of these."""
    from storage import papers

    keys = {text: schemes.read_key(text) or text for text in texts}
    ids = await database.fetch(papers.get_ids, [*keys.values()])
    page, on = await searching.get_digest(day, limit=sys.maxsize)
    sizes = dict.fromkeys([row.id for row in page.rows], page.total)
    alike = await searching.our_lists.compare_with([*ids.values()], sizes)
    rows = sorted((row for row in page.rows if row.id in alike), key=lambda row: -alike[row.id].degree)
    return {
        "date": on,
        "known": len(ids),
        "unknown": [text for text, key in keys.items() if key not in ids],
        "papers": [
            {
                **to_dict(row),
                "likeness": round(alike[row.id].degree, 2),
                "is_like": alike[row.id].is_like,
                "reasons": [{"topic": each.english, "papers": each.papers} for each in alike[row.id].reasons],
            }
            for row in rows[:limit]
        ],
    }


async def author(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The name's parts in any order, with or without diacritics.")
    ],
    limit: Limit = 20,
) -> shell.Output:
    """Find an author's papers, sorted by votes."""
    if not name.strip():
        raise errors.UsageError("NAME is an empty string. Give an author's name.")
    async with shell.open_reader() as database:
        result = await create_search(database).find_author(name, limit=limit)
        similar = f"Similar names: {', '.join(result.near)}." if result.near else "Try another spelling."
        unknown = f"No author is called {name!r}. {similar}"
        unknown = await _explain_nothing(database, result.rows, unknown)
    data = author_to_dict(result)
    listed = list_papers(data["papers"], unknown)
    return replace(listed, data=data, notes=_author_notes(name, result))


def _author_notes(name: str, result: search_results.AuthorResult) -> Iterator[str]:
    if result.is_corrected:
        yield f"No author is called {name!r}; showing the closest name, {result.author}."
    if result.namesakes:
        yield f"Papers by several people with this name: {name_some(result.namesakes)}"
    elif len(result.matches) > 1:
        yield f"{result.author}; other matches: {name_some(result.matches[1:])}"


def name_some(names: Sequence[str]) -> str:
    """Return the first of some names, and how many more there are."""
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return ", ".join(names[:_MAX_NAMES]) + more


def author_to_dict(result: search_results.AuthorResult) -> dict[str, Any]:
    return {
        **shell.pick(result, "author matches namesakes"),
        "corrected": result.is_corrected,
        "papers": [to_dict(row) for row in result.rows],
    }


async def paper(
    paper_id: Annotated[
        str,
        typer.Argument(
            metavar="PAPER", help="An arXiv ID, a DOI, a link to the paper, or a part of its title."
        ),
    ],
) -> shell.Output:
    """Show everything known about a paper."""
    async with shell.open_reader() as database:
        detail = await create_search(database).find_paper(paper_id)
        if detail is None:
            return await _unknown_paper(database, paper_id)
    return shell.Output(detail_to_dict(detail), "\n".join(_describe_paper(detail)))


async def _unknown_paper(database: Database, paper_id: str) -> shell.Output:
    from storage import papers

    key = schemes.read_key(paper_id)
    unknown = f"The archive has no paper {paper_id!r}. `paperround search WORDS` finds papers by title."
    hidden = await database.fetch(papers.find_hidden, [key] if key else [])
    if hidden:
        unknown = f"You have hidden {key}. `paperround papers show {key}` shows it again."
    return shell.Output(None, notes=[unknown], status=1)


async def ask(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[PAPER] QUESTION",
            help="What you want to know; of one paper: its ID, DOI or link, or a part of its title in quotation marks first.",
        ),
    ],
) -> shell.Output:
    """Ask the archive or one paper: the nearest passages, word for word. A paper's text is read from the web once.

    With `PAPERROUND_WRITER_URL`, also sentences by that language model.
    """

    from bot.features.ask.archive_questions import guess_language

    paper_id, *rest = words
    is_named = schemes.read_key(paper_id) is not None
    if is_named and not rest:
        return await paper(paper_id)
    async with shell.open_container() as container:
        may_name = is_named or len(words) == 2
        found = await create_search(container.database).find_paper(paper_id) if may_name else None
        if is_named and found is None:
            return await _unknown_paper(container.database, paper_id)
        question = " ".join(rest if found is not None else words)
        language = guess_language(question)
        questions = container.create_questions(Admission(1))
        answer = await questions.answer(question, language, user_id=0, paper=found)
        note = ""
        if not (answer.found or answer.paper):
            if await _is_index_incomplete(container.database):
                raise errors.UsageError(_INCOMPLETE_INDEX)
            note = await explain_empty(container.database, "")
        if (unfinished := questions.begin_sentences(answer)) is not None:
            answer = await questions.add_sentences(unfinished, question, language, user_id=0)
    return _describe_answer(answer, note.strip())


def asked_to_dict(answer: Answer) -> dict[str, Any]:
    """Convert an answer for JSON output. One of a paper has what was read of it, one of the archive what that is."""
    if answer.paper is not None:
        of_kind = {
            **_named(answer.paper),
            "basis": answer.basis.value,
            "answers": answer.is_near,
            "read_as": {typed: list(forms) for typed, forms in answer.read_as},
        }
    else:
        of_kind = {
            "absent": list(answer.absent),
            "excluded": list(answer.excluded),
            "corrected": [list(pair) for pair in answer.corrected],
            "disagree": answer.disagree,
            "archive": answer.extent and answer.extent._asdict(),
        }
    return {
        "is_near": answer.is_near,
        "kind": answer.kind.value,
        **of_kind,
        "sentences": [{"text": one.text, "passage": one.quote} for one in answer.sentences],
        "passages": [
            {
                **_named(one.paper),
                "votes": one.paper.votes,
                "date": one.paper.last_on.isoformat(),
                "words": one.source.words.value,
                "digest": one.source.on and one.source.on.isoformat(),
                "section": one.source.passage.section,
                "language": one.source.language,
                "place": one.source.url,
                "text": one.excerpt.text,
            }
            for one in answer.found
        ],
    }


def _describe_answer(answer: Answer, note: str) -> shell.Output:
    """Return a model's sentences, and each passage with its paper and whose words it has, in Discord's words, and a note."""
    from bot.features.ask import messages
    from bot.i18n.texts import for_locale
    from bot.rendering.markdown import read_plain_line

    texts = for_locale(models.Locale.EN)
    lines = [f"{sentence.text} ({sentence.quote})\n" for sentence in answer.sentences]
    for number, found in enumerate(answer.found, start=1):
        paper, words = found.paper, read_plain_line(messages.describe_words(texts, answer, found))
        text = "" if found.source.words.value == "title" else found.excerpt.text
        title = f"{paper.title or paper.key}  {paper.last_on}  ▲{'–' if paper.votes is None else paper.votes}"
        foot = [title] if answer.paper is None else []
        foot.append("  ".join(filter(None, (words, found.source.url))))
        mark = f"({number}) " if answer.sentences else ""
        lines.append("\n".join((mark + text, *(f"    {line}" for line in foot))).strip("\n") + "\n")
    notes = [*map(read_plain_line, messages.describe(texts, answer))]
    if answer.paper is not None and answer.basis.value != "paper":
        notes.append(
            "With PAPERROUND_LOG=console:debug the same command shows why the full text could not be read."
        )
    notes += filter(None, (*map(read_plain_line, messages.list_notes(texts, answer)), note))
    status = 0 if answer.is_near or answer.basis.value == "paper" else 1
    return shell.Output(asked_to_dict(answer), "\n".join(lines), notes=notes, status=status)


def to_dict(row: models.PaperRow) -> dict[str, Any]:
    return {**_named(row), **shell.pick(row, "date votes authors score withdrawn_by")}


def _named(paper: models.PaperRow | models.PaperDetail) -> dict[str, Any]:
    """Return what names a paper: `arxiv_id` is null for one that is not arXiv's, `doi` for one without a known DOI."""
    known = {"doi": schemes.doi_of(paper.key), "title": paper.title}
    return {**shell.pick(paper, "key arxiv_id"), **known, "url": paper.url or schemes.page_url(paper.key)}


def detail_to_dict(
    detail: models.PaperDetail, name_source: Callable[[str], str] = lambda source: source
) -> dict[str, Any]:
    """Convert a paper's details for JSON output. `name_source` returns the public name of the source of a digest."""
    return {
        **_named(detail),
        **shell.pick(detail, "first_on votes votes_read_at authors authors_truncated abstract"),
        **shell.pick(detail, "thumbnail video media code_url project_url organization keywords categories"),
        **shell.pick(detail, " ".join(models.SHOWN_ARXIV_FIELDS)),
        "in_digest": detail.is_listed,
        "labels": detail.labels,
        "date": detail.last_on.isoformat(),
        "digests": [
            {
                "date": appearance.date.isoformat(),
                "format": appearance.format.value,
                "language": appearance.language,
                "rank": appearance.entry.rank,
                "votes": appearance.entry.votes,
                "sections": [
                    {"heading": section.heading, "body": section.body}
                    for section in appearance.entry.sections
                ],
                "summary_missing": summaries.misses_summary(appearance),
            }
            for appearance in detail.appearances
        ],
        "summaries": [
            {
                "format": appearance.format.value,
                "language": summaries.find_language(appearance),
                "basis": basis and basis.value,
                "source": name_source(appearance.source),
                "date": appearance.date.isoformat(),
                "shown": bool(summaries.shown_sections(appearance.entry)),
            }
            for appearance in detail.appearances
            if appearance.format is not models.DigestFormat.LOOKUP
            for basis in (summaries.find_appearance_basis(appearance),)
        ],
    }


def list_papers(papers: Iterable[Mapping[str, Any]], empty: str, *further: str) -> shell.Output:
    """Return an output with a table of papers, given as for JSON, that has `further` columns; `empty` is printed without any."""
    data = list(papers)
    rows = [{**paper, "id": paper["key"], "authors": paper["authors"][:3]} for paper in data]
    return shell.Output(data, empty, ("id", "date", "votes", "title", "authors", *further), rows)


def _notes(result: search_results.SearchResult) -> Iterator[str]:
    """Yield how a query was read, what of it was not used, and what finds more.

    Discord's sentences would take 0.2 s of CPU to load, and a whole search takes 0.5 s.
    """
    if result.is_stale:
        yield "The search index is not up to date; papers may be missing."
    if result.unknown_id:
        yield f"The archive has no paper {result.unknown_id}. Search for words from its title."
    is_shown = result.read.is_rewritten or result.read.translations
    on_topic, all_terms = result.on_topic, result.all_terms
    counted = (
        (on_topic, "on the topic (on)"),
        (all_terms, "with all words (all)"),
        (result.total - on_topic - all_terms, "that lack a word (some; 60 at most)"),
    )
    accepted = ", ".join(query_parser.list_accepted_forms(result.read.ignored))
    suggested = (text for text in result.suggestions if not result.rows or text not in result.read.terms)
    forms = f" ({', '.join(result.read.translations)})" if result.read.translations else ""
    for label, values, more in (
        ("Not understood and ignored", result.read.ignored, f" (use {accepted})" if accepted else ""),
        ("Corrected", map(" → ".join, result.read.corrected), '; "quotation marks" search as typed.'),
        ("Read as", filter(None, [result.read.meant]), ""),
        ("Also", (reading.query for reading in result.read.others), ""),
        ("No paper has", result.read.absent, ""),
        ("Searched", [" · ".join(result.read.terms)] if is_shown and result.read.terms else (), forms),
        ("Without", result.read.excluded, ""),
        ("The query has several meanings", result.read.meanings, ""),
        ("Papers", (f"{n} {kind}" for n, kind in counted if n and on_topic < result.total), "."),
        ("These find papers", suggested, ""),
    ):
        if listed := ", ".join(values):
            yield f"{label}: {listed}{more}"
    if Hint.TODAY in result.hints:
        yield "`paperround digest` prints the newest digest."
    if result.total > len(result.rows):
        yield f"{result.total} in all; --limit shows more."


def _describe_paper(detail: models.PaperDetail) -> Iterator[str]:
    votes = "unknown" if detail.votes is None else detail.votes
    yield f"{detail.key}  {shell.pick(detail, 'title')['title'] or '(no title)'}"
    days = dict.fromkeys((str(detail.first_on), str(detail.last_on)))
    listed = f"in digests: {' to '.join(days)}" if detail.is_listed else "not in a digest"
    yield f"{detail.url}\nvotes: {votes}   {listed}"
    authors = ", ".join(detail.authors) or "unknown"
    yield f"authors: {authors}{' …' if detail.authors_truncated else ''}"
    links = (("code", detail.code_url), *(("media", address) for address in detail.media))
    yield from (
        f"{label}: {value}" for label, value in (("withdrawn by", detail.withdrawn_by), *links) if value
    )
    locale = shell.load_settings().locale
    for appearance in sorted(detail.appearances, key=lambda row: summaries.find_language(row) != locale):
        language = summaries.find_language(appearance)
        foreign = "" if language == locale else f", {language}"
        yield f"\n{appearance.date} ({appearance.format.value}{foreign})"
        if summaries.misses_summary(appearance):
            yield "(no summary: the text is a model's refusal, made up, or empty)"
        for section in summaries.shown_sections(appearance.entry):
            yield f"{section.heading}: {section.body}" if section.heading else section.body
    best = summaries.best_summary(detail, models.Locale(locale))
    if best is not None and best.format is None:
        yield f"\nabstract: {detail.abstract}"


def create_search(database: Database) -> SearchService:
    """Return a search service that updates the index before its first search."""
    index = SearchIndex(folder_of(database), at_once=None)
    return SearchService(database, index=index)


async def glossary(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TERM] | forget TERM FORM | add TERM FORM",
            help="A term in Korean or English, or an abbreviation. `add` makes FORM a form of TERM;"
            " `forget` removes it. Put several words in quotation marks.",
            show_default=False,
        ),
    ] = None,
) -> shell.Output:
    """Show a term's translations and abbreviations, with the evidence; without a term, your own forms.

    `add` adds a form and `forget` removes one; each undoes the other.
    """
    async with shell.open_reader() as database:
        if not words:
            return await _list_decisions(database)
        if words[0] in _DECISIONS:
            return await _decide(database, *words)
        return await _explain(database, " ".join(words))


async def _list_decisions(database: Database) -> shell.Output:
    made = await GlossaryService(database).list_decisions()
    decisions = [
        {"form": row.form, "term": row.term, "is": "added" if row.is_added else "forgotten"} for row in made
    ]
    none = "You have added and forgotten no forms. `paperround glossary TERM` shows a term's forms."
    return shell.Output(decisions, none, ("form", "term", "is"))


async def _explain(database: Database, term: str) -> shell.Output:
    """Show the concepts that a term names, with their forms, and what it is short for."""
    concepts, senses = await create_search(database).explain_term(term)
    data: list[dict[str, Any]] = [
        {"key": key, "name": _name(key, forms), "forms": [_form_to_dict(*form) for form in forms]}
        for key, forms in concepts
    ]
    return shell.Output(
        {"term": term, "senses": senses, "concepts": data},
        f"{term!r} is not in the glossary, so it is searched for as typed.",
        ("concept", "text", "language", "explained", "papers", "seeded", "searched"),
        [{"concept": concept["name"], **form} for concept in data for form in concept["forms"]],
        [f"{term} is short for: {' · '.join(senses)}"] if senses else (),
    )


_DECISIONS = ("forget", "add")


async def _decide(database: Database, verb: str, *texts: str) -> shell.Output:
    if len(texts) != 2:
        raise errors.UsageError(
            f"Usage: paperround glossary {verb} TERM FORM. Put a term of several words in quotation marks."
        )
    made = await GlossaryService(database).decide(*texts, is_added=verb == "add")
    done = "now" if made.is_added else "no longer"
    return shell.Output(made._asdict(), f"{made.form} is {done} a form of {made.term}.")


def _name(key: str, forms: Sequence[FormEvidence]) -> str:
    """Return a concept's first English form, since its key consists of stems."""
    return next((form.text for form, _ in forms if form.language == "en"), key)


def _form_to_dict(form: SurfaceForm, paper_count: int) -> dict[str, object]:
    counts = {"explained": form.papers, "papers": paper_count}
    return shell.pick(form, "text language seeded searched") | counts
