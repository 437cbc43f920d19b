"""Induction: from counted term pairs to concepts with their forms and senses."""
