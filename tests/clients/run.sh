#!/usr/bin/env bash
# Clients that are not ours against `dragoman serve`: curl, Python's websockets, Node's ws, Chromium.
#
#   tests/clients/run.sh [BINARY] [pytest arguments …]
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
[ -d target/test-node/node_modules ] || { echo "target/test-node/node_modules is missing: ./test.sh installs it" >&2; exit 1; }

export NODE_PATH=$PWD/target/test-node/node_modules
exec "$python" -B -m pytest -q -p no:cacheprovider --binary "$binary" tests/clients "$@"
