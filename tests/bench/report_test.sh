#!/usr/bin/env bash
# Tests what troupe_bench writes with --json: in small sizes, each case that
# there is. The arguments are the program and CMake.
set -euo pipefail

program="$(realpath "$1")"
cmake="$2"
here="$(cd "$(dirname "$0")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work" # without anybody's caf-application.conf

"$program" --quick --json rows.json | tee table

maybe_number='NUMBER|NULL'
maybe_text='STRING|NULL'
members="row=STRING;unit=STRING;troupe=NUMBER;peer=$maybe_number"
members+=";peer_name=$maybe_text;ratio=$maybe_number;target=$maybe_text"
members+=";met=BOOLEAN|NULL"
"$cmake" -D "file=$PWD/rows.json" -D "members=$members" \
  -P "$here/check_json.cmake"

# A line in the table for each, its heading and what stands beside them aside.
rows="$(wc -l <rows.json)"
lines="$(tail -n +2 table | grep -cv '^ ')"
[[ $rows == "$lines" ]] || {
  echo "$rows rows are not the $lines lines of the table" >&2
  exit 1
}

# The ratio is that of both values, as far as four digits can tell; whether the
# target is met follows from it. Values are in the same places of each line.
awk '
  function complain(what) {
    print what ": " $0 > "/dev/stderr"
    failed = 1
  }
  {
    match($0, /"troupe": [^,]*, "peer": [^,]*/)
    split(substr($0, RSTART, RLENGTH), part, /[:,] */)
    troupe = part[2]
    peer = part[4]
    match($0, /"ratio": [^,]*, "target": ("[^"]*"|null), "met": [a-z]*/)
    split(substr($0, RSTART, RLENGTH), part, /: |, "/)
    ratio = part[2]
    target = part[4]
    met = part[6]
    if ((peer == "null") != (ratio == "null"))
      complain("a ratio without a peer, or a peer without a ratio")
    if (ratio != "null" \
        && (troupe / peer > ratio * 1.002 || troupe / peer < ratio / 1.002))
      complain("the ratio is not that of the values")
    if ((target == "null") != (met == "null"))
      complain("a target that is neither met nor missed, or no target")
    if (target == "null")
      next
    gsub(/"/, "", target)
    split(target, word, " ")
    value = word[1] == "ratio" ? ratio : troupe
    holds = word[2] == "<=" ? value <= word[3] + 0 : value >= word[3] + 0
    # What is rounded to the limit may be on either side of it.
    if (value + 0 != word[3] + 0 && holds != (met == "true"))
      complain("what is met is not what the target says")
  }
  END { exit failed }' rows.json
