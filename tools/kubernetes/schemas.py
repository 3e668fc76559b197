"""Whether objects are as Kubernetes and the operators want them.

Kubernetes' own kinds by the schemas of its release, strictly: a field that is not known is an error. Those of the
operators by the part of their definitions that we use, written down here from config/crd of kedacore/keda,
rabbitmq/cluster-operator, cloudnative-pg/cloudnative-pg and external-secrets/external-secrets.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema
from referencing import Registry, Resource

from tools.kubernetes.kustomize import Object

RELEASE = "1.31.0"
_SCHEMAS = files("kubernetes_validate") / "kubernetes-json-schema" / f"v{RELEASE}-local-strict"
"""Of the package only the data: its own code reads a megabyte anew for every object."""


def _object(required: str = "", **fields: Any) -> Object:
    return {"type": "object", "properties": fields, "required": required.split(), "additionalProperties": False}


def _list(items: Object) -> Object:
    return {"type": "array", "items": items, "minItems": 1}


_TEXT = {"type": "string", "minLength": 1}
_NUMBER = {"type": "integer", "minimum": 0}
_QUANTITY = {"type": "string", "pattern": r"^\d+(\.\d+)?(m|[KMGT]i?)?$"}
_TEXTS = {"type": "object", "additionalProperties": _TEXT}
_ANYTHING = {"type": "object"}
_RESOURCES = _object(**{name: {"type": "object", "additionalProperties": _QUANTITY} for name in ("requests", "limits")})
_STORAGE = _object("size", size=_QUANTITY, storageClass=_TEXT)

_RABBITMQ_TRIGGER = _object(
    "protocol host queueName mode value",
    protocol={"enum": ["http", "amqp", "auto"]},
    host=_TEXT,
    vhostName=_TEXT,
    queueName=_TEXT,
    mode={"enum": ["QueueLength", "MessageRate"]},
    value={"type": "string", "pattern": r"^\d+$"},  # every value of a trigger is text
    excludeUnacknowledged={"enum": ["true", "false"]},
)

CUSTOM: dict[tuple[str, str], Object] = {
    ("keda.sh/v1alpha1", "ScaledObject"): _object(
        "scaleTargetRef triggers",
        scaleTargetRef=_object("name", name=_TEXT, kind=_TEXT, apiVersion=_TEXT, envSourceContainerName=_TEXT),
        pollingInterval=_NUMBER,
        cooldownPeriod=_NUMBER,
        minReplicaCount=_NUMBER,
        maxReplicaCount=_NUMBER,
        fallback=_object("failureThreshold replicas", failureThreshold=_NUMBER, replicas=_NUMBER),
        advanced=_object(horizontalPodAutoscalerConfig=_object(behavior=_ANYTHING, name=_TEXT)),
        triggers=_list(
            _object(
                "type metadata",
                type={"const": "rabbitmq"},
                name=_TEXT,
                metadata=_RABBITMQ_TRIGGER,
                authenticationRef=_object("name", name=_TEXT, kind=_TEXT),
            )
        ),
    ),
    ("keda.sh/v1alpha1", "TriggerAuthentication"): _object(
        secretTargetRef=_list(_object("parameter name key", parameter=_TEXT, name=_TEXT, key=_TEXT)),
    ),
    ("rabbitmq.com/v1beta1", "RabbitmqCluster"): _object(
        replicas={"type": "integer", "minimum": 1},
        image=_TEXT,
        resources=_RESOURCES,
        persistence=_object(storageClassName=_TEXT, storage=_QUANTITY),
        rabbitmq=_object(additionalPlugins=_list(_TEXT), additionalConfig=_TEXT, advancedConfig=_TEXT, envConfig=_TEXT),
        affinity=_ANYTHING,
        terminationGracePeriodSeconds=_NUMBER,
    ),
    ("postgresql.cnpg.io/v1", "Cluster"): _object(
        "instances storage",
        instances={"type": "integer", "minimum": 1},
        imageName=_TEXT,
        primaryUpdateStrategy={"enum": ["unsupervised", "supervised"]},
        minSyncReplicas=_NUMBER,
        maxSyncReplicas=_NUMBER,
        bootstrap=_object(initdb=_object(database=_TEXT, owner=_TEXT)),
        storage=_STORAGE,
        walStorage=_STORAGE,
        resources=_RESOURCES,
        postgresql=_object(parameters=_TEXTS),
        affinity=_object(
            enablePodAntiAffinity={"type": "boolean"},
            topologyKey=_TEXT,
            podAntiAffinityType={"enum": ["preferred", "required"]},
        ),
    ),
    ("external-secrets.io/v1", "ExternalSecret"): _object(
        "secretStoreRef",
        refreshInterval=_TEXT,
        secretStoreRef=_object("name", kind={"enum": ["SecretStore", "ClusterSecretStore"]}, name=_TEXT),
        target=_object(name=_TEXT, creationPolicy=_TEXT),
        dataFrom=_list(_object(extract=_object("key", key=_TEXT))),
    ),
}
"""The `spec` of kinds that are not Kubernetes' own."""


def problems(one: Object) -> Iterator[str]:
    """What is wrong with the form of an object, in words."""
    custom = CUSTOM.get((one["apiVersion"], one["kind"]))
    if custom is not None:
        found, way = jsonschema.Draft202012Validator(custom).iter_errors(one["spec"]), ["spec"]
    elif (validator := _of_kubernetes(one["apiVersion"], one["kind"])) is not None:
        found, way = validator.iter_errors(one), []
    else:
        yield f"is known neither to Kubernetes {RELEASE} nor here"
        return
    for error in found:
        yield f"{'.'.join(map(str, [*way, *error.absolute_path]))}: {error.message}"


@cache
def _of_kubernetes(version: str, kind: str) -> jsonschema.Draft202012Validator | None:
    """What validates a kind of Kubernetes' own; None when it is not one."""
    group = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", version)  # networking.k8s.io/v1 is networking-v1
    schema = _SCHEMAS / f"{kind.lower()}-{group}.json"
    if not schema.is_file():
        return None
    said = json.loads(schema.read_text())
    return jsonschema.Draft202012Validator(said, registry=Resource.from_contents(said) @ _definitions())


@cache
def _definitions() -> Registry[Any]:
    return Resource.from_contents(json.loads((_SCHEMAS / "_definitions.json").read_text())) @ Registry()
