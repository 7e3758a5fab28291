"""The DuckDB store: schema, hardened opening, idempotent ingest, quarantine."""

from sna.store.opening import Store

__all__ = ["Store"]
