# The interface in English. Markdown is Discord's. Plain, short, no exclamation marks.

## The application at Discord
application-description = Today's top machine-learning papers in your channel, every day. Searches papers, answers with passages, and tells you when a paper matches. /help shows all it can do.

## Answers when something can't be done
outdated-control = This button or menu is out of date. Please run the command again.
busy = Paperround is busy right now. Please try again in a few seconds.
too-slow = That took too long and was stopped. Anything already saved is kept. Please try again later, or with fewer papers.
upload-failed = The attached file couldn't be downloaded from Discord. Please attach it again.
outdated-command = This command has changed. Please type it again. If that doesn't help, restart Discord.
like-needs-server = `like:list` is about a server's list. Use it in a server, in a post of one of its channels.
like-needs-papers =
    `like:list` needs at least { $least } papers on *Our list* that have a text here; { $known ->
        [0] none has one
        [one] one has one
       *[other] { $known } have one
    } ({ $listed } on the list). Add papers with **Add to our list** on a card or, for managers, from a file with **Import a file** below our list.
needs-manage-server = You need the **Manage Server** permission for this. Ask a server manager.
only-in-servers = This works only in a server.
broken = Something went wrong. Please try again in a moment. If you were saving or changing something, first check whether it went through. (Reference { $reference })

## Lists of papers
open-paper = Pick a paper to read
save-selected = Pick papers to save
list-selected = Pick papers for our list
list-more-privately = { $count ->
    [one] See it privately
   *[other] See all { $count } privately
}
shared-by = Shared by { $name }
list-by-relevance = Best match first
list-by-votes = Most votes first
list-by-date = Newest first
list-by-oldest = Oldest first
choose-period = Period
period-week = Last 7 days
period-month = Last 30 days
period-quarter = Last 3 months
period-year = Last 12 months
period-all = All time
period-this-week = This week
period-last-week = Last week
period-this-month = This month
period-last-month = Last month
period-this-year = This year
period-last-year = Last year
period-since = since { $date }
period-until = until { $date }
follow-topic = Follow this topic
follow-author = Follow this author
follow-institution = Follow this institution
share = Share in channel
share-done = Shared in this channel.
share-done-before = Already shared in this channel.
share-take-back = Take it back
share-taken-back = Taken back and deleted from the channel.
list-digest-heading = Papers for { $date } · { $count }
list-top-heading = Top papers · { $period }
list-top-topic-heading = Top papers on { $topic } · { $period }
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
list-from-heading = From { $name } · { $count ->
    [one] 1 paper
   *[other] { $count } papers
}
list-from = { $count ->
    [one] 1 paper from { $name }
   *[other] { $count } papers from { $name }
}
list-in-text = “{ $name }” in the text
list-absent = No paper has { $terms }
list-unlisted-year = No digest is of { $year }, and no paper has that number. A year is that of the digest, not of the paper
list-dates = In digests: { $period }
list-no-label = No source has the label { $labels }
list-near-topic = on a near topic
list-today = ### What is there to read?
    { $today } picks five papers for you, { $digest } shows all of a day.
list-similar-heading = More like { $title }
list-saved-heading = Saved papers · { $count }
list-searched = Searched: { $terms }
list-without = without { $words }
list-take-back = Include again: { $name }
leave-out-note = “{ $term }” is not left out. To leave it out, type a comma: *{ $topic }, without { $term }*
leave-out-topic = robots
list-kind-all = { $count ->
    [one] Papers that mention the word, but may not be about it
   *[other] Papers that mention all the words, but may not be about them
}
list-kind-some = Papers that lack a word
list-hint-order = To sort the papers, use the option *order* or the menu below.
list-no-day = The dates exclude each other: no day is both from { $since } on and up to { $until }
list-no-votes = The votes exclude each other: no paper has both at least ▲ { $least } and at most ▲ { $most }
list-institutions = Papers whose institutions are unknown are not found.
list-also = Related terms included: { $forms }
related-and-korean = { $forms }, and their Korean forms
list-stale = The search index is not up to date; the newest papers may be missing
list-missing = missing: { $terms }
list-corrected = Corrected: { $pairs }
list-perhaps = You may also search for: { $topics }
list-ignored = Could not be used: { $filters }
list-ignored-forms = { $ignored } (use { $forms })
list-name-corrected = No author is called “{ $name }”; showing the closest name
list-other-authors = { $count } authors match “{ $name }”; this is { $author }. Others: { $names }
list-namesakes = Several people have this name: { $names }
no-list-topic = ### Nothing found for “{ $topic }”
no-list-like = ### None of the newest papers is like our list.
no-list-topic-left-out =
    ### That only leaves papers out
    Add what to search for: **robots -surveys**.
no-list-topic-author = ### No papers on “{ $topic }”, but an author has that name
no-list-topic-nobody = ### No papers on “{ $topic }”, and no author has that name
no-list-author-papers = ### No papers by “{ $author }” match these filters
no-list-author = ### No author found for “{ $author }”
no-list-top = ### No papers · { $period }
no-list-top-topic = ### No papers on “{ $topic }” · { $period }
no-list-digest = ### No papers for { $date }
no-list-digest-yet = ### { $date } hasn't come yet
no-list-similar = No similar papers yet.
no-list-saved = ### No saved papers yet
    Press **Save** on a paper to keep it here. To add papers from Zotero, BibTeX or RIS, press **Import a file**.
archive-extent = The archive holds { $count } papers, from { $first } to { $last }.
archive-extent-day = { $count ->
    [one] The archive holds one paper, from { $day }.
   *[other] The archive holds { $count } papers, all from { $day }.
}
archive-empty = There are no papers to show. New ones come with the next digest.
try-instead = You could try:
try-name = The spelling may differ, there may be no paper yet, or its authors are unknown.
without-filters = Without filters
newest-digest = Newest papers
nearest-digest = Papers for { $date }
page-before = ◀ Page { $page }
page-after = Next ({ $page } of { $pages }) ▶

## Days of digests
day-today = Today
day-yesterday = Yesterday
choose-day = Another day
card-listed = in the { $date } digest
card-new = new on { $date }
also-listed = also in the { $date } digest
list-digest-rest = { $count ->
    [one] 1 more paper of this day came from arXiv's categories alone
   *[other] { $count } more papers of this day came from arXiv's categories alone
}
list-digest-of-period = Latest of { $count } digests in { $period }; pick another from the menu

## Saved papers
saved-tags = Tags
all-papers = All papers
saved-search = Search
saved-search-label = Words, or tags such as #rl
saved-search-hint = diffusion model #unread
saved-show-all = Show all
saved-filter = Filter: { $query }
saved-none-found = ### No saved papers match “{ $query }”
saved-export = Export as a file
saved-on = saved { $date }
saved-note = note: { $note }
saved-edit = Note and tags
saved-note-label = Your note; only you can see it
saved-tags-label = Up to { $count } tags of { $length } letters, by commas
saved-tags-left = Not kept as tags: { $names }. A paper has at most { $count } tags of { $length } letters each, and none with the name of a filter, such as #unread.
saved-tags-hint = rl, seminar
saved-nothing-to-export = No saved papers to export.
saved-not-any-more = This paper is no longer in your saved papers.
saved-full = You can save { $count } papers, and this would be more. Remove some first.
saved-exported = { $count ->
    [one] One paper
   *[other] { $count } papers
} as { $format }
saved-export-too-large = The file would be too large for Discord. Export only one tag or the results of a search.
address = Address of this list
address-what = Whoever has this address can read the list: its papers, without notes, tags or names of members. Overleaf and BibTeX tools can load the file again at any time, and a feed reader shows what is added. Search engines are told to leave it out.
address-renew = New address
address-close = Close
address-closed = The address is closed: nothing is there any more.
address-no-web = A list gets an address in the web archive, which is not open here. The operator of the bot would set `PAPERROUND_WEB` and `PAPERROUND_WEB_URL`.
saved-import = Import a file
saved-import-file = A file of references
saved-import-tags = Keep the tags and keywords of the file
saved-import-file-hint = A library from Zotero or BibTeX, a spreadsheet or any other text, up to 2 MB.
saved-import-no-ids = No ID, DOI or title of a paper was found in this file. Export your library as text, such as BibTeX, RIS or CSV.
saved-import-too-large = The file is larger than { $megabytes } MB. Export only part of your library, without attachments or abstracts.
saved-import-too-slow = The bot could not read the whole file in time. Export a smaller part of your library, or in another format, such as BibTeX.
saved-import-unreadable = The bot could not read this file. Export your library in another format, such as BibTeX.
saved-import-too-many = The file has more than { $count } references, twice as many as you can save. Export a smaller part of your library.
saved-imported = ### { $count ->
        [0] No papers saved
        [one] One paper saved
       *[other] { $count } papers saved
    }
saved-import-unlisted = { $count ->
    [one] One is new to the archive; its title will come from arXiv
   *[other] { $count } are new to the archive; their titles will come from arXiv
}
saved-import-undo = Undo: take papers back
saved-import-repeated = { $count ->
    [one] One is in the file again
   *[other] { $count } are in the file again
}
saved-import-known = { $count ->
    [one] One was already saved
   *[other] { $count } were already saved
}
saved-import-skipped = { $count ->
    [one] One was skipped
   *[other] { $count } were skipped
}, without an ID, a DOI or a title that arXiv or the archive has
saved-import-unasked = { $count ->
    [one] One has
   *[other] { $count } have
} no ID or DOI and could not be looked up by title at arXiv now. If { $count ->
    [one] it
   *[other] they
} may be there, import the file again tomorrow
saved-import-never-asked = { $count ->
    [one] One was skipped
   *[other] { $count } were skipped
}, without an ID, a DOI or a title that the archive has. This bot asks arXiv for no titles
saved-import-full = { $count ->
    [one] One was not saved
   *[other] { $count } were not saved
}: there is room for { $most } papers. Remove some, then import the file again

## A paper's card
no-summary = This paper doesn't have a summary yet.
choose-chapter = Read a chapter of the review
choose-chapter-other-language = Review in Korean: choose a chapter
back-to-paper = Back to the paper
chapter = Chapter { $number }
save = Save
unsave = Saved · remove
open-web = Open on the web
similar = Similar papers
authors = All authors and their papers
cite = Cite (BibTeX)
basis-paper = written from the full paper
basis-abstract = written from the abstract
basis-extract = excerpt from the abstract
basis-extract-in-other-language = excerpt from the abstract, in Korean
basis-huggingface = Hugging Face's summary of the abstract
written-from-paper = written by { $model } from the full paper
written-from-abstract = written by { $model } from the abstract
summary-listing = Hugging Face's summary of the abstract
summary-abstract = The paper's abstract
summary-listing-in-other-language = Hugging Face's summary of the abstract, in Korean
summary-in-other-language = Summary in Korean only
review-in-other-language = Review in Korean only
label-whats-new = What's New
label-technical-details = Technical Details
label-performance-highlights = Performance Highlights
listed-in = From: { $places }
format-newsletter = Newsletter { $date }
format-review = Review { $date }
format-listing = Hugging Face list { $date }
format-list = List { $date }
format-look-up = New papers { $date }
no-paper = Paper “{ $paper }” not found. Use an arXiv ID such as 2502.02737, a DOI, a link to the paper, or part of a title.
papers-in-message = ### { $count } papers in this message
in-no-digest = in no digest here
no-paper-in-message = No papers found. The message has no link to a paper, no DOI and no arXiv ID.
published-on = published { $date }
paper-withdrawn = Withdrawn by its authors
paper-withdrawn-by-arxiv = Withdrawn by arXiv
paper-version = arXiv version { $version }
paper-fetched = Not in a digest yet; these details are from arXiv
lookup-unknown = arXiv has no paper with the ID { $paper }. Check the number.
lookup-off = Paper { $paper } is not in a digest yet, and this bot does not ask arXiv, as the demo has no network.
lookup-unreachable = Paper { $paper } is not in a digest yet, and arXiv isn't answering right now. Try again in a few minutes.
lookup-late = Paper { $paper } is not in a digest yet, and arXiv is slow to answer. Try again in a minute.
lookup-limited = Paper { $paper } is not in a digest yet. You can fetch up to 20 such papers a day. Try again tomorrow.
lookup-hidden = The operator of this bot has hidden paper { $paper }.
lookup-elsewhere = No source here describes { $paper }, and this bot asks for details at arXiv alone. To keep it, export it from your reference manager (BibTeX, RIS) and import the file in { $saved }. An operator can add a feed or a list that has it.
open-page = { $place ->
    [DOI] Publisher's page
   *[other] Open on { $place }
}
paper-elsewhere = Not from arXiv: its full text and versions are not looked up, and votes are only those that a digest gives
no-paper-near = No paper has this title; showing what a search for it finds
no-paper-alike = No paper has this title; showing what a search for the most similar name finds
no-chapter = This review no longer has that chapter. Open the paper again.
paper-saved = { $count ->
    [one] Saved. Find it again with { $command }.
   *[other] Saved { $count } papers. Find them again with { $command }.
}
authors-heading = ### Authors of { $title }
choose-author = See an author's papers
authors-listed = { $count ->
    [one] One author
   *[other] { $count } authors
}{ $truncated ->
    [yes] {" "}(the digest doesn't list all of them)
   *[no] {""}
}
cite-heading = ### Cite { $title }

## Posts
copied-post = 📰 [The post]({ $url }) of { $date }, in English
plain-heading = { $kind ->
    [alert] 🔔 New papers for an alert
    [today] Your papers
    [news] News of your saved papers
   *[other] 📰 Papers
} · { $date }
plain-note = Discord refused this message as it was, so here are only its links.
post-pick = Pick papers: read, save, our list
post-ask = Search for a topic
post-on-topic = All papers on this topic
post-follow = Follow a topic
link-code = code
link-project = project
language-en = English
language-ko = 한국어
schedule = { $days } at { $time } ({ $zone })
schedule-complete = { $days } from { $time } ({ $zone }), once the day's list is complete
every-day = Every day
workdays = Monday to Friday
on-day = Every { $day }
on-days = Every { $days }
post-name-daily = Daily
post-name-workdays = Mon–Fri
post-name-number = No. { $id }
post-name-complete = when the list is complete
on-days-separator = {", "}
more-inside = Press **Read** for the rest.
more-at-links = Use the links below for the rest.
read = Read
read-paper = Open { $id }, to save it
alert-more = { $count ->
    [one] One more
   *[other] { $count } more
}
alert-day = All the day's papers
post-week = All the week's papers
post-days = All papers of these days
alert-manage = Manage alerts
alert-first = The first { $shown }; the button shows all. No other message has the rest.
alert-show-all = Show all { $count }

## Notices, and why something stands still
see-status = See status
resume-post = Resume
reason-unknown = The reason is unknown.
reason-unknown-channel = The channel or thread can't be found. If the channel was deleted, set this up again in another one.
reason-target-gone = The message or thread that this belongs to was deleted.
reason-guild-left = Paperround is no longer in that server. Invite it again to continue.
reason-no-access = Paperround can't see the channel. Turn on **View Channel** for Paperround in the channel's settings › Permissions.
reason-no-permission = Paperround needs **View Channel** and **Send Messages** there. Turn them on in the channel's settings › Permissions.
reason-no-send = Paperround can't send messages there. Turn on **Send Messages** for Paperround in the channel's settings › Permissions.
reason-no-send-in-threads = Paperround can't post in threads there. Turn on **Send Messages in Threads** for Paperround in the channel's settings › Permissions.
reason-no-threads = Paperround can't create threads there. Turn on **Create Public Threads** for Paperround in the channel's settings › Permissions.
reason-no-history = Paperround can't read the channel's history, so it can't tell whether a message arrived. Check the channel, and post it again if the message is missing. To avoid this, turn on **Read Message History** for Paperround in the channel's settings › Permissions.
reason-no-polls = Paperround can't hold the club's vote. Turn on **Create Polls** (and **Send Messages**) for Paperround in the channel's settings › Permissions.
reason-no-events = Paperround can't create the club's event. Turn on **Create Events** for Paperround in the server's settings › Roles.
reason-dms-closed = Your privacy settings block direct messages from Paperround. In a server that you share with it, open Privacy Settings, allow them, then resume your alerts.
reason-no-shared-server = You don't share a server with Paperround, so it can't message you. Install the app for your account or join a server that has it, then resume your alerts.
reason-thread-locked = The thread is locked. Unlock it.
reason-tag-needed = The forum requires a tag on every post. Allow posts without one, or choose another channel.
reason-wrong-channel-kind = This type of channel can't take the post in its current style. Choose another style, or set this up in another channel.
reason-refused-content = Discord refused the message because of its content, in its plainest form too. An AutoMod rule of the server can be the cause; the operator can find the details in the log.
reason-left-out = Discord refuses even their links, for example because of an AutoMod rule. Only these papers were left out.
reason-plain = Discord refused the titles or other words, for example because of an AutoMod rule, so only links came.
reason-discord-trouble = Discord had a problem. Paperround will try again automatically.
reason-rate-limited = Discord asked Paperround to slow down. Paperround will try again automatically.
reason-too-old = It couldn't be posted in time, so it was skipped.
reason-uncertain = It is unclear whether the message arrived. If it is missing from a channel, post it again.
reason-webhook-gone = Discord doesn't accept this webhook: it may have been deleted, or its address may be wrong. A new webhook is another post, so end this one in the set-up file: `webhook = "ID"`, the number in its address, and `removed = true`. Unless the right address is there already, put it, or that of a new webhook (channel's settings › Integrations), into the file, or the secret that it names; in a repository that posts, first read “To replace a webhook” in docs/no-server.md.
reason-by-hand = Paused manually.

## Looking up
no-words = Please type at least one word.
no-date = “{ $text }” can't be read as a date or period. Try { $example }, Dec 30 or last week.
may-not-take-back = Paperround can't delete it, because it can't see this channel any more.
may-not-share = You can't send messages in this channel, so you can't share papers here.
topic-form-label = What would you like to read about?
topic-form-hint = reinforcement learning, diffusion, 강화 학습
and-more = and { $count } more
left-out = and { $count } more: **{ $button }**

## Alerts
alert-create = Create alert
alert-undo = Undo
alert-edit-conditions = Edit conditions
change = Edit
remove = Remove
resume = Resume
back = Back
alert-made = Alert created.
alert-changed = Alert updated.
alert-exists = You already have this alert.
alert-would = { $count ->
    [0] No papers matched in the last 30 days.
    [one] One paper matched in the last 30 days:
   *[other] { $count } papers matched in the last 30 days. The latest:
}
alert-wider = { $count ->
    [one] A wider alert would have matched one paper: { $alert }
   *[other] A wider alert would have matched { $count } papers: { $alert }
}
alert-widen = Widen
alert-related = Related terms count too: { $forms }. Put words in quotation marks to follow only those.
alert-dm = DM
alert-timing-now = right away
alert-timing-daily = daily { $time }
alert-timing-weekly = weekly, { $day } { $time }
alert-at-most-a-day = { $count ->
    [one] at most one message a day
   *[other] at most { $count } messages a day
}
card-more = More: similar papers, citation, alerts
papers-from = Papers from { $name }
follow-kind-keyword = Get alerts on this topic
follow-kind-institution = Get alerts on this institution
follow-kind-author = Get alerts on this author
alert-or = { " or " }
alert-and = { " and " }
alert-word = “{ $text }”
alert-exactly = exactly “{ $text }”
term-keyword = with { $terms }
term-author = by { $terms }
term-institution = from { $terms }
alert-author = Papers by { $text }
alert-any = Papers { $terms }
alert-all = Papers { $terms }
alert-without = { $alert }, without { $words }
alert-with-votes = { $alert }, at least ▲ { $votes }
refused-no-terms = An alert needs a keyword, an author or an institution, besides what it leaves out. Try **diffusion** as the keyword.
refused-too-many-terms = An alert can have up to { $most } words and names, and you gave { $count }. Put the rest into a second alert.
refused-too-many-excluded-words = An alert can exclude up to { $most } words, and you gave { $count }. Keep the most common ones.
refused-text-too-long = “{ $text }” has { $length } characters; a word or name can have up to { $most }. Shorten it, or separate several with commas.
refused-no-letters = “{ $text }” has no letters or numbers to look for. Use words such as **reinforcement learning**.
refused-only-particles = “{ $text }” is too common a word for an alert. Use a more specific one, such as **diffusion**.
refused-no-institution = “{ $text }” doesn't identify an institution. Give its full name, such as **Stanford University**.
refused-like-list = What is like your list comes as a daily post, not as an alert: **/daily setup** with the topic *like:list*.
refused-last-name = Several authors are called “{ $text }”. Give a whole name, such as **{ $author }**.
refused-too-many = You have reached the maximum of { $most } alerts. Remove one first.
refused-gone = That alert was already removed. Create a new one.
alert-not-possible = An alert needs words such as **reinforcement learning**, or a name.
alert-no-such-channel = Alerts can only be sent to text and announcement channels.
needs-manage-messages = To create an alert in { $channel }, you need the **Manage Messages** permission there.
needs-mention-role = You can't mention { $role } in { $channel }. Choose a role that everyone can mention, or ask someone with the **Mention @everyone, @here, and All Roles** permission.
topic-asks-nothing = Enter something to search for besides what is left out, up to 200 characters: words, `author:`, `from:` or `votes:`, such as **diffusion -survey**.
topic-has-period = Posts and alerts are about papers as they come. Leave out “{ $text }”, which names a period.
channel-not-here = That channel is not in this server, or no longer exists.
bot-lacks-permissions = Paperround can't post in { $channel } yet. Give it { $permissions } in the channel's settings › Permissions, then try again.
rights-unknown = Couldn't look up that server's channels and permissions. Try again in a few minutes.
no-alerts = You have no alerts yet. Press **Follow this topic** under a list, or use { $command }.
no-alert = Alert not found. { $command } shows your alerts.
alerts-heading = Your alerts · { $count }
alerts-here = Alerts in this channel · { $count }
alerts-in-channel = Alerts in { $channel } · { $count }
alert-of = by { $owner }
alert-matched = { $count } papers that matched
alert-pick = Pick an alert to edit
alert-active = Active
alert-right-lost = Not sent: since { $at }, whoever set it up lacks the **Manage Messages** permission there. Anybody who has it can take the alert over. If it comes back within 30 days, the alert goes on by itself.
alert-take-over = Take over
alert-taken-over = { $count ->
    [0] This alert goes on already.
    [one] The alert is yours now and goes on.
   *[other] { $count } alerts in the channel are yours now and go on.
}
alert-resting = Paused
pause = Pause
alert-removed = Removed: { $alert }
alert-form-conditions = Words, authors or institutions
alert-form-keyword = Words
alert-form-keyword-hint = reinforcement learning, 강화 학습
alert-form-author = Authors
alert-form-author-hint = Sergey Levine, 김건우
alert-form-institution = Institutions
alert-form-institution-hint = KAIST, Stanford University
alert-form-without = Exclude these words
alert-form-without-hint = survey, medical
alert-form-when = When
alert-form-now = Right away
alert-form-daily = Every day, in one message
alert-form-weekly = Weekly on { $day }, in one message
form-time-hint = 9am, 21:30 or 9am KST; without a zone, the one below applies
form-zone-hint = Seoul, Europe/Berlin, KST
alert-form-votes = Minimum votes
votes-not-a-number = Votes must be a number from 0 to 99999, such as 10.

## The daily post
setup-first = First post: { $at } in your time zone ({ $relative })
setup-rule = { $style ->
    [weekly] It has the papers of the seven days up to it; a week without new papers has no post.
   *[other] It has the newest papers at that time; a day without new papers has no post.
}
setup-form-channel = Channel
setup-form-time = Time
setup-form-time-hint = 9am, 21:30 or 9am KST
setup-form-time-empty = Left empty: once the day's list is complete; 9:00 AM if weekly or from one source
setup-form-topic = Topic
setup-form-topic-hint = diffusion, reasoning or author:name
setup-form-papers = Number of papers
setup-form-days = Days
setup-form-language = Language
setup-form-style = Style
setup-form-topic-empty = Left empty: any topic. like:list: papers like our list{ $missing ->
        [0] {""}
       *[other] {" "}({ $missing } more papers on it needed)
    }
preview-like = Of { $count } papers { $like ->
        [one] 1 is
       *[other] { $like } are
    } like our list.{ $title ->
        [none] {""}
       *[other] {" "}The next, *{ $title }*, has { $share } % of the likeness that is needed.
    }
setup-tag = Tag of the posts
setup-start = Start
setup-replaced = The replacement starts with the next post: tomorrow's, if today's is already out.
setup-replace = Replace that post
setup-exists = { $channel } already has { $count ->
    [one] a daily post
   *[other] { $count } daily posts
}
permissions-ready = All the permissions are in place
permissions-missing = Some permissions are missing:
permission-view-channel = View Channel
permission-send-messages = Send Messages
permission-read-message-history = Read Message History
permission-create-public-threads = Create Public Threads
permission-send-messages-in-threads = Send Messages in Threads
permission-embed-links = Embed Links
permission-mention-everyone = Mention @everyone, @here, and All Roles
permission-send-polls = Create Polls
permission-create-events = Create Events
permission-where = turn it on for Paperround in the channel's settings › Permissions
subscription-papers = { $count ->
    [one] The most upvoted paper
   *[other] The { $count } most upvoted papers
}
subscription-most = the maximum for announcements
subscription-week = last seven days
subscription-votes = at least ▲ { $votes }
subscription-topic = Topic: { $topic }
topic-joiner = { " " }
topic-or = or
topic-by = by { $name }
topic-from = from { $name }
topic-in = in { $name }
topic-like = like our list
topic-votes = with at least ▲ { $votes }
subscription-source = From { $source } only
subscription-mention = Mentions { $role }
style-compact = Compact
style-cards = Cards
style-thread = Thread
style-forum = Forum
style-announcement = Announcement
style-weekly = Weekly
subscription-heading = { $style ->
    [weekly] Weekly post
   *[other] Daily post
} in { $channel }
subscriptions-heading = This server's daily posts · { $count }
subscription-option = No. { $id } · { $style }
subscription-pick = Pick a daily post
subscription-preview = Preview
subscription-now = Post now
subscription-all = All daily posts
subscription-started = All set
subscription-edited = Updated
subscription-edit = To set a minimum of votes or a source, use the options **votes** and **from** of { $command }.
subscription-paused = Paused
subscription-exists = This channel already has this daily post
subscription-resumed = Resumed
subscription-removed = { $post } was removed. What it has posted stays.
subscription-remove-sure = Remove { $post }? Pausing keeps its settings.
subscription-posting = It will appear in { $channel } in a few seconds.
subscription-nothing-new = Nothing new for { $channel }: the newest papers that fit it have already been posted there, or none have come lately.
subscription-already = This channel already has a daily post with the same time, language, style, topic and source.
subscriptions-too-many = This server has reached the maximum of { $most } daily posts. Remove one first.
subscription-which = This server has several daily posts. Pick one with the **post** option.
no-such-post = No daily post here is called “{ $name }”. There are: { $posts }
no-subscription = Daily post not found. Pick one in the option **post** of { $command }.
no-subscriptions = This server doesn't have a daily post yet. Set one up with { $command }.
next-at = Next: { $at }, with what is new by then
next-complete = The day's list isn't complete yet; the post comes by { $until }
next-unprepared = Due: its papers are there, and it isn't prepared yet. The bot tries again every minute; if this stays, its operator finds the reason in the log
next-waiting = Waiting for new papers until { $until }
preview-note = **Preview:** this is what would be posted now.
preview-first-card = Shown below is the first of { $count } { $style ->
        [thread] messages in the post's thread
       *[other] messages that follow
    }, one for each paper.
preview-nothing-new = **Preview:** there is nothing new to post now. This shows the newest papers instead.
preview-topic = { $count ->
    [0] **Preview:** no paper of the last 30 days names this topic. Try wider words that titles and summaries use.
    [one] **Preview:** no new paper matches this topic now. One did in the last 30 days.
   *[other] **Preview:** no new paper matches this topic now. { $count } did in the last 30 days.
}
preview-none = **Preview:** no paper can be posted with these settings now.
more-settings = More settings
subscription-form-again = Reopen the form with what you typed
subscription-silent = Without a notification
subscription-tag = With the tag { $tag }
subscription-form-role = Mention a role
form-time = Time
form-zone = Time zone
time-not-understood = “{ $text }” can't be read as a time. Try 9am, 21:30 or morning, with the zone after it: 9am KST.
zone-unknown = Unknown time zone “{ $text }”. Use a city or zone such as Seoul, Europe/Berlin or KST.
channel-not-postable = A daily post needs a text, announcement or forum channel.
source-needs-topic = This source lists every new paper of the day, most of them without votes, so a daily post from it also needs a **topic**.
no-such-source = Source **{ $source }** not found. Pick one from the list that opens as you type.
style-does-not-fit = { $style ->
    [forum] The Forum style needs a forum channel.
    [announcement] The Announcement style needs an announcement channel.
   *[other] A forum channel takes only the Forum style.
}

## Status
status-heading = Status
status-digest = Newest papers: { $date } · last update { $read }
status-stopped = **No new papers for { $days } days** (last: { $date })
status-stopped-unknown = No source reports a failure
status-stopped-do = Ask the operator to look for the cause with { $command }. Once papers come again, posting goes on by itself.
status-discord-troubled = Discord is limiting requests or isn't answering properly right now. Pending posts go out when it recovers.
status-no-digest = No digest has arrived yet.
status-no-source = No sources yet. The operator can add the first one with { $command }.
status-no-post = No channel that you can see has a daily post.
status-last = { $what }: { $at }
status-needs-list = **needs { $count ->
        [one] one more paper
       *[other] { $count } more papers
    } on *Our list***
status-silent = No post { $since ->
        [yes] since then
       *[no] so far
    }: no papers new to this channel{ $narrowed ->
        [topic] {" "}on this topic
        [settings] {" "}that match its settings
       *[no] {""}
    }. Late ones go into the next post.
status-post = post of { $date }
status-to-you = Messages to you
status-club = Club
status-discussion = Discussion
status-alerts = { $count ->
    [one] Your alert
   *[other] Your { $count } alerts
}
status-alerts-paused = Paused: { $count }
delivery-waiting = refused; will be tried again
delivery-uncertain = unclear whether it arrived
delivery-stopped = not posted
delivery-left-out = left out: { $papers }
delivery-plain = { $count ->
    [0] sent as plain text
   *[other] sent without titles: { $papers }
}
post-again = Post it again
try-post-now = Try again now
posting-again = It will be posted again in a few seconds.
nothing-to-post-again = This is already resolved; there is nothing to post again.

## Help
help-heading = Paperround
help-intro =
    Today's machine-learning papers, and all the earlier ones. Only you can see the answers until you share them.
    -# ▲ = upvotes on Hugging Face, or the votes that a digest gives; ▲ – if unknown · digest = the list of a day's papers
help-set-up = Set up a daily post
help-show = What it can do
# The sections of /help, and the commands of each in their order.
help-reading = Reading
    .today = your five papers for today
    .digest = a day's papers
    .top = the most upvoted papers
    .topic = papers on a topic, in Korean or English; `-word` leaves out, and so does a clause behind a comma at the end (*robots, not surveys*); *or* means either
    .author = an author's papers
    .paper = one paper in detail
    .ask = ask the archive or one paper: the nearest passages, word for word
    .trends = a topic month by month, and rising topics
help-look-up = Right-click a message › *Apps* › **Look up papers**: the papers it mentions
help-following = Following
    .saved = your saved papers, with notes and tags
    .alerts-add = get new papers by keyword, author or institution
    .alerts-list = see, edit or remove your alerts
    .club-list = your group's next meeting and its papers
    .status = what arrived, what comes next, what is stuck
    .why = why a paper was not posted in this channel
help-channel = In a channel (Manage Server)
    .daily-setup = set up a daily post
    .daily-edit = see, edit, pause or remove this server's daily posts
    .club-setup = let your group vote for a paper each week
    .daily-mentions = turn answers to mentions on or off
help-more = Also: { $commands }

## Questions about a paper
ask-paper = Ask about this paper
ask-again = Ask again
ask-label = Your question
ask-hint = How long did training take?
ask-common = Questions that fit any paper
ask-common-data = What data was it trained on?
ask-common-baselines = Which baselines is it compared with?
ask-common-cost = How long did training take, and on what hardware?
ask-common-limits = What are its limitations?
ask-common-code = Are the code and the weights available, under which license?
ask-asked = **Q** { $question }
ask-none = No passage has the words of this question. Try the words that papers use.
ask-no-text = { $scheme ->
    [arXiv] The text of this paper could be read neither on Hugging Face nor on arXiv.
   *[other] No abstract or summary of this paper is stored, and full texts outside arXiv are not looked up.
}
ask-limit = You can't ask about any more new papers today. Please try again tomorrow.
ask-from-abstract = { $scheme ->
    [arXiv] Only the abstract and summaries were searched: the full text could not be read.
   *[other] Only the stored abstract or summaries were searched: full texts outside arXiv are not looked up.
}
ask-read-as = Read as: { $parts }
ask-place = in the paper
ask-writing = A language model is reading …
ask-written = The sentences are by a language model, which also checked each against its quote. It can be wrong; the quotes are the paper’s own words.
ask-not-said = A language model found no answer in the passages that it read.
ask-not-proved = A language model's answer could not be confirmed by what it read, so it is not shown.
ask-sentences-failed = The language model didn't answer this time, so these are only passages.
ask-sentences-spent = The language model's budget is used up for now, so these are only passages.
ask-sentences-limit = Only passages: a language model answers up to 10 questions a day for each reader, and 100 for a server.
ask-reading = Reading the paper …
ask-which-paper = There are several papers here. Reply to the message of the one you mean, or name its arXiv ID or DOI.
ask-menu = Ask or save one of these papers
ask-menu-ask = Ask: { $title }
ask-menu-save = Save: { $title }
ask-menu-list = Add to our list: { $title }
ask-all-papers = All papers on this
ask-archive-nearest = The nearest passages in the archive, word for word. Whether they answer is for you to judge.
ask-archive-absent = No paper here mentions { $names }.
ask-archive-lacking = None of these passages has { $names }.
ask-archive-near = Nearest:
ask-name = “{ $name }”
ask-more = More
ask-more-gone = This paper's texts have changed since. Please ask again.
ask-archive-nothing = Nothing here is about this.
ask-archive-outside = No paper within these limits is about this.
ask-archive-thanks = You're welcome. Ask about research whenever you like, such as **How do I shrink the KV cache for long inputs?**
ask-archive-unasked = There is nothing in this to look for. Ask about research, such as **How do I shrink the KV cache for long inputs?**
ask-archive-cut = Only the beginning of the question was read: up to { $count } characters and { $papers } papers.
ask-without = Left out: papers on { $terms }.
ask-archive-is = 
    { $count ->
        [one] The archive has one paper, from { $since }.
       *[other] The archive has { $count } papers, the first from { $since }.
    }
ask-archive-sources = Sources: { $sources }.
ask-archive-empty = The archive has no papers to show.
ask-archive-written = The sentences are by a language model, which also checked each against its quote. It can be wrong, and so can a digest’s summary; each quote says whose words it has.
ask-disagree = As the language model reads them, these papers disagree.
ask-words-digest = Summary in the digest of { $day }
ask-words-abstract = Abstract
ask-words-paper = The paper
ask-words-title = Only its title is stored
mentions-on = A mention of Paperround with a question is answered in this server, for all to see.
mentions-off = Mentions of Paperround are not answered in this server. { $ask } still answers privately.
ask-refused = Discord refused this answer because of its content. Ask with { $ask }: then only you see it.
ask-lost = Paperround was interrupted before it could answer. Please ask again.
ask-failed = An error in Paperround prevented an answer; it is in the operator's log. Asking with { $ask } may work.
ask-too-slow = This took too long and was stopped, so there is no answer. Please ask again in a few minutes.
ask-over = You have had { $count } answers in channels today. { $ask } still answers you privately.

## The list of a server
list-add = Add to our list
list-has = On our list
list-added = { $count ->
    [0] { $known ->
        [one] This is on our list already.
       *[other] These are on our list already.
    }
    [one] Added to our list.
   *[other] Added { $count } papers to our list.
}{ $count ->
    [0] {""}
   *[other] { $known ->
        [0] {""}
        [one] {" "}One was on it already.
       *[other] {" "}{ $known } were on it already.
    }
}
list-what = **Our list** is what the members of this server want to read: everyone here can add to it and sees who added what, and the club votes from it. See it with { $command } and **list: server**.
list-by = { $name ->
    [none] added by a former member
   *[other] added by { $name }
} on { $date }
list-club = in the club on { $date }
list-discussed = discussed
list-heading = { $server ->
    [none] Our list
   *[other] Our list in { $server }
} · { $count }
list-import = Import a file into our list
list-choice = server: the list that its members share
list-show = Show our list
list-tags = Tags on our list
list-remove = Take off
list-removed = Taken off our list: { $title }
list-not-yours = Only the member who added it, or a server manager, can take it off our list.
list-not-any-more = This paper is not on our list any more.
list-full = Our list can have { $count } papers, so there is no room for this. Take some off first.
list-too-many = You can add { $count } papers to lists within a day, and this would be more. Try again tomorrow.
list-only-in-servers = A list belongs to a server, and Paperround is not in this one. Save the paper for yourself instead.
list-unknown = There is no such list for you. In a server, type **server**; elsewhere, pick one of the servers that are offered.
list-view-unread = To read
list-view-read = Read
list-view-mine = Added by me
list-view-updated = With news
list-none-found = ### Nothing on our list matches “{ $query }”
no-list-server = ### Nothing on our list yet
    This list belongs to the server. Press **Add to our list** on a paper, or **Discuss**, and everyone here finds it in this place. Managers can import a file.

## The club
discuss = Discuss
discuss-selected = Pick a paper to discuss
club-read = Mark as read
club-unread = Mark as unread
post-shared = { $count } of your list are on *{ $topic }*
post-label-end = No further paper of { $label } is like our list for now.
post-savers = { $count } saved here
club-discussion = 💬 Let's discuss this paper
club-opening = Opening the discussion: it appears in { $channel } in a few seconds.
club-open = This paper already has a discussion: { $thread }
club-may-not-open = You may not open threads in { $channel }. Ask a moderator to open it.
club-too-many = You have opened { $count } discussions within a day, the maximum. Try again tomorrow.
club-no-threads = A discussion needs a text channel. Inside a thread, just write here; in a voice channel or a direct message there is no thread.
club-missing = This server has no club yet. A manager starts one with { $setup }.
club-vote-too-late = It is too late for a vote: the meeting begins within three hours.
club-no-candidates = There is nothing to vote on yet. Press **Add to our list** on a paper first.
club-heading = ### { $channel ->
        [none] Reading club
       *[other] Club in { $channel }
    }
    { $day }s at { $time }
club-state-new = Next vote: { $vote }
    Next meeting: { $meets }
    Until the vote, members propose papers with **Add to our list**. Then come those that most members saved or discussed here; savers are counted, not named.
club-state-poll = Next meeting: { $meets }
    Its vote ends: { $vote }
club-state-paper = Next meeting: { $meets }
club-state-reminder = Next meeting: { $meets }
club-state-none = There is no paper for { $meets }. Press **Add to our list** on one, then use { $now }.
club-state-gone = { club-state-none }
club-state-unheld = { club-state-none }
club-state-opening = Next meeting: { $meets }
    The vote begins in a few seconds.
club-state-waiting = Next meeting: { $meets }
    Discord refused the vote; { $status } says why. { $now } tries again.
club-state-count = Next meeting: { $meets }
    Its votes are being counted.
club-state-skip = The meeting on { $meets } is skipped. To hold it after all, start a vote with { $now }.
club-past = **Papers so far**
club-thread-link = discussion
club-readers = { $count ->
    [one] read by 1 member
   *[other] read by { $count } members
}
club-stop = End the club
club-stop-sure = **End the club in { $channel }?** Its open vote and its event end with it. Its papers and discussions stay.
club-stopped = The club has ended. Its discussions stay where they are.
club-preview = Nothing is changed yet. If this is right, press **{ $button }**.
club-create = Set up the club
club-change = Change the club
club-set-up = The club is set up. To meet sooner, start the vote with { $now }. Each meeting is also an event of the server.
club-changed = Club updated.
club-unchanged = The club has these settings already.
club-changed-later = Club updated. Its next meeting, whose vote has begun, stays as it is; { $skip } skips it.
club-poll-link = [To the vote]({ $url })
club-how-to-propose = For the next vote: press **Add to our list** on a paper's card. Places left go to what most members saved here, counted without names.
club-candidates = **Up for the next vote**
club-skipped = The meeting is skipped. A vote that is open ends in a moment, without a count.
club-question = Which paper for { $date }?
club-poll = **🗳️ Which paper shall we read?** For the meeting on { $at }
club-paper = ## 📖 The paper for the next meeting
    { $at } ({ $when }){ $votes ->
        [0] {" "}· nobody voted, so upvotes decided
        [one] {" "}· 1 vote
       *[other] {" "}· { $votes } votes
    }
club-thread = [Open the discussion]({ $url })
club-event = Club: { $title }
club-reminder = ⏰ The meeting about this paper: { $at } ({ $when })
club-none = There is no paper for { $at }: nothing is left to read on our list, and the archive has no paper from this week. Press **Add to our list** on a paper, then a manager can begin a vote with { $now }.
club-gone = There is no paper for { $at }: its vote was deleted, or none of its papers is in the archive any more. A manager can begin another vote with { $now }.
club-unheld = There is no paper for { $at }: Discord did not let Paperround hold its vote or count it. A manager can begin another vote with { $now }.
club-lost = The meeting on { $at } had no paper: its vote could not be held or counted.
club-skip = There is no meeting on { $at }. Votes for it do not count.

## Why a paper was not posted
why-posted = It was posted here on { $at }.
why-posted-by-another = Another daily post here had it on { $at }, so this one leaves it out.
why-see-post = See the post
why-waiting = It has been chosen; the message goes out in a moment.
why-uncertain = It was chosen, but it is unclear whether its message arrived.
why-unsent = It was chosen on { $at }, but its message could not be posted, and it is too late to post it again.
why-too-few-votes = It has ▲ { $votes }; this daily post needs at least ▲ { $least }.
why-votes-unknown = Its votes aren't known yet; this daily post needs at least ▲ { $least }.
why-below-top = It is number { $rank } of { $total } candidates, and this daily post takes { $top ->
    [one] only the first
   *[other] the top { $top }
}. ({ $date } digest)
why-withdrawn =
    { $by ->
        [arxiv] arXiv
       *[authors] Its authors
    } withdrew it, so it is not posted.
why-off-topic = It isn't about this daily post's topic: { $topic }.
why-other-source =
    { $source ->
        [none] Only a source for search and alerts, such as an arXiv category, has it. This daily post takes papers from digests and lists.
       *[other] This daily post takes papers only from { $source }, which hasn't listed it.
    }
why-late = It is a late paper of the { $date } list. Up to five such papers follow a post's own, or more where places are free; others came first.
why-too-old = By the first post after it was listed, its day, { $date }, was too long ago.
why-too-early = It was listed on { $date }, before this daily post began, so it was not posted here.
why-not-then = The post for { $date } was made without it: by the votes and settings of that time, other papers came first.
why-coming = { $rank ->
    [0] It is on its way: a late paper of the { $date } list, at the end of the next post, { $at }.
   *[other] It is on its way: number { $rank } of { $total } for the next post, { $at }.
}
why-stopped = This daily post is paused.
why-may-change = This can change until the next post, { $at }.
why-edit = A server manager can change this with { $command }.
why-not-listed = No digest has listed { $paper }. Check the number.
why-like = It has { $share } % of the likeness to our list that is needed. { $shared ->
        [none] It has no topic in common with two papers of the list, which is needed too.
       *[other] { $shared }.
    } Nearest on the list: { $titles }
why-no-subscription = This channel doesn't have a daily post. A server manager can set one up with { $command }.

## Where the digests come from
status-zotero = The server's list does not come into Zotero: { $code ->
    [0] the setting of its server is wrong.
    [200] what answers is not Zotero.
    [403] its key is wrong, or may not write in the library.
    [404] there is no such library.
    [503] for a day Zotero has been away, or has had faults.
   *[other] Zotero refuses it with code { $code }.
} The operator of the bot has been told.
status-zotero-refused = Of the server's list not in Zotero yet: { $papers }. The operator of the bot has been told why.
status-sources = Sources
sources-heading = { $count ->
    [0] Sources
   *[other] Sources · { $count }
}
sources-none = Nothing is fetched automatically.
sources-files = Digests come as files: the operator adds them with `paperround ingest`.
sources-others = In the archive too, but not read automatically: { $sources }.
sources-order = If sources disagree, the first one wins; titles, authors and votes come from arXiv and Hugging Face.
source-folder = folder
source-url = URL with a date
source-feed = feed
source-huggingface = Hugging Face: each day's list, votes, authors
source-arxiv = arXiv: titles, authors, abstracts
source-last = last read { $last }
source-never = nothing read so far
source-next = next check { $next }
source-due = next check in a moment
source-not-yet = The newest digest is not available yet.
source-refused = its address is private; the operator has to allow it
source-failures = { $count ->
    [one] **The last attempt failed**
   *[other] **The last { $count } attempts failed**
}: { $reason }

## Trends
trend-heading = { $topic } · { $count ->
    [one] 1 paper
   *[other] { $count } papers
} · { $period }
trend-papers = Papers
trend-span-half-year = Last 6 months
trend-span-y = Last 12 months
trend-span-two-years = Last 2 years
trend-span-five-years = Last 5 years
trend-month = { $month }: { $count ->
    [one] 1 paper
   *[other] { $count } papers
}
trend-share = {" "}({ $share }% of all)
trend-figure = { $month }: { $count }
trend-so-far = { $month } so far
trend-most = Most { $step ->
    [week] in the week of { $month }
    [day] on { $month }
   *[month] in { $month }
}
trend-numbers = Papers per { $step ->
    [week] week (starting Monday)
    [day] day
   *[month] month
}, with their current votes
trend-again = A paper that was listed in several { $step ->
    [week] weeks
    [day] days
   *[month] months
} counts in each of them
trend-list = See the papers
trend-privately = See it privately
rising-heading = Rising topics of the last 30 days
rising-heading-short = Rising topics
rising-note = Papers with the term, in any of its forms, in their title, and their share of all papers, compared with the 3 months before
rising-none = No topic stands out compared with the 3 months before.
rising-pick = See a topic's trend

# /me: what is kept about the reader

me-data = This file has everything stored about you. { $command } deletes all of it; what you put on servers' lists stays there without your name.
me-data-too-large = The file would be too large for Discord. Please ask the operator for it.
me-nothing = Nothing is stored about you.
me-forget-question =
    ### Delete everything stored about you?
    This deletes { $saved ->
        [0] { "" }
        [one] one saved paper,{ " " }
       *[other] { $saved } saved papers,{ " " }
    }{ $alerts ->
        [0] { "" }
        [one] one alert,{ " " }
       *[other] { $alerts } alerts (including any in channels),{ " " }
    }{ $messages ->
        [0] { "" }
        [one] the record of one message to you,{ " " }
       *[other] the record of { $messages } messages to you,{ " " }
    }your settings and your answers to `/today`. What you put on servers' lists stays there without your name. Messages that are still waiting won't be sent.
    This can't be undone. To get all of it as a file first, use { $command }.
me-forget-all = Delete everything
me-keep = Cancel
me-kept = Nothing was deleted.
me-forgotten = Everything about you has been deleted. Messages that you already received stay in Discord.

## /today: a reader's papers of the day
today-heading = { $count ->
    [5] Your five papers
    [1] Your paper
   *[other] Your papers
} · { $day }
today-by-votes = Sorted by votes for now. { today-saved-later } Alerts count right away.
today-basis-saved = { $count } saved papers
today-basis-alerts = your alerts
today-from = Based on { $basis }
today-from-followed = Based on { $basis }. { today-saved-later }
today-without-match = No paper of this day matches { $basis }, so they are sorted by votes. { today-saved-later }
today-saved-later = Save { $left ->
    [one] one more paper
   *[other] { $left } more papers
}, and what you saved counts too.
today-rank = #{ $rank } by votes
today-because = Matches { $reasons }
today-and = {" and "}
today-because-saved = { $count ->
    [one] a paper you saved on “{ $text }”
   *[other] { $count } papers you saved on “{ $text }”
}
today-because-followed = your alert “{ $text }”
today-mark = Save or rate a paper
today-save = Save
today-undo-save = Remove from saved
today-save-noted = Saved
today-more = More like this
today-undo-more = Undo “more like this”
today-more-noted = More like this from tomorrow
today-less = Not interested
today-undo-less = Undo “not interested”
today-less-noted = Not interested
today-show = Show today's papers
today-send = Send me these every day
today-stop = Stop daily messages
change-time = Change time or zone
today-sent-daily = You get five papers every day at { $at } ({ $zone }), or a little later if the list isn't complete. On a day without new papers there is no message. `/today at:` changes the time.
today-stopped = Daily messages are off. Use `/today` any time.
today-send-again = Resume daily messages
today-suspended = Daily messages stopped, because { $reason ->
    [no-shared-server] you don't share a server with Paperround. Install the app for your account or join a server that has it
   *[other] your privacy settings block direct messages from Paperround. In a server that you share with it, open Privacy Settings and allow them
}, then press **{ today-send-again }**.
today-none-left = No papers are left for this day: each was already sent to you, saved, or marked **Not interested**.
today-nothing = There are no papers to show.

## What is new about saved papers

news-start = Tell me about code, new versions and venues
news-stop = Stop these messages
news-stop-here = Stop news of saved papers
news-on = On Mondays you get a message if a saved paper got code, a new version or a venue.
news-suspended = News of saved papers stopped, because { $reason ->
    [no-shared-server] you don't share a server with Paperround
   *[other] your privacy settings block direct messages from Paperround
}. Press **{ news-start }** once that has changed.
news-heading = { $count ->
    [one] News of a paper you saved
   *[other] News of { $count } papers you saved
}
news-more = The first ten are shown; { $count } more have 🆕 in your saved papers (**#updated**).
news-code = Code: { $text }
news-version = Version { $text } is on arXiv
news-comment = arXiv comment: “{ $text }”
news-journal = Published: { $text }
news-withdrawn = Withdrawn from arXiv
news-bare = { $kind ->
    [code] Its code is out
    [comment] New arXiv comment
   *[journal] Published
}
news-remove = Remove from saved
news-removed = { $count ->
    [one] The paper was removed from your saved papers.
   *[other] { $count } papers were removed from your saved papers.
}
news-nothing-removed = There is nothing to undo: the papers are saved again, or were removed more than a day ago.
news-stopped = You get no more news of saved papers. { $command } switches it on again.
thread-news-stop = Stop news in this thread
thread-news-stopped = This thread gets no more news of its paper.
thread-news-not-yours = Only the member who opened this discussion, or one who manages threads, can stop these messages.

## Why a paper is in an alert
found-in = { $language ->
    [ko] the Korean summary says “{ $words }”
   *[other] the English summary says “{ $words }”
}
quoted-from = { $language ->
    [ko] quoted from the Korean summary
   *[other] quoted from the English summary
}

# The web archive

web-name = Paperround
web-description = Each day's machine-learning papers, with summaries and votes.
web-skip = Skip to content
web-ask = Ask the archive: passages, word for word
web-search = Search
web-search-label = A topic, in Korean or English
web-search-hint = A topic, such as diffusion
web-no-search = These pages have no search. Browse by day, trend or author; in Discord, /topic finds papers.
web-more-authors = and { $count } more
web-trends = Trends
web-list = Reading list · { $count ->
    [one] one paper
   *[other] { $count } papers
}
web-list-empty = This list has no papers.
web-feeds = Feeds:
web-pages = Pages
web-days = Days
web-previous = Previous
web-next = Next
web-abstract = Abstract
web-copy-bibtex = Copy BibTeX
web-copied = Copied
web-topics = Topics
web-numbers = Show the numbers
web-not-found = This page does not exist
web-failed = This page can't be shown
web-error = Something went wrong. Please try again later.
web-no-address = There is nothing at this address.
web-no-day = Write the date like this: 2025-02-12.
web-no-paper = Paper “{ $paper }” not found. The address of a paper ends in its arXiv ID, such as 2502.02737, or its key. To find one by its title, use the search.
web-no-page = The page number must be from 1 to { $count }.
web-query-too-long = A search can have up to { $count } characters.
