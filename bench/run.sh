#!/bin/sh
# Measures Understudy beside its peers and prints the tables and marks of docs/benchmarks.md. Needs two cores and the
# packages of `deploy/packages.sh bench`; uses loopback and free ports only.
# usage: bench/run.sh [--only PART,...] [--versions N] [--seconds N] [--runs N] [--servers NAME,...] [--big NAMES]
#                     [--middle NAMES] [--small NAMES] [--zones N] [--attempts N]; --help tells more
# UNDERSTUDY names the binary (default: build/release/understudy, built if it is missing); BENCH_SCRATCH the directory for
# zones, servers and results (default: build/bench). On a tmpfs no octet counts as written to storage.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
PATH=$PATH:/usr/sbin:/sbin

needed="knotd knotc g++ python3 taskset chrt"
case " $* " in *"--help"* | *" -h "*) exec python3 "$here/run.py" --understudy - --tools - --scratch - --help ;; esac
case " $* " in *"--servers"*) named=yes ;; *) named=no ;; esac
for server in nsd:nsd bind:named powerdns:pdns_server powerdns:pdnsutil; do
  case "$named $*" in no* | *"${server%:*}"*) needed="$needed ${server#*:}" ;; esac
done
case " $* " in *"--only"*signed*) needed="$needed dnssec-keygen dnssec-signzone" ;; *"--only"* | *"--versions"*) ;;
  *) needed="$needed dnssec-keygen dnssec-signzone" ;; esac
for program in $needed; do
  command -v "$program" >/dev/null || { echo "bench: $program is missing (deploy/packages.sh bench)" >&2; exit 2; }
done
[ "$(nproc)" -ge 2 ] || { echo "bench: two cores are needed, one for the server and one for the load" >&2; exit 2; }

understudy=${UNDERSTUDY:-$root/build/release/understudy}
case "$named $*" in no* | *understudy* | *"--versions"*) wanted=yes ;; *) wanted=no ;; esac
if [ $wanted = yes ] && [ ! -x "$understudy" ]; then
  (cd "$root" && cmake --preset release && cmake --build --preset release --target understudy) >&2
fi

scratch=${BENCH_SCRATCH:-$root/build/bench}
mkdir -p "$scratch/tools"
scratch=$(cd "$scratch" && pwd)
for program in flood tcpflood echo axfr pace served; do
  tool=$scratch/tools/$program
  if [ ! "$tool" -nt "$here/$program.cpp" ] || [ ! "$tool" -nt "$here/queries.h" ]; then
    g++ -O2 -std=c++20 -o "$tool" "$here/$program.cpp"
  fi
done
exec python3 "$here/run.py" --understudy "$understudy" --tools "$scratch/tools" --scratch "$scratch" "$@"
