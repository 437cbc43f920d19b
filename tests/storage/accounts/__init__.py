"""Tests of storage.accounts."""
