"""What a PostgreSQL server tells of itself."""
