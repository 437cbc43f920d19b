"""Verbs of custom ids: what a button, a menu or a form does. Messages that were sent hold them, so none of them changes."""

from __future__ import annotations

# Papers and lists.
OPEN_PAPER = "o"  # open the card of a paper privately
OPEN_SELECTED = "open"  # the same for the paper chosen in a menu
SHOW_CARD = "card"  # go back from a card's page to the card
SHOW_CHAPTER = "chap"  # show a chapter of a card's summary
SELECT_CHAPTER = "chaps"  # show the chapter chosen in a menu
SHOW_AUTHORS = "auth"  # list the authors of a paper
SELECT_AUTHOR = "ap"  # list the papers of the author chosen in a menu
SELECT_DETAIL = "fo"  # a card's menu: open a `CardDetail` or create an alert
SHARE_CARD = "cs"  # post a card publicly
SIMILAR_PAPERS = "sim"  # list similar papers
SHOW_LIST = "l"  # show a list in place
OPEN_LIST = "lo"  # open a list in a new message
REFINE_LIST = "lp"  # narrow a list by the option chosen in a menu
SELECT_DAY = "ld"  # show the day chosen in a menu
SHARE_LIST = "ls"  # post a list publicly
UNSHARE = "tb"  # delete what the reader posted publicly
OPEN_TOPIC_FORM = "ask"  # open the form for a search
SUBMIT_TOPIC_FORM = "asked"  # submit it

# Saved papers and servers' lists.
SAVE_PAPER = "save"  # save a paper
SAVE_SELECTED = "saves"  # save the papers chosen in a menu
LIST_PAPER = "list"  # put a paper on the list of the server in which the button is used
LIST_SELECTED = "lists"  # the same for the papers chosen in a menu
REMOVE_SAVED = "srm"  # remove the saved papers chosen in a menu
PUT_BACK_SAVED = "sru"  # save those again that were removed at a time
REMOVE_LISTED = "listx"  # remove a paper from a server's list
PUT_BACK_LISTED = "listu"  # put it back
MARK_READ = "clubp"  # mark a paper of a server's list as read, or not
EDIT_SAVED = "sn"  # open the form for a saved paper's note and tags
SUBMIT_SAVED = "snm"  # submit it
SELECT_TAG = "sg"  # show the papers with the tag chosen in a menu
SEARCH_SAVED = "sq"  # open the form for a search among saved papers
SUBMIT_SEARCH = "sqm"  # submit it
EXPORT_SAVED = "sx"  # export in the format chosen in a menu
OPEN_IMPORT = "sfi"  # open the form for an import
SUBMIT_IMPORT = "sfim"  # submit it
START_NEWS = "sno"  # send a weekly message about events of saved papers; carries a list's state
STOP_NEWS = "snx"  # stop it; carries a list's state, but not below the message itself
SHOW_ADDRESS = "sa"  # show the address of a list, whose state it carries
RENEW_ADDRESS = "san"  # replace that address by a new one
CLOSE_ADDRESS = "sac"  # close that address

# Daily posts.
LIST_POSTS = "dl"  # list a server's posts
SHOW_POST = "dh"  # show a post's settings
SET_UP_POST = "dsu"  # open the form for a new post
OPEN_SETUP = "dso"  # open it for a draft again
OPEN_SETUP_MORE = "dst"  # open the form with a draft's further settings, formerly a menu of a forum's tags
SUBMIT_SETUP = "dsf"  # submit a draft's form
START_POST = "ds"  # store a draft
REPLACE_POST = "dsr"  # store a draft in place of a post
OPEN_EDIT = "ded"  # open the form for a stored post
OPEN_EDIT_MORE = "de"  # open the form with its further settings
SUBMIT_EDIT = "dsd"  # submit the first form
SUBMIT_EDIT_MORE = "df"  # submit the second form
SHOW_PREVIEW = "dv"  # show a post as it would be now
POST_NOW = "dn"  # post at once
PAUSE_POST = "dz"  # pause a post
RESUME_POST = "dr"  # resume a post
REMOVE_POST = "dx"  # ask whether to remove a post
REMOVE_POST_CONFIRMED = "dxx"  # remove it
SHOW_LANGUAGE = "lang"  # show a post in the other language

# Alerts.
LIST_ALERTS = "am"  # list alerts
SHOW_ALERT = "av"  # show an alert
LIST_MATCHED = "amp"  # list the papers that match it
FOLLOW = "lf"  # create an alert for a topic or an author
SAVE_ALERT = "ac"  # store a draft of an alert
WIDEN_ALERT = "ax"  # let a draft match papers with any term
EDIT_CONDITIONS = "ae"  # open the form for an alert's conditions
SUBMIT_CONDITIONS = "aed"  # submit it
SET_TIMING = "aet"  # send at the time chosen in a menu
OPEN_TIME = "ati"  # open the form for a time of day
SUBMIT_TIME = "atis"  # submit it
PAUSE_ALERT = "au"  # pause an alert
RESUME_ALERT = "ar"  # resume an alert
REMOVE_ALERT = "ad"  # remove an alert

# A reader's papers of the day.
SHOW_TODAY = "td"  # show them
SEND_TODAY = "ton"  # send them each day
STOP_TODAY = "toff"  # stop that
MARK_PAPERS = "tm"  # mark a paper as wanted or unwanted, by a menu
SHOW_TOPICS = "tt"  # show topics that a reader picked, formerly: the papers of the day
SELECT_TOPICS = "ts"  # pick topics by a menu, formerly: the papers of the day

# Clubs and discussions.
SHOW_CLUB = "clubs"  # show a club's settings
START_CLUB = "clubn"  # start a club with a draft's settings
CONFIRM_STOP_CLUB = "clube"  # ask whether to stop a club
STOP_CLUB = "clubm"  # stop it
DISCUSS = "dis"  # open a thread about a paper
SILENCE = "clubq"  # stop a thread's notifications

# Questions.
OPEN_QUESTION = "qa"  # open the form for a question about a paper
SUBMIT_QUESTION = "qas"  # submit it
SELECT_QUESTION = "qam"  # answer the question chosen in a menu
SHARE_ANSWER = "qax"  # post an answer publicly
SHOW_PASSAGE = "qap"  # show a whole passage of a paper privately

# Trends.
SHOW_TREND = "tr"  # show the trend of topics
SELECT_TREND_SPAN = "trs"  # show the period chosen in a menu
SELECT_TREND = "trp"  # show the topic chosen in a menu
SHARE_TREND = "trx"  # post a trend publicly

# Status, help and a reader's data.
SHOW_STATUS = "status"  # show `/status`
SHOW_SOURCES = "src"  # show its page of sources
REPEAT_POST = "pa"  # send a post again that may not have arrived
SHOW_HELP = "help"  # show `/help`
FORGET_READER = "mf"  # delete what is stored about the reader
KEEP_READER = "mk"  # keep it

# Any.
SELECT_ACTION = "act"  # a menu whose options are custom ids: do what a button with the chosen id does
