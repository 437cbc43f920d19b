"""Query expansion (which forms are added, which words stay as typed), the operator's decisions and the seed list."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.search import term_resolver
from bot.search.query_reader import QueryReader
from bot.text import analyser, seed, term_keys, tokens
from bot.text.parsed_query import ParsedQuery
from tests.support import glossary_in_memory


def _forms(glossary: term_resolver.Glossary, text: str) -> list[str]:
    part = QueryReader(glossary).read(ParsedQuery(text)).parts[0]
    return [form.text for form in part.forms]


@pytest.fixture(scope="module")
def glossary() -> term_resolver.Glossary:
    return glossary_in_memory.build_glossary([], seed.load_terms())


def test_a_word_that_ends_in_a_capital_s_or_two_is_not_a_plural() -> None:
    texts = ["추측 디코딩(Speculative Decoding; SD)과 평균 의견 점수(Mean Opinion Score; MOS)를 쓴다"] * 3
    glossary = glossary_in_memory.build_glossary(texts, ())
    assert glossary.find("SDs") == ["speculative decod"]
    assert glossary.find("mos") == ["mean opinion score"]
    assert not glossary.find("SDS")
    assert not glossary.find("moss")


@pytest.mark.parametrize(
    ("abbreviation", "terms"),
    [
        ("SD", {"stable diffusion", "speculative decoding", "standard deviation"}),
        ("asr", {"automatic speech recognition", "attack success rate"}),
        ("TTA", {"text-to-audio", "test-time adaptation", "test-time augmentation"}),
        ("CV", {"computer vision", "cross-validation"}),
        ("CL", {"contrastive learning", "continual learning", "curriculum learning"}),
        ("RL", set()),
        ("robots", set()),
    ],
)
def test_an_ambiguous_abbreviation_lists_its_common_meanings(
    glossary: term_resolver.Glossary, abbreviation: str, terms: set[str]
) -> None:
    assert set(glossary.list_senses(abbreviation)) == terms


FORMS = st.sampled_from(["강화 학습", "보강학습", "RL", "ReL", "trial learning", "확산", "양자 거품"])
TERMS = st.sampled_from(["reinforcement learning", "quantum foam", "diffusion"])
DECISIONS = st.lists(st.builds(term_resolver.Decision, TERMS, FORMS, st.booleans()), max_size=6)
INDUCED = ["강화 학습(Reinforcement Learning; RL)을 쓴다"] * 3


@settings(max_examples=40, deadline=None)
@given(
    DECISIONS, st.lists(st.sampled_from(["보강 학습(Reinforcement Learning)", "확산(Diffusion)"]), max_size=4)
)
def test_the_last_decision_on_a_form_stays(decisions: list[term_resolver.Decision], added: list[str]) -> None:
    last = {(row.term, term_keys.term_key(row.form)): row for row in decisions}.values()
    for texts in ([], INDUCED, [*INDUCED, *added]):
        current = glossary_in_memory.build_glossary(texts, seed.load_terms()[:60], last)
        for row in last:
            concept = current.concept(term_keys.english_key(row.term))
            forms = concept.forms if concept else ()
            assert any(term_resolver.is_same_form(form.text, row.form) for form in forms) == row.is_added
            if not any(other.is_added and other.form == row.form and other != row for other in last):
                assert (concept in current.find_concepts(row.form)) == row.is_added
            searched = _forms(current, row.term)
            assert any(term_resolver.is_same_form(form, row.form) for form in searched) == row.is_added


def test_each_seed_term_has_a_korean_and_an_english_form() -> None:
    assert len(seed.load_terms()) >= 300
    for term in seed.load_terms():
        assert term.korean
        assert term.english
        assert all(analyser.has_hangul(form) or form.isascii() for form in term.korean)
        assert not any(analyser.has_hangul(form) for form in (*term.english, *term.abbreviations))


def test_no_learnt_form_hides_a_seeded_form() -> None:
    terms = [term for term in seed.load_terms() if not term.is_common_word]
    # Forms learnt from every suffix of every seeded form: 포머(Transformer).
    rows = [
        term_resolver.LearntForm(term.english[0], form[at:].strip(), 9, 9, 9)
        for term in terms
        for form in term.korean
        for at in range(len(form))
    ]
    learnt = term_resolver.Glossary(terms, term_resolver.LearntTerms(rows))
    for term in terms:
        found = _forms(learnt, term.english[0])
        for form in term.korean:
            if form not in term.only_read:
                text = f" {tokens.tokenize(analyser.canonicalise(form))} "
                phrases = [" ".join(phrase) for other in found for phrase in tokens.phrases(other)]
                assert any(f" {phrase} " in text for phrase in phrases), (form, found)


def test_a_query_only_form_is_recognised_but_not_searched_for() -> None:
    terms = [seed.SeedTerm(("어텐션", "주의"), ("attention",), (), only_read=frozenset({"주의"}))]
    glossary = term_resolver.Glossary(terms)
    assert _forms(glossary, "주의") == ["주의", "attention", "어텐션"]
    assert "주의" not in _forms(glossary, "attention")


@pytest.mark.parametrize(
    ("term", "papers", "forms"),
    [
        ("diffusion", 9, ["제거", "라텐트", "비자동회귀", "텍스트 조건부"]),
        ("attention", 9, ["주의", "주목"]),
        ("reasoning", 9, ["상식"]),
        ("transformer", 9, ["변압기", "변환기"]),
        ("agent", 9, ["대리인"]),
        # The end of a seeded form, and what a single paper defines.
        ("diffusion model", 9, ["퓨전 모델"]),
        ("baseline", 9, ["대상"]),
        ("multimodal large language model", 9, ["모달 대형 언어 모델"]),
        ("reasoning", 1, ["이유화"]),
        ("function calling", 1, ["기기 내부"]),
    ],
)
def test_wrong_forms_of_common_terms_are_not_learnt(term: str, papers: int, forms: list[str]) -> None:
    learnt = term_resolver.LearntTerms([term_resolver.LearntForm(term, form, papers, 9, 9) for form in forms])
    found = _forms(term_resolver.Glossary(seed.load_terms(), learnt), term)
    assert not {*forms} & {*found}


_LOANWORDS = (
    "리즈닝=reasoning|파인튜닝=fine-tuning|얼라인먼트=alignment|인퍼런스=inference|프롬프팅=prompt|스티어링=steering"
    "|바이브 코딩=vibe coding"
)


@pytest.mark.parametrize("pair", _LOANWORDS.split("|"))
def test_loanwords_find_the_english_term(glossary: term_resolver.Glossary, pair: str) -> None:
    word, term = pair.split("=")
    assert term in _forms(glossary, word)
