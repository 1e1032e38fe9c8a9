#!/usr/bin/env bash
# Runs every fuzz target for a while, from the kept corpus and fresh seeds. Ends with 1 where one found something; the
# input is then in build/fuzz/findings.
#   tests/fuzz/run.sh [--seconds N] [--keep] [TARGET ...]
#     --seconds N   for each target, 60 by default; 0 only builds; 36000 is a night
#     --keep        afterwards reduces what was found to what each part of the code takes to be reached, and keeps it in
#                   tests/fuzz/corpus, as far as it is small
# One input again: build/fuzz/tests/fuzz/fuzz_TARGET FILE
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=60 keep=no targets=()
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) seconds=${2:?--seconds takes a number}; shift ;;
    --keep) keep=yes ;;
    -*) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    *) targets+=("$1") ;;
  esac
  shift
done
if [ ${#targets[@]} -eq 0 ]; then
  for source in tests/fuzz/*.cpp; do targets+=("$(basename "$source" .cpp)"); done
fi

deploy/packages.sh fuzz
jobs=$(nproc)
mkdir -p build
cmake --preset fuzz >build/configure_fuzz.log 2>&1 || { cat build/configure_fuzz.log; exit 2; }
cmake --build --preset fuzz -j "$jobs"
[ "$seconds" -gt 0 ] || exit 0

work=$PWD/build/fuzz
mkdir -p "$work/findings" "$work/logs"
rm -rf "$work/seeds"
/usr/bin/python3 -B tests/fuzz/seeds.py "$work/seeds"
symbolizer=$(command -v llvm-symbolizer-14) # for readable places in reports
export ASAN_SYMBOLIZER_PATH=$symbolizer UBSAN_SYMBOLIZER_PATH=$symbolizer
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1

# Becomes the target, so that its process id is the one to end.
run_target() {
  local target=$1 grown=$work/corpus/$1 kept=tests/fuzz/corpus/$1
  mkdir -p "$grown" "$kept"
  # New inputs go to the first directory; the others are read only.
  exec "$work/tests/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$work/findings/$target-" "$grown" "$kept" "$work/seeds/$target" >"$work/logs/$target" 2>&1
}

# As many at once as there are processors.
declare -A target_of=()
failed=()
reap() {
  local pid status=0
  wait -n -p pid || status=$?
  local target=${target_of[$pid]}
  unset "target_of[$pid]"
  printf '%-10s %s' "$target" "$(grep -E 'stat::number_of_executed_units' "$work/logs/$target" | tr -s ' ' || true)"
  if [ "$status" -eq 0 ]; then
    echo ' clean'
  else
    echo ' FINDING'
    failed+=("$target")
  fi
}
# What was started goes when this does.
trap 'for pid in "${!target_of[@]}"; do kill "$pid" 2>/dev/null || true; done' EXIT
for target in "${targets[@]}"; do
  [ ${#target_of[@]} -lt "$jobs" ] || reap
  run_target "$target" &
  target_of[$!]=$target
done
while [ ${#target_of[@]} -gt 0 ]; do reap; done

if [ ${#failed[@]} -gt 0 ]; then
  for target in "${failed[@]}"; do
    printf '\n== %s\n' "$target"
    tail -n 60 "$work/logs/$target"
  done
  echo
  echo "tests/fuzz/run.sh: findings in: ${failed[*]}; inputs: $work/findings"
  exit 1
fi

if [ "$keep" = yes ]; then
  for target in "${targets[@]}"; do
    reduced=$work/reduced/$target kept=tests/fuzz/corpus/$target
    rm -rf "$reduced"
    mkdir -p "$reduced" "$kept"
    "$work/tests/fuzz/fuzz_$target" -merge=1 "$reduced" "$kept" "$work/corpus/$target" "$work/seeds/$target" \
      >"$work/logs/$target.merge" 2>&1
    rm -f "$kept"/*
    # The smallest first: at most 150 inputs and 20,000 octets a target.
    find "$reduced" -type f -printf '%s %p\n' | sort -n |
      awk '{ size += $1; if (NR <= 150 && size <= 20000) print $2 }' | xargs -r cp -t "$kept"
  done
fi
echo "tests/fuzz/run.sh: ${#targets[@]} targets, $seconds s each, no finding"
