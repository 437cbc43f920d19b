"""The tables of the writer: drafts of summaries, full texts of papers, and the ledger of the model's tokens."""
