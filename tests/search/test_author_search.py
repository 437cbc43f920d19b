"""The result of an author search, on both engines."""

from __future__ import annotations

import pytest

from bot.search import authors
from bot.search.service import SearchService
from storage import models
from storage.database import Database
from tests.support import sample_archive

pytestmark = pytest.mark.engines("sqlite", "postgresql")


async def test_the_most_frequent_spelling_of_a_name_is_shown(db: Database) -> None:
    forms = ("Loubna Ben allal", "Loubna Ben Allal", "Loubna Ben Allal")
    papers = [
        sample_archive.NewsletterPaper(
            f"2505.0666{number}", f"Paper {number}", "It works.", authors=(form, "Ada Byron")
        )
        for number, form in enumerate(forms)
    ]
    await sample_archive.add_digest(db, "2025-05-04", *papers)
    result = await SearchService(db).find_author("ben allal, loubna")
    assert result.author == "Loubna Ben Allal"
    assert result.matches == ("Loubna Ben Allal",)
    assert result.name_variants == ("Loubna Ben Allal", "Loubna Ben allal")
    assert result.total == 3
    (offered,) = await SearchService(db).complete_author("loubna")
    assert (offered.name, offered.value) == ("Loubna Ben Allal", "Loubna Ben Allal")


async def test_topics_with_equally_many_papers_are_sorted_by_name(db: Database) -> None:
    text = "We use direct preference optimization (DPO), mixture of experts (MoE) and knowledge distillation (KD)."
    await sample_archive.add_digest(
        db, "2025-05-03", sample_archive.NewsletterPaper("2505.07777", "One", text, authors=("Ada Byron",))
    )
    topics = (await SearchService(db).find_author("Ada Byron")).topics
    assert len(topics) == 3
    assert list(topics) == sorted(topics)


async def test_a_term_of_most_papers_is_not_a_topic_of_an_author(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authors, "_MIN_COMMON_PAPERS", 2)
    text = "새 벤치마크(Benchmark)와 선호 최적화(Preference Optimization)를 제안합니다."
    others = [
        sample_archive.NewsletterPaper(
            f"2505.0000{number}", f"Benchmark {number}", "벤치마크(Benchmark)입니다."
        )
        for number in range(4)
    ]
    written = sample_archive.NewsletterPaper("2505.07777", "One", text, authors=("Ada Byron",))
    await sample_archive.add_digest(db, "2025-05-03", written, *others)
    assert (await SearchService(db).find_author("Ada Byron")).topics == ("preference optimization",)


async def test_an_unknown_author_has_an_empty_result(search: SearchService) -> None:
    assert (await search.find_author("Nobody Atall")).author is None
    assert (await search.find_author("")).rows == ()


async def test_topics_are_named_in_the_readers_language(search: SearchService) -> None:
    korean = await search.find_author("marafiori", locale=models.Locale.KO)
    assert korean.topics == ("소형 언어 모델",)
    assert (await search.find_author("marafiori")).topics == ("small language model",)
