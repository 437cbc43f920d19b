"""Reads what a question leaves out, and the comparisons in it and in papers.

A phrase that negates excludes what is named behind it in English and ahead of it in Korean: "except agents", 에이전트 말고.
"without X" and "X 없이" exclude a term such as reinforcement learning, but not what a method does without: labels,
retraining, a reward model. There they describe the papers that are sought, which the answer says. Of a question that names
no other topic, "without transformers" also asks for the alternatives.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, dropwhile, groupby, takewhile
from typing import Literal, NamedTuple

from bot.text import analyser, dates, institutions, phrases, questions, seed

IsTerm = Callable[[str], bool]

# Comparisons and degrees, which nothing is known of.

_AMOUNT = re.compile(
    r"\b(?:(?:with|of) )?(?:under|below|above|over|up to|at (?:most|least)"
    r"|(?:less|more|fewer|smaller|larger|bigger|no more) than)"
    r" [0-9]+(?:\.[0-9]+)?(?: ?[bmk]|(?: [mb]illion)?)(?: param\w*)?(?![\w.-])"
    r"|(?<!\S)[0-9.]+ ?[bmk억만]*(?: ?파라미터)? ?(?:이하|미만|이상|초과|보다 (?:작|큰|적))[은의인로]?(?![^\s,;.?!)])"
    r"|\b(?:a (?:bit|little) )?(?:less|fewer) (?:[\w-]+ ){1,3}(?:please|pls|plz)\b"
    r"|(?<!\S)\S+[은는] (?:좀 |조금 )?덜(?: (?:나오|보이)게)?(?:요|\s*(?:$|해|보여)\S*)",
    re.IGNORECASE,
)
_DEGREE = re.compile(
    r"(?<!\S)\S+(?:보다 (?:(?:더|훨씬|좀) )?| (?:적게|덜|조금만) )[가-힣]*[은는운른한큰난](?!\S)"
    r"|\b(?:with (?:less|fewer|little|few|minimal) \w+"
    r"|(?:(?:more|less) \w+|(?!other|rather)\w+er|worse) than (?:an? |the )?[\w-]+(?: (?:models?|attention))?)",
    re.IGNORECASE,
)


def _read_degrees(text: str) -> tuple[str, list[str], list[str]]:
    """Return a text without amounts ("under 7B"), these, and the comparisons and degrees that stay in it."""
    amounts = [amount[0].strip() for amount in _AMOUNT.finditer(text)]
    text = _AMOUNT.sub(" ", text)
    return text, amounts, [one[0] for one in _DEGREE.finditer(text)]


# Exclusions.

_ALTERNATIVES = re.compile(
    r"\b(?:(?:alternatives?|substitutes?|replacements?) (?:to|for|of)"
    r"|(?:methods?|techniques?|approach(?:es)?|anything|something|what to use|use) (?:other than|instead of))"
    r" (?P<behind>[\w-]+(?: [\w-]+){0,2})"
    r"|(?<!\S)(?P<ahead>(?:[\w-]+ ){0,2}[\w-]+?)(?: (?:alternatives?|substitutes?|replacements?)(?! (?:to|for|of)\b|[\w-])"
    r"|[을를의]? ?(?:대안|대체재|대체 ?(?:기법|기술|방법)|대체할(?: ?만한| 수 있는)?|대체)[은이]?(?=\s|$)"
    r"| 말고 다른 ?(?:방법|기법|기술|것|거)\S*| 대신에?(?=\s*$)"
    r"| 대신에? (?:쓰는|쓸|사용하는|사용할)(?: ?만한| 수 있는)?(?: ?(?:방법|기법|기술|것|거)\S*)?)",
    re.IGNORECASE,
)


def read_alternatives(text: str, is_term: IsTerm) -> str:
    """Return a question about alternatives to a term as one that leaves it out: other than DPO, 어텐션 말고 다른 구조."""

    def leave_out(found: re.Match[str]) -> str:
        words = (found["behind"] or found["ahead"]).split()
        for size in range(len(words), 0, -1):
            name = " ".join(words[:size] if found["behind"] else words[-size:])
            if is_term(name):
                said = f"{name} 말고 다른" if analyser.has_hangul(found[0]) else f"other than {name}"
                return " ".join((said, *words[size:]) if found["behind"] else (*words[:-size], said))
        return found[0]

    return _ALTERNATIVES.sub(leave_out, text)


def is_kind_of_paper(text: str) -> bool:
    """Return whether a text names a kind of papers, such as surveys or 벤치마크, or a language or country of theirs."""
    return bool(_list_kinds(text))


def _list_kinds(text: str) -> list[str]:
    return [kind for kind, _ in phrases.split_word(text.casefold(), "papers")]


_OTHER = re.compile(r"\bother (\w+) than\b|^((?:what|how|which) .*) if not\b", re.IGNORECASE)
"""As in "other languages than English", "what helps if not RAG"."""
_SPLIT = re.compile(
    r"\b(leav(?:e|es|ing)|filter(?:s|ing)?|tak(?:e|es|ing)|keep(?:s|ing)?) ((?:[\w-]+ ){1,3})(out|aside|behind|for later)\b",
    re.IGNORECASE,
)
"""As in "leave RL out", "leave RL aside"."""
_SHORT = re.compile(
    r"(?<=\bexcl)\.(?=\s)|(?<=\bexclude) ?:|(?<=\bexcluding) ?:|(?<=\bexcept) ?:|(?<=\bskip) ?:",
    re.IGNORECASE,
)
_DASH = re.compile(r"\s*[–—]\s*|\s-\s")
_JOINED = re.compile(r"(?:이?[나랑]|[와과도]|하고)\Z")
_NOT = re.compile(
    r"(?:(?<=[가-힣]) ?|(?<=\w) )(?:[xX×](?=\s*\))|[ㄴ\u1102]{2,})"
    r"|만 아니면(?: ?[돼되됨][가-힣]*)?(?![가-힣])"
)
"""As in (양자화 X), but not 하이퍼클로바 X."""
_ALL_OF = re.compile("만 (?=빼|뺀|제외)")
"""As in 비디오만 빼고."""
_CROSSED = re.compile(r"(\S .*(?<!클로바)[가-힣]) [x×](?=\s*(?:,|$))")
"""As in 로봇 시뮬레이션 x, but not the name dino x or 그록 x."""
_MODALITY = "(?:이미지|사진|비디오|동영상|영상|텍스트|음성|오디오|음악|목소리)"
_CONTRAST = re.compile(
    rf"(?<!\S)(?!{_MODALITY},)(\S+),(?= ?{_MODALITY}(?: ?쪽)?[은는]? (?:빼|제외|말)\S* (?:\S+ )?{_MODALITY}로?만)"
)
"""As in 복원, 영상은 빼고 정지 이미지만, but not in 음악, 영상은 빼고 이미지만."""
_NON = re.compile(r"\bnon-(?P<non>[\w-]+)|(?<![\w-])(?P<free>\w+)-free\b", re.IGNORECASE)
_USED_FOR, _TOO = re.compile("(?<=[가-힣]{2})용\\Z"), re.compile("(?<=[가-힣]{2})도\\Z")
_TASK = re.compile(r" \S+만 (?:분리|추출|남[기긴겨]|살[리린려]|뽑|골라|지[우운워])")
"""As in 배경음악 빼고 목소리만 분리하는, which is what a method does."""
_ROLE = re.compile(r"s? as (?:the |an? )?(\w+?)s?\Z", re.IGNORECASE)
_LANGUAGE = re.compile("언어[로를의]?\\Z|languages?\\Z", re.IGNORECASE)
_NEED = re.compile("need|requir|필요", re.IGNORECASE)
_ADNOMINAL = re.compile(r"(?<=.)[는은된한든룬쓴지]\Z|\A큰\Z")
_CLAUSE = re.compile(r"(?<=.)(?:[은는한인]데|지만|니까?|거든|에서)요?\Z")
_DOING = re.compile(r"(?<=.)(?:[하되시]는|[한된])\Z")
_OBJECT = re.compile(r"(?<=.)[을를만]\Z")
_ONLY = re.compile(
    r"(?P<word>\b[\w]+)(?:-only|s? only(?=\s*(?:$|[,.;)]|please|pls)))|\b(?:using|with|from) only (?P<of>\w+)"
    r"|(?P<korean>[가-힣A-Za-z]+) ?(?:전용[의인]?|만 (?:쓰는|다루는|사용하는|이용하는|되는|지원하는))(?!\S)"
    r"|(?P<text>텍스트|정지 ?(?:이미지|영상|사진))(?:로?만|만(?:요|으로))(?=\s*(?:$|[,.;)]))",
    re.IGNORECASE,
)
"""As in "text only", 음성만 쓰는, which is unknown of papers. Text alone is hardly a topic."""
_PARTLY = ("만", "전용", "전용이", "전용은")
_BRACKETS, _ROUND = str.maketrans("()", "  "), str.maketrans("[]{}", "()()")
_MAX_TERM_WORDS, _MAX_LISTED = 4, 6
_READERS = ("i'm", "i’m", "i've", "i’ve", "we're", "we’re", "we've", "we’ve")
_PRONOUNS = ("it", "them", "those", "그거", "그건", "그것", "그것은", "그런건")


class Exclusions(NamedTuple):
    """A question without what its answer leaves out; that, as typed; and its other negations.

    `described` are those that stay in the text because they describe what is sought: "without labels". The words of those
    that are `unread` are not searched for. `has_alternatives`: the text has those to what is excluded.
    """

    text: str
    excluded: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    described: tuple[str, ...] = ()
    has_alternatives: bool = False


Way = Literal["sure", "lack", "need", "instead", "only", "verb", "other"]


class _Negation(NamedTuple):
    """A phrase that negates, from `first` to `last` of the tokens, with the negator `at` a place in it.

    What it negates `is_ahead` of it or behind it. The phrase says that papers are unwanted ("sure"), that something is not
    there or not used ("lack") or not needed ("need"), what a method is used "instead" of, that something is more than what is
    named ("only"), does not do that ("verb") or is not that ("other").

    `is_statement`: the question itself says so: stronger models are not better. `is_double`: it asks for what is named:
    nothing that isn't about speech, 음성 아닌 건 빼고.
    """

    first: int
    at: int
    last: int
    is_ahead: bool
    way: Way
    is_statement: bool
    is_double: bool


class _Named(NamedTuple):
    """What a negation names, and how many of the tokens beside it do so, the nearest of which come first.

    `is_part`: what is unwanted is not all that is named, but what is done with it, or that alone: 생성만 하는 것. The `lost` last
    tokens could not be read: (Google) or other big companies.
    """

    names: Sequence[str]
    taken: int
    is_part: bool = False
    lost: int = 0


def read_exclusions(text: str, is_term: IsTerm, is_excluded: IsTerm) -> Exclusions:
    """Split a question into its topic and what it excludes.

    `is_term` tells terms of papers from other words, and `is_excluded` the terms that "without" excludes from means.
    """
    text, unread, described = _read_degrees(text)
    text = _OTHER.sub(r"\1\2 other than", _CONTRAST.sub(r"\1;", text))
    text = _SPLIT.sub(r"\1 \3 \2", _SHORT.sub(" ", _DASH.sub("; ", text.translate(_ROUND))))
    text = _CROSSED.sub(r"\1 제외", _NOT.sub(" 제외", _ALL_OF.sub(" ", text)))
    text = _NON.sub(lambda non: _read_non(non, is_term, is_excluded), text)
    tokens, excluded, others = phrases.read_tokens(text, "leave"), list[str](), list[str]()
    for negation in _list_negations(tokens):
        negation, beside = _find_meant(tokens, negation, is_term)
        named = _read_named(beside, negation, tokens, is_term)
        if any(token.text.casefold() == "ones" for token in beside[: named.taken + 1]):
            before = tokens[: negation.first][::-1]
            names = [name if is_excluded(name) else _complete(name, before, is_term) for name in named.names]
            named = named._replace(names=names)
        around = tokens[negation.first : negation.last + 1]
        ahead = beside[named.taken : named.taken + 1] if named.taken and negation.is_ahead else ()
        # 큰 모델 빼고
        degree = [one for one in ahead if _is_filler(one.text) and _ADNOMINAL.search(one.text)]
        phrase = sorted((*beside[: named.taken], *degree, *around), key=lambda token: token.start)
        typed = text[phrase[0].start : phrase[-1].end]
        if negation.is_ahead and _TASK.match(text, phrase[-1].end):
            continue
        if negation.is_double and named.names and all(map(is_term, named.names)):
            text = phrases.cut(text, around)
            continue
        near = tokens[negation.first : negation.last + 2]
        sayings = _list_sayings(typed, named.names, near, negation)
        if sayings and not all(map(is_excluded, named.names)):  # everyday words for a topic: "without labels"
            # RAG나 파인튜닝 없이
            is_mixed = len(named.names) > 1 and negation.way != "need"
            left_out = list(filter(is_excluded, named.names)) if is_mixed else []
            sayings = [one for one in sayings if not one.removeprefix("without ").startswith(tuple(left_out))]
            excluded += left_out
            described += sayings if left_out else [typed]
            text = text if typed in sayings else f"{phrases.cut(text, phrase)} {' '.join(sayings)}"
            continue
        behind = takewhile(
            lambda one: one.is_korean or one.kind not in phrases.NEGATORS, tokens[negation.last + 1 :]
        )
        rest = (*tokens[: negation.last + 1], *behind)  # other than transformers, not Mamba
        beyond = [token for token in rest if token not in phrase and text[token.start : token.end].strip()]
        spoken = _list_spoken(tokens, negation, named.names)
        if sayings and (spoken or all(map(_is_general, beyond))):  # 트랜스포머 말고 다른 구조
            alternatives = questions.find_everyday_terms(sayings[0])
            # Linear attention is another attention, but not none.
            excluded += [
                name
                for name in named.names
                if negation.way == "lack" or not any(one.endswith(f" {name}") for one in alternatives)
            ]
            others += alternatives
            structures = spoken or [one for one in beyond if _list_general(one) == ["structure"]]
            text = phrases.cut(text, phrase)
            for structure in structures:
                text = phrases.cut(text, [structure])
            continue
        named = named._replace(names=_share_subject(named.names, tokens[: negation.first], near))
        outcome = _choose_outcome(named, negation, is_term, is_excluded)
        is_attached = negation.is_ahead and bool(beside) and beside[0].end == tokens[negation.first].start
        if is_attached and outcome == "unread" and negation.way == "lack" and not _is_means(named.names):
            continue  # 쓸모없는
        if outcome == "unread" and negation.way == "other" and not negation.is_ahead:
            # not the content of the picture
            phrase = [*around, *takewhile(lambda one: one.kind != "," and one.text not in "()", beside)]
            typed = text[phrase[0].start : phrase[-1].end]
        excluded += named.names if outcome == "excluded" else ()
        lost = _join(beside[named.taken - named.lost : named.taken])
        unread += [lost] if lost and outcome == "excluded" else []
        # 딥시크는 질렸어, 그거 빼고
        is_said = typed.strip() and (named.taken or not excluded)
        unread += [typed] if outcome == "unread" and is_said else []
        described += [typed] if outcome == "described" else []
        text = phrases.cut(text, phrase) if outcome in ("excluded", "unread") else text
        subject = _find_subject(named.names, tokens[negation.last + 1 :], negation)
        if outcome == "excluded" and subject:
            at = phrase[-1].end
            text = f"{text[: at - len(subject)]}{subject}{text[at:]}"
    has_alternatives, unwanted = bool(others), {name.casefold() for name in excluded}
    joint = " 또는 " if any(token.is_korean for token in tokens) else " or "
    edge = "중 " if others and any(map(_JOINED.search, text.split())) else ""  # A나 B 중
    text = f"{text} {edge}{joint.join(one for one in others if one.casefold() not in unwanted)}"
    text, partly = _cut_only(text, is_term)
    # Papers on Korean name English too.
    languages = [name for name in excluded if _list_kinds(name) == ["language"]]
    has_alternatives |= bool(languages) and any("language" in _list_kinds(word) for word in text.split())
    return Exclusions(
        " ".join((text.translate(_BRACKETS) if excluded else text).split()).strip(" ,;:?!"),
        tuple(dict.fromkeys(excluded)),
        tuple(unread),
        (*described, *partly),
        has_alternatives,
    )


def _cut_only(text: str, is_term: IsTerm) -> tuple[str, list[str]]:
    """Return a text without what says that papers are on nothing else, and these words: text only."""
    said = list[str]()
    for only in list(_ONLY.finditer(text)):
        word = only["word"] or only["of"] or only["korean"] or only["text"]
        if not (is_term(only[0].casefold()) or questions.classify_filler(word) or dates.is_date(word)):
            said.append(only[0].strip())
            text = text.replace(
                only[0], "" if only["text"] or word.casefold() in ("text", "텍스트") else word
            )
    return text, said


def _choose_outcome(
    named: _Named, negation: _Negation, is_term: IsTerm, is_excluded: IsTerm
) -> Literal["excluded", "described", "unread", ""]:
    """Return what becomes of a negation; "" if it negates nothing, as in 쓸모없는."""
    names, way = named.names, negation.way
    if not names:
        return "unread" if (named.taken and not negation.is_statement) or way in ("sure", "only") else ""
    if negation.is_statement:
        return "described"
    if way == "verb" and any(map(questions.is_fault, " ".join(names).split())):
        return "described"  # models that don't forget
    is_degree = all(seed.classify("degree", name) or questions.is_general(name) for name in names)
    if named.is_part or is_degree or any(map(dates.is_date, names)):
        return "unread"
    if way == "sure" or all(_list_kinds(name) == ["kind"] for name in names):
        return "excluded"
    words = [name.split() for name in names]
    meant = " ".join((*names, *chain(*map(questions.find_everyday_terms, names))))  # hallucination for 거짓말
    is_fault, is_means = any(map(questions.is_fault, meant.split())), _is_means(names)
    ends = [" ".join(name[start:]) for name in words for start in range(1 if is_means else len(name))]
    is_named = any(map(is_excluded, ends)) or (all(map(is_term, names)) and not (is_means or is_fault))
    if way in ("lack", "other") and is_named:
        return "excluded"
    return "described" if is_fault else "unread"


def _find_subject(names: Sequence[str], behind: Sequence[phrases.Token], negation: _Negation) -> str:
    """Return what the only word behind a negation is about too: of 탈옥 공격 말고 방어, jailbreaks; else ""."""
    subject, _, task = names[0].rpartition(" ") if len(names) == 1 and negation.is_ahead else ("", "", "")
    topic = [phrases.PARTICLE.sub("", one.text) for one in behind if _has_topic([one])]
    return subject if len(topic) == 1 and _are_tasks(task, topic[0]) else ""


def _share_subject(
    names: Sequence[str], before: Sequence[phrases.Token], near: Sequence[phrases.Token]
) -> Sequence[str]:
    """Return what is negated with what it is about: of "jailbreak defense, not attacks", jailbreak attacks."""
    said = dropwhile(lambda one: one.kind != "", before[::-1])
    subject, _, task = _join(list(takewhile(lambda one: _has_topic([one]), said))).rpartition(" ")
    is_shared = subject and [near[-1].text] == [*names] and _are_tasks(names[0], task)
    is_means = any(one.kind == "use" for one in near)  # not based on retrieval
    return [f"{subject} {names[0]}"] if is_shared and not is_means else names


def _are_tasks(*words: str) -> bool:
    return all(seed.classify("task", word) for word in words)


def _is_means(names: Iterable[str]) -> bool:
    return any(questions.is_means(word) for name in names for word in name.split())


def _list_sayings(
    typed: str, names: Sequence[str], near: Sequence[phrases.Token], negation: _Negation
) -> list[str]:
    """Return the negation of each name as it is written among the everyday words: 트랜스포머 없이 for 안쓰는."""
    is_other = any(one.text.casefold() in ("다른", "other", "other than") for one in near)
    is_clear = negation.way != "sure" or is_other or near[0].kind in ("no", "not")
    is_lack, pattern = negation.way in ("lack", "need"), "{} 없이" if near[0].is_korean else "without {}"
    ways = [(typed, " ".join(names))] if len(names) < 2 else []
    ways += [
        (pattern.format(name), name)
        for name in names
        if is_lack or (is_clear and not questions.is_means(name))
    ]
    terms = questions.find_everyday_terms
    sayings = [way for way, own in ways if terms(way) not in ((), terms(own))]
    return sayings[: len(names) or 1]


def _list_spoken(
    tokens: Sequence[phrases.Token], negation: _Negation, names: Sequence[str]
) -> Sequence[phrases.Token]:
    """Return the word for languages beside a negation of some: 영어 말고 다른 언어로, languages other than English."""
    beside = tokens[negation.last + 1 :][:1] if negation.is_ahead else tokens[: negation.first][-1:]
    is_spoken = all(_list_kinds(name) == ["language"] for name in names)
    return [one for one in beside if is_spoken and _LANGUAGE.match(one.text)]


def _list_general(token: phrases.Token) -> list[str]:
    return [kind for kind, _ in phrases.split_word(token.text.casefold(), "general")]


def is_beside(token: phrases.Token) -> bool:
    """Return whether a word belongs to an exclusion beside what it names: other than, vision models, (동영상 X), 다른 구조."""
    is_word = token.kind != "" or _is_joint(token) or bool(_list_general(token))
    return is_word or len(token.text) == 1


def _is_general(token: phrases.Token) -> bool:
    """Return whether a word names no topic: filler, or a word for architectures or language models."""
    return token.kind != "" or bool(_list_general(token)) or _is_filler(token.text)


def _find_meant(
    tokens: Sequence[phrases.Token], negation: _Negation, is_term: IsTerm
) -> tuple[_Negation, Sequence[phrases.Token]]:
    """Return a negation with the tokens that may name what is negated, of a pronoun from the nearest term: so leave it out."""
    beside, before = _list_beside(tokens, negation), tokens[: negation.first][::-1]
    said = [*beside[:1], *tokens[negation.first : negation.last + 1]]
    clause = takewhile(lambda one: one.kind != ",", beside if not negation.is_ahead else ())
    if _has_topic(list(clause)):
        return negation, beside  # excluding those on games
    sizes = ((at, _find_named(before[at:][:_MAX_TERM_WORDS], is_term)[1]) for at in range(len(before)))
    at, size = next((found for found in sizes if found[1]), (0, 0))
    if negation.way == "sure" and at and any(one.text.casefold() in _PRONOUNS for one in said):
        return negation._replace(is_ahead=True), before[at : at + size]
    return negation, beside


def _list_beside(tokens: Sequence[phrases.Token], negation: _Negation) -> Sequence[phrases.Token]:
    """Return the tokens that may name what is negated, the nearest first."""
    beside = tokens[: negation.first][::-1] if negation.is_ahead else tokens[negation.last + 1 :]
    if beside and beside[0].text in "()":  # (구글, 메타) 빼고
        inside = takewhile(lambda token: token.text not in "()", beside[1:])
        return [token._replace(kind="", text="or") if token.kind == "," else token for token in inside]
    return beside


def _read_non(non: re.Match[str], is_term: IsTerm, is_excluded: IsTerm) -> str:
    """Return an exclusion for non-medical and OCR-free; non-autoregressive is a term of its own."""
    name = non["non"] or non["free"]
    is_exclusion = any(map(is_excluded, (name, name.lower()))) and not is_term(non[0].lower())
    return f"without {name}," if is_exclusion else non[0]


def _list_negations(tokens: Sequence[phrases.Token]) -> Iterator[_Negation]:
    """Yield the phrases that negate. In a Korean one the verb may come first: 쓰지 않는, 안 쓰는, 관련 없는."""
    start = 0
    for (has_class, is_korean), run in groupby(
        tokens, key=lambda token: (token.kind not in ("", ","), token.is_korean)
    ):
        first, start = start, start + len(list(run))
        negators = [n for n in range(first, start) if has_class and tokens[n].kind in phrases.NEGATORS]
        if not negators and not is_korean and any(seed.classify("all", one.text) for one in tokens[:first]):
            negators = [n for n in range(first, start) if tokens[n].text.casefold() == "but"]
        negation = _read_negation(tokens, first, negators[0], start) if negators else None
        if negation:
            yield negation


def _read_negation(tokens: Sequence[phrases.Token], first: int, at: int, end: int) -> _Negation | None:
    """Return the negation by the negator `at` a place in a phrase from `first` to `end`; None if it negates nothing.

    That is so in "the skip connections", "why do transformers not generalize", "not just text but images" and 카메라만 말고.
    """
    kind, is_korean, behind = tokens[at].kind, tokens[at].is_korean, tokens[end:]
    around = [token.kind for token in tokens[first if is_korean else at + 1 : end]]
    is_about, is_used, is_only = ("about" in around, "use" in around, "only" in around)
    before = tokens[at - 1] if at else phrases.Token(",", "", 0, 0)
    ahead = [token.text.casefold() for token in tokens[:at]]
    is_end = not is_korean and _ends_clause(behind, kind)
    is_last = (
        kind in ("no", "not") and is_end and not any(seed.classify("auxiliary", one) for one in ahead)
    )  # world models, no games
    is_clause = before.kind in (",", "glue", "only") or is_last
    if is_korean:  # 어텐션을 바꾸지 않는
        is_verb = kind == "not" and first > 1 and tokens[first - 1].text.endswith("지")
        is_verb = is_verb and _OBJECT.search(tokens[first - 2].text) is not None
    else:
        is_verb = before.kind in (",", "glue") and (kind == "dont" or tokens[at].text.casefold() == "never")
        is_verb = is_verb and not any(seed.classify("auxiliary", one) for one in ahead)
    is_verb = is_verb and not (is_about or is_used or is_only)
    begins = not before.text or bool(seed.classify("clause", before.text))
    is_negation = (
        is_about
        or is_used
        or is_only
        or is_verb
        or not (kind == "dont" or (kind == "not" and (is_korean or not is_clause)))
    )
    if kind == "imperative":
        is_led = is_clause and begins
        is_negation = is_led or (tokens[at].text.endswith("ing") and (is_about or "glue" in around or is_end))
    is_ahead = is_korean or not any(one.kind == "" or one.text == "(" for one in behind[:1])
    nearest = tokens[first - 1].text if is_ahead and first else ""
    is_both = is_only and any(one.text.casefold() in ("but", "also") for one in behind)
    is_both = is_both or (nearest.endswith(("만", "뿐")) and first == at)
    if not is_negation or is_both or (kind == "instead" and nearest.endswith(("을", "를"))):
        return None
    is_sure = (
        kind in ("sure", "imperative", "glue")
        or is_about
        or (is_last and (kind == "no" or before.kind in ("", ",") or before.text.casefold() == "but"))
    )
    verbs = takewhile(lambda token: token.kind in ("glue", "about", "use"), tokens[at + 1 : end])
    clause = takewhile(lambda token: token.kind != ",", behind if not is_ahead else ())
    said = [*tokens[first:end], *(one for one in clause if seed.classify("tail", one.text))]
    if any(one.text.startswith("필요") for one in said) and any(
        one.text == "?" for one in tokens[end : end + 1]
    ):
        return None  # 긴 컨텍스트면 RAG 필요없음?
    is_asking = kind == "dont" and before.kind == ","  # tokenizers, don't need visual ones
    is_needed = kind not in ("sure", "imperative") and any(_NEED.match(one.text) for one in said)
    # 공개 안 한 논문 빼고, 지겨우니 빼고
    is_twice = is_korean and any(one.kind == "sure" for one in tokens[at + 1 : end])
    ways: tuple[tuple[Way, bool], ...] = (
        ("instead", kind == "instead"),
        ("verb", is_verb),
        ("only", is_only or (is_twice and kind != "sure")),
        ("need", is_needed and not is_asking),
        ("sure", is_sure or (is_needed and is_asking)),
        ("lack", kind == "lack" or (kind in ("not", "dont") and is_used)),
        ("other", True),
    )
    way = next(way for way, is_said in ways if is_said)
    last = at + len(list(verbs)) if is_korean and not is_twice else end - 1
    is_relative = any(seed.classify("relative", one.text) for one in tokens[first:at])
    is_statement = (
        way == "other" and not (is_ahead or is_relative) and before.text.casefold() in ("is", "are")
    )
    is_double = (is_twice and kind in ("other", "lack")) or (
        kind == "no" and any(one.kind == "not" for one in tokens[at + 1 : end])
    )
    is_led = before.kind == "use" or before.text.casefold() in _READERS
    start = first if is_ahead else at - is_led
    return _Negation(start, at, last, is_ahead, way, is_statement, is_double)


def _ends_clause(behind: Sequence[phrases.Token], kind: str) -> bool:
    """Return whether a clause ends with what it names first, which is not a means: "agents, no surveys"."""
    behind = [token for token in behind if token.text.casefold() not in ("a", "an", "the")]
    named = list(takewhile(lambda one: _is_or(one) or (one.kind == "" and not _is_filler(one.text)), behind))
    rest = [token for token in behind[len(named) :] if not seed.classify("tail", token.text)]
    is_end = not rest or rest[0].kind in (",", "no", "not")  # not simulation not games
    # text, not visual tokenizers
    is_means = questions.is_means(_join(named)) and not (kind == "not" and len(named) > 1)
    return bool(named) and not is_means and is_end


def _read_named(
    beside: Sequence[phrases.Token], negation: _Negation, tokens: Sequence[phrases.Token], is_term: IsTerm
) -> _Named:
    """Return what a negation names: all words back to a boundary, unless the question has no others.

    A comma ahead joins names too (서베이, 벤치마크 빼고), unless they are all of the topic: 의료 LLM, 영상은 빼고.
    """
    behind = tokens[negation.last + 1 :] if negation.is_ahead else tokens[: negation.first]
    is_open = any(one.text in "(." for one in beside) or _has_topic(behind)
    # GUI agents for mobile, desktop stuff excluded
    is_list = tokens[negation.at].is_korean or not negation.is_ahead or any(map(_is_or, beside[:_MAX_LISTED]))
    for has_list in (is_list, False):
        named = _list_named(beside, negation, tokens, is_term, has_list=has_list)
        if is_open or _has_topic(beside[named.taken :]):
            return named
    farthest, start = " ".join(named.names[:1]), named.taken
    while start and len(_join(beside[start : named.taken])) < len(farthest):
        start -= 1
    name, size = _find_named(beside[start : named.taken], is_term)
    is_whole = is_term(farthest) or farthest not in _join(beside[start : named.taken])
    if named.is_part or is_whole or not size:
        return named
    return _Named([name, *named.names[1:]], start + size)  # 로봇 학습 시뮬레이션 x


def _list_named(
    beside: Sequence[phrases.Token],
    negation: _Negation,
    tokens: Sequence[phrases.Token],
    is_term: IsTerm,
    *,
    has_list: bool,
) -> _Named:
    names, taken, lost, is_ahead = list[str](), 0, 0, negation.is_ahead
    at = _count_reason(beside, negation, is_term) if is_ahead else _find_examples(beside)
    is_attached, is_part = is_ahead and tokens[negation.first].kind != "glue", False
    while at < len(beside):
        phrase, is_part = _read_phrase(beside[at:], is_ahead, is_term)
        if not phrase:
            is_sure = is_ahead and negation.way != "lack"
            if names or at or beside[at].kind or not (is_sure or negation.way == "instead"):
                is_open = at > taken and _is_or(beside[at - 1])
                other = list(takewhile(lambda one: one.kind == "", beside[at:])) if is_open else []
                lost = at + len(other) - taken if other else 0
                break
            at, taken, is_attached = 1, 1, False  # 로봇 논문은 빼고, rather than only text
            continue
        at += len(phrase)
        names.insert(
            0 if is_ahead else len(names), " ".join(_name(phrase, is_term, is_attached=is_attached).split())
        )
        while not is_ahead and at < len(beside) and seed.classify("tail", beside[at].text):
            at += 1
        taken = at
        step, is_attached = _find_joint(beside[at:], negation, names, has_list=has_list)
        if is_part or not (step or is_attached):
            break
        at += step
        while step and is_attached and at < len(beside) and beside[at].kind == "glue":
            at += 1
    said = [one.text.casefold() for one in tokens[negation.at : negation.last + 1] if one.kind != "only"]
    if not is_ahead and (is_part or said[-1] in ("that", "which") or negation.way == "verb" or not names):
        taken, is_part = (
            len(list(takewhile(lambda one: one.kind != ",", beside))),
            True,
        )  # those that prune models
    words = (*beside[:taken], *tokens[negation.first : negation.last + 1])  # not from Chinese labs
    bare = [phrases.PARTICLE.sub("", one.text) for one in words]
    groups = [one for one in bare if seed.classify("group", one)]
    of_country = [f"{name} {group}" for name in names for group in groups[:1]]
    if of_country and all(map(institutions.list_companies, of_country)):
        names = of_country if tokens[negation.at].is_korean and groups[0] not in names[0] else names
    else:
        is_part = is_part or (bool(groups) and not any(map(institutions.list_forms, names)))
    partly = (*(one.text for one in beside[:1]), *(name for name in names if not is_term(name)))
    is_part = is_part or (is_ahead and any(one.endswith(_PARTLY) for one in partly))
    names = [_USED_FOR.sub("", name) for name in names]
    names = [_TOO.sub("", name) if len(names) > 1 and not is_term(name) else name for name in names]
    shared = names[-1].split()[1:] if len(names) > 1 else []  # 이미지나 비디오 생성
    wholes = [name if " " in name else " ".join((name, *shared)) for name in names]
    return _Named(
        [whole if is_term(whole) else name for name, whole in zip(names, wholes, strict=True)],
        taken + lost,
        is_part,
        lost,
    )


def _count_reason(beside: Sequence[phrases.Token], negation: _Negation, is_term: IsTerm) -> int:
    """Return how many words behind what is left out say why: 로봇은 너무 어려워서 빼고; 0 for another phrase."""
    clause = list(takewhile(lambda one: one.kind != ",", beside)) if negation.way == "sure" else []
    marked = next((at for at, one in enumerate(clause) if one.text.endswith(("은", "는"))), 0)
    is_reason = not any(_find_named([one], is_term)[1] or _is_adnominal(one) for one in clause[:marked])
    glue = takewhile(lambda one: one.kind in ("glue", "about"), clause[marked:])  # GPT 계열은
    named = marked + len(list(glue)) if marked and is_reason else 0
    return named if named and _find_named(clause[named : named + 1], is_term)[1] else 0


def _find_examples(beside: Sequence[phrases.Token]) -> int:
    """Return where the examples of words that begin with filler begin, else 0: "big companies like Google"."""
    before = list(takewhile(lambda one: not seed.classify("example", one.text), beside[:_MAX_TERM_WORDS]))
    is_led = all(_is_filler(one.text) for one in before[:1]) or "ones" in (one.text for one in before)
    is_led = is_led and len(before) < len(beside[:_MAX_TERM_WORDS])
    return len(before) + 1 if is_led and all(one.kind in ("", "glue", ",") for one in before) else 0


def _complete(name: str, ahead: Sequence[phrases.Token], is_term: IsTerm) -> str:
    """Return the term that a name is with the nearest words ahead, else the name: "language models except small ones"."""
    words = [token.text for token in takewhile(lambda token: token.kind in ("", "glue"), ahead)][::-1]
    words = words[:-1] if words and questions.names_papers(words[-1]) else words
    longer = (f"{name} {' '.join(words[start:])}" for start in range(len(words)))
    return next(filter(is_term, longer), name)


def _name(phrase: Sequence[phrases.Token], is_term: IsTerm, *, is_attached: bool) -> str:
    """Return the name in a phrase, without a particle if what is behind it `is_attached`."""
    name, size = _find_named(phrase, is_term)
    if size == len(phrase):
        return name
    name = _join(phrase)
    usual = _ROLE.sub(r" as a \1", name)  # LLMs as judges
    name = usual if is_term(usual) else name
    if not is_attached:
        return name
    bare = phrases.strip_particle(name)
    return (
        bare
        if size
        else questions.strip_query_word(bare, lambda one: is_term(one) or questions.is_everyday(one))
    )


def _find_joint(
    rest: Sequence[phrases.Token], negation: _Negation, names: Sequence[str], *, has_list: bool
) -> tuple[int, bool]:
    """Return how many tokens join what is negated to the next such name, and whether by more than a comma."""
    comma = has_list and len(rest) > 1 and rest[0].text == ","
    # "retrieval, question answering" is not a list, but "math, code or agents" is one.
    comma = comma and (negation.is_ahead or any(map(_is_or, rest[1:_MAX_LISTED])))
    comma = (
        comma and len(rest) > 1 and rest[1].text.casefold() not in ("only", "just")
    )  # no GANs, only diffusion
    is_led = comma and not negation.is_ahead and seed.classify("example", rest[1].text) != ""
    if is_led and not _list_kinds(names[-1]):
        return 0, False  # without diffusion, like masked models
    joint = len(rest) > comma and _is_or(rest[comma])
    its = int(negation.is_ahead and any(one.text == "그" for one in rest[:1]))  # 위스퍼랑 그 변형
    # 텍스트나 음성
    is_attached = negation.is_ahead and any(_JOINED.search(one.text) for one in rest[its : its + 1])
    # 영어 중국어 아닌
    is_kind = negation.is_ahead and bool(rest) and _are_alike(names[0], rest[0].text)
    return comma + joint + its, joint or is_attached or is_kind


def _is_or(token: phrases.Token) -> bool:
    return any(seed.classify(table, token.text) for table in ("join", "example"))


def _has_topic(tokens: Sequence[phrases.Token]) -> bool:
    return any(token.kind == "" and not _is_filler(token.text) for token in tokens)


def _read_phrase(
    beside: Sequence[phrases.Token], is_ahead: bool, is_term: IsTerm
) -> tuple[list[phrases.Token], bool]:
    """Return the words of a noun phrase, and whether only a part of it is unwanted: 영상을 생성하는 (것), English only."""
    near = list(takewhile(lambda one: one.kind not in phrases.NEGATORS | {","} and not _is_or(one), beside))
    are_two = is_ahead and len(near) > 1 and _are_alike(near[0].text, near[1].text)  # 이미지 비디오
    size = _find_named(near[: 1 if are_two else _MAX_TERM_WORDS], is_term)[1]
    phrase = near[:size]
    _extend(phrase, near, is_ahead, is_term)
    if not is_ahead:
        rest = near[len(phrase) :]
        if phrase and rest and rest[0].text.casefold() == "as":  # an LLM as the judge
            phrase += rest[: next((n for n, one in enumerate(rest, 1) if _has_topic([one])), 0)]
        only = [one for one in near[len(phrase) :][:1] if one.text.casefold() == "only"]
        return [*phrase, *only], any(one.text.casefold().endswith("only") for one in (*phrase[-1:], *only))
    is_named = len(phrase) == size > 1  # 작은 모델
    if not is_named and len(phrase) > 1 and _DOING.search(phrase[0].text):  # 합성 데이터로 학습하는 거
        return phrase, True
    at = len(phrase) - (not is_named and any(map(_is_adnominal, phrase[-1:])))
    verb, before = near[at : at + 1], near[at + 1 : at + 2]
    is_done = any(_OBJECT.search(one.text) for one in before)
    if any(_is_adnominal(one) and (is_done or not _is_filler(one.text)) for one in verb):
        phrase[at:] = [*verb, *before]
        _extend(phrase, near, is_ahead, is_term)
        return phrase, True
    return phrase, False


def _extend(
    phrase: list[phrases.Token], near: Sequence[phrases.Token], is_ahead: bool, is_term: IsTerm
) -> None:
    """Add the next words to a noun phrase, up to filler and, ahead of a Korean negation, back to a word with a particle."""
    while rest := near[len(phrase) :]:
        token = rest[0]
        size = _find_named(rest[:_MAX_TERM_WORDS], is_term)[1] if phrase else 0
        is_too = is_ahead and bool(phrase) and phrase[0].text[-1:] == token.text[-1:] == "도"  # A도 B도
        particle = phrases.PARTICLE.search(token.text)
        is_whole = (
            particle is None
            or (particle.start() < 2 and not is_term(token.text[:1]))
            or _find_named([token], is_term)[0] == token.text
        )
        is_apart = is_too or (not is_whole if is_ahead else _is_joint(token))  # not 평가, 서베이
        is_apart = is_apart or (is_ahead and len(phrase) == 1 and _are_alike(token.text, phrase[0].text))
        is_apart = is_apart or (is_ahead and _CLAUSE.search(token.text) is not None)
        is_end = size < 2 and _is_filler(token.text) and not _is_between(rest)
        if is_end or (phrase and is_apart):
            break
        phrase += rest[: max(size, 1)]


def _are_alike(*names: str) -> bool:
    """Return whether names side by side are languages, countries, modalities or institutions: 영어 중국어, 구글 메타."""
    bare = [phrases.PARTICLE.sub("", name) for name in names]
    if all(seed.classify("modality", name) or institutions.list_forms(name) for name in bare):
        return True
    first, *others = map(_list_kinds, bare)
    return first in (["language"], ["country"]) and all(kinds == first for kinds in others)


def _is_between(words: Sequence[phrases.Token]) -> bool:
    """Return whether a word that may be filler joins two of a noun phrase: 4 bit quantization, RAG 기반 검색."""
    is_joint = words[0].text in ("기반", "모델이나", "모델이랑", "학습이나", "학습이랑")  # draft 모델이나
    is_joining = is_joint or questions.classify_filler(words[0].text) == "maybe"
    return is_joining and any(one.kind == "" and not _is_filler(one.text) for one in words[1:2])


def _is_adnominal(token: phrases.Token) -> bool:
    """Return whether a Korean word is a verb ahead of what it describes, such as 생성하는."""
    is_verb = token.kind in ("about", "use") or not questions.is_noun(token.text)
    return is_verb and _ADNOMINAL.search(token.text) is not None


def _find_named(near: Sequence[phrases.Token], is_unwanted: IsTerm) -> tuple[str, int]:
    """Return the longest run of the next words that is unwanted, without its particle, and how many words it has."""
    joint = next((at for at, one in enumerate(near) if at and one.text.endswith(("이나", "이랑"))), len(near))
    for size in range(joint, 0, -1):
        run = _join(near[:size])
        stems = (
            run.removesuffix(ending) for ending in seed.load_request_words()["case"] if run.endswith(ending)
        )
        for spelling in (*stems, phrases.ALIKE.sub("", run), run):
            if is_unwanted(spelling) or (size > 1 and dates.is_date(spelling)):
                return spelling, size
    return "", 0


def _join(tokens: Sequence[phrases.Token]) -> str:
    return " ".join(token.text for token in sorted(tokens, key=lambda token: token.start))


def _is_joint(token: phrases.Token) -> bool:
    return _is_or(token) or seed.classify("tail", token.text) != ""


def _is_filler(word: str) -> bool:
    return bool(questions.classify_filler(word) or questions.classify_filler(phrases.PARTICLE.sub("", word)))


# Comparisons.


def _compile_words(english: str, korean: str, end: str = "") -> re.Pattern[str]:
    """Return a pattern for text of either language. `re` finds alternatives that begin with letters eight times as fast."""
    words = [(word, first) for word in english.split() for first in (word[0], word[0].upper())]
    return re.compile(
        "|".join([*korean.split("|"), *(rf"{c}(?<!\w{c})(?i:{word[1:]}){end}" for word, c in words)])
    )


COMPARING = _compile_words(
    r"than unlike compar\w+ outperform\w* surpass\w* exceed\w* beat(?:s|ing)? versus vs rival\w* instead rather without"
    r" alternatives? competitive match(?:es|ing) traditional(?:ly)? conventional contrast existing previous prior on\spar",
    "보다|대비|달리|능가|뛰어넘|비교|대신|기존|없이|넘어|앞[서선섭]|견[줄주]|대안|필적|못지않|맞먹|대체|벗어나|아닌",
    end=r"\b",
)
WITHOUT = re.compile(
    r"\bwithout (?:(?:using|relying on|requiring|needing|any|the|additional) )*[\w-]+"
    r"(?: (?!(?:and|or|but|by|with|via|through|using|while|to|in|on|for|that|it|is|are)\b)[\w-]+){0,2}"
    r"|(?:(?:추가|[^\s,.;:()]*[^\s,.;:()을를은는이가에로서고며도]) ){0,2}[^\s,.;:]+ 없이",
    re.IGNORECASE,
)
"""What a paper does without: a phrase of a sentence."""
LATER = re.compile(
    r"\b(?:lea(?:ve|ving)|left|remains?) .{0,200}\bfuture (?:work|research|studies)"
    r"|^(?:[Ii]n )?[Ff]uture (?:work|research|studies) |[Ii]n (?:the )?future,? we "
    r"|후속 연구(?:에서는|로)|(?:향후|앞으로|추후).{0,200}"
    r"(?:(?<!도전 )과제(?:다|입|이|로)|할 계획|계획(?:이다|입니다|을 가)|예정|필요(?:하다|합니다|할 것|가 있))"
)
"""A sentence on what a paper leaves to later work. One on what its results are good for in later work is on the results."""
LATER_CHAPTER = re.compile(
    r"[\W\d]*(?:(?:이 |본 )?(?:논문|연구)의 )?"
    r"(?:future (?:work|research|stud|direction)|follow-up|limitations?\b(?! of)|related work"
    r"|(?:후속|향후) (?:연구|과제|계획)|한계(?!를)|관련 연구(?!와))",
    re.IGNORECASE,
)
"""The heading of a chapter on what a paper leaves to later work, or on other work."""
