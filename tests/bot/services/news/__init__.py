"""Tests of bot.services.news."""
