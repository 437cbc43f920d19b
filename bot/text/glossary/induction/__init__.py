"""Induction: from counted term pairs to concepts with their forms, senses and synonyms."""
