"""Gathers public posts from each source through its official interface: one module a source."""
