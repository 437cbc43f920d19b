# 화면에 나오는 한국어. 마크다운은 디스코드의 것. 해요체로 짧게, 느낌표 없이.

## 안 될 때의 대답
outdated-control = 예전 버전의 버튼이에요. 명령을 다시 입력해 주세요.
outdated-command = 명령이 바뀌었어요. 다시 입력해 주세요. 그래도 안 되면 디스코드를 다시 켜 주세요.
needs-manage-server = **서버 관리하기** 권한이 있어야 할 수 있어요. 서버 관리자에게 부탁해 주세요.
only-in-servers = 서버 안에서만 쓸 수 있어요.
broken = 지금은 하지 못했어요. 바뀐 것은 없으니 잠시 뒤 다시 해 주세요. (참고 { $reference })

## 논문 목록
open-paper = 읽을 논문을 고르세요
list-more-privately = { $count }편 모두 보기
shared-by = { $name } 님이 공유했어요
list-with-forms = 관련 용어까지
list-literally = 입력한 그대로만
list-by-votes = 표 많은 순
list-by-date = 최신순
choose-period = 기간
period-week = 최근 7일
period-month = 최근 30일
period-quarter = 최근 3개월
period-year = 최근 1년
period-all = 전체 기간
follow-topic = 이 주제 받아보기
follow-author = 이 저자 받아보기
share = 채널에 공유
list-digest-heading = { $date }의 논문 · { $count }편
list-top-heading = 표를 많이 받은 논문 · { $period }
list-top-topic-heading = { $topic } · 표 많은 순 · { $period }
list-topic-heading = { $topic } · { $count }편
list-author-heading = { $author } · { $count }편
list-similar-heading = 비슷한 논문 · { $title }
list-saved-heading = 저장한 논문 · { $count }편
list-also = { $forms }도 함께 찾았어요
list-partial = 모든 낱말이 든 논문이 적어서 대부분이 든 논문도 보여 드려요
list-filters = { $period } · ▲ { $votes } 이상
list-coauthors = 함께 쓴 사람: { $names }
list-topics = 주제: { $topics }
list-other-authors = 비슷한 이름: { $names }
no-list-topic = ### { $topic }에 맞는 논문이 없어요
no-list-author = ### { $author } 저자를 찾지 못했어요
no-list-top = ### 이 기간에는 논문이 없어요
no-list-digest = ### { $date }에는 다이제스트가 없어요
no-list-similar = ### 아직 비슷한 논문이 없어요
no-list-saved = ### 저장한 논문이 아직 없어요
    논문에서 **저장**을 누르면 여기에 모여요.
archive-extent = { $first }부터 { $last }까지 논문 { $count }편이 있어요.
archive-empty = 아직 모아 둔 논문이 없어요. 첫 다이제스트가 오면 채워져요.
try-instead = 이런 건 어떠세요?
try-wider = 기간을 늘리거나, 표 수를 낮추거나, 다른 말로 찾아보세요.
all-time = 전체 기간
newest-digest = 가장 최근 다이제스트
nearest-digest = { $date } 다이제스트

## 논문 카드
no-summary = 이 논문의 요약은 아직 없어요.
choose-chapter = 리뷰의 다른 장
chapter = { $number }장
save = 저장
unsave = 저장됨 · 취소
similar = 비슷한 논문
authors = 저자
cite = 인용
format-newsletter = 뉴스레터 { $date }
format-review = 리뷰 { $date }
no-paper = { $paper } 논문을 찾지 못했어요. 2502.02737 같은 arXiv 번호, arXiv나 Hugging Face 주소, 제목의 일부로 찾을 수 있어요.
no-chapter = 이 리뷰에는 그 장이 이제 없어요. 논문을 다시 열어 주세요.
paper-saved = 저장했어요. { $command }에서 다시 볼 수 있어요.
paper-unsaved = 저장한 논문에서 뺐어요.
authors-heading = ### { $title }의 저자
choose-author = 저자의 논문 보기
authors-listed = 저자 { $count }명{ $truncated ->
    [yes] . 다이제스트에 모두 적혀 있지는 않아요
   *[no] {""}
}
cite-heading = ### { $title } 인용

## 글
post-pick = 자세히 읽을 논문을 고르세요
post-see-all = { $count }편 모두 보기
post-ask = 주제 찾기
language-en = English
language-ko = 한국어
schedule = { $days } { $time } ({ $zone })
every-day = 매일
workdays = 평일
on-days = { $days }요일
more-papers = 그 밖에 { $count }편
more-inside = 더 있어요. 읽기를 눌러 주세요.
read = 읽기
alert-more = { $count }편 더 보기
alert-day = 그날의 논문 모두
alert-pause-week = 이 알림 한 주 쉬기
alert-pause-week-all = 한 주 쉬기
alert-manage = 알림 관리
alert-stop-all = 모두 그만 받기

## 멈춘 까닭
see-status = 상태 보기
resume-post = 다시 시작하기
reason-unknown = 까닭을 알 수 없어요.
reason-unknown-channel = 채널이 지워졌어요. 다른 채널에서 새로 설정해 주세요.
reason-guild-left = Paperround가 그 서버에 없어요. 다시 초대하면 이어져요.
reason-no-access = 채널을 볼 수 없어요. 채널 설정 › 권한에서 Paperround에 **채널 보기**를 켜 주세요. 켜면 저절로 이어져요.
reason-no-permission = 필요한 권한이 없어요. 채널 설정 › 권한을 살펴봐 주세요. 켜면 저절로 이어져요.
reason-no-send = **메시지 보내기** 권한이 없어요. 채널 설정 › 권한에서 Paperround에 켜 주세요. 켜면 저절로 이어져요.
reason-no-send-in-threads = **스레드에서 메시지 보내기** 권한이 없어요. 채널 설정 › 권한에서 켜 주세요. 켜면 저절로 이어져요.
reason-no-threads = **공개 스레드 만들기** 권한이 없어요. 채널 설정 › 권한에서 켜 주세요. 켜면 저절로 이어져요.
reason-no-history = **메시지 기록 보기** 권한이 없어서 글이 올라갔는지 알 수 없어요. 채널 설정 › 권한에서 켜 주세요.
reason-dms-closed = 다이렉트 메시지를 받지 않게 되어 있어요. 함께 있는 서버의 개인정보 보호 설정에서 허용한 뒤 알림을 다시 켜 주세요.
reason-no-shared-server = 함께 있는 서버가 없어서 메시지를 보낼 수 없어요. 같은 서버에 들어온 뒤 알림을 다시 켜 주세요.
reason-thread-locked = 스레드가 잠겨 있어요. 잠금을 풀고 다시 시작해 주세요.
reason-tag-needed = 포럼에 태그가 있어야 해요. 태그 없이도 쓸 수 있게 하거나 다른 채널을 골라 주세요.
reason-wrong-channel-kind = 이런 채널에는 올릴 수 없어요. 텍스트, 공지, 포럼 채널을 골라 주세요.
reason-refused-content = 디스코드가 메시지를 받지 않았어요. 되는 대로 간단한 글로 올렸고, 자세한 내용은 로그에 있어요.
reason-discord-trouble = 디스코드에 문제가 있었어요. 저절로 다시 해 볼게요.
reason-rate-limited = 디스코드가 천천히 하라고 했어요. 저절로 다시 해 볼게요.
reason-too-old = 제때 올리지 못해서 건너뛰었어요.
reason-uncertain = 글이 올라갔는지 알 수 없어요. 채널을 보고, 없으면 다시 올려 주세요.
reason-by-hand = 손으로 멈췄어요.
reason-no-digest = 그날은 다이제스트가 없었어요.
