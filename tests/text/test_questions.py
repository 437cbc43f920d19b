"""The set of questions: its halves are balanced, its judgements complete, and its measures right on small examples."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from bench.quality import corpus, questions

QUESTION = questions.Query(1, "tuned", "question", "en", "how to", "")
FILES = corpus.list_files()


def test_both_halves_have_as_many_queries_of_each_kind_and_language() -> None:
    queries = questions.load_queries()
    counts = Counter((query.kind, query.language, query.half) for query in queries)
    for kind, language, _ in counts:
        tuned, held = (counts[kind, language, half] for half in questions.HALVES)
        assert abs(tuned - held) <= 6
    assert len({query.text for query in queries}) == len({(query.text, query.kind) for query in queries})
    assert all(query.answer for query in queries if query.kind in ("name", "typo", "term"))


def test_every_question_is_judged_and_has_an_answer() -> None:
    judgements = questions.load_judgements()
    judged = {query.number for query in questions.load_queries() if query.kind in ("question", "mix")}
    assert set(judgements) == judged
    assert all(2 in grades.values() for grades in judgements.values())


@pytest.mark.parametrize(
    ("found", "satisfying", "nothing", "ndcg"),
    [
        (["a", "b"], 1.0, 0.0, 1.0),
        (["b", "x", "a"], 1.0, 0.0, 0.69),
        (["b", "x"], 0.0, 0.0, 0.28),
        (["x", "y"], 0.0, 1.0, 0.0),
        ([], 0.0, 1.0, 0.0),
    ],
)
def test_an_answer_is_graded(found: list[str], satisfying: float, nothing: float, ndcg: float) -> None:
    samples = questions.judge_answer(QUESTION, found, {"a": 2, "b": 1, "x": 0}).samples
    assert (samples["satisfying"], samples["nothing"]) == (satisfying, nothing)
    assert samples["ndcg@10"] == pytest.approx(ndcg, abs=0.01)


def test_a_name_counts_by_the_rank_of_its_paper_and_a_typing_error_by_what_was_meant() -> None:
    name = questions.Query(2, "held", "name", "en", "llama3", "2407.21783")
    assert questions.judge_name(name, ["2401.00001", "2407.21783"]).samples == {"mrr": 0.5}
    assert questions.judge_name(name, []).samples == {"mrr": 0.0}
    typo = questions.Query(3, "held", "typo", "en", "difusion", "diffusion")
    assert questions.judge_typo(typo, ["a", "b", "x"], ["a", "b", "c"]).samples == {"right": 1.0}
    assert questions.judge_typo(typo, ["a", "x", "y"], ["a", "b", "c"]).samples == {"right": 0.0}


@pytest.mark.parametrize(
    ("forms", "text", "has_form"),
    [
        ("tokeniz*|토큰화", "a tokenizer", True),
        ("tokeniz*|토큰화", "tokens", False),
        ("text-to-image", "Text to Image models", True),
        ("*MoE", "SMoE", False),
        ("*MoE", "two MoEs", True),
        ("*MoE", "moe", False),
        ("reward", "rewards", True),
        ("reward", "rewarding", False),
    ],
)
def test_a_true_form_is_found_in_its_inflections_only(forms: str, text: str, has_form: bool) -> None:
    assert bool(questions.true_form_pattern(forms).search(text)) is has_form


@pytest.mark.skipif(not FILES, reason="no archive of digests next to the checkout")
def test_the_figures_of_the_tuned_half_are_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["questions", "--half", "tuned", "--json"])
    questions.main()
    figures = json.loads(capsys.readouterr().out)
    assert set(figures) == {"tuned"}
    print(figures)
    assert figures["tuned"]["question"]["ndcg@10"] >= 0.2
    assert figures["tuned"]["mix"]["ndcg@10"] >= 0.65
