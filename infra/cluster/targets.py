"""Tells Prometheus which pods to scrape, in a file that it watches, because Debian builds it without Kubernetes.

Run as a process of its own: `python -m infra.cluster.targets KUBECONFIG FILE`. A pod asks by the usual annotations:
prometheus.io/scrape, prometheus.io/port and prometheus.io/path.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kubernetes import config
from kubernetes.client import CoreV1Api
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from infra.cluster.instance import written
from infra.cluster.kubectl import Object

ANNOTATION = "prometheus.io/"
TICK_S = 1.0
DEFAULT_PATH = "/metrics"


def targets(pods: Sequence[Object]) -> list[dict[str, Any]]:
    """The file's content: a group for each running pod that asks, labelled with where it is and with its labels."""
    found = []
    for pod in pods:
        meta, status = pod["metadata"], pod["status"]
        asked = meta.get("annotations") or {}
        if asked.get(f"{ANNOTATION}scrape") != "true" or status.get("phase") != "Running" or not status.get("podIP"):
            continue
        own = {f"label_{re.sub('[^a-zA-Z0-9_]', '_', key)}": value for key, value in (meta.get("labels") or {}).items()}
        place = {"namespace": meta["namespace"], "pod": meta["name"]}
        path = {"__metrics_path__": asked.get(f"{ANNOTATION}path", DEFAULT_PATH)}
        address = f"{status['podIP']}:{asked.get(f'{ANNOTATION}port', '80')}"
        found.append({"targets": [address], "labels": {**own, **place, **path}})
    return sorted(found, key=lambda group: group["targets"])


def main(arguments: Sequence[str]) -> int:
    """Once a second, whatever the API server says meanwhile; the file is written only when it changes."""
    api, path = CoreV1Api(config.new_client_from_config(arguments[0])), Path(arguments[1])
    before = None
    while True:
        try:
            pods = json.loads(api.list_pod_for_all_namespaces(_preload_content=False).data)["items"]
        except (ApiException, HTTPError) as refused:
            sys.stderr.write(f"{refused}\n")
            sys.stderr.flush()
        else:
            found = targets(pods)
            if found != before:
                written(path, json.dumps(found, indent=2))
            before = found
        time.sleep(TICK_S)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
