"""The container files: valid by the published schema, and by the rules that keep a deployment safe."""

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from tests.support.image import Dockerfile

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def services(compose: Any, *names: str) -> list[Any]:
    return [compose["services"][name] for name in names]


def test_the_compose_file_fits_the_published_schema(compose: Any) -> None:
    schema = json.loads(
        (files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text("utf-8")
    )
    validator = jsonschema_rs.validator_for(schema)
    assert [error.message for error in validator.iter_errors(compose)] == []
    assert not validator.is_valid({"services": {"server": {"prots": ["80:80"]}}})  # the schema does refuse


def test_the_parts_start_in_order(compose: Any) -> None:
    waits = {
        name: {other: rule["condition"] for other, rule in service.get("depends_on", {}).items()}
        for name, service in compose["services"].items()
    }
    assert waits == {
        "database": {},
        "migrate": {"database": "service_healthy"},
        "server": {"database": "service_healthy", "migrate": "service_completed_successfully"},
        "worker": {"server": "service_healthy"},
    }
    for name in ("database", "server", "worker"):
        assert compose["services"][name]["healthcheck"]["test"][0] == "CMD"


def test_no_secret_stands_in_the_file_and_each_goes_only_where_it_is_needed(compose: Any) -> None:
    for service in compose["services"].values():
        for variable, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|TOKEN|SECRET", variable):
                assert variable.endswith("_FILE") and value.startswith("/run/secrets/")
                assert value.removeprefix("/run/secrets/") in service["secrets"]
            assert not re.search(r"://[^/@]*:[^/@]+@", value), f"a password in {variable}"
    assert compose["services"]["worker"]["secrets"] == ["agent_token"]
    for secret in compose["secrets"].values():
        assert secret["file"].startswith("./secrets/")
    assert "secrets/" in (ROOT / ".gitignore").read_text().split()
    assert "!secrets" not in (ROOT / ".dockerignore").read_text()


def test_ports_are_published_on_loopback_alone(compose: Any) -> None:
    published = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert published == ["127.0.0.1:8000:8000"]


def test_our_containers_hold_no_privileges(compose: Any) -> None:
    for service in services(compose, "migrate", "server", "worker"):
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_workers_can_be_scaled_and_everyone_has_time_to_drain(compose: Any) -> None:
    worker, server = services(compose, "worker", "server")
    assert "container_name" not in worker and "ports" not in worker
    for service in (worker, server):
        assert int(service["stop_grace_period"].removesuffix("s")) > 30


def test_data_outlive_their_containers(compose: Any) -> None:
    database, server = services(compose, "database", "server")
    assert database["volumes"] == ["database:/var/lib/postgresql"]  # where images from 18 on keep their data
    assert "data:/var/lib/caviar" in server["volumes"]
    assert {"database", "data"} <= set(compose["volumes"])


def test_kernels_are_kept_where_server_and_workers_look_for_them(compose: Any) -> None:
    [folder] = re.findall(r"CAVIAR_CACHE=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    for service in services(compose, "server", "worker"):
        assert f"kernels:{folder}" in service["volumes"]
    assert "kernels" in compose["volumes"]


def test_images_are_pinned_and_ours_is_not_root(compose: Any) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    images = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    assert len(images) == 2
    for image in (*images, compose["services"]["database"]["image"]):
        assert re.fullmatch(r"[a-z]+:[\w.-]+@sha256:[0-9a-f]{64}", image)
    assert re.search(r"^USER 10001$", dockerfile, re.MULTILINE)
    assert "--require-hashes -r requirements.lock" in dockerfile


def test_every_copied_path_exists_and_reaches_the_build() -> None:
    dockerfile, ignored = (ROOT / "Dockerfile").read_text(), (ROOT / ".dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    paths = [path for line in copied for path in line.split()]
    assert {"search", "trainer", "service", "caviar", "db_migrations"} <= set(paths)
    for path in paths:
        assert (ROOT / path).exists()
        assert f"!{path}" in ignored


def test_containers_of_the_image_are_run_here_as_its_file_says(compose: Any) -> None:
    image = Dockerfile.read()  # what tests/faults/test_image.py runs
    assert image.entrypoint == ["caviar"] and image.command[0] == "serve"
    assert image.user == "10001" and image.environment["CAVIAR_DATA"] == image.workdir
    mounted = {one.split(":")[1] for one in compose["services"]["server"]["volumes"]}
    assert mounted == set(image.volumes), "what a server writes outlives its container"
    assert image.environment["PATH"].startswith("/opt/caviar/bin:/usr")
