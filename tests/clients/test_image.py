"""deploy/Dockerfile: hadolint finds no fault in it, what it runs needs no shell, and the binary needs no library that the image
does not have. No image is built here: that needs a daemon."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from gateway import Gateway

REPOSITORY = Path(__file__).resolve().parents[2]
DOCKERFILE = REPOSITORY / "deploy" / "Dockerfile"
HADOLINT = Path(sys.executable).parent / "hadolint"
# What gcr.io/distroless/cc-debian12 has: libc6 and libgcc-s1 of Debian 12.
LIBRARIES = {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "libdl.so.2", "libpthread.so.0", "librt.so.1"}
LOADERS = {"ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
GLIBC = (2, 36)


def hadolint(file):
    said = subprocess.run([HADOLINT, "--format", "json", "--no-color", file], capture_output=True, text=True, check=False)
    return [fault["code"] for fault in json.loads(said.stdout)]


@pytest.fixture(scope="module")
def stages():
    """The instructions of each stage, lines that go on joined."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    instructions = [tuple(line.split(None, 1)) for line in text.splitlines() if line.strip()]
    found = []
    for word, rest in instructions:
        if word == "FROM":
            found.append([])
        found[-1].append((word, rest.strip()))
    return found


def of(stage, word):
    return [rest for name, rest in stage if name == word]


def test_hadolint_finds_no_fault():
    assert hadolint(DOCKERFILE) == []


def test_a_fault_is_found(tmp_path):
    broken = tmp_path / "Dockerfile"
    broken.write_text(DOCKERFILE.read_text() + "\nUSER root\nRUN cd /tmp && sudo ls\n")
    assert {"DL3002", "DL3003", "DL3004"} <= set(hadolint(broken))


def test_the_image_has_no_shell_and_needs_none(stages):
    last = stages[-1]
    assert of(last, "FROM")[0].startswith("gcr.io/distroless/cc-debian12")
    assert of(last, "RUN") == [] and of(last, "SHELL") == []
    for word in ("CMD", "ENTRYPOINT"):
        assert json.loads(of(last, word)[0]), word
    assert re.fullmatch(r"(?!0)\d+:(?!0)\d+", of(last, "USER")[0])


def test_its_health_is_asked_by_the_binary_itself(stages, request, tmp_path):
    (asked,) = of(stages[-1], "HEALTHCHECK")
    command = json.loads(asked[asked.index("[") :])
    (entry,) = json.loads(of(stages[-1], "ENTRYPOINT")[0])
    assert command[0] == entry
    assert of(stages[-1], "ENV") == ["DRAGOMAN_CONFIG=/etc/dragoman/routes.toml"]
    binary = request.config.getoption("--binary")
    with Gateway(binary, tmp_path) as gateway:
        # The tests' gateway has any free port, the image's config a fixed one.
        gateway.config.write_text(re.sub(r'admin *= *".*"', f'admin = "{gateway.admin.removeprefix("http://")}"', gateway.config.read_text()))
        said = subprocess.run([binary, *command[1:]], env={"DRAGOMAN_CONFIG": str(gateway.config)}, capture_output=True, text=True, check=False)
        assert (said.returncode, said.stdout) == (0, "ready\n"), said.stderr


def test_every_file_that_is_copied_is_there(stages):
    copied = [rest for rest in of(stages[-1], "COPY") if "--from" not in rest]
    assert copied and all((REPOSITORY / rest.split()[0]).exists() for rest in copied)
    made = " ".join(of(stages[0], "RUN"))
    for rest in of(stages[-1], "COPY"):
        if "--from=build" in rest:
            source = [word for word in rest.split() if not word.startswith("--")][0]
            assert source.rstrip("/") in made or source.rsplit("/", 1)[0] in made, rest


def test_the_binary_needs_what_the_image_has(request):
    """As it is built here: the linker of Debian 12 adds no library to that."""
    binary = request.config.getoption("--binary")
    dynamic = subprocess.run(["readelf", "--dynamic", "--wide", binary], capture_output=True, text=True, check=True).stdout
    needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic))
    assert needed and needed <= LIBRARIES | LOADERS, needed
    versions = subprocess.run(["readelf", "--version-info", "--wide", binary], capture_output=True, text=True, check=True).stdout
    newest = max(tuple(map(int, found)) for found in re.findall(r"Name: GLIBC_(\d+)\.(\d+)", versions))
    assert newest <= GLIBC, newest
