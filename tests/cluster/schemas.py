"""Schemas for kubeconform from what the cluster publishes: Kubernetes' own kinds and those of every CRD, strict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from infra.cluster.kubectl import Kubectl

GROUPS = (
    "api/v1",
    "apis/apps/v1",
    "apis/autoscaling/v2",
    "apis/batch/v1",
    "apis/gateway.networking.k8s.io/v1",
    "apis/keda.sh/v1alpha1",
    "apis/monitoring.coreos.com/v1",
    "apis/networking.k8s.io/v1",
    "apis/policy/v1",
    "apis/rbac.authorization.k8s.io/v1",
    "apis/ray.io/v1",
    "apis/serving.kserve.io/v1alpha1",
    "apis/serving.kserve.io/v1beta1",
)
"""In which the kinds of the charts are."""

LOCATION = "{{.ResourceKind}}-{{.Group}}-{{.ResourceAPIVersion}}.json"


def write_schemas(kubectl: Kubectl, folder: Path) -> str:
    """Write one file a kind; gives what kubeconform takes as ``-schema-location``."""
    served = json.loads(kubectl("get", "--raw", "/openapi/v3"))["paths"]
    for path in GROUPS:
        if path not in served:
            continue
        components = json.loads(kubectl("get", "--raw", f"/openapi/v3/{path}"))["components"]
        for schema in components["schemas"].values():
            _close(schema)
        for name, schema in components["schemas"].items():
            for kind in schema.get("x-kubernetes-group-version-kind", []):
                # kubeconform takes the version of Kubernetes' oldest kinds for their group.
                group = kind["group"] or kind["version"]
                file = folder / f"{kind['kind'].lower()}-{group}-{kind['version']}.json"
                file.write_text(json.dumps({"$ref": f"#/components/schemas/{name}", "components": components}))
    return str(folder / LOCATION)


def _close(schema: Any) -> None:
    """Let an object have the fields that it declares and no others, as the API server's strict validation does."""
    if isinstance(schema, dict):
        if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
            schema.setdefault("additionalProperties", False)
        for value in schema.values():
            _close(value)
    elif isinstance(schema, list):
        for value in schema:
            _close(value)
