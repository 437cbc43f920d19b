"""Synonyms within Korean terms: 대형 and 대규모, 비전 and 시각. A list of ours, not learnt.

Many of these words differ in meaning when they are alone, so they are exchanged only within terms of several words.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice, product

from bot.text import term_keys

_MAX_WORD_LENGTH = 7
_MAX_COMBINATIONS = 64
_WORD_SEPARATORS = re.compile(r"[\s\-]+")

# One group per line, the main word first; words of two syllables or more, _ for a space within a word.
_GROUPS = """
대규모 대형 거대 초거대
소형 소규모
시각 시각적 비전 비주얼
다중 멀티 복수
멀티모달 다중_모달 다중모달 멀티_모달
자기 자가 셀프
학습 훈련 트레이닝
지도 감독 지도형 감독된
비지도 비감독
준지도 반지도 준감독
약지도 약감독
미세_조정 파인튜닝 파인_튜닝 미세_튜닝 미세조정
튜닝 조정 조율
지시 명령 지시문 명령어 인스트럭션
매개변수 파라미터
문맥 맥락 컨텍스트
비디오 동영상 영상
탐지 검출 감지
질문 질의
응답 답변
선호 선호도
주의 어텐션
교차 크로스
확산 디퓨전
변환기 트랜스포머
인코더 부호화기
디코더 복호화기 해독기
오토인코더 자동_인코더 자동인코더 자동_부호화기
신경망 뉴럴_네트워크 신경_네트워크
합성곱 컨볼루션 컨볼루셔널 합성곱형
분할 세그멘테이션 세분화
의미 의미론적 시맨틱
잠재 잠재적
희소 스파스 희소한
대조 대조적
생성 생성적 생성형
적대 적대적
노이즈 잡음
노이즈_제거 잡음_제거 디노이징
보상 리워드
정책 폴리시
가이던스 안내 유도
캡셔닝 캡션_생성 캡션 설명_생성
데이터셋 데이터_세트 데이터세트
레이블 라벨
임베딩 매립
토큰화 토크나이징 토크나이제이션
양자화 퀀타이제이션
가지치기 프루닝
증류 디스틸레이션
스케일링 확장 스케일업
법칙 법
테스트_시간 테스트_시점 테스트_타임
사후 훈련후 후속
지속적 지속 연속 평생
전문가_혼합 혼합_전문가 전문가들의_혼합
생각 사고
연쇄 사슬 체인
단계별 단계적
자기회귀 자동_회귀 자동회귀 자기_회귀 오토리그레시브
저랭크 저순위 저차원 저계수
3차원 3D
2차원 2D
시점 뷰
가우시안 가우스
스플래팅 스플랫팅
점_구름 점군 포인트_클라우드
물체 객체 오브젝트
피드백 되먹임
에이전트 행위자
로봇 로보틱
조작 매니퓰레이션
행동 액션
작업 태스크 과제
강건한 견고한 강인한
인과 인과적
논리 논리적
수학 수학적
공간 공간적
시공간 시공간적
음성 스피치
오디오 음향
얼굴 안면
제어 컨트롤
제어가능 조절가능
편집 에디팅
초해상도 슈퍼해상도 초해상
정렬 얼라인먼트
환각 할루시네이션
탈옥 제일브레이크
최적화 옵티마이제이션
근접 근위
직접 다이렉트
그룹 집단
검색 리트리벌
증강 강화
회전 로터리 회전식
순환 재귀
장단기 장단기적
창 윈도우
캐시 캐싱
제로샷 제로숏
퓨샷 소수샷 퓨숏
장문 긴 롱
"""


@lru_cache(maxsize=1)
def _groups_by_word() -> dict[str, tuple[str, ...]]:
    """Return the synonyms of each word, by the word without spaces; the first group wins."""
    groups: dict[str, tuple[str, ...]] = {}
    for line in filter(None, _GROUPS.splitlines()):
        words = tuple(word.replace("_", " ") for word in line.split())
        for word in words:
            groups.setdefault(term_keys.korean_key(word), words)
    return groups


def canonical_key(key: str) -> str:
    """Return a Korean key with the main word of each group: equal for synonymous terms. Takes linear time."""
    groups, lengths, pieces, position = _groups_by_word(), _lengths_by_letter(), [], 0
    if lengths.keys().isdisjoint(key):
        return key
    while position < len(key):
        for length in lengths.get(key[position], ()):
            group = groups.get(key[position : position + length])
            if group is not None and position + length <= len(key):
                pieces.append(term_keys.korean_key(group[0]))
                position += length
                break
        else:
            pieces.append(key[position])
            position += 1
    return "".join(pieces)


@lru_cache(maxsize=1)
def _lengths_by_letter() -> dict[str, list[int]]:
    """Return the lengths of the words that begin with a letter, the longest first: of most letters none does."""
    lengths: dict[str, set[int]] = {}
    for word in _groups_by_word():
        if 1 < len(word) <= _MAX_WORD_LENGTH:
            lengths.setdefault(word[0], set()).add(len(word))
    return {letter: sorted(found, reverse=True) for letter, found in lengths.items()}


def variants(text: str) -> list[str]:
    """Return the synonymous spellings of a Korean term of several words, each once; none for a single word."""
    units = _WORD_SEPARATORS.split(text.strip())
    if len(units) < 2:
        return []
    groups = _groups_by_word()
    choices: list[tuple[str, ...]] = []
    position = 0
    while position < len(units):
        group = groups.get("".join(units[position : position + 2]))
        choices.append(group or groups.get(units[position]) or (units[position],))
        position += 2 if group else 1
    texts = map(" ".join, islice(product(*choices), _MAX_COMBINATIONS))
    by_key = {
        term_keys.korean_key(variant): variant for variant in sorted(texts, key=len)
    }  # the spelling with most spaces wins
    by_key.pop(term_keys.korean_key(text), None)
    return list(by_key.values())
