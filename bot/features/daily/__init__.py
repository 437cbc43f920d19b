"""Daily posts: subscriptions, choosing papers, planning, and `/why`."""
