"""What a question asks for besides its topic: an order, and what to leave out."""

from functools import lru_cache
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.glossary import resolver
from bot.search.query import QueryReader
from bot.text import analyser, query_parser, requests, seed


@lru_cache(maxsize=1)
def _reader() -> QueryReader:
    return QueryReader(resolver.Glossary(seed.load_terms()))


@pytest.mark.parametrize(
    ("query", "text", "order"),
    [
        ("most liked papers on robots", "papers on robots", "votes"),
        ("the highest rated agent papers", "agent papers", "votes"),
        ("top 5 papers on RAG", "papers on RAG", "votes"),
        ("popular", "", "votes"),
        ("most recent speech papers", "speech papers", "date"),
        ("추천 가장 많이 받은 로봇 논문", "로봇 논문", "votes"),
        ("인기 많은 논문", "논문", "votes"),
        ("최신순으로 양자화", "양자화", "date"),
        ("latest agent papers", "agent papers", "date"),
        ("최신 에이전트 논문", "에이전트 논문", "date"),
        ("the latest", "", "date"),
        ("최신", "", "date"),
        ("fan favorites about editing", "about editing", "votes"),
        ("the biggest hits on agents", "on agents", "votes"),
        ("추천 1위 논문", "논문", "votes"),
        ("양자화 논문 중에 투표 1등은?", "양자화 논문", "votes"),
        ("추천 수가 제일 높은 로봇 논문", "로봇 논문", "votes"),
        ("요즘 뜨는 음성 합성 연구", "음성 합성 연구", "votes"),
        ("agents with the highest number of likes", "agents", "votes"),
        ("추천 가장 많은 논문 세 편", "논문", "votes"),
        ("제일 반응 좋았던 로봇 논문", "로봇 논문", "votes"),
        ("the best received speech papers", "speech papers", "votes"),
        ("rank agent papers by votes", "agent papers", "votes"),
        ("사람들이 많이 추천하는 논문", "논문", "votes"),
        ("agents that got the most attention", "agents", "votes"),
        ("most talked-about speech papers", "speech papers", "votes"),
        ("list speech papers from newest", "list speech papers", "date"),
        ("speech papers with the highest ratings", "speech papers", "votes"),
        ("speech in order of likes", "speech", "votes"),
        ("최신순으로 음성 정렬", "음성", "date"),
        ("음성 추천순인데 번역은 빼고", "음성 ; 번역은 빼고", "votes"),
        ("음성 중에 제일 인기 많은 거 번역 빼고", "음성 ; 번역 빼고", "votes"),
        ("음성 최신순이고 번역은 제외", "음성 ; 번역은 제외", "date"),
        ("음성 추천순 번역 제외", "음성 ; 번역 제외", "votes"),
        ("biggest hits of may so far", "of may", "votes"),
        ("로봇 요즘 거부터 쭉", "로봇 쭉", "date"),
        ("음성 요새 것부터", "음성", "date"),
        ("음성 정렬 방법", "음성 정렬 방법", ""),
        ("꼭 봐야 할 음성 논문", "음성 논문", "votes"),
        ("최근 올라온 순서로 음성", "음성", "date"),
        ("관심을 많이 받은 로봇 논문", "로봇 논문", "votes"),
        ("speech papers sorted by date", "speech papers", "date"),
        ("등록된 에이전트 날짜순으로", "등록된 에이전트", "date"),
        ("which model has the most attention heads", "which model has the most attention heads", ""),
        ("what did people here like the most in vision", "what in vision", "votes"),
        ("the bottom 10 by votes", "", "least"),
        ("worst papers", "papers", "least"),
        ("최악의 음성 논문", "음성 논문", "least"),
        ("hardly any votes", "", "least"),
        ("most upvoted not about LLMs", "not about LLMs", "votes"),
        ("newest not using diffusion", "not using diffusion", "date"),
        ("top not vision", "not vision", "votes"),
        ("least upvoted no surveys", "no surveys", "least"),
        ("강화학습 관련 없는 최신 논문", "강화학습 관련 없는 논문", "date"),
        ("강화학습과 관련 없는 인기 논문", "강화학습과 관련 없는", "votes"),
        ("RAG 안 쓰는 최신 논문", "RAG 안 쓰는 논문", "date"),
        ("not so popular papers", "papers", "least"),
        ("the top voted paper rn", "paper", "votes"),
        ("papers ppl are loving", "papers", "votes"),
        ("newest attention", "attention", "date"),
        ("most upvoted attention papers", "attention papers", "votes"),
        ("papers that got the most attention", "papers", "votes"),
        ("추천이 가장 많은 정렬", "정렬", "votes"),
        ("추천 많은 순으로 로봇 논문 정렬", "로봇 논문", "votes"),
        ("추천을 거의 못 받은 논문", "논문", "least"),
        ("robots but newer", "robots", "date"),
        ("a few recent speech papers", "speech papers", "date"),
        ("what's new in speech", "in speech", "date"),
        ("learning something new", "learning something new", ""),
        ("recent advances in speech", "advances in speech", "date"),
        ("new papers on speech", "papers on speech", "date"),
        ("최근 음성 (로봇) 논문", "음성 (로봇) 논문", "date"),
        ("요즘 음성 논문", "음성 논문", "date"),
        ("새로운 로봇 논문", "로봇 논문", "date"),
        ("a new speech dataset", "a new speech dataset", ""),
        ("요즘 로봇은 어떻게 걸어?", "요즘 로봇은 어떻게 걸어?", ""),
        ("음성 최신 논문 순으로 보여줘", "음성 논문 보여줘", "date"),
        ("추천 많은 음성 논문 순서대로", "음성 논문", "votes"),
        ("더 최신인 로봇 논문", "로봇 논문", "date"),
        ("the most recent papers on speech first", "papers on speech", "date"),
        ("first vision paper", "vision paper", "oldest"),
        ("3 newest papers on speech", "papers on speech", "date"),
        ("4 bit quantization, newest first", "4 bit quantization", "date"),
        ("the first vision paper posted here?", "vision paper", "oldest"),
        ("something popular but not about maps", "something but not about maps", "votes"),
        ("best small speech models", "small speech models", "votes"),
        ("best tokenizer for Korean", "best tokenizer for Korean", ""),
        ("least favourite speech papers", "speech papers", "least"),
        ("로봇은 많이 봤으니까 음성", "로봇은 많이 봤으니까 음성", ""),
        ("제가 관심 있는 분야는 음성", "제가 관심 있는 분야는 음성", ""),
        ("추천 시스템", "추천 시스템", ""),
        ("눈에 뜨는 물체 탐지", "눈에 뜨는 물체 탐지", ""),
        ("인기 편향을 줄이는 추천", "인기 편향을 줄이는 추천", ""),
        ("which optimizer works best", "which optimizer works best", ""),
        ("best-of-N sampling", "best-of-N sampling", ""),
        ("top-k routing", "top-k routing", ""),
        ("최고 성능을 내는 모델", "최고 성능을 내는 모델", ""),
        ("oldest papers", "papers", "oldest"),
        ("speech papers, oldest to newest", "speech papers", "oldest"),
        ("chronological list of speech papers", "list of speech papers", "oldest"),
        ("diffusion, least recent first", "diffusion", "oldest"),
        ("least recent speech papers", "speech papers", "oldest"),
        ("가장 오래된 논문", "논문", "oldest"),
        ("가장 먼저 나온 음성 논문", "음성 논문", "oldest"),
        ("나온 지 오래된 순으로 음성", "음성", "oldest"),
        ("fewest votes", "", "least"),
        ("least popular", "", "least"),
        ("speech papers flopped", "speech papers", "least"),
        ("망한 음성 논문", "음성 논문", "least"),
        ("robots that got barely any likes", "robots", "least"),
        ("추천 수가 제일 적은 논문", "논문", "least"),
        ("가장 인기 없는 논문", "논문", "least"),
        ("추천을 별로 못 받은 논문", "논문", "least"),
        ("반응 없는 논문", "논문", "least"),
        ("최신 로봇 연구", "로봇 연구", "date"),
        ("speech papers ranked best to worst", "speech papers", "votes"),
        ("the favorite speech papers", "speech papers", "votes"),
        ("top-5 speech papers", "speech papers", "votes"),
        ("the crowd's favorite on speech", "on speech", "votes"),
        ("what did people like most", "what", "votes"),
        ("papers hardly anyone noticed", "papers", "least"),
        ("인기 꼴찌 논문", "논문", "least"),
        ("speech papers from old to new", "speech papers", "oldest"),
        ("새로운 논문부터 보여줘 음성", "보여줘 음성", "date"),
        ("what everyone is talking about in robotics", "what in robotics", "votes"),
        ("speech papers with tons of upvotes", "speech papers", "votes"),
        ("음성 논문 좋아요 젤 많은거", "음성 논문", "votes"),
        ("음성 최신순ㄱㄱ", "음성", "date"),
        ("the best speech paper to date", "speech paper", "votes"),
        ("most liked of all time, agents", "agents", "votes"),
        ("crowd pleasers on robots", "on robots", "votes"),
        ("speech papers fresh off the press", "speech papers", "date"),
        ("사랑받은 로봇 논문", "로봇 논문", "votes"),
        ("추천 탑5 로봇", "로봇", "votes"),
        ("표 제일 많이 받은 로봇 논문", "로봇 논문", "votes"),
        ("따끈따끈한 로봇 논문", "로봇 논문", "date"),
        ("로봇은 관심 없고 음성만", "로봇은 관심 없고 음성만", ""),
        ("음성 논문 중에 제일 좋은 거", "음성 논문", "votes"),
        ("음성 모델 중에 제일 좋은 것", "음성 모델 중에 제일 좋은 것", ""),
        ("the paper that topped the charts on maps", "the paper on maps", "votes"),
        ("상위권 음성 논문", "음성 논문", "votes"),
        ("biggest papers on maps", "on maps", "votes"),
        ("highest ranked maps", "maps", "votes"),
        ("which maps did everyone upvote", "which maps", "votes"),
        ("maps with the lowest vote count", "maps", "least"),
        ("new arrivals in speech", "in speech", "date"),
        ("what's big in maps", "in maps", "votes"),
        ("음성 논문 (추천 적은)", "음성 논문", "least"),
        ("추천을 많이 눌린 음성 논문", "음성 논문", "votes"),
        ("정렬 중에 추천 1등", "정렬", "votes"),
        ("latest tricks for jailbreaks", "tricks for jailbreaks", "date"),
        ("최신 로봇 기술", "로봇 기술", "date"),
        ("최신 지식을 넣는 방법", "최신 지식을 넣는 방법", ""),
        ("speech, recent ones first", "speech", "date"),
        ("what is hot in speech right now", "in speech", "votes"),
        ("speech recognition best ones", "speech recognition ones", "votes"),
        ("맨 먼저 나온 음성 논문", "음성 논문", "oldest"),
        ("호평받은 음성 논문", "음성 논문", "votes"),
        ("highest scoring maps papers", "maps papers", "votes"),
        ("speech, date desc", "speech", "date"),
        ("최다 득표 음성 논문", "음성 논문", "votes"),
        ("제일 유명한거 음성", "음성", "votes"),
        ("음성 톱3개만", "음성", "votes"),
        ("the second most voted speech paper", "speech paper", "votes"),
        ("top three maps of yesterday", "maps of yesterday", "votes"),
        ("speech papers by release date", "speech papers", "date"),
        ("votes ascending, speech", "speech", "least"),
        ("추천수 오름차순 음성", "음성", "least"),
        ("음성 논문 랭킹", "음성", "votes"),
        ("막 올라온 음성 논문", "음성 논문", "date"),
        ("recently added speech papers", "speech papers", "date"),
        ("top 3 speech recognition", "speech recognition", "votes"),
        ("요즘 뜨는 음성 모델", "음성 모델", "votes"),
        ("인기 음성 합성 논문", "음성 합성 논문", "votes"),
        ("음성 합성 최신 거 있나", "음성 합성 있나", "date"),
        ("what did everyone like the most about maps", "what about maps", "votes"),
        ("top 1 accuracy of classifiers", "top 1 accuracy of classifiers", ""),
        ("인기 편향을 다룬 논문", "인기 편향을 다룬 논문", ""),
        ("the first time series model", "the first time series model", ""),
        ("first order optimization paper", "first order optimization paper", ""),
        ("two papers about maps", "papers about maps", ""),
        ("models with many shared parameters", "models with many shared parameters", ""),
        ("language models with more attention", "language models with more attention", ""),
        ("low-rank adaptation", "low-rank adaptation", ""),
        ("best-first search papers", "best-first search papers", ""),
        ("더 작은 모델로 증류", "더 작은 모델로 증류", ""),
        ("the greatest hits of robots", "of robots", "votes"),
        ("별 많이 받은 로봇 논문", "로봇 논문", "votes"),
        ("음성 명작", "음성", "votes"),
        ("likes over everything, speech", "speech", "votes"),
        ("음성 신규순", "음성", "date"),
        ("신규 논문순으로 음성", "음성", "date"),
        ("제일 최근꺼 음성", "음성", "date"),
        ("음성, 최신 거 맨 위로", "음성", "date"),
        ("speech, recent ones on top", "speech", "date"),
        ("아무도 안 찍은 로봇", "로봇", "least"),
        ("득표 하위 로봇", "로봇", "least"),
        ("별 분류", "별 분류", ""),
        ("신규 클래스 탐지", "신규 클래스 탐지", ""),
        ("first half of 2024, most votes", "first half of 2024", "votes"),
        ("newest on agents first please", "on agents please", "date"),
        ("latest from OpenAI", "from OpenAI", "date"),
        ("which robot paper got the most love", "which robot paper", "votes"),
    ],
)
def test_a_question_may_ask_for_an_order(query: str, text: str, order: str) -> None:
    assert requests.read_order(query, has_period=False)[:3] == (text, order, ())


def test_a_known_term_asks_for_nothing() -> None:
    terms = [term for term in seed.load_terms() if not term.is_lack]  # without training
    forms = {form for term in terms for form in (*term.korean, *term.english)}
    for query in forms | {form.replace(" ", "") for form in forms}:
        read = requests.read_order(query, has_period=True)
        left = _reader().read_exclusions(query_parser.Query(query))
        assert (read.text, read.order, left.text, left.excluded) == (query, "", query, ())


def test_a_superlative_beside_a_period_asks_for_an_order() -> None:
    assert requests.read_order("best of", has_period=True).order == "votes"
    assert requests.read_order("지난달 최고", has_period=True).order == "votes"


@pytest.mark.parametrize(
    "query",
    [
        *("most downloaded papers", "smallest vision model", "least cited papers", "hidden gems on agents"),
        *("most discussed papers", "least read papers", "제일 많이 본 음성 논문", "five most shared maps"),
        *("인용 많은 논문", "다운로드 제일 많은 논문", "제일 작은 비전 모델", "덜 알려진 음성 논문"),
        *("easy papers on speech", "beginner-friendly robot papers", "쉬운 음성 논문"),
        *(
            "papers without a Korean summary",
            "한국어 요약 없는 논문",
            "데이터셋 공개한 논문",
            "가중치를 공개한 모델",
        ),
        *("papers that release their training data", "speech papers with released weights"),
        *("국내 기업이 낸 LLM 논문", "해외 대학 로봇 논문", "LLM reports from domestic companies"),
        *("추론 성능 올리는 방법", "음성 모델 제안한 논문", "papers that propose a new model for speech"),
    ],
)
def test_an_order_that_is_unknown_of_papers_is_said(query: str) -> None:
    (unread,) = requests.read_order(query, has_period=False).unread
    assert unread in query


@pytest.mark.parametrize(
    ("query", "text", "excluded"),
    [
        ("LLM papers, everything medical should go", "LLM papers", "medical"),
        ("VQA, medical stuff should be dropped", "VQA", "medical"),
        ("데이터셋, 의료 데이터는 아닌 걸로", "데이터셋", "의료 데이터"),
        ("GUI agents for mobile, desktop stuff excluded", "GUI agents for mobile", "desktop"),
        ("speech, music and video excluded", "speech", "music video"),
        ("audio papers, music doesn't count", "audio papers", "music"),
        ("agents that aren't evaluated on games", "agents that", "games"),
        ("Whisper-free speech recognition", "speech recognition", "Whisper"),
        ("구글이나 메타에서 낸 거 빼고 로봇", "로봇", "구글 메타"),
        ("보안 관련인데 번역은 지겨우니 빼줘", "보안 관련인데", "번역"),
        ("멀티모달이지만 비디오는 포함 안 하는 벤치마크", "멀티모달이지만 벤치마크", "비디오"),
        ("3D 복원, 가우시안은 이제 그만", "3D 복원", "가우시안"),
        ("medical imaging but not scan reports", "medical imaging but", "scan reports"),
        ("speech without diffusion, like masked or autoregressive", "speech , like masked", "diffusion"),
        ("speech without surveys, such as reviews or tutorials", "speech", "surveys reviews tutorials"),
        ("open LLMs, not closed ones like GPT-4 or Claude", "open LLMs", "GPT-4 Claude"),
        ("quantization, and I don't mean pruning", "quantization, and I", "pruning"),
        ("딥시크는 질렸어, 그거 빼고 음성", "음성", "딥시크"),
        ("video generation that doesn't use diffusion models", "video generation that", "diffusion models"),
        ("speech excluding translation and diffusion", "speech", "translation diffusion"),
        ("확산 모델을 쓰지 않는 비디오 생성", "비디오 생성", "확산 모델"),
        ("긴 문맥 논문 중 상태 공간 모델 제외", "긴 문맥", "상태 공간 모델"),
        ("강화학습이랑 증류 둘 다 안 쓰는 추론", "추론", "강화학습 증류"),
        ("no more benchmarks, show me robots", "show me robots", "benchmarks"),
        ("not interested in video, just speech", "just speech", "video"),
        ("neither speech nor music, only maps", "only maps", "speech music"),
        ("로봇은 필요 없고 음성만", "음성만", "로봇"),
        ("음성이 아니라 음악", "음악", "음성"),
        ("설문 논문은 보고 싶지 않아, 음성만", "음성만", "설문"),
        ("LoRA 말고 다른 미세 조정", "미세 조정", "LoRA"),
        ("reinforcement learning without human feedback", "reinforcement learning", "human feedback"),
        ("attention that is not sparse", "attention that is", "sparse"),
        # Without another topic, other architectures are sought.
        ("transformer 말고 다른 아키텍처", "state space model", "transformer"),
        ("어텐션 없는 언어 모델", "언어 모델 state space model", "어텐션"),
        ("no transformers please", "state space model", "transformers"),
        ("transformer alternatives", "state space model", "transformer"),
        ("Transformer alternatives, not Mamba", "state space model or linear attention", "Transformer Mamba"),
        ("트랜스포머 대체할 아키텍처", "state space model", "트랜스포머"),
        ("alternatives to DPO", "preference optimization", "DPO"),
        ("DPO 대안", "preference optimization", "DPO"),
        ("Adam 대체할 옵티마이저", "Adam 대체할 옵티마이저", ""),
        ("substitutes for backpropagation", "substitutes for backpropagation", ""),
        ("데이터 대체 방법", "데이터 대체 방법", ""),
        ("non-transformer architectures", "state space model", "transformer"),
        ("영어 말고 다른 언어 데이터셋", "데이터셋 multilingual", "영어"),
        ("번역기에 의존하지 않는 음성", "음성", "번역기"),
        ("비전 없는 언어 모델", "언어 모델", "비전"),
        ("games but not board games like chess", "games but", "board games chess"),
        ("open LLMs, not from big companies like Google or Meta", "open LLMs", "Google Meta"),
        ("evaluation, excluding judges such as GPT-4", "evaluation", "judges GPT-4"),
        ("language models except small ones", "language models", "small language models"),
        ("RAG except the medical ones", "RAG", "medical"),
        ("audio excluding speech — music or sound effects", "audio ; music or sound effects", "speech"),
        ("작은 모델은 빼고 언어 모델", "언어 모델", "작은 모델"),
        ("클로드나 제미나이 말고 음성", "음성", "클로드 제미나이"),
        ("without any retrieval, question answering", "question answering", "retrieval"),
        ("image generation that isn't diffusion-based", "image generation that", "diffusion"),
        ("비디오·오디오 빼고 멀티모달", "멀티모달", "비디오 오디오"),
        ("이미지 복원인데 비디오 복원은 말고요", "이미지 복원", "비디오 복원"),
        ("도구 사용 없는 에이전트", "에이전트", "도구 사용"),
        ("LoRA를 다룬 것은 제외해 주세요, 정렬", "정렬", "LoRA"),
        ("음성 논문 보여줘 음악은 필요없음", "음성 논문 보여줘", "음악"),
        ("합성 데이터 찾는데 수학 말고 다른 도메인", "합성 데이터 찾는데", "수학"),
        ("음성 LLM, 음악 논문은 ㄴㄴ", "음성 LLM", "음악"),
        ("GPT-4로 만든 건 빼고 음성", "음성", "GPT-4"),
        ("speech minus music minus translation", "speech", "music translation"),
        ("speech, anything but music agents", "speech", "music agents"),
        ("음성 논문 (단, 음악 X)", "음성 논문", "음악"),
        ("음악도 아니고 번역도 아닌 음성", "음성", "음악 번역"),
        ("speech papers that leave music out", "speech papers that", "music"),
        ("maps in which no music is used", "maps in which", "music"),
        ("벤치마크, 데이터셋, 서베이 빼고 로봇", "로봇", "벤치마크 데이터셋 서베이"),
        ("의료 LLM, 영상 판독은 관심 없음", "의료 LLM", "영상 판독"),
        ("speech except talking head / avatar", "speech", "talking head avatar"),
        ("음성 합성 / 번역 말고 음성 인식", "음성 인식", "음성 합성 번역"),
        ("(구글, 메타) 빼고 로봇", "로봇", "구글 메타"),
        ("agents except (GUI, web and coding agents)", "agents", "GUI agents web agents coding agents"),
        ("speech for text, not visual tokenizers", "speech for text", "visual tokenizers"),
        ("음성 인식 GAN이나 확산 모델 안 쓰는 거", "음성 인식", "GAN 확산 모델"),
        ("LLM 평가 벤치마크, 수학이랑 코딩은 제외", "LLM 평가 벤치마크", "수학 코딩"),
        ("영어 중국어 아닌 음성", "음성", "영어 중국어"),
        ("다국어 모델 영어 중국어 말고", "다국어 모델", "영어 중국어"),
        ("구글 메타 말고 로봇", "로봇", "구글 메타"),
        ("이미지 비디오 빼고 평가", "평가", "이미지 비디오"),
        ("텍스트 이미지 생성 말고 음성", "음성", "텍스트 이미지 생성"),
        ("서베이는 이미 많으니까 빼고 음성", "음성", "서베이"),
        (
            "agents that aren't about speech control or web browsing",
            "agents that",
            "speech control web browsing",
        ),
        ("non-medical speech", "speech", "medical"),
        ("non-autoregressive speech", "non-autoregressive speech", ""),
        ("이미지나 비디오 생성 말고 음성", "음성", "이미지 생성 비디오 생성"),
        ("KV 캐시 압축 이외의 긴 문맥", "긴 문맥", "KV 캐시 압축"),
        ("everything on alignment but RLHF", "everything on alignment", "RLHF"),
        ("speech in languages that are not English", "speech in languages that are", "English"),
        ("3D scenes that are not NeRF-based", "3D scenes that", "NeRF"),
        ("음성 합성 (번역은 넣지 말아줘)", "음성 합성", "번역"),
        ("로봇 학습 시뮬레이션 x", "로봇 학습", "시뮬레이션"),
        ("speech not translation not music", "speech", "translation music"),
        ("robots, none that are merely a survey or a benchmark", "robots", "survey benchmark"),
        ("로봇 방법론. 서베이, 벤치마크 논문은 걸러줘", "로봇 방법론", "서베이 벤치마크"),
        ("정렬 중에 강화학습, 증류 둘 다 빼고", "정렬 중에", "강화학습 증류"),
        ("agents, I know enough about RAG", "agents, I", "RAG"),
        ("딥시크 R1 말고 추론 모델", "추론 모델", "딥시크 R1"),
        ("워터마킹인데 이미지 워터마크는 아닌 것", "워터마킹인데", "이미지 워터마크"),
        ("model compression except 4 bit quantization", "model compression", "4 bit quantization"),
        ("희소 오토인코더 기반 해석 빼고 정렬", "정렬", "희소 오토인코더 기반 해석"),
        ("대규모 언어 모델 추론 가속 말고 양자화", "양자화", "대규모 언어 모델 추론 가속"),
        ("code papers that are not just another benchmark", "code papers that", "benchmark"),
        ("비디오 생성 ; 카메라 컨트롤은 제외", "비디오 생성", "카메라 컨트롤"),
        ("RAG나 파인튜닝 없이 환각", "환각 파인튜닝 없이", "RAG"),
        ("retrieval without RAG or labels", "retrieval without labels", "RAG"),
        ("evaluating LLM outputs without an LLM as the judge", "evaluating LLM outputs", "LLM as a judge"),
        ("text evaluation not using LLMs as judges", "text evaluation", "LLM as a judge"),
        ("jailbreaks, though not the multimodal kind", "jailbreaks, though", "multimodal"),
        ("음성 합성 말고 인식", "음성 인식", "음성 합성"),
        ("탈옥 공격 말고 방어 쪽", "탈옥 방어", "탈옥 공격"),
        ("이미지 생성 말고 로봇", "로봇", "이미지 생성"),
        ("jailbreak defense, not attacks", "jailbreak defense", "jailbreak attacks"),
        ("speech synthesis not recognition", "speech synthesis", "speech recognition"),
        ("음성 합성 이미지 생성 VAR 원논문 빼고", "음성 합성 이미지 생성", "VAR"),
        ("로봇, 음성은 많이 봤으니 빼줘", "로봇", "음성"),
        ("음성은 잘 몰라서 패스, 로봇", "로봇", "음성"),
        ("로봇인데 음성은 요즘 하도 많이 나와서 제외하고", "로봇인데", "음성"),
        ("GPT 계열은 너무 흔해서 빼고 로봇", "로봇", "GPT"),
        ("음성은 충분히 봤으니 다른 로봇", "로봇", "음성"),
        ("로봇, 음성은 관심 밖이야", "로봇", "음성"),
        ("멀티모달인데 음성만 빼고 다", "멀티모달인데", "음성"),
        ("위스퍼랑 그 변형 빼고 로봇", "로봇", "위스퍼 변형"),
        ("robots, not your usual speech paper", "robots, paper", "speech"),
        ("robots, I'm bored of speech", "robots", "speech"),
        ("robots but keep speech out", "robots but", "speech"),
        ("robots unless it's about speech", "robots", "speech"),
        ("not in the mood for speech, robots", "robots", "speech"),
        ("not interested in speech, only robots or maps", "only robots or maps", "speech"),
        ("don't give me surveys, robots", "robots", "surveys"),
        ("robots, dont need speech", "robots", "speech"),
        ("robots besides speech", "robots", "speech"),
        ("robots, I keep seeing speech so leave it out", "robots, I keep seeing", "speech"),
        ("음성은 너무 많더라 그건 빼고 로봇", "로봇", "음성"),
        ("음성 다 봤어. 음성 아닌 로봇", "", "음성"),
        ("로봇이면 뭐든 좋은데 음성은 사절", "로봇이면 뭐든 좋은데", "음성"),
        ("robots, leave speech aside", "robots", "speech"),
        ("robots that do not touch on speech", "robots that", "speech"),
        ("영어 아닌 언어 토크나이저", "토크나이저 multilingual", "영어"),
        ("speech papers, excluding those on robots", "speech papers", "robots"),
        ("robots, I couldn't care less about speech", "robots", "speech"),
        (
            "hallucination mitigation that's not retrieval-based",
            "hallucination mitigation that's",
            "retrieval",
        ),
        ("what helps robots if not speech", "what helps robots", "speech"),
        ("웹이나 음성 말고 로봇", "로봇", "웹 음성"),
        ("speech is boring, show me robots", "show me robots", "speech"),
        ("video models not fine-tuned from LLaVA", "video models", "LLaVA"),
        ("robots, I'm over speech", "robots", "speech"),
        ("로봇, 음성은 이제 질림", "로봇", "음성"),
        ("음성 관련은 싹 다 빼고 로봇", "로봇", "음성"),
        ("음성 관련은 너무 어려워서 빼고 로봇", "로봇", "음성"),
        ("robots that have nothing in common with speech", "robots that have", "speech"),
        ("음성 쪽 논문들은 그냥 다 빼줘, 로봇", "로봇", "음성"),
        ("음성 얘기면 패스, 로봇", "로봇", "음성"),
        ("음성이나 그 비슷한 거 빼고 로봇", "로봇", "음성"),
        ("음성 같은 특정 도메인 빼고 로봇", "로봇", "음성"),
        ("로봇에서 음성은 빼고 생각해줘", "로봇에서", "음성"),
        # What is not left out but kept is the topic.
        ("robots, nothing that isn't about speech", "robots, speech", ""),
        ("로봇인데 음성이 아닌 건 빼고", "로봇인데 음성이", ""),
        ("papers about other languages than English", "papers about multilingual", "English"),
        ("영어도 중국어도 아닌 언어로 만든 임베딩", "만든 임베딩 multilingual", "영어 중국어"),
        ("alternatives to attention other than mamba", "state space model or linear attention", "mamba"),
        ("RLHF 대신 쓰는 방법", "preference optimization", "RLHF"),
        ("RLHF 말고 다른 방법", "preference optimization", "RLHF"),
        ("methods other than RLHF", "preference optimization", "RLHF"),
        ("long context tricks not involving RAG", "long context", "RAG"),
        ("합성 데이터로 학습하는 거 말고 로봇", "로봇", ""),
        # What could not be read is neither left out nor searched for.
        ("robots, not from Google or other big companies", "robots", "Google"),
        ("robots, not from Chinese labs", "robots", "Chinese labs"),
        ("로봇, 중국 회사는 빼고", "로봇", "중국 회사"),
        ("이미지 복원이나 초해상도, 영상 쪽은 빼고 정지 이미지만", "이미지 복원이나 초해상도", "영상"),
        ("음성 인식이나 화자 분리, 음악은 빼고 목소리만", "음성 인식이나 화자 분리", "음악"),
        ("서베이나 벤치마크, 튜토리얼은 빼고 에이전트만", "에이전트만", "서베이 벤치마크 튜토리얼"),
        ("중국 회사 말고 추론", "추론", "중국 회사"),
        ("중국 기업 제외한 추론", "추론", "중국 기업"),
        ("reasoning, nothing from Chinese firms", "reasoning", "Chinese firms"),
        ("image generation not driven by text prompts", "image generation", "text prompts"),
        ("이미지 비디오 빼고 추론", "추론", "이미지 비디오"),
        ("RLHF 대신 쓸 수 있는 강화학습", "강화학습", "RLHF"),
    ],
)
def test_words_exclude_a_term(query: str, text: str, excluded: str) -> None:
    read = _reader().read_exclusions(query_parser.Query(query))
    assert read.text.startswith(text)
    assert " ".join(read.excluded) == excluded


@pytest.mark.parametrize(
    "query",
    [
        "segmentation without labels",
        "label-free detection",
        "alignment without a reward model",
        "video editing without fine-tuning",
        "translation without losing accuracy",
        "not only text but also images",
        "video models not just for short clips but films",
        "stronger models are not stronger teachers",
        "why do transformers not generalize",
        "no free lunch",
        "정답 없이 학습",
        "보상 모델 없이 정렬",
        "미세 조정 없이 편집",
        "카메라뿐 아니라 라이다도",
        "강화학습 말고도 쓰는 방법",
        "해외의 법률",
        "the skip connections of a network",
        "쓸모없는 토큰 제거",
    ],
)
def test_what_a_method_does_without_is_part_of_the_topic(query: str) -> None:
    read = _reader().read_exclusions(query_parser.Query(query))
    assert (read.text, read.excluded, read.ignored) == (query, (), ())


@pytest.mark.parametrize(
    ("query", "split"),
    [
        ("지난주인기논문", "지난주 인기 논문"),
        ("구글, 오픈AI 같은 빅테크 말고 LLM", "구글, 오픈AI나 빅테크 말고 LLM"),
        ("LoRA 같은 PEFT 기법 빼고 파인튜닝", "LoRA나 PEFT 기법 빼고 파인튜닝"),
        ("로봇 같은 물리 시스템 논문", "로봇 같은 물리 시스템 논문"),
        ("빅테크(텐센트 알리바바) 말고 LLM", "빅테크나 텐센트나 알리바바 말고 LLM"),
        ("구글(딥마인드 포함) 빼고 로봇", "구글이나 딥마인드 빼고 로봇"),
        ("LLMs, no big tech (Google, Meta)", "LLMs, no big tech like Google or Meta"),
        ("plain RAG papers", "RAG papers"),
        ("vanilla transformers", "transformers"),
        ("일반 에이전트 논문", "에이전트 논문"),
        ("plain text generation", "plain text generation"),
        ("ordinary differential equation", "ordinary differential equation"),
        ("의료 논문 제거하고 LLM", "의료 논문 제외하고 LLM"),
        ("LLM 논문, 코딩 관련은 전부 제거해줘", "LLM 논문, 코딩 관련 제외해줘"),
        ("반사 제거하고 복원", "반사 제거하고 복원"),
        ("RNN style architectures", "RNN architectures"),
        ("o1-style reasoning", "o1 reasoning"),
        ("R1 스타일 강화학습", "R1 강화학습"),
        ("3D style transfer", "3D style transfer"),
        ("human-like dialogue", "human-like dialogue"),
        ("로봇말고추천많은논문", "로봇 말고 추천 많은 논문"),
        ("수학LLM 최신순", "수학 LLM 최신순"),
        ("의료LLM은 빼고", "의료 LLM은 빼고"),
        ("챗GPT 하이퍼클로바X", "챗GPT 하이퍼클로바X"),
        ("추천 1,000개 이상", "추천 1000개 이상"),
        ("지난달최고", "지난달 최고"),
        ("추천많은논문", "추천 많은 논문"),
        ("강화학습추천순", "강화학습 추천순"),
        ("최신로봇논문", "최신 로봇 논문"),
        ("RAG논문 추천해줘", "RAG 논문 추천해줘"),
        ("어텐션없이긴문맥", "어텐션 없이 긴문맥"),
        ("끊임없이 배우는 모델", "끊임없이 배우는 모델"),
        ("추천시스템", "추천시스템"),
        ("최신논문", "최신 논문"),
        ("올해베스트 로봇", "올해 베스트 로봇"),
        ("강화학습논문", "강화학습 논문"),
        ("지난주강화학습", "지난주강화학습"),
        ("인기 편향", "인기 편향"),
        ("토크나이저있나요", "토크나이저 있나요"),
        ("RAG논문있어요?", "RAG 논문 있어요?"),
        ("로봇논문찾아줘", "로봇 논문 찾아줘"),
        ("음성합성뭐있어", "음성합성 뭐있어"),
        ("쓸모없나", "쓸모없나"),
        ("추천수 50이상 로봇", "추천수 50 이상 로봇"),
        ("논문 추천 좀", "논문 추천해줘"),
        ("강화학습 LLM쪽 말고", "강화학습 LLM 말고"),
        ("추천 시스템 논문", "추천 시스템 논문"),
        ("추론 논문, 강화학습(RL)은 필요 없음", "추론 논문, 강화학습이나 RL은 필요 없음"),
        ("추론 논문 RLHF계열은빼줘", "추론 논문 RLHF빼줘"),
    ],
)
def test_a_request_without_spaces_is_divided(query: str, split: str) -> None:
    assert requests.split_words(query) == split


def test_each_of_several_korean_names_is_left_out() -> None:
    for query in ("3D 논문 중에 nerf도 가우시안도 아닌 거", "3D 논문, nerf도 가우시안도 빼고"):
        assert _reader().read_exclusions(query_parser.Query(query)).excluded == ("nerf", "가우시안"), query
    for query, name in (("로봇 논문, 학습용은 필요 없어요", "학습"), ("로봇, 정확도 말고", "정확도")):
        assert _reader().read_exclusions(query_parser.Query(query)).excluded == (name,), query


@pytest.mark.parametrize(
    ("query", "described"),
    [
        ("alignment without a reward model", "without a reward model"),
        ("summaries with no hallucinations", "with no hallucinations"),
        ("models that don't lose accuracy", "don't lose accuracy"),
        ("jailbreaks, text only", "text only"),
        ("summarization, text only please", "text only"),
        ("LLM 평가 텍스트만", "텍스트만"),
        ("텍스트 전용 안전성", "텍스트 전용"),
        ("audio-only language models", "audio-only"),
        ("음성만 쓰는 감정 인식", "음성만 쓰는"),
        ("거짓말하지 않는 LLM", "거짓말하지 않는"),
        ("RL without cheating", "without cheating"),
        ("translation without losing accuracy", "without losing accuracy"),
        ("하이퍼클로바 X", ""),
        ("하이퍼클로바 x", ""),
        ("dino x", ""),
        ("그록 x", ""),
        ("배경음악 빼고 목소리만 분리하는 모델", ""),
        ("글자 제외하고 배경만 지우는 편집", ""),
        ("(GPT)에 안 기대는 에이전트", ""),
        ("파인튜닝을 하지 않는 음성", "파인튜닝을 하지 않는"),
        ("파인튜닝 안 하는 방법", "파인튜닝 안 하는"),
        ("파인튜닝 안하고 적응하는 방법", "파인튜닝 안하고"),
        ("정답에 의존 안하는거만", "정답에 의존 안하는거만"),
        ("보상 모델 없이 정렬", "보상 모델 없이"),
        ("쓸모없는 토큰", ""),
        ("no free lunch", ""),
        ("구별할 수 없는 이미지", ""),
        ("화면 보고 앱을 대신 눌러주는", ""),
        ("카메라만 말고 촉각도 쓰는 로봇", ""),
        ("novel view synthesis, no camera poses or SfM needed", "no camera poses or SfM needed"),
        ("alignment that needs no reward model", "needs no reward model"),
        ("보상 모델이 필요 없는 정렬", "보상 모델이 필요 없는"),
        ("참조 이미지 없이 텍스트만으로 편집", "참조 이미지 없이"),
        ("트랜스포머보다 빠른 구조", "트랜스포머보다 빠른"),
        ("models better than GPT-4", "better than GPT-4"),
        ("데이터 적게 쓰는 음성 인식", "데이터 적게 쓰는"),
        ("segmentation without labels", "without labels"),  # searched for as unsupervised
        ("training without labels or human feedback", "without labels or human feedback"),
        ("draft 모델이나 재학습 필요없는 추론 가속", "draft 모델이나 재학습 필요없는"),
        ("카메라 포즈나 깊이 없이 3D 재구성", "카메라 포즈나 깊이 없이"),
        ("긴 컨텍스트 쓰면 RAG 필요없음?", ""),
        ("긴 컨텍스트면 RAG 필요없나?", ""),
    ],
)
def test_a_negation_that_leaves_nothing_out_is_said(query: str, described: str) -> None:
    read = _reader().read_exclusions(query_parser.Query(query))
    assert (read.excluded, " ".join(read.described)) == ((), described)


@pytest.mark.parametrize(
    ("query", "text", "has_code"),
    [
        ("papers with code for video generation", "papers for video generation", True),
        ("agents with open source code", "agents", True),
        ("speech papers with github", "speech papers", True),
        ("코드 있는 멀티모달 논문", "멀티모달 논문", True),
        ("코드가 공개된 로봇 논문", "로봇 논문", True),
        ("agents with code generation", "agents with code generation", False),
        ("코드 생성", "코드 생성", False),
    ],
)
def test_papers_with_code_are_a_filter(query: str, text: str, has_code: bool) -> None:
    read = requests.read_order(query, has_period=False)
    assert (read.text, read.has_code, read.unread) == (text, has_code, ())


@pytest.mark.parametrize(
    ("query", "text", "votes"),
    [
        ("papers with more than 100 upvotes", "papers", 101),
        ("agents with at least 50 votes", "agents", 50),
        ("추천수 100 넘는 로봇 논문", "로봇 논문", 101),
        ("추천 30개 이상 로봇", "로봇", 30),
        ("robots upvoted more than 20 times", "robots", 21),
        ("200표 넘게 받은 로봇 논문", "로봇 논문", 201),
        ("image generation over 100 steps", "image generation over 100 steps", None),
    ],
)
def test_a_number_of_votes_is_a_minimum(query: str, text: str, votes: int | None) -> None:
    read = requests.read_order(query, has_period=False)
    assert (read.text, read.order, read.min_votes) == (text, "", votes)


@pytest.mark.parametrize(
    ("query", "text", "votes"),
    [
        ("agents with at most 20 votes", "agents", 20),
        ("agents, under 10 votes", "agents", 9),
        ("fewer than 5 upvotes", "", 4),
        ("no more than 3 likes", "", 3),
        ("robots with 10 votes or less", "robots", 10),
        ("추천 10개 이하 로봇", "로봇", 10),
        ("추천 10개 미만 음성 논문", "음성 논문", 9),
        ("추천 100개 안 넘는 논문", "논문", 100),
        ("papers without votes", "papers", 0),
        ("speech papers with no likes", "speech papers", 0),
        ("maps without any upvotes", "maps", 0),
        ("unvoted papers", "papers", 0),
        ("papers nobody upvoted", "papers", 0),
        ("추천 없는 논문", "논문", 0),
        ("추천 0개인 음성 논문", "음성 논문", 0),
        ("좋아요를 한 개도 못 받은 논문", "논문", 0),
        ("아무도 추천 안 한 로봇 논문", "로봇 논문", 0),
        ("model averaging under 10 steps", "model averaging under 10 steps", None),
        ("추천 시스템 없는 논문", "추천 시스템 없는 논문", None),
    ],
)
def test_a_number_of_votes_or_none_is_a_maximum(query: str, text: str, votes: int | None) -> None:
    read = requests.read_order(query, has_period=False)
    assert (read.text, read.order, read.max_votes) == (text, "", votes)


@pytest.mark.parametrize(
    ("query", "votes"),
    [
        ("추천 5개 이상 10개 이하 로봇", (5, 10)),
        ("추천 5개에서 10개 사이 로봇", (5, 10)),
        ("로봇 추천 5개 초과 10개 미만", (6, 9)),
        ("로봇 between 5 and 10 votes", (5, 10)),
        ("로봇 over 5 and under 10 votes", (6, 9)),
        ("로봇 under 10 but at least 5 votes", (5, 9)),
        ("로봇 not exceeding 5 votes", (None, 5)),
    ],
)
def test_votes_may_be_limited_on_both_sides(query: str, votes: tuple[int | None, int]) -> None:
    read = requests.read_order(query, has_period=False)
    assert (read.text, read.order, (read.min_votes, read.max_votes)) == ("로봇", "", votes)


@pytest.mark.parametrize(
    ("query", "text", "count"),
    [
        ("3 papers on speech recognition", "papers on speech recognition", 3),
        ("five papers about pruning", "papers about pruning", 5),
        ("show me 5 RAG papers", "RAG papers", 5),
        ("give me ten on agents", "on agents", 10),
        ("top 5 RAG", "RAG", 5),
        ("top-10 papers", "papers", 10),
        ("the 3 newest papers on speech", "papers on speech", 3),
        ("most voted RAG, 3 of them", "RAG, of them", 3),
        ("에이전트 추천 많은 거 3개", "에이전트", 3),
        ("강화학습 논문 세 편", "강화학습 논문", 3),
        ("RAG 논문 3편만 골라줘", "RAG 논문 골라줘", 3),
        ("하나만 추천해줘", "추천해줘", 1),
        ("상위 3개 논문", "논문", 3),
        ("추론 논문 베스트 3", "추론 논문", 3),
        ("best 3 agent papers", "agent papers", 3),
        ("1위부터 5위까지", "", 5),
        ("top 1 accuracy of classifiers", "top 1 accuracy of classifiers", None),
        ("mixture of experts with top-2 gating", "mixture of experts with top-2 gating", None),
        ("two-stage detectors", "two-stage detectors", None),
        ("에이전트 3개가 협력하는", "에이전트 3개가 협력하는", None),
        ("최근 3개월", "최근 3개월", None),
        ("한편 강화학습은", "한편 강화학습은", None),
    ],
)
def test_a_number_of_papers_is_no_topic(query: str, text: str, count: int | None) -> None:
    read = requests.read_order(query, has_period=False)
    assert (read.text, read.wanted, read.max_votes) == (text, count, None)


@pytest.mark.parametrize(
    ("queries", "asks"),
    [
        (
            "most popular author|which author has the most papers?|most active institution|top 5 labs"
            "|who wrote the most papers last month|가장 인기 있는 저자|저자 순위|논문 제일 많이 쓴 사람"
            "|어느 기관이 논문을 제일 많이 냈어?|제일 잘나가는 연구실 알려줘",
            True,
        ),
        (
            "best papers by authors from Korea|which author wrote BERT|top papers from universities"
            "|most upvoted author attribution papers|가장 자연스러운 사람 동작 생성|저자가 제일 많은 논문",
            False,
        ),
    ],
)
def test_who_is_asked_for_is_told_from_which_papers(queries: str, asks: bool) -> None:
    for query in queries.split("|"):
        assert requests.read_order(query, has_period=False).asks_writers == asks, query


@pytest.mark.parametrize(
    ("queries", "is_recent"),
    [
        (
            "what's trending right now|요즘 뜨는 논문|trending agents|최근 인기 논문|popular recent papers"
            "|요즘 인기 있는 RAG 논문|most popular right now|핫한 로봇 논문",
            True,
        ),
        ("most popular papers of all time|인기 있는 논문|요즘 RAG 논문|제일 핫한 로봇 논문", False),
    ],
)
def test_what_is_trending_is_recent(queries: str, is_recent: bool) -> None:
    for query in queries.split("|"):
        assert requests.read_order(query, has_period=False).is_recent == is_recent, query


@pytest.mark.parametrize(
    ("query", "text", "unread"),
    [
        ("그거 말고 로봇", "로봇", "그거 말고"),
        (
            "copy the style but not the content of a picture",
            "copy the style but",
            "not the content of a picture",
        ),
        ("hallucination in images, not text only models", "hallucination in images", "not text only models"),
        ("speech without positional encoding", "speech", "without positional encoding"),
        ("위치 인코딩 없는 음성", "음성", "위치 인코딩 없는"),
        ("prompt tuning, as opposed to fine-tuning", "prompt tuning", "as opposed to fine-tuning"),
        ("multilingual work that goes beyond English", "multilingual work that", "goes beyond English"),
        ("로봇인데 시뮬레이션만 한 건 싫어", "로봇인데", "시뮬레이션만 한 건 싫어"),
        ("text to image evaluation, not new models", "text to image evaluation", "not new models"),
        ("image captioning, no large models", "image captioning", "no large models"),
        ("speech that doesn't change the voice", "speech that", "doesn't change the voice"),
        ("video editing that never touches the prompt", "video editing that", "never touches the prompt"),
        ("어텐션을 바꾸지 않는 긴 문맥", "긴 문맥", "어텐션을 바꾸지 않는"),
        ("학습 데이터 공개 안 한 논문 빼고 음성", "음성", "학습 데이터 공개 안 한 논문 빼고"),
        ("robots except last week", "robots", "except last week"),
        ("작년 거 말고 로봇", "로봇", "작년 거 말고"),
        ("큰 모델 빼고 로봇", "로봇", "큰 모델 빼고"),
        ("큰 데이터 없이 음성", "음성", "큰 데이터 없이"),
        ("끊김 없이 말하는 로봇", "말하는 로봇", "끊김 없이"),
        ("텍스트 입력 없이 3D 생성", "3D 생성", "텍스트 입력 없이"),
        ("robots, nothing from 2024", "robots", "nothing from 2024"),
        ("language models under 7B", "language models", "under 7B"),
        ("1B 이하 음성 모델", "음성 모델", "1B 이하"),
        ("speech models under 10B, please", "speech models , please", "under 10B"),
        ("7B보다 작은 언어 모델", "언어 모델", "7B보다 작은"),
        ("LLMs with less than 2B params", "LLMs", "with less than 2B params"),
        ("아바타 생성, 얼굴만 나오는 건 패스", "아바타 생성", "얼굴만 나오는 건 패스"),
        ("메쉬 생성, 텍스처만 다루는건 빼줘", "메쉬 생성", "텍스처만 다루는건 빼줘"),
        ("수학만 다루는 추론 논문 말고 정렬", "정렬", "수학만 다루는 추론 논문 말고"),
        ("언어 모델을 압축하는 거 말고 이미지 생성", "이미지 생성", "언어 모델을 압축하는 거 말고"),
        (
            "speech excluding those that only work on phones",
            "speech",
            "excluding those that only work on phones",
        ),
        ("LLM agents, less coding please", "LLM agents", "less coding please"),
        ("에이전트, 코딩은 좀 덜", "에이전트", "코딩은 좀 덜"),
        ("agents that don't just browse the web", "agents that", "don't just browse the web"),
        ("특정 도메인에 한정되지 않은 RAG", "RAG", "특정 도메인에 한정되지 않은"),
        ("데이터셋 논문인데 텍스트 전용이 아닌거", "데이터셋 논문인데", "텍스트 전용이 아닌거"),
        ("datasets that are not text-only", "datasets that are", "not text-only"),
        ("benchmarks, not English only", "benchmarks", "not English only"),
        ("agents not limited to web browsing", "agents", "not limited to web browsing"),
        ("중국어에 국한되지 않는 언어 모델", "언어 모델", "중국어에 국한되지 않는"),
        ("alignment not necessarily with RLHF", "alignment", "not necessarily with RLHF"),
        ("LLM papers that aren't just prompting", "LLM papers that", "aren't just prompting"),
        ("NeRF 필요 없는 3D 생성", "3D 생성", "NeRF 필요 없는"),
        ("detection not requiring NMS", "detection", "not requiring NMS"),
        ("사람 선호를 쓰지 않는 강화학습", "강화학습", "사람 선호를 쓰지 않는"),
        ("translation with no parallel data", "translation", "with no parallel data"),
        ("speech with zero training data", "speech", "with zero training data"),
        ("attention instead of softmax", "attention", "instead of softmax"),
        ("reasoning with trees rather than RL", "reasoning with trees", "rather than RL"),
        (
            "small models instead of fine-tuning large ones",
            "small models",
            "instead of fine-tuning large ones",
        ),
        ("확산 모델 대신 자기회귀", "자기회귀", "확산 모델 대신"),
        ("강화학습 대신에 증류로 정렬", "증류로 정렬", "강화학습 대신에"),
    ],
)
def test_what_cannot_be_left_out_is_said_and_not_searched_for(query: str, text: str, unread: str) -> None:
    read = _reader().read_exclusions(query_parser.Query(query))
    assert (read.text, read.excluded, read.ignored) == (text, (), (unread,))


@pytest.mark.parametrize(
    ("query", "topic"),
    [
        ("which papers came out about video", "video"),
        ("what papers on agents appeared", "agents"),
        ("RAG papers that got released", "RAG"),
        ("were any diffusion papers published", "diffusion"),
        ("what has come out recently on quantization", "quantization"),
        ("papers submitted on tokenizers", "tokenizers"),
        ("is there anything that discusses tokenizers", "tokenizers"),
        ("나온 비디오 논문", "비디오"),
        ("새로 올라온 에이전트 논문", "에이전트"),
        ("게재된 강화학습 논문", "강화학습"),
        ("이번에 공개된 음성 논문", "음성"),
        ("out of distribution detection", "out of distribution detection"),
        ("anything on tokenizers in your archive", "tokenizers"),
        ("yo, pull up papers on tokenizers", "tokenizers"),
        ("catch me up on tokenizers, cheers", "tokenizers"),
        ("gimme a handful of reads about video", "video"),
        ("I'd love something on agents", "agents"),
        ("I've been hunting for robots", "robots"),
        ("tree search and far-field speech", "tree search far-field speech"),
        ("음성 합성 논문 뭐있나요", "음성 합성"),
        ("음성 합성 아무거나 리스트업 해주라", "음성 합성"),
        ("음성 합성 다른거만 돼요", "음성 합성"),
        ("이미지 합성", "이미지 합성"),
        ("로봇 쪽에 추가된 논문 좀 볼래요", "로봇"),
        ("talking head / avatar", "talking head avatar"),
        ("I missed everything on agents", "agents"),
        ("my advisor wants papers on agents", "agents"),
        ("speech work but", "speech"),
        ("lads, top RAG papers obviously, grand", "RAG"),
        ("rnn type models", "rnn models"),
        ("did I miss anything on agents", "agents"),
        ("표나 그래프", "표 그래프"),
        ("음성 합성 방법인데", "음성 합성"),
        ("교수님이 음성 논문 찾을 수 있을까여", "음성"),
        ("LLM 아키텍처", "LLM 아키텍처"),
        ("로봇이랑 음성 엮은 논문", "로봇 음성"),
    ],
)
def test_when_papers_are_published_is_no_topic(query: str, topic: str) -> None:
    assert _reader().read(query_parser.Query(query)).text == topic


def _list_negators(*, is_korean: bool, kinds: tuple[str, ...] = ("sure", "lack", "instead")) -> list[str]:
    listed = seed.load_request_words()["leave"].items()
    return [word for word, (kind, _) in listed if kind in kinds and analyser.has_hangul(word) == is_korean]


_ENGLISH_NEGATIONS = [
    *(f"speech recognition {word} {{}}" for word in _list_negators(is_korean=False) if word.isascii()),
    *(f"speech recognition {word} {{}}" for word in ("but not", "that is not about", "that needs no")),
    *(f"speech recognition {word} {{}}" for word in ("not limited to", "that is not just", "not focused on")),
    *("speech recognition, no {}", "without {}, speech recognition", "speech recognition (no {})"),
    *("speech recognition, {} excluded", "speech recognition, no {} needed", "skip {}; speech recognition"),
]
_KOREAN_NEGATIONS = [
    *(f"{{}} {word} 음성 인식" for word in _list_negators(is_korean=True)),
    *(
        f"{{}}{word.replace(' ', '')} 음성 인식"
        for word in _list_negators(is_korean=True, kinds=("sure",))
        if len(word) > 1 and word[0] != "외"
    ),
    *(
        "음성 인식 논문인데 {} 빼고",
        "{} 안 쓰는 음성 인식",
        "{} 필요 없는 음성 인식",
        "{} 관련 없는 음성 인식",
    ),
    *(
        "{}만 다루는 거 빼고 음성 인식",
        "{} 전용이 아닌 음성 인식",
        "음성 인식, {} 없이 하는 방법",
        "{} 아닌 음성 인식",
    ),
]
_ENGLISH_NAMES = (
    *("reinforcement learning", "sheet folding", "image watermarks", "Whisper", "human labels", "surveys"),
    *("DeepSeek R1", "Chinese", "hallucinations"),
)
_KOREAN_NAMES = (
    *(
        "강화학습",
        "바둑 기보",
        "이미지 워터마크",
        "Whisper",
        "사람 라벨",
        "서베이",
        "딥시크 R1",
        "중국어",
        "환각",
    ),
)


def test_a_negation_leaves_out_or_describes_or_is_said_to_be_not_read() -> None:
    wrong = list[str]()
    for sentence, name in (
        *product(_ENGLISH_NEGATIONS, _ENGLISH_NAMES),
        *product(_KOREAN_NEGATIONS, _KOREAN_NAMES),
    ):
        query = sentence.format(name)
        read = _reader().read_exclusions(query_parser.Query(query))
        sought = {word for part in _reader().read(read).parts for word in part.text.split()}
        said = [any(name in one for one in ones) for ones in (read.excluded, read.described, read.ignored)]
        is_sought = not read.described and not sought.isdisjoint(name.split())
        if (
            said.count(True) != 1
            or is_sought
            or not ({"recognition", "인식"} & sought or "음성 인식" in sought)
        ):
            wrong.append(query)
    assert wrong == []


@given(st.text(max_size=120), st.booleans())
def test_any_text_can_be_read(text: str, has_period: bool) -> None:
    requests.read_order(text, has_period=has_period)
    _reader().read_exclusions(query_parser.Query(text))


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("We have a free slot next week, so show me agents", "so show me agents"),
        ("my advisor asked me. Can you find robots?", "Can you find robots?"),
        ("we have seen enough of RL, so show me planning", None),
        ("speech, show me the newest", None),
        ("다음 주 세미나에서 읽을 음성 논문", "음성 논문"),
        ("랩 미팅 때 볼 음성 논문", "음성 논문"),
        ("로봇 논문 중에서 읽을 만한 거", None),
        ("영상에서 볼 수 있는 물체", None),
        ("next token prediction", None),
        ("에이전트가 도구 사용을 배우는데 필요한 데이터", None),
        ("발표 주제를 찾는데 음성 논문 보여줘", "음성 논문 보여줘"),
        ("speech papers for my related work section", "speech papers"),
        ("speech papers for next week", "speech papers for"),
        ("speech papers for my students", "speech papers"),
        ("speech papers my students can read", "speech papers"),
        ("I have to give a talk about speech", "about speech"),
        ("I'm presenting at a lab meeting, need something on speech", "need something on speech"),
        ("explain mixture of experts", "mixture of experts"),
        ("an introduction to reinforcement learning", "reinforcement learning"),
        ("랩미팅 때 발표해야 되는데 음성 논문 추천해줘", "음성 논문 추천해줘"),
        ("내일 세미나 발표인데 음성 논문 찾아줘", "음성 논문 찾아줘"),
        ("학생들이 읽기 좋은 음성 논문", "음성 논문"),
        ("과제 때문에 음성 논문 찾아야 돼", "음성 논문"),
        ("which benchmark should I use to evaluate a coding agent", "which benchmark a coding agent"),
        ("something short for tomorrow's reading group", "something short"),
        ("explain why models fail", None),
        ("LLMs for students", None),
        ("not sure if it exists but papers on speech", "papers on speech"),
        ("there may not be any but speech papers", "speech papers"),
        ("Tom here, speech papers please", "speech papers please"),
        ("대학원생인데요, 음성 논문 추천", "음성 논문 추천"),
        ("here, speech papers", None),
        ("민수인데요 1월 베스트 논문", "1월 베스트 논문"),
        ("음성 인식인데요 최신순", None),
        ("음성입니다 최신순", None),
        ("would love to read speech papers", "speech papers"),
        ("what people love about speech", None),
        ("학생 모델을 가르치는 증류", None),
        ("금요일 세미나 전에 읽을 음성 논문", "음성 논문"),
        ("이번 주 금요일 발표에 쓸 음성 논문", "음성 논문"),
        ("폰에서 쓸 언어모델", None),
        ("what should our reading group read", "what should read"),
        ("오늘 회의 때 얘기할 음성 합성 논문", "음성 합성 논문"),
        ("멀티모달 RAG 논문 좀 찾아줘 오늘 랩미팅에서 발표해야 돼요", "멀티모달 RAG 논문 좀 찾아줘"),
        ("회의 요약할 모델", None),
        ("speech papers, I need three for the culture column", "speech papers, I need three"),
        ("speech papers, feel like they deserve a look", "speech papers"),
        ("speech papers, because our podcast needs a story", "speech papers"),
        ("speech papers, I need them for robots", None),
        ("speech papers, we build robots", None),
        ("speech papers, I want LLM ones", None),
        ("speech papers, my students have seen enough of RAG", None),
        ("speech papers, curious what people skipped", "speech papers"),
        ("speech papers, i feel bad for them", "speech papers"),
        ("트래킹 논문 찾는데 SAM 기반 아닌 걸로", None),
        ("음성 논문, 사내 신문에 실을 거라서", "음성 논문"),
        ("음성 논문, 문화 칼럼에 쓸 거예요", "음성 논문"),
        ("음성 논문, 회사 위키에 붙이려고요", "음성 논문"),
        ("음성 논문, 로봇에 쓸 거예요", None),
        ("음성 논문, 서베이는 많이 봐서 빼줘", None),
    ],
)
def test_what_is_about_the_reader_is_no_topic(query: str, text: str | None) -> None:
    said = requests.cut_aside(requests.cut_plans(query))
    assert " ".join(said.split()) == text if text else said == query
