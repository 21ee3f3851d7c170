"""History: everything on the bus into PostgreSQL or TimescaleDB, each thing once."""
