"""Shared by all interactions: component routing, permission checks, option parsers, responses, autocomplete and errors."""
