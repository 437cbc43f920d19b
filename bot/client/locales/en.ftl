# The interface in English. Markdown is Discord's. Plain, short, no exclamation marks.

## Answers when something cannot be done
outdated-control = This button belongs to an older version. Please use the command again.
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
list-literally = Only as typed
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
list-topic-heading = { $topic } · { $count ->
    [one] 1 paper
   *[other] { $count } papers
}
list-author-heading = { $author } · { $count ->
    [one] 1 paper
   *[other] { $count } papers
}
list-similar-heading = More like { $title }
list-saved-heading = Saved papers · { $count }
list-also = Also searched for { $forms }
list-partial = Few papers have all of these words, so those with most of them are here too
list-filters = { $period } · at least ▲ { $votes }
list-coauthors = With { $names }
list-topics = Topics: { $topics }
list-other-authors = Similar names: { $names }
no-list-topic = ### Nothing found for { $topic }
no-list-author = ### No author found for { $author }
no-list-top = ### No papers in this period
no-list-digest = ### No digest of { $date }
no-list-similar = ### Nothing comes close to this paper yet
no-list-saved = ### No saved papers yet
    Press **Save** on a paper and it will be here.
archive-extent = The archive holds { $count ->
    [one] one paper
   *[other] { $count } papers
}, from { $first } to { $last }.
archive-empty = The archive is still empty. Papers come with the first digest.
try-instead = Perhaps one of these:
try-wider = Try a longer period, fewer votes, or other words.
all-time = All time
newest-digest = Newest digest
nearest-digest = Digest of { $date }

## A paper's card
no-summary = No digest has a summary of this paper yet.
choose-chapter = Read a chapter of the review
chapter = Chapter { $number }
save = Save
unsave = Saved · remove
similar = Similar papers
authors = Authors
cite = Cite
format-newsletter = Newsletter { $date }
format-review = Review { $date }
no-paper = I don't know the paper { $paper }. Use an arXiv id such as 2502.02737, a link to arXiv or Hugging Face, or part of a title.
no-chapter = This review has no such chapter any more. Open the paper again.
paper-saved = Saved. You find it again with { $command }.
paper-unsaved = Removed from your saved papers.
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
language-en = English
language-ko = 한국어
schedule = { $days } at { $time } ({ $zone })
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
resume-post = Start again
reason-unknown = The reason is not known.
reason-unknown-channel = The channel was deleted. Set the daily post up again in another one.
reason-guild-left = Paperround is no longer in that server. Invite it again to go on.
reason-no-access = Paperround cannot see the channel. Switch on **View Channel** for it in the channel's settings › Permissions. It then goes on by itself.
reason-no-permission = Paperround lacks a permission there. Check the channel's settings › Permissions. Once it is there, it goes on by itself.
reason-no-send = Paperround may not send messages there. Switch on **Send Messages** for it in the channel's settings › Permissions. It then goes on by itself.
reason-no-send-in-threads = Paperround may not write in threads there. Switch on **Send Messages in Threads** in the channel's settings › Permissions. It then goes on by itself.
reason-no-threads = Paperround may not open threads there. Switch on **Create Public Threads** in the channel's settings › Permissions. It then goes on by itself.
reason-no-history = Paperround may not read the channel's history, so it cannot tell whether a message arrived. Switch on **Read Message History** in the channel's settings › Permissions.
reason-dms-closed = You do not accept direct messages from Paperround. Allow them in a server that you share (Privacy Settings), then resume your alerts.
reason-no-shared-server = There is no server that you share with Paperround, so it cannot write to you. Join one, then resume your alerts.
reason-thread-locked = The thread is locked. Unlock it, then start again.
reason-tag-needed = The forum demands a tag. Allow posts without one, or choose another channel.
reason-wrong-channel-kind = This kind of channel cannot take the post. Choose a text, announcement or forum channel.
reason-refused-content = Discord refused the message. It was posted in a plain form where possible; the log has the details.
reason-discord-trouble = Discord had trouble. It is tried again by itself.
reason-rate-limited = Discord asked to slow down. It is tried again by itself.
reason-too-old = It could not be posted in time, so it was dropped.
reason-uncertain = It is not known whether the message arrived. Look into the channel; post it again if it is missing.
reason-by-hand = Paused by hand.
reason-no-digest = There was no digest that day.
