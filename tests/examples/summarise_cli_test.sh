#!/usr/bin/env bash
# Runs the program summarise, whose path is the first argument, as its users do:
# with files, folders and standard input, good and bad ones, and with a server
# that does everything wrong that a server can do wrong.
set -euo pipefail
# shellcheck source=tests/examples/summarise_checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/summarise_checks.sh" "$1"

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

# Says so many times that it tries again, in those words.
tries_again() {
  local count
  count="$(grep -c "; trying again $2\$" <<<"$output" || true)"
  ((count == $1)) || fail "says $count times \"trying again $2\", not $1"
}

# What passes, each to another text.
run 0 --workers=6 many \
  --fault=429-once,529-once,500-once,error-event-once,cut-stream-once,early-end-once
shows 'the server answered 429' 'the server answered 529' \
  'the server answered 500' 'ended the answer with an error: overloaded' \
  ', try 2' '30 of 30 done'
tries_again 2 'in 1.00 s'
tries_again 4 soon

# What does not.
run 1 --workers=6 many \
  --fault=400-once,403-once,413-once,api-error-event-once,garbage-once,html-once
hides 'trying again'
shows 'the server answered 400' 'the server answered 403' \
  'the server answered 413' '24 of 30 done'
counts 6 'dead letter \(failed\): the server '

run 1 --fault=500 --attempts=2 texts
shows '0 of 2 done'
counts 2 'dead letter \(failed\): the server answered 500: internal server error'

run 1 --fault=hang --attempts=1 --timeout=100ms texts/more/second.md
shows 'silent for too long'

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

conclude
