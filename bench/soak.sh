#!/bin/sh
# Half an hour of a real primary that changes, dies and comes back, of connections that are cut and of our own process being
# killed (tests/soak/soak.py, which CI runs for two minutes). Prints how memory, disk and descriptors went.
# usage: bench/soak.sh [SECONDS]     UNDERSTUDY names the binary (default: build/release/understudy)
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
understudy=${UNDERSTUDY:-$root/build/release/understudy}
[ -x "$understudy" ] || { echo "soak: $understudy is missing: cmake --build --preset release" >&2; exit 2; }
SOAK_SECONDS=${1:-1800} UNDERSTUDY_BINARY=$understudy exec /usr/bin/python3 -B "$root/tests/soak/soak.py"
