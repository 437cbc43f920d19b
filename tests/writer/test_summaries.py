"""Digests written by Paperround, as readers see them."""

from datetime import date

import pytest

from bot.app.workers import Workers
from bot.archive.summaries import Basis
from bot.features.writer import prompts
from storage import models
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


@pytest.mark.parametrize("form", prompts.SECTIONS)
async def test_card_names_model_date_and_basis(harness: ClientHarness, form: models.DigestFormat) -> None:
    await written_digests.store(harness.container, DAY, form, harness.texts.locale, CHOSEN)
    for paper, basis in CHOSEN:
        card = last_response(await harness.reader.slash(harness.channel, "paper", paper=paper.id))
        written = harness.texts(BASIS_TEXTS[basis], model=written_digests.MODEL)
        day = harness.texts(f"format-{form.value}", date=harness.texts.format_date(DAY))
        lines = shown_text(card).splitlines()
        assert f"-# {harness.texts('listed-in', places=f'{day} · {written}')}" in lines
        # The label is in the small print, so the text does not repeat it.
        assert not any("This summary was" in line for line in lines)


@both_languages
async def test_a_post_states_what_each_text_is_based_on(harness: ClientHarness) -> None:
    form = models.DigestFormat.NEWSLETTER
    await written_digests.store(harness.container, DAY, form, harness.texts.locale, CHOSEN)
    shown = shown_text(await post_daily(harness))
    is_korean = harness.texts.locale is models.Locale.KO
    keys = BASIS_TEXTS | ({Basis.EXTRACT: "basis-extract-in-other-language"} if is_korean else {})
    for key in keys.values():
        note = f"-# {harness.texts(key, model=written_digests.MODEL)}"
        assert any(line.startswith(note) for line in shown.splitlines())


async def test_a_digest_not_written_by_paperround_names_no_model(harness: ClientHarness) -> None:
    text = written_digests.print_digest(DAY, models.DigestFormat.NEWSLETTER, harness.texts.locale, CHOSEN)
    await Workers(harness.container).ingest.add_text(text, location="other.md")
    card = last_response(await harness.reader.slash(harness.channel, "paper", paper=CHOSEN[0][0].id))
    assert written_digests.MODEL not in shown_text(card)
