"""Commands that run a server or a part of one: serve, worker, migrate, backup, demo."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from caviar.cli.options import Data, DatabaseUrl, Has, Store, Token, Url, devices_of, duration


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    for command in (serve, worker, migrate, backup, demo):
        app.command()(command)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one [default: 8000]")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Agents to start; with Ray at most [default: one per core]")
    ] = None,
    resources: Has = None,
    engine: Annotated[
        str | None, typer.Option(help="local, or ray: agents as actors of a cluster [default: local]")
    ] = None,
    ray_address: Annotated[
        str | None,
        typer.Option(help="Ray's head, as in 10.0.0.5:6379, or auto [default: a cluster of this machine]"),
    ] = None,
    agent_url: Annotated[
        str | None, typer.Option(help="Address of this server as the nodes of Ray reach it", metavar="URL")
    ] = None,
    data: Data = None,
    database: DatabaseUrl = None,
    store: Store = None,
    store_endpoint: Annotated[
        str | None, typer.Option(help="Address of an S3-compatible server [default: AWS]", metavar="URL")
    ] = None,
    path_prefix: Annotated[
        str | None, typer.Option(help="Path of a proxy in front, such as /caviar", metavar="PATH")
    ] = None,
    token_required: Annotated[
        bool | None, typer.Option("--token-required", help="Require a token on this machine too.")
    ] = None,
    log_level: Annotated[
        str | None, typer.Option(help="debug, info, warning or error [default: info]")
    ] = None,
) -> None:
    """Start the server with its agents and the dashboard."""
    with explained():
        from caviar.service.config import Config, read
        from caviar.service.serving import serve as run

        def ready(config: Config) -> None:
            agents = f"{config.workers} worker{'s' if config.workers != 1 else ''}"
            if config.engine == "ray":
                agents = f"up to {agents} on Ray"
            typer.echo(f"Caviar is ready: {config.url} ({agents}, data in {config.data}). Ctrl-C ends it.")

        run(
            read(
                host=host,
                port=port,
                workers=workers,
                resources=resources,
                engine=engine,
                ray_address=ray_address,
                agent_url=agent_url,
                data=data,
                database=database,
                store=store,
                store_endpoint=store_endpoint,
                path_prefix=path_prefix,
                token_required=token_required,
                log_level=log_level,
            ),
            ready,
        )


def worker(
    url: Url = None,
    token: Token = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", "--slots", help="Agents to start [default: one, or one for each device]", min=1
        ),
    ] = None,
    devices: Annotated[
        str | None, typer.Option(help="CUDA_VISIBLE_DEVICES of each agent, such as 0,1,2,3.")
    ] = None,
    resources: Has = None,
    exit_when_idle: Annotated[
        float | None,
        typer.Option(
            help="End after this time without a trial to train.", metavar="DURATION", parser=duration
        ),
    ] = None,
    lifetime: Annotated[
        float | None,
        typer.Option(
            help="Hand trials back in time to end by then, such as 55m or 1h30m.",
            metavar="DURATION",
            parser=duration,
        ),
    ] = None,
    health: Annotated[
        bool, typer.Option("--health", help="Start none; ask whether the server hears those of this machine.")
    ] = False,
) -> None:
    """Start agents here for a server elsewhere.

    The exit code says why it ended: 0 idle, 75 lifetime over, 143 SIGTERM, 130 Ctrl-C, 1 an error. Without
    a limit a signal is the usual end: 0.
    """
    from caviar.cli.workers import health_of_workers, run_workers

    if health:
        typer.echo(health_of_workers(url, token))
        return
    from caviar.extras import SERVER, require
    from caviar.service.engines.remote import Limits

    require(SERVER)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # one line per call says nothing to a person
    each = devices_of(devices, workers, "--workers")
    limits = Limits(exit_when_idle, lifetime)
    raise typer.Exit(run_workers(url, token, workers or len(each) or 1, limits, resources, each))


def migrate(data: Data = None, database: DatabaseUrl = None) -> None:
    """Bring the database to this version.

    Make a backup first.
    """
    with explained():
        from caviar.service.config import read
        from caviar.service.store.schema import migrate_url

        config = read(data=data, database=database)
        typer.echo(f"{config.database_shown} has schema {migrate_url(config.database_url)}.")


def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder for the copy.", show_default=False)],
    data: Data = None,
    database: DatabaseUrl = None,
    store: Store = None,
) -> None:
    """Copy the database and all files while the server runs; what is in a bucket stays there."""
    with explained():
        from caviar.service.config import read
        from caviar.service.store.backup import backup as copy

        config = read(data=data, database=database, store=store)
        typer.echo(f"Backup in {copy(config, folder)}.")
        if config.store is not None:
            typer.echo(f"The files of trials and data sets are in {config.store}: copy them from there now.")


def demo(
    file: Annotated[
        Path | None, typer.Argument(help="The search to run [default: coarse to fine on the digits]")
    ] = None,
    data: Data = None,
) -> None:
    """Run a search from beginning to end.

    A server on a free port, a progress bar, the best trials; then all of it ends.
    """
    from caviar.cli.demo import run_demo
    from caviar.extras import SERVER, require

    require(SERVER)
    run_demo(file, data)


@contextmanager
def explained() -> Iterator[None]:
    """Turn what the server says when it cannot start into an error of the command line."""
    from caviar.errors import CaviarError
    from caviar.service.errors import ServiceError
    from caviar.service.setting_source import ConfigError

    try:
        yield
    except (ConfigError, ServiceError) as error:
        raise CaviarError(str(error)) from None
