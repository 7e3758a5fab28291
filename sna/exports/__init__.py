"""Writes networks to files: GEXF, GraphML, CSV, Parquet and JSON, streamed, with hostile text made inert."""
