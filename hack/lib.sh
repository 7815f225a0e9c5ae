# shellcheck shell=bash
# What every script here shares: where things are kept, how progress and failure look. Source it; it runs nothing.
#
# Progress goes to stderr as "==> what happens (about how long)", so that a script may answer on stdout.
# A failure is told once, by the innermost script: which step, why, what to do. EXPLAINED is its exit code.

# shellcheck disable=SC2034   # its variables are for the scripts that source it
set -euo pipefail
# A command may change its place while a script runs: docker-up picks another client. Bash then looks again.
shopt -s checkhash
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/merchantroute
BUILD=$ROOT/build
VERSION=0.1.0
EXPLAINED=70
PYTHON=$ROOT/.venv/bin/python; [ -x "$PYTHON" ] || PYTHON=python3
export PATH=$CACHE/bin:$PATH:/usr/local/go/bin:/usr/sbin:/sbin
mkdir -p "$CACHE/bin" "$CACHE/logs"

STEP=${0##*/}

# step WHAT [ABOUT]: announce what happens next, and about how long it takes.
step() { STEP=$1; printf '==> %s%s\n' "$1" "${2:+ ($2)}" >&2; }

note() { printf '    %s\n' "$*" >&2; }

# fail WHY [WHAT TO DO]: end the script with an explanation.
fail() {
  printf '\n!!! failed: %s\n    why:   %s\n' "$STEP" "$1" >&2
  [ -z "${2:-}" ] || printf '    to do: %s\n' "$2" >&2
  exit "$EXPLAINED"
}

unexplained() { # STATUS LINE COMMAND: what `set -e` would end without a word
  [ "$1" -ne "$EXPLAINED" ] || exit "$1"
  printf '\n!!! failed: %s\n    why:   exit status %s of: %s\n    where: %s line %s\n' "$STEP" "$1" "$3" "$0" "$2" >&2
  exit "$EXPLAINED"
}
trap 'unexplained $? "$LINENO" "$BASH_COMMAND"' ERR
set -E

# logged NAME COMMAND...: run with its output in a log file; on failure show the log's end.
logged() {
  local log=$CACHE/logs/$1.log; shift
  "$@" >"$log" 2>&1 </dev/null && return
  printf '\n%s\n' "--- the last lines of $log" >&2; tail -n 25 "$log" >&2
  fail "'$1' ended with an error (all of its output: $log)" "${ADVICE:-see the lines above; after a fix, run the same command again}"
}

# within SECONDS COMMAND...: try it twice a second until it succeeds; false when the time is over.
within() {
  local until=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$until" ] || return 1
    sleep 0.5
  done
}

# side_by_side COMMAND...: run scripts at the same time, each a path and its arguments with blanks between; the first
# that fails ends the others, and has explained itself.
side_by_side() {
  local command status=0 groups=()
  set -m   # a process group each, so that what a script has started ends with it
  # shellcheck disable=SC2086
  for command in "$@"; do $command </dev/null & groups+=("-$!"); done
  set +m
  trap 'kill "${groups[@]}" 2>/dev/null; exit 130' INT TERM
  for command in "$@"; do
    wait -n || { status=$?; break; }
  done
  trap - INT TERM
  [ "$status" -eq 0 ] && return
  { kill "${groups[@]}"; wait; } 2>/dev/null || true
  [ "$status" -eq "$EXPLAINED" ] || fail "one of these ended with exit status $status: $*" "see the lines above"
  exit "$status"
}

# alone NAME: from here to its end, this script is the only one under that name; others wait.
alone() {
  mkdir -p "$CACHE/locks"
  exec 9>"$CACHE/locks/$1"
  flock -n 9 && return
  note "waiting for another run of ${0##*/}"
  flock -w 1800 9 || fail "another run of ${0##*/} has not ended for 30 minutes" "look for it: fuser $CACHE/locks/$1"
}

# The legacy builder where the client has no buildx: a bare `docker build` only warns or refuses there.
docker buildx version >/dev/null 2>&1 || export DOCKER_BUILDKIT=0

# build_image NAME IMAGE CONTEXT CONTENT: build a context of hack/image-context, whose hash is CONTENT.
build_image() {
  local name=$1 image=$2 context=$3 content=$4 variable proxies=() target=()
  step "building image $image" "about 20 s"
  # The host's network: a bridge may lack the host's name servers. Proxies are handed on if the host has any.
  for variable in http_proxy https_proxy no_proxy; do [ -z "${!variable:-}" ] || proxies+=(--build-arg "$variable"); done
  if grep -q "^FROM .* AS $name\$" "$context/Dockerfile"; then target=(--target "$name"); fi
  logged "image-$name" docker build --network host "${proxies[@]}" "${target[@]}" --label "merchantroute.content=$content" -t "$image" "$context"
}
