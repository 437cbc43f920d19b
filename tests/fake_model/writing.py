"""The answers of the fake model: claims about the paper in the prompt, or verdicts on claims. Pure.

It knows only the papers of `papers`, in both languages.
"""

import contextlib
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tests.fake_model import papers

MAX_SPAN_WORDS = 12
_PAPER = re.compile(r"^<<<(paper|excerpts) (\w+)>>>\n(.*)^<<<end of \1 \2>>>$", re.DOTALL | re.MULTILINE)
_QUESTION = re.compile(r"^<<<question \w+>>>\n(.*)\n<<<end of question", re.MULTILINE)
_JUDGED = re.compile(r"^\d+\. (.+)$", re.MULTILINE)
_TITLE = re.compile(r"^Title: (.+)$", re.MULTILINE)
_NUMBER = re.compile(r"(?<![\w.,-])\d+(?:[.,]\d+)*")
_CHAPTERS_BY_KEY = {
    "whats_new": ("motivation", "contributions"),
    "technical_details": ("method", "setup"),
    "performance_highlights": ("results",),
}


def find_paper(messages: Sequence[Mapping[str, str]]) -> tuple[str, str]:
    """Return the title and the text between the markers of a prompt; of a question to several papers, all of them.

    Raises ValueError unless it holds one paper, or a question.
    """
    found = [match for message in messages for match in _PAPER.finditer(message["content"])]
    if len(found) != 1 and not (found and _QUESTION.search(messages[-1]["content"])):
        raise ValueError(f"the prompt holds {len(found)} papers")
    text = "\n".join(match[3] for match in found)
    titles = _TITLE.findall(text)
    return " + ".join(titles) or text.partition("\n")[0], text


def find_section(messages: Sequence[Mapping[str, str]]) -> str:
    """Return what a prompt asks for, by its wording alone: verdicts, sentences, or what the writer writes."""
    asked = messages[0]["content"]
    if _QUESTION.search(messages[-1]["content"]):
        return "sentences"
    known = {"verdict": "verdicts", "highlights": "whats_new"}
    return next((section for word, section in known.items() if word in asked), "motivation")


def find_schema(messages: Sequence[Mapping[str, str]]) -> dict[str, Any] | None:
    """Return the JSON schema that a prompt has in words, or None."""
    for match in re.finditer(r"^\{.*\}$", messages[0]["content"], re.MULTILINE):
        with contextlib.suppress(ValueError):
            return dict(json.loads(match[0]))
    return None


def is_korean(messages: Sequence[Mapping[str, str]]) -> bool:
    """Return whether the instructions ask for Korean."""
    return "in Korean" in messages[0]["content"]


def write(text: str, schema: Mapping[str, Any], *, korean: bool) -> dict[str, list[dict[str, str]]]:
    """Return an answer that fits the schema, made of a paper's sentences."""
    flat = " ".join(text.split())
    known = [fact for paper in papers.load() for fact in paper.facts if fact.english in flat]
    return {
        key: [
            {"text": fact.korean if korean else fact.english, "span": span_of(fact.english)}
            for fact in known
            if fact.chapter in _CHAPTERS_BY_KEY.get(key, (key,))
        ][: rule.get("maxItems", 2)]
        for key, rule in schema["properties"].items()
    }


def reply(messages: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Return the sentences of the paper in a prompt that have a long word of the question in it, in either language."""
    [asked] = _QUESTION.findall(messages[-1]["content"])
    flat, language = " ".join(messages[-1]["content"].split()), "korean" if is_korean(messages) else "english"
    words = [word for word in asked.lower().rstrip("?").split() if len(word) >= (5 if word.isascii() else 2)]
    return [
        {"text": getattr(fact, language), "span": span_of(fact.english)}
        for paper in papers.load()
        for fact in paper.facts
        if fact.english in flat and any(word in f"{fact.english} {fact.korean}".lower() for word in words)
    ][:5]


def judge(messages: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """Return a verdict on each claim in the prompt: a claim is proved if it is a sentence of `papers`."""
    facts = {text for paper in papers.load() for fact in paper.facts for text in (fact.english, fact.korean)}
    listed = _JUDGED.findall(_PAPER.sub("", messages[-1]["content"]))
    return [
        {"claim": number, "reason": "as I know it", "is_proved": claim in facts}
        for number, claim in enumerate(listed, start=1)
    ]


def span_of(sentence: str) -> str:
    """Return at most twelve words of a sentence, including its first number if it has one."""
    words = sentence.split()
    numbered = next((index for index, word in enumerate(words) if _NUMBER.search(word)), 0)
    start = max(0, min(numbered - MAX_SPAN_WORDS // 2, len(words) - MAX_SPAN_WORDS))
    return " ".join(words[start : start + MAX_SPAN_WORDS])


def draw(*parts: str) -> float:
    """Return a number from 0 to 1 that depends only on the parts."""
    return int(hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
