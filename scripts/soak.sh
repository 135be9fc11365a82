#!/usr/bin/env bash
# The chaos test at length: three replicas, a Redis, sixty clients, everything breaks several times. Prints the counts; ends
# non-zero when something confirmed was lost, told twice or out of order. Needs redis-server.
#
#   scripts/soak.sh [MESSAGES]      20,000 unless told otherwise
set -euo pipefail
cd "$(dirname "$0")/.."
exec cargo bench --locked --profile dev --bench soak -- --messages "${1:-20000}"
