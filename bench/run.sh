#!/bin/sh
# Measures Understudy beside Knot and NSD and prints the tables of docs/benchmarks.md. Needs two cores, knotd, knotc, nsd,
# a C++ compiler and python3; uses loopback and free ports only.
# usage: bench/run.sh [--seconds N] [--runs N] [--servers knot,nsd,understudy] [--big NAMES] [--small NAMES] [--attempts N] [--no-changes]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
PATH=$PATH:/usr/sbin:/sbin

for program in knotd knotc nsd g++ python3 taskset; do
  command -v "$program" >/dev/null || { echo "bench: $program is missing (apt-get install knot nsd g++ python3 util-linux)" >&2; exit 2; }
done
[ "$(nproc)" -ge 2 ] || { echo "bench: two cores are needed, one for the server and one for the load" >&2; exit 2; }

understudy=${UNDERSTUDY:-$root/build/release/understudy}
case " $* " in *"--servers"*understudy*) wanted=yes ;; *"--servers"*) wanted=no ;; *) wanted=yes ;; esac
if [ $wanted = yes ] && [ ! -x "$understudy" ]; then
  (cd "$root" && cmake --preset release && cmake --build --preset release --target understudy) >&2
fi

scratch=$root/build/bench
mkdir -p "$scratch/tools"
for program in flood echo; do
  if [ ! "$scratch/tools/$program" -nt "$here/$program.cpp" ]; then
    g++ -O2 -std=c++20 -o "$scratch/tools/$program" "$here/$program.cpp"
  fi
done
exec python3 "$here/run.py" --understudy "$understudy" --tools "$scratch/tools" --scratch "$scratch" "$@"
