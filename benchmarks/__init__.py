"""Measurements against peers in the same run: `benchmarks/run` writes the tables of docs/performance.md."""
