"""What a claim says, compared with the sentences of the paper that its span names. Plain words and counts, no model.

A claim fails for a number or a name of another place, for a negation, direction, doubt, cause or generality that stands
on one side only, for things that are swapped, and for words that accuse or advertise unless the paper has them there.
What is true or false beyond such words is not found.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, permutations, takewhile
from typing import NamedTuple

from bot.text import analyser
from bot.writer import claim_numbers

# Words by what they do, in both languages. "_" is the border of a word; Korean stems stand for all their endings.

_NEGATIONS = (
    "_not_|_no_|_never_|_none_|_neither_|_nor_|_nothing_|_nobody_|_without_|_cannot_|_unable_|_fail|_lack|_absen"
    "|_exclud"
    "|_rather than_|_instead of_|_omit|_left out_|_leave out_|_leaves out_|_unaffected_|_unchanged_|_impossib"
    "|_hardly_"
    "|_barely_|_few_|_little_|_rarely_|_prevent|_avoid|_missing_|_except_|_miss_|_misses_|_missed_|_beyond_|_only_"
    "|_untested_|_unseen_|_free of_|_refus|_denie|_drops_|_discard|_ignor|_skip|_unknown_|_unclear_|_against_|_remov"
    "|_stop|_eliminat|_zero_|_insignificant_|_incapable_|_independent of_|_irrespective_|_regardless_|_limited_"
    "|_ablat"
    "|않|못|없|아니|아닌|_안 |불가|실패|제외|배제|빠지|빠져|빠진|빼|부족|결여|뿐|만_|만 |미_|드물|드문|금지|모르"
    "|모른|말라|대신|그치|막는|막아|피하|무관"
    "|미측정|미공개|미검증|제거|버리|중단|무시|한정|불명|어렵|힘들|외에|벗어나|영_|_무|_non|less_|_disabl|_reject"
)
"""What negates, and what may stand for a negation in other words, such as "only" or 제외."""
_PLAIN_NEGATIONS = (
    "_rather than_|_advise against_|_advised against_|_recommend against_|_not_|_no_|_never_|_none_|_neither_"
    "|_nor_|_nothing_|_without_|_cannot_|_unable_|_fail|_lack|_hardly_|않|못|없|아니|아닌|_안 "
    "|불가|실패"
)
_DIRECTIONS: dict[str, tuple[str, str]] = {
    "amount": (
        "_increas|_rise|_rose_|_rising_|_grow|_grew_|_higher_|_highest_|_more_|_raise|_raising_|_up_|_gain"
        "|증가|상승|_늘|높|오르|올라|올리|올린|올랐|_많|상회|향상|_뛰어오|_뛰어올",
        "_decreas|_fall|_fell_|_drop|_lower|_lowest_|_less_|_fewer_|_reduc|_declin|_cut_|_cuts_|_cutting_|_loses_"
        "|_lost_|_shrink|_shrank_|감소|하락|_줄|낮|떨어|하회|_덜_|_덜 |_더 적|_적습|_적은|_적게|_적다|_적어|내려"
        "|내리|잃|절감|저하",
    ),
    "level": ("_above_|_over_|_exceed|이상|초과|넘", "_below_|_under_|이하|미만|밑돌"),
    "quality": (
        "_better_|_best_|_outperform|_improv|_surpass|_beat|_stronger_|_superior|_ahead_|_lead_|_leads_|_exceeds_"
        "|_win_|_wins_"
        "|_help_|_helps_|_more accurate|_most accurate|_benefit"
        "|우수|능가|개선|향상|앞서|앞선|앞섰|앞섭|나은_|낫|뛰어나|뛰어난|도움|좋",
        "_worse_|_worst_|_underperform|_degrad|_weaker_|_inferior|_behind_|_trail|_hurt|_harm|_deteriorat|_suffer"
        "|_less accurate"
        "|_loses to_|_lose to_|_least accurate"
        "|열등|악화|저하|뒤처|뒤지|뒤진|나쁘|나쁩|나빠|나쁜|해치|못 미|못미|떨어",
    ),
    "speed": (
        "_faster_|_fastest_|_speedup|_speed up_|_accelerat|_quick|_sooner_|빠르|빠릅|빨라|빠른|빨리|가속",
        "_slower_|_slowest_|_slowdown|_slows_|_slow_|_longer_|느리|느립|느려|느린|늦|오래|감속",
    ),
    "size": (
        "_larger_|_largest_|_bigger_|_biggest_|_greater_|_wider_|_크_|_큰_|_커|_큽|_더 크|더 큰|가장 큰|크다|큽니",
        "_smaller_|_smallest_|_tiny_|_narrower_|_작|작은|작다|작아|작습",
    ),
    "order": (
        "_before_|_earlier_|_early_|_precede|_prior to_|_first_|_이전|_전에|앞서_|_초기|_먼저|_처음",
        "_after_|_later_|_late_|_afterwards_|_following_|_subsequent|_last_|_final|_이후|_후에|뒤에|나중|후반"
        "|마지막|_다음",
    ),
}
_STATED_DOUBTS = (
    "_may_|_might_|_could be_|_possibl|_perhaps_|_maybe_|_suggest|_appear|_seem|_likely_|_unclear_|_not know|_cannot say"
    "|_uncertain|_believ|_hypothes|_conjectur|_speculat|_suspect|_not confirm|_no evidence|_remains open|_in principle"
    "|_cannot conclude|_not establish|_tentativ|_preliminar|_open question|_cannot rule|_presum|_plausib"
)
"""By which a paper doubts; a claim may doubt in more words."""
_DOUBTS = (
    "_may_|_might_|_could_|_possibl|_perhaps_|_maybe_|_suggest|_appear|_seem|_likely_|_unclear_|_not know|_cannot say"
    "|_uncertain|_believ|_hypothes|_conjectur|_speculat|_suspect|_could not confirm|_not confirm|_no evidence"
    "|_remains open"
    "|_not prove|_assum|_indicat|_expect|_hope|_potential|_plausib|_open question|_cannot rule|_probabl|_presum"
    "|_would"
    "|_in principle|_cannot conclude|_not establish|_tentativ|_preliminar|_not yet_|_whether_|_estimat|_attribut"
    "|_think_"
    "|수_|수 있|추정|가능성|추측|것으로 보|듯|모르|모른|시사|아마|불확실|의심|가설|않을까|여지|예상|기대|짐작|여겨"
    "|생각|불분명|전망|우려|때가|여부"
    "|해석|결론"
)
_CERTAINTY = (
    "_prove|_proof|_show|_establish|_demonstrat|_confirm|_verif|_guarantee|_certain|_definit|_undoubted|_conclusive"
    "|입증|증명|확인|확증|보장|규명|밝혀|밝혔|확실|분명|명백|단언"
)
_PROOFS = (
    "_prove|_proof|_establish|_guarantee|_definit|_undoubted|_conclusive|_theorem|_lemma|입증|증명|보장|규명|확증"
    "|단언|정리_"
)
_GENERAL = (
    "_all_|_every_|_always_|_everywhere_|_everyone_|_any_|_anyone_|_whatever_|_whichever_|_universal|_entire"
    "|_throughout_"
    "|_whole_|_regardless_|_without exception_|_each_|_invariabl|_completely_|_both_"
    "|모든|모두|전부|항상|언제나|누구나|어디서나|예외 없|빠짐없|어떤 |어느 |하나도|무조건|완전|전혀|어떠한"
    "|하나같이|전 "
)
_STRONG_GENERAL = (
    "_all_|_every_|_always_|_everywhere_|_everyone_|_anyone_|_whatever_|_universal|_without exception_|_invariabl"
    "|모든|모두|전부|항상|언제나|누구나|어디서나|예외 없|빠짐없|무조건|하나같이|어떤 "
)
_SUPERLATIVES = "_only_|_sole_|_unique|_first to_|_first ever|_the first_|유일|최초"
_CAUSES = "_because_|_due to_|_owing to_|_caused by_|_thanks to_|때문|_탓|덕분|덕에|으로 인해|로 인해|원인"
_CAUSE_EVIDENCE = _CAUSES + (
    "|_since_|_so_|_as_|_therefore_|_thus_|_hence_|_explain|_cause|_result|_lead|_leading|_why|_reason|_attribut"
    "|_account"
    "|_stem|_come from|_comes from|_by_|_when_|_if_|_hide|_make|_give|_would_|_link|_depend|_driven|_owe|_follow"
    "|_which_"
)
_VAGUE = (
    "_dozen|_hundreds_|_thousands_|_millions_|_many times|_orders of magnitude|_order of magnitude|_several times"
    "|_countless"
    "|_tens of|_manifold_|_vastly_|_massively_|수십|수백|수천|수만|몇 배|단 몇|몇 초|몇 분 만"
    "|여러 배|몇배|몇십|몇백|압도적|비약적|천문학"
)
_FRACTIONS = {
    "_half_|_halve|_halving_|절반|반으로|반감|_반_|_one in two_|_every second_": Fraction(1, 2),
    "_a third_|_one third_|_one in three_|_every third_": Fraction(1, 3),
    "_a quarter_|_one quarter_|_one in four_": Fraction(1, 4),
    "_a fifth_|_one fifth_|_one in five_": Fraction(1, 5),
    "_a tenth_|_one tenth_|_one in ten_": Fraction(1, 10),
    "_two thirds_|_two in three_": Fraction(2, 3),
    "_three quarters_|_three in four_": Fraction(3, 4),
    "_four fifths_|_four in five_": Fraction(4, 5),
    "_nine in ten_|_nine tenths_": Fraction(9, 10),
}
_CHARGED = (
    "_fabricat|_falsif|_plagiari|_fraud|_fake|_forged_|_forgery_|_withdraw|_withdrawn_|_retract|_scam|_danger"
    "|_illegal|_lawsuit|_sue_"
    "|_sued_|_stole|_steal|_malicious|_malware|_virus|_weapon|_crime|_crimin|_cheat|_lie_|_lied_|_lying_|_bribe"
    "|_brib|_hide_"
    "|_hid_|_conceal|_secretly|_coverup|_misconduct|_unethical|_incompeten|_shame|_dishonest|_corrupt|_toxic"
    "|_deceiv|_mislead"
    "|_manipulat|_cherry|_free_|_gift|_prize|_password|_login|_bitcoin|_crypto|_wallet|_invest_|_investor"
    "|_investment|_investing|_earn|_profit|_buy_|_buying_"
    "|_purchase|_sale_|_sell|_discount|_click|_subscrib|_download|_sign up|_visit_|_order now|_deal_|_deals_"
    "|_money|_paid_"
    "|_pay_|_customer|_revolution|_perfect|_flawless|_miracl|_amazing|_incredibl|_unbeatabl|_must have|_best ever"
    "|_telegram_|_whatsapp_|_contact us|_startup|_stock|_worthless|_useless|_nonsense|_garbage|_ridicul|_lazy"
    "|_stupid|_idiot"
    "|_admit|_confess|_apolog|_scandal|_accus|_guilty|_sabotag|_kill|_fire_|_fired_|_hurry|_commercial"
    "|조작|날조|표절|위조|허위|사기|철회|위험|불법|소송|고소|도용|훔|범죄|속였|속이|속인|거짓|은폐|숨기|숨겼|숨긴"
    "|몰래|뇌물|부정행위|비윤리|무능|수치스|엉터리"
    "|베꼈|베낀|베껴|무료|공짜|경품|선물|당첨|비밀번호|로그인|비트코인|암호화폐|코인|지갑|투자|수익|돈을|돈벌|구매"
    "|구입|판매|할인|클릭|구독|다운로드|가입|방문하|신청"
    "|_문의|혁명|완벽|기적|놀라운|세계 최고|최강|쓸모없|쓰레기|한심|게으|멍청|자백|사과했|고백|추문|의혹|조사를 받"
    "|해고|기소|체포|오늘|서두르|상용|출시|고객"
)
_CHARGED_EVIDENCE = (
    f"{_CHARGED}|_risk|_hazard|_unsafe|_harm|_operat|_contact|_launch|_registr|_hidden_|_false_|_break"
)
"""Words that accuse, insult or advertise: a claim has them only if its paragraph has one of the same."""

_SEPARATOR = re.compile(r"[^\w%]+")
_CLAUSE = re.compile(r"(?<!\d)[,;:.!?()]+|[,;:.!?()]+(?!\d)|\s[-–—]+\s|—")
_CLAUSE_WORDS = frozenset(
    (
        *(
            "and",
            "or",
            "but",
            "while",
            "whereas",
            "although",
            "though",
            "because",
            "since",
            "when",
            "where",
            "which",
        ),
        *("who", "so", "yet", "however", "compared", "against", "than", "그리고", "그러나", "하지만", "반면"),
    )
)
_CLAUSE_ENDINGS = ("하고", "이고", "며", "지만", "는데", "으나", "반면", "하나", "고", "서")
_BORDER = "¦"


def _pad(text: str) -> str:
    """Return the lower-case words of a text between "_" signs, with "¦" for the borders of clauses."""
    text = text.casefold().replace("n't", " not").replace("n’t", " not").replace("cannot", "can not cannot")
    text = text.replace(" at all", "").replace("잘못", "틀린")
    for phrase in ("no more than", "no less than", "no fewer than", "not only", "no later than"):
        text = text.replace(phrase, "at most")
    text = _CLAUSE.sub(f" {_BORDER} ", text)
    return "_" + "_".join(word for word in _split_words(text)) + "_"


def _split_words(text: str) -> list[str]:
    return [
        word
        for part in text.split()
        for word in ([part] if part == _BORDER else _SEPARATOR.split(part))
        if word
    ]


@lru_cache(maxsize=64)
def _entries(group: str) -> tuple[str, ...]:
    return tuple(entry.replace(" ", "_") for entry in group.split("|"))


def _find(group: str, padded: str) -> Iterator[tuple[int, int]]:
    """Yield where words of a group are in a padded text."""
    for entry in _entries(group):
        position = padded.find(entry)
        while position >= 0:
            yield position, position + len(entry)
            position = padded.find(entry, position + 1)


def _has(group: str, padded: str) -> bool:
    return any(entry in padded for entry in _entries(group))


# A text as a sequence of words and numbers, to see which word belongs to which number.


class _Item(NamedTuple):
    """A word (its stem) or a number at a place: words from the beginning, with borders of clauses counted as several."""

    place: int
    word: str
    value: Fraction | None = None
    dimension: str = ""
    is_name: bool = False
    kind: str = ""


_WORD = re.compile(r"[^\W\d_][\w'’-]*|[,;:.!?()¦]|\S", re.UNICODE)
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-.][A-Za-z0-9]+)*")
_CLAUSE_COST, _SENTENCE_COST = 3, 8
_ARTICLES = frozenset(("the", "a", "an", "its", "their", "our"))
_MAX_DISTANCE = 20


@lru_cache(maxsize=256)
def _read(text: str, names: Set[str]) -> Sequence[_Item]:
    """Return the Latin words and the numbers of a text with their places. `names` are those that `list_names` returns."""
    digits = claim_numbers.to_digits(text)
    mentions = {mention.start: mention for mention in claim_numbers.find_numbers(digits)}
    items: list[_Item] = []
    place, position, is_border = 0, 0, True
    while position < len(digits):
        if mention := mentions.get(position):
            place, is_border = place + 1, False
            kind = _read_kind(digits, mention.start, mention.end)
            for value, dimension in mention.readings:
                items.append(_Item(place, "", value, dimension, kind=kind))
            position = max(mention.end, position + 1)
            continue
        match = _WORD.match(digits, position)
        if match is None:
            position += 1
            continue
        word = match[0]
        position = match.end()
        if len(word) == 1 and not word.isalnum():
            if not is_border and word in ".!?,;:()":
                place, is_border = place + (_SENTENCE_COST if word in ".!?" else _CLAUSE_COST), True
            continue
        lower = word.casefold()
        if lower in _ARTICLES or lower == "of":
            continue  # it ties what follows to what stands before
        place += 1 if is_border or lower not in _CLAUSE_WORDS else 1 + _CLAUSE_COST
        is_border = False
        latin = _LATIN.match(word)
        if latin and latin[0].casefold() not in _NO_THINGS:
            name = latin[0][:-1] if latin[0][:-1].isupper() and latin[0].endswith("s") else latin[0]
            items.append(_Item(place, analyser.stem(name.casefold()), is_name=name in names))
        if analyser.has_hangul(word) and word.endswith(_CLAUSE_ENDINGS):
            place, is_border = place + _CLAUSE_COST, True
    return items


_NAME = re.compile(
    r"(?<=[a-z0-9,;:)] )\(?([A-Z][A-Za-z0-9]*(?:[-.][A-Za-z0-9]+)*)"
    r"|(?<![A-Za-z0-9])([A-Za-z][a-z0-9]*[A-Z0-9][A-Za-z0-9]*(?:[-.][A-Za-z0-9]+)*)"
)


def list_subjects(text: str, names: Set[str]) -> frozenset[str]:
    """Return the stems of the names in the first line of a paper and of its most frequent one: what the paper presents."""
    counts = Counter(word for word in _LATIN.findall(text) if word in names)
    found = [*_LATIN.findall(text.partition("\n")[0]), *(name for name, _ in counts.most_common(1))]
    return frozenset(analyser.stem(name.casefold()) for name in found if name in names)


def list_names(text: str) -> frozenset[str]:
    """Return the words of a text that are names: with a capital within a sentence, or with a digit or capital inside."""
    return frozenset(match[1] or match[2] for match in _NAME.finditer(text))


_NO_THINGS = (
    analyser.FUNCTION_WORDS
    | _CLAUSE_WORDS
    | frozenset(["per", "more", "most", "least", "less", "only", "about", "no", "not"])
)
_KIND = re.compile(r"[ -]([A-Za-z][A-Za-z-]{2,})")
_KOREAN_KIND = re.compile(r" ?(일|주|개월|년|단계|층|토큰|스텝|시간|배)(?![가-힣]*[진검])")
_KOREAN_KINDS = {
    "일": "day",
    "주": "week",
    "개월": "month",
    "년": "year",
    "단계": "stage",
    "층": "layer",
    "토큰": "token",
    "스텝": "step",
}
_COUNTED_BEFORE = re.compile(r"([A-Za-z][A-Za-z0-9-]+) $")


def _read_kind(text: str, start: int, position: int) -> str:
    """Return the stem of the word that a number counts, if it stands behind it; in Korean before it, as in GPU 8개."""
    if korean := _KOREAN_KIND.match(text, position):
        return _KOREAN_KINDS.get(korean[1], "")
    if text.startswith(("개", "장", "대", "명"), position):
        before = _COUNTED_BEFORE.search(text, max(0, start - 30), start)
        return analyser.stem(before[1].casefold()) if before else ""
    match = _KIND.match(text, position)
    return (
        ""
        if match is None or match[1].casefold() in analyser.FUNCTION_WORDS | _CLAUSE_WORDS
        else analyser.stem(match[1].casefold())
    )


def _bind(items: Sequence[_Item], dimension: str) -> dict[str, list[tuple[int, _Item]]]:
    """Return for each word the numbers of a dimension next to it, with the distance: at each place the nearest."""
    numbers = [item for item in items if item.value is not None and item.dimension == dimension]
    places = [number.place for number in numbers]
    found: dict[str, list[tuple[int, _Item]]] = {}
    for item in items if numbers else ():
        if item.word:
            at = bisect_left(places, item.place)
            sides = {places[index] for index in (at - 1, at) if 0 <= index < len(places)}
            nearest = min(abs(place - item.place) for place in sides)
            if nearest <= _MAX_DISTANCE:
                first, last = (
                    bisect_left(places, item.place - nearest),
                    bisect_right(places, item.place + nearest),
                )
                near = [
                    (nearest, number)
                    for number in numbers[first:last]
                    if abs(number.place - item.place) == nearest
                ]
                found.setdefault(item.word, []).extend(near)
    return found


class Passage(NamedTuple):
    """The paragraph of a span and what is around it.

    `sentence` has the sentences that the span touches, `context` also the one before and the one after, `window` also the
    paragraphs before and after.
    """

    span: str
    normalised: str
    sentence: str
    context: str
    paragraph: str
    window: str
    sentences: Sequence[str]
    names: frozenset[str]
    subjects: frozenset[str]


def find_problems(claim: str, passage: Passage, names: Set[str]) -> list[str]:
    """Return what a claim says that the passage of its span does not, in words. `names` are those with numbers in them."""
    said, sentence, context = _pad(claim), _pad(passage.sentence), _pad(passage.context)
    paragraph, window = _pad(passage.paragraph), _pad(passage.window)
    return [
        *_find_polarity(said, sentence, context, _pad(passage.span)),
        *_find_doubts(said, sentence, context, paragraph),
        *_find_charged(said, paragraph, window),
        *_find_directions(said, sentence),
        *_find_numbers(claim, passage, names),
        *_find_swaps(claim, passage),
        *_find_replaced(claim, passage),
    ]


def _find_polarity(said: str, sentence: str, context: str, span: str) -> Iterator[str]:
    clause = _clause_to(sentence, span)
    if _has(_PLAIN_NEGATIONS, clause) and not _has(_NEGATIONS, said):
        yield "the span denies what the claim says"
    elif _has(_PLAIN_NEGATIONS, said) and not _has(_NEGATIONS, context):
        yield "the claim denies something, the sentence of its span does not"
    elif _has(_PLAIN_NEGATIONS, clause) and _has(_PLAIN_NEGATIONS, said) and not analyser.has_hangul(said):
        denied, others = _split_denied(clause)
        denied_too, said_plainly = _split_denied(said)
        if (denied - others) & (said_plainly - denied_too) and not denied & denied_too:
            yield "the claim denies something else than its span"


_MAX_BEFORE = 7
_SCOPE = 5


def _clause_to(sentence: str, span: str) -> str:
    """Return the span with what stands before it in its clause: a "not" is often there."""
    at = sentence.find(span)
    before = sentence[: max(at, 0)].split("_")[-_MAX_BEFORE:]
    while _BORDER in before:
        before = before[before.index(_BORDER) + 1 :]
    return "_" + "_".join([*before, span.strip("_")]) + "_"


def _split_denied(padded: str) -> tuple[set[str], set[str]]:
    """Return the stems behind the negations of a text, and all others."""
    denied: set[str] = set()
    for _, end in _find(_PLAIN_NEGATIONS, padded):
        words = padded[end:].split("_")[:_SCOPE]
        denied |= set(words[: words.index(_BORDER)] if _BORDER in words else words)
    return _stems(denied), _stems(set(padded.split("_")) - denied)


def _find_doubts(said: str, sentence: str, context: str, paragraph: str) -> Iterator[str]:
    if _has(_STATED_DOUBTS, sentence) and not _has(_DOUBTS, said) and not _has(_PLAIN_NEGATIONS, said):
        yield "the sentence of the span doubts what the claim says"
    if _has(_PROOFS, said) and not _has(_CERTAINTY, paragraph):
        yield "the paragraph of the span proves nothing"
    if _has(_STRONG_GENERAL, said) and not _has(_GENERAL, paragraph):
        yield "the claim is more general than the paragraph of its span"
    if _has(_CAUSES, said) and not _has(_CAUSE_EVIDENCE, context):
        yield "the sentence of the span gives no cause"
    if unknown := _find_unsupported_cause(said, paragraph):
        yield f"the paragraph of the span does not give this cause: {' '.join(unknown)}"


def _find_unsupported_cause(said: str, paragraph: str) -> list[str]:
    """Return the words of an English cause of which the paragraph has less than half."""
    ends = [end for _, end in _find("_because_|_due to_|_owing to_|_caused by_|_thanks to_", said)]
    words = _stems(set(said[ends[0] :].split("_"))) if ends else set()
    unknown = sorted(words - _stems(set(paragraph.split("_"))))
    return unknown if 2 * len(unknown) > len(words) else []


def _find_charged(said: str, paragraph: str, window: str) -> Iterator[str]:
    for entry in _entries(_CHARGED):
        if (
            entry in said
            and entry not in window
            and (entry.isascii() or not _has(_CHARGED_EVIDENCE, paragraph))
        ):
            yield f'"{entry.replace("_", " ").strip()}" needs a paragraph that has it'
    if _has(_VAGUE, said) and not _has(_VAGUE, paragraph):
        yield "a vague size stands in the claim alone"


def _find_directions(said: str, sentence: str) -> Iterator[str]:
    """A claim may turn a comparison round if it also exchanges what is compared; one of both alone is wrong."""
    opposite, same = [], []
    for name, (up, down) in _DIRECTIONS.items():
        claimed = _has(up, said), _has(down, said)
        stated = _has(up, sentence), _has(down, sentence)
        if any(claimed) and any(stated):
            if claimed[0] != claimed[1] and claimed == stated[::-1]:
                opposite.append(name)
            elif claimed == stated and claimed[0] != claimed[1]:
                same.append(name)
        if claimed == stated == (True, True) and _is_other_order(up, down, said, sentence):
            yield f"the claim and the sentence of its span have directions in another order ({name})"
    is_exchanged = _is_exchanged(said, sentence)
    # Several opposites and nothing alike: the claim tells the same from the other side.
    is_other_side = not same and len({*opposite} - {"order"}) > 1
    if opposite and not is_exchanged and not is_other_side:
        yield f"the claim and the sentence of its span have opposite directions ({opposite[0]})"
    if is_exchanged and same and not opposite:
        yield "what is compared is exchanged"


def _is_other_order(up: str, down: str, said: str, sentence: str) -> bool:
    """Whether one rise and one fall follow each other in another order."""
    found = [[sorted(_find(group, padded)) for group in (up, down)] for padded in (said, sentence)]
    if any(len(places) != 1 for row in found for places in row) or analyser.has_hangul(said):
        return False
    return (found[0][0] < found[0][1]) != (found[1][0] < found[1][1])


_COMPARISONS = "_than_|_compared with_|_compared to_|_over_|_against_|_versus_|_relative to_"
_COMPARISONS += (
    "|_beat_|_beats_|_outperform_|_outperforms_|_surpass_|_surpasses_|_trails_|_ahead of_|_behind_"
)
_KOREAN_COMPARISONS = "보다_|_대비_|_비해_"
_MAX_COMPARED = 6


def _is_exchanged(said: str, sentence: str) -> bool:
    claimed, stated = _split_compared(said), _split_compared(sentence)
    return bool(claimed[1] - stated[1] - claimed[0] and (stated[1] & claimed[0]) - claimed[1] - stated[0])


def _split_compared(padded: str) -> tuple[set[str], set[str]]:
    """Return the stems of a text apart from what it compares with, and those."""
    compared: set[str] = set()
    for _, end in _find(_COMPARISONS, padded):
        words = padded[end:].split("_")[:_MAX_COMPARED]
        is_thing = [word not in _NO_THINGS and word != _BORDER for word in words]
        begin = is_thing.index(True) if True in is_thing else 0
        words = [word for word in words[begin:] if word not in _ARTICLES]
        compared |= set(takewhile(lambda word: word not in _NO_THINGS and word != _BORDER, words))
    for start, _ in _find(_KOREAN_COMPARISONS, padded):
        compared |= {word for word in padded[:start].split("_")[-2:] if word != _BORDER}
    stems = _stems(compared)
    return _stems(set(padded.split("_"))) - stems, stems


def _stems(words: set[str]) -> set[str]:
    """Return the stems of the Latin words, without those of grammar."""
    latin = {match[0] for word in words if (match := _LATIN.match(word))}
    return {analyser.stem(word) for word in latin if word not in analyser.FUNCTION_WORDS}


# Numbers: in the passage as they are, or rounded, or as the difference or ratio of two numbers of the sentence.

_ABOUT = (
    "_about_|_around_|_roughly_|_approximately_|_nearly_|_almost_|_some_|_circa_|~|_close to_"
    "|_약_|_대략_|_거의_|_가까이_|_정도|_쯤|_안팎|_내외|_가량|_가까운_"
)
_OVER = "_over_|_more than_|_above_|_exceed|_at least_|_upwards|_beyond_|이상|넘|초과|남짓|_여_|_여|_top"
_UNDER = (
    "_under_|_below_|_less than_|_fewer than_|_at most_|_up to_|_within_|_nearly_|_almost_"
    "|이하|미만|이내|못 미|거의|가까이|육박"
)
_DIFFERENCES = (
    "_rais|_rose_|_boost|_point|_shrink|_sav|_by_|_more_|_fewer_|_less_|_higher_|_lower_|_difference|_gap_"
    "|_advantage|_lead"
    "|_above_|_below_|_ahead|_behind|_better|_worse|_drop|_fall|_gain|_rise|_increas|_decreas|_reduc"
    "|_improv|_cut|차이|더|덜|높|낮|많|적|앞|뒤|줄|늘|상승|하락|감소|증가|떨어|오르|올|향상|개선|격차|만큼"
)
_NEAR_BEFORE, _NEAR_AFTER = 24, 14
_TOLERANCE = Fraction(6, 100)
_RATIO_TOLERANCE = Fraction(12, 100)
_SHARE_TOLERANCE = Fraction(35, 1000)
_MAX_BOUND = Fraction(3, 2)
_MAX_NUMBERS = 24
_DAY_HOURS = {"일": 24, "day": 24, "주": 168, "week": 168, "달": 720, "개월": 720, "month": 720}
_PERCENT = re.compile(r"percent|per cent|퍼센트")
_HOURS = re.compile(r"hours|days|시간|일")
_HOUR_SECONDS = 3600


_WORDED_SHARE = re.compile(
    r"(?<![\d.,])\d+ in \d+\b|\b\d+ (?:quarters|thirds|fifths|tenths)\b", re.IGNORECASE
)


def _find_numbers(claim: str, passage: Passage, names: Set[str]) -> Iterator[str]:
    text = claim_numbers.to_digits(claim_numbers.to_plain_text(claim))
    text = _WORDED_SHARE.sub(" ", text)
    if len(claim_numbers.find_numbers(text)) > _MAX_NUMBERS:
        yield f"the claim has more than {_MAX_NUMBERS} numbers"
        return
    in_sentence, in_window = _list_readings(passage.context), _list_readings(passage.window)
    yield from claim_numbers.find_number_problems(
        text,
        _source_numbers(passage.window),
        names,
        lambda digits, mention: _is_derived(digits, mention, in_sentence, in_window),
    )
    yield from _find_kinds(text, passage)
    said = _pad(claim)
    for phrase, share in _list_fractions(said, _pad(passage.paragraph)):
        near = said[max(0, said.find(phrase) - _NEAR_BEFORE) : said.find(phrase)] + "_"
        low = share / _MAX_BOUND if _has(_UNDER, near) else share - _SHARE_TOLERANCE
        high = share * _MAX_BOUND if _has(_OVER, near) else share + _SHARE_TOLERANCE
        shares = {small / large for small, large in _pairs(in_sentence)}
        shares |= {value / 100 for value, dimension in in_sentence if dimension == claim_numbers.PERCENT}
        if not any(low <= found <= high for found in shares):
            yield f'"{phrase.replace("_", " ").strip()}" stands in the claim alone'


_COUNTED_WITHIN = 3
_STRICT = claim_numbers.SOFT - {claim_numbers.POINT}


def _find_kinds(text: str, passage: Passage) -> Iterator[str]:
    """Numbers of the passage that the claim gives another currency, counts other things with, or exchanges as from and to."""
    claimed, stated = _read(text, passage.names), _read(passage.window, passage.names)
    counted: dict[Fraction, set[str]] = {}
    for item in stated:
        if item.value is not None:
            counted.setdefault(item.value, set()).add(item.kind)
    units = {(item.value, item.dimension) for item in stated}
    kinds = {item.kind for item in stated if item.kind}
    for item in stated:
        if item.value is not None and item.value in counted:
            counted[item.value] |= _list_behind(item, stated)
    for item in claimed:
        if item.value is None or item.value not in counted:
            continue
        is_hour = item.dimension == claim_numbers.HOUR and "hour" in counted[item.value]
        if item.dimension in _STRICT and (item.value, item.dimension) not in units and not is_hour:
            yield f"a number of the paragraph has another unit ({item.dimension})"
        own = counted[item.value]
        if item.kind in kinds and "" not in own and not own & {item.kind, *_list_behind(item, claimed)}:
            yield f"a number of the paragraph counts something else ({item.kind})"
    begins, ends = _list_changes(text)
    begins_there, ends_there = _list_changes(
        claim_numbers.to_digits(claim_numbers.plain_source(passage.sentence))
    )
    if begins & ends_there and ends & begins_there:
        yield "a change goes the other way"


def _list_behind(number: _Item, items: Sequence[_Item]) -> set[str]:
    return {item.word for item in items if item.word and 0 < item.place - number.place <= _COUNTED_WITHIN}


def _list_changes(text: str) -> tuple[set[Fraction], set[Fraction]]:
    """Return the numbers from which a text says that something changes, and to which."""
    begins, ends = set(), set()
    for mention in claim_numbers.find_numbers(text):
        values = {value for value, _ in mention.readings}
        before, after = text[max(0, mention.start - 8) : mention.start], text[mention.end : mention.end + 8]
        if re.search(r"\bfrom (?:about )?$", before) or after.startswith("에서"):
            begins |= values
        elif re.search(r"\bto (?:about )?$", before) or after.startswith(("로", "으로")):
            ends |= values
    return begins, ends


def _list_fractions(said: str, paragraph: str) -> list[tuple[str, Fraction]]:
    """Return the shares that a claim has in words and its paragraph has not."""
    found = [
        (entry, share)
        for group, share in _FRACTIONS.items()
        if not _has(group, paragraph)
        for entry in _entries(group)
        if entry in said
    ]
    return [row for row in found if not any(row[0] in other[0] and row != other for other in found)]


@lru_cache(maxsize=8)
def _source_numbers(text: str) -> claim_numbers.SourceNumbers:
    return claim_numbers.SourceNumbers(text)


@lru_cache(maxsize=64)
def _list_readings(text: str) -> Sequence[claim_numbers.Reading]:
    """Return the numbers of a text, up to a limit, with all that each may mean."""
    digits = claim_numbers.to_digits(claim_numbers.plain_source(text))
    mentions = claim_numbers.find_numbers(digits, in_source=True)[: 4 * _MAX_NUMBERS]
    return list(dict.fromkeys(reading for mention in mentions for reading in mention.readings))


def _pairs(readings: Sequence[claim_numbers.Reading]) -> Iterator[tuple[Fraction, Fraction]]:
    """Yield the pairs of numbers with the same unit, the smaller one first."""
    for (first, unit), (second, other) in combinations(readings[:_MAX_NUMBERS], 2):
        if unit == other and first != second and min(first, second) > 0:
            yield min(first, second), max(first, second)


class _Fit(NamedTuple):
    """How near a number of the paper has to be to one of a claim, by the words around the latter."""

    value: Fraction
    half_digit: Fraction
    is_about: bool
    is_over: bool
    is_under: bool

    def takes(self, found: Fraction, tolerance: Fraction, *, is_rounded: bool = True) -> bool:
        """Whether a number is the claim's one, in the digits that are shown if `is_rounded`."""
        distance = abs(found - self.value)
        if not distance or (is_rounded and distance <= self.half_digit):
            return True
        if (self.is_about or self.is_over or self.is_under) and distance <= tolerance * self.value:
            return True
        is_above = self.is_over and self.value <= found <= self.value * _MAX_BOUND
        return is_above or (self.is_under and self.value / _MAX_BOUND <= found <= self.value)


def _is_derived(
    text: str,
    mention: claim_numbers.Mention,
    in_sentence: Sequence[claim_numbers.Reading],
    in_window: Sequence[claim_numbers.Reading],
) -> bool:
    """Whether a number of a claim is one of the passage in other words, or follows from two of the sentence."""
    before = text[max(0, mention.start - _NEAR_BEFORE) : mention.start]
    after = text[mention.end : mention.end + _NEAR_AFTER]
    near = _pad(f"{before} | {after}")
    is_over = _has(_OVER, near) or after.startswith("여")
    for value, dimension in mention.readings:
        fit = _Fit(value, _half_digit(text, mention, value), _has(_ABOUT, near), is_over, _has(_UNDER, near))
        has_percent = "%" in _PERCENT.sub("%", text)
        is_restated = any(
            _is_restated(fit, dimension, reading, after, has_percent=has_percent) for reading in in_window
        )
        if (
            value == 0
            or is_restated
            or _is_result(fit, dimension, in_sentence, is_difference=_has(_DIFFERENCES, _pad(text)))
        ):
            return True
        # 8 cards for 31 hours are 248 hours.
        if dimension in ("", claim_numbers.HOUR) and _HOURS.search(
            text, mention.end, mention.end + 2 * _NEAR_AFTER
        ):
            pairs = combinations([found for found, _ in in_sentence[:_MAX_NUMBERS]], 2)
            if any(fit.takes(one * other, _TOLERANCE, is_rounded=False) for one, other in pairs):
                return True
    return False


def _is_restated(
    fit: _Fit, dimension: str, reading: claim_numbers.Reading, after: str, *, has_percent: bool
) -> bool:
    """Whether a number is one of the passage, rounded or in another unit of time."""
    found, unit = reading
    is_same = unit == dimension or {unit, dimension} <= {"", claim_numbers.POINT}
    is_same = is_same or (has_percent and (dimension, unit) == ("", claim_numbers.PERCENT))
    if is_same and reading != (fit.value, dimension) and fit.takes(found, _TOLERANCE, is_rounded=False):
        return True
    if (dimension, unit) == ("", claim_numbers.HOUR):
        hours = [hours for name, hours in _DAY_HOURS.items() if after.lstrip().startswith(name)]
        return any(fit.takes(found / each, _RATIO_TOLERANCE, is_rounded=False) for each in hours)
    if (dimension, unit) == (claim_numbers.HOUR, "second"):
        return fit.takes(found / _HOUR_SECONDS, _TOLERANCE)
    return (dimension, unit) == ("second", claim_numbers.HOUR) and fit.takes(
        found * _HOUR_SECONDS, _TOLERANCE
    )


def _is_result(
    fit: _Fit, dimension: str, readings: Sequence[claim_numbers.Reading], *, is_difference: bool
) -> bool:
    """Whether a number is the difference, the ratio or the share of two numbers with one unit."""
    is_point = dimension == claim_numbers.POINT
    for small, large in _pairs(readings):
        if dimension == claim_numbers.TIMES and fit.takes(large / small, _RATIO_TOLERANCE):
            return True
        if dimension == claim_numbers.PERCENT:
            results = [small / large, *([1 - small / large, large / small - 1] if is_difference else [])]
            if any(fit.takes(100 * result, _TOLERANCE) for result in results):
                return True
        if (is_point or (is_difference and dimension in ("", claim_numbers.PERCENT))) and fit.takes(
            large - small, Fraction(0)
        ):
            return True
    return False


def _half_digit(text: str, mention: claim_numbers.Mention, value: Fraction) -> Fraction:
    """Return half of the last digit that is shown of a number: 0.05 for 8.5."""
    match = re.match(r"[\d,]+(?:\.(\d+))?", text[mention.start : mention.end])
    shown = Fraction(match[0].replace(",", "")) if match and match[0].strip(",") else value
    scale = value / shown if shown else Fraction(1)
    return abs(scale) * Fraction(1, 2 * 10 ** len((match[1] if match else "") or ""))


_TIGHT = 5
_MAX_RATIO = 10
_LARGE = 10**6
"""Numbers of the same kind are mostly of the same order."""


def _find_swaps(claim: str, passage: Passage) -> Iterator[str]:
    claimed = _read(claim, passage.names)
    rows = [_read(row, passage.names) for row in passage.sentences]
    offset, stated = 0, []
    for row in rows:
        stated += [item._replace(place=item.place + offset) for item in row]
        offset = (stated[-1].place if stated else 0) + _SENTENCE_COST
    names = {item.word for item in claimed if item.is_name}
    # Of a change the nearer number is in doubt: `_find_kinds` compares its direction.
    is_change = any(all(_list_changes(claim_numbers.to_digits(text))) for text in (claim, passage.sentence))
    for dimension in {item.dimension for item in claimed if item.value is not None}:
        own = {item.value for item in claimed if item.dimension == dimension and item.value is not None}
        tight = _TIGHT if len(own) > 1 else 2 * _TIGHT
        in_claim = _bind(claimed, dimension)
        agreed, disagreed = _count_votes(in_claim, stated, dimension, names=set(), tight=tight)
        names_agreed = names_not = 0
        for value in own:
            one = {
                word: bound
                for word, bound in in_claim.items()
                if min(bound, key=_distance)[1].value == value and word in names
            }
            votes = [
                _count_votes(one, row, dimension, names=names, tight=tight)
                for row in rows
                if any((item.value, item.dimension) == (value, dimension) for item in row)
                and len({item.word for item in row if item.is_name}) > 1
            ]
            # One sentence that agrees is enough: a number may stand in several.
            names_agreed += max((vote for vote, _ in votes), default=0)
            names_not += min((vote for _, vote in votes), default=0)
        is_clear = disagreed > max(agreed, 1) and not is_change
        if names_not > names_agreed or (names_not == names_agreed and is_clear):
            yield f"numbers of the claim belong to something else in the paragraph ({dimension or 'count'})"
    yield from _find_torn(claimed, rows)
    yield from _find_strangers(claim, claimed, passage, rows)


def _distance(row: tuple[int, _Item]) -> int:
    return row[0]


def _count_votes(
    in_claim: Mapping[str, Sequence[tuple[int, _Item]]],
    stated: Sequence[_Item],
    dimension: str,
    *,
    names: Set[str],
    tight: int,
) -> tuple[int, int]:
    """Return how many words stand next to the same number in both texts, and how many next to another one."""
    in_source = _bind(stated, dimension)
    kinds: dict[Fraction | None, set[str]] = {}
    for item in stated:
        if item.value is not None and item.dimension == dimension:
            kinds.setdefault(item.value, set()).add(item.kind)
    agreed = disagreed = 0
    for word, bound in in_claim.items():
        distance, number = min(bound, key=_distance)
        if word not in in_source or distance > tight or number.value not in kinds:
            continue
        rival_distance, rival = min(in_source[word], key=_distance)
        if number.value in {other.value for _, other in in_source[word]}:
            agreed += 1
        elif rival_distance <= (2 * _TIGHT if names else _TIGHT) and _is_rival(
            rival, number, kinds[number.value]
        ):
            disagreed += 1
    return agreed, disagreed


_SMALL = 10
_PLACE = re.compile(r"\b(?:[Ii]n|[Oo]n|[Ff]or|[Aa]t) (?:the )?([A-Z][\w-]*)|([A-Za-z][\w-]*)에서")


def _find_torn(claimed: Sequence[_Item], rows: Sequence[Sequence[_Item]]) -> Iterator[str]:
    """Two numbers of a claim that stand in different sentences, of which one has a number in place of the other."""
    numbers = [[item for item in row if item.value is not None] for row in rows]
    held = [{(item.value, item.dimension) for item in row} for row in numbers]
    own = [item for item in claimed if any((item.value, item.dimension) in row for row in held)]
    for first, second in permutations(own[:_MAX_NUMBERS], 2):
        key = second.value, second.dimension
        if first.dimension == second.dimension or any(
            {key, (first.value, first.dimension)} <= row for row in held
        ):
            continue
        kinds = {item.kind for row in numbers for item in row if (item.value, item.dimension) == key}
        places = [
            row for row, keys in zip(numbers, held, strict=True) if (first.value, first.dimension) in keys
        ]
        if all(
            any(item.dimension == second.dimension and _is_rival(item, second, kinds) for item in row)
            for row in places
        ):
            yield "two numbers of the claim are of different sentences"
            return


def _find_strangers(
    claim: str, claimed: Sequence[_Item], passage: Passage, rows: Sequence[Sequence[_Item]]
) -> Iterator[str]:
    """A number of a sentence about one thing, such as a dataset, under the name of another that is not in the sentence."""
    names = {item.word for item in claimed if item.is_name}
    known = {analyser.stem(name.casefold()) for name in passage.names}
    places = _list_places(claim)
    for value, dimension in {(item.value, item.dimension) for item in claimed}:
        if value is None or (not dimension and value <= _SMALL and value.denominator == 1):
            continue
        strange: Set[str] = set()
        for index, row in enumerate(rows):
            if not any((item.value, item.dimension) == (value, dimension) for item in row):
                continue
            own = {item.word for item in row}
            missing = (names & known) - own
            others = {item.word for item in row if item.is_name} - names
            wrong_place = (places & missing) if _list_places(passage.sentences[index]) & others else set()
            before = {item.word for item in rows[index - 1]} if index else set()
            strange = wrong_place or (missing - before - passage.subjects if others else set())
            if not strange:
                break
        if strange:
            yield f"the sentence of a number does not name {', '.join(sorted(strange))}"


def _find_replaced(claim: str, passage: Passage) -> Iterator[str]:
    """Return a name of a claim that stands elsewhere in the paper, where the sentence of the span has another one."""
    names = {item.word for item in _read(claim, passage.names) if item.is_name}
    own = {item.word for item in _read(passage.sentence, passage.names) if item.is_name}
    near = {item.word for item in _read(passage.paragraph, passage.names)}
    if own - names and (missing := names - near - passage.subjects):
        yield f"the paragraphs of the span do not name {', '.join(sorted(missing))}"


def _list_places(text: str) -> set[str]:
    return {analyser.stem((match[1] or match[2]).casefold()) for match in _PLACE.finditer(text)}


def _is_rival(rival: _Item, number: _Item, kinds: Set[str]) -> bool:
    """Whether two numbers may be of the same quantity: with the same unit or the same thing counted, or alike in size."""
    if rival.dimension:
        return True
    if number.kind and number.kind in kinds:
        return rival.kind == number.kind
    first, second = rival.value or Fraction(0), number.value or Fraction(0)
    small, large = sorted((abs(first), abs(second)))
    if small >= _LARGE:
        return large <= _MAX_RATIO * small
    is_alike = rival.kind in kinds or (
        ("" in kinds or not rival.kind) and (first.denominator == 1) == (second.denominator == 1)
    )
    return large <= _MAX_RATIO * small and is_alike
