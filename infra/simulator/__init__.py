"""A simulated internet provider: what Pantau watches, with the truth about it known."""
