#!/usr/bin/env bash
# Runs the program pipeline, whose path is the first argument, over good and bad
# input, with and without faults.
set -euo pipefail

program="$(realpath "$1")"
[[ -x $program ]] || { echo "no program at $1"; exit 2; }
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work" # without anybody's caf-application.conf

failures=0

fail() {
  printf 'FAILED: %s: %s\n--- its output:\n' "$case" "$1"
  cat output errors
  printf -- '---\n'
  failures=$((failures + 1))
}

# Runs the program with arguments; its exit code must be the first of them.
# Standard input goes through.
run() {
  local expected="$1" code=0
  shift
  case="pipeline $*"
  timeout --kill-after=5 100 "$program" "$@" >output 2>errors || code=$?
  ((code == expected)) || fail "exit code $code, not $expected"
}

# Each argument must be in the output, as it is.
shows() {
  local text
  for text in "$@"; do
    grep -qF -e "$text" output errors || fail "does not show \"$text\""
  done
}

hides() {
  local text
  for text in "$@"; do
    ! grep -qF -e "$text" output errors || fail "shows \"$text\""
  done
}

# The line that begins with the first argument holds these numbers.
row() {
  local kind="$1" found
  shift
  found="$(awk -v kind="$kind" '$1 == kind { $1 = ""; print; exit }' output)"
  [[ $found == " $*" ]] || fail "of $kind it says \"$found\", not \" $*\""
}

# Prints what the account says of the lines that its argument names.
count() {
  awk -v text="$1" 'index($0, text) { print $1 }' output
}

accounts() {
  local read counted parsers writer left
  read="$(count 'were read')"
  counted="$(count 'are counted')"
  parsers="$(count 'a parser failed')"
  writer="$(count 'the writer failed')"
  left="$(count 'were left behind')"
  [[ $read == "$1" ]] || fail "has read $read lines, not $1"
  ((read == counted + parsers + writer + left)) || fail 'does not add up'
  shows 'The account adds up.'
}

# -- what it is for -----------------------------------------------------------

mkdir -p tree/below tree/.hidden nothing
printf 'one two\n\nTODO three\n' >tree/a.txt
printf 'FIXME\n \tx  y z' >tree/below/b.txt # its last line has no end
printf 'int main() {}\n' >tree/below/main.cpp
printf 'no\n' >tree/.hidden/c.txt
printf 'ELF\0\1\2\n' >tree/binary
: >tree/empty.md

run 0 tree
row .txt 2 5 1 8 2
row .cpp 1 1 0 3 0
accounts 6
shows '0 restarts'
hides .md '(none)' binary 'failed: '

run 0 --parsers=1 tree/a.txt tree/below
row .txt 2 5 1 8 2
accounts 6

printf 'from a pipe\n' | run 0
row '(none)' 1 1 0 3 0
printf 'from a pipe\n' | run 0 tree/a.txt -
row .txt 1 3 1 4 1
accounts 4

run 0 --help
shows 'Usage: pipeline' --chaos --parsers --seed

# -- nothing, and what cannot be read -----------------------------------------

run 0 </dev/null
accounts 0
run 0 nothing tree/empty.md
accounts 0

run 1 missing.txt tree/a.txt tree/binary
shows 'missing.txt cannot be read: No such file or directory' \
  'tree/binary cannot be read: it holds zero bytes, so it is no text'
row .txt 1 3 1 4 1
accounts 3

for bad in --parsers=0 --parsers=-1 --parsers=many --chaos=2 --chaos=-0.1 \
  --chaos=nan --chaos=much --seed=x --no-such-option -x --seed; do
  run 2 tree "$bad"
  shows 'pipeline: ' '; see --help'
  hides 'were read'
done
run 2 - -
shows 'only once'

# -- faults -------------------------------------------------------------------

for ((i = 1; i <= 3000; ++i)); do
  echo "line $i"
done >many.txt

# What fails depends on the seed alone.
run 0 --chaos 0.02 --seed 7 many.txt
accounts 3000
shows 'failed: chaos at many.txt:' 'again in' 'begins life no. 2' \
  '... and so on'
lost="$(count 'a parser failed')"
((lost > 20 && lost < 120)) || fail "has lost $lost of 3000 with --chaos 0.02"
(($(count 'the writer failed') > 0)) || fail 'the writer never failed'
(($(count 'were left behind') == 0)) || fail 'has left lines behind'
shows "$((lost + $(count 'the writer failed'))) restarts"
mv output first
run 0 many.txt --seed=7 --parsers 2 --chaos=0.02
cmp -s first output || fail 'the same seed has given another result'
run 0 --chaos 0.02 --seed 8 many.txt
accounts 3000
! cmp -s first output || fail 'another seed has given the same result'

# Everything fails, and it comes to its end nevertheless.
run 0 --chaos 1 tree
accounts 6
(($(count 'a parser failed') == 6)) || fail 'not all have failed'

((failures == 0)) || { echo "$failures failures"; exit 1; }
