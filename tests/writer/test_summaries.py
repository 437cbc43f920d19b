"""What readers see of a digest that Paperround wrote, and managers of the writing."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from bot.app.container import Container
from bot.archive import listing
from bot.archive.summaries import Basis
from bot.core.settings import Settings
from bot.writer import prompts
from storage import models, writer
from tests.fake_model import papers
from tests.support import written_digests
from tests.support.client_harness import ClientHarness, both_languages, last_response, post_daily, shown_text

DAY = date(2026, 1, 1)
CHOSEN = tuple(
    zip(papers.load(), (Basis.PAPER, Basis.ABSTRACT, Basis.EXTRACT, Basis.HUGGINGFACE), strict=False)
)
BASIS_TEXTS = {
    Basis.PAPER: "written-from-paper",
    Basis.ABSTRACT: "written-from-abstract",
    Basis.EXTRACT: "basis-extract",
    Basis.HUGGINGFACE: "basis-huggingface",
}


@pytest.mark.parametrize("form", [models.DigestFormat.NEWSLETTER, models.DigestFormat.REVIEW])
@both_languages
async def test_a_card_names_the_model_the_date_and_what_it_wrote_from(
    harness: ClientHarness, form: models.DigestFormat
) -> None:
    await written_digests.store(harness.container, DAY, form, harness.texts.locale, CHOSEN)
    for paper, basis in CHOSEN:
        card = last_response(await harness.reader.slash(harness.channel, "paper", paper=paper.id))
        written = harness.texts(BASIS_TEXTS[basis], model=written_digests.MODEL)
        day = harness.texts(f"format-{form.value}", date=harness.texts.format_date(date(2026, 1, 1)))
        lines = shown_text(card).splitlines()
        assert f"-# {day} · {written}" in lines
        # The small print says it, so the text need not.
        assert not any(label in line for line in lines for label in ("요약은 논문의", "This summary was"))


@both_languages
async def test_a_post_says_what_each_text_was_written_from(harness: ClientHarness) -> None:
    form = models.DigestFormat.NEWSLETTER
    await written_digests.store(harness.container, DAY, form, harness.texts.locale, CHOSEN)
    shown = shown_text(await post_daily(harness))
    is_korean = harness.texts.locale is models.Locale.KO
    keys = BASIS_TEXTS | ({Basis.EXTRACT: "basis-extract-in-other-language"} if is_korean else {})
    for basis in keys:
        note = f"-# {harness.texts(keys[basis], model=written_digests.MODEL)}"
        assert any(line.startswith(note) for line in shown.splitlines())


async def test_a_digest_of_other_people_names_no_model(harness: ClientHarness) -> None:
    text = written_digests.print_digest(DAY, models.DigestFormat.NEWSLETTER, harness.texts.locale, CHOSEN)
    await harness.container.create_ingest().add_text(text, location="other.md")
    card = last_response(await harness.reader.slash(harness.channel, "paper", paper=CHOSEN[0][0].id))
    assert written_digests.MODEL not in shown_text(card)


LISTED = papers.load()[:6]
FORMS = (models.DigestFormat.NEWSLETTER, models.DigestFormat.REVIEW)


async def _plan(harness: ClientHarness, *drafted: models.Draft, **caps: int) -> None:
    """Store a listing of six papers and drafts, and restart the bot with a model."""
    listed = [{"arxiv_id": paper.id, "title": paper.title, "votes": paper.votes} for paper in LISTED]
    await harness.container.create_ingest().add_text(listing.build(DAY, listed).text, location="hf")
    locale = harness.texts.locale
    settings = Settings(
        locale=locale.value,
        writer_url="http://127.0.0.1:1/v1",
        writer_model="fake-1",
        **caps,  # type: ignore[arg-type]
    )
    container = Container(settings, harness.container.database, harness.container.clock)
    container.texts = harness.container.texts
    async with harness.container.database.transaction() as connection:
        for draft in drafted:
            await writer.save_draft(connection, draft)
        await writer.add_tokens(connection, harness.container.clock().date(), 212_000)
    await harness.env.restart_bot(container.create_bot(shard_count=1, locale=locale))


def _draft(harness: ClientHarness, number: int, **fields: Any) -> models.Draft:
    form = fields.pop("form", FORMS[0])
    locale, now = harness.texts.locale, harness.container.clock()
    return models.Draft(
        LISTED[number].id, form, locale, prompts.VERSION, "fake-1", now, input_hash=str(number), **fields
    )


async def _open_sources(harness: ClientHarness) -> Any:
    """Return the page of the sources as a manager sees it."""
    status = last_response(await harness.manager.slash(harness.channel, "status"))
    return await harness.press(status, "status-sources", by=harness.manager)


@both_languages
async def test_sources_say_to_managers_what_became_of_each_paper(harness: ClientHarness) -> None:
    state = models.DraftState
    await _plan(
        harness,
        _draft(harness, 0, state=state.CHECKED, basis="paper"),
        _draft(harness, 1, state=state.CHECKED, basis="abstract"),
        _draft(harness, 2, state=state.REFUSED, basis="none"),
        _draft(harness, 3, state=state.FAILED, problems=("no model",)),
        _draft(harness, 4, state=state.FAILED, problems=("a bug",)),
        _draft(harness, 0, form=FORMS[1], state=state.WRITTEN),
        writer_daily_tokens=212_000,
    )
    shown = shown_text(await _open_sources(harness))
    texts, dotted = harness.texts, " · ".join
    newsletter, review = (texts(f"write-format-{form.value}") for form in FORMS)
    counts = [texts(f"write-{name}", count=n) for name, n in (("refused", 1), ("failed", 2), ("waiting", 1))]
    assert [line for line in shown.splitlines() if line][-7:][:5] == [
        f"**{texts('write-heading')}**",
        "-# " + dotted([texts.format_date(DAY), "fake-1"]),
        dotted([newsletter, texts("write-written", count=2, total=6), *counts]),
        dotted([review, texts("write-written", count=0, total=6), texts("write-waiting", count=6)]),
        f"-# {texts('write-tokens-day-capped', used='212,000', cap='212,000')}",
    ]
    for_reader = shown_text(await harness.press(await harness.ask("status"), "status-sources"))
    assert texts("write-heading") not in for_reader
    budget = texts("status-writer-budget")
    assert budget in shown_text(last_response(await harness.manager.slash(harness.channel, "status")))
    assert budget not in shown_text(await harness.ask("status"))


async def test_without_a_model_sources_say_nothing_of_a_writer(harness: ClientHarness) -> None:
    shown = shown_text(await _open_sources(harness))
    assert harness.texts("write-heading") not in shown
