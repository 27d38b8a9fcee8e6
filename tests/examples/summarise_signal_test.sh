#!/usr/bin/env bash
# Stops the program summarise, whose path is the first argument, in the middle of
# its work.
set -euo pipefail
# shellcheck source=tests/examples/summarise_checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/summarise_checks.sh" "$1"

mkdir texts many
echo 'A text.' >texts/text.md
for i in {1..30}; do
  echo "This is the text number $i." >"many/$i.txt"
done

# Starts the program in the background; its output is read from descriptor 3.
start() {
  case="summarise $* (interrupted)"
  output=''
  rm -f pipe
  mkfifo pipe
  "$program" "$@" >pipe 2>&1 &
  child=$!
  exec 3<pipe
}

# Reads on until a line with this text has come.
await() {
  local line
  while IFS= read -r -t 60 line <&3; do
    output+="$line"$'\n'
    if [[ $line == *"$1"* ]]; then
      return
    fi
  done
  fail "ended, or hangs, without a line with \"$1\""
}

interrupt() {
  kill "-${1:-INT}" "$child" || fail 'has ended before its time'
}

# Reads the rest; the exit code must be that one.
finish() {
  local code=0 line
  while IFS= read -r -t 60 line <&3; do
    output+="$line"$'\n'
  done
  wait "$child" || code=$?
  exec 3<&-
  ((code == $1)) || fail "exit code $code, not $1"
}

# Once: what is in progress is finished, the rest is left.
start --fault=slow --grace=50s --workers=1
await '[1/3]'
interrupt
finish 1
shows 'stopping: what is in progress is finished' '1 of 3 done'
hides '[2/3]'
counts 1 'done'
counts 2 "$left"

# Once, and what is in progress is not finished in time.
start --fault=hang --grace=100ms --workers=1
await '[1/3]'
interrupt TERM
finish 1
shows '0 of 3 done'
counts 1 'dead letter \(lost\): stopped'
counts 2 "$left"

# Twice: what is in progress ends at once, what is done is printed.
start --fault=400-once,hang --grace=1h --workers=1
await '[2/3]'
interrupt
await 'stopping: '
interrupt
finish 1
shows '/summarise/summarisers/summariser#1 is force_stopped' '0 of 3 done'
counts 1 'dead letter \(failed\): the server answered 400'
counts 1 'dead letter \(lost\): stopped'
counts 1 "$left"

# While it waits to try again.
start --fault=429 --attempts=1000 --grace=1h --workers=1
await 'trying again'
interrupt
finish 1
counts 1 'dead letter \(failed\): the server answered 429'
counts 2 "$left"

# While there is no room for more.
start --fault=hang --grace=1h --workers=1 --capacity=1 many
await '[1/30]'
interrupt
await 'stopping: '
interrupt
finish 1
counts 1 'dead letter \(lost\): stopped'
counts 29 "$left"

# -- a real server: that of another process ------------------------------------

start --fault=hang --grace=1h
await 'http://127.0.0.1:'
url="$(grep -oE 'http://127\.0\.0\.1:[0-9]+' <<<"$output")"
await '/3] article'
kept="$output"
ANTHROPIC_API_KEY=wrong ANTHROPIC_BASE_URL="$url/" run 2 texts
shows 'the server answered 401' 'check ANTHROPIC_API_KEY'
case='the other process'
output="$kept"
interrupt
await 'stopping: '
interrupt
finish 1

conclude
