"""The edges of scraping: what is configured, found and fetched."""
