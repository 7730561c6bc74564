"""What no schema of Kubernetes sees: references between the objects of a cluster."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias
from urllib.parse import urlsplit

Object: TypeAlias = Mapping[str, Any]

PORT = re.compile(r'"(?:targetPort|port)": "(\w+)"')


def dangling(objects: list[Object]) -> Iterator[str]:
    """What refers to an object, a label or a port that is not there."""
    pods = [thing["spec"]["template"] for thing in objects if thing["kind"] == "Deployment"]
    names = {(thing["kind"], thing["metadata"]["name"]) for thing in objects}
    for thing in objects:
        yield from _selecting_nothing(thing, pods)
        for reference in _references(thing):
            if reference not in names:
                yield f"{thing['kind']} leads to {' '.join(reference)}, which is not there"
        ports = {port["name"] for pod in pods for port in _container(pod)["ports"]}
        for port in set(PORT.findall(json.dumps(thing["spec"]))) - ports:
            yield f"{thing['kind']} wants the port {port}, which is not there"


def _selecting_nothing(thing: Object, pods: list[Object]) -> Iterator[str]:
    for key in {"selector", "podSelector"} & thing["spec"].keys():
        selector = thing["spec"][key]
        labels = selector.get("matchLabels", selector)
        if not any(labels.items() <= pod["metadata"]["labels"].items() for pod in pods):
            yield f"{thing['kind']} selects no pod by {labels}"


def _references(thing: Object) -> Iterator[tuple[str, str]]:
    """The kind and the name of each object that this one wants."""
    match thing:
        case {"kind": "HorizontalPodAutoscaler", "spec": {"scaleTargetRef": target}}:
            yield target["kind"], target["name"]
        case {"kind": "Ingress", "spec": {"rules": [{"http": {"paths": paths}}]}}:
            for path in paths:
                yield "Service", path["backend"]["service"]["name"]
        case {"kind": "Deployment", "spec": {"template": pod}}:
            for variable in _container(pod).get("env", []):
                if host := urlsplit(variable["value"]).hostname:
                    yield "Service", host


def _container(pod: Object) -> Object:
    (only,) = pod["spec"]["containers"]
    return dict(only)
