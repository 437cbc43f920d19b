"""Analysis: normalisation, tokenising, stemming, Korean particles, stop words."""
