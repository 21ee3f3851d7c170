"""The database's schema, as numbered SQL files, and their runner: `python -m infra.migrations`.

`NNNN_subject.sql` holds for every database; beside it `NNNN_subject.timescale.sql` or `NNNN_subject.postgres.sql` is
applied after it, whichever the database is. An applied file never changes: what comes next is a new file.
"""
