#!/usr/bin/env bash
# Runs a program and compares what it prints with what its source says: the
# comment after the line "// Output:", at its end.
#
#   check_output.sh PROGRAM SOURCE
set -euo pipefail

program="$(realpath "$1")"
source="$(realpath "$2")"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work" # without anybody's caf-application.conf

awk 'inside { if (!sub(/^\/\/     /, "")) sub(/^\/\//, ""); print }
     /^\/\/ Output:$/ { inside = 1 }' "$source" >expected
[[ -s expected ]] || {
  echo "$source does not say what it prints"
  exit 1
}

"$program" >printed </dev/null
diff -u expected printed
