"""HTTP: queries, ingestion, rules, the live stream; and the pages that a browser gets."""
