#!/usr/bin/env bash
# Shows what Understudy is for, on this machine alone: a provider, its shadow, a change, a drift, an outage.
#   deploy/demo.sh                                shows it, then stays up until Ctrl-C
#   deploy/demo.sh --once                         shows it, checks each step, exits 0 (all well) or 1
#   deploy/demo.sh --zone ZONE --source SOURCE    shadows your own primary, e.g. --zone example.com --source axfr://192.0.2.1
# UNDERSTUDY_BINARY names an executable to use instead of building one.
set -euo pipefail

usage() {
  sed -n '2,6s/^# \{0,1\}//p' "$0"
  exit "$1"
}
misuse() {
  echo "deploy/demo.sh: $1 (deploy/demo.sh --help tells more)" >&2
  exit 2
}

once=no own_zone="" own_source=""
while [ $# -gt 0 ]; do
  case $1 in
    --once) once=yes ;;
    --zone) own_zone=${2-}; [ -n "$own_zone" ] || misuse "--zone wants a zone"; shift ;;
    --source) own_source=${2-}; [ -n "$own_source" ] || misuse "--source wants a source"; shift ;;
    -h | --help) usage 0 ;;
    *) misuse "\"$1\" is not understood" ;;
  esac
  shift
done
if [ -n "$own_zone" ] && [ -z "$own_source" ]; then misuse "--zone wants --source SOURCE beside it"; fi
if [ -z "$own_zone" ] && [ -n "$own_source" ]; then misuse "--source wants --zone ZONE beside it"; fi
# A file may be named from where the user stands.
case $own_source in file:/*) ;; file:*) own_source="file:$PWD/${own_source#file:}" ;; esac
cd "$(dirname "$0")/.."

# --- how it looks ---

if [ -t 1 ]; then
  bold=$'\e[1m' faint=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
else
  bold="" faint="" green="" red="" plain=""
fi
steps=0 failures=0
chapter() { steps=$((steps + 1)); printf '\n%s%d. %s%s\n' "$bold" "$steps" "$1" "$plain"; }
say() { printf '   %s\n' "$1"; }
command_line() { printf '   %s$ %s%s\n' "$faint" "$1" "$plain"; }
indent() { sed 's/^/     /'; }
# check WHAT COMMAND...: the step's verdict.
check() {
  local what=$1
  shift
  if "$@"; then
    printf '   %sok%s      %s\n' "$green" "$plain" "$what"
  else
    printf '   %sFAILED%s  %s\n' "$red" "$plain" "$what"
    failures=$((failures + 1))
  fi
}
# A dead server ends the demo with what it said last.
give_up() {
  printf '\n   %s%s%s\n' "$red" "$1" "$plain"
  if [ -n "${2-}" ] && [ -s "$2" ]; then tail -n 12 "$2" | indent; fi
  exit 1
}

# --- the executable ---

deploy/packages.sh demo
binary=${UNDERSTUDY_BINARY:-}
if [ -z "$binary" ]; then
  binary=$PWD/build/release/understudy
  mkdir -p build
  printf 'building the release (the first time takes a few minutes) ... '
  if { [ -f build/release/build.ninja ] || cmake --preset release -DUNDERSTUDY_TESTS=OFF; } >build/demo.log 2>&1 &&
    cmake --build --preset release --target understudy >>build/demo.log 2>&1; then
    echo "done"
  else
    echo "failed"
    tail -n 30 build/demo.log
    exit 1
  fi
fi

# --- processes: started in the background, ended by their own ids ---

scratch=$(mktemp -d "${TMPDIR:-/tmp}/understudy-demo.XXXXXX")
declare -A pid=()
stop() { # NAME [SIGNAL]
  local id=${pid[$1]-}
  [ -n "$id" ] || return 0
  unset "pid[$1]"
  kill "-${2-TERM}" "$id" 2>/dev/null || true
  wait "$id" 2>/dev/null || true
}
cleanup() {
  for name in "${!pid[@]}"; do stop "$name"; done
  rm -rf "$scratch"
}
trap cleanup EXIT
trap 'echo; exit 130' INT
trap 'exit 143' TERM

free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000)) # below what the kernel gives to outgoing connections
    grep -qi ":$(printf '%04X' "$port") " /proc/net/tcp /proc/net/udp /proc/net/tcp6 /proc/net/udp6 2>/dev/null || break
  done
  echo "$port"
}
now_ms() { echo $(($(date +%s%N) / 1000000)); }
# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
  local end=$(($(now_ms) + $1 * 1000))
  shift
  until "$@"; do
    [ "$(now_ms)" -lt "$end" ] || return 1
    read -rt 0.05 <> <(:) || true
  done
}
says_ready() { grep -qx ready "$scratch/$1.log" || ! kill -0 "${pid[$1]}" 2>/dev/null; }
start() { # NAME: `serve` with NAME.toml, until it is ready
  : >"$scratch/$1.log"
  "$binary" serve --config "$scratch/$1.toml" >>"$scratch/$1.log" 2>&1 &
  pid[$1]=$!
  wait_for 60 says_ready "$1" || give_up "the $1 did not become ready" "$scratch/$1.log"
  kill -0 "${pid[$1]}" 2>/dev/null || give_up "the $1 could not start" "$scratch/$1.log"
}
ask() { dig +short +tries=1 +time=2 @127.0.0.1 -p "$1" "$2" "$3" 2>/dev/null | sed '/^;/d'; } # PORT NAME TYPE
serial_of() { ask "$1" "$2" SOA | cut -d' ' -f3; }
has_serial() { [ "$(serial_of "$1" "$2")" = "$3" ]; }
has_any_serial() { [ -n "$(serial_of "$1" "$2")" ]; }
answers() { [ "$(ask "$1" "$2" "$3")" = "$4" ]; }
shadow_verb() { # as a user would type it
  command_line "understudy $*"
  "$binary" "$@" --control "$scratch/shadow/control.sock" 2>&1 | indent || true
}
shadow_http() { sed -n 's/^http //p' "$scratch/shadow.log"; }
metrics() { curl -fsS "http://$(shadow_http)/metrics"; }
finish() {
  if [ "$failures" -ne 0 ]; then
    printf '\n%s%d of the steps failed.%s\n' "$red" "$failures" "$plain"
    exit 1
  fi
  if [ "$once" = yes ]; then
    printf '\n%sEvery step did what it should.%s\n' "$green" "$plain"
    exit 0
  fi
}
stay_up() { # until Ctrl-C, or until the shadow ends
  printf '\n   Ctrl-C ends it.\n'
  wait "${pid[shadow]}" || true
  give_up "the shadow ended by itself" "$scratch/shadow.log"
}

# --- the user's own primary ---

shadow_own_zone() {
  local port
  port=$(free_port)
  mkdir -p "$scratch/shadow"
  cat >"$scratch/shadow.toml" <<TOML
[server]
listen = ["127.0.0.1:$port"]
data = "$scratch/shadow"
[http]
listen = "127.0.0.1:0"
[[zone]]
name = "$own_zone"
source = ["$own_source"]
TOML
  chapter "A shadow of $own_zone, learned from $own_source"
  start shadow
  local arrived=no
  if wait_for 60 has_any_serial "$port" "$own_zone"; then arrived=yes; fi
  shadow_verb status "$own_zone"
  check "the zone arrived and is served" [ $arrived = yes ]
  if [ $arrived = no ]; then tail -n 5 "$scratch/shadow.log" | indent; exit 1; fi
  command_line "dig @127.0.0.1 -p $port $own_zone SOA +short"
  ask "$port" "$own_zone" SOA | indent
  finish
  printf '\n   The shadow answers on 127.0.0.1 port %s, and tells of itself on http://%s/\n' "$port" "$(shadow_http)"
  stay_up
}

# --- the embedded default ---

zone=demo.example
write_zone() { # FILE SERIAL ADDRESS-OF-WWW
  cat >"$1.new" <<ZONE
\$ORIGIN $zone.
\$TTL 300
@        IN SOA   ns1 hostmaster $2 3600 600 1209600 300
@        IN NS    ns1
@        IN NS    ns2
ns1      IN A     192.0.2.1
ns2      IN A     192.0.2.2
@        IN A     192.0.2.10
@        IN MX    10 mail
@        IN TXT   "v=spf1 mx -all"
www      IN A     $3
www      IN AAAA  2001:db8::10
mail     IN A     192.0.2.25
shop     IN CNAME www
*.apps   IN A     192.0.2.80
_sip._tcp IN SRV  1 5 5060 mail
legacy   IN DNAME apps
branch   IN NS    ns.branch
ns.branch IN A    192.0.2.53
ZONE
  mv "$1.new" "$1" # at once, so that nobody reads half a file
}
write_provider() { # NAME PORT EXTRA-LINE
  mkdir -p "$scratch/$1"
  cat >"$scratch/$1.toml" <<TOML
[server]
listen = ["127.0.0.1:$2"]
data = "$scratch/$1"
[http]
listen = "off"
[[zone]]
name = "$zone"
source = ["file:$scratch/$1.zone"]
$3
TOML
}
both_sides() { # a table of questions, and whether both sides agree
  local name type left right equal=0
  printf '     %s%-30s %-5s %-12s %s%s\n' "$faint" QUESTION "" SHADOW PROVIDER "$plain"
  while read -r name type; do
    left=$(ask "$provider_port" "$name" "$type" | paste -sd' ')
    right=$(ask "$shadow_port" "$name" "$type" | paste -sd' ')
    if [ "$left" = "$right" ]; then
      right="the same"
    else
      equal=1
    fi
    printf '     %-30s %-5s %-12s %s\n' "$name" "$type" "$right" "${left:-no data}"
  done
  return $equal
}
drift_is_seen() {
  "$binary" compare "$zone" --control "$scratch/shadow/control.sock" --json >"$scratch/compare.json" 2>/dev/null
  [ $? -eq 1 ] && grep -q "\"owner\":\"www.$zone.\"" "$scratch/compare.json"
}
drift_is_measured() {
  metrics 2>/dev/null | grep "^understudy_compare_mismatches{.*127.0.0.1:$twin_port" | grep 'class="rdata"' | grep -q ' 1$'
}

embedded_demo() {
  provider_port=$(free_port) shadow_port=$(free_port) twin_port=$(free_port)
  while [ "$shadow_port" = "$provider_port" ]; do shadow_port=$(free_port); done
  while [ "$twin_port" = "$provider_port" ] || [ "$twin_port" = "$shadow_port" ]; do twin_port=$(free_port); done

  chapter "A provider serves $zone from a zone file"
  write_zone "$scratch/provider.zone" 1 192.0.2.20
  write_provider provider "$provider_port" "allow-transfer = [\"127.0.0.1\"]
notify = [\"127.0.0.1:$shadow_port\"]"
  start provider
  wait_for 30 has_serial "$provider_port" "$zone" 1 || true
  check "the provider answers on 127.0.0.1 port $provider_port, serial 1" has_serial "$provider_port" "$zone" 1

  chapter "A shadow learns the zone from it by a zone transfer"
  mkdir -p "$scratch/shadow"
  cat >"$scratch/shadow.toml" <<TOML
[server]
listen = ["127.0.0.1:$shadow_port"]
data = "$scratch/shadow"
[http]
listen = "127.0.0.1:0"
[compare]
rate = 500
period = "1s"
[[zone]]
name = "$zone"
source = ["axfr://127.0.0.1:$provider_port"]
compare-with = ["127.0.0.1:$provider_port", "127.0.0.1:$twin_port"]
TOML
  start shadow
  wait_for 30 has_serial "$shadow_port" "$zone" 1 || true
  shadow_verb status "$zone"
  check "the zone arrived: the shadow answers on 127.0.0.1 port $shadow_port" has_serial "$shadow_port" "$zone" 1

  chapter "Both give the same answers"
  say "Wildcards, aliases and delegations included; this is what dig says:"
  check "every answer is the same on both sides" both_sides <<QUESTIONS
www.$zone A
www.$zone AAAA
$zone MX
$zone TXT
shop.$zone A
anything.apps.$zone A
anything.legacy.$zone A
_sip._tcp.$zone SRV
nowhere.$zone A
QUESTIONS

  chapter "A record changes at the provider"
  say "www.$zone moves from 192.0.2.20 to 192.0.2.21; the provider's NOTIFY tells the shadow at once."
  write_zone "$scratch/provider.zone" 2 192.0.2.21
  wait_for 30 has_serial "$provider_port" "$zone" 2 || true
  local began took
  began=$(now_ms)
  wait_for 30 has_serial "$shadow_port" "$zone" 2 || true
  took=$(($(now_ms) - began))
  command_line "dig @127.0.0.1 -p $shadow_port www.$zone +short"
  ask "$shadow_port" "www.$zone" A | indent
  say "${faint}seen at the shadow $took ms after it was seen at the provider${plain}"
  check "the change reached the shadow" answers "$shadow_port" "www.$zone" A 192.0.2.21
  check "within a second" [ "$took" -le 1000 ]

  chapter "A second name server of the provider drifts away"
  say "It says serial 2 as well, but still has the old address of www: a resolver may meet either."
  write_zone "$scratch/twin.zone" 2 192.0.2.20
  write_provider twin "$twin_port" ""
  start twin
  wait_for 60 drift_is_seen || true
  shadow_verb compare "$zone"
  check "\`compare\` names the record that differs, and exits 1" drift_is_seen
  wait_for 30 drift_is_measured || true
  command_line "curl -s http://$(shadow_http)/metrics | grep compare_mismatches"
  metrics | grep '^understudy_compare_mismatches{' | grep -v ' 0$' | indent || true
  check "so does the metric that an alarm would watch" drift_is_measured

  chapter "The provider goes dark"
  say "Both of its name servers are killed, without a word."
  stop provider KILL
  stop twin KILL
  check "nothing answers at the provider's address any more" [ -z "$(ask "$provider_port" "www.$zone" A)" ]
  command_line "dig @127.0.0.1 -p $shadow_port www.$zone +short"
  ask "$shadow_port" "www.$zone" A | indent
  check "the shadow still answers" answers "$shadow_port" "www.$zone" A 192.0.2.21

  chapter "The shadow restarts, with the provider still dark"
  stop shadow
  start shadow
  ask "$shadow_port" "anything.apps.$zone" A | indent
  check "it answers at once, from its mirror: nothing had to be transferred" answers "$shadow_port" "www.$zone" A 192.0.2.21
  check "wildcards too" answers "$shadow_port" "anything.apps.$zone" A 192.0.2.80
  check "and says that it is ready" curl -fsS -o /dev/null "http://$(shadow_http)/readyz"
  finish

  start provider
  cat <<TEXT

   The provider is back, and everything stays up for you to play with:
     ${bold}provider${plain}  127.0.0.1 port $provider_port   zone file $scratch/provider.zone (edit it: raise the serial, save)
     ${bold}shadow${plain}    127.0.0.1 port $shadow_port   try: dig @127.0.0.1 -p $shadow_port www.$zone
     ${bold}status${plain}    http://$(shadow_http)/   and /metrics
     ${bold}verbs${plain}     $binary status --control $scratch/shadow/control.sock
TEXT
  stay_up
}

if [ -n "$own_zone" ]; then shadow_own_zone; else embedded_demo; fi
