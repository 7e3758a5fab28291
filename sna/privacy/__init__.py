"""Retention, purge, subject requests, pseudonyms and the audit chain: what proves that a case keeps its policy."""
