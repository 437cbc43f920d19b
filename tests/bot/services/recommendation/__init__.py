"""Tests of bot.services.recommendation."""
