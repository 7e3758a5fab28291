"""The report: one self-contained HTML file that shows an investigation."""
