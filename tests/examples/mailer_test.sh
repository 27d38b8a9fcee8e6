#!/usr/bin/env bash
# The mailer is killed again and again, by itself, two of it at a time, while
# names are posted; in the end each letter was delivered, and the account says
# so. Then eight at a time share one file.
#
#   mailer_test.sh PROGRAM
set -euo pipefail

program="$(readlink -f "$1")"
work="$(mktemp -d)"
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

# A port that is free, as far as one can tell.
port=$((20000 + RANDOM % 10000))
while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
  port=$((port + 1))
done

names=60
options=(--database=mail.db --outbox=out "--until=$names" --deadly=3)
"$program" "--post=$names" "--port=$port" >posted.txt &
client=$!
kills=0
for ((run = 1; ; ++run)); do
  ((run <= 500)) || { echo "500 runs, and no end" >&2; exit 1; }
  "$program" "${options[@]}" --port=0 >second.txt 2>second.err &
  other=$!
  code=0
  "$program" "${options[@]}" "--port=$port" >first.txt 2>first.err || code=$?
  # Nobody takes names any more, so the other one may wait for ever.
  kill "$other" 2>/dev/null || true
  other_code=0
  wait "$other" || other_code=$?
  for x in "$code" "$other_code"; do
    case "$x" in
      0 | 143) ;;
      137) kills=$((kills + 1)) ;;
      *)
        echo "exit code $x" >&2
        cat ./*.txt ./*.err >&2
        exit 1
        ;;
    esac
  done
  # The client may have missed the last answer, and asks again.
  ((code != 0)) || kill -0 "$client" 2>/dev/null || break
done
wait "$client"
grep -qx "$names posted" posted.txt
grep -qx "$names put, $names delivered, 0 buried, 0 waiting" first.txt || {
  echo "the account is wrong:" >&2
  cat first.txt first.err >&2
  exit 1
}
delivered="$(cut -d' ' -f3 out | sort -u | wc -l)"
[[ $delivered == "$names" ]] || {
  echo "$delivered of $names were delivered" >&2
  exit 1
}
# Eight of it share one file, and none is in the way of another.
rm -f ./*
running=()
for i in 1 2 3 4 5 6 7 8; do
  "$program" --database=mail.db --outbox=out --until=300 \
    "--port=$((i == 1 ? port : 0))" >"$i.txt" 2>&1 &
  running+=($!)
done
"$program" --post=300 "--port=$port" >posted.txt
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
