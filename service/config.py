"""What a server is told at its start: read once from arguments and environment, checked, then frozen."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from caviar.exchange.wire import INTERVAL_SECONDS, LEASE_SECONDS
from caviar.search.resources import ONE_CPU, Resources
from caviar.service.bucket_address import bucket_address
from caviar.service.setting_source import ConfigError, Source
from caviar.service.single_sign_on import EVERYBODY, SingleSignOn, header_of, networks_of, scopes_of

T = TypeVar("T")
MIB = 1 << 20


ENGINES = ("local", "ray")
CHECKPOINT_BUDGET = 1024 * MIB  # of the checkpoints of one trial in panda mode


@dataclass(frozen=True)
class Limits:
    """Bounds on what callers may ask of the server; sizes in bytes, times in seconds."""

    body: int = 8 * MIB  # any JSON body; an exchange of a busy agent is about 100 kB
    upload: int = 512 * MIB  # a data set
    checkpoint: int = 256 * MIB  # a checkpoint or a model
    body_seconds: float = 15.0  # between two pieces of a body, and for all of one that hardly comes
    body_rate: float = 16 * 1024  # bytes a second that give a body more time
    requests: int = 256  # in progress at once of each kind: exchanges, other bodies, the rest; 503 beyond
    streams: int = 640  # event streams open at once, and as many agents that wait for work; 503 beyond
    inspect_memory: int = 1536 * MIB  # address space of the process that reads an upload, beyond its start
    inspect_seconds: float = 60.0  # processor time of the same


@dataclass(frozen=True)
class Config:
    """Everything `create_app` needs to know; build it with `read`."""

    data: Path
    database_url: URL
    store: str | None = None  # s3://bucket/prefix: where files are kept; None: the data folder
    store_endpoint: str | None = None  # of an S3-compatible server; None: AWS
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    engine: str = "local"  # who starts agents: local: this process; ray: the actors of a cluster
    resources: Resources = ONE_CPU  # of each local agent
    ray_address: str | None = None  # of the cluster; None: one for this server, on this machine
    agent_url: str | None = None  # under which agents of other machines reach this server
    allowed_hosts: tuple[str, ...] = ()  # names under which a proxy or a network reaches this server
    allowed_origins: tuple[str, ...] = ()  # other pages that may call it, such as https://lab.example
    path_prefix: str = ""  # the path of a proxy under which it is reached, such as /caviar
    trusted_proxies: tuple[str, ...] = ()  # whose X-Forwarded headers are believed; none: this machine's
    sign_on: SingleSignOn = field(default_factory=SingleSignOn)  # whom a proxy in front may name
    webhook_networks: tuple[str, ...] = ()  # private ones that webhooks may be sent to
    token_required: bool = False
    admin_token: str | None = field(default=None, repr=False)  # given by the operator, kept only as a hash
    agent_token: str | None = field(default=None, repr=False)
    log_format: str = "auto"  # auto: text on a terminal, JSON elsewhere
    log_level: str = "info"
    lease: float = LEASE_SECONDS  # how long an agent may be silent before its trials are taken back
    interval: float = INTERVAL_SECONDS  # an agent exchanges at least so often
    drain_seconds: float = 25.0  # the longest a SIGTERM waits for agents and streams
    checkpoint_budget: int = CHECKPOINT_BUDGET  # bytes
    limits: Limits = Limits()

    @property
    def loopback(self) -> bool:
        """Return whether only this machine can reach the server."""
        return is_loopback(self.host)

    @property
    def sqlite(self) -> bool:
        """Return whether the database is a file of this machine."""
        return self.database_url.get_backend_name() == "sqlite"

    @property
    def database(self) -> str:
        """Return the database URL as text, with its password; never log this."""
        return self.database_url.render_as_string(hide_password=False)

    @property
    def database_shown(self) -> str:
        """Return the database URL fit for logs and messages."""
        return self.database_url.render_as_string(hide_password=True)

    def workers_for(self, wanted: Resources) -> int:
        """Return how many agents for such trials the server starts by itself."""
        return self.workers if self.engine == "ray" or wanted.within(self.resources) else 0

    @property
    def url(self) -> str:
        """Return the address at which agents on this machine reach the server."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(self.host, self.host)  # noqa: S104
        return f"http://{host}:{self.port}"


def read(environment: Mapping[str, str] | None = None, **arguments: Any) -> Config:
    """Read a configuration: arguments (None: not given) before environment before defaults.

    Arguments: host, port, workers, engine, resources, ray_address, agent_url, data, database, store,
    store_endpoint, allowed_hosts, allowed_origins, path_prefix, trusted_proxies, webhook_networks,
    sign_on_proxies, user_header, groups_header, group_scopes, token_required, log_format, log_level, lease,
    interval, drain_seconds, limits. The data folder is made when it is missing.

    Raises ConfigError when the server could not work with what it was given.
    """
    source = Source(os.environ if environment is None else environment, arguments)
    host = str(source.get("host", "CAVIAR_HOST", Config.host))
    data = _data_folder(Path(str(source.get("data", "CAVIAR_DATA", "caviar-data"))))
    names = source.names("allowed_hosts", "CAVIAR_ALLOWED_HOSTS")
    sign_on = _sign_on(source)
    exposed = not is_loopback(host) or any(not is_loopback(name) for name in names)
    engine = source.choice("engine", "CAVIAR_ENGINE", ENGINES)
    return Config(
        data=data,
        database_url=_database_url(source, data),
        **bucket_address(source),
        host=host,
        port=int(source.number("port", "CAVIAR_PORT", Config.port, 0, 65535)),
        workers=int(source.number("workers", "CAVIAR_WORKERS", _default_workers(), 0, 4096)),
        engine=engine,
        **_of_engine(source, engine),
        allowed_hosts=names,
        allowed_origins=source.names("allowed_origins", "CAVIAR_ALLOWED_ORIGINS"),
        path_prefix=_path_prefix(source),
        trusted_proxies=_networks(source, "trusted_proxies", "CAVIAR_TRUSTED_PROXIES"),
        webhook_networks=_networks(source, "webhook_networks", "CAVIAR_WEBHOOK_NETWORKS"),
        sign_on=sign_on,
        token_required=_token_required(source, exposed, host, engine, sign_on),
        admin_token=source.secret("CAVIAR_ADMIN_TOKEN"),
        agent_token=source.secret("CAVIAR_AGENT_TOKEN"),
        log_format=source.choice("log_format", "CAVIAR_LOG_FORMAT", ("auto", "text", "json")),
        log_level=source.choice("log_level", "CAVIAR_LOG_LEVEL", ("info", "debug", "warning", "error")),
        lease=source.number("lease", "CAVIAR_LEASE", Config.lease, 0.5, 86400),
        interval=source.number("interval", "CAVIAR_INTERVAL", Config.interval, 0.02, 3600),
        drain_seconds=source.number("drain_seconds", "CAVIAR_DRAIN_SECONDS", Config.drain_seconds, 0, 3600),
        checkpoint_budget=MIB
        * int(
            source.number("checkpoint_budget", "CAVIAR_CHECKPOINT_BUDGET", CHECKPOINT_BUDGET // MIB, 1, 10**6)
        ),
        limits=arguments.get("limits") or Config.limits,
    )


def is_loopback(host: str) -> bool:
    """Return whether a host name or address means this machine alone."""
    bare = host.strip("[]").lower().rstrip(".")
    if bare == "localhost" or bare.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


def _default_workers() -> int:
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def _of_engine(source: Source, engine: str) -> dict[str, Any]:
    """Read what only one of the engines asks for. Raises ConfigError for what the other one does."""
    given = {
        name: str(text) if (text := source.get(name, f"CAVIAR_{name.upper()}", None)) else None
        for name in ("resources", "ray_address", "agent_url")
    }
    for name in ("ray_address", "agent_url") if engine == "local" else ("resources",):
        if given[name] is not None:
            label = source.label(name, f"CAVIAR_{name.upper()}")
            if engine == "local":
                raise ConfigError(label, "is for another engine", "Add --engine ray, or leave it out")
            remedy = "Give resources to the nodes: ray start --resources='{\"fast_disk\": 1}'"
            raise ConfigError(label, "is for local agents", remedy)
    text = given.pop("resources")
    if text is not None:
        try:
            return {"resources": Resources.of_text(text)}
        except ValueError as error:
            label = source.label("resources", "CAVIAR_RESOURCES")
            raise ConfigError(label, str(error), "Write what each agent has, as in cpus=2,gpus=1") from None
    if given["ray_address"] and source.get("workers", "CAVIAR_WORKERS", None) is None:
        remedy = "Say how many agents there may be at most, as in --workers 32"
        raise ConfigError("--workers", "is missing, which a cluster needs", remedy)
    if (given["ray_address"] or "").startswith("ray://"):
        remedy = "Make this machine a node (ray start --address=HOST:6379 --num-cpus=0) and give HOST:6379"
        label = source.label("ray_address", "CAVIAR_RAY_ADDRESS")
        raise ConfigError(label, f"{given['ray_address']} is an address of Ray Client", remedy)
    url = given["agent_url"]
    if url is not None and not re.fullmatch(r"https?://[^/?#\s]+(/[^?#\s]*)?", url):
        label = source.label("agent_url", "CAVIAR_AGENT_URL")
        raise ConfigError(label, f"{url!r} is not an address", "Write http://HOST:PORT")
    return given


def _sign_on(source: Source) -> SingleSignOn:
    default = SingleSignOn()
    remedy = "See docs/teams.md, Single sign-on"

    def of(name: str, variable: str, standard: str, read: Callable[[str], T]) -> T:
        try:
            return read(str(source.get(name, variable, standard)))
        except ValueError as error:
            raise ConfigError(source.label(name, variable), str(error), remedy) from None

    return SingleSignOn(
        networks=of("sign_on_proxies", "CAVIAR_SIGN_ON_PROXIES", "", networks_of),
        user_header=of("user_header", "CAVIAR_USER_HEADER", default.user_header, header_of),
        groups_header=of("groups_header", "CAVIAR_GROUPS_HEADER", default.groups_header, header_of),
        scopes=of("group_scopes", "CAVIAR_GROUP_SCOPES", f"{EVERYBODY}=read", scopes_of),
    )


def _token_required(source: Source, exposed: bool, host: str, engine: str, sign_on: SingleSignOn) -> bool:
    # Whoever may use the cluster would be let in, and whomever the proxy has not named.
    exposed = exposed or engine == "ray" or bool(sign_on.networks)
    wanted = source.flag("token_required", "CAVIAR_TOKEN_REQUIRED", exposed)
    if engine == "ray" and not wanted:
        label = source.label("token_required", "CAVIAR_TOKEN_REQUIRED")
        raise ConfigError(label, "agents of a Ray cluster need a token", "Leave tokens required")
    if sign_on.networks and not wanted:
        label = source.label("token_required", "CAVIAR_TOKEN_REQUIRED")
        raise ConfigError(label, "a proxy names the users", "Leave tokens required for all others")
    if exposed and not wanted:
        remedy = "Listen on 127.0.0.1 without CAVIAR_ALLOWED_HOSTS, or leave tokens required"
        where = f"the server can be reached from other machines ({host})"
        raise ConfigError(source.label("token_required", "CAVIAR_TOKEN_REQUIRED"), where, remedy)
    return wanted


def _path_prefix(source: Source) -> str:
    text = str(source.get("path_prefix", "CAVIAR_PATH_PREFIX", "")).rstrip("/")
    if text and not re.fullmatch(r"(/[A-Za-z0-9._~@%+-]+)+", text):
        label = source.label("path_prefix", "CAVIAR_PATH_PREFIX")
        raise ConfigError(label, f"{text!r} is not a path", "Write the path at the proxy, such as /caviar")
    return text


def _networks(source: Source, argument: str, variable: str) -> tuple[str, ...]:
    """Read addresses and networks. Raises ConfigError for a name: who it stands for can change."""
    found = source.names(argument, variable)
    for text in found:
        try:
            ipaddress.ip_network(text)
        except ValueError:
            label = source.label(argument, variable)
            remedy = "Write addresses or networks, such as 10.0.0.7 or 10.1.0.0/16"
            raise ConfigError(label, f"{text!r} is neither", remedy) from None
    return found


def _data_folder(path: Path) -> Path:
    remedy = "Choose a folder you may write to with --data or CAVIAR_DATA"
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = path / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink(missing_ok=True)  # two servers may look at once
    except OSError as error:
        raise ConfigError("data folder", f"{path} is not writable ({error.strerror})", remedy) from None
    return path.resolve()


def _database_url(source: Source, data: Path) -> URL:
    text = str(source.get("database", "CAVIAR_DATABASE_URL", f"sqlite:///{data / 'caviar.db'}"))
    label = source.label("database", "CAVIAR_DATABASE_URL")
    remedy = "Write sqlite:///path/to/file.db or postgresql://user:password@host:5432/name"
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ConfigError(label, f"{_hide_password(text)!r} is not a database URL", remedy) from None
    if url.get_backend_name() == "sqlite":
        if not url.database or url.database == ":memory:":
            raise ConfigError(label, "a database in memory would lose every trial", remedy)
        return url.set(drivername="sqlite")
    if url.drivername not in {"postgres", "postgresql", "postgresql+psycopg"}:
        raise ConfigError(label, f"databases of the kind {url.drivername!r} are not supported", remedy)
    password = source.secret("CAVIAR_DATABASE_PASSWORD")
    return url.set(drivername="postgresql+psycopg", password=password or url.password)


def _hide_password(text: str) -> str:
    return re.sub(r"(//[^:/@]*:).*@", r"\1***@", text)
