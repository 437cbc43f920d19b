"""Commands that answer as the slash commands of the same name do, and `glossary`, which shows the forms of a term."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from bot.cli import shell
from bot.cli.search import EMPTY_ARCHIVE, Limit, create_search, print_papers

if TYPE_CHECKING:
    from discord import ui

    from bot.app.container import Container
    from bot.client.translations import Texts
    from bot.daily.why import Explanation
    from bot.search.lookup import FormEvidence
    from bot.search.service import SearchService
    from bot.text.concepts import SurfaceForm
    from bot.trends.service import RisingTopic, Trend
    from storage import models

PaperId = Annotated[
    str,
    typer.Argument(metavar="ID", help="An arXiv ID, a link to arXiv or Hugging Face, or part of the title."),
]
_TIME_AGAIN = re.compile(r" \(<t:\d+:R>\)")
_TIME = re.compile(r"<t:(\d+)(?::\w)?>")
_MARKUP = ((r"\[([^\]]*)\]\((https?://[^)\s]+)\)", r"\1 \2"), (r"<#(\d+)>", r"#\1"), (r"(?m)^(?:#+|-#) ", ""))
_EMPHASIS = re.compile(r"\\(.)|\*\*|`")


def trends(
    query: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TOPIC]", help="A topic, as for `search`. Without it, all papers are counted."
        ),
    ] = None,
    months: Annotated[int, typer.Option("--months", min=1, max=60, help="Number of months.")] = 12,
    as_json: shell.AsJson = False,
) -> None:
    """Show a topic's papers and votes by month. Without a topic, show all papers and the rising topics."""

    async def command(container: Container) -> tuple[Trend, tuple[RisingTopic, ...]]:
        services = container.create_services()
        trend = await services.trends.get_trend(" ".join(query or ()), months=months)
        return trend, () if query else await services.rising.list_topics(container.locale)

    trend, rising = shell.run_in_container(command)
    found = trend_to_dict(trend, rising)
    rows = found["months"]
    if as_json:
        shell.print_json(found)
        return
    if query and rows and not trend.total:
        shell.echo(f"No papers on “{' '.join(query)}” in this period.")
    else:
        shell.print_rows(rows, ("month", "papers", "votes"), False, empty=EMPTY_ARCHIVE)
    if rising:
        shell.echo(f"Rising: {', '.join(topic.text for topic in rising)}")
    if trend.added_forms:
        shell.error(f"Also searched for: {', '.join(trend.added_forms)}")


def trend_to_dict(trend: Trend, rising: Sequence[RisingTopic]) -> dict[str, Any]:
    """Return a trend by month and rising topics as JSON."""
    return {
        "months": [
            {"month": f"{month.starts_on:%Y-%m}", "papers": month.paper_count, "votes": month.votes}
            for month in trend.months
        ],
        "also": list(trend.added_forms),
        "estimated": trend.is_estimated,
        "rising": [asdict(topic) for topic in rising],
    }


def similar(paper_id: PaperId, limit: Limit = 10, as_json: shell.AsJson = False) -> None:
    """Find papers similar to a paper."""

    async def command(service: SearchService) -> list[models.PaperRow] | None:
        detail = await service.find_paper(paper_id)
        if detail is None:
            return None
        if not as_json:  # words of a title can mean several papers
            shell.echo(f"Similar to {detail.arxiv_id}, {detail.title or '(no title)'}:")
        return await service.list_similar(detail.arxiv_id, limit=limit)

    rows = shell.run_with_service(create_search, command)
    if rows is not None or as_json:
        print_papers(rows or (), as_json, empty="No similar papers.")
    _exit_if_unknown(paper_id, rows)


def why(
    paper_id: PaperId,
    channel: Annotated[int, typer.Option("--channel", min=1, help="The channel's ID.")],
    as_json: shell.AsJson = False,
) -> None:
    """Explain why a paper was or was not posted in a channel."""

    async def command(container: Container) -> tuple[list[dict[str, Any]], str] | None:
        from bot.daily import messages as daily_messages

        services = container.create_services()
        detail = await services.search.find_paper(paper_id)
        if detail is None or not detail.is_listed:
            return None
        guild_id = await _find_guild(container, channel)
        answer = await services.why.explain(detail, guild_id=guild_id, channel_id=channel)
        texts = container.texts.for_locale(container.locale)
        view = daily_messages.why_view(texts, detail, answer, guild_id=guild_id, mention=texts.name_command)
        return [_explanation_to_dict(row) for row in answer.explanations], _plain_text(view, texts)

    found = shell.run_in_container(command)
    if found is not None:
        shell.print_result(*found, as_json)
        return
    shell.error(f"No digest lists {paper_id!r}. `paperround search WORDS` finds papers by title.")
    sys.exit(1)


def status(
    channel: Annotated[
        int | None, typer.Option("--channel", min=1, help="Also show this channel's posts.")
    ] = None,
    as_json: shell.AsJson = False,
) -> None:
    """Show the date of the newest digest and the last update.

    With --channel, also show what was posted there, what comes next, and what failed.
    """

    async def command(container: Container) -> tuple[dict[str, Any], str]:
        from bot.operations import messages as operations_messages

        guild_id = None if channel is None else await _find_guild(container, channel)
        services = container.create_services()
        report = await services.status.report(user_id=0, guild_id=guild_id, channel_id=channel)
        texts = container.texts.for_locale(container.locale)
        view = operations_messages.status_view(
            texts, report, guild_id=guild_id, can_manage=True, has_reader=False
        )
        data = {
            "newest_digest": report.newest_digest_on and report.newest_digest_on.isoformat(),
            "stored_at": report.last_ingested_at and report.last_ingested_at.isoformat(),
            "posts": [
                {
                    "id": row.id,
                    "channel": str(row.channel_id),
                    "state": row.state.value,
                    "last_at": last and (last[0].finished_at or last[0].due_at).isoformat(),
                    "next_at": row.next_due_at and row.next_due_at.isoformat(),
                }
                for row, last in report.subscriptions
            ],
            "problems": [
                {"key": delivery.key, "state": delivery.state.value, "reason": delivery.reason}
                for delivery in report.problem_deliveries
            ],
        }
        zones = {row.timezone for row, _ in report.subscriptions}
        return data, _plain_text(view, texts, ZoneInfo(zones.pop()) if len(zones) == 1 else None)

    data, text = shell.run_in_container(command)
    shell.print_result(data, text, as_json)


async def _find_guild(container: Container, channel_id: int) -> int:
    """Return the server of a channel with a daily post. Raises UsageError."""
    from storage import daily, errors

    async with container.database.read() as connection:
        for row in await daily.list_rows(connection):
            if row.channel_id == channel_id:
                return row.guild_id
    raise errors.UsageError(
        f"No daily post goes to channel {channel_id}. `paperround channels list` shows all daily posts."
    )


def _explanation_to_dict(explanation: Explanation) -> dict[str, Any]:
    return {
        "post": explanation.subscription and explanation.subscription.id,
        "cause": explanation.cause.value,
        "digest": explanation.digest_on and explanation.digest_on.isoformat(),
        "at": explanation.at and explanation.at.isoformat(),
        "rank": explanation.rank,
        "of": explanation.candidate_count,
        "votes": explanation.votes,
    }


def _exit_if_unknown(paper_id: str, found: object) -> None:
    if found is None:
        shell.error(
            f"The archive has no paper {paper_id!r}. `paperround search WORDS` finds papers by title."
        )
        sys.exit(1)


def _plain_text(view: ui.LayoutView, texts: Texts, zone: ZoneInfo | None = None) -> str:
    """Return the texts of a message for a terminal: times with their zone, that of the settings if none is given."""
    from discord import ui

    shown_zone = zone or shell.load_timezone()

    def format_match(match: re.Match[str]) -> str:
        moment = datetime.fromtimestamp(int(match[1]), UTC)
        if texts.locale.value == "en":
            return f"{shell.format_time(moment, shown_zone)} {shown_zone}"
        local = moment.astimezone(shown_zone)
        return f"{texts.format_date(local)} {local:%H:%M} {shown_zone}"

    # Discord shows "in 3 hours" next to a time; here both would be the same.
    shown = "\n".join(item.content for item in view.walk_children() if isinstance(item, ui.TextDisplay))
    text = _TIME.sub(format_match, _TIME_AGAIN.sub("", shown))
    for pattern, replacement in _MARKUP:
        text = re.sub(pattern, replacement, text)
    return _EMPHASIS.sub(lambda match: match[1] or "", text)


def glossary(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TERM] | forget TERM FORM | add TERM FORM",
            help="A term in Korean or English, or an abbreviation. `add` makes FORM a form of TERM;"
            " `forget` removes it. Put several words in quotation marks.",
            show_default=False,
        ),
    ] = None,
    suspicious: Annotated[
        bool, typer.Option("--suspicious", help="List learnt forms, the most doubtful first.")
    ] = False,
    as_json: shell.AsJson = False,
) -> None:
    """Show a term's translations and abbreviations.

    The evidence for each is shown. `add` adds a form and `forget` removes one; both outlast a
    rebuild of the glossary, and each undoes the other.
    """
    if suspicious:
        _print_suspicious(as_json)
        return
    if not words:
        from storage import errors

        raise errors.UsageError("Give a term, or use --suspicious.")
    if words[0] in _DECISIONS:
        _decide(words, as_json)
        return

    term = " ".join(words)
    concepts, senses = shell.run_with_service(create_search, lambda service: service.explain_term(term))
    if as_json:
        data = [
            {"key": key, "name": _name(key, forms), "forms": [_form_to_dict(*form) for form in forms]}
            for key, forms in concepts
        ]
        shell.print_json({"term": term, "senses": senses, "concepts": data})
        return
    columns = ("concept", "form", "language", "explained in", "papers", "from")
    rows = [
        (_name(key, forms), form.text, form.language, form.papers, paper_count, _origin(form))
        for key, forms in concepts
        for form, paper_count in forms
    ]
    shell.print_table(
        columns, rows, empty=f"{term!r} is not in the glossary, so it is searched for as typed."
    )
    if senses:
        shell.error(f"{term} is short for: {' · '.join(senses)}")


_DECISIONS = ("forget", "add")


def _decide(words: Sequence[str], as_json: bool) -> None:
    """Store that a form is one of a term, or is not."""
    from bot.search.glossary import GlossaryService
    from storage import errors

    verb, *texts = words
    if len(texts) != 2:
        raise errors.UsageError(
            f"Usage: paperround glossary {verb} TERM FORM. Put a term of several words in quotation marks."
        )
    made = shell.run_with_service(
        GlossaryService, lambda service: service.decide(*texts, is_added=verb == "add")
    )
    done = "now" if made.is_added else "no longer"
    shell.print_result(
        made._asdict(),
        f"{made.form} is {done} a form of {made.term}. `paperround doctor` lists such changes.",
        as_json,
    )


def _name(key: str, forms: Sequence[FormEvidence]) -> str:
    """Return the usual English form of a concept; its key has stems."""
    return next((form.text for form, _ in forms if form.language == "en"), key)


def _print_suspicious(as_json: bool) -> None:
    """Print the learnt Korean forms by the share of their papers that have another form of the term, the least first."""
    weak = shell.run_with_service(create_search, lambda service: service.list_suspicious_forms())
    if as_json:
        rows = [
            {
                "form": form.text,
                "term": term,
                "papers": form.found,
                "confirmed": form.confirmed,
                "share": round(form.share_with_term, 3),
                "explained": form.papers,
                "seeded": form.seeded,
            }
            for term, form in weak
        ]
        shell.print_json(rows)
        return
    table = [
        (
            form.text[:20],
            term[:24],
            f"{form.share_with_term:.2f}",
            form.found,
            form.papers,
            "yes" if form.seeded else "no",
        )
        for term, form in weak
    ]
    columns = ("form", "term", "share", "papers", "explained", "listed")
    shell.print_table(columns, table, empty="No forms have been learnt yet.")


def _form_to_dict(form: SurfaceForm, paper_count: int) -> dict[str, object]:
    return {
        "text": form.text,
        "language": form.language,
        "explained": form.papers,
        "papers": paper_count,
        "seeded": form.seeded,
        "share": form.share,
        "alias": form.is_alias,
        "searched": form.expands and not form.is_alias,
    }


def _origin(form: SurfaceForm) -> str:
    # What an operator added has no papers, and is kept like a form of the list.
    given = "seed list" if form.papers else "seed list or added by you"
    origins = [*(["digests"] if form.papers else []), *([given] if form.seeded else [])]
    is_searched = form.expands and not form.is_alias
    return "; ".join(
        filter(
            None, (", ".join(origins), "" if is_searched else "recognised in queries, but not searched for")
        )
    )
