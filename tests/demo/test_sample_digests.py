"""The samples parse without problems, are consistent and copy no digest; the months before them; the covers."""

from __future__ import annotations

import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import pytest
from PIL import Image

from bot.archive import parse, summaries
from bot.demo import page, sample_digests, server
from bot.search import results
from storage import models

ROOT = Path(__file__).parents[2]
SHARED_FOLDER = ROOT / "../shared"
DEMO_STARTS_ON = date(2026, 1, 1)
COPIED_RUN_CHARACTERS = 40
FACT_LINES = ("### [", "## ", "Authors: ", "Vote: ", "![](", "🔗 ")


@cache
def parsed() -> dict[str, models.Digest]:
    digests = {}
    for name, text in sample_digests.sample_texts():
        (digests[name],) = parse.parse_text(text)
    return digests


def entries(folder: str = "") -> list[models.Entry]:
    return [entry for name, digest in parsed().items() if name.startswith(folder) for entry in digest.entries]


def test_every_sample_parses_as_one_digest_without_any_problem() -> None:
    assert {name: digest.problems for name, digest in parsed().items() if digest.problems} == {}


def test_each_file_holds_the_date_and_the_format_of_its_name() -> None:
    for name, digest in parsed().items():
        folder, file = name.split("/")
        assert file in (f"{digest.date}.md", f"{digest.date}.json")
        assert folder.rpartition("-")[0] == digest.format


def test_the_samples_are_of_the_week_before_the_demos_first_day_in_order() -> None:
    dates = [digest.date for digest in parsed().values()]
    assert dates == sorted(dates)
    assert dates[-1] == DEMO_STARTS_ON
    assert dates[0] == DEMO_STARTS_ON - timedelta(days=6)


def test_every_newsletter_entry_is_complete() -> None:
    for entry in entries("newsletter"):
        headings = [section.heading for section in entry.sections]
        assert headings == ["What's New", "Technical Details", "Performance Highlights"], entry.arxiv_id
        assert entry.title
        assert entry.authors
        assert entry.thumbnail == (
            f"https://cdn-thumbnails.huggingface.co/social-thumbnails/papers/{entry.arxiv_id}.png"
        )


def test_the_listing_is_of_a_day_without_another_digest_and_one_paper_has_no_summary() -> None:
    (listed,) = [digest for digest in parsed().values() if digest.format is models.DigestFormat.LISTING]
    assert [digest.date for digest in parsed().values()].count(listed.date) == 1
    assert [entry.arxiv_id for entry in listed.entries if entry.summary_missing] == ["2205.14135"]
    assert all(entry.title and entry.authors and entry.votes and entry.thumbnail for entry in listed.entries)


def test_reviews_have_five_to_seven_chapters_and_one_is_a_refusal() -> None:
    reviews = entries("review")
    assert [entry.arxiv_id for entry in reviews if entry.summary_missing] == ["2411.12734"]
    for entry in reviews:
        chapters = [section for section in entry.sections if section.heading]
        assert entry.summary_missing or 5 <= len(chapters) <= 7, entry.arxiv_id
    bodies = "\n".join(section.body for entry in reviews for section in entry.sections)
    assert "|---|" in bodies
    assert "~~~python" in bodies
    assert "```text" in bodies
    assert "$$" in bodies


def test_a_paper_has_the_same_title_and_authors_in_all_samples() -> None:
    metadata = defaultdict(set)
    for entry in entries("newsletter"):
        metadata[entry.arxiv_id].add((entry.title, entry.authors, entry.authors_truncated))
    assert {arxiv_id: values for arxiv_id, values in metadata.items() if len(values) > 1} == {}
    ids_by_title = defaultdict(set)
    for entry in entries("newsletter"):
        ids_by_title[entry.title].add(entry.arxiv_id)
    assert all(len(ids) == 1 for ids in ids_by_title.values())


def test_both_languages_have_the_same_votes_and_top_papers_each_day() -> None:
    korean = {digest.date: digest for name, digest in parsed().items() if name.startswith("newsletter-ko")}
    english = {digest.date: digest for name, digest in parsed().items() if name.startswith("newsletter-en")}
    assert korean.keys() == english.keys()
    for day, digest in english.items():
        votes = {entry.arxiv_id: entry.votes for entry in korean[day].entries}
        assert {entry.arxiv_id: entry.votes for entry in digest.entries}.items() <= votes.items()
        leaders = len(digest.entries) - 2
        assert [entry.arxiv_id for entry in digest.entries][:leaders] == list(votes)[:leaders]


def test_votes_never_fall_and_stay_in_a_realistic_range() -> None:
    votes = [entry.votes for entry in entries("newsletter-ko")]
    assert votes.count(None) == 1
    known = [count for count in votes if count is not None]
    assert (min(known), max(known)) == (3, 147)
    latest: dict[str, int] = {}
    for entry in entries("newsletter-ko"):
        if entry.votes is not None:
            assert entry.votes >= latest.get(entry.arxiv_id, 0)
            latest[entry.arxiv_id] = entry.votes


def test_there_are_enough_papers_and_authors_to_search() -> None:
    ids = {entry.arxiv_id for entry in entries()}
    assert 60 <= len(ids) <= 85
    assert "2502.02737" in ids
    assert len(entries("newsletter-ko")) > len({entry.arxiv_id for entry in entries("newsletter-ko")})
    papers_of = defaultdict(set)
    for entry in entries("newsletter-ko"):
        for author in entry.authors:
            papers_of[author.casefold()].add(entry.arxiv_id)
    assert len([author for author, papers in papers_of.items() if len(papers) >= 3]) >= 10
    assert len(papers_of["sergey levine"]) == 3


@pytest.mark.parametrize(
    "term",
    [
        "소형 언어 모델(Small Language Model; SLM)",
        "강화 학습(Reinforcement Learning; RL)",
        "검색 증강 생성(Retrieval-Augmented Generation; RAG)",
        "확산 모델(Diffusion Model)",
        "양자화(Quantization)",
        "긴 문맥(Long Context)",
        "비전-언어-행동(Vision-Language-Action; VLA)",
        "음성 합성(Text-to-Speech; TTS)",
        "멀티모달(Multimodal)",
        "에이전트(Agent)",
        "벤치마크(Benchmark)",
    ],
)
def test_a_term_has_its_english_form_in_at_least_two_papers(term: str) -> None:
    paper_ids = {
        entry.arxiv_id for entry in entries() if any(term in section.body for section in entry.sections)
    }
    assert len(paper_ids) >= 2


def own_text_runs() -> Iterator[str]:
    """Yield every run of 40 characters of the summaries, without bracketed terms."""
    listed = (section.body for entry in entries("listing") for section in entry.sections)
    written = (text for name, text in sample_digests.sample_texts() if name.endswith(".md"))
    for text in (*listed, *written):
        for line in text.split("\n"):
            if not line.startswith(FACT_LINES):
                summary = without_terms(re.sub(r"^- \*{3}[^*]+\*{3}: ", "", line))
                yield from (
                    summary[start : start + COPIED_RUN_CHARACTERS]
                    for start in range(len(summary) - COPIED_RUN_CHARACTERS + 1)
                )


def without_terms(text: str) -> str:
    return re.sub(r" ?\([^()\n]{1,80}\)", "", text)


@pytest.mark.skipif(not SHARED_FOLDER.is_dir(), reason="there is no archive to compare with")
def test_no_summary_copies_a_sentence_of_the_archive() -> None:
    sample_runs = set(own_text_runs())
    archive_paths = [*SHARED_FOLDER.glob("archive/**/*.md"), *SHARED_FOLDER.glob("seeds/*.txt")]
    for path in archive_paths:
        text = without_terms(path.read_text(encoding="utf-8", errors="replace"))
        copied = {
            run
            for start in range(len(text))
            if (run := text[start : start + COPIED_RUN_CHARACTERS]) in sample_runs
        }
        assert copied == set(), path.name


def test_the_paper_without_a_summary_has_an_abstract_that_is_posted_as_an_extract() -> None:
    texts = [text for name, text in sample_digests.sample_texts() if name.startswith("listing")]
    unsummarised = {
        entry.arxiv_id
        for text in texts
        for digest in parse.parse_text(text)
        for entry in digest.entries
        if not entry.sections
    }
    assert sample_digests.ABSTRACT.arxiv_id in unsummarised
    chosen = summaries.choose_sentences(sample_digests.ABSTRACT.abstract or "")
    assert len(chosen) == 3
    assert all(sentence in (sample_digests.ABSTRACT.abstract or "") for sentence in chosen)


def test_the_lists_of_the_past_months_name_real_papers_on_dates_after_theirs() -> None:
    digests = list(parse.parse_text(sample_digests.past_months_text()))
    listed = [(digest.date, entry) for digest in digests for entry in digest.entries]
    ids = [entry.arxiv_id for _, entry in listed]
    titles = [entry.title for _, entry in listed]
    assert len(set(ids)) == len(set(titles)) == len(listed) >= 120
    assert not set(ids) & {entry.arxiv_id for entry in entries()}
    for on, entry in listed:
        month, number = entry.arxiv_id.split(".")
        assert date(2000 + int(month[:2]), int(month[2:]), 1) <= on < date(2025, 12, 1), entry.arxiv_id
        assert len(number) == 5, entry.arxiv_id
        assert 0 < int(number) < 30_000, entry.arxiv_id  # arXiv has had fewer a month
        assert entry.title
        assert not entry.title.startswith("Sample ")
        assert not entry.sections


def test_the_demo_has_fourteen_months_of_papers() -> None:
    digests = list(parse.parse_text(sample_digests.past_months_text()))
    assert not any(digest.problems for digest in digests)
    digests += [digest for _, text in sample_digests.sample_texts() for digest in parse.parse_text(text)]
    papers = Counter(digest.date.replace(day=1) for digest in digests for _ in digest.entries)
    months = [date(2024, 12, 1), *(date(2025, month, 1) for month in range(1, 13)), date(2026, 1, 1)]
    assert sorted(papers) == months
    past = [papers[month] for month in months[:-2]]
    assert past == sorted(past)
    assert min(past) >= 5


@pytest.mark.parametrize("locale", list(models.Locale))
async def test_the_demo_answers_with_papers_of_the_samples_only(
    locale: models.Locale, tmp_path: Path
) -> None:
    texts = [sample_digests.past_months_text(), *(text for _, text in sample_digests.sample_texts())]
    digests = [digest for text in texts for digest in parse.parse_text(text)]
    ids = {entry.arxiv_id for digest in digests for entry in digest.entries}
    name = "README.ko.md" if locale is models.Locale.KO else "README.md"
    readme = (ROOT / name).read_text(encoding="utf-8")
    typed = [line for line, _ in page.FIRST_STEPS[locale]] + re.findall(r"`(/[^`]+)`", readme)
    queries = {match[1] for line in typed if (match := re.match(r"/(?:topic|주제) (.+)", line))}
    assert len(queries) >= 2
    async with server.open_demo(locale, tmp_path, dm=False) as (_, runtime, _, _):
        search = runtime.container.create_services().search
        assert (await search.get_extent()).paper_count == len(ids)
        for query in (*queries, "diffusion", "LLM의 환각을 줄이는 방법 알려줘"):
            found = await search.search(results.SearchRequest(query))
            assert len(found.rows) >= 5, query
            assert {paper.arxiv_id for paper in found.rows} <= ids


ACCENT = (0xF4, 0xB4, 0x00)


def entry(arxiv_id: str, thumbnail: str | None) -> models.Entry:
    return models.Entry(
        rank=1,
        arxiv_id=arxiv_id,
        title="A Paper",
        url=f"https://arxiv.org/abs/{arxiv_id}",
        thumbnail=thumbnail,
    )


def test_a_cover_is_a_small_png_in_thumbnail_size_that_shows_the_accent_colour() -> None:
    for cover in sample_digests.load_covers():
        assert len(cover) < 12_000
        with Image.open(io.BytesIO(cover)) as picture:
            assert (picture.format, picture.size) == ("PNG", (320, 172))
            data = picture.convert("RGB").tobytes()
        colours = set(zip(data[::3], data[1::3], data[2::3], strict=True))
        nearest = min(max(abs(a - b) for a, b in zip(colour, ACCENT, strict=True)) for colour in colours)
        assert nearest <= 12


def test_neighbouring_papers_get_different_covers() -> None:
    entries = [entry(f"2501.{number:05}", f"https://example.org/{number}.png") for number in range(1, 61)]
    pictures = [cover for _, cover in sample_digests.assign_covers(entries).values()]
    count = len(sample_digests.load_covers())
    assert count == 8
    assert all(len(set(pictures[start : start + count])) == count for start in range(60 - count))


def test_covers_are_assigned_by_thumbnail_url_and_only_where_there_is_one() -> None:
    url = "https://cdn-thumbnails.huggingface.co/social-thumbnails/papers/2502.02737.png"
    assigned = sample_digests.assign_covers([entry("2502.02737", url), entry("2501.19393", None)])
    assert assigned == {url: ("2502.02737.png", sample_digests.load_covers()[0])}
