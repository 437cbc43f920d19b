"""Presenters: load what a command shows from services and turn it into the input of a view. Stateless."""
