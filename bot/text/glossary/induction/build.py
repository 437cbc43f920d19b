"""Makes concepts of counted mentions in two steps: a draft, then, with what the papers say, the concepts.

A concept is a star: Korean forms and abbreviations hang on one English term, and nothing is reached over two
terms, since a closure would make one concept of everything that shares a word.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from bot.text.analysis import term_keys
from bot.text.glossary.induction import abbreviation_senses as readings
from bot.text.glossary.induction import cooccurrence, evidence, filters, synonyms
from bot.text.glossary.model import concepts, seed
from bot.text.matching import term_variants

_MOST_ENGLISH_FORMS = 5
_MOST_OTHERWISE = 6
"""Of the ways to say a Korean form by words that mean the same, so many that papers do use are looked for."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Pairs that passed all filters but the one that needs the papers themselves."""

    found: evidence.Evidence
    seeds: Mapping[str, seed.Term]
    pairs: Mapping[evidence.Pair, evidence.Gloss]
    readings: Mapping[str, list[concepts.Reading]]
    variants: Mapping[str, str]
    otherwise: Mapping[str, Mapping[str, str]]

    def questions(self) -> cooccurrence.Occurrences:
        """Return a fresh counter; show it papers (all or a sample) before `finish`."""
        terms = {pair.english for pair in self.pairs}
        said = [evidence.Pair(korean, key) for key, texts in self.otherwise.items() for korean in texts]
        return cooccurrence.Occurrences(
            [*self.pairs, *said], {key: list(self._english_forms(key)) for key in terms}
        )

    def _english_forms(self, key: str) -> Iterator[str]:
        for text in self.found.surfaces.get(key, {}):
            yield from term_variants.latin_sequences(text)
        if key in self.seeds:
            for text in self.seeds[key].english:
                yield from term_variants.latin_sequences(text)
        for abbreviation, terms in self.readings.items():
            if terms[0].key == key and terms[0].share >= evidence.MAIN_SHARE:
                yield from term_variants.latin_sequences(abbreviation)


def draft(counts: Iterable[evidence.MentionCount], terms: Iterable[seed.Term]) -> Draft:
    """Weigh all mentions and doubt what can be doubted without looking at the papers."""
    known = list(terms)
    seeds = _by_key(term for term in known if not term.is_word)
    found = evidence.gather(counts, seeds.values(), [term for term in known if term.is_word])
    listed = _listed_variants(seeds)
    explained = {one: _under_one_key(terms, listed) for one, terms in found.abbreviations.items()}
    abbreviated = readings.read(explained, seeds.values())
    mined = readings.variants(abbreviated, found).items()
    variants = {**{key: main for key, main in mined if key not in seeds}, **listed}
    joined = _join_variants(found.pairs, variants)
    pairs = _plausible(joined, seeds)
    return Draft(found, seeds, pairs, abbreviated, variants, _said_otherwise(pairs, seeds))


def _listed_variants(seeds: Mapping[str, seed.Term]) -> dict[str, str]:
    """Return for the key of each further English form of the starting list the key of its term, if it is no term itself."""
    found = {term_keys.english_key(text): term.key for term in seeds.values() for text in term.english[1:]}
    return {key: main for key, main in found.items() if key not in seeds}


def _under_one_key(terms: Mapping[str, int], variants: Mapping[str, str]) -> Counter[str]:
    joined: Counter[str] = Counter()
    for key, papers in terms.items():
        joined[variants.get(key, key)] += papers
    return joined


def _said_otherwise(
    pairs: Mapping[evidence.Pair, evidence.Gloss], seeds: Mapping[str, seed.Term]
) -> dict[str, dict[str, str]]:
    """Return for each English key what its sure Korean forms are by words that mean the same, as text by key.

    What is a form of a term of its own is not taken.
    """
    sure: dict[str, list[str]] = defaultdict(list)
    for term in seeds.values():
        sure[term.key] += term.korean
    for pair, gloss in pairs.items():
        if gloss.papers > 1:
            sure[pair.english].append(_usual(gloss.surfaces))
    known = {pair.korean for pair in pairs}
    known |= {term_keys.korean_key(text) for texts in sure.values() for text in texts}
    said = {
        key: {
            korean: other
            for text in texts
            for other in synonyms.variants(text)
            if (korean := term_keys.korean_key(other)) not in known
        }
        for key, texts in sure.items()
    }
    return {key: found for key, found in said.items() if found}


def _plausible(
    pairs: Mapping[evidence.Pair, evidence.Gloss], seeds: Mapping[str, seed.Term]
) -> dict[evidence.Pair, evidence.Gloss]:
    """Doubt each pair by its own evidence and by what else the Korean form stands for."""
    terms: dict[str, dict[str, int]] = defaultdict(dict)
    for pair, gloss in pairs.items():
        terms[pair.korean][pair.english] = gloss.papers
    for term in seeds.values():
        for text in term.korean:
            others = terms[term_keys.korean_key(text)]
            others[term.key] = others.get(term.key, 0) + readings.SEED_PAPERS
    return {
        pair: gloss
        for pair, gloss in pairs.items()
        if filters.is_plausible(pair, gloss, sum(terms[pair.korean].values()))
        and not any(
            filters.is_said_better_by(pair, gloss, pair._replace(english=other), papers)
            for other, papers in terms[pair.korean].items()
        )
    }


def finish(made: Draft, seen: cooccurrence.Occurrences) -> list[concepts.Concept]:
    """Return the concepts, the best supported first."""
    kept: dict[str, dict[str, evidence.Gloss]] = defaultdict(dict)
    for pair, gloss in made.pairs.items():
        if filters.stands_with_its_term(pair, gloss.papers, seen):
            kept[pair.english][pair.korean] = gloss
    abbreviations = _abbreviations_by_term(made.readings)
    terms = {*kept, *made.seeds, *abbreviations} - made.variants.keys()
    found = [
        concepts.Concept(
            key,
            (
                *_english_forms(key, made),
                *_all_korean_forms(key, kept.get(key, {}), made, seen),
                *_abbreviation_forms(abbreviations.get(key, [])),
            ),
        )
        for key in terms
    ]
    return sorted((one for one in found if len(one.forms) > 1), key=lambda one: (-one.support, one.key))


def _by_key(terms: Iterable[seed.Term]) -> dict[str, seed.Term]:
    """Join lines of the starting list that have the same key (robot and robotics)."""
    joined: dict[str, seed.Term] = {}
    for term in terms:
        before = joined.get(term.key)
        if before is not None:
            term = seed.Term(
                term.key,
                tuple(dict.fromkeys(before.korean + term.korean)),
                tuple(dict.fromkeys(before.english + term.english)),
                tuple(dict.fromkeys(before.abbreviations + term.abbreviations)),
            )
        joined[term.key] = term
    return joined


def _join_variants(
    pairs: Mapping[evidence.Pair, evidence.Gloss], variants: Mapping[str, str]
) -> dict[evidence.Pair, evidence.Gloss]:
    joined: dict[evidence.Pair, evidence.Gloss] = {}
    for pair, gloss in pairs.items():
        pair = pair._replace(english=variants.get(pair.english, pair.english))
        before = joined.get(pair)
        joined[pair] = gloss if before is None else evidence.add_glosses(before, gloss)
    return joined


def _abbreviations_by_term(
    found: Mapping[str, list[concepts.Reading]],
) -> dict[str, list[tuple[str, concepts.Reading]]]:
    """Hang each abbreviation on the term that it mainly stands for."""
    by_term: dict[str, list[tuple[str, concepts.Reading]]] = defaultdict(list)
    for abbreviation, terms in found.items():
        if terms[0].share >= evidence.MAIN_SHARE:
            by_term[terms[0].key].append((abbreviation, terms[0]))
    return by_term


def _english_forms(key: str, made: Draft) -> list[concepts.Form]:
    """Return the usual writing of a term, its variants, and what the starting list calls the same."""
    surfaces: Counter[str] = Counter(made.found.surfaces.get(key, {}))
    found = [concepts.Form(_usual(surfaces) if surfaces else key, "en", made.found.papers[key])]
    for variant, main in made.variants.items():
        if main == key and made.found.surfaces.get(variant):
            papers = made.found.papers[variant]
            found.append(concepts.Form(_usual(made.found.surfaces[variant]), "en", papers))
    if key in made.seeds:
        seeded = made.seeds[key].english
        found[0] = replace(found[0], text=seeded[0], seeded=True)
        found += [concepts.Form(text, "en", 0, seeded=True) for text in seeded[1:]]
    return found[:_MOST_ENGLISH_FORMS]


def _usual(surfaces: Counter[str]) -> str:
    """Return the commonest writing, of equals the one with the fewest capitals."""
    return min(surfaces, key=lambda text: (-surfaces[text], sum(map(str.isupper, text)), text))


def _korean_forms(
    mined: Mapping[str, evidence.Gloss],
    seeded: seed.Term | None,
) -> list[concepts.Form]:
    """Return the Korean forms, best supported first; those that hold a kept one are aliases."""
    found: dict[str, concepts.Form] = {}
    for key, gloss in sorted(mined.items(), key=lambda item: (-item[1].papers, len(item[0]), item[0])):
        found[key] = concepts.Form(_usual(gloss.surfaces), "ko", gloss.papers)
    seeded_keys = {term_keys.korean_key(text): text for text in seeded.korean} if seeded else {}
    for key, text in seeded_keys.items():
        if key not in found:
            found[key] = concepts.Form(text, "ko", 0, seeded=True)
        else:
            found[key] = replace(found[key], seeded=True)
    dropped = {key for key in found if _is_fragment(key, mined, seeded_keys)}
    kept = {key: form for key, form in found.items() if key not in dropped}
    return [
        replace(form, alias=any(other != key and other in key for other in kept))
        for key, form in kept.items()
    ]


def _all_korean_forms(
    key: str, mined: Mapping[str, evidence.Gloss], made: Draft, seen: cooccurrence.Occurrences
) -> list[concepts.Form]:
    """Return what is explained and listed, and the most frequent of what papers say in words that mean the same."""
    found = _korean_forms(mined, made.seeds.get(key))
    shorter = [term_keys.korean_key(form.text) for form in found]
    said = {
        korean: text
        for korean, text in made.otherwise.get(key, {}).items()
        if seen.korean[korean] and not any(one in korean for one in shorter)
    }
    most_frequent = sorted(said, key=lambda korean: (-seen.korean[korean], korean))[:_MOST_OTHERWISE]
    return [*found, *(concepts.Form(said[korean], "ko", 0) for korean in most_frequent)]


def _is_fragment(key: str, mined: Mapping[str, evidence.Gloss], seeded: Iterable[str]) -> bool:
    """Tell whether a form is a part of a clearly better supported one and covers less of the English."""
    if key not in mined or key in seeded:
        return False
    own = mined[key]
    if own.papers == 1 and own.covered < 1 and any(key in other for other in seeded):
        return True
    return any(
        other != key and key in other and gloss.papers > 2 * own.papers and gloss.covered > own.covered
        for other, gloss in mined.items()
    )


def _abbreviation_forms(found: list[tuple[str, concepts.Reading]]) -> list[concepts.Form]:
    hung = [
        concepts.Form(
            abbreviation,
            "abbr",
            reading.papers,
            share=reading.share,
            expands=reading.papers > 0 or len(abbreviation) > 2,
        )
        for abbreviation, reading in found
    ]
    return sorted(hung, key=lambda form: (-form.papers, form.text))
