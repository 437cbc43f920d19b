"""Use cases. They know neither Discord nor SQL: a renderer, a sender and a clock are passed in."""
