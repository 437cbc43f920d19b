"""Extraction: term pairs such as 강화 학습(reinforcement learning; RL) found in a text."""
