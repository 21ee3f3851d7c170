"""The routes, one file per subject; each answers with what the views, the bus or the database know."""
