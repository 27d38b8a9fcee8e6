#!/usr/bin/env bash
# Stops the program pipeline, whose path is the first argument, in the middle of
# its work. It reads from a pipe that this test keeps open, so it never comes to
# an end by itself.
set -euo pipefail

program="$(realpath "$1")"
[[ -x $program ]] || { echo "no program at $1"; exit 2; }
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work" # without anybody's caf-application.conf

fail() {
  printf 'FAILED: %s: %s\n--- its output:\n' "$case" "$1"
  cat output
  printf '%s---\n' "$errors"
  exit 1
}

# Starts the program with arguments; it reads what is written to 4, and what it
# says can be read from 3.
start() {
  case="pipeline $*"
  errors=''
  rm -f input says
  mkfifo input says
  "$program" "$@" <input >output 2>says &
  child=$!
  exec 4>input 3<says
}

# Reads on until a line with this text has come.
await() {
  local line
  while IFS= read -r -t 100 line <&3; do
    errors+="$line"$'\n'
    [[ $line != *"$1"* ]] || return 0
  done
  fail "does not say \"$1\""
}

# Reads the rest. It must have ended well, with an account that adds up.
finish() {
  local code=0 line
  while IFS= read -r -t 100 line <&3; do
    errors+="$line"$'\n'
  done
  wait "$child" || code=$?
  exec 3<&- 4>&-
  ((code == 0)) || fail "exit code $code"
  grep -q 'The account adds up' output || fail 'its account does not add up'
}

# Prints what the account says of the lines that its argument names.
count() {
  awk -v text="$1" 'index($0, text) { print $1 }' output
}

lines() {
  local i
  for ((i = 1; i <= $1; ++i)); do
    echo "line $i"
  done
}

# It has had lines, some of which made parsers fail, and waits for more.
for signal in INT TERM; do
  start --chaos 0.1
  lines 1000 >&4
  await 'failed: chaos at standard input:'
  kill "-$signal" "$child"
  finish
  [[ $errors == *stopping:* ]] || fail 'does not say that it stops'
  (($(count 'were read') > 0)) || fail 'has read nothing'
done

# Its only parser is about to be started again: it lives once more, and fails.
start --chaos 1 --parsers 1 -
lines 100 >&4
await 'again in'
kill -INT "$child"
finish
(($(count 'a parser failed') > 0)) || fail 'nothing was lost'
(($(count 'are counted') == 0)) || fail 'something was counted'

# Not a line has come. (The pipe has a name here, so it is opened by the
# program, and that it was is how one knows that it runs.)
case='pipeline NAME, and no line'
errors=''
rm -f input says
mkfifo input says
"$program" input >output 2>says &
child=$!
exec 3<says 4>input
kill -INT "$child"
finish
(($(count 'were read') == 0)) || fail 'has read what nobody has written'
