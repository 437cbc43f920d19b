"""The text of a made-up paper, and questions about it with words of the passage that answers."""

from datetime import UTC, datetime

from storage import models

ARXIV_ID = "2506.04321"
HTML = f"https://arxiv.org/html/{ARXIV_ID}"
MARKDOWN = """# Quiet Lanterns: Tiny Experts for Night Photographs

## Abstract

We present Quiet Lanterns, a lightweight denoiser for photographs taken in the dark. It runs on a phone and keeps the
colours of street lights.

## 1 Introduction

Photographs taken at night are noisy, because the sensor receives few photons. Earlier methods average several frames
and fail when people walk through the scene.

## 2 Method

### 2.1 Architecture

A router sends each patch to one of eight small experts. The encoder stays frozen while the router is trained, which
avoids catastrophic forgetting and lowers the computational cost.

### 2.2 Training

The training data are 41,000 pairs of raw frames that we collect on twelve ferries and in harbours. Near-duplicate
images are removed with a perceptual hash, and volunteers label every burst by hand.

Training takes 31 hours on four RTX A6000 cards with a batch size of 96 and a learning rate of 2e-4.

## 3 Experiments

### 3.1 Baselines

We compare with BurstNet, FrameAverage and the camera's own pipeline.

Table 1: PSNR in decibels on the harbour test set.

| method | PSNR |
|---|---|
| BurstNet | 31.2 |
| Quiet Lanterns | 33.9 |

### 3.2 Speed

On a phone the model needs 38 milliseconds for a frame of 12 megapixels.

Figure 2: Street lights keep their colour, while FrameAverage turns them grey.

## 4 Limitations

We show failure cases. Fog and heavy rain are mistaken for noise, and the output is then too smooth. Faces in deep
shadow sometimes lose their eyebrows.

## Data availability

The weights are released under the Apache 2.0 licence.
"""
QUESTIONS = {
    "What data was it trained on?": "41,000 pairs",
    "How long did training take and on what hardware?": "31 hours",
    "어떤 데이터로 학습했어?": "41,000 pairs",
    "그래픽카드 몇 장으로 얼마나 걸렸어?": "31 hours",
    "비교 대상은 뭐야?": "BurstNet, FrameAverage",
    "왜 인코더를 고정해 두고 학습해?": "stays frozen",
    "중복된 사진은 어떻게 걸러냈어?": "perceptual hash",
    "휴대폰에서도 빨리 돌아가?": "38 milliseconds",
    "어떤 경우에 실패해?": "Fog and heavy rain",
    "라이선스가 뭐야?": "Apache 2.0",
    "PSNR은 몇이야?": "33.9",
    "What colours do street lights have in the pictures?": "turns them grey",
}


def paper_text(markdown: str = MARKDOWN, url: str = HTML) -> models.PaperText:
    return models.PaperText(ARXIV_ID, markdown, url, datetime(2026, 1, 1, tzinfo=UTC))
