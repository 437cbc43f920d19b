"""The labels by which Paperround's writer says in a digest what an entry was written from, and what it left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.digests.elements.summary_basis import Basis
from storage import models

BASIS_LABELS: Mapping[models.Locale, Mapping[Basis, str]] = {
    models.Locale.EN: {
        Basis.ABSTRACT: "This summary was written from the abstract.",
        Basis.EXTRACT: "This is an extract of the abstract in its own words.",
        Basis.HUGGINGFACE: "This is Hugging Face's summary of the abstract, an extract in its own words.",
    },
    models.Locale.KO: {
        Basis.ABSTRACT: "이 요약은 논문의 초록을 바탕으로 작성했습니다.",
        Basis.EXTRACT: "논문의 초록에서 문장을 그대로 발췌했습니다.",
        Basis.HUGGINGFACE: "Hugging Face가 초록을 요약한 글을 그대로 발췌했습니다.",
    },
}
"""By language. A summary written from the whole paper has no label."""
HEADINGS: Mapping[models.Locale, str] = {models.Locale.EN: "Basis", models.Locale.KO: "작성 근거"}
"""The chapter of a review that holds its labels."""

_BASIS_BY_LABEL = {text: basis for labels in BASIS_LABELS.values() for basis, text in labels.items()}


def label_dropped(language: models.Locale, count: int) -> str:
    """Return the label of an entry whose writer dropped `count` claims, at least 1."""
    if language is models.Locale.KO:
        return f"검사를 통과하지 못한 문장 {count}개는 뺐습니다."
    noun, verb = ("sentence", "was") if count == 1 else ("sentences", "were")
    return f"{count} {noun} that failed the checks {verb} left out."


def find_basis(sections: Sequence[models.Section]) -> Basis | None:
    """Return what an entry was written from by its label; None without one."""
    lines = (line for section in sections for line in _lines(section))
    return next((_BASIS_BY_LABEL[line] for line in lines if line in _BASIS_BY_LABEL), None)


def drop_labels(sections: Sequence[models.Section]) -> tuple[models.Section, ...]:
    """Return the sections without labels of the basis, for readers who are told it otherwise."""
    if find_basis(sections) is None:
        return tuple(sections)
    kept = (
        replace(section, body="\n".join(line for line in _lines(section) if line not in _BASIS_BY_LABEL))
        for section in sections
    )
    return tuple(section for section in kept if section.body.strip())


def _lines(section: models.Section) -> list[str]:
    return section.body.split("\n")
