"""The chart as Helm renders it. In: values. Out: the manifests, by kind and name."""

from pathlib import Path

import helm_python
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
CHART = REPOSITORY / "helm" / "dragoman"
RELEASE, NAMESPACE = "chat", "messaging"


class Refused(Exception):
    """Helm did not render; its words say why."""


def render(values):
    """All manifests, `helm test`'s among them, as {(kind, name): manifest}."""
    with helm_python.Chart.load(CHART) as chart:
        try:
            chart.validate_schema(values)
            texts = chart.render(values, name=RELEASE, namespace=NAMESPACE)
        except helm_python.HelmError as error:
            raise Refused(str(error)) from error
    found = {}
    for name, text in texts.items():
        if not name.endswith((".yaml", ".yml")):
            continue
        for manifest in yaml.safe_load_all(text):
            if manifest:
                key = (manifest["kind"], manifest["metadata"]["name"])
                assert key not in found, f"{key} is there twice"
                found[key] = manifest
    return found


def one(manifests, kind, suffix=""):
    """The only manifest of this kind whose name ends so."""
    (found,) = [manifest for (this, name), manifest in manifests.items() if this == kind and name.endswith(suffix)]
    return found
