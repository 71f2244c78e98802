"""The command `caviar`. Each command imports what it needs when it runs, so that --help is instant."""

import sys

import typer

from caviar.cli import (
    assistants,
    attached,
    audit,
    datasets,
    errors,
    exclusions,
    final_test,
    fronts,
    links,
    managing,
    models,
    retests,
    running,
    schedules,
    searches,
    server,
    steering,
    tokens,
    tracking,
    verifying,
    webhooks,
)

app = typer.Typer(
    name="caviar",
    help="Hyperparameter search: serve it, submit searches, watch them, get the best trials.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
server.register(app)
searches.register(app)
managing.register(app)
steering.register(app)
schedules.register(app)
models.register(app)
running.register(app)
attached.register(app)
exclusions.register(app)
audit.register(app)
errors.register(app)
links.register(app)
assistants.register(app)
tracking.register(app)
fronts.register(app)
final_test.register(app)
retests.register(app)
verifying.register(app)
app.add_typer(datasets.app, name="datasets")
app.add_typer(tokens.app, name="token")
app.add_typer(webhooks.app, name="webhook")


@app.callback(invoke_without_command=True)
def _root(version: bool = typer.Option(False, "--version", help="Show the version and exit.")) -> None:
    if version:
        from caviar import __version__

        typer.echo(f"caviar {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line; what goes wrong is one clear sentence, never a traceback."""
    from caviar.errors import CaviarError, InvalidError
    from caviar.extras import SERVER, of_extra

    try:
        with of_extra(SERVER):
            app()
    except InvalidError as error:
        typer.echo(
            f"This cannot be accepted: {error.detail or error.title}" if not error.problems else str(error),
            err=True,
        )
        sys.exit(2)
    except CaviarError as error:
        typer.echo(str(error), err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
