"""The manifests: what Kubernetes' own schema says of them, and that what they tell the server is what it knows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from service.settings import PREFIX, Settings, read_settings

ROOT = Path(__file__).parent.parent
MANIFESTS = sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))
INFERENCE = ROOT / "deploy" / "kserve" / "inferenceservice.yaml"
SCALING = {"minReplicas", "maxReplicas", "timeout"}
"""What KServe puts beside the fields of a pod (ComponentExtensionSpec of serving.kserve.io/v1beta1)."""
VERSIONS = ("1.30", kubernetes_validate.latest_version())

every_manifest = pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)


def read(path: Path) -> dict[str, Any]:
    """The one object of a manifest."""
    told: dict[str, Any] = yaml.safe_load(path.read_text())
    return told


def pod(path: Path) -> dict[str, Any]:
    """What a manifest says of its pods."""
    told = read(path)["spec"]
    found: dict[str, Any] = told.get("predictor") or told["template"]["spec"]
    return found


def containers() -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every container, and how long its pod may take to end."""
    for path in (ROOT / "deploy" / "kubernetes" / "deployment.yaml", INFERENCE):
        for container in pod(path)["containers"]:
            yield path, container


@every_manifest
@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_it(path: Path, version: str) -> None:
    kubernetes_validate.validate(read(path), version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_predictor_is_a_pod(version: str) -> None:
    told = {name: each for name, each in pod(INFERENCE).items() if name not in SCALING}
    whole = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "lossapi"}, "spec": told}
    kubernetes_validate.validate(whole, version, strict=True)
    assert pod(INFERENCE).keys() >= SCALING


def test_a_manifest_with_a_fault_is_found() -> None:
    told = read(ROOT / "deploy" / "kubernetes" / "deployment.yaml")
    told["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(told, VERSIONS[0], strict=True)


def test_what_they_set_is_a_setting_and_what_they_probe_an_address(client: Any) -> None:
    for path, container in containers():
        environment = {each["name"]: each["value"] for each in container["env"]}
        assert {name.removeprefix(PREFIX).lower() for name in environment} <= Settings.model_fields.keys()
        settings = read_settings(environment)
        assert settings.drain_delay + settings.grace < pod(path)["terminationGracePeriodSeconds"]
        assert container["ports"][0]["containerPort"] == settings.port
        for probe in (each for name, each in container.items() if name.endswith("Probe")):
            assert client.get(probe["httpGet"]["path"]).status_code == 200


def test_they_run_nothing_as_root_and_write_nowhere() -> None:
    for _, container in containers():
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"]
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert not context["allowPrivilegeEscalation"]


def test_all_of_them_mean_the_same_pods() -> None:
    objects = {each["kind"]: each for each in map(read, MANIFESTS)}
    labels = objects["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert objects["Service"]["spec"]["selector"] == labels
    assert objects["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert (
        objects["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"]
        == objects["Deployment"]["metadata"]["name"]
    )
