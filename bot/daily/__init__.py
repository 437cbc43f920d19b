"""The daily post: subscriptions, the choice of papers, planning, edits, /why."""
