"""Papers named in a query, even by a Korean spelling, come first regardless of votes."""

import pytest

from bot.search.glossary_service import GlossaryService
from bot.search.results import SearchRequest
from bot.search.service import SearchService
from bot.text import institutions
from storage.database import Database
from tests.support.sample_archive import NewsletterPaper, add_digest, make_paper, search_over


@pytest.fixture
async def named(db: Database) -> SearchService:
    """The search service for named papers without votes, and many popular papers that mention the names."""
    papers = [
        make_paper(
            number + 1,
            f"Better Mamba and Llama 3 Fusion {number}",
            "Mamba와 Llama 3를 씁니다. Mamba는 빠르고 Llama 3는 큽니다. Mamba, Llama 3.",
            votes=50 + number,
        )
        for number in range(60)
    ]
    papers.append(make_paper(902, "On Qwen2.5-VL 기술 보고서", "Qwen2.5-VL 기술 보고서입니다.", votes=90))
    named = [
        NewsletterPaper("2312.00752", "Mamba: Linear-Time Sequences", "시퀀스를 다룹니다.", votes=0),
        NewsletterPaper("2407.21783", "The Llama 3 Herd of Models", "모델군입니다.", votes=0),
        NewsletterPaper("2307.09288", "Llama 2: Open Models", "대화 모델입니다.", votes=1),
        NewsletterPaper("2407.08608", "FlashAttention-3: Fast", "빠릅니다.", votes=0),
        NewsletterPaper("2404.14469", "Snap KV: A Cache", "캐시입니다.", votes=0),
        NewsletterPaper("2501.12948", "DeepSeek-R1: Incentivizing Reasoning", "추론입니다.", votes=0),
        NewsletterPaper("2502.13923", "Qwen2.5-VL Technical Report", "모델군입니다.", votes=0),
        NewsletterPaper("2405.14458", "YOLOv10: Real-Time Object Detection", "물체를 찾습니다.", votes=0),
        NewsletterPaper("2501.06252", "Transformer^2: Self-adaptive LLMs", "스스로 맞춥니다.", votes=0),
        NewsletterPaper("2404.07987", "ControlNet++: Consistency Feedback", "조건을 지킵니다.", votes=0),
    ]
    return await search_over(db, *papers, *named)


async def check_first(search: SearchService, queries_of: dict[str, str]) -> None:
    """Check that a paper is the first one for each of its queries."""
    for key, queries in queries_of.items():
        for query in queries.split("|"):
            assert (await search.search(SearchRequest(query))).rows[0].key == key, query


async def test_the_named_paper_comes_first(named: SearchService) -> None:
    await check_first(
        named,
        {
            "2312.00752": "Mamba|the mamba paper",
            "2407.21783": "llama 3|Llama3|llama-3 논문",
            "2307.09288": "llama2",
            "2407.08608": "flash attention 3|flashattention",
            "2404.14469": "snapkv",
            "2501.12948": "deepseekr1",
            "2502.13923": "qwen 2.5 vl 기술 보고서",
            "2405.14458": "yolo v10",
            "2501.06252": "transformer squared",
            "2404.07987": "controlnet plus plus",
        },
    )
    versions = await named.search(SearchRequest("llama"))
    assert [row.key for row in versions.rows[:2]] == ["2307.09288", "2407.21783"]


async def test_a_paper_is_found_by_the_name_that_its_title_lacks(db: Database) -> None:
    service = await search_over(
        db,
        NewsletterPaper("2302.05543", "Adding Conditional Control to Text-to-Image Models", "모델입니다."),
        NewsletterPaper("2102.12092", "Zero-Shot Text-to-Image Generation", "모델입니다."),
    )
    for query, found in {"ControlNet": ["2302.05543"], "컨트롤넷": ["2302.05543"], "다리": []}.items():
        result = await service.search(SearchRequest(query))
        assert (query, [row.key for row in result.rows]) == (query, found)


async def test_a_name_matches_with_joined_or_separate_words(db: Database) -> None:
    texts = "FlashAttention|flash attention|Llama 3|SAM2|fine tuning|finetuning|Qwen2.5-7B"
    papers = [make_paper(n, "A Study", f"{text}을 씁니다.") for n, text in enumerate(texts.split("|"), 1)]
    service = await search_over(db, *papers)
    found = {"flash attention": "12", "FlashAttention": "12", "llama3": "3", "sam 2": "4", "Qwen2.5": "7"}
    # A paper that uses the text model is not about the model for images.
    found |= {"Qwen2.5-VL": "", "Qwen2.5-Coder": "", "llama9": "", "Llama-9": "", "SAM9": ""}
    for query, numbers in {**found, "finetuning": "56", "fine tuning": "56"}.items():
        result = await service.search(SearchRequest(query))
        having = {row.key[-1] for row in result.rows if not result.missing.get(row.key)}
        assert (query, having) == (query, set(numbers))


@pytest.fixture
async def spelt(db: Database) -> SearchService:
    """The search service for named papers, and papers with ordinary words that sound like the names."""
    papers = [
        NewsletterPaper("2312.11805", "Gemini: A Family of Models", "모델군입니다."),
        NewsletterPaper("2403.05530", "Gemini 1.5: Long Context", "긴 문맥을 다룹니다."),
        NewsletterPaper("2412.15115", "Qwen2.5 Technical Report", "모델군입니다."),
        NewsletterPaper("2310.06825", "Mistral 7B", "작은 모델입니다."),
        NewsletterPaper("2106.09685", "LoRA: Adapters", "로라(LoRA)는 작습니다."),
        make_paper(1, "DaRi: A Dataset", "자료입니다."),
        make_paper(2, "Walking Robots", "로봇의 다리를 제어합니다."),
        make_paper(3, "Legs", "다리는 네 개입니다."),
        make_paper(4, "Ramadan Greetings", "라마단을 다룹니다."),
        NewsletterPaper("2407.21783", "The Llama 3 Herd of Models, LLaMA", "모델군입니다."),
    ]
    await add_digest(db, "2025-01-02", *papers)
    await GlossaryService(db).rebuild()
    return SearchService(db)


async def test_a_korean_spelling_is_a_name_that_papers_have_and_no_ordinary_word(
    spelt: SearchService,
) -> None:
    await check_first(
        spelt,
        {
            "2312.11805": "제미나이",
            "2403.05530": "제미나이 1.5|제미나이1.5 논문",
            "2412.15115": "큐원|큐원 2.5 기술 보고서|큐웬 2.5 기술 보고서",
            "2310.06825": "미스트랄",
            "2106.09685": "로라",
            "2407.21783": "라마|라마 3",
        },
    )
    longer = await spelt.search(SearchRequest("제미나이 문맥"))
    assert longer.rows[0].key == "2403.05530"
    assert "Gemini" in longer.read.translations
    ordinary = await spelt.search(SearchRequest("다리"))
    assert {row.key for row in ordinary.rows} == {"2501.00002", "2501.00003"}
    assert ordinary.read.translations == ()
    names = ("라마3", "제미나이1.5", "큐웬2.5", "제미나이", "라마9", "뱁새-7B")
    assert await spelt.list_absent(dict.fromkeys(names, ())) == ["라마9", "뱁새-7B"]


@pytest.mark.parametrize(("having_both", "name"), [(2, ()), (3, ("Toolformer",))])
async def test_a_korean_word_is_a_name_if_three_in_ten_of_its_papers_have_the_name_too(
    db: Database, having_both: int, name: tuple[str, ...]
) -> None:
    papers = [make_paper(n, "Study", f"툴포머. {'Toolformer.' * (n <= having_both)}") for n in range(1, 11)]
    await add_digest(db, "2025-01-02", NewsletterPaper("2403.05530", "Toolformer: Long", "문맥."), *papers)
    await GlossaryService(db).rebuild()
    assert (await SearchService(db).search(SearchRequest("툴포머"))).read.translations == name


async def test_words_are_found_joined_apart_and_hyphenated_and_greek_letters_by_name(db: Database) -> None:
    titles = (
        ("Training with a mini-batch", "1"),
        ("Quiet minibatches", "2"),
        ("τ²-bench for tools", "3"),
        ("λ-returns by hand", "4"),
        ("A data set of spoons", "6"),
        ("Datasets of forks", "7"),
    )
    papers = [make_paper(int(number), title, "실험입니다.") for title, number in titles]
    service = await search_over(db, *papers)
    for query, numbers in {
        "minibatch": "12",
        "mini batch": "12",
        "mini-batches": "12",
        "training mini batch": "1",
        "tau2-bench": "3",
        "λ returns": "4",
        "lambda-returns": "4",
        # A term of the seed list, too.
        "dataset": "67",
        "data set": "67",
        "data-sets": "67",
        "데이터셋": "67",
    }.items():
        result = await service.search(SearchRequest(query))
        complete = {row.key[-1] for row in result.rows if row.key not in result.missing}
        assert (query, complete) == (query, set(numbers))
    assert (await service.find_paper("tau2-bench for tools")) is not None


async def test_of_a_family_without_a_paper_of_its_name_the_one_with_most_votes_is_first(db: Database) -> None:
    papers = [
        make_paper(1, "Lantern-R1: Reading", "Lantern을 씁니다. Lantern, Lantern.", votes=3),
        make_paper(2, "Lantern v2: Writing", "글을 씁니다.", votes=90),
        make_paper(3, "On Lantern and Lantern", "Lantern Lantern Lantern.", votes=200),
    ]
    service = await search_over(db, *papers)
    assert (await service.search(SearchRequest("Lantern"))).rows[0].key == "2501.00002"
    exact = make_paper(4, "Lantern: Light", "빛입니다.", votes=0)
    await add_digest(db, "2025-02-02", exact)
    assert (await service.search(SearchRequest("Lantern"))).rows[0].key == "2501.00004"


async def test_a_korean_word_for_a_term_is_no_author_who_sounds_like_it(db: Database) -> None:
    cobbe = make_paper(1, "Verifying Step by Step", "검증을 다룹니다.", authors=("Karl Cobbe",))
    search = await search_over(db, cobbe, make_paper(2, "A Survey of Agents", "에이전트를 모읍니다."))
    result = await search.search(SearchRequest("서베이"))
    assert [row.key for row in result.rows] == ["2501.00002"]


async def test_an_institution_that_no_paper_is_from_finds_only_texts_with_its_name(db: Database) -> None:
    search = await search_over(
        db,
        make_paper(1, "Coherent Video", "Coherent frames, coherence over time."),
        make_paper(2, "Command R", "Cohere's model is measured."),
    )
    assert [row.key for row in (await search.search(SearchRequest("Cohere"))).rows] == ["2501.00002"]


def test_an_institution_is_compared_letter_by_letter() -> None:
    assert institutions.make_token("Cohere") != institutions.make_token("Coherent Corp.")
    assert institutions.make_token("Figure AI") != institutions.make_token("Figured")
    assert institutions.make_token("Univ. of Oxford") == institutions.make_token("The University of Oxford")


async def test_a_verb_is_no_name_that_sounds_like_it(db: Database) -> None:
    """Loanwords have no tense consonant and no 으 at the end, by the orthography of loanwords."""
    papers = [
        *(make_paper(n, f"VACE: Editing Videos {n}", "VACE는 영상을 편집합니다.") for n in range(1, 5)),
        *(make_paper(n, f"Zelkova: Open Models {n}", "Zelkova는 공개 모델입니다.") for n in range(5, 9)),
    ]
    service = await search_over(db, *papers)
    await GlossaryService(db).rebuild()
    for query, is_name in {"베끼는": False, "젤코바": True}.items():
        result = await service.search(SearchRequest(query))
        assert (query, bool(result.rows)) == (query, is_name)
