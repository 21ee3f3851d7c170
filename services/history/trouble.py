"""What is wrong with the database, for people."""

import asyncpg


def described(error: Exception) -> str:
    """One sentence; it says what to do where that is known."""
    if isinstance(error, asyncpg.UndefinedTableError | asyncpg.UndefinedColumnError):
        return f"its schema is not this version's ({error}): run ./pantau migrate"
    return str(error) or type(error).__name__
