"""Concept spotting: finds the concepts that a text names by a Korean form, an English form or an abbreviation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from bot.text.analysis import korean, term_keys
from bot.text.glossary.model import concepts, synonyms

_AMBIGUOUS_WEIGHT = 0.25
_MIN_SHARE = 0.2
# Abbreviations that are also function words: in lower case and within texts they are the words.
_COMMON_WORD_LIST = (
    "it is in or as at an on to us we do so no up my me he if be by are can all one and for the of a am was has had "
    "not but our its this that"
)
COMMON_WORDS = frozenset(_COMMON_WORD_LIST.split())
# Everyday words that authors like to make abbreviations of: in lower case and among other words they are the words.
_EVERYDAY_WORD_LIST = (
    "able ace act add age aid aim air apex apt arc arch area arm art atlas atom aware axis back bad bag "
    "ball band bank bar bark base bass bat beam bear beat best bid big bit blank blend block blue board "
    "boat body bold bolt bond bone book boost born boss both bow box brain branch brave bridge bright "
    "build bus cache call calm camp can candle cap car card care case cast cat cell chain chair chart "
    "chase cheap chip city class clean clear climb clock close cloud club clue coach coast coat code coin "
    "cold come compass cone cool cope copy core corn cost count cover craft crane crisp crop cross crowd "
    "crown cube cup curl curve cut daily dark dart dash date dawn day deal deed deep deer delta desk dial "
    "diet dig dim dish dive doc dog door dot down draft drag draw dream dress drift drive drop drum duck "
    "dust each eagle ear early earth ease east easy edge edit elite end era even ever every exact eye "
    "face fact fair fall fan far farm fast fat fate fear feed feel field file fill film find fine fire "
    "firm first fish fit five fix flag flame flash flat fleet flex flow fly foam fold food foot force "
    "form fort frame free fresh fuse game gap gate gaze gear gem giant gift give glass glow go goal gold "
    "good grab grace grain grand graph grasp great green grid grip group grow guard guess guide guru half "
    "hand happy hard harm harp hat have hawk head heal hear heart heat heavy help hero hide high hill "
    "hint hire hit hold home honest hood hook hop hope horse host hot hour house how huge human hunt "
    "hybrid ice icon idea ideal image ink inner insight iris iron item jam job join joint joy judge jump "
    "just keen keep key kid kind king kit kite know lab lake lamp land lane large laser last late law lay "
    "lead leaf lean leap learn least led left leg lens less let level lift light like limit line link "
    "lion list live load local lock log long look loop loss lost lot love low luck lunar mad magic mail "
    "main make man many map march mark mars mask mass match mate math maze meal mean meet melt mend mesh "
    "mice mild mile mind mine mini mint mirror mist mix mode moral more moss most move much muse music "
    "must name near neat nerve nest net new next nice night node none north nose note nova now null oak "
    "ocean odd off oil old one only open orbit order other out oval over own pace pack page paint pair "
    "palm pan panda paper parse part pass past path pause peace peak pearl peer pen pet phase photo pick "
    "pie pilot pin pine pipe place plan plant play plot plus poem poet point pole pool poor port pose "
    "post power press pride prime print prism probe prompt proof prose pulse pure push puzzle quest quick "
    "quiet race radar rain raise ramp range rank rapid rare rate raw ray reach read ready real rebel red "
    "reef relay rely rest reward rich ride right ring rise risk river road robot robust rock role roof "
    "room root rope rose round route row rule run rush sad safe sage sail sale salt same sand save scale "
    "scan scene scope score scout screen script sea seal search seat see seed seek seem self sense "
    "sentence set shade shape share sharp shift ship shop short show side sight sign silent silk simple "
    "single site size sketch skill skin sky sleep slice slim slow small smart smile smooth snap snow "
    "social soft soil solar sole solid some song soon soul sound south space spam span spark speak spear "
    "speed spell spin spiral spoon spot spring square stable stack stage star start state stay steam "
    "steel steer stem step stick still stone stop storm story strap stream street strong style such sugar "
    "suit sum sun sure surf swap sweet swift swim sync system table tag tail take tale talk tall tame "
    "tango tank tape target task taste team tell ten term test text thin think third three tide tie tiger "
    "tile time tiny tip title today tone tool top torch total touch tour tower town toy trace track trade "
    "trail train trap tree trend trial trick trim trip true trust truth try tune turbo turn twin two type "
    "under union unit urban use user value van vast vector vibe vice video view virtual vision vista "
    "visual vital vivid voice vote wait walk wall warm wash watch water wave way weak wear web well west "
    "whale wheel whole wide wild will wind window wine wing wire wise wolf wood word work world worm "
    "write year yes zero zone zoom"
)
_EVERYDAY_WORDS = frozenset(_EVERYDAY_WORD_LIST.split())

FormIndex: TypeAlias = tuple[dict[str, list[str]], dict[str, list[str]], dict[str, str]]
"""The concepts' keys by the keys of Korean forms, of Korean forms up to synonyms, and of English forms."""


def index_forms(all_concepts: Iterable[concepts.Concept]) -> FormIndex:
    """Return the index of the concepts' forms. Stemming takes most of the time, so a stored glossary has its index."""
    by_korean: dict[str, list[str]] = defaultdict(list)
    by_synonyms: dict[str, list[str]] = defaultdict(list)
    by_english: dict[str, str] = {}
    for concept in all_concepts:
        for form in concept.forms:
            if form.language == "ko":
                key = term_keys.korean_key(form.text)
                by_korean[key].append(concept.key)
                if len(key) < len(form.text) and (form.seeded or form.papers > 1):
                    by_synonyms[synonyms.canonical_key(key)].append(concept.key)
            elif form.language == "en":
                by_english.setdefault(term_keys.english_key(form.text), concept.key)
        by_english[concept.key] = concept.key
    return dict(by_korean), dict(by_synonyms), by_english


class ConceptSpotter:
    """Finds concepts by their forms."""

    def __init__(
        self,
        concepts_by_key: Mapping[str, concepts.Concept],
        senses: Mapping[str, list[concepts.AbbreviationSense]],
        form_index: FormIndex | None = None,
    ) -> None:
        self._concepts = concepts_by_key
        self._senses = senses
        self._abbreviation_by_folded: dict[str, str] = {}
        by_papers = sorted(
            senses, key=lambda abbreviation: sum(sense.papers for sense in senses[abbreviation])
        )
        for abbreviation in by_papers:
            self._abbreviation_by_folded[abbreviation.casefold()] = abbreviation
        self._by_korean, self._by_synonyms, self._by_english = form_index or index_forms(
            concepts_by_key.values()
        )

    def has_korean_form(self, key: str) -> bool:
        """Tell whether a Korean key is a form of any concept."""
        return key in self._by_korean

    def find(self, text: str, *, in_phrase: bool = False) -> tuple[list[tuple[str, float]], bool]:
        """Return (English key, weight) of each concept that a text names, best first, and whether it is an abbreviation.

        `in_phrase` says that there are other words next to it: "live" in live video is no abbreviation.
        """
        if not is_korean_only(text) and not (in_phrase and is_everyday_word(text)):
            weights = self._by_abbreviation(text)
            if weights:
                return weights, True
        english = self._by_english.get(term_keys.english_key(text))
        if english is not None:
            return [(english, 1.0)], False
        return self._korean_concepts(text), False

    def _korean_concepts(self, text: str) -> list[tuple[str, float]]:
        key = term_keys.korean_key(text)
        keys = self._by_korean.get(key) or self._by_korean.get(korean.strip_ending(key)) or []
        if not keys:
            return self._synonymous_concepts(key)
        papers = {concept: self._supporting_papers(concept, key) for concept in keys}
        ranked = sorted(papers, key=lambda name: (-papers[name], -self._concepts[name].support, name))
        min_papers = _MIN_SHARE * papers[ranked[0]]
        return [(concept, 1.0) for concept in ranked if papers[concept] >= min_papers]

    def _synonymous_concepts(self, key: str) -> list[tuple[str, float]]:
        """Return the best supported concept that has a synonymous form of several words."""
        keys = self._by_synonyms.get(synonyms.canonical_key(key), [])
        ranked = sorted(keys, key=lambda key: (self._concepts[key].support, key))
        return [(key, 1.0) for key in ranked[-1:]]

    def _supporting_papers(self, concept: str, korean_key: str) -> int:
        """Return the number of papers that explain a concept by a Korean form; the seed list counts as some."""
        return max(
            (
                form.papers + (concepts.SEED_PAPERS if form.seeded else 0)
                for form in self._concepts[concept].forms_in("ko")
                if term_keys.korean_key(form.text) == korean_key
            ),
            default=0,
        )

    def _by_abbreviation(self, text: str) -> list[tuple[str, float]]:
        """Return the senses of an abbreviation: the dominant one, or all that are not rare at a small weight."""
        senses = [sense for sense in self.list_senses(text) if sense.key in self._concepts]
        if not senses:
            return []
        if senses[0].share >= concepts.DOMINANT_SHARE:
            return [(senses[0].key, 1.0)]
        return [(sense.key, _AMBIGUOUS_WEIGHT) for sense in senses if sense.share >= _MIN_SHARE]

    def list_senses(self, text: str) -> list[concepts.AbbreviationSense]:
        """Return all senses of an abbreviation in any case, best first; none for other words."""
        stripped = text.strip()
        if stripped in COMMON_WORDS or len(stripped) < 2:
            return []
        key = term_keys.abbreviation_key(stripped)
        folded = key.casefold()
        # LLMs is the plural of LLM, but SDS is not that of SD.
        singular = folded if stripped.endswith("S") else folded.removesuffix("s")
        spellings = (key, *(self._abbreviation_by_folded.get(other, "") for other in (folded, singular)))
        return next((self._senses[spelling] for spelling in spellings if spelling in self._senses), [])


def is_everyday_word(text: str) -> bool:
    """Tell whether a text in lower case is an everyday word or its plural, which among other words is no abbreviation."""
    return text in _EVERYDAY_WORDS or text.removesuffix("s") in _EVERYDAY_WORDS


def is_korean_only(text: str) -> bool:
    """Tell whether a text has Hangul and no Latin letters."""
    return korean.has_hangul(text) and not any("a" <= letter <= "z" for letter in text.lower())
