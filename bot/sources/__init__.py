"""Where digests and facts come from: one module a kind behind `source.Source`, and one fetcher for all that is on the web."""
