"""What deploy/k8s amounts to holds together, and the checks that say so can fail."""

import copy
import importlib.util
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.kubernetes import checks, kustomize
from tools.kubernetes.kustomize import Object

pytestmark = pytest.mark.feature("OPS-2")

BUILT = checks.overlays()


def find(objects: list[Object], kind: str, name: str) -> Any:
    """One object of an overlay."""
    (found,) = [one for one in objects if one["kind"] == kind and one["metadata"]["name"] == name]
    return found


def pod(objects: list[Object], name: str) -> Any:
    """The pod of a Deployment."""
    return find(objects, "Deployment", name)["spec"]["template"]["spec"]


def container(objects: list[Object], name: str) -> Any:
    """The container of a Deployment."""
    return pod(objects, name)["containers"][0]


def test_there_is_an_overlay_for_a_machine_and_one_for_a_company() -> None:
    assert set(BUILT) == {"local", "production"}


@pytest.mark.parametrize("overlay", sorted(BUILT))
def test_nothing_is_wrong(overlay: str) -> None:
    assert checks.problems(BUILT[overlay]) == []


@pytest.mark.parametrize("overlay", sorted(BUILT))
@pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl here to compare with")
def test_kubectl_makes_the_same_of_it(overlay: str) -> None:
    done = subprocess.run(
        ["kubectl", "kustomize", checks.OVERLAYS / overlay], capture_output=True, text=True, timeout=60, check=False
    )
    if "unknown command" in done.stderr or "unknown field" in done.stderr:
        pytest.skip("this kubectl is older than kustomize 5")
    assert done.returncode == 0, done.stderr
    real = list(yaml.safe_load_all(done.stdout))

    def by_name(objects: list[Object]) -> dict[tuple[str, str], Object]:
        return {(one["kind"], one["metadata"]["name"]): one for one in objects}

    assert by_name(BUILT[overlay]) == by_name(real)


def test_a_change_of_settings_is_a_new_name_which_pods_refer_to(tmp_path: Path) -> None:
    names = []
    for value in ("1", "2"):
        (tmp_path / "kustomization.yaml").write_text(
            "resources: [pod.yaml]\nconfigMapGenerator:\n  - {name: rodizio, envs: [some.env]}\n"
        )
        (tmp_path / "some.env").write_text(f"# said\nRODIZIO_PROXY_HOPS={value}\n")
        (tmp_path / "pod.yaml").write_text(
            "kind: Deployment\nmetadata: {name: x}\nspec: {template: {spec: {containers: [{image: 'a:1', "
            "envFrom: [{configMapRef: {name: rodizio}}]}]}}}\n"
        )
        deployment, settings = kustomize.build(tmp_path)
        names.append(settings["metadata"]["name"])
        (made,) = kustomize.containers(deployment)
        assert made["envFrom"][0]["configMapRef"]["name"] == names[-1]
    assert names[0] != names[1]


@pytest.mark.parametrize(
    "said",
    [
        "namePrefix: x",
        "patches: [{patch: '- {op: remove, path: /spec}', target: {kind: Thing}}]",
        "patches: [{patch: 'spec: {}', target: {kind: Thing}}]",
        "patches: [{patch: '- {op: replace, path: /spec/none, value: 1}', target: {kind: Thing}}]",
        "patches: [{patch: '- {op: add, path: /x, value: 1}', target: {labelSelector: a=b}}]",
        "configMapGenerator: [{name: x, literals: [a=b]}]",
    ],
)
def test_what_is_not_understood_is_refused(said: str, tmp_path: Path) -> None:
    (tmp_path / "thing.yaml").write_text("kind: Thing\nmetadata: {name: x}\nspec: {}\n")
    (tmp_path / "kustomization.yaml").write_text(f"resources: [thing.yaml]\n{said}\n")
    with pytest.raises(kustomize.Unsupported):
        kustomize.build(tmp_path)


def root(objects: list[Object]) -> None:
    del pod(objects, "capture")["securityContext"]["runAsNonRoot"]


def writable(objects: list[Object]) -> None:
    container(objects, "capture")["securityContext"]["readOnlyRootFilesystem"] = False


def capable(objects: list[Object]) -> None:
    container(objects, "capture")["securityContext"]["capabilities"] = {"drop": ["NET_RAW"]}


def token(objects: list[Object]) -> None:
    del pod(objects, "live")["automountServiceAccountToken"]


def unprobed(objects: list[Object]) -> None:
    del container(objects, "reporting")["readinessProbe"]


def asked_elsewhere(objects: list[Object]) -> None:
    container(objects, "reporting")["livenessProbe"]["httpGet"]["path"] = "/health/ready"


def wrong_port(objects: list[Object]) -> None:
    container(objects, "reporting")["ports"][0]["containerPort"] = 8100


def hungry(objects: list[Object]) -> None:
    del container(objects, "gateway")["resources"]["limits"]


def hurried(objects: list[Object]) -> None:
    pod(objects, "gateway")["terminationGracePeriodSeconds"] = 5


def budget_of_nobody(objects: list[Object]) -> None:
    find(objects, "PodDisruptionBudget", "live")["spec"]["selector"]["matchLabels"] = {
        "app.kubernetes.io/name": "alive"
    }


def scaler_of_nobody(objects: list[Object]) -> None:
    find(objects, "HorizontalPodAutoscaler", "gateway")["spec"]["scaleTargetRef"]["name"] = "web"


def fixed_and_scaled(objects: list[Object]) -> None:
    find(objects, "Deployment", "distribution")["spec"]["replicas"] = 3


def policy_of_nobody(objects: list[Object]) -> None:
    rule = find(objects, "NetworkPolicy", "to-postgres")["spec"]["egress"][0]
    rule["to"][0]["podSelector"]["matchLabels"] = {"cnpg.io/cluster": "other"}


def open_inwards(objects: list[Object]) -> None:
    find(objects, "NetworkPolicy", "default-deny")["spec"]["policyTypes"] = ["Egress"]


def open_outwards(objects: list[Object]) -> None:
    find(objects, "NetworkPolicy", "default-deny")["spec"]["policyTypes"] = ["Ingress"]


def one_sided(objects: list[Object]) -> None:
    objects.remove(find(objects, "NetworkPolicy", "rabbitmq-from-rodizio"))


def strange_queue(objects: list[Object]) -> None:
    trigger = find(objects, "ScaledObject", "distribution")["spec"]["triggers"][0]
    trigger["metadata"]["queueName"] = "distribution.leads"


def forgotten_lane(objects: list[Object]) -> None:
    find(objects, "ScaledObject", "distribution")["spec"]["triggers"].pop()


def blind_scaler(objects: list[Object]) -> None:
    for trigger in find(objects, "ScaledObject", "distribution")["spec"]["triggers"]:
        trigger["metadata"]["protocol"] = "amqp"


def strange_trigger(objects: list[Object]) -> None:
    find(objects, "ScaledObject", "distribution")["spec"]["triggers"][0]["metadata"]["queueLength"] = "5"


def strange_variable(objects: list[Object]) -> None:
    container(objects, "capture")["env"].append({"name": "RODIZIO_DATABASE", "value": "x"})


def strange_setting(objects: list[Object]) -> None:
    next(one for one in objects if one["kind"] == "ConfigMap")["data"]["RODIZIO_PROXY_HOPS"] = "many"


def no_such_key(objects: list[Object]) -> None:
    container(objects, "capture")["env"][0]["valueFrom"]["secretKeyRef"]["key"] = "user"


def other_image(objects: list[Object]) -> None:
    container(objects, "capture")["image"] = "registry.example.com/rodizio:0.0.9"


def newest_image(objects: list[Object]) -> None:
    find(objects, "RabbitmqCluster", "rabbitmq")["spec"]["image"] = "rabbitmq:latest"


def nobody_runs_it(objects: list[Object]) -> None:
    objects.remove(find(objects, "Deployment", "projection"))


def other_command(objects: list[Object]) -> None:
    container(objects, "campaigns")["args"] = ["python", "-m", "runtime.run", "capture"]


def nobody_migrates(objects: list[Object]) -> None:
    objects.remove(find(objects, "Job", "migrate"))


def on_sqlite(objects: list[Object]) -> None:
    container(objects, "distribution")["env"].pop()


def narrow_door(objects: list[Object]) -> None:
    find(objects, "Ingress", "rodizio")["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"] = (
        "64m"
    )


def small_room(objects: list[Object]) -> None:
    pod(objects, "loader")["volumes"][0]["emptyDir"]["sizeLimit"] = "512Ki"


def misspelt(objects: list[Object]) -> None:
    pod(objects, "capture")["terminationGracePeriod"] = 30


def strange_kind(objects: list[Object]) -> None:
    objects[-1]["kind"] = "Sidecar"


def unknown_to_the_operator(objects: list[Object]) -> None:
    find(objects, "Cluster", "postgres")["spec"]["replicas"] = 3


BREAKAGES: dict[Callable[[list[Object]], None], str] = {
    root: "may run as root",
    writable: "is not hardened",
    capable: "is not hardened",
    token: "a token of the cluster's API",
    unprobed: "no readiness probe",
    asked_elsewhere: "the liveness probe does not ask /health/live",
    wrong_port: "nothing listens on the port",
    hungry: "does not say what it needs",
    hurried: "is killed before",
    budget_of_nobody: "PodDisruptionBudget live selects nothing",
    scaler_of_nobody: "web is scaled and is not there",
    fixed_and_scaled: "would set its replicas back",
    policy_of_nobody: "NetworkPolicy to-postgres selects nothing",
    open_inwards: "is not denied",
    open_outwards: "is not denied",
    one_sided: "allowed by egress only",
    strange_queue: "exactly the queues of distribution",
    forgotten_lane: "exactly the queues of distribution",
    blind_scaler: "not acknowledged yet",
    strange_trigger: "queueLength",
    strange_variable: "RODIZIO_DATABASE is no setting",
    strange_setting: "RODIZIO_PROXY_HOPS must be",
    no_such_key: "has no user",
    other_image: "different images",
    newest_image: "whatever is newest",
    nobody_runs_it: "nothing runs projection",
    other_command: "does not run python -m runtime.run campaigns",
    nobody_migrates: "nothing migrates",
    on_sqlite: "has no RODIZIO_DATABASE_URL",
    narrow_door: "files for an import do not pass",
    small_room: "has no room in /tmp",
    misspelt: "terminationGracePeriod",
    strange_kind: "is known neither",
    unknown_to_the_operator: "replicas",
}


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda breakage: breakage.__name__)
def test_a_mistake_is_found(breakage: Callable[[list[Object]], None]) -> None:
    objects = copy.deepcopy(BUILT["production"])
    breakage(objects)
    found = checks.problems(objects)
    assert any(BREAKAGES[breakage] in problem for problem in found), found


@pytest.mark.parametrize("name", sorted(checks.process_table()))
def test_what_a_process_runs_is_there(name: str) -> None:
    module = checks.process_table()[name][2].removeprefix("python:")
    assert importlib.util.find_spec(module) is not None


def test_no_password_is_committed_but_those_of_a_machine_for_trying() -> None:
    for path in checks.OVERLAYS.parent.rglob("*"):
        if path.is_file() and path.parent.name != "local":
            assert "kind: Secret\n" not in path.read_text()
            assert "secretGenerator" not in path.read_text()
