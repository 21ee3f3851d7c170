"""Six programs that meet only on the bus."""
