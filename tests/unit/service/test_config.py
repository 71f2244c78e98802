"""The server's configuration: what wins over what, and what it refuses to start with."""

from pathlib import Path

import pytest

from caviar.errors import CaviarError
from caviar.service import config
from caviar.transport import Transport


def read(tmp_path: Path, environment: dict[str, str] | None = None, **arguments: object) -> config.Config:
    return config.read(environment or {}, data=tmp_path / "data", **arguments)


def test_defaults_need_nothing_and_listen_to_this_machine_alone(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert found.loopback and not found.token_required
    assert found.database == f"sqlite:///{tmp_path / 'data' / 'caviar.db'}"
    assert (tmp_path / "data").is_dir()
    assert found.url == "http://127.0.0.1:8000"


def test_arguments_win_over_the_environment(tmp_path: Path) -> None:
    environment = {"CAVIAR_PORT": "9000", "CAVIAR_WORKERS": "3"}
    found = read(tmp_path, environment, port=9001)
    assert (found.port, found.workers) == (9001, 3)


@pytest.mark.parametrize(
    ("environment", "arguments", "setting"),
    [
        ({"CAVIAR_PORT": "70000"}, {}, "CAVIAR_PORT"),
        ({}, {"port": "eighty"}, "--port"),
        ({}, {"workers": 1.5}, "--workers"),
        ({"CAVIAR_LEASE": "nan"}, {}, "CAVIAR_LEASE"),
        ({}, {"database": "mysql://a:b@c/d"}, "--database"),
        ({}, {"database": "sqlite://"}, "--database"),
        ({}, {"store": "lab/caviar"}, "--store"),
        ({"CAVIAR_STORE": "s3://Lab"}, {}, "CAVIAR_STORE"),
        ({}, {"store_endpoint": "https://minio.example"}, "--store-endpoint"),
        ({"CAVIAR_STORE_ENDPOINT": "https://a:b@c"}, {"store": "s3://lab"}, "CAVIAR_STORE_ENDPOINT"),
        ({"CAVIAR_LOG_FORMAT": "xml"}, {}, "CAVIAR_LOG_FORMAT"),
        ({}, {"host": "0.0.0.0", "token_required": False}, "--token-required"),
        ({"CAVIAR_TOKEN_REQUIRED": "0"}, {"allowed_hosts": ["lab.example"]}, "CAVIAR_TOKEN_REQUIRED"),
        ({"CAVIAR_TOKEN_REQUIRED": "enabled"}, {}, "CAVIAR_TOKEN_REQUIRED"),
        ({"CAVIAR_ADMIN_TOKEN_FILE": "/nonexistent"}, {}, "CAVIAR_ADMIN_TOKEN_FILE"),
    ],
)
def test_an_error_names_the_setting_and_a_remedy(
    tmp_path: Path, environment: dict[str, str], arguments: dict[str, object], setting: str
) -> None:
    with pytest.raises(config.ConfigError) as caught:
        read(tmp_path, environment, **arguments)
    assert caught.value.setting == setting
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("held", "wrong"),
    [(b"", "is empty"), (b" \n", "is empty"), (b"\xff\xfe\0s", "is not text"), (b"a\nb\n", "more than one")],
)
def test_a_torn_file_with_a_secret_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: bytes, wrong: str
) -> None:
    """An empty one above all: without it the server would take no password, or make tokens of its own."""
    file = tmp_path / "secret"
    file.write_bytes(held)
    with pytest.raises(config.ConfigError, match=f"{file} .*{wrong}") as caught:
        read(tmp_path, {"CAVIAR_ADMIN_TOKEN_FILE": str(file)})
    assert caught.value.setting == "CAVIAR_ADMIN_TOKEN_FILE"
    monkeypatch.delenv("CAVIAR_TOKEN", raising=False)
    monkeypatch.setenv("CAVIAR_TOKEN_FILE", str(file))
    with pytest.raises(CaviarError, match=f"CAVIAR_TOKEN_FILE: {file} .*{wrong}"):
        Transport("http://127.0.0.1:9")


@pytest.mark.parametrize("url", ["postgres//user:secret@host/name", "postgresql://user:secret@host:x/name"])
def test_a_password_is_never_shown(tmp_path: Path, url: str) -> None:
    with pytest.raises(config.ConfigError) as caught:
        read(tmp_path, database=url)
    assert "secret" not in str(caught.value)


def test_the_shown_database_hides_the_password_and_the_true_one_has_it(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("open sesame\n")
    environment = {"CAVIAR_DATABASE_PASSWORD_FILE": str(secret)}
    found = read(tmp_path, environment, database="postgres://user@host/name")
    assert found.database == "postgresql+psycopg://user:open sesame@host/name"
    assert "sesame" not in found.database_shown
    assert "sesame" not in repr(found)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "lab.example"])
def test_other_addresses_need_a_token(tmp_path: Path, host: str) -> None:
    assert read(tmp_path, host=host).token_required


@pytest.mark.parametrize(("text", "required"), [("Yes", True), ("on", True), ("OFF", False), ("", False)])
def test_yes_and_no_in_all_their_spellings(tmp_path: Path, text: str, required: bool) -> None:
    assert read(tmp_path, {"CAVIAR_TOKEN_REQUIRED": text}).token_required is required


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost", "LOCALHOST."])
def test_loopback_in_all_its_spellings(host: str) -> None:
    assert config.is_loopback(host)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(config.ConfigError, match="not writable"):
        config.read({}, data=blocker / "below")


@pytest.mark.unprivileged
def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    with pytest.raises(config.ConfigError, match="not writable"):
        config.read({}, data=folder)
