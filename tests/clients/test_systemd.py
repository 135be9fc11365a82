"""deploy/dragoman.service: systemd knows every word of it, and finds little that it could do harm with."""

import re
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
UNIT = REPOSITORY / "deploy" / "dragoman.service"


def complaints(unit):
    said = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    # The binary is installed where the unit is, not here.
    return [line for line in said.stderr.splitlines() if unit.name in line and "is not executable" not in line]


def test_systemd_knows_every_word():
    assert complaints(UNIT) == []


def test_a_mistake_is_found(tmp_path):
    broken = tmp_path / "broken.service"
    broken.write_text(UNIT.read_text().replace("ProtectHome=yes", "ProtectHomes=yes"))
    assert len(complaints(broken)) == 1


def test_it_is_confined():
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNIT)]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    exposure = float(re.search(r"exposure level for \S+: ([\d.]+)", said)[1])
    assert exposure <= 1.5, said


def test_a_stop_is_given_longer_than_a_drain():
    unit = UNIT.read_text()
    drain = int(re.search(r'^drain_timeout *= *"(\d+)s"', (REPOSITORY / "routes.toml").read_text(), re.MULTILINE)[1])
    assert int(re.search(r"^TimeoutStopSec=(\d+)s$", unit, re.MULTILINE)[1]) >= drain + 5
    assert "RestartPreventExitStatus=78" in unit
