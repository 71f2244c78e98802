"""The Helm chart: valid by the published schemas, and by the rules that keep a deployment safe."""

import json
from typing import Any
from urllib.parse import urlsplit

import jsonschema_rs
import kubernetes_validate
import pytest

from caviar.service.engines.remote import GRACE_SECONDS
from caviar.service.security.rules import needed
from tests.support import chart

POSTGRES = {"url": "postgresql://caviar@database:5432/caviar"}
SEVERAL = {"database": POSTGRES, "server": {"replicas": 3}, "data": {"accessMode": "ReadWriteMany"}}
SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "several": SEVERAL,
    "bucket": {
        "database": POSTGRES,
        "server": {"replicas": 2},
        "store": {"url": "s3://lab/a", "endpoint": "https://minio.example:9000", "region": "eu-central-1"},
    },
    "keda": {"workers": {"mode": "keda", "tolerations": [{"key": "gpu", "operator": "Exists"}]}},
    "ingress": {
        "ingress": {"enabled": True, "host": "lab.example", "className": "nginx", "tlsSecret": "lab-tls"},
        "server": {"pathPrefix": "/caviar", "trustedProxies": ["10.0.0.0/8"], "allowedHosts": ["caviar.lan"]},
    },
    "bare": {
        "workers": {"mode": "none"},
        "networkPolicy": {"enabled": False},
        "data": {"existingClaim": "mine"},
    },
}


@pytest.fixture(params=sorted(SETTINGS))
def documents(request: pytest.FixtureRequest) -> list[Any]:
    return chart.rendered(chart.values(**SETTINGS[request.param]))


def kinds(documents: list[Any]) -> set[str]:
    return {f"{one['kind']}/{one['metadata']['name']}" for one in documents}


def pods(documents: list[Any]) -> dict[str, Any]:
    """Return the pod templates of all workloads by their kind and name."""
    found = {}
    for one in documents:
        spec = one.get("spec", {})
        spec = spec.get("jobTargetRef", spec)
        if "template" in spec:
            found[f"{one['kind']}/{one['metadata']['name']}"] = spec["template"]
    return found


def named(documents: list[Any], kind: str, name: str) -> Any:
    return next(one for one in documents if (one["kind"], one["metadata"]["name"]) == (kind, name))


def accepted(settings: dict[str, Any]) -> bool:
    schema = json.loads((chart.CHART / "values.schema.json").read_text())
    return bool(jsonschema_rs.validator_for(schema).is_valid(settings))


def fits(document: Any, version: str) -> None:
    kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_what_is_rendered_fits_the_published_schemas(documents: list[Any], version: str) -> None:
    for one in documents:
        if one["apiVersion"] != "keda.sh/v1alpha1":
            fits(one, version)
        elif one["kind"] == "ScaledJob":  # the job that KEDA makes of it
            job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "one"}}
            fits({**job, "spec": one["spec"]["jobTargetRef"]}, version)
    wrong = json.loads(json.dumps(named(documents, "Deployment", "lab-server")))
    wrong["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        fits(wrong, version)


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_the_values_schema_takes_what_works(name: str) -> None:
    assert accepted(chart.values(**SETTINGS[name]))


@pytest.mark.parametrize(
    "wrong",
    [
        {"server": {"replicas": 2}},
        {"server": {"replicas": 2}, "database": POSTGRES},
        {"server": {"replicas": 2}, "data": {"accessMode": "ReadWriteMany"}},
        {"database": {"url": "postgresql://caviar:password@database/caviar"}},
        {"server": {"pathPrefix": "caviar/"}},
        {"workers": {"mode": "jobs"}},
        {"workers": {"replica": 2}},
        {"existingSecret": ""},
        {"store": {"url": "https://lab"}},
        {"server": {"replicas": 2}, "store": {"url": "s3://lab"}},
    ],
    ids=["sqlite", "volume", "both", "password", "prefix", "mode", "name", "secret", "bucket", "no postgres"],
)
def test_the_values_schema_refuses_what_cannot_work(wrong: dict[str, Any]) -> None:
    assert not accepted(chart.values(**wrong))


def test_pods_hold_no_privileges_and_say_what_they_need(documents: list[Any]) -> None:
    for pod in pods(documents).values():
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"] and spec["securityContext"]["runAsUser"] == 10001
        assert spec["automountServiceAccountToken"] is False
        for container in (*spec["containers"], *spec.get("initContainers", [])):
            held = container["securityContext"]
            assert held["readOnlyRootFilesystem"] and not held["allowPrivilegeEscalation"]
            assert held["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["requests"] and container["resources"]["limits"]["memory"]
            assert {one["name"] for one in container["volumeMounts"]} <= {
                one["name"] for one in spec["volumes"]
            }


def test_secrets_are_files_of_a_secret_that_is_there_and_workers_have_one_token(documents: list[Any]) -> None:
    assert "Secret" not in {one["kind"] for one in documents}
    for pod in pods(documents).values():
        [volume] = [one["secret"] for one in pod["spec"]["volumes"] if one["name"] == "secrets"]
        assert volume["secretName"] == "caviar"
        if pod["metadata"]["labels"]["app.kubernetes.io/component"] == "worker":
            assert [one["key"] for one in volume["items"]] == ["agent-token"]
        for container in pod["spec"]["containers"]:
            for one in container["env"]:
                if "TOKEN" in one["name"] or "PASSWORD" in one["name"]:
                    assert one["name"].endswith("_FILE") and one["value"].startswith("/run/secrets/caviar/")


def test_busy_workers_are_left_alone_and_have_time_to_hand_back(documents: list[Any]) -> None:
    for name, pod in pods(documents).items():
        if name.endswith("-worker"):
            assert pod["spec"]["terminationGracePeriodSeconds"] > 2 * GRACE_SECONDS
            assert pod["metadata"]["annotations"]["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"
    servers = pods(documents)["Deployment/lab-server"]["spec"]
    assert servers["terminationGracePeriodSeconds"] > 30  # the longest that a drain takes


def test_selectors_mean_pods_that_are_there(documents: list[Any]) -> None:
    labels = [pod["metadata"]["labels"].items() for pod in pods(documents).values()]
    for one in documents:
        chosen = one["spec"].get("selector") or one["spec"].get("podSelector") if "spec" in one else None
        if chosen and not (one["kind"] == "NetworkPolicy" and one["metadata"]["name"] == "lab-worker"):
            wanted = chosen.get("matchLabels", chosen).items()
            assert sum(wanted <= has for has in labels) == 1, one["metadata"]["name"]


def test_each_setting_brings_its_parts() -> None:
    plain, several, keda, ingress = (
        chart.rendered(chart.values(**SETTINGS[name])) for name in ("plain", "several", "keda", "ingress")
    )
    assert "Job/lab-migrate" not in kinds(plain)  # SQLite: the pod that has the file migrates it
    assert pods(plain)["Deployment/lab-server"]["spec"]["initContainers"][0]["args"] == ["migrate"]
    hook = named(several, "Job", "lab-migrate")["metadata"]["annotations"]["helm.sh/hook"]
    assert hook == "pre-install,pre-upgrade"
    assert "initContainers" not in pods(several)["Deployment/lab-server"]["spec"]
    assert {"PodDisruptionBudget/lab-server", "PodDisruptionBudget/lab-worker"} <= kinds(several)
    assert named(several, "Deployment", "lab-server")["spec"]["replicas"] == 3
    assert "Deployment/lab-worker" not in kinds(keda)
    scaled = named(keda, "ScaledJob", "lab-worker")["spec"]
    [trigger] = scaled["triggers"]
    asked = urlsplit(trigger["metadata"]["url"])
    assert (asked.hostname, asked.path) == ("lab-server.science.svc", "/api/v1/agents/wanted")
    assert "agent" in needed("GET", asked.path)
    token = named(keda, "TriggerAuthentication", trigger["authenticationRef"]["name"])["spec"]
    assert [one["key"] for one in token["secretTargetRef"]] == ["agent-token"]
    [container] = scaled["jobTargetRef"]["template"]["spec"]["containers"]
    assert container["args"] == ["worker", "--slots", "2", "--exit-when-idle", "60s"]
    [server] = pods(ingress)["Deployment/lab-server"]["spec"]["containers"]
    assert server["args"][-2:] == ["--path-prefix", "/caviar"]
    given = {one["name"]: one["value"] for one in server["env"]}
    assert given["CAVIAR_ALLOWED_HOSTS"] == "lab-server,lab-server.science.svc,lab.example,caviar.lan"
    assert given["CAVIAR_TRUSTED_PROXIES"] == "10.0.0.0/8"
    bucket = chart.rendered(chart.values(**SETTINGS["bucket"]))
    assert "PersistentVolumeClaim/lab-data" in kinds(several) - kinds(bucket)
    pod = pods(bucket)["Deployment/lab-server"]["spec"]
    assert {"name": "data", "emptyDir": {}} in pod["volumes"]
    given = {one["name"]: one.get("value") for one in pod["containers"][0]["env"]}
    assert given["CAVIAR_STORE"] == "s3://lab/a" and given["AWS_DEFAULT_REGION"] == "eu-central-1"
    assert given["CAVIAR_STORE_ENDPOINT"] == "https://minio.example:9000"
    secret = [one["valueFrom"]["secretKeyRef"] for one in pod["containers"][0]["env"] if "valueFrom" in one]
    assert [one["key"] for one in secret] == ["aws-access-key-id", "aws-secret-access-key"]
    [path] = named(ingress, "Ingress", "lab")["spec"]["rules"][0]["http"]["paths"]
    assert path["path"] == "/caviar"
