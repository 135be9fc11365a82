#!/usr/bin/env bash
# The one test command: installs what it needs, then runs every check. Ends non-zero if anything failed.
#
#   ./test.sh           everything
#   ./test.sh --quick   without the foreign clients (in Python, Node, a browser), the chart and the alerts; Python is needed
#                       all the same, for one of the two servers with buckets
#
# On Debian and its children, as root, missing packages are installed; elsewhere it says what is missing and stops.
# Python and Node packages go below target/, never into the system.
set -uo pipefail
cd "$(dirname "$0")"

quick=no
case "${1:-}" in
  "") ;;
  --quick) quick=yes ;;
  *) echo "usage: ./test.sh [--quick]" >&2; exit 2 ;;
esac

passed=() failed=() skipped=()
began=$SECONDS

say() { printf '\n==> %s\n' "$*"; }

# step NAME COMMAND… runs one check and goes on whatever it says.
step() {
  local name=$1 start=$SECONDS; shift
  say "$name"
  if "$@"; then
    passed+=("$name"); echo "    ok: $name ($((SECONDS - start)) s)"
  else
    failed+=("$name"); echo "    FAILED: $name ($((SECONDS - start)) s)"
  fi
}

skip() { skipped+=("$1 ($2)"); say "SKIPPED: $1: $2"; }

finish() {
  echo
  for name in ${skipped[@]+"${skipped[@]}"}; do echo "skipped: $name"; done
  for name in ${failed[@]+"${failed[@]}"}; do echo "failed:  $name"; done
  echo "test.sh: ${#passed[@]} passed, ${#failed[@]} failed, ${#skipped[@]} skipped in $((SECONDS - began)) s"
  [ "${#failed[@]}" -eq 0 ]
}

# ---- what must be there -------------------------------------------------------------------------------------------

# command, and the Debian package that brings it
needs=(cc:build-essential make:build-essential cmake:cmake pkg-config:pkg-config curl:curl jq:jq openssl:openssl
       redis-server:redis-server redis-sentinel:redis-sentinel python3:python3)
if [ "$quick" = no ]; then
  needs+=(node:nodejs npm:npm chromium:chromium nginx:nginx haproxy:haproxy promtool:prometheus systemd-analyze:systemd)
fi

missing_packages() {
  local pair
  for pair in "${needs[@]}"; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || echo "${pair#*:}"
  done
  if ! python3 -c 'import ensurepip, venv' >/dev/null 2>&1; then echo python3-venv; fi
}

install_packages() {
  mapfile -t packages < <(missing_packages | sort -u)
  [ "${#packages[@]}" -eq 0 ] && return 0
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "missing: ${packages[*]} (named as Debian packages); install them, or run this as root on Debian" >&2
    return 1
  fi
  echo "installing ${packages[*]}"
  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${packages[@]}"
}

# Rust itself: rust-toolchain.toml names the version, and rustup, where it is, fetches it.
check_rust() {
  if ! command -v cargo >/dev/null 2>&1; then
    echo "missing: cargo; install Rust with rustup (rust-toolchain.toml names the version)" >&2
    return 1
  fi
  cargo --version && cargo fmt --version && cargo clippy --version
}

# Buckets to upload to: s3s-fs, which checks signatures, and moto. As a dependency the first would be a third of what the
# tests are compiled from.
install_buckets() {
  [ -x target/test-venv/bin/python ] || python3 -m venv target/test-venv || return 1
  target/test-venv/bin/pip install -q --disable-pip-version-check -r tests/uploads/requirements.txt || return 1
  [ -x target/test-tools/bin/s3s-fs ] || command -v s3s-fs >/dev/null 2>&1 ||
    cargo install s3s-fs --version 0.14.1 --features binary --locked --debug --root target/test-tools
}

# The packages that the client tests import, in folders of their own.
install_clients() {
  [ -x target/test-venv/bin/python ] || python3 -m venv target/test-venv || return 1
  target/test-venv/bin/pip install -q --disable-pip-version-check \
    -r tests/clients/requirements.txt -r tests/chart/requirements.txt || return 1
  mkdir -p target/test-node || return 1
  if [ -f tests/clients/package.json ]; then
    cp tests/clients/package.json target/test-node/ || return 1
    [ ! -f tests/clients/package-lock.json ] || cp tests/clients/package-lock.json target/test-node/ || return 1
    npm install --prefix target/test-node --no-audit --no-fund --loglevel=error || return 1
  fi
}

say "what must be there"
install_packages || { failed+=("install packages"); finish; exit 1; }
check_rust || { failed+=("rust toolchain"); finish; exit 1; }

# ---- the checks ---------------------------------------------------------------------------------------------------

step "format" cargo fmt --check
step "lints" cargo clippy --locked --all-targets -- -D warnings

step "servers with buckets" install_buckets

if cargo nextest --version >/dev/null 2>&1; then
  step "tests" cargo nextest run --locked --no-fail-fast
else
  step "tests" cargo test --locked --no-fail-fast --lib --bins --tests
fi
step "documentation examples" cargo test --locked --doc
# With the development profile: whether they build is the question here, not how fast they are.
step "benches compile" cargo bench --locked --profile dev --no-run

if cargo deny --version >/dev/null 2>&1; then
  step "licences, bans and sources" cargo deny --locked check licenses bans sources
else
  skip "licences, bans and sources" "cargo-deny is not installed; cargo install cargo-deny --locked"
fi

if [ "$quick" = yes ]; then
  skip "foreign clients, chart, alerts" "--quick"
elif [ ! -x tests/clients/run.sh ]; then
  skip "foreign clients" "tests/clients/run.sh is not there"
else
  step "packages of the foreign clients" install_clients
  step "foreign clients" tests/clients/run.sh
  step "chart" tests/chart/run.sh
  step "alerts" promtool test rules tests/monitoring/alerts_test.yaml
  step "metrics, alerts and dashboard in Prometheus" cargo test --locked --test monitoring -- --ignored
fi

finish
