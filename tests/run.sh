#!/usr/bin/env bash
# Everything, on a bare Debian 12: installs what is missing, builds, runs every test under `asan`, the programs with
# threads under `tsan` too, and the fuzz targets for a minute each. One run of ctest over all of it, so its closing line
# is the verdict.
#   tests/run.sh [CTEST-ARGUMENT ...]      for example: tests/run.sh -L interop    tests/run.sh -R restart
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
mkdir -p build
jobs=$(nproc)
threaded=(unit_sync unit_server unit_audit unit_control scenario)

deploy/packages.sh test fuzz

step() { printf '\n== %s (%d min %02d s)\n' "$1" $((SECONDS / 60)) $((SECONDS % 60)); }

step "building asan"
cmake --preset asan >build/configure.log 2>&1 || { cat build/configure.log; exit 2; }
cmake --build --preset asan -j "$jobs"

step "building tsan (only what has threads)"
cmake --preset tsan >build/configure.log 2>&1 || { cat build/configure.log; exit 2; }
programs=()
for name in "${threaded[@]}"; do
  if ninja -C build/tsan -t query "$name" >/dev/null 2>&1; then programs+=("$name"); fi
done
[ ${#programs[@]} -eq 0 ] || cmake --build --preset tsan -j "$jobs" --target "${programs[@]}"

step "building the fuzz targets"
tests/fuzz/run.sh --seconds 0

# GCC 12's thread sanitizer wants the usual addresses; newer kernels randomise further than it expects. Containers may
# forbid to switch that off, and mostly do not need it.
plain_addresses=""
if setarch -R true 2>/dev/null; then plain_addresses="\"$(command -v setarch)\" \"-R\" "; fi

# The tests of build/asan, and each threaded program of build/tsan as one test.
mkdir -p build/all
{
  for name in ${programs[@]+"${programs[@]}"}; do
    echo "add_test(\"tsan.$name\" $plain_addresses\"$root/build/tsan/tests/$name\" \"--gtest_brief=1\")"
    echo "set_tests_properties(\"tsan.$name\" PROPERTIES LABELS \"tsan\" TIMEOUT \"900\""
    echo "  ENVIRONMENT \"TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1\" WORKING_DIRECTORY \"$root/build/tsan\")"
  done
  echo "add_test(\"fuzz\" \"$root/tests/fuzz/run.sh\" \"--seconds\" \"60\")"
  echo "set_tests_properties(\"fuzz\" PROPERTIES LABELS \"fuzz\" TIMEOUT \"1200\" RUN_SERIAL \"TRUE\")"
  echo "subdirs(\"$root/build/asan\")"
} >build/all/CTestTestfile.cmake

step "testing"
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}"
exec ctest --test-dir build/all --output-on-failure --timeout 300 -j "$jobs" "$@"
