"""What a query of `/topic` is, besides a topic: a name, a question of what to read, words that leave something out."""

from dataclasses import replace
from datetime import date
from functools import lru_cache

import pytest

from bot.cli.set_up_file import SetUpFile
from bot.core.settings import Settings
from bot.features.daily.service import OnDemandPosts
from bot.features.web.pages import Site
from bot.search.results import MatchKind, SearchRequest, Sort
from bot.search.service import SearchService
from bot.text import query_parser
from bot.text.parsed_query import ParsedQuery
from storage import archive, errors, models
from storage.database import Database
from tests.conftest import OpenFilled
from tests.support.client_fixtures import add_samples
from tests.support.client_harness import ClientHarness, both_languages, component_ids, shown_text
from tests.support.digest_builders import add_facts
from tests.support.sample_archive import NOW, NewsletterPaper, add_digest, make_paper

LAB = (
    NewsletterPaper("2512.00101", "Weighing Kettles", "주전자의 무게를 재요.", authors=("Mira Holt",)),
    NewsletterPaper("2512.00102", "Robots that Pour Tea", "로봇이 차를 따라요.", authors=("Sumin Byeon",)),
    NewsletterPaper("2512.00103", "DeepSeek-Tea: Brewing", "차를 우리는 모델이에요.", authors=("Bo Lin",)),
    NewsletterPaper("2512.00104", "A Survey of Teapots", "Robots try many teapots.", authors=("Bo Lin",)),
    NewsletterPaper(
        "2512.00105", "Teapots without Handles", "손잡이가 없어요.", 10, ("Ida Lane", "Max Lane")
    ),
    NewsletterPaper(
        "2512.00106", "Butlers", "LLM이 로봇 집사를 움직여요. 로봇은 LLM을 불러요.", 10, ("Bo Lin",)
    ),
)
LABS = {
    "2512.00101": "NVIDIA Research",
    "2512.00102": "NAVER",
    "2512.00103": "DeepSeek AI",
    "2512.00104": "NVIDIA",
    "2512.00105": "Kettle Institute of Tea",
    "2512.00106": "NAVER",
}


async def _add_lab(database: Database) -> None:
    await add_digest(database, "2025-12-02", *LAB)
    facts = (
        models.PaperFacts(arxiv_id, "huggingface", "h", NOW, organization=name)
        for arxiv_id, name in LABS.items()
    )
    await add_facts(database, *facts)


async def _add_samples_and_lab(database: Database) -> None:
    await add_samples(database)
    await _add_lab(database)


@pytest.fixture
async def archive_db(open_filled: OpenFilled) -> Database:
    """The database of `harness`, with six papers more, each with an institution."""
    return await open_filled(_add_samples_and_lab)


@pytest.fixture
async def lab_db(open_filled: OpenFilled) -> Database:
    return await open_filled(_add_lab)


@pytest.fixture
def search(lab_db: Database) -> SearchService:
    return SearchService(lab_db)


async def test_a_name_is_the_list_of_its_papers_with_a_button_for_its_words(harness: ClientHarness) -> None:
    texts = harness.texts
    for typed, heading in (
        ("Mira Holt", texts("list-author-heading", author="Mira Holt", count=1)),
        ("idalane", texts("list-author-heading", author="Ida Lane", count=1)),
        ("nvidia", texts("list-from-heading", name="NVIDIA", count=2)),
    ):
        result = await harness.ask("topic", query=typed)
        assert heading in (shown := shown_text(result)), typed
        in_text = await harness.press(result, label=texts("list-in-text", name=typed))
    assert all(part in shown for part in (texts("list-institutions"), "Kettles", "Teapots"))
    assert "Pour Tea" not in shown
    assert texts("no-list-topic", topic="nvidia") in shown_text(in_text)


NAMED = {
    # As it is typed, in both scripts, with particles and words for papers around it, and by an operator.
    "00101 00104": "NVIDIA|엔비디아|papers from NVIDIA|from:nvidia",
    "00102 00106": "네이버에서 낸 논문|기관:네이버",
    "00105": "Kettle Institute of Tea",
    "00102": '네이버 -LLM|네이버 -"language models"|변수민',
    # An author whom /author knows for sure, a last name alone that one author has and no paper, and a title.
    "00101": 'NVIDIA -survey|from:"NVIDIA Research" kettles|Mira Holt|미라 홀트|Holt|holt|Weighing Kettles',
    # Nobody is from there, and none of the others shares a word of the name; nor a given name alone, or beside a word that may
    # be filler, nor a last name of two authors, is one author. A short word is itself: "try" is not a stem of a name.
    "": "from:NVIDIA until:2025-12-01|Hugging Face|Mira|Lane|미라|미라 응|Tri",
}
"""What names find: the numbers of papers."""


async def test_names_find_their_papers(search: SearchService) -> None:
    for numbers, queries in NAMED.items():
        for query in queries.split("|"):
            found = await search.search(SearchRequest(query))
            assert {row.key.partition(".")[2] for row in found.rows} == {*numbers.split()}, query


async def test_a_name_that_a_paper_has_too_finds_it_and_names_the_institution(harness: ClientHarness) -> None:
    result = await harness.ask("topic", query="deepseek")
    assert "DeepSeek-Tea" in shown_text(result)
    # So does one beside what is left out.
    without = await harness.ask("topic", query="papers from DeepSeek, except surveys")
    assert "DeepSeek-Tea" in shown_text(without)
    await harness.press(without, label=harness.texts("list-from", name="DeepSeek", count=1))
    from_it = await harness.press(result, label=harness.texts("list-from", name="DeepSeek", count=1))
    assert harness.texts("list-from-heading", name="DeepSeek", count=1) in shown_text(from_it)


async def test_a_name_that_nobody_has_is_said_to_be_nobodys_with_the_nearest(harness: ClientHarness) -> None:
    nearest = {"Ida Nobody": "Ida Lane", "Bo Linn": "Bo Lin", "boo linn": "Bo Lin"}
    for typed in (*nearest, "김철수", "Ann Ferguson"):
        result = await harness.ask("topic", query=typed)
        assert harness.texts("no-list-topic-nobody", topic=typed) in shown_text(result)
        if near := nearest.get(typed):
            listed = await harness.press(result, label=harness.texts("alert-author", text=near))
            assert near in shown_text(listed), "the author's papers"


async def test_a_name_of_several_authors_is_said_to_be_a_name(harness: ClientHarness) -> None:
    result = await harness.ask("topic", query="Lane")
    assert harness.texts("no-list-topic-author", topic="Lane") in shown_text(result)
    assert harness.texts("no-list-topic", topic="Lane") not in shown_text(result)
    for name in ("Ida Lane", "Max Lane"):
        again = await harness.ask("topic", query="Lane")
        await harness.press(again, label=harness.texts("alert-author", text=name))


async def test_what_to_read_is_answered_by_two_buttons(harness: ClientHarness) -> None:
    queries = "today|this week|what should I read?|오늘 뭐 읽지|읽으면 좋은 논문|이번 주 논문"
    for query in queries.split("|"):
        result = await harness.ask("topic", query=query)
        shown = shown_text(result)
        assert harness.texts("today-show") in shown, query
        assert harness.texts("newest-digest") in shown, query
        assert harness.texts("list-searched", terms="") not in shown, query


async def test_what_no_paper_has_is_said_before_what_shares_a_word(harness: ClientHarness) -> None:
    texts = harness.texts
    shown = shown_text(await harness.ask("topic", query="protein structure teapots"))
    assert shown.splitlines()[0].endswith(texts("list-absent", terms="protein structure"))
    assert "A Survey of Teapots" in shown
    shown = shown_text(await harness.ask("topic", query="protein structure models"))
    assert texts("list-absent", terms="protein structure") in shown


async def test_a_sentence_begins_with_what_no_paper_has(search: SearchService) -> None:
    for query, absent in (
        # A sentence's words may be described by a topic that papers are on, but a term is itself.
        ("how to find protein structures with teapots", "protein structures"),
        ("papers on weather forecasting for kettles", "weather forecasting"),
        ("로봇으로 음악 생성하는 방법", "음악 생성"),
        ("papers from Alibaba on robots", "Alibaba"),
        ("how do robots pour tea without a kettle", ""),
        # No paper has all the other words either; each has another one.
        ("zeolite kettles butlers", "zeolite"),
        ("제올라이트 kettles butlers", "제올라이트"),
        ("zeolite robots teapots kettles tea butlers", "zeolite"),
        ("**zeolite** [xeon](http://x.example) ||kettles||", "zeolite, xeon, http://x.example"),
    ):
        found = await search.search(SearchRequest(query))
        assert ", ".join(found.read.absent) == absent, query
        assert found.total <= 5 or not absent, query


LEFT_OUT = {
    "robots, not surveys": "robots -surveys",
    "papers on robots, without teapots or kettles": "papers on robots -teapots -kettles",
    "로봇 논문, 서베이 말고": "로봇 논문 -서베이",
    "강화 학습 또는 로봇, 서베이와 벤치마크 제외": "강화 학습 | 로봇 -서베이 -벤치마크",
    "robots NOT survey": "robots -survey",
    "robots that are not surveys": "",
    "robots without teapots": "",
    "서베이 말고 로봇 논문": "",
    "Teapots without Handles": "",
    "Teapots, Without Handles": "",
}
"""The query that each becomes, as it is typed with operators; "" if its words are searched for."""


async def test_the_clause_at_the_end_leaves_out_as_the_sign_does(search: SearchService) -> None:
    found = {query: await search.search(SearchRequest(query)) for query in LEFT_OUT}
    assert {query: result.read.meant for query, result in found.items()} == LEFT_OUT
    for query, result in found.items():
        typed = await search.search(SearchRequest(result.read.meant or query))
        assert (typed.read.excluded, typed.rows) == (result.read.excluded, result.rows), query


NOT_LEFT_OUT = {
    models.Locale.EN: "“{}” is not left out. To leave it out, type a comma: *{}, without {}*",
    models.Locale.KO: "“{}”도 빼지 않고 찾아요. 빼려면 쉼표를 찍어 주세요: *{}, {} 빼고*",
}


@both_languages
async def test_a_not_without_a_comma_hides_nothing_and_the_head_says_so(harness: ClientHarness) -> None:
    """The head says it, above the first paper."""
    texts = harness.texts
    either = "또는" if texts.locale is models.Locale.KO else "or"
    for option, query, rest in (
        ("query", "robots without surveys", "robots"),
        ("topic", "robots without surveys", "robots"),
        ("query", "서베이 말고 로봇 또는 teapots", f"로봇 {either} teapots"),
        ("query", "teapots but no surveys", "teapots"),
    ):
        name = query_parser.find_negated(query_parser.parse_query(query))[1]  # type: ignore[index]
        command, period = ("topic", {}) if option == "query" else ("top", {"period": "2025"})
        result = await harness.ask(command, **{option: query}, **period)
        head, _, _ = shown_text(result).partition("**1 · ")
        assert NOT_LEFT_OUT[texts.locale].format(name, rest, name) in head
        assert "A Survey of Teapots" in shown_text(result)
    # A misspelt word is corrected there too.
    misspelt = shown_text(await harness.ask("topic", query="reinforcment learning without robtos or teapots"))
    corrected = f"reinforcement learning {either} teapots"
    assert NOT_LEFT_OUT[texts.locale].format("robots", corrected, "robots") in misspelt


@both_languages
async def test_all_that_takes_a_topic_says_that_it_leaves_nothing_out(harness: ClientHarness) -> None:
    """A post and an alert would go on with the opposite."""
    line = NOT_LEFT_OUT[harness.texts.locale].format("teapots", "robots", "teapots")
    query = "robots without teapots"
    drafted = await harness.manage("daily setup", topic=query, channel=harness.channel)
    for answer in (
        await harness.ask("alerts add", keyword=query),
        drafted,
        await harness.manager_press(drafted, "setup-start"),
        await harness.ask("trends", topic=query),
    ):
        assert line in shown_text(answer)


async def test_what_is_only_left_out_is_no_search(harness: ClientHarness) -> None:
    shown = shown_text(await harness.ask("topic", query="-surveys"))
    assert harness.texts("no-list-topic-left-out").splitlines()[0] in shown
    assert "A Survey of Teapots" not in shown
    assert harness.texts("list-ignored", filters="").strip() not in shown
    # Words alone are words.
    shown = shown_text(await harness.ask("topic", query="not surveys"))
    assert "A Survey of Teapots" in shown
    assert "“surveys” is not left out. To leave it out, type a comma: *robots, without surveys*" in shown


async def test_a_paper_is_not_said_to_lack_its_authors_and_its_title(search: SearchService) -> None:
    found = await search.search(SearchRequest("Holt weighing kettle scales"))
    assert "Holt" not in found.read.absent
    assert found.missing["2512.00101"] == ("scales",)


async def test_an_alert_on_a_last_name_is_on_its_one_author_or_is_refused(harness: ClientHarness) -> None:
    """An alert finds whole names: "Holt" alone would match nobody's paper."""
    assert "by Mira Holt" in harness.screen(await harness.ask("alerts add", author="holt"))
    refused = shown_text(await harness.ask("alerts add", author="Lane"))
    assert refused.startswith(harness.texts("refused-last-name", text="Lane", author="Ida Lane"))


async def test_an_alert_of_a_set_up_file_takes_a_last_name_as_the_command_does(archive_db: Database) -> None:
    of_file = SetUpFile(archive_db, lambda: NOW, Settings())
    alert = '[[alerts]]\nuser = "7"\nauthors = ["{}"]\n'
    for changes in (("add alert of user 7 for Mira Holt",), ()):
        assert (await of_file.apply(alert.format("Holt"), "file")).changes == changes
    with pytest.raises(errors.UsageError, match="file:1: alerts 1: Several authors are called “Lane”"):
        await of_file.apply(alert.format("Lane"), "file")


async def test_any_name_has_an_answer_and_two_buttons_that_do_the_same_are_one(
    harness: ClientHarness,
) -> None:
    for query in ("x", "from:", "from:x", "네" * 300, "from:" + "A" * 300, "대학교", "University"):
        assert shown_text(await harness.ask("topic", query=query)), query
    # Without the left-out words, and with them taken in again, the search is the same.
    text = "robot, maps | rob"
    answer = await harness.ask("topic", query=text, without=text)
    ids = component_ids(answer)
    assert len(set(ids)) == len(ids) > 0


HEADINGS = (
    ("papers on robots from 2025", "robots · 2025 ·", "robots · 2025년 ·"),
    ("robots December 2025", "robots · December 2025 ·", "robots · 2025년 12월 ·"),
    ("robots since:2025-12", "robots · since December 1, 2025 ·", "robots · 2025년 12월 1일부터 ·"),
    ("robots | kettles", "robots or kettles ·", "robots 또는 kettles ·"),
    ("zeppelins | zithers", "“zeppelins or zithers”", "“zeppelins 또는 zithers”"),
    ("robots, kettles", "robots, kettles", "robots, kettles"),
    (
        "robots or kettles December 2025",
        "robots or kettles · December 2025 ·",
        "robots 또는 kettles · 2025년 12월 ·",
    ),
    ("지난달 로봇 | kettles", "로봇 or kettles · ", "로봇 또는 kettles · "),
)


@both_languages
async def test_a_heading_has_signs_in_words_and_a_button_takes_a_year_as_one(harness: ClientHarness) -> None:
    column = 1 + (harness.texts.locale is models.Locale.KO)
    for row in HEADINGS:
        shown = shown_text(await harness.ask("topic", query=row[0]))
        assert row[column] in shown.splitlines()[0], shown
        assert "|" not in shown
    trend = await harness.ask("trends", topic="robots | kettles")
    assert HEADINGS[3][column] in shown_text(trend)
    result = await harness.ask("topic", query=HEADINGS[0][0])
    again = await harness.press(result, label=harness.texts("list-in-text", name="2025"))
    assert HEADINGS[0][column] not in shown_text(again)


async def test_a_year_without_a_digest_is_no_word_that_papers_lack_and_is_said(
    harness: ClientHarness,
) -> None:
    for query in ("DeepSeek-Tea 2023", "DeepSeek-Tea in 2023"):
        shown = shown_text(await harness.ask("topic", query=query))
        assert harness.texts("list-unlisted-year", year="2023") in shown, query
        assert "DeepSeek-Tea: Brewing" in shown, query
        assert harness.texts("list-missing", terms="2023") not in shown, query
    in_year = shown_text(await harness.ask("topic", query="2023년 DeepSeek-Tea"))
    assert harness.texts("list-dates", period="2023") in in_year
    earlier = shown_text(await harness.ask("topic", query="robots before december 2025"))
    assert harness.texts("list-dates", period="until November 30, 2025") in earlier
    assert "Pour Tea" not in earlier
    labelled = shown_text(await harness.ask("topic", query='robots in:"ICLR 2026"'))
    assert harness.texts("list-no-label", labels="ICLR 2026") in labelled


KETTLES, TEA, BREWING = "Weighing Kettles", "Robots that Pour Tea", "DeepSeek-Tea: Brewing"
EITHER = {
    "kettles or, robots": {KETTLES, TEA},
    "kettles OR robots": {KETTLES, TEA},
    "kettles | robots": {KETTLES, TEA},
    "kettles 또는 로봇": {KETTLES, TEA},
    "kettles, robots": set[str](),
    "papers on kettles or on robots": {KETTLES, TEA},
    "kettles robots": set[str](),
    "kettles or pour tea": {KETTLES, TEA},
    "weighing | pouring kettles": {KETTLES},
    '"pour tea" or brewing': {TEA, BREWING},
    "kettles or robots, not pour": {KETTLES},
}
"""The papers on each query, of three."""


async def test_a_misspelt_name_is_no_name_of_an_author(search: SearchService) -> None:
    assert (await search.find_author("Ida Lanne", limit=1)).is_corrected
    assert (await search.search(SearchRequest("Ida Lane"))).read.meant == 'author:"Ida Lane"'
    assert (await search.search(SearchRequest("Ida Lanne"))).read.meant == ""


async def test_or_means_either(search: SearchService) -> None:
    for query, titles in EITHER.items():
        result = await search.search(SearchRequest(query, limit=20))
        kinds = {row.title: result.kinds[row.key] for row in result.rows}
        on_topic = {title for title, kind in kinds.items() if kind is MatchKind.ON_TOPIC}
        assert on_topic & {KETTLES, TEA, BREWING} == titles, query


PHRASES = {
    '"pour tea"': {TEA},
    '"tea pour"': set[str](),
    '"robots tea"': set[str](),
    'robots "try many teapots"': {"A Survey of Teapots"},
}
"""The papers that have each phrase, side by side and in order."""


async def test_a_phrase_in_quotation_marks_is_a_phrase(search: SearchService, lab_db: Database) -> None:
    papers = await lab_db.fetch(archive.list_papers, [1])
    for query, titles in PHRASES.items():
        found = await search.search(SearchRequest(query, limit=20))
        having = {row.title for row in found.rows if found.kinds[row.key] is not MatchKind.SOME_TERMS}
        assert having == titles, query
        assert bool(await search.match_papers(query, papers)) == bool(found.on_topic), query


async def test_a_stored_topic_means_what_a_search_reads(search: SearchService, lab_db: Database) -> None:
    papers = await lab_db.fetch(archive.list_papers, [1])
    ids = {paper.paper_id: paper.paper_key for paper in papers}
    for topic in ("kettles OR robots", "주전자 또는 로봇", "teapots or robots, not surveys"):
        matching = {ids[id_] for id_ in await search.match_papers(topic, papers)}
        found = await search.search(SearchRequest(topic, limit=20))
        assert matching == {row.key for row in found.rows[: found.on_topic]}, topic
    # A name alone is its papers, and a title its paper.
    for topic in ("NAVER", "네이버", "Mira Holt", "Teapots without Handles"):
        matching = {ids[id_] for id_ in await search.match_papers(topic, papers)}
        found = await search.search(SearchRequest(topic, limit=50))
        named = found.rows[: found.on_topic or None]
        assert matching == {row.key for row in named} != set(), topic
    # But an alert leaves out the words that it names, and no others that they mean.
    matching = {ids[id_] for id_ in await search.match_papers('로봇 -"language models"', papers)}
    assert "2512.00106" in matching


async def test_what_is_left_out_is_what_the_words_mean(search: SearchService) -> None:
    for query, kept in (
        # An abbreviation of a long form that has the words means them too, in both languages.
        ("robots, without language models", False),
        ("로봇, 언어 모델 말고", False),
        ("papers from NAVER, not language models", False),
        ("네이버 논문, 언어 모델 제외", False),
        # What is asked for is not left out, nor what only shares a word.
        ('LLM -"language models"', True),
        ("robots, without model predictive control", True),
    ):
        found = await search.search(SearchRequest(query))
        assert found.total, query
        assert ("2512.00106" in {row.key for row in found.rows}) is kept, query


async def test_an_institution_alone_has_its_newest_papers_first(lab_db: Database) -> None:
    later = NewsletterPaper("2512.00107", "Cups", "잔이에요.", votes=1)
    await add_digest(lab_db, "2025-12-03", later)
    fact = models.PaperFacts("2512.00107", "huggingface", "h", NOW, organization="NVIDIA")
    await add_facts(lab_db, fact)
    search = SearchService(lab_db)
    for sort, first in ((None, "2512.00107"), (Sort.VOTES, "2512.00101")):
        [row, *_] = (await search.search(SearchRequest("NVIDIA", sort=sort))).rows
        assert row.key == first, sort


async def test_an_institution_beside_other_words_is_offered_as_one(search: SearchService) -> None:
    for query, offered in (
        ("kettles from NVIDIA", ['kettles from:"NVIDIA"']),
        ("NVIDIA kettles", ['kettles from:"NVIDIA"']),
        ("엔비디아 kettles", ['kettles from:"엔비디아"']),
        ("NVIDIA sonar", []),
        ('NVIDIA kettles from:"NVIDIA"', []),
    ):
        result = await search.search(SearchRequest(query))
        assert [one for one in result.suggestions if "from:" in one] == offered, query


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that were parsed and not remembered, in order; nothing is remembered once they are cleared."""
    parse_query = query_parser.parse_query.__wrapped__

    @lru_cache
    def count(text: str, today: date | None = None) -> ParsedQuery:
        texts.append(text)
        return parse_query(text, today)

    class Texts(list[str]):
        def clear(self) -> None:
            count.cache_clear()
            super().clear()

    texts = Texts()
    monkeypatch.setattr(query_parser, "parse_query", count)
    return texts


PARSED = {
    "topic": "로봇 -survey -teapots|robots, not surveys|NVIDIA|Mira Holt|from:NVIDIA until:2025-12-01|xyzzy frobnicators",
    "top": "teapots -survey",
    "author": "Bo Lin since:2025|Weighing Kettles|Nobody At All",
    "paper": "robots that pour -survey|Weighing Kettles",
}


@pytest.mark.parametrize(("command", "texts"), PARSED.items())
async def test_a_typed_text_is_parsed_once(
    harness: ClientHarness, parsed: list[str], command: str, texts: str
) -> None:
    option = {"topic": "query", "author": "name", "top": "topic", "paper": "paper"}[command]
    filters = {} if command == "paper" else {"votes": 1}
    site = Site("https://example.org", models.Locale.EN)
    for typed in texts.split("|"):
        parsed.clear()
        await harness.ask(command, **{option: typed}, **filters)
        assert parsed in ([typed], []), parsed
        assert parsed or command == "paper"
        parsed.clear()
        await harness.container.web_pages.load_search(site, typed, page=1)
        assert parsed == [typed]


async def test_the_topic_of_a_post_is_parsed_once_when_it_is_typed_planned_and_drawn(
    harness: ClientHarness, parsed: list[str]
) -> None:
    await harness.manage("daily setup", topic="로봇 -survey", time="9:00")
    # As it is typed, when dates may be named; and as it is stored.
    assert parsed == ["로봇 -survey"] * 2
    subscription = await harness.add_subscription(topic="로봇 -survey")
    parsed.clear()
    post, _ = await harness.bot.services.get(OnDemandPosts).preview(subscription)
    assert harness.container.renderer.render(replace(post, marker="daily:1:2026-01-01"))
    assert parsed == ["로봇 -survey"] * 2


async def test_the_words_of_an_alert_are_parsed_once(harness: ClientHarness, parsed: list[str]) -> None:
    preview = await harness.ask("alerts add", keyword="quantization or 양자화")
    await harness.press(preview, "alert-create")
    # As it is typed and as it is stored.
    assert parsed == ["quantization or 양자화", "quantization | 양자화"]
    await harness.publish("A▲53", "Then *post-training* quantization halves its memory. It ends.")
    await harness.wait(minutes=3)
    assert len(harness.received()) == 1
    await harness.ask("alerts list")
    # As it is typed and as it is stored.
    assert parsed == ["quantization or 양자화", "quantization | 양자화"]
    listed = await harness.ask("topic", query="kettles -survey")
    parsed.clear()
    await harness.press(listed, "follow-topic")
    assert parsed.count("kettles -survey") == 1


@both_languages
async def test_a_name_with_a_topic_shows_the_authors_papers_on_it(harness: ClientHarness) -> None:
    """Where none is on it, all of theirs; a button looks for the name in texts."""
    await add_digest(
        harness.container.database,
        "2025-01-02",
        make_paper(101, "Robots in Gardens", "로봇이 걷습니다.", authors=("Ada Mossing",)),
        make_paper(102, "Rivers Drawn by Hand", "그립니다.", authors=("Ada Mossing",)),
    )
    on_topic = await harness.ask("topic", query="Ada Mossing robots")
    assert "Robots in Gardens" in shown_text(on_topic)
    assert "Rivers Drawn" not in shown_text(on_topic)
    in_text = await harness.press(on_topic, label=harness.texts("list-in-text", name="Ada Mossing", count=0))
    assert "Maps for Robots" in shown_text(in_text)
    for limited in (
        "Ada Mossing, no robots",
        "Ada Mossing 2025년, 로봇 빼고",
        'author:"Ada Mossing" since 2025, no robots',
    ):
        left = shown_text(await harness.ask("topic", query=limited))
        assert ("Rivers Drawn" in left, "Robots in Gardens" in left) == (True, False), limited
    misspelt = shown_text(await harness.ask("topic", query='author:"Ada Mosing" robots'))
    assert harness.texts("list-name-corrected", name="Ada Mosing") in misspelt
    assert harness.texts("list-name-corrected", name="Ada Mossing") not in shown_text(on_topic)
    without = shown_text(await harness.ask("topic", query="video Ada Mossing"))
    assert all(title in without for title in ("Robots in Gardens", "Rivers Drawn by Hand"))
