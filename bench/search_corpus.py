"""Generates papers and author names for the search benchmark, reproducibly and with realistic word frequencies.

A paper is about two to four terms of the seed list, in all their forms; its other words are drawn by Zipf's law and made
of common syllables, so that bigrams are as frequent as in Korean. Rare words never run out; the sentences have no meaning.
Summaries are as long as those of 763 papers of real digests: 148 words and 734 characters in the mean, of which 117 words
are distinct and 84 % Korean (here 142, 690, 117 and 84 %).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from bench.synthetic_archive import HEADINGS, Zipf
from bot.text import seed
from storage import models

LAST_DAY = date(2026, 6, 30)
DAYS = 3650
_SYLLABLES = (
    "다이의는을를에가고하한로서지기으나시사도리자대전인그정아해제라수장부일보성모비상주어안구적동공경국연조유원과생우방세"
    "화중용체발개신무선관재실계소결재행입법분내강단학물문술량들심식력운반회민만교요음진가속표터트스크프레드그램코퍼러닝딥"
    "델류률합산석층추론훈련습강화벡확율변환측예평균값계층임베딩토큰응답질문맥락길이병렬희소압축검색증강생성편향손실함수"
)
_PARTICLES = ("", "", "", "", "", "", "은", "는", "을", "를", "의", "에", "으로", "와", "에서")
_VERBS = ("합니다.", "했습니다.", "보여줍니다.", "제안합니다.", "달성했습니다.", "사용합니다.", "평가합니다.")
_ENGLISH_SYLLABLES = (
    "ra to na mi lo ker den form er tion al gen vec sym pro lin mat rix graph net flow sim con ver "
    "bel tra quan ter ex bi"
)


class Corpus:
    """Draws papers, the same ones for the same seed; ids count from 1."""

    def __init__(self, seed_: int = 1) -> None:
        self._chance = random.Random(seed_)
        self._english_syllables = _ENGLISH_SYLLABLES.split()
        self._syllables = Zipf(_SYLLABLES, 0.7)
        self._terms = Zipf(seed.load_terms(), 0.8)
        self.korean_words = Zipf([self._korean_word() for _ in range(12_000)], 1.1)
        self.english_words = Zipf([self._english_word() for _ in range(8_000)], 1.1)
        self._new_word_count = 0

    def restart(self, seed_: int) -> None:
        """Draw from another seed on, so that a part of an archive is the same without those before it."""
        self._chance.seed(seed_)
        self._new_word_count = seed_ << 8

    def papers(self, first: int, count: int, *, total: int) -> Iterator[models.IndexDocument]:
        """Yield `count` papers from id `first` on, dated as parts of `total` papers over ten years."""
        for number in range(first, first + count):
            yield self.paper(number, LAST_DAY - timedelta(days=DAYS * (total - number) // total))

    def paper(self, number: int, on: date) -> models.IndexDocument:
        """Return one paper."""
        chance = self._chance
        terms = [self._terms.draw(chance) for _ in range(chance.randint(2, 4))]
        sections = tuple(
            models.Section(heading, " ".join(self._sentence(terms) for _ in range(chance.randint(3, 6))))
            for heading in HEADINGS
        )
        votes = None if chance.random() < 0.05 else int(chance.paretovariate(1.1) * 3) - 3
        return models.IndexDocument(
            id=number,
            arxiv_id=f"{on:%y%m}.{number % 100_000:05}",
            title=self._title(terms),
            authors=(),
            sections=sections,
            abstract=None,
            keywords=(),
            votes=votes,
            last_on=on,
            is_new=True,
        )

    def _title(self, terms: Sequence[seed.SeedTerm]) -> str:
        chance = self._chance
        if chance.random() < 0.2:
            return f"{self._word()} {self._form(terms[0])} {self._word()} {self.korean_words.draw(chance)}"
        words = [self.english_words.draw(chance).capitalize() for _ in range(chance.randint(3, 7))]
        if chance.random() < 0.6:
            words.insert(chance.randrange(len(words)), chance.choice(terms[0].english))
        return " ".join(words)

    def _sentence(self, terms: Sequence[seed.SeedTerm]) -> str:
        chance = self._chance
        words = [self._word() for _ in range(chance.randint(5, 11))]
        if chance.random() < 0.7:
            words.insert(chance.randrange(len(words)), self._form(chance.choice(terms)))
        return " ".join((*words, self.korean_words.draw(chance) + chance.choice(_VERBS)))

    def _form(self, term: seed.SeedTerm) -> str:
        """Return a term in one of its forms, sometimes with a definition in parentheses."""
        chance = self._chance
        english = chance.choice(term.english)
        if not term.korean or chance.random() < 0.15:
            return english
        korean = chance.choice(term.korean)
        luck = chance.random()
        if luck < 0.25:
            inside = f"{english}; {term.abbreviations[0]}" if term.abbreviations else english
            return f"{korean}({inside})"
        if luck < 0.4 and term.abbreviations:
            return chance.choice(term.abbreviations)
        return korean if luck < 0.85 else korean.replace(" ", "")

    def _word(self) -> str:
        chance = self._chance
        luck = chance.random()
        if luck < 0.01:
            self._new_word_count += 1
            return f"{self._english_word()}{self._new_word_count}" if luck < 0.005 else self._korean_word()
        if luck < 0.15:
            return self.english_words.draw(chance)
        return self.korean_words.draw(chance) + chance.choice(_PARTICLES)

    def _korean_word(self) -> str:
        return "".join(
            self._syllables.draw(self._chance) for _ in range(self._chance.choice((1, 2, 2, 2, 2, 3)))
        )

    def _english_word(self) -> str:
        return "".join(
            self._chance.choice(self._english_syllables) for _ in range(self._chance.choice((1, 2, 2, 3, 4)))
        )


def author_names(count: int, seed_: int = 2) -> list[str]:
    """Return distinct names, given name first, some with diacritics or hyphens."""
    chance = random.Random(seed_)
    parts = [_name_part(chance) for _ in range(12_000)]
    given, family = Zipf(parts[:5000], 0.6), Zipf(parts[5000:], 0.6)
    names: dict[str, None] = {}
    while len(names) < count:
        first = given.draw(chance)
        if chance.random() < 0.15:
            first += "-" + given.draw(chance).capitalize()
        names[f"{first.capitalize()} {family.draw(chance).capitalize()}"] = None
    return list(names)


def _name_part(chance: random.Random) -> str:
    syllables = _NAME_SYLLABLES.split()
    part = "".join(chance.choice(syllables) for _ in range(chance.choice((1, 2, 2, 2, 3))))
    if chance.random() < 0.06:
        vowel = chance.choice("aou")
        part = part.replace(vowel, {"a": "ä", "o": "ö", "u": "ü"}[vowel], 1)
    return part


_NAME_SYLLABLES = (
    "jun yang lin wei zha mar ko mi an der son hu chen ri ta ka na mul ler sch neu ber ger per ez ra "
    "vi sha gu pta kim par lee ya mo to su zu ki el li fer nan do al ex di go lau ra be ne dict o li "
    "ver tom as"
)
