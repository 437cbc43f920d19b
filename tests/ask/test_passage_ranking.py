"""Questions about a paper find the passages that answer, in both languages, and say if no passage does."""

import json
import re

import pytest

from bench.quality import ask as bench_ask
from bot.demo import sample_digests
from bot.features.ask import passages, question_parts
from bot.features.ask.passage_ranking import PaperIndex, Ranking
from bot.search import term_resolver
from bot.search.results import WeightedPattern, compile_pattern, make_excerpt
from bot.text import analyser, seed
from tests.support import asked_paper

GLOSSARY = term_resolver.Glossary(seed.load_terms())


def rank(asked: str, text: str = asked_paper.MARKDOWN) -> tuple[PaperIndex, Ranking]:
    index = PaperIndex(passages.split(asked_paper.paper_text(text)))
    return index, index.rank(question_parts.read(asked, GLOSSARY))


@pytest.mark.parametrize(("asked", "words"), asked_paper.QUESTIONS.items())
def test_the_passage_that_answers_is_among_the_first_three(asked: str, words: str) -> None:
    index, ranking = rank(asked)
    assert any(words in index.passages[number].text for number in ranking.order[:3])


def test_forms_that_the_paper_has_not_are_not_named() -> None:
    found = rank("Which baselines, and which learning rate?")[1].found
    assert "learning rate" in found["learning rate"]
    assert not any(analyser.has_hangul(form) for forms in found.values() for form in forms)


def test_a_word_of_one_syllable_is_read_in_front_of_an_ending_alone() -> None:
    def list_forms(word: str) -> list[str]:
        return [form.text for part in question_parts.read(word, GLOSSARY) for form in part.forms]

    for word, meant in (("집에서", "home"), ("책을", "book"), ("손으로", "hand"), ("글이", "text")):
        assert meant in list_forms(word), word
    for word, other in (("집단", "home"), ("책장", "book"), ("손상", "hand"), ("글로벌", "text")):
        assert other not in list_forms(word), word


def test_a_question_that_cannot_be_read_and_a_paper_without_text_find_no_answer() -> None:
    for asked in (
        "",
        "?!",
        "👩‍🔬🧪" * 300,
        "왜 " * 2_000,
        "Ποια δεδομένα;",
        "データは何ですか",
        "\0\ud800",
        "a" * 4_000,
    ):
        assert not rank(asked)[1].order, asked
    for text in ("", "# Only a title\n", "## 1 Data\n"):
        assert not rank("data?", text)[1].order, text


def test_a_passage_gains_by_its_neighbours_in_its_section_but_less_than_by_its_own_words() -> None:
    """An answer often follows the sentence that names its subject."""
    parts, oil = question_parts.read("lamp oil", GLOSSARY), "Oil is cheap in this town."
    texts = (("1 Town", oil), ("2 Ferries", "The lamp stands on a pier."), ("2 Ferries", oil))
    order = PaperIndex([passages.Passage(*text) for text in texts]).rank(parts).order
    assert order.index(2) < order.index(0), "another section is no neighbour"
    near = (("1 Town", oil), ("1 Town", "Oil burns in a lamp of this town."))
    assert PaperIndex([passages.Passage(*text) for text in near]).rank(parts).order[0] == 1


def test_the_figures_count_each_script(tmp_path, capsys) -> None:  # type: ignore[no-untyped-def]
    parts = [
        {"n": number, "section": passage.section, "text": passage.text}
        for number, passage in enumerate(passages.split(asked_paper.paper_text()))
    ]
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "lanterns.json").write_text(json.dumps({"paragraphs": parts}))
    licence = next(part["n"] for part in parts if "Apache" in str(part["text"]))
    rows: list[dict[str, object]] = [
        {"question": "라이선스가 뭐야?", "script": "hangul", "evidence": [licence]},
        {"question": "PSNR은 몇이야?", "script": "mixed", "evidence": [0]},  # the judge is wrong here
        {"question": "Which licence?", "script": "en", "evidence": [licence]},
        {"question": "Does it help with underwater sonar?", "script": "en", "evidence": []},
    ]
    lines = (json.dumps({**row, "paper": "lanterns"}, ensure_ascii=False) for row in rows)
    (tmp_path / "questions.jsonl").write_text("\n".join(lines))
    assert bench_ask.summarise(bench_ask.measure(tmp_path)) == (
        "ask: right among three 0.667 (en 1.000, mixed 0.000, hangul 1.000)"
    )


def test_an_answer_behind_more_is_not_counted_as_shown() -> None:
    row, sought = {"evidence": [4]}, re.compile("Apache")
    for found, shown, is_right in ((4, "Apache", True), (4, "It is open. …", False), (5, "Apache", False)):
        assert bench_ask.Outcome(row, [found], [shown], sought).is_right is is_right


@pytest.mark.parametrize(
    ("paper", "asked", "words"),
    [
        ("2406.17557", "중복 제거는 어떻게 했어?", "MinHash"),
        ("2412.13663", "어떤 데이터로 학습했어요?", "2 trillion tokens"),
        ("2501.12948", "보상은 어떻게 줘?", "accuracy reward"),
        ("2502.11089", "What GPUs did they use?", "eight A100"),
        ("2506.01844", "한계는 뭐예요?", "single type of robot"),
    ],
)
def test_the_papers_of_the_demo_answer(paper: str, asked: str, words: str) -> None:
    texts = sample_digests.load_paper_texts(asked_paper.paper_text().fetched_at)
    index, ranking = rank(asked, next(text.text for text in texts if text.paper_key == paper))
    assert words in index.passages[ranking.order[0]].text


def list_patterns(*words: str) -> list[WeightedPattern]:
    return [WeightedPattern(pattern) for word in words if (pattern := compile_pattern([word]))]


def test_an_excerpt_says_what_it_is_about() -> None:
    rest = "More is said of this. " * 30
    text = f"The first model is slow. The second model is fast. It mixes languages. {rest}"
    excerpt = make_excerpt(text, list_patterns("languages"))
    assert excerpt.text.startswith("…The second model is fast. It mixes languages.")
    [(start, end)] = excerpt.spans
    assert excerpt.text[start:end] == "It mixes languages."


def test_an_excerpt_has_whole_sentences_from_the_best_one_on_and_a_text_that_fits_is_whole() -> None:
    text = "MinHash finds near duplicates. Within each snapshot it works best."
    assert make_excerpt(text, list_patterns("snapshot")).text == text
    aside = "The lamp is lit at dusk. " * 40
    long = make_excerpt(f"{aside}Within each snapshot it works best. {aside}", list_patterns("snapshot"))
    assert long.text.startswith("…Within each snapshot it works best. The lamp is lit at dusk. The lamp")
    assert long.text.endswith("at dusk.\N{NO-BREAK SPACE}…")
    assert 280 < len(long.text) <= 323
    endless = make_excerpt("lamp " * 200 + "snapshot " + "lamp " * 200, list_patterns("snapshot"))
    assert "snapshot" in endless.text
    assert len(endless.text) <= 321


def test_an_excerpt_is_filled_by_the_sentences_before_the_last_one() -> None:
    aside = "The lamp is lit at dusk. " * 40
    last = make_excerpt(f"{aside}A wick costs ten pence. It works best.", list_patterns("works")).text
    assert last.endswith("The lamp is lit at dusk. A wick costs ten pence. It works best.")
    assert 280 < len(last) <= 321


def test_what_follows_a_list_is_a_line_of_its_own() -> None:
    text = "- Lamps: four\n- Wicks: ten\nA night takes one of each."
    shown = make_excerpt(text, list_patterns("wicks")).text
    assert shown == "• Lamps: four\n• Wicks: ten\nA night takes one of each."


@pytest.mark.parametrize(
    "asked",
    ["How many lanterns does the harbour have?", "What number of lanterns has it?", "랜턴은 몇 개야?"],
)
def test_where_an_amount_is_asked_a_sentence_with_one_is_quoted(asked: str) -> None:
    text = "The lanterns of GPT-4 glow. " + "Ferries pass the pier at night. " * 9 + "It has 47 lanterns."
    index = PaperIndex([passages.Passage("", text)])
    parts = question_parts.read(asked, GLOSSARY)
    ranking = index.rank(parts)
    patterns = ranking.compile_patterns(parts, ranking.weights, asks_number=question_parts.asks_number(asked))
    assert "47" in make_excerpt(text, patterns).text


def test_what_any_paper_is_asked_keeps_the_forms_that_a_search_reads() -> None:
    parts = question_parts.read("Which delay has speech?", GLOSSARY)
    forms = {form.text for part in parts for form in part.forms}
    assert {"음성", "latency", "지연"} <= forms
