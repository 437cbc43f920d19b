# 화면에 나오는 한국어. 마크다운은 디스코드의 것. 해요체로 짧게, 느낌표 없이.

## 디스코드 애플리케이션
application-description = 매일 그날의 인기 머신러닝 논문을 채널에 올려요. 논문을 검색하고, 질문에 맞는 부분을 찾아 주고, 관심 있는 논문이 나오면 알려 줘요. 할 수 있는 일은 /도움말에서 보세요.

## 안 될 때의 대답
outdated-control = 예전 버전의 버튼이나 메뉴예요. 명령어를 다시 입력해 주세요.
busy = 지금 요청이 많아 답하지 못했어요. 잠시 뒤 다시 시도해 주세요.
too-slow = 너무 오래 걸려서 멈췄어요. 그때까지 저장한 내용은 남아 있어요. 나중에 다시 시도하거나 논문 수를 줄여 주세요.
upload-failed = 디스코드에서 첨부 파일을 가져오지 못했어요. 다시 첨부해 주세요.
outdated-command = 명령어가 바뀌었어요. 다시 입력해 주세요. 그래도 안 되면 디스코드를 다시 시작해 주세요.
like-needs-server = `비슷:목록`은 서버의 목록을 기준으로 찾아요. 서버 안에서, 서버 채널의 자동게시에 써 주세요.
like-needs-papers =
    `비슷:목록`을 쓰려면 *우리 목록*에 제목이나 초록이 있는 논문이 { $least }편 이상 있어야 해요. 지금은 { $listed }편 중 { $known }편이에요. 논문 카드의 **우리 목록에 담기**로 담아 주세요. 관리자는 우리 목록의 **파일 가져오기**로 한꺼번에 담을 수 있어요.
needs-manage-server = **서버 관리하기** 권한이 있어야 해요. 서버 관리자에게 부탁해 주세요.
only-in-servers = 서버 안에서만 쓸 수 있어요.
broken = 오류가 나서 처리하지 못했어요. 잠시 뒤 다시 시도해 주세요. 저장하거나 수정하던 중이었다면 반영됐는지 먼저 확인해 주세요. (오류 번호 { $reference })

## 논문 목록
open-paper = 읽을 논문을 고르세요
save-selected = 저장할 논문을 고르세요
list-selected = 우리 목록에 담을 논문을 고르세요
list-more-privately = 나만 보기 · { $count }편
shared-by = { $name }님이 공유했어요
list-by-relevance = 관련도순
list-by-votes = 추천순
list-by-date = 최신순
list-by-oldest = 오래된 순
choose-period = 기간
period-week = 최근 7일
period-month = 최근 30일
period-quarter = 최근 3개월
period-year = 최근 1년
period-all = 전체 기간
period-this-week = 이번 주
period-last-week = 지난주
period-this-month = 이번 달
period-last-month = 지난달
period-this-year = 올해
period-last-year = 작년
period-since = { $date }부터
period-until = { $date }까지
follow-topic = 이 주제 알림 받기
follow-author = 이 저자 알림 받기
follow-institution = 이 기관 알림 받기
share = 채널에 공유
share-done = 이 채널에 공유했어요.
share-done-before = 이미 이 채널에 공유했어요.
share-take-back = 공유 취소
share-taken-back = 공유를 취소하고 채널에서 지웠어요.
list-digest-heading = { $date }의 논문 · { $count }편
list-top-heading = 인기 논문 · { $period }
list-top-topic-heading = { $topic } 인기 논문 · { $period }
list-topic-heading = { $topic } · { $count }편
list-author-heading = { $author } · { $count }편
choice-papers = { $count }편
list-from-heading = { $name }에서 낸 논문 · { $count }편
list-from = { $name }에서 낸 논문 { $count }편
list-in-text = 본문에서 “{ $name }” 찾기
list-absent = “{ $terms }”에 관한 논문이 없어요
list-unlisted-year = { $year }년 다이제스트도, 그 숫자가 나오는 논문도 없어요. 연도는 논문이 나온 해가 아니라 다이제스트의 해예요
list-dates = 다이제스트 날짜: { $period }
list-no-label = “{ $labels }” 라벨이 붙은 출처가 없어요
list-near-topic = 비슷한 주제의 논문
list-today = ### 오늘은 무엇을 읽어 볼까요?
    { $today }에서는 읽을 만한 논문 다섯 편을 골라 드리고, { $digest }에서는 하루치 논문을 모두 볼 수 있어요.
list-similar-heading = 비슷한 논문 · { $title }
list-saved-heading = 저장한 논문 · { $count }편
list-searched = 검색한 말: { $terms }
list-without = { $words } 제외
list-take-back = 다시 포함하기: { $name }
leave-out-note = “{ $term }”도 빼지 않고 찾아요. 빼려면 쉼표를 찍어 주세요: *{ $topic }, { $term } 빼고*
leave-out-topic = 로봇
list-kind-all = { $count ->
    [1] 검색어가 나오지만 주제는 다를 수 있는 논문
   *[other] 검색어가 모두 나오지만 주제는 다를 수 있는 논문
}
list-kind-some = 검색어 일부가 빠진 논문
list-hint-order = 순서를 바꾸려면 *정렬* 옵션이나 아래 메뉴를 이용해 주세요.
list-no-day = 기간 조건이 서로 맞지 않아요: { $since } 이후이면서 { $until } 이전인 날은 없어요
list-no-votes = 추천 수 조건이 서로 맞지 않아요: ▲ { $least } 이상이면서 ▲ { $most } 이하인 논문은 없어요
list-institutions = 소속을 알 수 없는 논문은 나오지 않아요.
list-also = 함께 검색한 관련 용어: { $forms }
related-and-korean = { $forms } (한국어 표현 포함)
list-stale = 검색 색인이 최신이 아니어서 최신 논문이 빠졌을 수 있어요
list-missing = 빠진 검색어: { $terms }
list-corrected = 고쳐서 찾은 말: { $pairs }
list-perhaps = 이렇게도 찾아볼 수 있어요: { $topics }
list-ignored = 검색에 쓰지 못한 조건: { $filters }
list-ignored-forms = { $ignored } ({ $forms }처럼 써 주세요)
list-name-corrected = 이름이 “{ $name }”인 저자는 없어서, 이름이 가장 비슷한 저자의 논문을 보여 드려요
list-other-authors = “{ $name }”에 맞는 저자 { $count }명 중 { $author }의 논문이에요. 다른 저자: { $names }
list-namesakes = 이 이름을 쓰는 저자가 여러 명이에요: { $names }
no-list-topic = ### “{ $topic }”에 맞는 논문이 없어요
no-list-like = ### 최근 논문 가운데 우리 목록과 비슷한 것이 없어요.
no-list-topic-left-out =
    ### 뺄 말만 있고 찾을 말이 없어요
    찾을 말을 함께 적어 주세요. 예: **로봇 -서베이**
no-list-topic-author = ### “{ $topic }”에 관한 논문은 없지만, 그런 이름의 저자가 있어요
no-list-topic-nobody = ### “{ $topic }”에 관한 논문도, 그런 이름의 저자도 없어요
no-list-author-papers = ### “{ $author }”의 논문 중에 조건에 맞는 논문이 없어요
no-list-author = ### “{ $author }” 저자를 찾지 못했어요
no-list-top = ### 논문이 없어요 · { $period }
no-list-top-topic = ### “{ $topic }” 논문이 없어요 · { $period }
no-list-digest = ### { $date }에는 논문이 없어요
no-list-digest-yet = ### { $date }은 아직 오지 않은 날이에요
no-list-similar = 아직 이 논문과 비슷한 논문이 없어요.
no-list-saved = ### 저장한 논문이 아직 없어요
    논문에서 **저장**을 누르면 여기에 모여요. Zotero, BibTeX, RIS 파일에 있는 논문은 **파일 가져오기**로 가져올 수 있어요.
archive-extent = { $first }부터 { $last }까지 논문 { $count }편이 있어요.
archive-extent-day = { $day }의 논문 { $count }편이 있어요.
archive-empty = 보여 드릴 논문이 없어요. 다음 다이제스트가 들어오면 여기에 논문이 나와요.
try-instead = 이렇게 찾아보세요:
try-name = 철자가 다르거나, 아직 논문이 없거나, 논문에 저자가 표시되지 않았을 수 있어요.
without-filters = 조건 없이
newest-digest = 최신 논문
nearest-digest = { $date } 논문
page-before = ◀ { $page }쪽
page-after = 다음 ({ $page }/{ $pages }) ▶

## 다이제스트의 날짜
day-today = 오늘
day-yesterday = 어제
choose-day = 다른 날짜
card-listed = { $date } 다이제스트
card-new = { $date } 새 논문
also-listed = { $date } 다이제스트에도 실림
list-digest-rest = 이날 arXiv 분야에만 올라온 논문이 { $count }편 더 있어요
list-digest-of-period = { $period } 다이제스트 { $count }개 중 최신이에요. 다른 날짜는 메뉴에서 고르세요

## 저장한 논문
saved-tags = 태그
all-papers = 모든 논문
saved-search = 검색
saved-search-label = 단어나 #rl 같은 태그
saved-search-hint = 확산 모델 #unread
saved-show-all = 모두 보기
saved-filter = “{ $query }” 검색 결과
saved-none-found = ### 저장한 논문 중에 “{ $query }”에 맞는 논문이 없어요
saved-export = 파일로 내보내기
saved-on = { $date } 저장
saved-note = 메모: { $note }
saved-edit = 메모·태그
saved-note-label = 나만 보는 메모
saved-tags-label = 태그는 쉼표로 나눠서 { $count }개까지, 하나에 { $length }자까지
saved-tags-left = 태그로 저장하지 않은 말: { $names }. 태그는 한 논문에 { $count }개까지, 하나에 { $length }자까지 쓸 수 있고, #unread 같은 필터 이름은 태그로 쓸 수 없어요.
saved-tags-hint = 강화학습, 세미나
saved-nothing-to-export = 내보낼 논문이 없어요.
saved-not-any-more = 이제 저장되어 있지 않은 논문이에요.
saved-full = 논문은 { $count }편까지 저장할 수 있어요. 먼저 몇 편을 삭제해 주세요.
saved-exported = { $format } 파일 · 논문 { $count }편
saved-export-too-large = 파일이 디스코드 업로드 한도보다 커요. 태그나 검색으로 좁혀서 내보내 주세요.
address = 목록 주소
address-what = 이 주소를 아는 사람은 누구나 목록의 논문을 볼 수 있어요. 메모, 태그, 멤버 이름은 나오지 않아요. Overleaf나 BibTeX 도구에서 파일을 언제든 다시 불러올 수 있고, 피드 리더에서는 새로 담은 논문이 보여요. 검색 엔진에는 나오지 않게 해 두었어요.
address-renew = 새 주소로 바꾸기
address-close = 주소 닫기
address-closed = 주소를 닫았어요. 이제 그 주소로는 목록을 볼 수 없어요.
address-no-web = 목록 주소는 웹 페이지로 열리는데, 이 봇은 웹 페이지를 켜지 않았어요. 봇 운영자가 `PAPERROUND_WEB`과 `PAPERROUND_WEB_URL`을 설정해야 해요.
saved-import = 파일 가져오기
saved-import-file = 참고문헌 파일
saved-import-tags = 파일의 태그와 키워드도 가져오기
saved-import-file-hint = Zotero나 BibTeX에서 내보낸 파일, 표 등 텍스트 파일(2MB까지)
saved-import-no-ids = 이 파일에서 arXiv 번호나 DOI, 논문 제목을 찾지 못했어요. BibTeX, RIS, CSV 같은 텍스트 파일로 내보내서 올려 주세요.
saved-import-too-large = 파일이 { $megabytes }MB보다 커요. 첨부 파일과 초록을 빼고 일부만 내보내서 올려 주세요.
saved-import-too-slow = 시간 안에 파일을 다 읽지 못했어요. 일부만 내보내거나 BibTeX 같은 다른 형식으로 내보내서 올려 주세요.
saved-import-unreadable = 봇이 이 파일을 읽지 못했어요. BibTeX 같은 다른 형식으로 내보내서 올려 주세요.
saved-import-too-many = 참고문헌이 { $count }편보다 많아요. 저장할 수 있는 논문의 두 배가 넘으니, 일부만 내보내서 올려 주세요.
saved-imported = ### { $count ->
        [0] 새로 저장한 논문이 없어요
       *[other] 논문 { $count }편을 저장했어요
    }
saved-import-unlisted = { $count }편은 다이제스트에 실린 적이 없어서 제목을 arXiv에서 가져와요
saved-import-undo = 되돌리기: 저장 목록에서 빼기
saved-import-repeated = { $count }편은 파일에 또 나와요
saved-import-known = { $count }편은 이미 저장되어 있어요
saved-import-skipped = { $count }편은 arXiv 번호나 DOI가 없고 같은 제목의 논문도 없어서 건너뛰었어요
saved-import-unasked = { $count }편은 arXiv 번호나 DOI가 없고, 지금은 arXiv에서 제목으로 찾아보지 못했어요. arXiv에 있을 만한 논문이면 내일 같은 파일을 다시 올려 주세요
saved-import-never-asked = { $count }편은 arXiv 번호나 DOI가 없고 같은 제목의 논문도 보관되어 있지 않아서 건너뛰었어요. 이 봇은 arXiv에 제목을 물어보지 않아요
saved-import-full = { $count }편은 저장하지 못했어요. { $most }편까지만 저장할 수 있어요. 몇 편을 삭제한 다음 같은 파일을 다시 올려 주세요

## 논문 카드
no-summary = 이 논문의 요약은 아직 없어요.
choose-chapter = 리뷰 읽기
choose-chapter-other-language = 영어 리뷰: 장 고르기
back-to-paper = 논문으로 돌아가기
chapter = { $number }장
save = 저장
unsave = 저장됨 · 취소
open-web = 웹에서 보기
similar = 비슷한 논문
authors = 저자 모두 보기
cite = 인용하기 (BibTeX)
basis-paper = 논문 전문을 읽고 작성
basis-abstract = 초록을 읽고 작성
basis-extract = 초록에서 발췌
basis-extract-in-other-language = 영어 초록에서 발췌
basis-huggingface = Hugging Face 요약 · 초록 기반
written-from-paper = { $model } 모델이 논문 전문을 읽고 작성
written-from-abstract = { $model } 모델이 초록을 읽고 작성
summary-listing = Hugging Face 요약 · 초록 기반
summary-abstract = 논문 초록
summary-listing-in-other-language = Hugging Face 영어 요약 · 초록 기반
summary-in-other-language = 한국어 요약이 없어 영어로 보여 드려요
review-in-other-language = 한국어 리뷰가 없어 영어로 보여 드려요
label-whats-new = 새로운 점
label-technical-details = 방법
label-performance-highlights = 성능
listed-in = 출처: { $places }
format-newsletter = 뉴스레터 { $date }
format-review = 리뷰 { $date }
format-listing = Hugging Face 목록 { $date }
format-list = 목록 { $date }
format-look-up = 새 논문 { $date }
no-paper = “{ $paper }” 논문을 찾지 못했어요. 2502.02737 같은 arXiv 번호, DOI, 논문 주소, 제목의 일부로 찾을 수 있어요.
papers-in-message = ### 이 메시지의 논문 { $count }편
in-no-digest = 다이제스트에 없음
no-paper-in-message = 이 메시지에서 논문을 찾지 못했어요. 논문 주소나 DOI, arXiv 번호가 없어요.
published-on = { $date } 공개
paper-withdrawn = 저자가 철회한 논문
paper-withdrawn-by-arxiv = arXiv가 철회한 논문
paper-version = arXiv 버전 { $version }
paper-fetched = 아직 다이제스트에 실리지 않은 논문이라 arXiv에서 정보를 가져왔어요
lookup-unknown = arXiv에 { $paper } 논문이 없어요. 번호를 확인해 주세요.
lookup-off = { $paper } 논문은 다이제스트에 실린 적이 없어요. 데모는 네트워크를 쓰지 않아서 arXiv에 물어보지 않아요.
lookup-unreachable = { $paper } 논문은 다이제스트에 실린 적이 없고, 지금은 arXiv가 응답하지 않아요. 몇 분 뒤에 다시 검색해 주세요.
lookup-late = { $paper } 논문은 다이제스트에 실린 적이 없고, arXiv의 응답이 늦어지고 있어요. 1분쯤 뒤에 다시 검색해 주세요.
lookup-limited = { $paper } 논문은 다이제스트에 실린 적이 없어요. 이런 논문은 하루에 20편까지만 가져올 수 있으니 내일 다시 검색해 주세요.
lookup-hidden = { $paper } 논문은 이 봇의 운영자가 숨겨 두었어요.
lookup-elsewhere = 아직 어느 출처에도 { $paper } 논문의 정보가 없어요. 이 봇은 arXiv에만 정보를 물어봐요. 보관하려면 참고문헌 관리 프로그램에서 BibTeX나 RIS로 내보낸 파일을 { $saved } 명령어에서 가져오세요. 이 논문이 실린 피드나 목록은 봇 운영자가 출처로 추가할 수 있어요.
open-page = { $place ->
    [DOI] 출판사 페이지
   *[other] { $place }에서 열기
}
paper-elsewhere = arXiv 논문이 아니라서 본문과 버전은 확인하지 않고, 추천 수는 다이제스트에 적힌 값만 보여 드려요
no-paper-near = 제목이 일치하는 논문은 없어서 입력한 말로 검색했어요
no-paper-alike = 제목이 일치하는 논문은 없어서 가장 비슷한 이름으로 검색했어요
no-chapter = 리뷰가 바뀌어 그 장이 없어졌어요. 논문을 다시 열어 주세요.
paper-saved = { $count ->
    [1] 저장했어요.
   *[other] 논문 { $count }편을 저장했어요.
} { $command }에서 다시 볼 수 있어요.
authors-heading = ### { $title }의 저자
choose-author = 저자의 논문 보기
authors-listed = 저자 { $count }명{ $truncated ->
    [yes] {" (다이제스트에는 일부만 있어요)"}
   *[no] {""}
}
cite-heading = ### { $title } 인용하기

## 글
copied-post = 📰 { $date }에 올라온 [글]({ $url })을 한국어로 보여 드려요
plain-heading = { $kind ->
    [alert] 🔔 알림에 맞는 새 논문
    [today] 오늘의 맞춤 논문
    [news] 저장한 논문의 새 소식
   *[other] 📰 오늘의 논문
} · { $date }
plain-note = 디스코드가 원래 메시지를 거부해서 링크만 올려요.
post-pick = 논문을 고르세요: 읽기, 저장, 우리 목록
post-ask = 주제로 검색
post-on-topic = 이 주제의 논문 모두 보기
post-follow = 주제 알림 받기
link-code = 코드
link-project = 프로젝트
language-en = English
language-ko = 한국어
schedule = { $days } { $time } ({ $zone })
schedule-complete = { $days } { $time } 이후 ({ $zone }), 그날 목록이 확정되면
every-day = 매일
workdays = 평일
on-day = 매주 { $day }
on-days = 매주 { $days }요일
post-name-daily = 매일
post-name-workdays = 평일
post-name-number = { $id }번
post-name-complete = 목록이 확정되면
on-days-separator = ·
more-inside = 나머지는 **읽기**를 누르면 볼 수 있어요.
more-at-links = 나머지는 아래 링크에서 볼 수 있어요.
read = 읽기
read-paper = { $id } 열어서 저장하기
alert-more = { $count }편 더 보기
alert-day = 그날의 논문 모두 보기
post-week = 그 주의 논문 모두 보기
post-days = 이 기간의 논문 모두 보기
alert-manage = 알림 관리
alert-first = 그중 앞의 { $shown }편이에요. 나머지는 따로 보내지 않으니 버튼을 눌러 모두 보세요.
alert-show-all = { $count }편 모두 보기

## 멈춘 이유
see-status = 상태 보기
resume-post = 다시 시작하기
reason-unknown = 이유를 알 수 없어요.
reason-unknown-channel = 채널이나 스레드를 찾을 수 없어요. 채널이 삭제됐다면 다른 채널에서 새로 설정해 주세요.
reason-target-gone = 이어서 올릴 메시지나 스레드가 삭제됐어요.
reason-guild-left = Paperround가 그 서버에 없어요. 다시 초대하면 이어서 보내요.
reason-no-access = 채널을 볼 수 없어요. 채널 설정 › 권한에서 Paperround에 **채널 보기**를 켜 주세요.
reason-no-permission = 글을 올리는 데 필요한 권한이 없어요. 채널 설정 › 권한에서 Paperround에 **채널 보기**와 **메시지 보내기**를 켜 주세요.
reason-no-send = **메시지 보내기** 권한이 없어요. 채널 설정 › 권한에서 Paperround에 켜 주세요.
reason-no-send-in-threads = **스레드에서 메시지 보내기** 권한이 없어요. 채널 설정 › 권한에서 Paperround에 켜 주세요.
reason-no-threads = **공개 스레드 만들기** 권한이 없어요. 채널 설정 › 권한에서 Paperround에 켜 주세요.
reason-no-history = **메시지 기록 보기** 권한이 없어서 글이 올라갔는지 알 수 없어요. 채널을 확인하고, 글이 없으면 다시 올려 주세요. 다음부터 확인할 수 있게 채널 설정 › 권한에서 Paperround에 이 권한을 켜 주세요.
reason-no-polls = 스터디 투표를 열 수 없어요. 채널 설정 › 권한에서 Paperround에 **투표 만들기**와 **메시지 보내기**를 켜 주세요.
reason-no-events = 스터디 이벤트를 만들 수 없어요. 서버 설정 › 역할에서 Paperround에 **이벤트 만들기**를 켜 주세요.
reason-dms-closed = DM을 받지 않도록 설정되어 있어요. Paperround와 함께 있는 서버의 개인정보 보호 설정에서 DM을 허용한 뒤, 알림에서 **다시 받기**를 눌러 주세요.
reason-no-shared-server = Paperround와 함께 있는 서버가 없어서 DM을 보낼 수 없어요. 앱을 내 계정에 설치하거나 Paperround가 있는 서버에 들어간 뒤, 알림에서 **다시 받기**를 눌러 주세요.
reason-thread-locked = 스레드가 잠겨 있어요. 잠금을 풀어 주세요.
reason-tag-needed = 글마다 태그가 필요한 포럼이에요. 태그 없이 글을 올릴 수 있게 하거나 다른 채널을 골라 주세요.
reason-wrong-channel-kind = 이 종류의 채널에는 지금 형식으로 올릴 수 없어요. 형식을 바꾸거나 다른 채널에서 새로 설정해 주세요.
reason-refused-content = 내용 때문에 디스코드가 메시지를 거부했어요. 가장 간단한 형식으로도 올리지 못했어요. 서버의 AutoMod 규칙을 확인해 주세요. 자세한 내용은 운영자가 로그에서 볼 수 있어요.
reason-left-out = AutoMod 규칙 등으로 디스코드가 링크도 받아 주지 않아서 이 논문만 빠졌어요.
reason-plain = AutoMod 규칙 등으로 디스코드가 제목이나 다른 문구를 받아 주지 않아서 링크만 올렸어요.
reason-discord-trouble = 디스코드에 문제가 생겼어요. 자동으로 다시 시도해요.
reason-rate-limited = 디스코드가 요청 속도를 제한했어요. 자동으로 다시 시도해요.
reason-too-old = 제때 보내지 못해서 건너뛰었어요.
reason-uncertain = 메시지가 전송됐는지 알 수 없어요. 채널에 올라오지 않았다면 다시 올려 주세요.
reason-webhook-gone = 디스코드가 이 웹훅을 받아 주지 않아요. 삭제됐거나 주소가 잘못됐을 수 있어요. 새 웹훅은 다른 자동 게시가 되니까, 이 게시는 설정 파일에 `webhook = "ID"`(주소에 있는 번호)와 `removed = true`를 적어서 끝내 주세요. 올바른 주소를 아직 넣지 않았다면 설정 파일이나 거기에서 쓰는 시크릿에 그 주소나 새 웹훅(채널 설정 › 연동)의 주소를 넣어 주세요. 저장소로 게시한다면 docs/no-server.md의 “To replace a webhook”을 먼저 읽어 주세요.
reason-by-hand = 수동으로 일시중지했어요.

## 찾아보기
no-words = 단어를 하나 이상 입력해 주세요.
no-date = 날짜나 기간을 이해하지 못했어요: “{ $text }”. { $example }, 12월 30일, 지난주처럼 입력해 주세요.
may-not-take-back = Paperround가 이 채널을 볼 수 없어서 지우지 못했어요.
may-not-share = 이 채널에 메시지를 보낼 권한이 없어서 공유할 수 없어요.
topic-form-label = 어떤 주제의 논문을 찾을까요?
topic-form-hint = 강화 학습, 확산 모델, reasoning
and-more = 외 { $count }개
left-out = 외 { $count }개: **{ $button }**

## 알림
alert-create = 알림 만들기
alert-undo = 실행 취소
alert-edit-conditions = 조건 수정
change = 수정
remove = 삭제
resume = 다시 받기
back = 돌아가기
alert-made = 알림을 만들었어요.
alert-changed = 알림을 수정했어요.
alert-exists = 이미 같은 알림이 있어요.
alert-would = { $count ->
    [0] 지난 30일 동안 조건에 맞는 논문이 없었어요.
    [1] 지난 30일 동안 조건에 맞는 논문이 1편 있었어요:
   *[other] 지난 30일 동안 조건에 맞는 논문이 { $count }편 있었어요. 최근 논문:
}
alert-wider = 조건을 넓히면 지난 30일 동안 { $count }편이 있었어요: { $alert }
alert-widen = 조건 넓히기
alert-related = 관련 용어도 함께 찾아요: { $forms }. 따옴표로 묶으면 그 표현만 찾아요.
alert-dm = DM
alert-timing-now = 즉시
alert-timing-daily = 매일 { $time }
alert-timing-weekly = 매주 { $day }요일 { $time }
alert-at-most-a-day = 하루에 메시지 최대 { $count }개
card-more = 더 보기: 비슷한 논문, 인용, 알림
papers-from = { $name }에서 낸 논문
follow-kind-keyword = 이 주제 알림 받기
follow-kind-institution = 이 기관 알림 받기
follow-kind-author = 이 저자 알림 받기
alert-or = { " 또는 " }
alert-and = { ", " }
alert-word = “{ $text }”
alert-exactly = 정확히 “{ $text }”
term-keyword = { $match ->
    [all] { $terms }
   *[any] { $terms } 논문
}
term-author = { $match ->
    [all] 저자 { $terms }
   *[any] { $terms }의 논문
}
term-institution = { $match ->
    [all] 기관 { $terms }
   *[any] { $terms } 소속 저자의 논문
}
alert-author = { $text }의 논문
alert-any = { $terms }
alert-all = { $terms }에 모두 맞는 논문
alert-without = { $alert } ({ $words } 제외)
alert-with-votes = { $alert }, ▲ { $votes } 이상
refused-no-terms = 뺄 말 말고도 단어, 저자, 기관 중 하나는 입력해 주세요. 예: **강화 학습**
refused-too-many-terms = 알림 하나에는 단어와 이름을 { $most }개까지 넣을 수 있는데 { $count }개를 넣었어요. 나머지는 다른 알림으로 만들어 주세요.
refused-too-many-excluded-words = 제외할 단어는 { $most }개까지인데 { $count }개를 넣었어요. 자주 나오는 것만 남겨 주세요.
refused-text-too-long = 단어나 이름 하나는 { $most }자까지인데 { $length }자예요: “{ $text }”. 줄이거나, 여러 개라면 쉼표로 구분해 주세요.
refused-no-letters = “{ $text }”에는 검색할 글자가 없어요. **강화 학습**처럼 적어 주세요.
refused-only-particles = “{ $text }” 같은 말은 너무 흔해서 알림을 만들 수 없어요. **확산 모델**처럼 구체적인 단어를 넣어 주세요.
refused-no-institution = “{ $text }”만으로는 어떤 기관인지 알 수 없어요. **서울대학교**처럼 전체 이름을 적어 주세요.
refused-like-list = 우리 목록과 비슷한 논문은 알림이 아니라 자동 게시로 받을 수 있어요. **/자동게시 설정**의 주제에 *비슷:목록*을 넣어 주세요.
refused-last-name = 성이 “{ $text }”인 저자가 여러 명이에요. 이름을 모두 적어 주세요. 예: **{ $author }**
refused-too-many = 알림은 { $most }개까지 만들 수 있어요. 하나를 삭제한 다음 만들어 주세요.
refused-gone = 이미 삭제된 알림이에요. 새로 만들어 주세요.
alert-not-possible = 이 조건으로는 알림을 만들 수 없어요. **강화 학습**처럼 단어나 이름을 적어 주세요.
alert-no-such-channel = 알림은 텍스트 채널과 공지 채널에만 보낼 수 있어요.
needs-manage-messages = { $channel }에 알림을 만들려면 그 채널의 **메시지 관리하기** 권한이 있어야 해요.
needs-mention-role = { $channel }에서 { $role } 역할을 멘션할 권한이 없어요. 누구나 멘션할 수 있는 역할을 고르거나, **@everyone, @here, 모든 역할 멘션하기** 권한이 있는 사람에게 부탁해 주세요.
topic-asks-nothing = 뺄 말 말고 찾을 검색어를 입력해 주세요. 예: **diffusion -survey**. 단어, 저자(저자:), 기관(기관:), 최소 추천 수(추천:)를 합쳐 200자까지 쓸 수 있어요.
topic-has-period = 자동게시와 알림은 새로 올라오는 논문을 다뤄요. “{ $text }” 같은 기간은 빼 주세요.
channel-not-here = 이 서버에 없는 채널이에요. 삭제된 채널일 수도 있어요.
bot-lacks-permissions = Paperround가 아직 { $channel }에 글을 올릴 수 없어요. 채널 설정 › 권한에서 { $permissions } 권한을 켠 다음 다시 시도해 주세요.
rights-unknown = 그 서버의 채널과 권한을 확인하지 못했어요. 몇 분 뒤에 다시 시도해 주세요.
no-alerts = 알림이 아직 없어요. 목록 아래의 **이 주제 알림 받기**를 누르거나 { $command } 명령어로 만들어 보세요.
no-alert = 알림을 찾을 수 없어요. { $command } 명령어로 내 알림을 볼 수 있어요.
alerts-heading = 내 알림 · { $count }개
alerts-here = 이 채널의 알림 · { $count }개
alerts-in-channel = { $channel } 알림 · { $count }개
alert-of = 만든 사람 { $owner }
alert-matched = 알림 조건에 맞는 논문 · { $count }편
alert-pick = 수정할 알림을 고르세요
alert-active = 받는 중
alert-right-lost = 지금은 보내지 않아요. { $at }부터 알림을 만든 사람에게 그 채널의 **메시지 관리하기** 권한이 없어요. 이 권한이 있는 사람은 누구나 알림을 이어받을 수 있어요. 30일 안에 권한이 돌아오면 자동으로 다시 보내요.
alert-take-over = 이어받기
alert-taken-over = { $count ->
    [0] 이미 다시 보내고 있는 알림이에요.
    [1] 알림을 이어받았어요. 이제 다시 보내요.
   *[other] 알림 { $count }개를 이어받았어요. 이제 다시 보내요.
}
alert-resting = 일시중지
pause = 일시중지
alert-removed = 삭제했어요: { $alert }
alert-form-conditions = 단어, 저자, 기관 중 하나 이상
alert-form-keyword = 단어
alert-form-keyword-hint = 강화 학습, diffusion
alert-form-author = 저자
alert-form-author-hint = 김건우, Sergey Levine
alert-form-institution = 기관
alert-form-institution-hint = KAIST, 서울대학교
alert-form-without = 제외할 단어
alert-form-without-hint = 서베이, survey
alert-form-when = 언제
alert-form-now = 새 논문이 나오면 바로 알리기
alert-form-daily = 매일 한 번 모아서 알리기
alert-form-weekly = 매주 { $day }에 모아서 알리기
form-time-hint = 오전 9시, 21:30, 오전 9시 서울. 지역이 없으면 아래 시간대 기준
form-zone-hint = 서울, Asia/Seoul
alert-form-votes = 최소 추천 수
votes-not-a-number = 추천 수는 10처럼 0에서 99999 사이의 숫자로 적어 주세요.

## 자동 게시
setup-first = 첫 게시: { $at } ({ $relative }) · 내 시간대 기준
setup-rule = { $style ->
    [weekly] 그날까지 7일 동안의 논문을 올리고, 새 논문이 없는 주는 건너뛰어요.
   *[other] 그때까지 나온 최신 논문을 올리고, 새 논문이 없는 날은 건너뛰어요.
}
setup-form-channel = 채널
setup-form-time = 시각
setup-form-time-hint = 오전 9시, 21:30, 오전 9시 서울
setup-form-time-empty = 비워 두면 그날 목록이 확정되는 대로, 주간이거나 출처를 정했으면 오전 9시에 올려요
setup-form-topic = 주제
setup-form-topic-hint = 강화 학습, diffusion, 저자:이름
setup-form-papers = 논문 수
setup-form-days = 요일
setup-form-language = 언어
setup-form-style = 형식
setup-form-topic-empty = 비워 두면 모든 주제. 비슷:목록은 우리 목록과 비슷한 논문{ $missing ->
        [0] {""}
       *[other] {" "}(목록에 { $missing }편 더 필요)
    }
preview-like = 논문 { $count }편 중 { $like }편이 우리 목록과 비슷해요.{ $title ->
        [none] {""}
       *[other] {" "}그다음은 *{ $title }*인데, 필요한 유사도의 { $share }%예요.
    }
setup-tag = 게시물 태그
setup-start = 시작하기
setup-replaced = 기존 자동 게시를 바꾸면 그다음 글부터 새 설정을 따라요. 오늘 글이 이미 올라왔다면 내일부터예요.
setup-replace = 기존 자동 게시 바꾸기
setup-exists = { $channel }에는 자동 게시가 이미 { $count ->
    [1] 있어요
   *[other] { $count }개 있어요
}
permissions-ready = 필요한 권한이 모두 있어요
permissions-missing = 부족한 권한이 있어요:
permission-view-channel = 채널 보기
permission-send-messages = 메시지 보내기
permission-read-message-history = 메시지 기록 보기
permission-create-public-threads = 공개 스레드 만들기
permission-send-messages-in-threads = 스레드에서 메시지 보내기
permission-embed-links = 링크 첨부
permission-mention-everyone = @everyone, @here, 모든 역할 멘션하기
permission-send-polls = 투표 만들기
permission-create-events = 이벤트 만들기
permission-where = 채널 설정 › 권한에서 Paperround에 켜 주세요
subscription-papers = 추천순으로 { $count }편
subscription-most = 공지 형식의 최대 편수
subscription-week = 최근 7일 논문
subscription-votes = ▲ { $votes } 이상
subscription-topic = 주제: { $topic }
topic-joiner = { ", " }
topic-or = 또는
topic-by = 저자 { $name }
topic-from = { $name } 소속
topic-in = { $name } 발표
topic-like = 우리 목록과 비슷한 논문
topic-votes = ▲ { $votes } 이상
subscription-source = { $source }의 논문만
subscription-mention = { $role } 멘션
style-compact = 간략
style-cards = 카드
style-thread = 스레드
style-forum = 포럼
style-announcement = 공지
style-weekly = 주간
subscription-heading = { $channel } { $style ->
    [weekly] 주간 자동 게시
   *[other] 자동 게시
}
subscriptions-heading = 이 서버의 자동 게시 · { $count }개
subscription-option = { $id }번 · { $style }
subscription-pick = 자동 게시를 고르세요
subscription-preview = 미리보기
subscription-now = 바로 올리기
subscription-all = 모두 보기
subscription-started = 설정했어요
subscription-edited = 수정했어요
subscription-edit = 최소 추천 수와 출처는 { $command } 명령어의 **추천**과 **출처** 옵션으로 바꿀 수 있어요.
subscription-paused = 일시중지했어요
subscription-exists = 이 채널에 이미 있는 자동 게시예요
subscription-resumed = 다시 시작했어요
subscription-removed = { $post } 자동 게시를 삭제했어요. 이미 올라온 글은 그대로 남아요.
subscription-remove-sure = { $post } 자동 게시를 삭제할까요? 일시중지하면 설정은 남아요.
subscription-posting = 곧 { $channel }에 올라가요.
subscription-nothing-new = { $channel }에 새로 올릴 논문이 없어요. 조건에 맞는 최신 논문은 이미 올렸거나, 최근에 들어오지 않았어요.
subscription-already = 이 채널에는 시각, 언어, 형식, 주제, 출처가 같은 자동 게시가 이미 있어요.
subscriptions-too-many = 자동 게시는 서버마다 { $most }개까지 만들 수 있어요. 하나를 삭제한 다음 만들어 주세요.
subscription-which = 이 서버에는 자동 게시가 여러 개 있어요. **게시** 옵션에서 하나를 골라 주세요.
no-such-post = 이 서버에는 “{ $name }” 자동 게시가 없어요. 지금 있는 자동 게시: { $posts }
no-subscription = 자동 게시를 찾을 수 없어요. { $command } 명령어의 **게시** 옵션에서 골라 주세요.
no-subscriptions = 이 서버에는 자동 게시가 아직 없어요. { $command } 명령어로 만들어 보세요.
next-at = 다음: { $at } · 그때까지 들어온 새 논문
next-complete = 오늘 목록이 확정되기를 기다리는 중이에요. 늦어도 { $until }에는 올려요
next-unprepared = 올릴 논문은 있지만 글이 아직 준비되지 않았어요. 1분마다 다시 시도해요. 계속 이러면 봇 운영자가 로그에서 이유를 확인할 수 있어요
next-waiting = 새 논문을 기다리는 중이에요 (늦어도 { $until }까지)
preview-note = **미리보기:** 지금 올리면 이렇게 보여요.
preview-first-card = 논문 { $count }편이 한 편씩 { $style ->
        [thread] 스레드에
       *[other] 메시지로 이어서
    } 올라와요. 아래는 첫 번째 논문이에요.
preview-nothing-new = **미리보기:** 지금은 새로 올릴 논문이 없어서, 가장 최근 논문으로 보여 드려요.
preview-topic = { $count ->
    [0] **미리보기:** 지난 30일 동안 이 주제에 맞는 논문이 없었어요. 제목과 요약에 자주 쓰이는 더 넓은 표현으로 바꿔 보세요.
   *[other] **미리보기:** 지금은 이 주제에 맞는 새 논문이 없어요. 지난 30일 동안에는 { $count }편 있었어요.
}
preview-none = **미리보기:** 지금은 이 설정으로 올릴 논문이 없어요.
more-settings = 추가 설정
subscription-form-again = 입력한 내용 다시 열기
subscription-silent = 알림 소리 없이 게시
subscription-tag = { $tag } 태그를 붙여요
subscription-form-role = 멘션할 역할
form-time = 시각
form-zone = 시간대
time-not-understood = 시각을 이해하지 못했어요: “{ $text }”. 오전 9시, 21:30, 아침처럼 적어 주세요. 시간대는 뒤에 적어요: 오전 9시 KST.
zone-unknown = 시간대를 이해하지 못했어요: “{ $text }”. 서울, Europe/Berlin, KST처럼 적어 주세요.
channel-not-postable = 자동 게시는 텍스트, 공지, 포럼 채널에만 올릴 수 있어요.
source-needs-topic = 이 출처에는 그날의 새 논문이 모두 들어오고, 대부분 추천 수가 없어요. 이 출처에서 매일 올리려면 **주제**도 정해 주세요.
no-such-source = **{ $source }** 출처를 찾지 못했어요. 옵션에 나오는 출처 중에서 골라 주세요.
style-does-not-fit = { $style ->
    [forum] 포럼 형식은 포럼 채널에만 올릴 수 있어요.
    [announcement] 공지 형식은 공지 채널에만 올릴 수 있어요.
   *[other] 포럼 채널에는 포럼 형식으로만 올릴 수 있어요.
}

## 상태
status-heading = 상태
status-digest = 최신 논문: { $date } · 마지막 업데이트 { $read }
status-stopped = **{ $days }일째 새 논문이 없어요** (마지막: { $date })
status-stopped-unknown = 오류가 난 출처는 없어요
status-stopped-do = 운영자에게 { $command } 명령어로 원인을 확인해 달라고 해 주세요. 논문이 다시 들어오면 자동으로 이어서 올려요.
status-discord-troubled = 지금 디스코드가 요청을 제한하거나 제대로 응답하지 않아요. 풀리는 대로 밀린 글을 올려요.
status-no-digest = 아직 들어온 다이제스트가 없어요.
status-no-source = 아직 출처가 없어요. 운영자가 { $command } 명령어로 첫 출처를 추가할 수 있어요.
status-no-post = 볼 수 있는 채널에는 자동 게시가 없어요.
status-last = { $what }: { $at }
status-needs-list = ***우리 목록*에 논문이 { $count }편 더 있어야 올라와요**
status-silent = { $since ->
        [yes] 그 뒤로는
       *[no] 아직
    } 이 채널에 새로 올릴 { $narrowed ->
        [topic] 주제에 맞는{" "}
        [settings] 설정한 조건에 맞는{" "}
       *[no] {""}
    }논문이 없어 글을 올리지 않았어요. 늦게 나온 논문은 다음 글에 올라와요.
status-post = { $date } 글
status-to-you = 나에게 보내는 메시지
status-club = 스터디
status-discussion = 토론
status-alerts = 내 알림 { $count }개
status-alerts-paused = 일시중지: { $count }개
delivery-waiting = 거부됨, 다시 시도할 예정
delivery-uncertain = 전송됐는지 알 수 없음
delivery-stopped = 보내지 못함
delivery-left-out = 빠진 논문: { $papers }
delivery-plain = { $count ->
    [0] 간단한 글로 올림
   *[other] 제목 없이 올린 논문: { $papers }
}
post-again = 다시 올리기
try-post-now = 지금 다시 시도
posting-again = 곧 다시 올라가요.
nothing-to-post-again = 이미 해결되어서 다시 올릴 글이 없어요.

## 도움말
help-heading = Paperround
help-show = 할 수 있는 일 보기
help-intro =
    오늘의 머신러닝 논문과 지난 논문을 보여 드려요. 답변은 공유하기 전까지 나만 볼 수 있어요.
    -# ▲ = Hugging Face 추천 수(업보트)나 다이제스트에 적힌 추천 수, 모르면 ▲ – · 다이제스트 = 하루의 논문 목록
help-set-up = 자동 게시 설정하기
# The sections of /help, and the commands of each in their order.
help-reading = 읽기
    .today = 오늘의 맞춤 논문 5편
    .digest = 그날의 논문
    .top = 인기 논문
    .topic = 주제로 검색, 한국어와 영어 모두. 빼려면 `-서베이`라고 쓰거나 쉼표를 찍고 끝에 적어요(*로봇, 서베이 빼고*). 둘 중 하나면 *또는*을 넣어요
    .author = 저자로 검색
    .paper = 논문 하나 자세히 보기
    .ask = 보관된 논문 전체나 한 편에 질문해서 가장 가까운 부분 보기
    .trends = 월별 주제 동향과 떠오르는 주제
help-look-up = 메시지 메뉴 › *앱* › **논문 찾기**: 메시지에 나온 논문 보기
help-following = 저장과 알림
    .saved = 저장한 논문을 메모, 태그와 함께 보기
    .alerts-add = 단어, 저자, 기관으로 새 논문 알림 받기
    .alerts-list = 내 알림 보기, 수정, 삭제
    .club-list = 스터디의 다음 모임과 함께 읽은 논문
    .status = 들어온 다이제스트, 올린 글, 다음 일정, 문제
    .why = 논문이 이 채널에 안 올라온 이유
help-channel = 채널에 올리기 (서버 관리하기 권한)
    .daily-setup = 자동 게시 설정하기
    .daily-edit = 이 서버의 자동 게시 보기, 수정, 일시중지, 삭제
    .club-setup = 매주 함께 읽을 논문을 투표로 정하기
    .daily-mentions = 멘션으로 묻는 질문에 답할지 정하기
help-more = 그 밖의 명령어: { $commands }

## 논문에 질문하기
ask-paper = 이 논문에 질문하기
ask-again = 다시 질문하기
ask-label = 질문
ask-hint = 학습에 얼마나 걸렸어요?
ask-common = 자주 하는 질문
ask-common-data = 어떤 데이터로 학습했어요?
ask-common-baselines = 어떤 베이스라인과 비교했어요?
ask-common-cost = 어떤 하드웨어로 학습했고 얼마나 걸렸어요?
ask-common-limits = 한계는 뭐예요?
ask-common-code = 코드와 가중치를 공개했어요? 라이선스는 뭐예요?
ask-asked = **질문** { $question }
ask-none = 질문의 단어가 나오는 부분을 찾지 못했어요. 논문에 나올 만한 표현으로 다시 질문해 주세요.
ask-no-text = { $scheme ->
    [arXiv] Hugging Face와 arXiv 어디에서도 이 논문의 본문을 읽지 못했어요.
   *[other] 이 논문은 저장된 초록이나 요약이 없고, arXiv 밖에서는 본문을 가져오지 않아요.
}
ask-limit = 오늘은 새 논문에 더 질문할 수 없어요. 내일 다시 질문해 주세요.
ask-from-abstract = { $scheme ->
    [arXiv] 본문을 읽지 못해 초록과 요약만 찾아봤어요.
   *[other] arXiv 논문이 아니면 본문을 가져오지 않아서, 저장된 초록이나 요약만 찾아봤어요.
}
ask-read-as = 이렇게 이해했어요: { $parts }
ask-place = 논문에서 보기
ask-writing = 언어 모델이 읽고 있어요 …
ask-written = 언어 모델이 쓰고 인용문과 대조한 문장이에요. 틀릴 수 있으니 논문 원문인 아래 인용문을 확인해 주세요.
ask-not-said = 언어 모델이 읽은 부분에는 답이 없었어요.
ask-not-proved = 언어 모델의 답은 읽은 부분에서 근거를 확인하지 못해 보여 드리지 않아요.
ask-sentences-failed = 이번에는 언어 모델이 답하지 않아, 논문에서 찾은 부분만 보여 드려요.
ask-sentences-spent = 언어 모델의 사용 한도를 다 써서, 지금은 논문에서 찾은 부분만 보여 드려요.
ask-sentences-limit = 언어 모델의 답은 하루에 한 사람당 10번, 서버당 100번까지예요. 오늘은 논문에서 찾은 부분만 보여 드려요.
ask-reading = 논문을 읽고 있어요 …
ask-which-paper = 여기에는 논문이 여러 편 있어요. 질문할 논문의 메시지에 답장하거나 arXiv 번호나 DOI를 함께 적어 주세요.
ask-menu = 논문 한 편에 질문하거나 저장하기
ask-menu-ask = 질문: { $title }
ask-menu-save = 저장: { $title }
ask-menu-list = 우리 목록에 담기: { $title }
ask-all-papers = 관련 논문 모두 보기
ask-archive-nearest = 논문과 요약에서 질문에 가장 가까운 부분을 그대로 옮겼어요. 답이 되는지는 직접 확인해 주세요.
ask-archive-absent = { $names }: 이 말이 나오는 논문이 없어요.
ask-archive-lacking = { $names }: 이 말은 아래 글 어디에도 나오지 않아요.
ask-archive-near = 가장 가까운 내용이에요.
ask-name = ‘{ $name }’
ask-more = 더 보기
ask-more-gone = 그사이 이 논문의 글이 바뀌었어요. 다시 질문해 주세요.
ask-archive-nothing = 이 질문에 관한 논문을 찾지 못했어요.
ask-archive-outside = 이 조건에 맞는 논문 중에는 질문에 관한 것이 없어요.
ask-archive-thanks = 도움이 됐다니 다행이에요. “긴 입력에서 KV 캐시를 줄이려면?”처럼 궁금한 연구를 언제든 물어보세요.
ask-archive-unasked = 찾아볼 단어가 없어요. “긴 입력에서 KV 캐시를 줄이려면?”처럼 궁금한 연구를 물어봐 주세요.
ask-archive-cut = 질문의 앞부분만 읽었어요. { $count }자, 논문 { $papers }편까지 읽어요.
ask-without = { $terms }에 관한 논문은 빼고 찾았어요.
ask-archive-is = 논문 { $count }편이 있고, 가장 오래된 것은 { $since }에 올라왔어요.
ask-archive-sources = 출처: { $sources }
ask-archive-empty = 보여 드릴 논문이 없어요.
ask-archive-written = 언어 모델이 쓰고 인용문과 대조한 문장이에요. 언어 모델도 다이제스트의 요약도 틀릴 수 있어요. 인용문마다 어디서 가져왔는지 적었어요.
ask-disagree = 언어 모델이 읽기에는 논문마다 결과가 달라요.
ask-words-digest = { $day } 다이제스트의 요약
ask-words-abstract = 초록
ask-words-paper = 논문 본문
ask-words-title = 제목만 저장된 논문
mentions-on = 이 서버에서 Paperround를 멘션해 질문하면 모두가 볼 수 있게 답해요.
mentions-off = 이 서버에서는 멘션에 답하지 않아요. { $ask } 명령어로 물으면 나에게만 보이게 답해요.
ask-refused = 내용 때문에 디스코드가 이 답변을 거부했어요. { $ask } 명령어로 물으면 나에게만 보여요.
ask-lost = 답변을 준비하다가 중단됐어요. 다시 질문해 주세요.
ask-failed = Paperround에 오류가 생겨 답하지 못했어요. 오류는 운영자의 로그에 남아요. { $ask } 명령어로 다시 물어봐 주세요.
ask-too-slow = 시간이 너무 오래 걸려 중단했어요. 몇 분 뒤에 다시 질문해 주세요.
ask-over = 오늘은 채널에서 { $count }번 답해 드렸어요. { $ask } 명령어로 물으면 나에게만 보이게 답해요.

## 서버의 목록
list-add = 우리 목록에 담기
list-has = 우리 목록에 있음
list-added = { $count ->
    [0] 이미 우리 목록에 있어요.
    [1] 우리 목록에 담았어요.
   *[other] 논문 { $count }편을 우리 목록에 담았어요.
}{ $count ->
    [0] {""}
   *[other] { $known ->
        [0] {""}
       *[other] {" "}{ $known }편은 이미 있었어요.
    }
}
list-what = **우리 목록**에는 이 서버 멤버들이 함께 읽고 싶은 논문이 모여요. 누구나 담을 수 있고, 누가 담았는지 모두에게 보여요. 스터디 투표에 올릴 논문도 여기에서 골라요. { $command } 명령어에서 **목록: 서버**를 고르면 볼 수 있어요.
list-by = { $name ->
    [none] { $date } 예전 멤버가 담음
   *[other] { $date } { $name } 님이 담음
}
list-club = { $date } 스터디
list-discussed = 토론
list-heading = { $server ->
    [none] 우리 목록
   *[other] { $server }의 우리 목록
} · { $count }편
list-import = 우리 목록으로 파일 가져오기
list-choice = 서버: 멤버가 함께 쓰는 목록
list-show = 우리 목록 보기
list-tags = 우리 목록의 태그
list-remove = 목록에서 빼기
list-removed = 우리 목록에서 뺐어요: { $title }
list-not-yours = 담은 사람이나 서버 관리자만 목록에서 뺄 수 있어요.
list-not-any-more = 이제 우리 목록에 없는 논문이에요.
list-full = 우리 목록에는 논문을 { $count }편까지 담을 수 있어서 자리가 모자라요. 먼저 몇 편을 빼 주세요.
list-too-many = 하루에 논문을 { $count }편까지 담을 수 있는데, 이번 것까지 담으면 넘어요. 내일 다시 담아 주세요.
list-only-in-servers = 목록은 서버에 있는데, 이 서버에는 Paperround가 없어요. 대신 내 논문으로 저장해 주세요.
list-unknown = 볼 수 있는 목록이 아니에요. 서버에서는 **서버**라고 쓰고, 다른 곳에서는 보이는 서버 중에서 골라 주세요.
list-view-unread = 읽을 논문
list-view-read = 읽은 논문
list-view-mine = 내가 담은 논문
list-view-updated = 새 소식 있는 논문
list-none-found = ### 우리 목록에 “{ $query }”에 맞는 논문이 없어요
no-list-server = ### 우리 목록이 아직 비어 있어요
    서버 멤버가 함께 쓰는 목록이에요. 논문에서 **우리 목록에 담기**나 **토론하기**를 누르면 모두가 여기에서 볼 수 있어요. 관리자는 파일로 한꺼번에 담을 수 있어요.

## 논문 스터디
discuss = 토론하기
discuss-selected = 토론할 논문을 고르세요
club-read = 읽음으로 표시
club-unread = 안 읽음으로 표시
post-shared = 우리 목록 중 { $count }편이 *{ $topic }* 논문
post-label-end = { $label } 논문 가운데 우리 목록과 비슷한 것은 지금은 이게 마지막이에요.
post-savers = 이 서버에서 { $count }명이 저장
club-discussion = 💬 이 논문으로 함께 이야기해요
club-opening = 토론을 열고 있어요. 몇 초 뒤 { $channel }에 나타나요.
club-open = 이 논문의 토론이 이미 있어요: { $thread }
club-may-not-open = { $channel }에서 스레드를 열 권한이 없어요. 관리자에게 열어 달라고 해 주세요.
club-too-many = 하루에 토론을 { $count }개까지 열 수 있어요. 내일 다시 열어 주세요.
club-no-threads = 토론은 텍스트 채널에서 열 수 있어요. 스레드 안이라면 여기에 바로 쓰면 되고, 음성 채널이나 DM에는 스레드가 없어요.
club-missing = 이 서버에는 아직 논문 스터디가 없어요. 관리자가 { $setup } 명령어로 만들 수 있어요.
club-vote-too-late = 모임까지 세 시간이 안 남아 투표를 열 수 없어요.
club-no-candidates = 아직 투표할 논문이 없어요. 먼저 논문에서 **우리 목록에 담기**를 눌러 주세요.
club-heading = ### { $channel ->
        [none] 논문 스터디
       *[other] { $channel }의 논문 스터디
    }
    매주 { $day } { $time }
club-state-new = 다음 투표: { $vote }
    다음 모임: { $meets }
    투표 전까지 **우리 목록에 담기**를 누른 논문이 먼저 후보가 되고, 그다음은 이 서버에서 많이 저장하거나 토론한 논문이에요. 저장한 사람은 수만 세고 이름은 나오지 않아요.
club-state-poll = 다음 모임: { $meets }
    투표 마감: { $vote }
club-state-paper = 다음 모임: { $meets }
club-state-reminder = 다음 모임: { $meets }
club-state-none = { $meets } 모임에서 읽을 논문이 없어요. 논문에서 **우리 목록에 담기**를 누른 다음 { $now } 명령어로 투표를 시작해 주세요.
club-state-gone = { club-state-none }
club-state-unheld = { club-state-none }
club-state-opening = 다음 모임: { $meets }
    몇 초 뒤에 투표가 시작돼요.
club-state-waiting = 다음 모임: { $meets }
    투표를 올리려 했지만 디스코드가 거부했어요. 이유는 { $status } 명령어로 볼 수 있고, { $now } 명령어로 다시 시도할 수 있어요.
club-state-count = 다음 모임: { $meets }
    투표 결과를 집계하고 있어요.
club-state-skip = { $meets } 모임은 건너뛰어요. { $now } 명령어를 쓰면 투표가 시작되고 모임도 다시 잡혀요.
club-past = **지금까지 고른 논문**
club-thread-link = 토론
club-readers = { $count }명이 읽음
club-stop = 스터디 끝내기
club-stop-sure = **{ $channel }의 스터디를 끝낼까요?** 진행 중인 투표와 잡힌 이벤트도 함께 없어져요. 함께 읽은 논문과 토론은 그대로 남아요.
club-stopped = 스터디를 끝냈어요. 토론은 그대로 남아 있어요.
club-preview = 아직 적용 전이에요. 이대로 하려면 **{ $button }**를 눌러 주세요.
club-create = 스터디 만들기
club-change = 스터디 바꾸기
club-set-up = 논문 스터디를 만들었어요. 더 빨리 모이려면 { $now } 명령어로 투표를 바로 시작하세요. 모임은 서버 이벤트에도 올라가요.
club-changed = 스터디 설정을 바꿨어요.
club-unchanged = 이미 그렇게 설정돼 있어요.
club-changed-later = 스터디 설정을 바꿨어요. 투표를 시작한 다음 모임은 그대로 열리고, 그다음부터 바뀌어요. 그 모임도 빼려면 { $skip } 명령어를 쓰세요.
club-poll-link = [투표하러 가기]({ $url })
club-how-to-propose = 다음 투표에 올리려면 논문 카드에서 **우리 목록에 담기**를 눌러 주세요. 자리가 남으면 이 서버에서 많이 저장한 논문도 이름 없이 수만 세어 올려요.
club-candidates = **다음 투표 후보**
club-skipped = 모임을 건너뛰기로 했어요. 진행 중인 투표가 있으면 곧 결과 없이 끝나요.
club-question = { $date } 모임에서 읽을 논문은?
club-poll = **🗳️ 어떤 논문을 함께 읽을까요?** { $at } 모임
club-paper = ## 📖 다음 모임에서 읽을 논문
    { $at } ({ $when }){ $votes ->
        [0] {" "}· 투표한 사람이 없어 추천 수로 정했어요
       *[other] {" "}· { $votes }표
    }
club-thread = [이 논문의 토론]({ $url })
club-event = 논문 스터디: { $title }
club-reminder = ⏰ 이 논문을 읽는 모임: { $at } ({ $when })
club-none = { $at } 모임에서 읽을 논문이 없어요. 우리 목록에 아직 안 읽은 논문도, 이번 주에 들어온 논문도 없어요. 논문에서 **우리 목록에 담기**를 누른 다음 관리자가 { $now } 명령어로 투표를 시작할 수 있어요.
club-gone = { $at } 모임에서 읽을 논문이 없어요. 투표가 삭제됐거나 투표에 오른 논문이 이제 남아 있지 않아요. 관리자가 { $now } 명령어로 다시 투표를 시작할 수 있어요.
club-unheld = { $at } 모임에서 읽을 논문이 없어요. 디스코드가 막아서 투표를 열거나 집계하지 못했어요. 관리자가 { $now } 명령어로 다시 투표를 시작할 수 있어요.
club-lost = 투표를 열거나 집계하지 못해 { $at } 모임은 논문을 정하지 못했어요.
club-skip = { $at } 모임은 열리지 않아요. 이 모임의 투표 결과는 반영되지 않아요.

command-club =
    .name = 스터디
    .description = 매주 함께 읽을 논문을 정해요
    .option-channel = 채널
    .option-channel-description = 투표와 토론을 올릴 채널
    .option-day = 요일
    .option-day-description = 모이는 요일
    .option-time = 시각
    .option-time-description = 모이는 시각. 오후 5시, 17:00 서울처럼

command-club-setup =
    .name = 설정
    .description = 매주 함께 읽을 논문을 투표로 정해요

command-club-now =
    .name = 지금투표
    .description = 다음 모임의 투표를 지금 시작해요

command-club-skip =
    .name = 건너뛰기
    .description = 다음 모임을 건너뛰어요

command-club-list =
    .name = 목록
    .description = 다음 모임과 지금까지 함께 읽은 논문을 보여 줘요

## 왜 안 올라왔나
why-posted = { $at }에 이 채널에 올라왔어요.
why-posted-by-another = { $at }에 이 채널의 다른 자동 게시로 올라와서, 여기에는 다시 올리지 않아요.
why-see-post = 글 보기
why-waiting = 올릴 논문으로 정해졌어요. 곧 올라와요.
why-uncertain = 올릴 논문으로 정해졌지만, 메시지가 올라갔는지 알 수 없어요.
why-unsent = { $at }에 올리려 했지만 메시지를 올리지 못했고, 다시 올릴 기한도 지났어요.
why-too-few-votes = 추천이 { $votes }개인데, 이 자동 게시는 { $least }개 이상인 논문만 올려요.
why-votes-unknown = 추천 수를 아직 알 수 없어요. 이 자동 게시는 추천이 { $least }개 이상인 논문만 올려요.
why-below-top = 후보 { $total }편 중 { $rank }위인데, 이 자동 게시는 { $top }편까지만 올려요. ({ $date } 다이제스트)
why-withdrawn =
    { $by ->
        [arxiv] arXiv가
       *[authors] 저자가
    } 철회한 논문이라 올리지 않아요.
why-off-topic = 이 자동 게시의 주제를 다루지 않아요. 주제: { $topic }
why-other-source =
    { $source ->
        [none] arXiv 분야처럼 검색과 알림에만 쓰이는 출처에만 있는 논문이에요. 이 자동 게시는 다이제스트와 목록의 논문만 올려요.
       *[other] 이 자동 게시는 { $source }의 논문만 올리는데, 거기에는 아직 없어요.
    }
why-late = { $date } 목록에 늦게 오른 논문이에요. 이런 논문은 글 끝에 다섯 편까지(자리가 남으면 더) 실리는데, 다른 논문이 먼저였어요.
why-too-old = 목록에 올라온 뒤 첫 게시 때는 { $date }에서 이미 너무 오래 지나서, 여기에는 나오지 않았어요.
why-too-early = 이 자동 게시를 시작하기 전인 { $date }에 목록에 올라서, 여기에는 나오지 않았어요.
why-not-then = { $date } 글을 올릴 때의 추천 수와 설정으로는 다른 논문이 먼저였어요.
why-coming = { $rank ->
    [0] 곧 올라와요. { $date } 목록에 늦게 오른 논문이라 다음 글({ $at }) 끝에 실려요.
   *[other] 곧 올라와요. 다음 글({ $at })에서 { $total }편 중 { $rank }위예요.
}
why-stopped = 이 자동 게시는 일시중지 상태예요.
why-may-change = 다음 글({ $at }) 전까지 바뀔 수 있어요.
why-edit = 서버 관리자가 { $command } 명령어로 바꿀 수 있어요.
why-not-listed = { $paper } 논문은 다이제스트에 실린 적이 없어요. 번호를 확인해 주세요.
why-like = 우리 목록과의 유사도가 필요한 만큼의 { $share }%예요. { $shared ->
        [none] 목록의 논문 두 편 이상과 겹치는 주제도 있어야 하는데, 없어요.
       *[other] { $shared }.
    } 목록에서 가장 가까운 논문: { $titles }
why-no-subscription = 이 채널에는 자동 게시가 없어요. 서버 관리자가 { $command } 명령어로 설정할 수 있어요.

## 다이제스트의 출처
status-zotero = 서버 목록이 Zotero에 들어가지 않고 있어요. { $code ->
    [0] 서버 설정이 잘못됐어요.
    [200] 응답한 곳이 Zotero가 아니에요.
    [403] 키가 잘못됐거나 라이브러리 쓰기 권한이 없어요.
    [404] 그런 라이브러리가 없어요.
    [503] 하루 동안 Zotero에 연결할 수 없거나 Zotero에서 오류가 나고 있어요.
   *[other] Zotero가 코드 { $code }번으로 거절했어요.
} 봇 운영자에게 알렸어요.
status-zotero-refused = 서버 목록에서 아직 Zotero에 없는 논문: { $papers }. 이유는 봇 운영자에게 알렸어요.
status-sources = 출처
sources-heading = { $count ->
    [0] 출처
   *[other] 출처 · { $count }곳
}
sources-none = 자동으로 가져오는 곳이 없어요.
sources-files = 다이제스트는 파일로 들어와요. 운영자가 `paperround ingest`로 넣어요.
sources-others = 자동으로 가져오지는 않지만 다이제스트가 저장된 출처: { $sources }
sources-order = 출처끼리 다르면 위에 있는 출처를 우선해요. 제목·저자·추천 수는 arXiv와 Hugging Face가 우선이에요.
source-folder = 폴더
source-url = 날짜가 들어간 주소
source-feed = 피드
source-huggingface = Hugging Face: 그날그날의 논문 목록, 추천 수, 저자
source-arxiv = arXiv: 제목, 저자, 초록
source-last = 마지막으로 받음: { $last }
source-never = 아직 받은 것 없음
source-next = 다음 확인: { $next }
source-due = 곧 다시 확인해요
source-not-yet = 최신 다이제스트는 아직 들어오지 않았어요.
source-refused = 내부 네트워크 주소로 연결되어 막았어요. 운영자가 허용해야 해요
source-failures = { $count ->
    [1] **지난번에 실패했어요**
   *[other] **{ $count }번 연속 실패했어요**
}: { $reason }

## 동향
trend-heading = { $topic } · { $count }편 · { $period }
trend-papers = 논문
trend-span-half-year = 최근 6개월
trend-span-y = 최근 1년
trend-span-two-years = 최근 2년
trend-span-five-years = 최근 5년
trend-month = { $month } { $count }편
trend-share = {" "}(전체의 { $share }%)
trend-figure = { $month } { $count }편
trend-so-far = 지금까지 { $month }
trend-most = 가장 많은 { $step ->
    [week] 주
    [day] 날
   *[month] 달
}: { $month }
trend-numbers = { $step ->
    [week] 주별(날짜는 그 주의 월요일)
    [day] 일별
   *[month] 월별
} 논문 수, 괄호 안은 그 논문들이 지금까지 받은 추천 수
trend-again = 여러 { $step ->
    [week] 주에 실린 논문은 실린 주
    [day] 날에 실린 논문은 실린 날
   *[month] 달에 실린 논문은 실린 달
}마다 한 번씩 셌어요
trend-list = 논문 보기
trend-privately = 나만 보기
rising-heading = 최근 30일 동안 떠오르는 주제
rising-heading-short = 떠오르는 주제
rising-note = 제목에 이 용어나 같은 뜻의 말이 나온 논문 수와 전체 논문 중 비중 (그 전 3개월 → 최근 30일)
rising-none = 그 전 3개월에 비해 눈에 띄게 떠오른 주제는 없어요.
rising-pick = 주제별 동향 보기

# /내정보: 독자에 대해 저장한 내용

me-data = 저장된 내 정보가 모두 이 파일에 있어요. { $command } 명령어로 모두 삭제할 수 있어요. 서버의 우리 목록에 담은 논문은 내 이름 없이 남아요.
me-data-too-large = 파일이 디스코드 업로드 한도보다 커요. 운영자에게 요청해 주세요.
me-nothing = 저장된 정보가 없어요.
me-forget-question =
    ### 내 정보를 모두 삭제할까요?
    { $saved ->
        [0] { "" }
       *[other] 저장한 논문 { $saved }편,{ " " }
    }{ $alerts ->
        [0] { "" }
       *[other] 알림 { $alerts }개(채널 알림 포함),{ " " }
    }{ $messages ->
        [0] { "" }
       *[other] 받은 메시지 기록 { $messages }개,{ " " }
    }설정과 `/오늘`에 남긴 답을 삭제하고, 아직 보내지 않은 메시지는 보내지 않아요. 서버의 우리 목록에 담은 논문은 내 이름 없이 남아요.
    삭제하면 되돌릴 수 없어요. 먼저 { $command } 명령어로 파일을 받아 둘 수 있어요.
me-forget-all = 모두 삭제
me-keep = 취소
me-kept = 아무것도 삭제하지 않았어요.
me-forgotten = 내 정보를 모두 삭제했어요. 이미 받은 메시지는 디스코드에 그대로 남아 있어요.

# /오늘: 독자에게 맞춘 오늘의 논문

today-heading = 오늘의 맞춤 논문 · { $day }
today-by-votes = 아직은 추천순이에요. { today-saved-later } 알림은 바로 반영해요.
today-basis-saved = 저장한 논문 { $count }편
today-basis-alerts = 알림
today-from = 고른 기준: { $basis }
today-from-followed = 고른 기준: { $basis }. { today-saved-later }
today-without-match = 이날은 기준({ $basis })에 맞는 논문이 없어 추천순으로 보여 드려요. { today-saved-later }
today-saved-later = 논문을 { $left }편 더 저장하면 저장한 논문도 반영해요.
today-rank = 추천순 { $rank }위
today-because = 고른 이유: { $reasons }
today-and = {", "}
today-because-saved = 저장한 ‘{ $text }’ 논문 { $count }편
today-because-followed = ‘{ $text }’ 알림
today-mark = 논문 저장하거나 평가하기
today-save = 저장
today-undo-save = 저장 취소
today-save-noted = 저장했어요
today-more = 이런 논문 더 받기
today-undo-more = 이런 논문 더 받기 취소
today-more-noted = 내일부터 이런 논문을 더 보여 드려요
today-less = 관심 없음
today-undo-less = 관심 없음 취소
today-less-noted = 관심 없음
today-show = 오늘의 논문 보기
today-send = 매일 받기
today-stop = DM 그만 받기
change-time = 시각·시간대 바꾸기
today-sent-daily = 매일 { $at }({ $zone })에 DM으로 보내 드려요. 목록이 아직 확정되지 않았으면 확정된 뒤에 보내고, 새 논문이 없는 날은 건너뛰어요. 시각은 `/오늘 시각:`으로 바꿀 수 있어요.
today-stopped = 이제 DM으로 보내지 않아요. `/오늘` 명령어로는 언제든 볼 수 있어요.
today-send-again = 다시 매일 받기
today-suspended = { $reason ->
    [no-shared-server] Paperround와 함께 있는 서버가 없어서 보내지 못하고 있어요. 앱을 내 계정에 설치하거나 Paperround가 있는 서버에 들어간 뒤
   *[other] DM을 받지 않도록 설정되어 있어서 보내지 못하고 있어요. Paperround와 함께 있는 서버의 개인정보 보호 설정에서 DM을 허용한 뒤
} **{ today-send-again }** 버튼을 눌러 주세요.
today-none-left = 이날 논문은 모두 이미 보내 드렸거나, 저장했거나, 관심 없음으로 표시한 논문이에요.
today-nothing = 보여 드릴 논문이 없어요.

## What is new about saved papers

news-start = 코드·새 버전·게재 소식 받기
news-stop = 소식 그만 받기
news-stop-here = 저장한 논문 소식 그만 받기
news-on = 저장한 논문에 코드, 새 버전, 게재 소식이 생기면 월요일에 DM을 보내 드려요.
news-suspended = { $reason ->
    [no-shared-server] Paperround와 함께 있는 서버가 없어서
   *[other] 개인정보 설정에서 Paperround의 DM이 막혀 있어서
} 저장한 논문의 소식을 보내지 못했어요. 설정을 바꾼 뒤 **{ news-start }** 버튼을 눌러 주세요.
news-heading = 저장한 논문 { $count }편의 새 소식
news-more = 먼저 찾은 10편만 보여 드려요. 나머지 { $count }편은 저장 목록에 🆕로 표시돼 있어요(**#updated**).
news-code = 코드: { $text }
news-version = arXiv에 버전 { $text } 등록
news-comment = arXiv 코멘트: “{ $text }”
news-journal = 게재: { $text }
news-withdrawn = arXiv에서 철회됨
news-bare = { $kind ->
    [code] 코드 공개
    [comment] 새 arXiv 코멘트
   *[journal] 게재 정보 등록
}
news-remove = 저장 목록에서 빼기
news-removed = 저장 목록에서 논문 { $count }편을 뺐어요.
news-nothing-removed = 되돌릴 논문이 없어요. 이미 다시 저장했거나, 뺀 지 하루가 넘었어요.
news-stopped = 저장한 논문의 소식을 더 보내지 않아요. 다시 받으려면 { $command }에서 켜 주세요.
thread-news-stop = 이 스레드에서 소식 끄기
thread-news-stopped = 이 스레드에는 논문 소식을 더 올리지 않아요.
thread-news-not-yours = 토론을 연 사람이나 스레드를 관리하는 사람만 끌 수 있어요.

## 논문이 알림에 든 이유
found-in = { $language ->
    [ko] 한국어 요약에 나온 말: “{ $words }”
   *[other] 영어 요약에 나온 말: “{ $words }”
}
quoted-from = { $language ->
    [ko] 한국어 요약에서 인용
   *[other] 영어 요약에서 인용
}

## 명령과 선택 항목의 이름과 설명. 영어는 명령이 선언된 코드에 있어요.

command-digest =
    .name = 다이제스트
    .description = 하루의 논문을 추천순으로 보여 줘요
    .option-date = 날짜
    .option-date-description = 어제, 2025-02-06 같은 날짜나 학회 이름. 비워 두면 가장 최근 다이제스트

command-top =
    .name = 인기
    .description = 인기 논문을 보여 줘요
    .option-period = 기간
    .option-period-description = 지난주, 한 달, 12월 같은 기간. 비워 두면 최근 7일
    .option-topic = 주제
    .option-topic-description = 이 주제의 논문만
    .option-votes = 추천
    .option-votes-description = 최소 추천 수
    .option-without = 제외
    .option-without-description = 이 단어가 있는 논문은 제외해요. 여러 개는 쉼표로 구분

command-topic =
    .name = 주제
    .description = 주제로 논문을 검색해요. 한국어와 영어 모두 돼요
    .option-query = 검색어
    .option-query-description = 질문이나 단어. 따옴표로 묶으면 구절, -단어는 제외
    .option-order = 정렬
    .option-order-description = 정렬 순서. 비워 두면 관련도순
    .option-period = 기간
    .option-period-description = 지난주, 한 달, 12월 같은 기간
    .option-votes = 추천
    .option-votes-description = 최소 추천 수
    .option-without = 제외
    .option-without-description = 이 단어가 있는 논문은 제외해요. 여러 개는 쉼표로 구분

command-author =
    .name = 저자
    .description = 저자의 논문을 검색해요. 이름 순서나 표기가 달라도 돼요
    .option-name = 이름
    .option-name-description = 저자의 이름
    .option-order = 정렬
    .option-order-description = 정렬 순서. 비워 두면 추천순
    .option-period = 기간
    .option-period-description = 지난주, 한 달, 12월 같은 기간
    .option-votes = 추천
    .option-votes-description = 최소 추천 수

command-paper =
    .name = 논문
    .description = 논문 하나를 자세히 봐요. 요약, 리뷰, 저자, 추천, 링크
    .option-paper = 논문
    .option-paper-description = arXiv 번호, DOI, 논문 주소, 제목의 일부

command-ask =
    .name = 질문
    .description = 전체 논문이나 논문 한 편에 질문하면 가장 가까운 부분을 그대로 보여 줘요
    .option-paper = 논문
    .option-paper-description = 한 편에만 물을 때: arXiv 번호, DOI, 주소, 제목의 일부
    .option-period = 기간
    .option-period-description = 이 기간의 논문에만: 지난주, 한 달, 12월 같은 기간
    .option-question = 질문
    .option-question-description = 궁금한 점. 한국어와 영어 모두 돼요

command-saved =
    .name = 저장
    .description = 저장한 논문을 메모, 태그와 함께 보여 줘요. 파일로 내보내거나 가져올 수도 있어요
    .option-tag = 태그
    .option-tag-description = 이 태그를 단 논문만
    .option-search = 검색
    .option-search-description = 논문이나 메모에 나오는 단어
    .option-place = 목록
    .option-place-description = 내 논문 대신 서버 멤버가 함께 쓰는 목록

command-alerts =
    .name = 알림
    .description = 조건에 맞는 새 논문이 나오면 알려 줘요
    .option-keyword = 단어
    .option-keyword-description = 강화 학습, diffusion처럼 제목이나 요약에 나오는 단어. 여러 개는 쉼표로 구분
    .option-author = 저자
    .option-author-description = 저자의 이름. 여러 개는 쉼표로 구분
    .option-institution = 기관
    .option-institution-description = KAIST, 서울대학교 같은 대학이나 회사. 여러 개는 쉼표로 구분
    .option-without = 제외
    .option-without-description = 이 단어가 있는 논문은 제외해요
    .option-match = 조합
    .option-match-description = 하나라도 맞는 논문, 또는 모두 맞는 논문만
    .option-votes = 추천
    .option-votes-description = 최소 추천 수. 이 수 이상이면 알려요
    .option-channel = 채널
    .option-channel-description = 나에게 보내는 대신 이 채널에 알려요 (메시지 관리하기 권한 필요)
    .option-when = 언제
    .option-when-description = 새 논문이 나오면 바로, 또는 한 번에 모아서
    .option-time = 시각
    .option-time-description = 모아서 보내는 시각. 오후 9시, 오후 9시 서울처럼. 비우면 오전 9시
    .option-max-a-day = 하루최대
    .option-max-a-day-description = 24시간 동안 받을 최대 메시지 수. 남은 논문은 다음 메시지에 함께 와요

command-alerts-add =
    .name = 추가
    .description = 단어, 저자, 기관을 정해 두고 새 논문 알림을 받아요. 셋 다 비우면 양식이 열려요

command-alerts-list =
    .name = 목록
    .description = 내 알림을 보고 수정하거나 삭제해요

command-daily =
    .name = 자동게시
    .description = 이 서버의 채널에 논문을 자동으로 올려요
    .option-channel = 채널
    .option-channel-description = 올릴 채널. 비워 두면 이 채널
    .option-time = 시각
    .option-time-description = 오전 9시, 오전 9시 서울처럼. -를 넣으면 목록이 확정되는 대로
    .option-timezone = 시간대
    .option-timezone-description = Asia/Seoul 같은 시간대
    .option-papers = 논문수
    .option-papers-description = 올릴 논문 수 (1~25)
    .option-votes = 추천
    .option-votes-description = 최소 추천 수
    .option-days = 요일
    .option-days-description = 올릴 요일
    .option-language = 언어
    .option-language-description = 글의 언어
    .option-answer = 답변
    .option-answer-description = True면 모두가 보는 답을 올리고, False면 답하지 않아요. /질문은 그대로예요
    .option-style = 형식
    .option-style-description = 글의 형식
    .option-topic = 주제
    .option-topic-description = 이 검색어에 맞는 논문만 (/주제와 같은 문법). -를 넣으면 전체
    .option-source = 출처
    .option-source-description = 이 출처의 논문만. -를 넣으면 전체
    .option-post = 게시
    .option-post-description = 수정할 자동 게시. 비워 두면 모두 보여 줘요

command-daily-setup =
    .name = 설정
    .description = 그날의 인기 논문을 채널에 올려요. 옵션을 비우면 양식이 열려요

command-daily-edit =
    .name = 수정
    .description = 자동 게시를 보고 수정하거나 일시중지, 삭제해요 (비워 둔 항목은 그대로예요)

command-daily-mentions =
    .name = 멘션
    .description = 이 서버에서 Paperround 멘션에 답할지 정해요

command-status =
    .name = 상태
    .description = 들어온 다이제스트, 올린 글, 다음 일정, 문제를 보여 줘요

command-trends =
    .name = 동향
    .description = 월별 주제 동향(논문 수, 추천 수)과 떠오르는 주제를 보여 줘요
    .option-topic = 주제
    .option-topic-description = 한국어나 영어. 비워 두면 모든 논문과 떠오르는 주제
    .option-period = 기간
    .option-period-description = 그래프로 볼 기간

command-why =
    .name = 이유
    .description = 논문이 이 채널에 올라왔는지, 안 올라왔다면 왜인지 알려 줘요
    .option-paper = 논문
    .option-paper-description = arXiv 번호, DOI, 논문 주소, 제목의 일부

command-help =
    .name = 도움말
    .description = Paperround로 할 수 있는 일을 보여 줘요

command-choice =
    .relevance = 관련도순
    .votes = 추천순
    .date = 최신순
    .oldest = 오래된 순
    .y = 최근 1년
    .half-year = 최근 6개월
    .two-years = 최근 2년
    .five-years = 최근 5년
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
    .compact = 간략: 메시지 하나에 모두
    .cards = 카드: 논문마다 메시지 하나
    .thread = 스레드: 논문은 스레드 안에
    .forum = 포럼: 하루에 글 하나
    .announcement = 공지: 이 채널을 팔로우한 서버에도 게시
    .weekly = 주간: 지난 7일의 논문 중 아직 올리지 않은 것
    .any = 하나라도 맞으면
    .all = 모두 맞을 때만
    .now = 새 논문이 나오면 바로 알리기
    .daily = 매일 한 번 모아서 알리기
    .weekly-1 = 매주 월요일에 모아서 알리기

command-me =
    .name = 내정보
    .description = 저장된 내 정보

command-me-data =
    .name = 받기
    .description = 저장된 내 정보를 모두 파일로 받아요

command-me-forget =
    .name = 삭제
    .description = 저장된 내 정보를 모두 삭제해요

command-today =
    .name = 오늘
    .description = 저장한 논문과 알림을 바탕으로 오늘의 맞춤 논문 5편을 골라 줘요
    .option-at = 시각
    .option-at-description = 매일 이 시각에 DM으로도 보내요. 예: 09:00, 오전 9시

command-look-up-papers =
    .name = 논문 찾기

# The web archive

web-name = Paperround
web-description = 매일 나오는 머신러닝 논문을 요약, 추천 수와 함께 보여 드려요.
web-skip = 본문으로 건너뛰기
web-ask = 질문으로 찾기: 요약의 해당 부분
web-search = 검색
web-search-label = 한국어나 영어로 된 주제
web-search-hint = 주제 입력 (예: 확산 모델)
web-no-search = 이 페이지에는 검색이 없어요. 날짜, 동향, 저자별로 볼 수 있고, 논문 검색은 디스코드의 /주제 명령어로 해 주세요.
web-more-authors = 외 { $count }명
web-trends = 동향
web-list = 공유한 논문 목록 · { $count }편
web-list-empty = 이 목록에는 논문이 없어요.
web-feeds = 피드:
web-pages = 페이지
web-days = 날짜
web-previous = 이전
web-next = 다음
web-abstract = 초록
web-copy-bibtex = BibTeX 복사
web-copied = 복사했어요
web-topics = 주제
web-numbers = 수치 보기
web-not-found = 없는 페이지예요
web-failed = 페이지를 보여 드릴 수 없어요
web-error = 문제가 생겼어요. 잠시 뒤에 다시 시도해 주세요.
web-no-address = 주소를 다시 확인해 주세요.
web-no-day = 날짜는 2025-02-12처럼 적어 주세요.
web-no-paper = “{ $paper }” 논문을 찾지 못했어요. 논문 주소 끝에는 2502.02737 같은 arXiv 번호나 논문 키가 와요. 제목으로 찾으려면 검색창을 이용해 주세요.
web-no-page = 페이지 번호는 1부터 { $count }까지예요.
web-query-too-long = 검색어는 { $count }자까지 쓸 수 있어요.
