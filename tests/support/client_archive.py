"""A small archive for the client tests: two newsletters and a review, in Korean and English."""

from __future__ import annotations

LONG_CHAPTER = " ".join(
    f"문장 {number}은 긴 장이 다음 쪽으로 이어지는지 살피려고 있어요." for number in range(150)
)

NEWEST_NEWSLETTER = """## Daily Papers (2026-01-01)

### [Small Language Models [at Work]: A *Survey*](https://arxiv.org/abs/2501.00001)

![](https://covers.example/1.png)

Vote: 81

Authors: Ada Lovelace, Grace Hopper, Kim Min-jun, Emmy Noether, Alan Turing

- ***What's New***: 소형 언어 모델(Small Language Model; SLM)이 어디에 쓰이는지 처음으로 한데 모았어요. 두 번째 문장이에요.
- ***Technical Details***: Reads **200 papers** and sorts them by task.
- ***Performance Highlights***: Finds that 1.7B parameters are often enough.

### [Rewards That Teach Reasoning](https://arxiv.org/abs/2501.00002)

Vote: 57

Authors: Emmy Noether

- ***What's New***: 강화 학습(Reinforcement Learning; RL)으로 추론을 가르쳐요.
- ***Technical Details***: One reward for each step.

### [Speech without a Score](https://arxiv.org/abs/2501.00003)

Vote: -

Authors: Kim Min-jun

- ***What's New***: Listens to speech in noise.

### [Maps for Robots](https://arxiv.org/abs/2501.00004)

Vote: 12

Authors: Grace Hopper

- ***What's New***: 로봇이 방을 기억해요.

### [Colour from Grey](https://arxiv.org/abs/2501.00005)

Vote: 9

Authors: Ada Lovelace

- ***What's New***: Paints old films.

### [A Sixth Paper on Language Models](https://arxiv.org/abs/2501.00006)

Vote: 8

Authors: Ada Lovelace

- ***What's New***: Small language models again. A small language model forgets.
"""

EARLIER_NEWSLETTER = """## Daily Papers (2025-12-30)

### [Weather in a Small Language Model](https://arxiv.org/abs/2412.00007)

Vote: 33

Authors: Emmy Noether, Ada Lovelace

- ***What's New***: Forecasts with a small language model.
"""

REVIEW = f"""# 📰 Hugging Face Daily Papers – 2025-12-31

## 2501.00001
🔗 https://huggingface.co/papers/2501.00001

**Summary**:
```markdown
# 논문 요약: "Small Language Models at Work"

## 1. 핵심 동기

작은 모델이 얼마나 쓸모 있는지 묻습니다.

## 2. 기여

| 항목 | 값 |
| --- | --- |
| 논문 | 200 |

## 3. 긴 장

{LONG_CHAPTER}
```
"""

DIGESTS = (EARLIER_NEWSLETTER, REVIEW, NEWEST_NEWSLETTER)
