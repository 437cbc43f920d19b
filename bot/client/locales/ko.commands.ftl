# 명령과 선택 항목의 한국어 이름과 설명. 영어는 명령이 선언된 코드에 있어요.

digest =
    .name = 다이제스트
    .description = 하루의 논문을 추천순으로 보여 줘요
    .option-date = 날짜
    .option-date-description = 어제, 12월 30일, 2025-02-06 같은 날짜. 비워 두면 가장 최근 다이제스트

top =
    .name = 인기
    .description = 추천을 많이 받은 논문을 보여 줘요
    .option-period = 기간
    .option-period-description = 얼마 동안
    .option-topic = 주제
    .option-topic-description = 이 주제의 논문만
    .option-saved = 저장
    .option-saved-description = 이 서버에서 저장하거나 공유한 논문. 누구인지는 숨기고 몇 명인지만 보여 줘요

topic =
    .name = 주제
    .description = 주제로 논문을 찾아요. 한국어와 영어 모두 돼요
    .option-query = 검색어
    .option-query-description = 단어, 따옴표로 묶은 구절. 제외하려면 -단어
    .option-period = 기간
    .option-period-description = 얼마 동안
    .option-votes = 추천
    .option-votes-description = 추천 수가 이만큼 이상인 논문만

author =
    .name = 저자
    .description = 저자의 논문을 찾아요. 이름 순서나 표기가 달라도 돼요
    .option-name = 이름
    .option-name-description = 저자의 이름
    .option-period = 기간
    .option-period-description = 얼마 동안
    .option-votes = 추천
    .option-votes-description = 추천 수가 이만큼 이상인 논문만

paper =
    .name = 논문
    .description = 논문 하나를 자세히 봐요. 요약, 리뷰, 저자, 추천, 링크
    .option-paper = 논문
    .option-paper-description = arXiv 번호, arXiv나 Hugging Face 주소, 제목의 일부

saved =
    .name = 저장
    .description = 저장한 논문을 보여 줘요

saved-list =
    .name = 목록
    .description = 저장한 논문을 메모, 태그와 함께 보여 줘요
    .option-order = 정렬
    .option-order-description = 어떤 순서로 볼지
    .option-tag = 태그
    .option-tag-description = 이 태그를 단 논문만
    .option-search = 검색
    .option-search-description = 논문이나 메모에 나오는 단어

saved-import =
    .name = 가져오기
    .description = Zotero, BibTeX, RIS 파일에 있는 arXiv 논문을 저장해요
    .option-file = 파일
    .option-file-description = 문헌 관리 도구에서 내보낸 BibTeX, RIS, CSL JSON, Zotero RDF

saved-export =
    .name = 내보내기
    .description = 저장한 논문을 Zotero, LaTeX, 스프레드시트용 파일로 받아요
    .option-format = 형식
    .option-format-description = 비워 두면 BibTeX
    .option-tag = 태그
    .option-tag-description = 이 태그를 단 논문만
    .option-search = 검색
    .option-search-description = 논문이나 메모에 나오는 단어

alerts =
    .name = 알림
    .description = 조건에 맞는 새 논문이 나오면 알려 줘요

alerts-add =
    .name = 추가
    .description = 단어, 저자, 기관을 정해 두고 새 논문 알림을 받아요
    .option-keyword = 단어
    .option-keyword-description = 강화 학습, diffusion처럼 제목이나 요약에 나오는 단어. 여러 개는 쉼표로 구분
    .option-author = 저자
    .option-author-description = 저자의 이름. 여러 개는 쉼표로 구분
    .option-institution = 기관
    .option-institution-description = KAIST, 서울대학교 같은 대학이나 회사
    .option-without = 제외
    .option-without-description = 이 단어가 있는 논문은 제외해요
    .option-match = 조합
    .option-match-description = 하나라도 맞는 논문, 또는 모두 맞는 논문만
    .option-votes = 추천
    .option-votes-description = 추천 수가 이만큼 이상이 되면 알려요
    .option-channel = 채널
    .option-channel-description = 나에게 보내는 대신 이 채널에 알려요 (메시지 관리하기 권한 필요)
    .option-when = 언제
    .option-when-description = 바로 또는 모아서. 시각은 미리보기에서 바꿀 수 있어요

alerts-list =
    .name = 목록
    .description = 내 알림을 보고 수정하거나 삭제해요

alerts-remove =
    .name = 삭제
    .description = 알림을 삭제해요
    .option-alert = 알림
    .option-alert-description = 어느 알림

alerts-pause =
    .name = 일시중지
    .description = 알림을 며칠 동안 일시중지해요
    .option-alert = 알림
    .option-alert-description = 어느 알림. 비워 두면 모두
    .option-days = 일수
    .option-days-description = 며칠 동안. 0을 입력하면 다시 받아요

daily =
    .name = 매일
    .description = 이 서버의 채널에 매일 올리는 글

daily-setup =
    .name = 설정
    .description = 그날의 인기 논문을 채널에 올려요
    .option-channel = 채널
    .option-channel-description = 올릴 채널. 비워 두면 이 채널
    .option-time = 시각
    .option-time-description = 09:00, 오전 9시, 아침처럼
    .option-timezone = 시간대
    .option-timezone-description = Asia/Seoul 같은 시간대
    .option-papers = 논문수
    .option-papers-description = 논문 몇 편
    .option-votes = 추천
    .option-votes-description = 추천 수가 이만큼 이상인 논문만
    .option-days = 요일
    .option-days-description = 어느 요일에
    .option-language = 언어
    .option-language-description = 글의 언어
    .option-style = 형식
    .option-style-description = 글의 형식
    .option-when = 시점
    .option-when-description = 이 시각에 바로, 또는 그날 목록이 다 모이면
    .option-when-empty = 논문없을때
    .option-when-empty-description = 논문이 없는 날에 없다고 알릴지, 올리지 않을지
    .option-topic = 주제
    .option-topic-description = /주제처럼 쓴 검색어에 맞는 논문만. -를 입력하면 모든 논문
    .option-role = 역할
    .option-role-description = 글에서 멘션할 역할. @everyone을 고르면 멘션하지 않아요
    .option-our-five = 서버논문
    .option-our-five-description = 주간 형식에서 이 서버가 많이 저장하거나 공유한 논문도 함께 올려요

daily-list =
    .name = 목록
    .description = 이 서버의 일일 게시를 보여 줘요

daily-edit =
    .name = 수정
    .description = 일일 게시를 수정해요. 옵션 없이 쓰면 양식이 열리고, 비워 둔 항목은 그대로예요
    .option-post = 게시
    .option-post-description = 어느 일일 게시
    .option-time = 시각
    .option-time-description = 09:00, 오전 9시, 아침처럼
    .option-timezone = 시간대
    .option-timezone-description = Asia/Seoul 같은 시간대
    .option-papers = 논문수
    .option-papers-description = 논문 몇 편
    .option-votes = 추천
    .option-votes-description = 추천 수가 이만큼 이상인 논문만
    .option-days = 요일
    .option-days-description = 어느 요일에
    .option-language = 언어
    .option-language-description = 글의 언어
    .option-style = 형식
    .option-style-description = 글의 형식
    .option-when = 시점
    .option-when-description = 이 시각에 바로, 또는 그날 목록이 다 모이면
    .option-when-empty = 논문없을때
    .option-when-empty-description = 논문이 없는 날에 없다고 알릴지, 올리지 않을지
    .option-topic = 주제
    .option-topic-description = /주제처럼 쓴 검색어에 맞는 논문만. -를 입력하면 모든 논문
    .option-role = 역할
    .option-role-description = 글에서 멘션할 역할. @everyone을 고르면 멘션하지 않아요
    .option-our-five = 서버논문
    .option-our-five-description = 주간 형식에서 이 서버가 많이 저장하거나 공유한 논문도 함께 올려요

daily-preview =
    .name = 미리보기
    .description = 지금 올리면 어떤 글이 되는지 나만 봐요
    .option-post = 게시
    .option-post-description = 어느 일일 게시

daily-now =
    .name = 지금
    .description = 예정된 시각을 기다리지 않고 지금 올려요
    .option-post = 게시
    .option-post-description = 어느 일일 게시

daily-pause =
    .name = 일시중지
    .description = 일일 게시를 일시중지하거나 다시 시작해요
    .option-post = 게시
    .option-post-description = 어느 일일 게시

daily-remove =
    .name = 삭제
    .description = 일일 게시를 삭제해요
    .option-post = 게시
    .option-post-description = 어느 일일 게시

status =
    .name = 상태
    .description = 받은 다이제스트, 올린 글, 다음 예정, 문제를 보여 줘요

trends =
    .name = 동향
    .description = 월별 주제 동향(논문 수, 추천 수)과 떠오르는 주제를 보여 줘요
    .option-topic = 주제
    .option-topic-description = 한국어나 영어. 비워 두면 모든 논문과 떠오르는 주제
    .option-period = 기간
    .option-period-description = 얼마 동안

sources =
    .name = 출처
    .description = 다이제스트를 어디서 가져오는지, 언제 왔고 언제 다시 확인하는지 보여 줘요

write =
    .name = 쓰기
    .description = Paperround가 직접 쓰는 다이제스트

write-status =
    .name = 상태
    .description = 지금 쓰는 다이제스트, 쓰지 못한 논문과 이유, 오늘 사용한 토큰을 보여 줘요

why =
    .name = 왜
    .description = 논문이 이 채널에 왜 안 올라왔는지, 올라왔다면 언제 올라왔는지 알려 줘요
    .option-paper = 논문
    .option-paper-description = arXiv 번호, arXiv나 Hugging Face 주소, 제목의 일부

help =
    .name = 도움말
    .description = Paperround로 할 수 있는 일을 보여 줘요

choice =
    .w = 최근 7일
    .m = 최근 30일
    .q = 최근 3개월
    .y = 최근 1년
    .a = 전체 기간
    .half-year = 최근 6개월
    .two-years = 최근 2년
    .mon-sun = 매일
    .mon-fri = 평일
    .mon = 월요일
    .tue = 화요일
    .wed = 수요일
    .thu = 목요일
    .fri = 금요일
    .sat = 토요일
    .sun = 일요일
    .mon-wed-fri = 월·수·금
    .tue-thu = 화·목
    .sat-sun = 주말
    .en = 영어
    .ko = 한국어
    .compact = 한 메시지
    .cards = 카드: 논문마다 메시지 하나
    .thread = 스레드: 논문은 스레드 안에
    .forum = 포럼: 하루에 글 하나
    .announcement = 공지: 팔로우한 서버에도 게시
    .weekly = 주간: 뒤늦게 추천이 오른 논문
    .any = 하나라도 맞으면
    .all = 모두 맞을 때만
    .now = 나오는 대로 바로
    .daily = 매일 아침 한 번에 모아서
    .weekly-1 = 매주 월요일 한 번에 모아서
    .hour = 이 시각에, 그때까지 모인 논문으로
    .newest = 최근에 저장한 순
    .oldest = 오래전에 저장한 순
    .votes = 추천순
    .title = 제목순
    .bibtex = BibTeX
    .ris = RIS
    .csl-json = CSL JSON
    .markdown = Markdown
    .csv = CSV
    .complete = 그날 목록이 다 모이면 (이 시각 이후)

me =
    .name = 내정보
    .description = 저장된 내 정보

me-data =
    .name = 받기
    .description = 저장된 내 정보를 모두 파일로 받아요

me-news =
    .name = 소식
    .description = 저장한 논문의 주간 소식을 받을지 정해요

me-forget =
    .name = 삭제
    .description = 저장된 내 정보를 모두 삭제해요

today =
    .name = 오늘
    .description = 저장한 논문과 알림 단어로 고른 오늘의 논문 다섯 편을 보여 줘요
    .option-at = 시각
    .option-at-description = 매일 이 시각에 DM으로도 보내요. 예: 09:00, 오전 9시

look-up-papers =
    .name = 논문 찾기
