"""The form of claims: measured on sets of true and false claims, and tested case by case."""

import json
import re
from collections.abc import Sequence

from bench.quality import claims as quality_claims
from bot.claims import form_checks as claim_form
from bot.claims.judging import Claim
from storage import models
from tests.support import seeds

KO, EN = models.Locale.KO, models.Locale.EN
FILES = sorted(quality_claims.FOLDER.glob("*.json"))
PAPERS = [paper for file in FILES for paper in json.loads(file.read_text(encoding="utf-8"))["papers"]]
TRUTHS = {row["claim"]: row["truth"] for paper in PAPERS for row in paper["claims"]}
PAPER = (
    "A Study of Lamps\n\nThe router reaches 61.3% on LampBench, 4.2 points above the baseline.\n\n"
    "All trials used a single server with 1.2 million prompts."
)
SPAN = "The router reaches 61.3% on LampBench"


def find_problems(text: str, span: str = SPAN, language: models.Locale = EN, paper: str = PAPER) -> list[str]:
    [found] = claim_form.ClaimChecker(paper).find_problems([Claim("results", text, span)], language)
    return found


def judge_honestly(_: str, claims: Sequence[Claim]) -> Sequence[str]:
    return ["" if TRUTHS[claim.text] else "not proved" for claim in claims]


def test_only_true_claims_pass_an_honest_judge() -> None:
    held = [file for file in FILES if file.stem.startswith("held")]
    results = [row for file in held for row in quality_claims.check_file(file, judge_honestly)]
    assert [row.text for row in results if not row.is_true and not row.problems] == []
    assert len([row for row in results if row.is_true and row.problems]) <= 3
    assert len(results) == 200


def test_96_percent_of_true_claims_have_a_valid_form() -> None:
    results = [row for file in FILES for row in quality_claims.check_file(file, quality_claims.approve)]
    true = [row for row in results if row.is_true]
    assert len(true) == 400
    assert len([row for row in true if not row.problems]) >= 384


def test_always_rejects_a_number_missing_from_the_paragraph() -> None:
    rng, passed, count = seeds.rng(), [], 0
    for paper in PAPERS:
        checker = claim_form.ClaimChecker(f"{paper['title']}\n\n{paper['text']}")
        for row in (row for row in paper["claims"] if row["truth"]):
            for number in re.finditer(r"(?<![\w.,-])\d+(?:[.,]\d+)*", row["claim"]):
                # Four more digits: neither in the paper nor the difference of two of its numbers.
                wrong = f"{rng.randint(3, 8)}{number[0].replace(',', '')}{rng.randint(111, 999)}"
                text = row["claim"][: number.start()] + wrong + row["claim"][number.end() :]
                claim = Claim("results", text, row["span"])
                [problems] = checker.find_problems([claim], models.Locale(row["language"]))
                count += 1
                passed += [] if problems else [text]
    assert count > 200
    assert passed == []


def test_judge_sees_cited_paragraphs_and_their_neighbours() -> None:
    paragraphs = [f"Paragraph {number} says that letter {number} is sent." for number in range(9)]
    claims = [Claim("results", "It is sent.", f"says that letter {number} is sent") for number in (4, 8)]
    checker = claim_form.ClaimChecker("A Title\n\n" + "\n\n".join(paragraphs))
    shown = checker.list_excerpts(claims).split("\n\n")
    assert shown == ["A Title", *(paragraphs[number] for number in (3, 4, 5, 7, 8))]


def test_span_must_be_whole_words_of_one_paragraph() -> None:
    text = "The router reaches 61.3% there."
    for span in (SPAN, "the router  reaches *61.3%* on", "“The router reaches 61.3% on LampBench,"):
        assert find_problems(text, span) == []
    for span in ("", "router reaches 61.3%", "he router reaches 61.3% on", "router gets 61.3% on LampBench"):
        assert find_problems(text, span) != []
    across = "above the baseline. All trials used"
    assert find_problems(text, across) == [
        f'the span "{across}" is not a verbatim part of any paragraph of the paper'
    ]
    assert find_problems("It has 1.2 million prompts in all.", SPAN) == [
        'the number "1.2 million" is not in the paragraph of the span'
    ]


def test_long_paragraph_counts_as_several_paragraphs() -> None:
    rows = "".join(f"| row {number} of the long table | {number} |\n" for number in range(2_000))
    span = "row 7 of the long table"
    assert find_problems("Row 7 has 7 lamps.", span, paper=f"Title\n\n{rows}") == []
    assert find_problems("Row 7 has 1,900 lamps.", span, paper=f"Title\n\n{rows}") != []


def test_markup_cannot_hide_a_wrong_number() -> None:
    for markup in ("||", "**", "__", "~~", "<>", "\\*"):
        assert find_problems(f"The router reaches {markup}61.3%{markup} on it.") == [], markup
        assert find_problems(f"The router reaches 6{markup}6{markup}1.3% on it.") != [], markup


LINKS = (
    *("https://example.org", "discord.gg/flashroute", "evil.com/login", "ftp : //evil", "evil．com"),
    *("paypal.de/login", "evil.ai/x", "evil․com/x", "a@evil.org", "[here](x)"),
    # These become links once markup and entities are removed.
    *("http:**//evil.ai", "http:``//evil.ai", "http:<!--//evil.ai", r"http:\//evil.ai"),
    *("https:&sol;/evil.ai", "evil.**com", "h**ttps:**//evil.ai"),
)


def test_rejects_wrong_lengths_languages_and_links() -> None:
    for text, language, problem in (
        ("짧다", KO, "it must have 10 to 600 characters, not 2"),
        ("가" * 601, KO, "it must have 10 to 600 characters, not 601"),
        ("This is an English sentence.", KO, "it is not written in Korean"),
        ("이 문장은 한국어로 쓴 문장입니다.", EN, "it is not written in English"),
        *(
            (f"All is at {address} and nowhere else.", EN, "it contains a link or markup")
            for address in LINKS
        ),
    ):
        assert find_problems(text, language=language) == [problem], text


def test_ordinary_punctuation_is_not_a_link_and_latin_terms_make_no_sentence_english() -> None:
    for text, language in (
        ("The model reads the tokens, e.g. those of Fig. A vs. Table B.", EN),
        ("It uses Qwen2.5-VL, i.e. a model that is better than GPT-4.1/o3, ViT-B/16 and v2.0/v2.1.", EN),
        (
            "DeepSeek-R1은 사람 피드백 강화 학습(reinforcement learning from human feedback; RLHF)으로 학습합니다.",
            KO,
        ),
    ):
        assert find_problems(text, language=language) == []


def test_rejects_a_repeated_claim() -> None:
    claims = [Claim(section, "The router reaches 61.3% on it.", SPAN) for section in ("setup", "results")]
    found = claim_form.ClaimChecker(PAPER).find_problems(claims, EN)
    assert found == [[], ["it repeats another claim"]]
