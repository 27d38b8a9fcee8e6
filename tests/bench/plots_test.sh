#!/usr/bin/env bash
# Tests what troupe_bench measures for the plots, in small sizes, and, where
# there is Gnuplot, that it draws them. The arguments are the program, CMake and
# the folder of the plots.
set -euo pipefail

program="$(realpath "$1")"
cmake="$2"
plots="$(realpath "$3")"
here="$(cd "$(dirname "$0")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work" # without anybody's caf-application.conf

"$program" --quick --series series

check() {
  "$cmake" -D "file=$1" -D "members=size=NUMBER;runs=NUMBER;$2;what=STRING" \
    -P "$here/check_json.cmake"
}

# What was measured here, and what the plots in docs were drawn from.
for folder in "$work/series" "$plots"; do
  check "$folder/workers.json" "start=NUMBER;bytes=NUMBER;stop=NUMBER"
  check "$folder/timers.json" "arm=NUMBER;pair=NUMBER"
done

command -v gnuplot >/dev/null || {
  echo "there is no Gnuplot: nothing is drawn"
  exit
}

draw() {
  (cd "$plots" && gnuplot -c "$1.gnuplot" "$2/$1.json" "$3")
}

for name in workers timers; do
  draw "$name" "$plots" "$work/first.svg" 2>errors
  draw "$name" "$plots" "$work/second.svg" 2>>errors
  draw "$name" "$work/series" "$work/other.svg" 2>>errors
  if [[ -s errors ]]; then
    cat errors >&2
    exit 1
  fi
  cmp first.svg second.svg # the same data, the same picture
  ! cmp -s first.svg other.svg || {
    echo "$name.svg does not show the data" >&2
    exit 1
  }
  grep -q 'troupe' first.svg
  grep -q 'raw CAF' first.svg
done
