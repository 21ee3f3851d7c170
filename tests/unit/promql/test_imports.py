"""The query and rule language is pure: nothing of the bus, the database or the web comes in with it."""

import subprocess
import sys

EVERYTHING = """
import importlib, pkgutil, sys
import shared.promql, shared.rules
for package in (shared.promql, shared.rules):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""
EDGES = {"aiohttp", "aiokafka", "asyncpg", "fastapi", "faust", "mode", "psycopg", "starlette", "structlog", "uvicorn"}


def test_no_edge_is_imported() -> None:
    done = subprocess.run([sys.executable, "-c", EVERYTHING], capture_output=True, text=True, check=True, timeout=60)
    assert "promql_parser" in done.stdout.split(), "the walk found the engine"
    assert EDGES.isdisjoint(done.stdout.split())
