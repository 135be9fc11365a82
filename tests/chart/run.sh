#!/usr/bin/env bash
# The Helm chart, rendered by Helm itself; what comes out against the schemas of Kubernetes, and its config against
# `dragoman check`.
#
#   tests/chart/run.sh [BINARY] [pytest arguments …]
#
# Without BINARY it builds and takes the debug one. Needs what test.sh installs below target/: test-venv, test-node.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ $# -gt 0 ] && [ -x "$1" ] && [ ! -d "$1" ]; then
  binary=$1; shift
else
  cargo build --locked --quiet
  binary=target/debug/dragoman
fi

python=target/test-venv/bin/python
[ -x "$python" ] || { echo "$python is missing: ./test.sh installs it" >&2; exit 1; }

export NODE_PATH=$PWD/target/test-node/node_modules DRAGOMAN_BINARY=$binary
exec "$python" -B -m pytest -q -p no:cacheprovider tests/chart "$@"
