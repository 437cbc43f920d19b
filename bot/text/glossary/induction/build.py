"""Builds concepts from counted mentions in two steps: a draft, then the concepts, with co-occurrence in the papers.

A concept is a star of Korean forms and abbreviations around one English term. Forms are not linked transitively, which
would merge all terms that share a word.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bot.text.analysis import term_keys
from bot.text.glossary.extraction import alignment, title_phrases
from bot.text.glossary.induction import abbreviation_senses, cooccurrence, evidence, filters
from bot.text.glossary.model import concepts, seed, synonyms
from bot.text.matching import term_variants

_MAX_ENGLISH_FORMS = 5
_MIN_WORD_ASSOCIATION = 0.2
_SURE_PAPERS = 3
"""Papers that explain a Korean form, from which it is evidence for other forms of the term."""
_MAX_SYNONYM_FORMS = 6
"""Maximum number of synonymous forms per concept."""


@dataclass(frozen=True, slots=True)
class GlossaryDraft:
    """Term pairs that passed all filters except the one that needs the papers."""

    mention_evidence: evidence.Evidence
    seeds: Mapping[str, seed.SeedTerm]
    pairs: Mapping[evidence.TermPair, evidence.PairEvidence]
    senses: Mapping[str, list[concepts.AbbreviationSense]]
    variants: Mapping[str, str]
    synonym_forms: Mapping[str, Mapping[str, str]]

    def cooccurrence_counter(self) -> cooccurrence.CooccurrenceCounter:
        """Return a new counter; add papers (all or a sample) to it before `build_concepts`."""
        terms = {pair.english for pair in self.pairs}
        synonym_pairs = [
            evidence.TermPair(korean, key) for key, texts in self.synonym_forms.items() for korean in texts
        ]
        words = [
            evidence.TermPair(word, stem)
            for word, row in self.mention_evidence.table.associations.items()
            for stem, score in row.items()
            if score >= _MIN_WORD_ASSOCIATION and len(word) > 1
        ]
        english = {key: list(self._english_variants(key)) for key in {*terms, *self.seeds}}
        english |= {pair.english: [] for pair in words if pair.english not in english}
        seeded = {
            evidence.TermPair(korean, key) for key, forms in self._sure_forms().items() for korean in forms
        }
        pairs = {*self.pairs, *synonym_pairs, *words, *seeded}
        return cooccurrence.CooccurrenceCounter(sorted(pairs), english, self._sure_forms())

    def _sure_forms(self) -> dict[str, set[str]]:
        """Return the Korean keys of each English key that the seed list has or several papers explain."""
        sure = {key: set(map(term_keys.korean_key, term.korean)) for key, term in self.seeds.items()}
        for pair, gloss in self.pairs.items():
            if gloss.papers >= _SURE_PAPERS:
                sure.setdefault(pair.english, set()).add(pair.korean)
        return sure

    def confirmed_table(self, counter: cooccurrence.CooccurrenceCounter) -> alignment.AssociationTable:
        """Return the association table with the words that papers confirm as translations."""
        table = self.mention_evidence.table
        confirmed = {
            words
            for pair in counter.pair_counts
            if pair.english in table.associations.get(pair.korean, {})
            for words in filters.confirmed_translations(pair, counter)
        }
        return alignment.AssociationTable(
            table.associations, table.term_counts, {*table.confirmed, *confirmed}
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
    """Gather the evidence of all mentions and apply the filters that do not need the papers."""
    all_terms = list(terms)
    seeds = _merge_seed_terms(term for term in all_terms if not term.is_common_word)
    mention_evidence = evidence.gather_evidence(
        counts, seeds.values(), [term for term in all_terms if term.is_common_word]
    )
    seed_variants = _seed_variants(seeds)
    long_forms = {
        abbreviation: _merge_keys(terms, seed_variants)
        for abbreviation, terms in mention_evidence.abbreviations.items()
    }
    ranked = abbreviation_senses.rank_senses(long_forms, seeds.values())
    senses = abbreviation_senses.name_senses(ranked, mention_evidence.surfaces, seeds)
    mined_variants = abbreviation_senses.variant_keys(senses, mention_evidence).items()
    variants = {**{key: main for key, main in mined_variants if key not in seeds}, **seed_variants}
    merged = _merge_variants(mention_evidence.pairs, variants)
    pairs = _filter_pairs(merged, seeds)
    return GlossaryDraft(mention_evidence, seeds, pairs, senses, variants, _synonym_forms(pairs, seeds))


def _seed_variants(seeds: Mapping[str, seed.SeedTerm]) -> dict[str, str]:
    """Return the term key of each further English form of the seed list that is not a term itself."""
    main_by_key = {
        term_keys.english_key(text): term.key for term in seeds.values() for text in term.english[1:]
    }
    return {key: main for key, main in main_by_key.items() if key not in seeds}


def _merge_keys(terms: Mapping[str, int], variants: Mapping[str, str]) -> Counter[str]:
    merged: Counter[str] = Counter()
    for key, papers in terms.items():
        merged[variants.get(key, key)] += papers
    return merged


def _synonym_forms(
    pairs: Mapping[evidence.TermPair, evidence.PairEvidence], seeds: Mapping[str, seed.SeedTerm]
) -> dict[str, dict[str, str]]:
    """Return the synonymous Korean forms of each English key's well supported ones, as text by Korean key.

    Forms of a term of their own are excluded.
    """
    sure: dict[str, list[str]] = defaultdict(list)
    for term in seeds.values():
        sure[term.key] += term.korean
    for pair, gloss in pairs.items():
        if gloss.papers > 1:
            sure[pair.english].append(title_phrases.most_common_surface(gloss.surfaces))
    known_keys = {pair.korean for pair in pairs}
    known_keys |= {term_keys.korean_key(text) for texts in sure.values() for text in texts}
    by_key = {
        key: {
            korean: variant
            for text in texts
            for variant in synonyms.variants(text)
            if (korean := term_keys.korean_key(variant)) not in known_keys
        }
        for key, texts in sure.items()
    }
    return {key: forms for key, forms in by_key.items() if forms}


def _filter_pairs(
    pairs: Mapping[evidence.TermPair, evidence.PairEvidence], seeds: Mapping[str, seed.SeedTerm]
) -> dict[evidence.TermPair, evidence.PairEvidence]:
    """Filter pairs by their own evidence and by the other senses of the Korean form."""
    terms_by_korean: dict[str, dict[str, int]] = defaultdict(dict)
    for pair, gloss in pairs.items():
        terms_by_korean[pair.korean][pair.english] = gloss.papers
    for seed_term in seeds.values():
        for text in seed_term.korean:
            papers_by_term = terms_by_korean[term_keys.korean_key(text)]
            papers_by_term[seed_term.key] = papers_by_term.get(seed_term.key, 0) + concepts.SEED_PAPERS
    seeded = {term_keys.korean_key(text): set[str]() for term in seeds.values() for text in term.korean}
    for seed_term in seeds.values():
        for text in seed_term.korean:
            seeded[term_keys.korean_key(text)].add(seed_term.key)
    return {
        pair: gloss
        for pair, gloss in pairs.items()
        if filters.is_term(pair)
        and pair.english in seeded.get(pair.korean, {pair.english})
        and filters.is_plausible(pair, gloss, sum(terms_by_korean[pair.korean].values()))
        and not any(
            filters.is_subsumed_by(pair, gloss, pair._replace(english=term), papers)
            for term, papers in terms_by_korean[pair.korean].items()
        )
    }


def build_concepts(draft: GlossaryDraft, counter: cooccurrence.CooccurrenceCounter) -> list[concepts.Concept]:
    """Return the concepts, best supported first."""
    glosses: dict[str, dict[str, evidence.PairEvidence]] = defaultdict(dict)
    for pair, gloss in draft.pairs.items():
        if filters.is_confirmed(pair, gloss.papers, counter):
            glosses[pair.english][pair.korean] = gloss
    abbreviations = _abbreviation_forms(draft.senses)
    terms = {*glosses, *draft.seeds, *abbreviations} - draft.variants.keys()
    built = [
        concepts.Concept(
            key,
            (
                *_english_forms(key, draft),
                *_korean_forms_with_synonyms(key, glosses.get(key, {}), draft, counter),
                *abbreviations.get(key, []),
            ),
        )
        for key in terms
    ]
    return sorted(
        (concept for concept in built if len(concept.forms) > 1),
        key=lambda concept: (-concept.support, concept.key),
    )


def _merge_seed_terms(terms: Iterable[seed.SeedTerm]) -> dict[str, seed.SeedTerm]:
    """Merge seed terms with the same key (robot and robotics)."""
    merged: dict[str, seed.SeedTerm] = {}
    for term in terms:
        previous = merged.get(term.key)
        if previous is not None:
            term = seed.SeedTerm(
                term.key,
                tuple(dict.fromkeys(previous.korean + term.korean)),
                tuple(dict.fromkeys(previous.english + term.english)),
                tuple(dict.fromkeys(previous.abbreviations + term.abbreviations)),
            )
        merged[term.key] = term
    return merged


def _merge_variants(
    pairs: Mapping[evidence.TermPair, evidence.PairEvidence], variants: Mapping[str, str]
) -> dict[evidence.TermPair, evidence.PairEvidence]:
    merged: dict[evidence.TermPair, evidence.PairEvidence] = {}
    for pair, gloss in pairs.items():
        pair = pair._replace(english=variants.get(pair.english, pair.english))
        previous = merged.get(pair)
        merged[pair] = gloss if previous is None else evidence.merge_pair_evidence(previous, gloss)
    return merged


def _abbreviation_forms(
    senses_by_abbreviation: Mapping[str, list[concepts.AbbreviationSense]],
) -> dict[str, list[concepts.SurfaceForm]]:
    """Return the abbreviations of each term that they mainly abbreviate, the most explained first."""
    by_term: dict[str, list[concepts.SurfaceForm]] = defaultdict(list)
    for abbreviation, (main, *_) in senses_by_abbreviation.items():
        if main.share >= concepts.DOMINANT_SHARE:
            expands = main.papers > 0 or len(abbreviation) > 2
            form = concepts.SurfaceForm(abbreviation, "abbr", main.papers, main.share, expands=expands)
            by_term[main.key].append(form)
    for forms in by_term.values():
        forms.sort(key=lambda form: (-form.papers, form.text))
    return by_term


def _english_forms(key: str, draft: GlossaryDraft) -> list[concepts.SurfaceForm]:
    """Return the main spelling of a term, its variants and the forms of the seed list."""
    gathered = draft.mention_evidence
    surfaces = gathered.surfaces.get(key)
    main_surface = title_phrases.most_common_surface(surfaces) if surfaces else key
    forms = [concepts.SurfaceForm(main_surface, "en", gathered.papers[key])]
    for variant, main in draft.variants.items():
        if main == key and (surfaces := gathered.surfaces.get(variant)):
            surface = title_phrases.most_common_surface(surfaces)
            forms.append(concepts.SurfaceForm(surface, "en", gathered.papers[variant]))
    if key in draft.seeds:
        seed_forms = draft.seeds[key].english
        forms[0] = forms[0]._replace(text=seed_forms[0], seeded=True)
        forms += [concepts.SurfaceForm(text, "en", 0, seeded=True) for text in seed_forms[1:]]
    return forms[:_MAX_ENGLISH_FORMS]


def _korean_forms(
    glosses: Mapping[str, evidence.PairEvidence], seeded: seed.SeedTerm | None
) -> list[concepts.SurfaceForm]:
    """Return the Korean forms, best supported first; forms that contain another remaining one are aliases."""
    forms: dict[str, concepts.SurfaceForm] = {}
    for key, gloss in sorted(glosses.items(), key=lambda item: (-item[1].papers, len(item[0]), item[0])):
        forms[key] = concepts.SurfaceForm(
            title_phrases.most_common_surface(gloss.surfaces), "ko", gloss.papers
        )
    seeded_keys = {term_keys.korean_key(text): text for text in seeded.korean} if seeded else {}
    for key, text in seeded_keys.items():
        if key not in forms:
            forms[key] = concepts.SurfaceForm(text, "ko", 0, seeded=True)
        else:
            forms[key] = forms[key]._replace(seeded=True)
    dropped = {key for key in forms if _is_fragment(key, glosses, seeded_keys)}
    remaining = {key: form for key, form in forms.items() if key not in dropped}
    return [
        form._replace(is_alias=any(shorter != key and shorter in key for shorter in remaining))
        for key, form in remaining.items()
    ]


def _korean_forms_with_synonyms(
    key: str,
    glosses: Mapping[str, evidence.PairEvidence],
    draft: GlossaryDraft,
    counter: cooccurrence.CooccurrenceCounter,
) -> list[concepts.SurfaceForm]:
    """Return the explained and seeded forms, then the most frequent synonymous ones that papers use."""
    forms = _korean_forms(glosses, draft.seeds.get(key))
    form_keys = [term_keys.korean_key(form.text) for form in forms]
    synonym_texts = {
        korean: text
        for korean, text in draft.synonym_forms.get(key, {}).items()
        if counter.korean_counts[korean]
        and not any(form_key in korean for form_key in form_keys)
        and filters.is_confirmed(evidence.TermPair(korean, key), 0, counter)
    }
    most_frequent = sorted(synonym_texts, key=lambda korean: (-counter.korean_counts[korean], korean))[
        :_MAX_SYNONYM_FORMS
    ]
    forms += [concepts.SurfaceForm(synonym_texts[korean], "ko", 0) for korean in most_frequent]
    return [_with_counts(form, key, counter) for form in forms]


def _with_counts(
    form: concepts.SurfaceForm, key: str, counter: cooccurrence.CooccurrenceCounter
) -> concepts.SurfaceForm:
    pair = evidence.TermPair(term_keys.korean_key(form.text), key)
    return form._replace(found=counter.korean_counts[pair.korean], confirmed=counter.pair_counts[pair])


def _is_fragment(key: str, glosses: Mapping[str, evidence.PairEvidence], seeded: Iterable[str]) -> bool:
    """Tell whether a form is part of a much better supported one and covers less of the English term."""
    if key not in glosses or key in seeded:
        return False
    own_gloss = glosses[key]
    if own_gloss.papers == 1 and own_gloss.coverage < 1 and any(key in longer for longer in seeded):
        return True
    return any(
        longer != key
        and key in longer
        and gloss.papers > 2 * own_gloss.papers
        and gloss.coverage > own_gloss.coverage
        for longer, gloss in glosses.items()
    )
