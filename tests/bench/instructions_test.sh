#!/usr/bin/env bash
# Tests how scripts/instructions, whose path is the first argument, compares.
set -euo pipefail

script="$(realpath "$1")"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"

# Writes a file: its name, and the instructions of `ask` and `start`.
counts() {
  cat >"$1" <<END
# Built with a compiler
send_receive        900
ask          $2
sleep              4000
start        $3
stop              20000
restart           40000
END
}

# Compares two files; their difference is in the file output then.
compare() {
  "$script" --compare "$1" "$2" >output 2>&1
}

fail() {
  echo "$1:" >&2
  cat output >&2
  exit 1
}

counts before 6000 20000

compare before before || fail "the same counts do not pass"
if grep -q -e MORE -e 'write it down' output; then
  fail "the same counts are not told to be the same"
fi

counts now 6300 19000
compare before now || fail "5 % more or less do not pass"
if grep -q 'write it down' output; then
  fail "5 % less are told to be worth a change"
fi

counts now 6301 20000
if compare before now; then
  fail "more than 5 % more pass"
fi
grep -q '^ask .*MORE' output || fail "the path is not told"
grep -q 'more instructions than before: ask$' output || fail "the path is not told"
[[ $(grep -c 'MORE' output) == 1 ]] || fail "others are blamed"

counts now 6301 40000
if compare before now; then
  fail "two that are dearer pass"
fi
grep -q 'before: ask start$' output || fail "not both are told"

counts now 6000 18999
compare before now || fail "fewer instructions do not pass"
grep -q '^start .*write it down' output || fail "fewer are not told"

sed 's/^# Built with.*/# Built with another compiler/' before >now
compare before now || fail "another compiler does not pass"
grep -q 'a compiler is compared with another compiler' output \
  || fail "another compiler is not told"

sed '/^sleep/d' before >now
if compare before now; then
  fail "a file without a path passes"
fi
grep -q 'now does not know the path sleep' output || fail "it is not told why"
