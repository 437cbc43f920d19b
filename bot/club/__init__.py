"""The reading club of a server: threads about papers, and a paper for each meeting, which its members vote for."""
