#!/usr/bin/env bash
# The one list of Debian 12 packages that building, testing and measuring Understudy takes. Installs what is missing of
# the groups named: deploy/packages.sh [build] [test] [demo] [bench] [fuzz]; for the tests Playwright too, from npm. With
# nothing missing it does nothing and needs neither root nor network.
set -euo pipefail
cd "$(dirname "$0")/.."

build=(
  g++ cmake ninja-build pkg-config ccache
  libboost1.81-dev # not libboost-dev: that is 1.74, and the two cannot be installed together
  libldns-dev liblmdb-dev libssl-dev zlib1g-dev libzstd-dev
  prometheus-cpp-dev libtomlplusplus-dev libcli11-dev libspdlog-dev libfmt-dev
  ca-certificates
)
test=(
  "${build[@]}"
  libgtest-dev libgmock-dev
  python3 python3-dnspython         # the second opinion of the tests on every message
  nsd knot bind9 bind9-utils        # primaries
  knot-dnssecutils                  # kzonecheck
  pdns-server pdns-tools pdns-backend-lmdb
  unbound                           # the validator of signed answers
  bind9-dnsutils ldnsutils procps curl
  knot-dnsutils openssl             # clients for TLS
  prometheus prometheus-alertmanager # promtool, and the alarms from end to end
  chromium fonts-dejavu-core        # the status page, as people see it
)
# Playwright, which drives Chromium, is not in Debian: npm brings the version that tests/support/browser names. Other
# packages of Node.js (Node Source's) have npm in them and bear no package of that name beside them.
command -v npm >/dev/null || test+=(nodejs npm)
demo=("${build[@]}" bind9-dnsutils curl)
bench=(
  "${build[@]}"
  libbenchmark-dev python3
  nsd knot knot-dnsutils bind9 bind9-utils pdns-server pdns-tools pdns-backend-lmdb util-linux
)
fuzz=("${build[@]}" clang-14 libclang-rt-14-dev llvm-14 python3 python3-dnspython) # llvm-14 names places in reports

usage() {
  echo "usage: deploy/packages.sh GROUP...   (groups: build, test, demo, bench, fuzz)" >&2
  exit 2
}

[ $# -gt 0 ] || usage
wanted=() playwright=no
for group in "$@"; do
  case $group in
    build) wanted+=("${build[@]}") ;;
    test) wanted+=("${test[@]}") playwright=yes ;;
    demo) wanted+=("${demo[@]}") ;;
    bench) wanted+=("${bench[@]}") ;;
    fuzz) wanted+=("${fuzz[@]}") ;;
    *) usage ;;
  esac
done

is_installed() {
  # Multi-arch packages may be listed more than once; one installed copy is enough.
  dpkg-query -W -f='${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

# Playwright, as tests/support/browser names it, into build/playwright.
install_playwright() {
  local from=tests/support/browser to=build/playwright
  if [ -d $to/node_modules/playwright-core ] && cmp -s $from/package-lock.json $to/package-lock.json; then return; fi
  rm -rf $to
  mkdir -p $to
  cp $from/package.json $from/package-lock.json $to/
  if ! npm ci --prefix $to --ignore-scripts --no-audit --no-fund --fetch-retries 5 >&2; then
    rm -rf $to # so that the next run tries again
    return 1
  fi
}

as_root=()
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 \
    -o Acquire::Retries=3 "$@" >&2
}

# Debian starts a daemon as soon as its package is installed, on port 53. A policy that says no keeps them still while
# we install; whatever policy was there before comes back afterwards, also when the installation fails.
policy=/usr/sbin/policy-rc.d
saved=$policy.before-understudy
restore_policy() {
  "${as_root[@]}" rm -f "$policy"
  if "${as_root[@]}" test -e "$saved"; then "${as_root[@]}" mv "$saved" "$policy"; fi
}

install_packages() {
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "deploy/packages.sh: these packages are missing, install them as root: $*" >&2
      exit 2
    fi
    as_root=(sudo)
  fi
  echo "installing: $*" >&2
  # A copy that an interrupted run left behind is the true one; ours is not worth saving.
  if [ -e "$policy" ] && [ ! -e "$saved" ]; then "${as_root[@]}" mv "$policy" "$saved"; fi
  trap restore_policy EXIT
  trap 'exit 130' INT TERM
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
  apt update
  apt install -y --no-install-recommends "$@"
}

missing=()
while IFS= read -r package; do
  is_installed "$package" || missing+=("$package")
done < <(printf '%s\n' "${wanted[@]}" | sort -u)
[ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
[ $playwright = no ] || install_playwright
