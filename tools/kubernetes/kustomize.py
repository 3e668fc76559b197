"""kustomize, as far as deploy/k8s uses it, for machines without one: no registry that `make test` may ask has it.

Understands resources, components, namespace, images, patches of RFC 6902 (inline or by path, with a target of kind and
name), configMapGenerator and secretGenerator from env files. Anything else is refused, not passed over. Where there is
a kubectl, a test holds this to what `kubectl kustomize` makes of the same folders.
"""

import base64
import copy
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]

_KNOWN = {
    "apiVersion", "kind", "namespace", "resources", "components", "configMapGenerator", "secretGenerator", "images",
    "patches",
}  # fmt: skip
_OF_NO_NAMESPACE = {"Namespace", "ClusterRole", "ClusterRoleBinding", "StorageClass"}
_SAFE = str.maketrans("013ae", "ghkmt")


class Unsupported(Exception):
    """A kustomization says something that is not understood here."""


def build(folder: Path) -> list[Object]:
    """The objects of a kustomization, generated names in place.

    Raises:
        Unsupported: see above.
    """
    objects = _accumulate(folder, [])
    renamed = {}
    for one in objects:
        if one.pop("", None):  # generated
            name = one["metadata"]["name"]
            one["metadata"]["name"] = renamed[one["kind"], name] = f"{name}-{_digest(one)}"
    for one in objects:
        _rename(one, renamed)
    return objects


def _accumulate(folder: Path, objects: list[Object]) -> list[Object]:
    """Adds what a folder has to `objects` and changes all of them as it says; a component works on what is there."""
    said = yaml.safe_load((folder / "kustomization.yaml").read_text())
    if unknown := set(said) - _KNOWN:
        raise Unsupported(f"{folder}: {', '.join(sorted(unknown))}")
    for name in said.get("resources", []):
        path = folder / name
        objects += (
            _accumulate(path, []) if path.is_dir() else [one for one in yaml.safe_load_all(path.read_text()) if one]
        )
    for kind, generator in (("ConfigMap", "configMapGenerator"), ("Secret", "secretGenerator")):
        objects += [_generated(folder, kind, entry) for entry in said.get(generator, [])]
    for name in said.get("components", []):
        _accumulate(folder / name, objects)
    for patch in said.get("patches", []):
        _patch(folder, patch, objects)
    for one in objects:
        if "namespace" in said and one["kind"] not in _OF_NO_NAMESPACE:
            one["metadata"]["namespace"] = said["namespace"]
        for container in containers(one):
            container["image"] = _image(container["image"], said.get("images", []))
    return objects


def _generated(folder: Path, kind: str, entry: Object) -> Object:
    if set(entry) != {"name", "envs"}:
        raise Unsupported(f"{folder}: {kind} {entry}")
    lines = [line for name in entry["envs"] for line in (folder / name).read_text().splitlines()]
    pairs = [line.split("=", 1) for line in lines if line.strip() and not line.startswith("#")]
    made: Object = {"apiVersion": "v1", "kind": kind, "metadata": {"name": entry["name"]}, "": True}
    if kind == "Secret":
        return made | {
            "type": "Opaque",
            "data": {name: base64.b64encode(text.encode()).decode() for name, text in pairs},
        }
    return made | {"data": dict(pairs)}


def _digest(one: Object) -> str:
    """The end of a generated name: another one for other content, so that new settings replace pods."""
    said = {"data": one["data"], "kind": one["kind"], "name": ""}  # kustomize looks for the name where it is not
    if one["kind"] == "Secret":
        said["type"] = one["type"]
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")  # as Go's JSON has them
    return hashlib.sha256(text.encode()).hexdigest()[:10].translate(_SAFE)


def _rename(item: Any, renamed: dict[tuple[str, str], str]) -> None:
    """Puts generated names where a pod refers to a ConfigMap or Secret."""
    if isinstance(item, list):
        for each in item:
            _rename(each, renamed)
    elif isinstance(item, dict):
        for key, value in item.items():
            kind = {"configMap": "ConfigMap", "secret": "Secret"}.get(
                key.removesuffix("KeyRef").removesuffix("Ref"), ""
            )
            if kind and isinstance(value, dict) and "name" in value:
                value["name"] = renamed.get((kind, value["name"]), value["name"])
            _rename(value, renamed)


def containers(one: Object) -> Iterator[Object]:
    """The containers of an object that has a pod's template; none of any other."""
    pod = one.get("spec", {}).get("template", {}).get("spec", {}) if isinstance(one.get("spec"), dict) else {}
    yield from [*pod.get("initContainers", []), *pod.get("containers", [])]


def _image(image: str, changes: list[Object]) -> str:
    name, _, tag = image.partition(":")
    for change in changes:
        if change["name"] == name:
            return f"{change.get('newName', name)}:{change.get('newTag', tag)}"
    return image


def _patch(folder: Path, patch: Object, objects: list[Object]) -> None:
    target = patch.get("target", {})
    if set(patch) - {"path", "patch", "target"} or not target or set(target) - {"kind", "name"}:
        raise Unsupported(f"{folder}: patch {patch}")
    steps = yaml.safe_load(patch["patch"] if "patch" in patch else (folder / patch["path"]).read_text())
    if not isinstance(steps, list):
        raise Unsupported(f"{folder}: a patch that is not of RFC 6902")
    for one in objects:
        if all({"kind": one["kind"], "name": one["metadata"]["name"]}[key] == value for key, value in target.items()):
            for step in steps:
                _apply(one, step)


def _apply(one: Object, step: Object) -> None:
    """One operation of RFC 6902."""
    *way, last = [part.replace("~1", "/").replace("~0", "~") for part in step["path"].split("/")[1:]]
    place: Any = one
    for part in way:
        place = place[int(part)] if isinstance(place, list) else place[part]
    if isinstance(place, list) or step["op"] not in ("add", "replace"):
        raise Unsupported(f"{step['op']} {step['path']}")
    if step["op"] == "replace" and last not in place:
        raise Unsupported(f"nothing to replace at {step['path']}")
    place[last] = copy.deepcopy(step["value"])
