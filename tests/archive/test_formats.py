"""The registry of digest formats covers every format."""

from __future__ import annotations

import pytest

from bot.archive import digest_writer, exports, extracts, parse
from bot.archive.exports import ExportDigest, ExportFormat, render_export
from bot.rendering.templates import Templates
from storage.models import DigestFormat
from tests.archive.test_parse import newsletter_text, review_text

NEWSLETTER, REVIEW = newsletter_text("2025-02-06", 1, 2), review_text("2025-02-06", 1, 2)


def test_every_format_has_a_parser_an_exporter_a_provider_and_a_preference() -> None:
    assert {*parse.FORMATS, DigestFormat.LISTING} == set(DigestFormat)
    assert set(digest_writer.DIGEST_PROVIDERS) == set(DigestFormat)
    assert set(extracts.WRITER_RANK) == {*DigestFormat, None}
    assert {*exports.PAPER_RENDERERS, DigestFormat.LISTING} == set(DigestFormat)


@pytest.mark.parametrize("digest_format", DigestFormat)
@pytest.mark.parametrize("text", [NEWSLETTER, REVIEW])
def test_a_digest_exported_in_a_format_is_detected_as_that_format(
    digest_format: DigestFormat, text: str
) -> None:
    exported = [ExportDigest(digest, "digest.md") for digest in parse.parse_text(text)]
    rendered = render_export(ExportFormat(digest_format.value), exported, Templates())
    assert {digest.format for digest in parse.parse_text(rendered)} == {digest_format}


@pytest.mark.parametrize("export_format", ExportFormat)
def test_every_export_format_is_rendered(export_format: ExportFormat) -> None:
    exported = [ExportDigest(digest, "digest.md") for digest in parse.parse_text(NEWSLETTER)]
    assert render_export(export_format, exported, Templates())
