#!/bin/sh
# Measures the comparison and prints the table of docs/benchmarks.md: comparisons a second on one core, what a running
# pass costs those who are served, how long a planted difference stays unseen, and false alarms under random updates.
# usage: bench/compare.sh [--names N] [--only speed,find,serving,budget,quiet] [--quiet-seconds N] [--seconds N] [--faster N]
# Needs two cores, Knot, and build/release/understudy (UNDERSTUDY names another). A half-hour without a false alarm:
# bench/compare.sh --only quiet --quiet-seconds 1800
# A pass over 500,000 names at 50 a second takes nine hours; --only budget lets the server's clock go 60 times as fast.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
PATH=$PATH:/usr/sbin:/sbin
UNDERSTUDY_BINARY=${UNDERSTUDY:-$root/build/release/understudy}
export UNDERSTUDY_BINARY
for program in knotd knotc g++ taskset; do
  command -v "$program" >/dev/null || { echo "bench: $program is missing (deploy/packages.sh bench)" >&2; exit 2; }
done
[ -x "$UNDERSTUDY_BINARY" ] || { echo "bench: $UNDERSTUDY_BINARY is missing: cmake --build --preset release" >&2; exit 2; }
mkdir -p "$root/build/bench/tools"
flood=$root/build/bench/tools/flood
[ "$flood" -nt "$here/flood.cpp" ] || g++ -O2 -std=c++20 -o "$flood" "$here/flood.cpp"
clock=$root/build/bench/tools/libfaster.so
[ "$clock" -nt "$here/faster.cpp" ] || g++ -O2 -std=c++20 -shared -fPIC -o "$clock" "$here/faster.cpp"
exec /usr/bin/python3 -B "$here/compare.py" --flood "$flood" --faster-clock "$clock" "$@"
