# The interface in English. Markdown is Discord's. Plain, short, no exclamation marks.

## Answers when something cannot be done
outdated-control = This button belongs to an older version. Please use the command again.
busy = The bot is busy right now. Please try again in a few seconds.
cooldown = You have asked a lot in a short time. Please try again in { $seconds ->
    [one] a second
   *[other] { $seconds } seconds
}.
outdated-command = This command has changed. Please type it again; if that does not help, restart Discord.
needs-manage-server = You need the permission **Manage Server** for this. Ask an administrator of the server.
only-in-servers = This works in a server only.
broken = That did not work just now, and nothing was changed. Please try again in a moment. (Reference { $reference })

## Lists of papers
open-paper = Pick a paper to read
list-more-privately = { $count ->
    [one] See it for yourself
   *[other] See all { $count } for yourself
}
shared-by = Shared by { $name }
list-with-forms = With related terms
list-literally = Exact words only
list-order = Order
list-by-relevance = Best match first
list-by-votes = Order by votes
list-by-date = Order by date
choose-period = Period
period-week = Last 7 days
period-month = Last 30 days
period-quarter = Last 3 months
period-year = Last year
period-all = All time
follow-topic = Follow this topic
follow-author = Follow this author
share = Share in channel
list-digest-heading = Papers of { $date } · { $count }
list-top-heading = Most voted papers · { $period }
list-top-topic-heading = Most voted on { $topic } · { $period }
list-topic-heading-at-least = { $topic } · { $count }+ papers
list-topic-heading = { $topic } · { $count ->
    [one] 1 paper
   *[other] { $count } papers
}
list-author-heading = { $author } · { $count ->
    [one] 1 paper
   *[other] { $count } papers
}
choice-papers = { $count ->
    [one] 1 paper
   *[other] { $count } papers
}
list-similar-heading = More like { $title }
list-saved-heading = Saved papers · { $count }
list-corrected = Corrected: { $words }
list-read = Searched for { $terms }
list-meanings = { $term } stands for several terms: { $meanings }
list-also = Also searched for { $forms }
list-inside = Found only inside longer words
list-partial = No paper has everything asked for; these have a part of it
list-partial-heading = These lack a part of what was asked for
list-missing = without: { $terms }
list-perhaps = Perhaps you meant: { $topics }
list-ignored = Could not be used and was left out: { $filters }
list-name-corrected = No author is called { $name }; this is the nearest name
list-other-authors = Similar names: { $names }
list-namesakes = Several people have this name: { $names }
list-coauthors = With { $names }
list-topics = Topics: { $topics }
no-list-paper = ### The archive has no paper { $paper }
no-list-topic = ### Nothing found for { $topic }
no-list-author-papers = ### No papers by { $author } pass these filters
no-list-author = ### No author found for { $author }
no-list-top = ### No papers · { $period }
no-list-top-topic = ### No papers on { $topic } · { $period }
no-list-digest = ### No digest of { $date }
no-list-similar = Nothing comes close to this paper yet.
no-list-saved = ### No saved papers yet
    Press **Save** on a paper and it will be here. { $command } takes the papers of a Zotero, BibTeX or RIS file.
archive-extent = The archive holds { $count ->
    [one] one paper
   *[other] { $count } papers
}, from { $first } to { $last }.
archive-empty = The archive is still empty. Papers come with the first digest.
try-instead = Perhaps one of these:
try-name = Try the family name alone or the name in Hangul, or pick one from the list while you type.
as-a-topic = As a topic · { $count ->
    [one] 1 paper
   *[other] { $count } papers
}
all-time = All time
any-votes = With any votes
without-filters = Without filters
newest-digest = Newest digest
nearest-digest = Digest of { $date }

## Days of digests
day-today = Today
day-yesterday = Yesterday
choose-day = Another day
card-listed = in the digest of { $date }
also-listed = also on { $date }
list-digest-of-period = The newest of { $count } days in { $period }; the menu has the others

## Saved papers
saved-pick = Open, note, tags, remove
saved-order = Order
saved-order-newest = Newest first
saved-order-oldest = Oldest first
saved-order-votes = Most votes
saved-order-title = By title
saved-tags = Tags
saved-all-tags = All papers
saved-search = Search
saved-search-label = Words, or tags such as #rl
saved-search-hint = diffusion model #to-read
saved-show-all = Show all
saved-filter = Only { $query }
saved-none-found = ### None of your saved papers matches { $query }
saved-export = Export as a file
saved-on = saved { $date }
saved-unlisted = in no digest
saved-note = note: { $note }
saved-edit-note = Note
saved-note-label = Your note; only you see it
saved-edit-tags = Tags
saved-tags-label = Up to { $count } tags, with commas between
saved-tags-hint = rl, to read
saved-remove = Remove
saved-removed = Removed: { $title }
saved-undo = Undo
saved-back = Back to the list
saved-not-any-more = This paper is not among your saved papers any more.
saved-cannot-undo = This removal is too long ago to be undone. Save the paper again from its card.
saved-full = You have { $count } saved papers, which is the most. Remove some first.
saved-exported = { $count ->
    [one] One paper
   *[other] { $count } papers
} as { $format }
saved-nothing-to-export = No saved papers to export.
saved-export-too-large = This file would be larger than Discord takes. Export one tag or a search.
saved-import = Import a file
saved-import-file = A file of your reference manager
saved-import-file-hint = BibTeX, RIS, CSL JSON or Zotero RDF, up to 2 MB. Papers with an arXiv id are saved.
saved-shared = ### { $count ->
        [one] A paper
       *[other] { $count } papers
    } that { $name } saved
saved-shared-more = and { $count } more
saved-import-too-large = The file is larger than { $megabytes } MB. Export a part of your library, without attachments and abstracts.
saved-import-unreadable = This file cannot be read. Export your library as BibTeX, RIS, CSL JSON or Zotero RDF.
saved-imported = ### { $count ->
        [0] No paper was saved
        [one] One paper saved
       *[other] { $count } papers saved
    }
saved-import-unlisted = { $count ->
    [one] One of them is in no digest
   *[other] { $count } of them are in no digest
}; it is kept with the title and authors of the file
saved-import-known = { $count ->
    [one] One was saved before, or is in the file twice
   *[other] { $count } were saved before, or are in the file twice
}
saved-import-without_id = { $count ->
    [one] One has no arXiv id
   *[other] { $count } have no arXiv id
}
saved-import-left_out = { $count ->
    [one] One is broken or too far down in the file
   *[other] { $count } are broken or too far down in the file
}
saved-import-full = { $count } did not fit any more
saved-import-places = Look at line (or entry #) { $places }
list-guild-shelf-heading = Saved or shared here · { $period } · { $count ->
    [one] 1 paper
   *[other] { $count } papers
}
no-list-guild-shelf = ### Nothing that three members saved or one shared here
    A paper counts once three members save it in this server, or one shares it in a channel. Who saved it is never shown.
guild-shelf-saved = saved by { $count } members
guild-shelf-shared = shared by { $count ->
    [one] one
   *[other] { $count }
}
help-saved-import = the arXiv papers of a Zotero, BibTeX or RIS file
help-keeping = Keep papers
help-saved-list = what you saved, with notes and tags
help-saved-export = as a file for Zotero, LaTeX or a table

## A paper's card
no-summary = No digest has a summary of this paper yet.
choose-chapter = Read a chapter of the review
choose-chapter-other-language = Review in Korean: choose a chapter
back-to-paper = Back to the paper
chapter = Chapter { $number }
save = Save
unsave = Saved · remove
similar = Similar papers
authors = Authors
cite = Cite
basis-paper = written from the whole paper
basis-abstract = written from the abstract
basis-unknown = basis not known
basis-extract = extract of the abstract
basis-extract-in-other-language = extract of the abstract, in Korean
basis-huggingface = Hugging Face's summary of the abstract
written-from-paper = written by { $model } from the whole paper
written-from-abstract = written by { $model } from the abstract
summary-listing = Hugging Face's summary of the abstract
summary-abstract = The paper's abstract
summary-listing-in-other-language = Hugging Face's summary of the abstract, in Korean
summary-abstract-in-other-language = The paper's abstract, in Korean
summary-in-other-language = No English summary yet; shown in Korean
summary-missing = no usable summary
label-whats-new = What's New
label-technical-details = Technical Details
label-performance-highlights = Performance Highlights
author-order-unconfirmed = The author order is not confirmed by arXiv yet.
format-newsletter = Newsletter { $date }
format-review = Review { $date }
format-listing = Hugging Face list { $date }
no-paper = I don't know the paper { $paper }. Use an arXiv id such as 2502.02737, a link to arXiv or Hugging Face, or part of a title.
papers-in-message = ### { $count } papers in this message
in-no-digest = in no digest here
no-paper-in-message = This message names no paper: no link to arXiv, Hugging Face or alphaXiv, and no arXiv id.
published-on = published { $date }
paper-fetched = In no digest yet; these are the facts of arXiv and Hugging Face
tell-me = Tell me when it appears
tell-made = You'll get a direct message once a digest has the paper { $paper }.
tell-listed = A digest has this paper by now. Look it up again.
term-paper = with the arXiv id { $terms }
rule-paper = The paper { $papers }, once a digest has it
alert-found-paper = it is in a digest now
lookup-unknown = arXiv has no paper { $paper }.
lookup-unreachable = No digest here has the paper { $paper }, and arXiv gives no answer now. Try again in a few minutes.
lookup-late = No digest here has the paper { $paper }, and arXiv takes long to answer. Look it up again in a minute.
lookup-limited = No digest here has the paper { $paper }. Papers that no digest has are fetched 5 times a minute and 20 times a day for each reader.
open-arxiv = Open on arXiv ↗
open-huggingface = Open on Hugging Face ↗
no-paper-near = No paper has this title; these are on the topic
no-chapter = This review has no such chapter any more. Open the paper again.
paper-saved = Saved. You find it again with { $command }.
authors-heading = ### Authors of { $title }
choose-author = See an author's papers
authors-listed = { $count ->
    [one] One author
   *[other] { $count } authors
}{ $truncated ->
    [yes] ; the digest did not list them all
   *[no] {""}
}
cite-heading = ### Cite { $title }

## Posts
post-pick = Pick a paper to read
post-see-all = { $count ->
    [one] See it in the list
   *[other] See all { $count } papers
}
post-ask = Find a topic
post-on-topic = All on this topic
post-follow = Follow a topic
link-code = code
link-project = project
language-en = English
language-ko = 한국어
schedule = { $days } at { $time } ({ $zone })
schedule-complete = { $days } at { $time } ({ $zone }), when the day is complete
every-day = Every day
workdays = Monday to Friday
on-days = On { $days }
more-papers = and { $count ->
    [one] one more
   *[other] { $count } more
}
more-inside = There is more: press Read.
read = Read
alert-more = { $count ->
    [one] One more
   *[other] { $count } more
}
alert-day = All papers of the day
alert-pause-week = Pause this alert for a week
alert-pause-week-all = Pause for a week
alert-manage = Manage alerts
alert-stop-all = Stop all alerts

## Notices, and why something stands still
see-status = See status
resume-post = Resume
reason-unknown = The reason is not known.
reason-unknown-channel = The channel was deleted. Set the daily post up again in another one.
reason-guild-left = Paperround is no longer in that server. Invite it again to go on.
reason-no-access = Paperround cannot see the channel. Switch on **View Channel** for it in the channel's settings › Permissions. It then resumes automatically.
reason-no-permission = Paperround lacks a permission there. Check the channel's settings › Permissions. Once it is there, it resumes automatically.
reason-no-send = Paperround may not send messages there. Switch on **Send Messages** for it in the channel's settings › Permissions. It then resumes automatically.
reason-no-send-in-threads = Paperround may not write in threads there. Switch on **Send Messages in Threads** in the channel's settings › Permissions. It then resumes automatically.
reason-no-threads = Paperround may not open threads there. Switch on **Create Public Threads** in the channel's settings › Permissions. It then resumes automatically.
reason-no-history = Paperround may not read the channel's history, so it cannot tell whether a message arrived. Switch on **Read Message History** in the channel's settings › Permissions.
reason-dms-closed = You do not accept direct messages from Paperround. Allow them in a server that you share (Privacy Settings), then resume your alerts.
reason-no-shared-server = There is no server that you share with Paperround, so it cannot write to you. Join one, then resume your alerts.
reason-thread-locked = The thread is locked. Unlock it, then start again.
reason-tag-needed = The forum demands a tag. Allow posts without one, or choose another channel.
reason-wrong-channel-kind = This kind of channel cannot take the post. Choose a text, announcement or forum channel.
reason-refused-content = Discord refused the message. It was posted in a plain form where possible; the log has the details.
reason-discord-trouble = Discord had trouble. It is tried again automatically.
reason-rate-limited = Discord asked to slow down. It is tried again automatically.
reason-too-old = It could not be posted in time, so it was dropped.
reason-uncertain = It is not known whether the message arrived. Look into the channel; post it again if it is missing.
reason-by-hand = Paused by a person.

## Looking up
no-words = Please type at least one word.
no-date = That is no date I can read. Use one such as { $example }, or leave it out for the newest digest.
may-not-share = You may not send messages in this channel, so it cannot be shared here.
ask-label = What would you like to read about?
ask-hint = reinforcement learning, diffusion, 강화 학습
and-more = and { $count } more

## Alerts
alert-create = Make this alert
alert-save = Save the change
alert-replace = Change it to this
alert-show = Show it
alert-discard = Back without saving
alert-undo = Undo
alert-edit-rule = Change what
alert-edit-timing = Change when
alert-move-here = Send to this channel
alert-move-dm = Send by direct message
change = Change
remove = Remove
resume = Resume
back = Back
alert-made = The alert is on.
alert-changed = Changed.
alert-exists = You have this alert already: { $place }
alert-would = { $count ->
    [0] It would have found no paper in the last 30 days.
    [one] It would have found one paper in the last 30 days:
   *[other] It would have found { $count } papers in the last 30 days, { $busiest } on the busiest day. The latest:
}
alert-dm = DM
alert-timing-now = at once
alert-timing-daily = daily { $time }
alert-timing-weekly = weekly, { $day } { $time }
alert-at-most = { $count ->
    [one] at most one paper a message
   *[other] at most { $count } papers a message
}
alert-only-ko = only with a Korean text
alert-only-en = only with an English text
alert-with-forms = also in the other language
follow-of-paper = 🔔 Follow topic or author
follow-kind-keyword = Topic
follow-kind-institution = Institution
follow-kind-author = Author
rule-or = { " or " }
rule-and = { " and " }
rule-word = “{ $text }”
term-keyword = with { $terms }
term-author = by { $terms }
term-institution = from { $terms }
rule-author = Papers by { $text }
rule-any = Papers { $terms }
rule-all = Papers { $terms }
rule-without = { $rule }, without { $words }
rule-with-votes = { $rule }, at least ▲ { $votes }
refused-no-terms = An alert needs a keyword, an author or an institution. Try **diffusion** as the keyword.
refused-too-many-terms = An alert takes { $most } words and names, and these are { $count }. Put the rest into a second alert.
refused-too-many-excluded-words = An alert leaves out { $most } words at most, and these are { $count }. Keep the most common ones.
refused-text-too-long = “{ $text }” has { $length } characters; a word or name may have { $most }. Shorten it, or separate several with commas.
refused-no-letters = “{ $text }” has no letter or number to look for. Use words such as **reinforcement learning**.
refused-only-particles = “{ $text }” is in every text. Add a word with a meaning, such as **diffusion**.
refused-no-institution = “{ $text }” names no single institution. Give its whole name, such as **KAIST**.
refused-excludes-all = Nothing can match: each paper with “{ $text }” also has “{ $word }”, which is to be left out. Remove one of the two.
refused-too-many = You have { $most } alerts, the most there can be. Remove one first.
refused-gone = There is no such alert of yours any more. Make a new one.
alert-not-possible = This cannot become an alert. Use words such as **reinforcement learning**, or a name.
alert-several = Several of your alerts have these words. Pick one from the list that opens while you type.
alert-no-such-channel = Alerts can be sent to text and announcement channels only.
needs-manage-messages = For an alert in { $channel } you need the permission **Manage Messages** there.
needs-mention-role = You may not mention { $role } in { $channel }. Choose a role that everyone may mention, or ask someone with the permission **Mention @everyone, @here, and All Roles**.
topic-asks-nothing = This topic asks for nothing. Name words, an author (author:) or least votes (votes:), such as **diffusion -survey**, in at most 200 characters.
channel-not-here = That channel is not in this server, or is gone.
bot-lacks-permissions = Paperround cannot post in { $channel } yet. Give it { $permissions } in the channel's settings › Permissions, then press again.
rights-unknown = Discord did not say which rights you have in that server. Try again in a few minutes.
alerts-in-server = In this server's channels
server-alerts-heading = Alerts in this server's channels · { $count }
no-server-alerts = No channel of this server has an alert.
no-alert-here = There is no such alert in this server's channels.
alert-made-by = Made by { $user }.
no-alerts = You have no alerts yet. Press **Follow this topic** under a list, or use { $command }.
no-alert = There is no such alert of yours.
alerts-heading = Your alerts · { $count }
alert-pick = Pick an alert to change it
alert-active = Active
alert-resting = Paused
alert-rests-until = Paused until { $until }
alert-pause = Pause
alerts-paused = { $count ->
    [one] Paused one alert
   *[other] Paused all { $count } of your alerts
} for { $days ->
    [one] one day.
   *[other] { $days } days.
}
alerts-resumed = { $count ->
    [one] One alert is on again.
   *[other] { $count } alerts are on again.
}
alert-removed = Removed: { $rule }
alert-remove-all = Remove all
alert-stop-all-sure = { $count ->
    [one] Remove your alert?
   *[other] Remove all { $count } of your alerts?
} You can also pause them for a week.
alerts-all-removed = { $count ->
    [one] Removed one alert.
   *[other] Removed { $count } alerts.
}
alert-form-rule = What to look for
alert-form-keyword = Words, separated by commas
alert-form-keyword-hint = reinforcement learning, 강화 학습
alert-form-author = Authors
alert-form-author-hint = Sergey Levine, 김건우
alert-form-institution = Institutions
alert-form-institution-hint = KAIST, Stanford University
alert-form-without = Without these words
alert-form-without-hint = survey, medical
alert-form-options = How it matches
alert-form-option-all = All of the words and names, not any of them
alert-form-option-forms = Also the words in the other language
alert-form-option-ko = Only papers with a Korean text
alert-form-option-en = Only papers with an English text
alert-form-timing = When and how many
alert-form-when = When
alert-form-now = At once
alert-form-daily = Every day, in one message
alert-form-weekly = Weekly on { $day }, in one message
alert-form-time-hint = 9am, 21:30, morning
alert-form-zone-hint = Seoul, Europe/Berlin, KST
alert-form-votes = At least this many votes
alert-form-most = Papers a message, at most
votes-not-a-number = Votes must be a number from 0 to 99999, such as 10.

## The daily post
setup-heading = Daily post in { $channel }
setup-first = First post: { $at } ({ $relative })
setup-start = Start
setup-start-now = Start and post now
setup-exists = { $channel } has { $count ->
    [one] a daily post
   *[other] { $count } daily posts
} already
setup-change = Change it
setup-add = { $count ->
    [one] Add a second
   *[other] Add another
}
permissions-ready = All permissions are there:
permissions-missing = Some permissions are missing:
permission-view-channel = View Channel
permission-send-messages = Send Messages
permission-read-message-history = Read Message History
permission-create-public-threads = Create Public Threads
permission-send-messages-in-threads = Send Messages in Threads
permission-embed-links = Embed Links
permission-mention-everyone = Mention @everyone, @here, and All Roles
permission-where = switch it on for Paperround in the channel's settings › Permissions
order-papers = { $count ->
    [one] The most voted paper
   *[other] The { $count } most voted papers
}
order-votes = at least ▲ { $votes }
order-say-empty = says so on days without papers
order-silent-empty = no post on days without papers
order-topic = Only papers on “{ $topic }”
order-our-five = Also the papers that most members saved or shared
our-five-is-weekly = Only a weekly post lists what most members saved or shared. Choose the style Weekly.
order-mention = Mentions { $role }
forecast-recent = On { $days } of the last 14 days, { $papers }
forecast-past = On { $days } of the 14 days up to { $until }, { $papers }
forecast-recent-none = No paper matched in the last 14 days.
forecast-past-none = No paper matched in the 14 days up to { $until }.
forecast-empty = The archive is still empty, so there is nothing to try the topic on.
forecast-papers = { $most ->
    [one] 1 paper
   *[other] { $most } papers
}
forecast-papers-range = { $fewest } to { $most } papers
forecast-once = A paper that was posted in this channel before is not posted again.
style-compact = Compact
style-cards = Cards
style-thread = Thread
style-forum = Forum
style-announcement = Announcement
style-weekly = Weekly
order-heading = Daily post in { $channel }
orders-heading = Daily posts of this server · { $count }
order-option = No. { $id } · { $style }
order-pick = Pick a daily post
order-preview = Preview
order-now = Post now
order-pause = Pause
order-all = All daily posts
order-started = All set
order-changed = Changed
order-paused = Paused
order-resumed = Resumed
order-removed = Removed. Nothing more is posted in { $channel } by this daily post.
order-remove-sure = Remove the daily post in { $channel }? Pausing keeps its settings.
order-posting = It will be in { $channel } in a few seconds.
order-nothing-new = There is nothing new for { $channel }: the newest papers were posted there already, or no digest has come lately.
order-already = This channel has a daily post at that time, in that language and style and on that topic already.
order-which = This server has several daily posts. Pick one in the option **post**.
no-order = There is no such daily post in this server.
no-orders = This server has no daily post yet. Set one up with { $command }.
next-at = Next: { $at }
next-complete = Waiting for the day to be complete, until { $until } at the latest
next-waiting = Waiting for the day's digest, until { $until } at the latest
next-unknown = Nothing is planned
paused-by = Paused by { $user }, { $at }
paused-at = Paused { $at }
preview-note = **Preview:** this is what would be posted now.
order-edit-schedule = Time, days, role
order-edit-papers = Topic, papers, style
order-form-heading = Change the daily post in { $channel }
order-form-again = Open what was typed
order-form-options = Options
order-form-option-complete = Wait until the day is complete
order-form-option-say-empty = Say so on days without papers
order-form-option-our-five = Also what most members saved or shared
order-form-role = Mention a role
order-form-topic = Only papers on a topic
order-form-topic-hint = reinforcement learning; empty for all papers
order-form-language = Language
order-form-style = Style
order-form-time = Time
order-form-zone = Time zone
order-form-papers = How many papers (1 to 25)
order-form-votes = At least this many votes
order-form-days = On which days
papers-not-a-number = The number of papers must be from { $low } to { $high }, such as 5.
time-not-understood = The time “{ $text }” is not one I can read. Use one such as 9am, 21:30 or morning.
zone-unknown = The time zone “{ $text }” is not one I know. Use a city or zone such as Seoul, Europe/Berlin or KST.
channel-not-postable = A daily post needs a text, announcement or forum channel.
weekly-at-its-hour = A weekly post comes at its hour; it cannot wait for a day to be complete.
style-does-not-fit = { $channel } cannot take this style. Forums take the style Forum and only that; Announcement needs an announcement channel.

## Status
status-heading = Status
status-digest = Newest digest: { $date }, read { $read }
status-clock-held = The clock of the computer that I run on jumped ahead by { $by }. Until that is confirmed, I post by the time before.
status-clock-moved = The clock of the computer that I run on was set { $direction ->
    [ahead] ahead
   *[back] back
} by { $by } { $at }. All times were computed again.
duration = { $hours ->
    [0] { $minutes } min
   *[other] { $hours } h { $minutes } min
}
status-discord-limited = Discord limits the bot's requests at the moment. What is due is posted when that ends.
status-discord-troubled = Discord does not answer properly at the moment. What is due is posted when it does.
status-discord-refused = Requests that Discord refused in the last 10 minutes: { $count } (limit { $limit })
status-no-digest = No digest has come yet.
status-no-post = No daily post is set up in this server.
status-last = last { $last }
status-next = { $next }
status-no-message = nothing so far
status-message = post
status-templates = A template has an error, so the built-in wording is posted instead: { $files }. The reason is in the log.
status-to-you = Messages to you
status-alerts = { $count ->
    [one] Your alert
   *[other] Your { $count } alerts
}: { $last }
status-no-alerts = You have no alerts.
delivery-paused = held back
delivery-uncertain = unknown whether it arrived
delivery-expired = not posted
delivery-failed = failed
post-again = Post it again
posting-again = It is posted again in a few seconds.
nothing-to-post-again = That has been settled already; nothing is posted again.

## Help
help-heading = Paperround
help-intro = The day's machine-learning papers, and all those before. Answers are for your eyes only until you share them.
help-reading = Reading
help-following = Alerts
help-general = Paperround
help-set-up = Set up a daily post
help-channel = In a channel (Manage Server)
help-digest = the papers of a day
help-top = those with the most votes
help-topic = papers on a topic, in Korean or English
help-author = an author's papers
help-paper = one paper in detail
help-look-up = **Look up papers** (in the menu of a message, under *Apps*) the papers that a message names
help-alerts-add = get new papers by words, author or institution
help-alerts-list = see, change or remove your alerts
help-alerts-pause = pause one alert, or all
help-alerts-remove = remove an alert
help-daily-setup = set up a daily post
help-daily-list = the daily posts of this server
help-daily-edit = change a daily post
help-daily-preview = see what would be posted
help-daily-now = post at once
help-daily-pause = pause a daily post, or resume it
help-daily-remove = remove a daily post
help-status = what came, what comes, what is stuck
help-help = this page

## Why a paper was not posted
help-why = why a paper was not posted in this channel
why-posted = It was posted here on { $at }.
why-see-post = See the post
why-repeated = A later digest has it again. The same paper is not posted twice within 30 days.
why-under-way = It has been chosen; the message goes out in a moment.
why-held = It was chosen from the digest of { $date }. What became of the post: { $state }.
why-too-few-votes = It has ▲ { $votes }, and this post takes papers from ▲ { $least } on.
why-votes-unknown = Its votes are not known yet, and this post takes papers from ▲ { $least } on.
why-below-top = It is number { $rank } of the { $total } papers to choose from, and this post shows { $top ->
    [one] only the first
   *[other] the first { $top }
}. (Digest of { $date })
why-off-topic = It does not match the topic of this post, “{ $topic }”.
why-not-then = It was not among those to choose when the post of { $date } was put together: it had fewer votes, the post was set up differently, or the digest did not have it yet. Today it would be.
why-not-recorded = The post made from its digest of { $date } did not show it. The reason is no longer kept.
why-first-post = The first post in a channel shows the newest digest alone, and this paper's digest is older.
why-coming = It is on its way: number { $rank } of { $total } for the next post, { $at }.
why-settling = Its digest of { $date } is held until the votes have settled, { $at }.
why-closing = The post waits until the day is complete. The list of { $date } closes { $at }.
why-stopped = This daily post is paused.
why-overtaken = Its digest of { $date } came after a newer one had been posted.
why-before-order = Its digest of { $date } is from before this daily post was set up.
why-too-old = Its digest of { $date } was not there in time: this post takes what is at most { $days ->
    [one] one day
   *[other] { $days } days
} old.
why-may-change = This can change until the next post, { $at }.
why-edit = Someone who manages the server can change this with { $command }.
why-former-order = A post that was set up here before
why-not-listed = No digest holds the paper { $paper }, so no post could choose it.
why-no-order = No daily post is set up in this server. Someone who manages it can do that with { $command }.
why-no-order-here = This channel has no daily post. In this server there is one in { $channels }.

## Where the digests come from
help-write-status = what Paperround writes itself, and what it could not write
write-heading = Digests that Paperround writes
write-off = The writer is off: no language model is set. Papers have Hugging Face's summary or an extract of the abstract. The person who runs Paperround can name a model.
write-nothing-yet = Nothing is written yet. A day is written when its list is complete.
write-format-newsletter = Newsletter
write-format-review = Review
write-language-en = in English
write-language-ko = in Korean
write-written = { $count } of { $total } written
write-abstract = { $count } of them from the abstract
write-refused = { $count } without a text
write-failed = { $count } failed
write-waiting = { $count } waiting
write-failed-no-tokens = the token budget is used up
write-failed-no-claim = no sentence passed the checks
write-failed-unreachable = the model's server could not be reached
write-failed-status-error = the model's server returned an error
write-failed-no-reply = the model did not answer in time
write-failed-cut-off = the answer was too long and was cut off
write-failed-no-answer = the answer was not in the required form
write-failed-unknown = an error occurred while writing; the log has more
status-writer-budget = The writer's token budget is used up: papers have extracts instead of summaries. More in { $command }.
write-no-text = neither the paper nor its abstract could be read
write-tokens-day = { $used } tokens used today (UTC)
write-tokens-day-capped = { $used } of { $cap } tokens used today (UTC)
write-tokens-month = { $used } tokens used this month
write-tokens-month-capped = { $used } of { $cap } tokens used this month
help-sources = where the digests come from
sources-heading = { $count ->
    [0] Sources
   *[other] Sources · { $count }
}
sources-none = Nothing is fetched automatically.
sources-files = Digests come as files: whoever runs Paperround brings them with `paperround ingest`.
sources-inbox = Folder { $folder }: a digest that is put there is read at once.
source-folder = folder
source-url = dated address
source-feed = feed
source-huggingface = Hugging Face: the list of each day, votes, authors
source-arxiv = arXiv: titles, authors, abstracts
source-last = last { $last }
source-never = nothing read so far
source-next = next { $next }
source-due = next check in a moment
source-no-next = no longer checked
source-not-yet = The newest one is not there yet.
source-refused = it leads to an address that is not public, which the operator has to allow
source-failures = { $count ->
    [one] **The last attempt failed**
   *[other] **The last { $count } attempts failed**
}: { $reason }

## Trends
help-trends = a topic by month, and the rising topics
trend-heading = { $topic } · { $count ->
    [one] 1 paper
   *[other] { $count } papers
} · { $period }
trend-everything = The whole archive
trend-papers = Papers
trend-votes = Votes
trend-span-half-year = Last 6 months
trend-span-y = Last year
trend-span-two-years = Last 2 years
trend-span-a = All time
trend-estimated = Estimated from a sample, since there are so many
trend-month = { $month }: { $count ->
    [one] 1 paper
   *[other] { $count } papers
}
trend-so-far = { $month } so far
trend-most = Most in { $month }
trend-numbers = Papers a month, with the votes of these papers today
trend-list = See the papers
trend-privately = See it for yourself
trend-nothing = ### No papers on { $topic } · { $period }
rising-heading = Rising topics of the last 30 days
rising-heading-short = Rising topics
rising-facts = { $count ->
    [one] 1 paper
   *[other] { $count } papers
} · { $before }% → { $now }%
rising-note = Papers with it in the title, and its share of all, against the 3 months before
rising-none = No topic stands out against the 3 months before.
rising-pick = See a topic's trend

# /me: what is kept about the reader

help-me-data = everything kept about you, as a file
help-me-forget = remove everything kept about you
me-data = Everything kept about you is in this file. { $command } removes it.
me-nothing = Nothing is kept about you.
me-forget-question =
    ### Remove everything about you?
    { $saved ->
        [one] One saved paper
       *[other] { $saved } saved papers
    }, { $alerts ->
        [one] one alert
       *[other] { $alerts } alerts
    } (also those in channels), the record of { $messages ->
        [one] one message
       *[other] { $messages } messages
    } to you, your settings and all that was learnt from these are removed, and messages that still wait are not sent.
    This cannot be undone. { $command } gives you all of it as a file first.
me-forget-all = Remove everything
me-keep = Keep it
me-kept = Nothing was removed.
me-forgotten = Everything about you is removed. The messages that you already have stay in Discord.

## /today: a reader's papers of the day
help-today = your five papers of today
today-heading = Five for you · { $day }
today-by-votes = By votes until you have saved three papers. Pick topics below to begin with.
today-from-saved = learnt from { $count ->
    [one] one saved paper
   *[other] { $count } saved papers
}
today-from-topics = by the topics you picked and what you follow; from three saved papers on by those too
today-rank = no. { $rank } by votes
today-because = because you { $reasons }
today-and = {", and "}
today-because-saved = saved { $count } papers on “{ $text }”
today-because-followed = follow “{ $text }”
today-because-picked = picked “{ $text }”
today-more = More like this
today-less = Not this
today-more-noted = Noted: more like { $title }
today-less-noted = Left out, and learnt from: { $title }
today-others = Other papers of today
today-topics = My topics
today-picked = **Picked:** { $topics }
today-no-topics = none yet
today-learnt = **From the papers you saved:** { $topics }
today-how = The words and concepts of what you save, follow, open and ask more of count for a paper; those of “not this” count against it. Only you see them; { $data } shows and { $forget } removes them.
today-pick-topics = Pick topics
today-show = Show the papers of today
today-send = Send me these every day
today-stop = Stop sending this
today-sent-daily = You get them by direct message every day at { $at } ({ $zone }), the next on { $next }. Days without new papers are left out.
today-stopped = They are not sent any more. The command still shows them.
today-send-again = Send me these again
today-suspended = They are not sent any more, because { $reason ->
    [no-shared-server] there is no server that you share with Paperround. Join one
   *[other] your settings take no direct messages from Paperround. Allow them in a server that you share with it (Privacy Settings)
}, then press **{ today-send-again }**.
today-nothing = There are no papers yet.

## Why a paper is in an alert
alert-why = Why this?
alert-fewer = Fewer of these
alert-mute = Mute this alert
alert-why-gone = None of your alerts is for this paper any more.
alert-fewer-done = Fewer from now on:
alert-found-title = “{ $text }” in the title
alert-found-text = “{ $text }” in the summary
alert-found-author = author { $text }
alert-found-institution = from { $text }

# The weekly message about saved papers

help-me-news = whether you get news of your saved papers
news-heading = { $count ->
        [one] One of your saved papers has news
       *[other] { $count } of your saved papers have news
    }
news-version = new version v{ $value }
news-withdrawn = withdrawn by its authors
news-code = code
news-model = model
news-venue = accepted at { $value }
news-saved = Saved papers
news-stop = No more of these
news-start = Send them
news-on = Once a week you get a direct message if something became of your saved papers: a new version, a withdrawal, code, a model, or where a paper was accepted.
news-off = You get no news of your saved papers.
