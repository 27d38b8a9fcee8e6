#!/usr/bin/env bash
# Looks at the program watched, whose path is the first argument, while it runs,
# and stops it as an orchestrator would.
set -euo pipefail

program="$(realpath "$1")"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work" # without anybody's caf-application.conf

fail() {
  printf 'FAILED: %s\n--- its output:\n%s\n---\n' "$1" "$output"
  exit 1
}

output=''

# Reads on until a line with this text has come.
await() {
  local line
  while IFS= read -r -t 100 line <&3; do
    output+="$line"$'\n'
    [[ $line != *"$1"* ]] || return 0
  done
  fail "does not say \"$1\""
}

# Prints what the observer answers to a request.
ask() {
  exec 4<>"/dev/tcp/127.0.0.1/$port"
  printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' \
    "$1" >&4
  cat <&4
  exec 4<&-
}

mkfifo says
"$program" --seconds=3600 --troupe.observer.port=0 >says 2>&1 &
child=$!
exec 3<says
await 'watch it on http://127.0.0.1:'
port="${output##*127.0.0.1:}"
port="${port%%/*}"

# It is ready soon; then its tree is there.
until [[ $(ask /readyz) == *' 200 '* ]]; do
  kill -0 "$child" || fail 'has ended'
done
status="$(ask /status.json)"
for path in /shop /shop/till /shop/clerks /shop/door; do
  [[ $status == *"\"path\":\"$path\""* ]] || fail "$path is not in: $status"
done
[[ $status == *'"fields":{"total":'* ]] || fail "no fields in: $status"
[[ $(ask /metrics) == *'troupe_workers{phase="ready"}'* ]] || fail 'no metrics'

kill -TERM "$child"
code=0
while IFS= read -r -t 100 line <&3; do
  output+="$line"$'\n'
done
wait "$child" || code=$?
((code == 0)) || fail "exit code $code"

# And by itself, with another port.
"$program" --seconds=1 --troupe.observer.port=0 >/dev/null 2>&1 \
  || fail "ends by itself with exit code $?"
