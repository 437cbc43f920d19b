"""Glossaries written as JSON and read back."""

from __future__ import annotations

from bot.glossary import concepts, induction, mentions, resolver
from tests.support import glossary_in_memory


def test_a_glossary_survives_serialisation() -> None:
    draft = induction.draft_glossary(
        glossary_in_memory.count_mentions(["언어 모델(Language Model; LM)을"] * 3), concepts.load_terms()
    )
    built = induction.build_concepts(draft, draft.cooccurrence_counter())
    title_statistics = mentions.TitleStatistics([mentions.Phrase("Robot Arms", "en", 3)], {"robot": 5})
    text = resolver.dump_glossary(
        built, draft.senses, draft.mention_evidence.table, title_statistics, {"Gemini": 2}
    )
    loaded = resolver.load_glossary(text)
    assert loaded is not None
    assert loaded.title_statistics == title_statistics
    assert loaded.find_names("제미나이") == ["Gemini"]
    assert resolver.is_current(text)
    original = resolver.Glossary(built, draft.senses, draft.mention_evidence.table)
    for query in ("LM", "언어모델", "language models", "의료 양자화", "강화학습 추론"):
        assert loaded.expand(query) == original.expand(query)


def test_a_glossary_of_another_version_is_not_loaded() -> None:
    for older in ('{"version": 0}', '{"version":1,"concepts":[]}', "", "null"):
        assert resolver.load_glossary(older) is None
        assert not resolver.is_current(older)
