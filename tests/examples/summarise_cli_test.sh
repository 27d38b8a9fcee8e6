#!/usr/bin/env bash
# Runs the program summarise, whose path is the first argument, as its users do:
# with files, folders and standard input, good and bad ones, with a server that
# does everything wrong that a server can do wrong, and with Ctrl-C.
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

# -- what it is for -----------------------------------------------------------

run 0
shows 'ANTHROPIC_API_KEY is not set' 'http://127.0.0.1:' \
  '[1/3] article 1' '[2/3] article 2' '[3/3] article 3' \
  'by yielding control at await points.' '3 of 3 done'
counts 3 'done'

mkdir -p texts/more
echo 'A first text. It is short.' >texts/first.txt
echo 'The second text.' >texts/more/second.md
echo 'int main() {}' >texts/more/main.cpp
run 0 texts
shows '[1/2] texts/first.txt' '[2/2] texts/more/second.md' \
  'The second text.' '2 of 2 done'

run 0 texts/more/second.md texts/first.txt
shows '[1/2] texts/more/second.md' '[2/2] texts/first.txt'

run 0 --model=some-model --max-tokens 2 texts/first.txt
shows 'done, but cut at --max-tokens'

run 0 --prompt='Say: ' texts/more/second.md
shows '  The second text.'

case='summarise - (from a pipe)'
output="$(echo 'A text from a pipe.' | "$program" - 2>&1)" || fail 'failed'
shows '[1/1] standard input' 'A text from a pipe.' '1 of 1 done'

# Several at once, more than there is room for: each summary is in one piece.
mkdir many
for i in {1..30}; do
  echo "This is the text number $i. It is here." >"many/$i.txt"
done
run 0 --workers=4 --capacity=1 many
shows '30 of 30 done'
counts 30 'done'
whole="$(awk '/^\[/ { split($2, part, /[\/.]/); getline text; getline done
  if (text ~ "number " part[2] "\\." && done ~ /^  done in /) ++whole }
  END { print whole }' <<<"$output")"
((whole == 30)) || fail "only $whole of 30 summaries are in one piece"

TROUPE_OFFLOAD_THREADS=1 run 0 --workers=3 texts
run 0 --grace=0s texts
hides 'force'

run 0 --help
shows 'Usage: summarise' '--max-tokens' '--workers' '--capacity' \
  'ANTHROPIC_API_KEY'
hides '--fault'

# -- bad input ----------------------------------------------------------------

: >empty.txt
printf 'Gr\374\337e\n' >latin1.txt
mkdir nothing
run 1 empty.txt texts/first.txt latin1.txt nothing missing.txt
shows 'is empty; put some text into it or leave it out' \
  'is not valid UTF-8 (byte 3)' 'iconv' 'holds no *.txt' \
  'does not exist' '1 of 5 done'
counts 1 'done'
counts 4 failed

case='summarise - (from nothing)'
code=0
output="$("$program" - </dev/null 2>&1)" || code=$?
((code == 1)) || fail "exit code $code, not 1"
shows 'is empty'

for bad in --max-tokens=0 --max-tokens=many --attempts=0 --grace=-1s \
  --workers=0 --capacity=0 \
  --timeout=0s --no-such-option -x --fault=nonsense --model; do
  run 2 "$bad"
  shows 'summarise: ' '; see --help'
  hides '[1/3]'
done
run 2 - -
shows 'only once'
ANTHROPIC_API_KEY='a b' run 2
shows ANTHROPIC_API_KEY
ANTHROPIC_API_KEY=a ANTHROPIC_BASE_URL=localhost run 2
shows 'ANTHROPIC_BASE_URL must begin with http:// or https://'

# -- a bad server -------------------------------------------------------------

for passing in 429 529; do
  run 0 "--fault=$passing-once"
  shows "the server answered $passing" 'trying again in 1.00 s' '3 of 3 done'
done
for passing in 500 error-event cut-stream early-end; do
  run 0 "--fault=$passing-once"
  shows 'trying again soon' ', try 2' '3 of 3 done'
done
for lasting in 400 403 413 api-error-event garbage html; do
  run 1 "--fault=$lasting-once"
  hides 'trying again'
  shows '2 of 3 done'
  counts 1 'dead letter \(failed\): the server '
done

run 1 --fault=500 --attempts=2 texts
shows '0 of 2 done'
counts 2 'dead letter \(failed\): the server answered 500: internal server error'

run 1 --fault=hang --attempts=1 --timeout=100ms texts/more/second.md
shows 'silent for too long'

# What was left, in a queue or outside of it.
left='(dead letter \((discarded|closed)\): )?not begun'

# A wrong key is wrong for all of them.
run 2 --fault=401 --workers=1
shows 'check ANTHROPIC_API_KEY' '0 of 3 done' 'gave up'
hides '[2/3]' 'trying again'
counts 1 'dead letter \(lost\): the server answered 401'
counts 2 "$left"

ANTHROPIC_API_KEY=key ANTHROPIC_BASE_URL=http://127.0.0.1:1 run 1 --attempts=1 \
  texts/first.txt
hides 'is not set'
shows 'no answer: '

ANTHROPIC_API_KEY=key ANTHROPIC_BASE_URL=http://[:: run 2
shows 'no answer: ' 'gave up'

# -- nobody who reads ---------------------------------------------------------

case='summarise | head -n 1'
codes=(0 0)
"$program" 2>&1 | head -n 1 >/dev/null || codes=("${PIPESTATUS[@]}")
output="exit code ${codes[0]}"
((codes[0] == 0 || codes[0] == 1 || codes[0] == 2)) || fail 'was killed'

# -- Ctrl-C -------------------------------------------------------------------

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

if ((failures > 0)); then
  echo "$failures checks failed"
  exit 1
fi
echo 'all checks passed'
