#!/usr/bin/env bash
# The chaos test at length: three replicas, a Redis, sixty clients, everything breaks several times. Prints the counts; ends
# non-zero when something confirmed was lost, told twice or out of order. Needs redis-server.
#
#   scripts/soak.sh [MESSAGES]             one Redis; 20,000 unless told otherwise
#   scripts/soak.sh KIND [MESSAGES]        5,000 unless told otherwise; KIND is
#       sentinel    a master with two replicas: another one is made master, the master is killed
#       cluster     three masters with a replica each: the same, and our slot moves
#       lagging     the master dies with messages that no replica has: lost by Redis, and told
#       unfilled    one Redis; gaps are not filled: what is counted as left out is what was not heard
set -euo pipefail
cd "$(dirname "$0")/.."
kind=single
if [[ "${1:-}" =~ ^[a-z]+$ ]]; then
    kind=$1
    shift
fi
exec cargo bench --locked --profile dev --bench soak -- --redis "$kind" ${1:+--messages "$1"}
