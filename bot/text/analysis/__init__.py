"""Text analysis: normalisation, tokenising, stemming, Korean particles, stop words."""
