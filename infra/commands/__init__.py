"""The commands of `./pantau`, by subject; `infra/cli.py` gathers them."""
