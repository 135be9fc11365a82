"""Every combination of values that operators are likely to install: rendered by Helm, each manifest valid, each promise
of docs/kubernetes.md kept."""

import base64
import json
import os
import re
import subprocess

import helm_python
import kubernetes_validate
import pytest

from pod import environment, lay_out, mounted, pod
from rendering import CHART, NAMESPACE, Refused, one, render

REDIS = {"url": "redis://redis:6379/0", "passwordSecret": "redis", "passwordKey": "password"}
SHARED = {"accessModes": ["ReadWriteMany"], "storageClass": "nfs"}
OWN_CONFIG = """
[server]
admin_api = false
[journal]
kind = "embedded"
path = "/var/lib/dragoman/journal"
[stores.local]
kind = "fs"
root = "/var/lib/dragoman/uploads"
[[routes]]
name = "users"
dialect = "licomed"
to = "hub"
uploads = "local"
auth = { kind = "jwt", secret = "${TOKEN_SECRET}" }
"""

COMBINATIONS = {
    "as it is": {},
    "three replicas": {"replicas": 3, "redis": REDIS, "persistence": SHARED},
    "autoscaled by sockets and CPU, nothing kept on volumes": {
        "redis": {"url": "redis-cluster://redis-1:6379,redis-2:6379"},
        "persistence": {"enabled": False},
        "autoscaling": {"enabled": True, "targetSockets": 2000},
        "publicUrl": "https://chat.example/below",
    },
    "behind an ingress, watched": {
        "ingress": {
            "enabled": True,
            "className": "nginx",
            "annotations": {"nginx.ingress.kubernetes.io/proxy-read-timeout": "3600"},
            "hosts": ["chat.example", "*.chat.example"],
            "tls": [{"secretName": "chat-tls", "hosts": ["chat.example"]}],
        },
        "serviceMonitor": {"enabled": True, "interval": "15s", "labels": {"release": "prometheus"}},
        "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}},
    },
    "behind a gateway, fenced in": {
        "httpRoute": {
            "enabled": True,
            "parentRefs": [{"name": "edge", "namespace": "infra"}],
            "hostnames": ["chat.example"],
        },
        "networkPolicy": {
            "enabled": True,
            "clients": [{"namespaceSelector": {"matchLabels": {"name": "infra"}}}],
            "monitoring": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}],
            "egress": [{"to": [{"podSelector": {"matchLabels": {"app": "redis"}}}], "ports": [{"port": 6379}]}],
        },
    },
    "a config, secrets and a volume of one's own": {
        "config": OWN_CONFIG,
        "extraFiles": {"tickets.toml": 'name = "tickets"\n'},
        "env": [{"name": "TOKEN_SECRET", "valueFrom": {"secretKeyRef": {"name": "mine", "key": "token"}}}],
        "envFrom": [{"secretRef": {"name": "more"}}],
        "secrets": {"create": False},
        "persistence": {"existingClaim": "mine"},
        "onConfigChange": "reload",
        "image": {"repository": "registry.example/dragoman", "digest": "sha256:" + "a" * 64},
        "imagePullSecrets": [{"name": "registry"}],
    },
    "TLS of its own, operators by certificate or token": {
        "tls": {"secretName": "chat-tls"},
        "publicUrl": "https://chat.example",
        "admin": {
            "token": {"create": True},
            "tls": {
                "secretName": "admin-tls",
                "clientCA": {"secretName": "operators", "key": "bundle.pem"},
                "clientNames": ["prometheus.monitoring", "ann@ops.example"],
            },
        },
        "serviceMonitor": {"enabled": True},
        "networkPolicy": {"enabled": True},
        "service": {"type": "LoadBalancer", "port": 443},
    },
    "operators by certificate alone, three replicas": {
        "replicas": 3,
        "redis": REDIS,
        "persistence": SHARED,
        "admin": {"tls": {"secretName": "admin-tls", "clientCA": {"secretName": "operators"}}},
        "serviceMonitor": {
            "enabled": True,
            "tlsConfig": {
                "ca": {"secret": {"name": "admin-tls", "key": "ca.crt"}},
                "cert": {"secret": {"name": "prometheus", "key": "tls.crt"}},
                "keySecret": {"name": "prometheus", "key": "tls.key"},
                "serverName": "chat-dragoman-admin",
            },
        },
    },
    "a token of one's own in the clear, open metrics": {
        "admin": {"token": {"existingSecret": "vaulted", "key": "admin-token"}, "openMetrics": True},
        "serviceMonitor": {"enabled": True},
    },
    "a config of one's own with TLS": {
        "config": OWN_CONFIG,
        "env": [{"name": "TOKEN_SECRET", "value": "0123456789abcdef0123456789abcdef"}],
        "tls": {"secretName": "chat-tls"},
        "admin": {"token": {"create": True}, "tls": {"secretName": "admin-tls"}},
    },
    "placed and named": {
        "serviceAccount": {"create": False, "name": "gateway"},
        "secrets": {"existing": "vaulted"},
        "service": {"type": "LoadBalancer", "port": 443, "annotations": {"example.com/kind": "nlb"}},
        "nodeSelector": {"kubernetes.io/arch": "arm64"},
        "tolerations": [{"key": "chat", "operator": "Exists"}],
        "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": []}},
        "priorityClassName": "high",
        "podLabels": {"team": "chat"},
        "podAnnotations": {"example.com/note": "x"},
        "networkPolicy": {"enabled": True},
        "preStopSeconds": 0,
        "drainSeconds": 120,
    },
}
CUSTOM = {"HTTPRoute", "ServiceMonitor", "PrometheusRule"}


@pytest.fixture(scope="module", params=COMBINATIONS, ids=lambda name: name.replace(" ", "-"))
def combination(request):
    values = COMBINATIONS[request.param]
    return values, render(values)


def custom_mistakes(manifests):
    script = os.path.join(os.path.dirname(__file__), "custom_resources.mjs")
    said = subprocess.run(["node", script], input=json.dumps(manifests), capture_output=True, text=True, check=True)
    return [mistake for mistake in json.loads(said.stdout) if mistake]


@pytest.mark.parametrize("version", ["1.30", "1.34", "1.37"])
def test_kubernetes_takes_every_manifest(combination, version):
    _, manifests = combination
    for (kind, _), manifest in manifests.items():
        if kind not in CUSTOM:
            kubernetes_validate.validate(manifest, version, strict=True)
    assert custom_mistakes([manifest for (kind, _), manifest in manifests.items() if kind in CUSTOM]) == []


def test_helm_finds_no_fault(combination):
    values, _ = combination
    found = helm_python.lint(str(CHART), values, strict=True, kube_version="v1.30.0")
    assert found["errors"] == []


def test_a_fault_would_be_found(combination):
    _, manifests = combination
    broken = json.loads(json.dumps(one(manifests, "Deployment")))
    broken["spec"]["template"]["spec"]["terminationGracePeriodSecond"] = 3
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, "1.30", strict=True)
    assert custom_mistakes([{"kind": "HTTPRoute", "metadata": {"name": "x"}, "spec": {"rules": 7}}]) != []


def test_pods_have_no_rights(combination):
    _, manifests = combination
    for spec in [pod(manifests), one(manifests, "Pod")["spec"]]:
        assert spec["securityContext"]["runAsNonRoot"] is True and spec["automountServiceAccountToken"] is False
        for container in spec["containers"]:
            rights = container["securityContext"]
            assert rights["readOnlyRootFilesystem"] is True and rights["allowPrivilegeEscalation"] is False
            assert rights["capabilities"] == {"drop": ["ALL"]}


def test_a_stop_is_given_longer_than_it_takes(combination):
    _, manifests = combination
    spec = pod(manifests)
    (container,) = spec["containers"]
    drain = int(environment(container)["DRAGOMAN_SERVER__DRAIN_TIMEOUT"].removesuffix("s"))
    waits = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    assert spec["terminationGracePeriodSeconds"] >= drain + waits + 5


def test_services_find_the_gateway_and_nothing_else(combination):
    _, manifests = combination
    pods = one(manifests, "Deployment")["spec"]["template"]["metadata"]["labels"]
    check = one(manifests, "Pod")["metadata"]["labels"]
    for (kind, name), manifest in manifests.items():
        if kind == "Service":
            selector = manifest["spec"]["selector"]
            assert selector.items() <= pods.items(), name
            assert not selector.items() <= check.items(), f"{name} finds the pod of helm test"
    admin = one(manifests, "Service", "-admin")
    assert admin["spec"]["clusterIP"] == "None" and admin["spec"]["type"] == "ClusterIP"
    if ("ServiceMonitor", "chat-dragoman") in manifests:
        monitor = one(manifests, "ServiceMonitor")["spec"]
        assert monitor["selector"]["matchLabels"].items() <= admin["metadata"]["labels"].items()
        assert monitor["namespaceSelector"]["matchNames"] == [NAMESPACE]


def test_the_config_passes_its_check(combination, tmp_path):
    """With the variables and the files that the pod has."""
    values, manifests = combination
    variables = lay_out(manifests, tmp_path)
    command = [os.environ["DRAGOMAN_BINARY"], "check", "--config", str(tmp_path / "routes.toml")]
    # The chart's own config has no warning but those that it allows.
    command += [] if values.get("config") else ["--deny-warnings"]
    said = subprocess.run(command, capture_output=True, text=True, env=variables, check=False)
    assert said.returncode == 0, said.stderr
    assert "127.0.0.1" not in variables["DRAGOMAN_SERVER__LISTEN"]


def test_every_file_that_the_config_names_is_mounted(combination):
    values, manifests = combination
    wanted = set(re.findall(r"/run/secrets/(\w+)", one(manifests, "ConfigMap")["data"]["routes.toml"]))
    (volume,) = [volume for volume in pod(manifests)["volumes"] if volume["name"] == "secrets"]
    handed = set()
    for source in volume.get("projected", {"sources": []})["sources"]:
        items = source["secret"].get("items")
        handed |= {item["path"] for item in items} if items else {"jwt_secret", "visitor_secret", "api_key"}
    assert wanted <= handed, values


def test_every_file_of_tls_that_a_variable_names_is_mounted(combination):
    values, manifests = combination
    (container,) = pod(manifests)["containers"]
    wanted = {value for value in environment(container).values() if value and value.startswith(("/run/tls", "/run/admin"))}
    handed = {f"/run/{folder}/{name}" for folder, names in mounted(manifests).items() for name in names}
    assert wanted == handed, values
    # `helm test` sees the same.
    check = one(manifests, "Pod")["spec"]
    assert {mount["mountPath"] for mount in check["containers"][0]["volumeMounts"]} >= {path.rsplit("/", 1)[0] for path in wanted}


def test_probes_and_prometheus_speak_as_the_port_does(combination):
    values, manifests = combination
    (container,) = pod(manifests)["containers"]
    tls = values.get("admin", {}).get("tls", {}).get("secretName")
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["scheme"] == ("HTTPS" if tls else "HTTP")
    admin = one(manifests, "Service", "-admin")["spec"]["ports"][0]
    assert admin.get("appProtocol") == ("https" if tls else None)
    for (kind, _), manifest in manifests.items():
        if kind != "ServiceMonitor":
            continue
        (endpoint,) = manifest["spec"]["endpoints"]
        assert endpoint.get("scheme") == ("https" if tls else None)
        assert ("tlsConfig" in endpoint) == bool(tls)
        variables = environment(container)
        asks = "DRAGOMAN_SERVER__ADMIN_TOKEN_FILE" in variables or "DRAGOMAN_SERVER__ADMIN_TLS__CLIENT_CA" in variables
        shows = "authorization" in endpoint or "cert" in endpoint.get("tlsConfig", {})
        assert shows or not asks or variables.get("DRAGOMAN_SERVER__ADMIN_METRICS") == "open"


def test_operators_get_the_api_where_they_are_asked_who_they_are(combination):
    values, manifests = combination
    variables = environment(pod(manifests)["containers"][0])
    admin = values.get("admin", {})
    asks = any(admin.get("token", {}).values()) or "clientCA" in admin.get("tls", {})
    assert variables.get("DRAGOMAN_SERVER__ADMIN_API") == ("true" if asks else None)
    assert "admin_api = false" in one(manifests, "ConfigMap")["data"]["routes.toml"]


def test_a_made_token_is_long_and_kept():
    secret = one(render({"admin": {"token": {"create": True}}}), "Secret", "-admin")
    assert len(base64.b64decode(secret["data"]["token"])) == 48
    assert secret["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_links_are_https_where_the_port_is():
    text = one(render({"tls": {"secretName": "chat-tls"}}), "ConfigMap")["data"]["routes.toml"]
    assert "${PUBLIC_URL:-https://" in text
    assert "${PUBLIC_URL:-http://" in one(render({}), "ConfigMap")["data"]["routes.toml"]


def test_one_gateway_is_never_two_at_once():
    assert one(render({}), "Deployment")["spec"]["strategy"] == {"type": "Recreate"}
    several = one(render(COMBINATIONS["three replicas"]), "Deployment")["spec"]
    assert several["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


def test_a_changed_config_restarts_or_not():
    def checksum(values):
        return one(render(values), "Deployment")["spec"]["template"]["metadata"]["annotations"] or {}

    assert checksum({"config": OWN_CONFIG}) != checksum({"config": OWN_CONFIG + "\n# other\n"})
    assert "checksum/config" not in checksum({"config": OWN_CONFIG, "onConfigChange": "reload"})


def test_whoever_scales_owns_the_number():
    scaled = render(COMBINATIONS["autoscaled by sockets and CPU, nothing kept on volumes"])
    assert "replicas" not in one(scaled, "Deployment")["spec"]
    metrics = one(scaled, "HorizontalPodAutoscaler")["spec"]["metrics"]
    assert [metric["type"] for metric in metrics] == ["Resource", "Pods"]
    assert ("PodDisruptionBudget", "chat-dragoman") in scaled


def test_links_lead_to_where_clients_connect():
    def public(values):
        return environment(pod(render(values))["containers"][0]).get("PUBLIC_URL")

    assert public({}) is None
    assert public(COMBINATIONS["behind an ingress, watched"]) == "https://chat.example"
    assert public(COMBINATIONS["behind a gateway, fenced in"]) == "https://chat.example"
    assert public({"publicUrl": "https://x.example", **COMBINATIONS["behind a gateway, fenced in"]}) == "https://x.example"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"replicas": 2}, "redis.url"),
        ({"replicas": 2, "redis": REDIS}, "ReadWriteMany"),
        ({"autoscaling": {"enabled": True}, "persistence": {"enabled": False}}, "redis.url"),
        (
            {"redis": REDIS, "persistence": {"enabled": False}, "autoscaling": {"enabled": True, "targetCPU": 0}},
            "targetSockets",
        ),
        ({"secrets": {"create": False}}, "secrets.existing"),
        ({"config": OWN_CONFIG, "existingConfigMap": "mine"}, "not both"),
        ({"ingress": {"enabled": True}}, "ingress.hosts"),
        ({"httpRoute": {"enabled": True}}, "parentRefs"),
        ({"admin": {"tls": {"clientCA": {"secretName": "operators"}}}}, "admin.tls.secretName"),
        ({"admin": {"tls": {"secretName": "a", "clientNames": ["ann"]}}}, "clientCA.secretName"),
        (
            {
                "config": OWN_CONFIG,
                "admin": {"tls": {"secretName": "a", "clientCA": {"secretName": "b"}, "clientNames": ["ann"]}},
            },
            "client_names",
        ),
        (
            {
                "serviceMonitor": {"enabled": True},
                "admin": {"tls": {"secretName": "a", "clientCA": {"secretName": "b"}}},
            },
            "serviceMonitor.tlsConfig",
        ),
        ({"tls": {"secret": "chat-tls"}}, "secret"),
        ({"replica": 2}, "replica"),
        ({"drainSeconds": "30s"}, "drainSeconds"),
        ({"redis": {"url": "redis://:secret@redis:6379"}}, "url"),
        ({"publicUrl": "chat.example"}, "publicUrl"),
    ],
    ids=str,
)
def test_what_cannot_run_is_refused_before_it_is_installed(values, words):
    with pytest.raises(Refused) as refused:
        render(values)
    assert words in str(refused.value)
