"""The word lists of the generated archive: phrases of summaries in Korean and English, terms, and names."""

from __future__ import annotations

# ruff: noqa: SIM905 - lists of words read best as text


KOREAN_SUBJECTS = tuple(
    """연구 논문 모델 방법 데이터 시스템 구조 기법 학습 실험 결과 성능 평가 문제 과정 정보 이미지 언어 문장 단어 사용자 작업
    환경 표현 특징 영상 음성 코드 지식 질문 답변 벡터 함수 네트워크 계층 토큰 문맥 기억 추론 계획 정책 보상 행동 상태 공간 시간
    속도 비용 메모리 하드웨어 병렬 분산 압축 양자 희소 밀집 확률 분포 표본 잡음 오류 편향 분산 정규 손실 기울기 최적 수렴 일반
    적응 전이 미세 조정 사전 훈련 검증 시험 기준 비교 분석 설명 해석 안전 신뢰 공정 윤리 보안 공격 방어 로봇 제어 센서 지도
    장면 물체 인식 검출 분할 추적 생성 편집 합성 번역 요약 검색 추천 대화 감정 의도 주제 문서 표 그래프 수식 증명 프로그램 도구
    에이전트 협력 경쟁 시뮬레이션 물리 화학 생물 의료 금융 법률 교육 과학 수학 공학 산업
    사회 문화 역사 지역 세계 자원 규모 한계""".split()
)
KOREAN_MODIFIERS = tuple(
    """새로운 효율적인 강력한 간단한 복잡한 다양한 기존의 전통적인 대규모 소규모 빠른 느린 정확한 안정적인 유연한 확장된 개선된
    제안된 학습된 관찰된 숨겨진 공개된 자동화된 통합된 독립적인 계층적인 점진적인 동적인 정적인 실시간 장기적인 단기적인 희귀한
    풍부한 부족한 높은 낮은 깊은 얕은 넓은 좁은 국소적인 전역적인 조건부 무조건적인 직접적인 간접적인 실제 가상의""".split()
)
KOREAN_PARTICLES = ("은", "는", "이", "가", "을", "를", "의", "에", "에서", "으로", "와", "과", "도", "까지")
KOREAN_VERBS = tuple(
    """제안합니다 보여줍니다 달성합니다 소개합니다 분석합니다 줄입니다 높입니다 활용합니다 결합합니다 확장합니다 해결합니다
    평가합니다 비교합니다 설명합니다 생성합니다 예측합니다 개선합니다 능가합니다 공개합니다 지원합니다 학습합니다 추론합니다
    탐색합니다 선택합니다 정렬합니다 변환합니다 압축합니다 복원합니다 검증합니다 관찰합니다""".split()
)
ENGLISH_MODIFIERS = tuple(
    """Efficient Scalable Robust Adaptive Unified Sparse Dense Hierarchical Dynamic Causal Latent Contrastive Modular
    Zero-Shot Few-Shot Long-Context Multi-Agent Cross-Lingual Self-Improving Open-Ended Training-Free Fine-Grained
    Real-Time Large-Scale Parameter-Free Test-Time Hardware-Aware Uncertainty-Aware Physics-Based Data-Centric""".split()
)
ENGLISH_NOUNS = tuple(
    """Models Agents Transformers Policies Rewards Tokens Representations Benchmarks Datasets Embeddings Attention Memory
    Planning Reasoning Retrieval Alignment Distillation Quantization Pruning Decoding Sampling Diffusion Segmentation
    Detection Tracking Translation Summarization Captioning Editing Synthesis Rendering Reconstruction Simulation
    Control Navigation Manipulation Dialogue Instruction Preference Feedback Curriculum Evaluation Calibration Safety
    Privacy Watermarking Compression Scaling Routing Experts Adapters Prompts Tools Code Proofs Tables Graphs Molecules
    Proteins Climate Speech Music Video Images Scenes Gestures Faces Maps Documents""".split()
)
ENGLISH_PREPOSITIONS = ("for", "with", "via", "beyond", "without", "from", "through", "under", "toward", "in")
TERMS = (
    ("소형 언어 모델", "Small Language Model", "SLM"),
    ("대규모 언어 모델", "Large Language Model", "LLM"),
    ("강화 학습", "Reinforcement Learning", "RL"),
    ("검색 증강 생성", "Retrieval-Augmented Generation", "RAG"),
    ("전문가 혼합", "Mixture of Experts", "MoE"),
    ("사고의 사슬", "Chain of Thought", "CoT"),
    ("지식 증류", "Knowledge Distillation", "KD"),
    ("저랭크 적응", "Low-Rank Adaptation", "LoRA"),
    ("직접 선호 최적화", "Direct Preference Optimization", "DPO"),
    ("시각 언어 모델", "Vision-Language Model", "VLM"),
    ("확산 모델", "Diffusion Model", "DM"),
    ("생성적 적대 신경망", "Generative Adversarial Network", "GAN"),
    ("그래프 신경망", "Graph Neural Network", "GNN"),
    ("합성곱 신경망", "Convolutional Neural Network", "CNN"),
    ("상태 공간 모델", "State Space Model", "SSM"),
    ("자기 지도 학습", "Self-Supervised Learning", "SSL"),
    ("연합 학습", "Federated Learning", "FL"),
    ("문맥 내 학습", "In-Context Learning", "ICL"),
    ("지도 미세 조정", "Supervised Fine-Tuning", "SFT"),
    ("신경 방사 필드", "Neural Radiance Field", "NeRF"),
    ("자동 음성 인식", "Automatic Speech Recognition", "ASR"),
    ("텍스트 음성 변환", "Text-to-Speech", "TTS"),
    ("광학 문자 인식", "Optical Character Recognition", "OCR"),
    ("질의 응답", "Question Answering", "QA"),
    ("추측 디코딩", "Speculative Decoding", "SD"),
    ("테스트 시간 연산", "Test-Time Compute", "TTC"),
    ("보상 모델", "Reward Model", "RM"),
    ("지시 따르기", "Instruction Following", "IF"),
    ("양자화 인식 훈련", "Quantization-Aware Training", "QAT"),
    ("위치 인코딩", "Positional Encoding", "PE"),
)
"""Terms as digests define them: 한국어(English; ABBR)."""
SYLLABLES = tuple(
    "ba ce di fo gu ha io ju ka lo mi no pa qui ro sa te uni va wo xi ya zo ner vex tal mor lin quan dra".split()
)
FIRST_NAMES = tuple(
    """Ada Alan Bea Chen Dara Eun-ji Femi Gita Hiro Ines Jae-won Kofi Lena Min-seo Nadia Omar Priya Quentin Rosa Søren
    Tariq Uma Viktor Wei Ximena Yara Zoë André Bilal Chloé Dmitri Elif Farah Goran Hana Ivo Jun Kaito Leïla Mateo
    Noor Oskar Paulo Qing Raúl Sofia Tomás Ursula Vera Wanda Xin Yusuf Zainab Anaïs Björn Cem Đorđe Emre Fátima Gül
    Hyun-woo Ilya José Kamila Łukasz Müge Nils Oğuz Petra Rania Seo-yeon Théo Ulrich Vânia Wojciech Yi Žiga""".split()
)
LAST_NAMES = tuple(
    """Abe Bakr Cho Diaz Ek Fong García Haddad Ito Jensen Kim Lee Müller Nguyen Okafor Park Qureshi Rossi Silva Tanaka
    Ueda Varga Wang Xu Yılmaz Zhang Andersson Bauer Castro Dubois Eriksen Fischer Gupta Horváth Ivanov Johansson Kaya
    Lindqvist Martín Novák Ortiz Petrov Quinn Rahman Schmidt Türk Uribe Vogel Weiss Xiong Yang Zimmermann Almeida
    Bergström Chaudhary Dvořák Esposito Ferreira Gómez Hernández Iyer Jovanović Kowalski Löfgren Moreau Nowak O'Neil
    Pérez Rinaldi Sørensen Tóth Ulusoy Villanueva Wójcik Yamamoto Zhao Adeyemi Bianchi Choi Das""".split()
)
