"""HTTP for sources: one fetcher with time-outs, size limits, conditional requests, retries and an SSRF guard."""
