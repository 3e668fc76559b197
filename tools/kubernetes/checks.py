"""What has to hold of everything that an overlay amounts to: each check yields what is wrong, in words."""

import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from contracts.limits import IMPORT_FILE_BYTES
from runtime.settings import Settings
from runtime.topology import bindings
from tools.kubernetes import schemas
from tools.kubernetes.kustomize import Object, build, containers

ROOT = Path(__file__).parents[2]
OVERLAYS = ROOT / "deploy" / "k8s" / "overlays"
PART_OF = ("app.kubernetes.io/part-of", "rodizio")

SETTINGS = {f"RODIZIO_{option.name.upper()}" for option in fields(Settings)}
HEALTH = {name: f"/health/{kind}" for name, kind in (("startup", "live"), ("liveness", "live"), ("readiness", "ready"))}
MADE_BY_OPERATORS = {"rabbitmq-default-user": {"username", "password"}, "postgres-app": {"uri"}}
OPTIONAL_SECRETS = {"rodizio-providers"}
PAUSE_SECONDS = 5
"""What a pod does before it is asked to end."""


def overlays() -> dict[str, list[Object]]:
    """The objects of every overlay."""
    return {folder.name: build(folder) for folder in sorted(OVERLAYS.iterdir())}


def problems(objects: list[Object]) -> list[str]:
    """Everything wrong with an overlay."""
    return [*_forms(objects), *(found for check in CHECKS for found in check(objects))]


def process_table() -> dict[str, list[str]]:
    """The command of every process, by name, as docs/architecture.md has it."""
    lines = (ROOT / "docs" / "architecture.md").read_text().splitlines()
    rows = (re.match(r"\| ([a-z]+) \| `([^`]+)` \|", line) for line in lines)
    return {row[1]: row[2].split() for row in rows if row}


def _of(objects: list[Object], *kinds: str) -> list[Object]:
    return [one for one in objects if one["kind"] in kinds]


def _name(one: Object) -> str:
    return f"{one['kind']} {one['metadata']['name']}"


def _ours(one: Object) -> bool:
    labels = one.get("spec", {}).get("template", {}).get("metadata", {}).get("labels", {})
    return labels.get(PART_OF[0]) == PART_OF[1]


def _workloads(objects: list[Object]) -> list[Object]:
    return _of(objects, "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")


def _forms(objects: list[Object]) -> Iterator[str]:
    for one in objects:
        yield from (f"{_name(one)}: {found}" for found in schemas.problems(one))
    names = [(one["kind"], one["metadata"]["name"]) for one in objects]
    yield from (f"{kind} {name} is there twice" for kind, name in set(names) if names.count((kind, name)) > 1)
    for one in objects:
        if one["kind"] != "Namespace" and one["metadata"].get("namespace") != "rodizio":
            yield f"{_name(one)} is in no namespace of ours"


def _pods(objects: list[Object]) -> dict[str, dict[str, str]]:
    """Labels of the pods there will be, by who makes them; operators label theirs in a known way."""
    made = {_name(one): one["spec"]["template"]["metadata"]["labels"] for one in _workloads(objects)}
    for one in objects:
        name = one["metadata"]["name"]
        if one["kind"] == "RabbitmqCluster":
            made[_name(one)] = {"app.kubernetes.io/name": name, "app.kubernetes.io/component": "rabbitmq"}
        if one["apiVersion"].startswith("postgresql.cnpg.io/") and one["kind"] == "Cluster":
            made[_name(one)] = {"cnpg.io/cluster": name}
    return made


def _selects(selector: Object, labels: dict[str, str]) -> bool:
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    return all(
        (labels.get(each["key"]) in each["values"]) is (each["operator"] == "In")
        for each in selector.get("matchExpressions", [])
    )


def hardened(objects: list[Object]) -> Iterator[str]:
    """What `restricted` of Kubernetes' pod security standards asks for, and a root file system that nobody writes."""
    for one in _workloads(objects):
        pod = one["spec"]["template"]["spec"]
        whole = pod.get("securityContext", {})
        for holds, words in (
            (whole.get("runAsNonRoot") is True and whole.get("runAsUser", 0) > 0, "may run as root"),
            (whole.get("seccompProfile") == {"type": "RuntimeDefault"}, "any system call"),
            (pod.get("automountServiceAccountToken") is False, "a token of the cluster's API"),
            (pod.get("enableServiceLinks") is False, "variables named after services"),
            (not {"hostNetwork", "hostPID", "hostIPC"} & set(pod), "the host's network or processes"),
            (all("hostPath" not in volume for volume in pod.get("volumes", [])), "folders of the host"),
        ):
            if not holds:
                yield f"{_name(one)} has {words}"
        for container in containers(one):
            wanted = {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            if container.get("securityContext") != wanted:
                yield f"{_name(one)}: container {container['name']} is not hardened"
            if "/tmp" not in [mount["mountPath"] for mount in container.get("volumeMounts", [])]:  # noqa: S108
                yield f"{_name(one)}: container {container['name']} has nowhere to put temporary files"


def probed(objects: list[Object]) -> Iterator[str]:
    """Whoever stays has probes on a port it has; ours ask the process itself."""
    for one in _of(objects, "Deployment", "StatefulSet"):
        for container in containers(one):
            ports = {port["name"] for port in container.get("ports", [])}
            for probe, path in HEALTH.items():
                asked = container.get(f"{probe}Probe", {})
                if not asked:
                    yield f"{_name(one)}: no {probe} probe"
                elif _ours(one) and asked.get("httpGet", {}).get("path") != path:
                    yield f"{_name(one)}: the {probe} probe does not ask {path}"
                if _ours(one) and container.get("ports", [{}])[0].get("containerPort") != _port(
                    one["metadata"]["name"]
                ):
                    yield f"{_name(one)}: nothing listens on the port that is asked"
                for way in ("httpGet", "tcpSocket"):
                    if way in asked and asked[way]["port"] not in ports:
                        yield f"{_name(one)}: the {probe} probe asks a port that is not there"


def _port(name: str) -> int:
    """Where a process of ours answers probes."""
    settings = Settings()
    of_its_own = {"gateway": settings.gateway_port, "live": settings.live_port, "sandbox": settings.sandbox_port}
    return of_its_own.get(name) or settings.health_port_of({"projection": "gateway"}.get(name, name))


def bounded(objects: list[Object]) -> Iterator[str]:
    """Resources are said, and there is time to stop."""
    for one in _workloads(objects):
        for container in containers(one):
            resources = container.get("resources", {})
            if set(resources.get("requests", {})) != {"cpu", "memory"} or "memory" not in resources.get("limits", {}):
                yield f"{_name(one)}: container {container['name']} does not say what it needs and may take"
        grace = one["spec"]["template"]["spec"].get("terminationGracePeriodSeconds", 30)
        if one["kind"] != "Job" and grace < Settings().stop_seconds + 2 * PAUSE_SECONDS:
            yield f"{_name(one)}: is killed before it can have stopped"


def selected(objects: list[Object]) -> Iterator[str]:
    """Whatever selects pods, or names what is scaled, finds it; who is scaled has no number of replicas of its own."""
    pods = _pods(objects)
    for one in _of(objects, "PodDisruptionBudget", "NetworkPolicy", "Service", "Deployment", "StatefulSet"):
        for selector in _selectors(one):
            if not any(_selects(selector, labels) for labels in pods.values()):
                yield f"{_name(one)} selects nothing: {selector}"
    deployments = {one["metadata"]["name"]: one for one in _of(objects, "Deployment")}
    scaled = [one["spec"]["scaleTargetRef"]["name"] for one in _of(objects, "HorizontalPodAutoscaler", "ScaledObject")]
    yield from (f"{name} is scaled and is not there" for name in scaled if name not in deployments)
    yield from (f"{name} is scaled twice" for name in set(scaled) if scaled.count(name) > 1)
    for name in set(scaled) & set(deployments):
        if "replicas" in deployments[name]["spec"]:
            yield f"Deployment {name}: every upgrade would set its replicas back"
    budgets = [one["spec"]["selector"]["matchLabels"] for one in _of(objects, "PodDisruptionBudget")]
    for name, one in deployments.items():
        if one["spec"]["selector"]["matchLabels"] not in budgets:
            yield f"Deployment {name} has no PodDisruptionBudget"


def _selectors(one: Object) -> Iterator[Object]:
    spec = one["spec"]
    if one["kind"] == "Service":
        if "selector" in spec:
            yield {"matchLabels": spec["selector"]}
        return
    if one["kind"] != "NetworkPolicy":
        yield spec["selector"]
        return
    yield spec["podSelector"]
    for rule in [*spec.get("ingress", []), *spec.get("egress", [])]:
        for peer in [*rule.get("from", []), *rule.get("to", [])]:
            if "podSelector" in peer and "namespaceSelector" not in peer:
                yield peer["podSelector"]


def denied(objects: list[Object]) -> Iterator[str]:
    """Nothing is open by default, in either direction, nor to everybody; a way out that leads to a pod is a way in."""
    policies = {one["metadata"]["name"]: one["spec"] for one in _of(objects, "NetworkPolicy")}
    if policies.get("default-deny") != {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}:
        yield "what is not allowed is not denied"
    for name, spec in policies.items():
        for rule in spec.get("ingress", []):
            if not rule.get("from") or not rule.get("ports"):
                yield f"NetworkPolicy {name} lets in anybody, or to any port"
        if any(not rule.get("ports") for rule in spec.get("egress", [])):
            yield f"NetworkPolicy {name} lets out to any port"
    for (source, target, port), way in _flows(objects).items():
        if way != {"egress", "ingress"}:
            yield f"{source} to {target}, port {port}: allowed by {way.pop()} only"


def _flows(objects: list[Object]) -> dict[tuple[str, str, int], set[str]]:
    """From which pods to which, on which port, and which of the two sides allows it."""
    pods = _pods(objects)
    found: dict[tuple[str, str, int], set[str]] = {}
    for one in _of(objects, "NetworkPolicy"):
        mine = [name for name, labels in pods.items() if _selects(one["spec"]["podSelector"], labels)]
        for side, end in (("ingress", "from"), ("egress", "to")):
            for rule in one["spec"].get(side, []):
                peers = [peer["podSelector"] for peer in rule.get(end, []) if set(peer) == {"podSelector"}]
                others = [name for name, labels in pods.items() if any(_selects(peer, labels) for peer in peers)]
                for here in mine:
                    for there in others:
                        pair = (here, there) if side == "egress" else (there, here)
                        for port in rule["ports"]:
                            found.setdefault((*pair, port["port"]), set()).add(side)
    return found


def queues(objects: list[Object]) -> Iterator[str]:
    """Who is scaled by queues is scaled by its own, all of them."""
    known = {binding.queue for binding in bindings()}
    for one in _of(objects, "ScaledObject"):
        name = one["spec"]["scaleTargetRef"]["name"]
        watched = [trigger["metadata"]["queueName"] for trigger in one["spec"]["triggers"]]
        if sorted(watched) != sorted(queue for queue in known if queue.partition(".")[0] == name):
            yield f"ScaledObject {name} does not watch exactly the queues of {name}"
        for trigger in one["spec"]["triggers"]:
            if trigger["metadata"]["protocol"] != "http":
                yield f"ScaledObject {name} does not see what is not acknowledged yet"


def configured(objects: list[Object]) -> Iterator[str]:
    """Every variable is one that settings know; every ConfigMap and Secret that is referred to is there, or will be."""
    made = {
        (one["kind"], one["metadata"]["name"]): set(one.get("data", {})) for one in _of(objects, "ConfigMap", "Secret")
    }
    made |= {("Secret", name): keys for name, keys in MADE_BY_OPERATORS.items() if _of(objects, "RabbitmqCluster")}
    for one in _of(objects, "ConfigMap"):
        yield from (f"{_name(one)}: {name} is no setting" for name in set(one["data"]) - SETTINGS)
        given = {name: value for name, value in one["data"].items() if name in SETTINGS}
        try:
            Settings.load(given)
        except ValueError as error:
            yield f"{_name(one)}: {error}"
    for one in _workloads(objects):
        for container in containers(one):
            names = [each["name"] for each in container.get("env", [])]
            yield from (f"{_name(one)}: {name} is no setting" for name in names if _foreign(name))
            for kind, reference in _references(container):
                keys = made.get((kind, reference["name"]))
                if keys is None and not (reference["name"] in OPTIONAL_SECRETS and reference.get("optional")):
                    yield f"{_name(one)}: {kind} {reference['name']} is nowhere"
                elif keys is not None and "key" in reference and reference["key"] not in keys:
                    yield f"{_name(one)}: {kind} {reference['name']} has no {reference['key']}"


def _foreign(name: str) -> bool:
    return name.startswith("RODIZIO_") and name not in SETTINGS


def _references(container: Object) -> Iterator[tuple[str, Any]]:
    for each in container.get("envFrom", []):
        for key, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            if key in each:
                yield kind, each[key]
    for each in container.get("env", []):
        for key, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
            if key in each.get("valueFrom", {}):
                yield kind, each["valueFrom"][key]


def images(objects: list[Object]) -> Iterator[str]:
    """Ours are all the same one, and no image is whatever is newest."""
    ours = {container["image"] for one in _workloads(objects) if _ours(one) for container in containers(one)}
    if len(ours) != 1:
        yield f"our processes run different images: {', '.join(sorted(ours))}"
    every = [container["image"] for one in _workloads(objects) for container in containers(one)]
    every += [
        one["spec"][key]
        for one in objects
        for key in ("image", "imageName")
        if isinstance(one.get("spec", {}).get(key), str)
    ]
    for image in every:
        _, _, tag = image.rpartition("/")[2].partition(":")
        if tag in ("", "latest"):
            yield f"{image} is whatever is newest"


def processes(objects: list[Object]) -> Iterator[str]:
    """Every process of the architecture's table has a Deployment that runs it, and nothing else does."""
    table = process_table()
    deployed = {one["metadata"]["name"]: one for one in _of(objects, "Deployment")}
    for name, command in table.items():
        if name not in deployed:
            if name != "sandbox":
                yield f"nothing runs {name}"
            continue
        (container,) = containers(deployed[name])
        if container.get("args") != command or "command" in container:
            yield f"Deployment {name} does not run {' '.join(command)}"
    yield from (f"Deployment {name} is not in docs/architecture.md" for name in deployed if name not in table)
    if not any(next(containers(job))["args"][:2] == ["rodizio", "migrate"] for job in _of(objects, "Job")):
        yield "nothing migrates"


def replicable(objects: list[Object]) -> Iterator[str]:
    """SQLite takes one replica of each service: here everything is on PostgreSQL."""
    for one in _workloads(objects):
        if _ours(one) and one["metadata"]["name"] != "sandbox":
            for container in containers(one):
                given = {each["name"] for each in container.get("env", [])}
                yield from (
                    f"{_name(one)} has no {name}" for name in {"RODIZIO_DATABASE_URL", "RODIZIO_AMQP_URL"} - given
                )


def roomy(objects: list[Object]) -> Iterator[str]:
    """The largest file that may be imported fits through every way in, and into where it is read."""
    for one in _of(objects, "Ingress"):
        size = one["metadata"].get("annotations", {}).get("nginx.ingress.kubernetes.io/proxy-body-size", "1m")
        takes_files = any(path["path"] == "/" for rule in one["spec"]["rules"] for path in rule["http"]["paths"])
        if takes_files and _bytes(size) <= IMPORT_FILE_BYTES:
            yield f"{_name(one)}: files for an import do not pass"
    for one in _of(objects, "Deployment"):
        if one["metadata"]["name"] in ("gateway", "loader"):
            folders = {volume["name"]: volume for volume in one["spec"]["template"]["spec"]["volumes"]}
            if _bytes(folders["tmp"]["emptyDir"]["sizeLimit"]) <= IMPORT_FILE_BYTES:
                yield f"{_name(one)}: a file for an import has no room in /tmp"


def _bytes(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([a-zA-Z]*)", text).groups()  # type: ignore[union-attr]
    return int(number) * 1024 ** ["", "k", "m", "g"].index(unit.lower().removesuffix("i"))


CHECKS: tuple[Callable[[list[Object]], Iterator[str]], ...] = (
    hardened, probed, bounded, selected, denied, queues, configured, images, processes, replicable, roomy,
)  # fmt: skip
