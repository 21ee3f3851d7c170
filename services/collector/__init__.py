"""The collector: readings from the world become samples on the bus, and values for Prometheus to scrape."""
