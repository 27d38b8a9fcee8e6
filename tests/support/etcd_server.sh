#!/bin/sh
# A server of etcd's for tests:
#
#   etcd_server.sh ETCD FOLDER PORT PEER_PORT
#
# FOLDER is empty, and deleted at the end. Says "ready", or "failed", then does
# as each line of its input says and answers "done":
#
#   kill      kills the server
#   start     starts it again
#   pause     stops its process
#   continue  lets it go on
#
# At the end of its input the server is killed. So it does not outlive the test,
# however that ends.
set -u
etcd=$1
folder=$2
url=http://127.0.0.1:$3
peer_url=http://127.0.0.1:$4

# A terminal asks the whole group to end; the server ends with the test, which
# may be gone before it is answered.
trap '' INT TERM HUP PIPE

cd "$folder" || exit 1

is_ready() {
  grep -q 'ready to serve client requests' "$folder/log" 2>/dev/null
}

start() {
  ETCD_UNSUPPORTED_ARCH=$(uname -m) "$etcd" --data-dir "$folder/data" \
    --listen-client-urls "$url" --advertise-client-urls "$url" \
    --listen-peer-urls "$peer_url" --initial-advertise-peer-urls "$peer_url" \
    --initial-cluster "default=$peer_url" \
    </dev/null >"$folder/log" 2>&1 &
  pid=$!
  for _ in $(seq 200); do
    is_ready && return 0
    kill -0 "$pid" 2>/dev/null || return 1
    sleep 0.05
  done
  return 1
}

finish() {
  kill -KILL "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
}

if start; then
  echo ready
else
  cat "$folder/log" >&2
  echo failed
fi

while read -r command; do
  case $command in
    kill) finish ;;
    start) start ;;
    pause) kill -STOP "$pid" ;;
    continue) kill -CONT "$pid" ;;
  esac
  echo 'done'
done

finish
cd /
rm -rf "$folder"
