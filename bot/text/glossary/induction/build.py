"""Makes concepts of counted mentions in two steps: a draft, then, with what the papers say, the concepts.

A concept is a star: Korean forms and abbreviations hang on one English term, and nothing is reached over two
terms, since a closure would make one concept of everything that shares a word.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from bot.text.analysis import term_keys
from bot.text.glossary.extraction import title_phrases
from bot.text.glossary.induction import abbreviation_senses as readings
from bot.text.glossary.induction import cooccurrence, evidence, filters
from bot.text.glossary.model import concepts, seed, synonyms
from bot.text.matching import term_variants

_MAX_ENGLISH_FORMS = 5
_MAX_SYNONYM_FORMS = 6
"""Of the ways to say a Korean form by words that mean the same, so many that papers do use are looked for."""


@dataclass(frozen=True, slots=True)
class GlossaryDraft:
    """Pairs that passed all filters but the one that needs the papers themselves."""

    mention_evidence: evidence.Evidence
    seeds: Mapping[str, seed.SeedTerm]
    pairs: Mapping[evidence.TermPair, evidence.PairEvidence]
    senses: Mapping[str, list[concepts.AbbreviationSense]]
    variants: Mapping[str, str]
    synonym_forms: Mapping[str, Mapping[str, str]]

    def cooccurrence_counter(self) -> cooccurrence.CooccurrenceCounter:
        """Return a fresh counter; show it papers (all or a sample) before `finish`."""
        terms = {pair.english for pair in self.pairs}
        said = [
            evidence.TermPair(korean, key) for key, texts in self.synonym_forms.items() for korean in texts
        ]
        return cooccurrence.CooccurrenceCounter(
            [*self.pairs, *said], {key: list(self._english_variants(key)) for key in terms}
        )

    def _english_variants(self, key: str) -> Iterator[str]:
        for text in self.mention_evidence.surfaces.get(key, {}):
            yield from term_variants.latin_variants(text)
        if key in self.seeds:
            for text in self.seeds[key].english:
                yield from term_variants.latin_variants(text)
        for abbreviation, terms in self.senses.items():
            if terms[0].key == key and terms[0].share >= concepts.DOMINANT_SHARE:
                yield from term_variants.latin_variants(abbreviation)


def draft_glossary(counts: Iterable[evidence.MentionCount], terms: Iterable[seed.SeedTerm]) -> GlossaryDraft:
    """Weigh all mentions and doubt what can be doubted without looking at the papers."""
    known = list(terms)
    seeds = _merge_seed_terms(term for term in known if not term.is_common_word)
    found = evidence.gather_evidence(counts, seeds.values(), [term for term in known if term.is_common_word])
    listed = _seed_variants(seeds)
    explained = {one: _merge_keys(terms, listed) for one, terms in found.abbreviations.items()}
    abbreviated = readings.rank_senses(explained, seeds.values())
    mined = readings.variant_keys(abbreviated, found).items()
    variants = {**{key: main for key, main in mined if key not in seeds}, **listed}
    joined = _merge_variants(found.pairs, variants)
    pairs = _filter_pairs(joined, seeds)
    return GlossaryDraft(found, seeds, pairs, abbreviated, variants, _synonym_forms(pairs, seeds))


def _seed_variants(seeds: Mapping[str, seed.SeedTerm]) -> dict[str, str]:
    """Return for the key of each further English form of the starting list the key of its term, if it is no term itself."""
    found = {term_keys.english_key(text): term.key for term in seeds.values() for text in term.english[1:]}
    return {key: main for key, main in found.items() if key not in seeds}


def _merge_keys(terms: Mapping[str, int], variants: Mapping[str, str]) -> Counter[str]:
    joined: Counter[str] = Counter()
    for key, papers in terms.items():
        joined[variants.get(key, key)] += papers
    return joined


def _synonym_forms(
    pairs: Mapping[evidence.TermPair, evidence.PairEvidence], seeds: Mapping[str, seed.SeedTerm]
) -> dict[str, dict[str, str]]:
    """Return for each English key what its sure Korean forms are by words that mean the same, as text by key.

    What is a form of a term of its own is not taken.
    """
    sure: dict[str, list[str]] = defaultdict(list)
    for term in seeds.values():
        sure[term.key] += term.korean
    for pair, gloss in pairs.items():
        if gloss.papers > 1:
            sure[pair.english].append(title_phrases.most_common_surface(gloss.surfaces))
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


def _filter_pairs(
    pairs: Mapping[evidence.TermPair, evidence.PairEvidence], seeds: Mapping[str, seed.SeedTerm]
) -> dict[evidence.TermPair, evidence.PairEvidence]:
    """Doubt each pair by its own evidence and by what else the Korean form stands for."""
    terms: dict[str, dict[str, int]] = defaultdict(dict)
    for pair, gloss in pairs.items():
        terms[pair.korean][pair.english] = gloss.papers
    for term in seeds.values():
        for text in term.korean:
            others = terms[term_keys.korean_key(text)]
            others[term.key] = others.get(term.key, 0) + concepts.SEED_PAPERS
    return {
        pair: gloss
        for pair, gloss in pairs.items()
        if filters.is_plausible(pair, gloss, sum(terms[pair.korean].values()))
        and not any(
            filters.is_subsumed_by(pair, gloss, pair._replace(english=other), papers)
            for other, papers in terms[pair.korean].items()
        )
    }


def build_concepts(made: GlossaryDraft, seen: cooccurrence.CooccurrenceCounter) -> list[concepts.Concept]:
    """Return the concepts, the best supported first."""
    kept: dict[str, dict[str, evidence.PairEvidence]] = defaultdict(dict)
    for pair, gloss in made.pairs.items():
        if filters.cooccurs_with_term(pair, gloss.papers, seen):
            kept[pair.english][pair.korean] = gloss
    abbreviations = _abbreviations_by_term(made.senses)
    terms = {*kept, *made.seeds, *abbreviations} - made.variants.keys()
    found = [
        concepts.Concept(
            key,
            (
                *_english_forms(key, made),
                *_korean_forms_with_synonyms(key, kept.get(key, {}), made, seen),
                *_abbreviation_forms(abbreviations.get(key, [])),
            ),
        )
        for key in terms
    ]
    return sorted((one for one in found if len(one.forms) > 1), key=lambda one: (-one.support, one.key))


def _merge_seed_terms(terms: Iterable[seed.SeedTerm]) -> dict[str, seed.SeedTerm]:
    """Join lines of the starting list that have the same key (robot and robotics)."""
    joined: dict[str, seed.SeedTerm] = {}
    for term in terms:
        before = joined.get(term.key)
        if before is not None:
            term = seed.SeedTerm(
                term.key,
                tuple(dict.fromkeys(before.korean + term.korean)),
                tuple(dict.fromkeys(before.english + term.english)),
                tuple(dict.fromkeys(before.abbreviations + term.abbreviations)),
            )
        joined[term.key] = term
    return joined


def _merge_variants(
    pairs: Mapping[evidence.TermPair, evidence.PairEvidence], variants: Mapping[str, str]
) -> dict[evidence.TermPair, evidence.PairEvidence]:
    joined: dict[evidence.TermPair, evidence.PairEvidence] = {}
    for pair, gloss in pairs.items():
        pair = pair._replace(english=variants.get(pair.english, pair.english))
        before = joined.get(pair)
        joined[pair] = gloss if before is None else evidence.merge_pair_evidence(before, gloss)
    return joined


def _abbreviations_by_term(
    found: Mapping[str, list[concepts.AbbreviationSense]],
) -> dict[str, list[tuple[str, concepts.AbbreviationSense]]]:
    """Hang each abbreviation on the term that it mainly stands for."""
    by_term: dict[str, list[tuple[str, concepts.AbbreviationSense]]] = defaultdict(list)
    for abbreviation, terms in found.items():
        if terms[0].share >= concepts.DOMINANT_SHARE:
            by_term[terms[0].key].append((abbreviation, terms[0]))
    return by_term


def _english_forms(key: str, made: GlossaryDraft) -> list[concepts.SurfaceForm]:
    """Return the usual writing of a term, its variants, and what the starting list calls the same."""
    surfaces: Counter[str] = Counter(made.mention_evidence.surfaces.get(key, {}))
    found = [
        concepts.SurfaceForm(
            title_phrases.most_common_surface(surfaces) if surfaces else key,
            "en",
            made.mention_evidence.papers[key],
        )
    ]
    for variant, main in made.variants.items():
        if main == key and made.mention_evidence.surfaces.get(variant):
            papers = made.mention_evidence.papers[variant]
            found.append(
                concepts.SurfaceForm(
                    title_phrases.most_common_surface(made.mention_evidence.surfaces[variant]), "en", papers
                )
            )
    if key in made.seeds:
        seeded = made.seeds[key].english
        found[0] = replace(found[0], text=seeded[0], seeded=True)
        found += [concepts.SurfaceForm(text, "en", 0, seeded=True) for text in seeded[1:]]
    return found[:_MAX_ENGLISH_FORMS]


def _korean_forms(
    mined: Mapping[str, evidence.PairEvidence],
    seeded: seed.SeedTerm | None,
) -> list[concepts.SurfaceForm]:
    """Return the Korean forms, best supported first; those that hold a kept one are aliases."""
    found: dict[str, concepts.SurfaceForm] = {}
    for key, gloss in sorted(mined.items(), key=lambda item: (-item[1].papers, len(item[0]), item[0])):
        found[key] = concepts.SurfaceForm(
            title_phrases.most_common_surface(gloss.surfaces), "ko", gloss.papers
        )
    seeded_keys = {term_keys.korean_key(text): text for text in seeded.korean} if seeded else {}
    for key, text in seeded_keys.items():
        if key not in found:
            found[key] = concepts.SurfaceForm(text, "ko", 0, seeded=True)
        else:
            found[key] = replace(found[key], seeded=True)
    dropped = {key for key in found if _is_fragment(key, mined, seeded_keys)}
    kept = {key: form for key, form in found.items() if key not in dropped}
    return [
        replace(form, is_alias=any(other != key and other in key for other in kept))
        for key, form in kept.items()
    ]


def _korean_forms_with_synonyms(
    key: str,
    mined: Mapping[str, evidence.PairEvidence],
    made: GlossaryDraft,
    seen: cooccurrence.CooccurrenceCounter,
) -> list[concepts.SurfaceForm]:
    """Return what is explained and listed, and the most frequent of what papers say in words that mean the same."""
    found = _korean_forms(mined, made.seeds.get(key))
    shorter = [term_keys.korean_key(form.text) for form in found]
    said = {
        korean: text
        for korean, text in made.synonym_forms.get(key, {}).items()
        if seen.korean_counts[korean] and not any(one in korean for one in shorter)
    }
    most_frequent = sorted(said, key=lambda korean: (-seen.korean_counts[korean], korean))[
        :_MAX_SYNONYM_FORMS
    ]
    return [*found, *(concepts.SurfaceForm(said[korean], "ko", 0) for korean in most_frequent)]


def _is_fragment(key: str, mined: Mapping[str, evidence.PairEvidence], seeded: Iterable[str]) -> bool:
    """Tell whether a form is a part of a clearly better supported one and covers less of the English."""
    if key not in mined or key in seeded:
        return False
    own = mined[key]
    if own.papers == 1 and own.coverage < 1 and any(key in other for other in seeded):
        return True
    return any(
        other != key and key in other and gloss.papers > 2 * own.papers and gloss.coverage > own.coverage
        for other, gloss in mined.items()
    )


def _abbreviation_forms(found: list[tuple[str, concepts.AbbreviationSense]]) -> list[concepts.SurfaceForm]:
    hung = [
        concepts.SurfaceForm(
            abbreviation,
            "abbr",
            reading.papers,
            share=reading.share,
            expands=reading.papers > 0 or len(abbreviation) > 2,
        )
        for abbreviation, reading in found
    ]
    return sorted(hung, key=lambda form: (-form.papers, form.text))
