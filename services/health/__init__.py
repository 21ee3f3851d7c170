"""The health service: checks become results and samples on the bus."""
