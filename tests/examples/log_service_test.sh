#!/usr/bin/env bash
# Lines by two clients, while parsers are killed and the service is stopped in
# the midst: each line that was accepted is in the file, or was a dead letter.
#
#   log_service_test.sh PROGRAM
set -euo pipefail

program="$(readlink -f "$1")"
work="$(mktemp -d)"
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

fail() {
  echo "$*" >&2
  cat ./*.txt >&2
  exit 1
}

# Starts the service and sets `port`, and `service`, its process.
start() {
  mkfifo said
  "$program" --database=log.db --port=0 --troupe.observer.port=0 "$@" \
    >said 2>err.txt &
  service=$!
  exec 3<said
  rm said
  : >out.txt
  while read -r line <&3; do
    echo "$line" >>out.txt
    [[ $line != "lines on 127.0.0.1:"* ]] || break
  done
  port="${line##*:}"
  cat <&3 >>out.txt &
  copy=$!
}

# Stops it, and checks its account.
stop() {
  local code=0
  kill -TERM "$service"
  wait "$service" || code=$?
  wait "$copy"
  exec 3<&-
  [[ $code == 0 ]] || fail "exit code $code"
  read -r accepted _ stored _ dead _ < <(tail -n 1 out.txt)
  [[ $accepted == $((stored + dead)) ]] || fail "the account is wrong"
}

# All of it comes through, whatever happens to the parsers.
start --sabotage=5
"$program" --feed=20000 "--port=$port" >one.txt &
one=$!
"$program" --feed=20000 "--port=$port" >two.txt
wait "$one"
# One that cannot be read.
exec 4<>"/dev/tcp/127.0.0.1/$port"
printf 'this is not a line\nhost9 INFO this is one\nan end is missing' >&4
kill -0 "$service"
# The client hears at the stop how many were taken.
"$program" --feed=5000 "--port=$port" >three.txt
stop
read -r answer <&4
exec 4<&-
[[ $answer == "accepted 2" ]] || fail "the client got: $answer"
[[ $accepted == 45002 && $dead == 1 ]] || fail "$accepted were accepted"
grep -q 'parsers/.*failed.*is not SOURCE LEVEL TEXT: this is not' err.txt \
  || fail "the line that cannot be read is not told"

# In the midst of a stream: what the client was told is what there is.
start --sabotage=5
"$program" --feed=1000000 "--port=$port" >four.txt &
client=$!
until [[ -s log.db-wal ]]; do sleep 0.02; done
stop
code=0
wait "$client" || code=$?
[[ $code == 1 ]] || fail "the client has sent all before the stop"
grep -qx "$accepted of 1000000 lines accepted" four.txt \
  || fail "the client was told: $(cat four.txt)"
echo "stopped after $accepted of 1000000 lines"
