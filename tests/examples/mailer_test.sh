#!/usr/bin/env bash
# The mailer is killed again and again, by itself, two of it at a time; in the
# end each letter was delivered, and the account says so. Then eight at a time
# share one file.
#
#   mailer_test.sh PROGRAM
set -euo pipefail

program="$(readlink -f "$1")"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"

readers=60
options=(--database=mail.db --outbox=out "--readers=$readers" --deadly=3)
kills=0
for ((run = 1; ; ++run)); do
  ((run <= 500)) || { echo "500 runs, and no end" >&2; exit 1; }
  "$program" "${options[@]}" >second.txt 2>second.err &
  other=$!
  code=0
  "$program" "${options[@]}" >first.txt 2>first.err || code=$?
  other_code=0
  wait "$other" || other_code=$?
  for x in "$code" "$other_code"; do
    case "$x" in
      0) ;;
      137) kills=$((kills + 1)) ;;
      *)
        echo "exit code $x" >&2
        cat ./*.txt ./*.err >&2
        exit 1
        ;;
    esac
  done
  ((code != 0 && other_code != 0)) || break
done
[[ $code == 0 ]] || mv second.txt first.txt
grep -qx "$readers put, $readers delivered, 0 buried, 0 waiting" first.txt || {
  echo "the account is wrong:" >&2
  cat first.txt first.err >&2
  exit 1
}
delivered="$(cut -d' ' -f3 out | sort -u | wc -l)"
[[ $delivered == "$readers" ]] || {
  echo "$delivered of $readers were delivered" >&2
  exit 1
}
# Eight of it share one file, and none is in the way of another.
rm -f ./*
running=()
for i in 1 2 3 4 5 6 7 8; do
  "$program" --database=mail.db --outbox=out --readers=300 >"$i.txt" 2>&1 &
  running+=($!)
done
for x in "${running[@]}"; do
  wait "$x" || {
    echo "one of eight has failed:" >&2
    cat ./*.txt >&2
    exit 1
  }
done
[[ $(wc -l <out) == 300 && $(cut -d' ' -f1 out | sort -u | wc -l) == 300 ]] || {
  echo "of 300 letters there were $(wc -l <out) deliveries" >&2
  exit 1
}
echo "$run runs, $kills kills"
