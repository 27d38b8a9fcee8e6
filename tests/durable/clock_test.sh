#!/usr/bin/env bash
# Sets the wall clock of processes that put and handle jobs an hour forward and
# back while they are killed: their leases are times of the monotonic clock, so
# nothing is lost or handled twice by one claim.
#
#   clock_test.sh KILL_LOOP LIBFAKETIME
set -euo pipefail

program="$1" library="$2"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT

set_clock() {
  printf '%s\n' "$1" > "$folder/next"
  mv "$folder/next" "$folder/clock"
}

set_clock +0
LD_PRELOAD="$library" FAKETIME_TIMESTAMP_FILE="$folder/clock" \
  FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 \
  "$program" --seconds 10 &
loop=$!
for shift in +1h -1h +0 +1h -1h; do
  sleep 1.6
  set_clock "$shift"
done
sleep 1
# Jobs that were put in the later hour wait for it.
set_clock +3h
wait "$loop"
