"""Shared test doubles, harnesses and builders."""
