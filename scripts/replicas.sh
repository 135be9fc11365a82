#!/usr/bin/env bash
# Three gateways and a Redis on this machine, as deploy/compose.yaml has them, without containers.
#
#   scripts/replicas.sh [--binary PATH] [--ports A,B,C] [--redis-port PORT] [--data FOLDER]
#
# Prints where each listens and goes on until Ctrl-C or SIGTERM, which stops the gateways politely and then Redis; a second
# one stops them at once. Ports are free ones unless given. Data, secrets and logs stay in FOLDER (data/replicas), so that
# the next start has what was confirmed. Everything listens on this machine only. Needs redis-server.
set -euo pipefail
# Each process in a group of its own: Ctrl-C is for this script, which knows the order.
set -m
here=$(cd "$(dirname "$0")/.." && pwd)

binary='' ports=0,0,0 redis_port=0 data=data/replicas
while [ $# -gt 0 ]; do
  case "$1" in
    --binary) binary=${2:?} ;;
    --ports) ports=${2:?} ;;
    --redis-port) redis_port=${2:?} ;;
    --data) data=${2:?} ;;
    *) sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
  shift 2
done

if [ -z "$binary" ]; then
  for binary in "$here"/target/release/dragoman "$here"/target/debug/dragoman "$(command -v dragoman || true)"; do
    [ -x "$binary" ] && break
  done
fi
[ -x "$binary" ] || { echo "no dragoman here: cargo build --release, or name one with --binary" >&2; exit 1; }
command -v redis-server >/dev/null || { echo "redis-server is missing: on Debian, apt-get install redis-server" >&2; exit 1; }
IFS=, read -r -a listen <<<"$ports"
[ "${#listen[@]}" -eq 3 ] || { echo "--ports takes three, as in 8081,8082,8083; 0 is any free one" >&2; exit 2; }

mkdir -p "$data/redis" "$data/uploads"
data=$(cd "$data" && pwd)
"$here/deploy/secrets.sh" "$data/secrets" >/dev/null

redis='' gateways=()

# The gateways first: what they have under way needs Redis.
stop() {
  trap 'kill -TERM ${gateways[@]+"${gateways[@]}"} 2>/dev/null || true' INT TERM
  local failed=$1 process
  for process in ${gateways[@]+"${gateways[@]}"}; do kill -TERM "$process" 2>/dev/null || true; done
  for process in ${gateways[@]+"${gateways[@]}"}; do
    # A signal that comes meanwhile ends `wait`, not the process.
    while kill -0 "$process" 2>/dev/null; do wait "$process" 2>/dev/null || true; done
  done
  if [ -n "$redis" ]; then
    kill -TERM "$redis" 2>/dev/null || true
    while kill -0 "$redis" 2>/dev/null; do wait "$redis" 2>/dev/null || true; done
  fi
  [ "$failed" -ne 0 ] || echo "stopped"
  exit "$failed"
}
trap 'stop 0' INT TERM

# until_says PROCESS LOG WORDS: waits for them; fails when the process ends before.
until_says() {
  local tries
  for tries in $(seq 600); do
    grep -q "$3" "$2" 2>/dev/null && return 0
    kill -0 "$1" 2>/dev/null || return 1
    sleep 0.05
  done
  return 1
}

start_redis() {
  : >"$data/redis.log"
  redis-server - --bind 127.0.0.1 --port "$1" --dir "$data/redis" --save '' --appendonly yes --appendfsync always \
    --maxmemory-policy noeviction < <(printf 'requirepass '; cat "$data/secrets/redis_password") \
    >>"$data/redis.log" 2>&1 &
  redis=$!
  until_says "$redis" "$data/redis.log" 'Ready to accept connections'
}

# redis-server cannot be asked for any free port; one that is taken ends it at once.
port=$redis_port
for _ in $(seq 20); do
  [ "$redis_port" -ne 0 ] || port=$((20000 + RANDOM % 12000))
  if start_redis "$port"; then break; fi
  redis=''
  [ "$redis_port" -eq 0 ] || break
done
[ -n "$redis" ] || { echo "redis-server does not start:" >&2; tail -n 5 "$data/redis.log" >&2; exit 1; }
export SECRETS=$data/secrets DATA=$data REDIS=redis://127.0.0.1:$port/0
echo "redis      $REDIS"

for at in 0 1 2; do
  log=$data/replica-$((at + 1)).log
  : >"$log"
  "$binary" serve --config "$here/deploy/routes.toml" --listen "127.0.0.1:${listen[at]}" --admin 127.0.0.1:0 \
    >>"$log" 2>&1 </dev/null &
  gateways+=($!)
  until_says "$!" "$log" 'admin on http://' || { cat "$log" >&2; stop 1; }
  address=$(sed -n 's/^listening on //p' "$log")
  admin=$(sed -n 's/^admin on //p' "$log")
  echo "replica-$((at + 1))  $address  admin $admin  process ${gateways[at]}"
done
echo "a token    SECRETS=$SECRETS $binary token --config $here/deploy/routes.toml --route users --sub ID"
echo "ready; Ctrl-C stops all"

# One that is killed to see what happens is not missed: the others go on.
for process in "${gateways[@]}"; do wait "$process" 2>/dev/null || true; done
echo "all replicas have ended" >&2
stop 1
