#!/usr/bin/env bash
# What the tests of the program summarise have in common. They source it, with
# the path of the program as its argument, and end with `conclude`.

set -euo pipefail

program="$(realpath "$1")"
[[ -x $program ]] || { echo "no program at $1"; exit 2; }
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work" # without anybody's caf-application.conf
unset ANTHROPIC_API_KEY ANTHROPIC_BASE_URL

failures=0
output=''

fail() {
  printf 'FAILED: %s: %s\n--- its output:\n%s\n---\n' "$case" "$1" "$output"
  failures=$((failures + 1))
}

# Runs the program with arguments; its exit code must be the first of them.
run() {
  local expected="$1" code=0
  shift
  case="summarise $*"
  output="$(timeout --kill-after=5 60 "$program" "$@" 2>&1)" || code=$?
  ((code == expected)) || fail "exit code $code, not $expected"
}

# Each argument must be in the output, as it is.
shows() {
  local text
  for text in "$@"; do
    [[ $output == *"$text"* ]] || fail "does not show \"$text\""
  done
}

hides() {
  local text
  for text in "$@"; do
    [[ $output != *"$text"* ]] || fail "shows \"$text\""
  done
}

# The table has so many lines with this status, a pattern.
counts() {
  local count
  count="$(grep -cE "^ *[0-9]+  .*(s|-)  $2" <<<"$output" || true)"
  ((count == $1)) || fail "the table has $count times \"$2\", not $1"
}

# What was left, in a queue or outside of it: a pattern for `counts`.
# shellcheck disable=SC2034 # those who source this use it
left='(dead letter \((discarded|closed)\): )?not begun'

conclude() {
  if ((failures > 0)); then
    echo "$failures checks failed"
    exit 1
  fi
  echo 'all checks passed'
}
