#!/bin/sh
# A server of PostgreSQL's for tests:
#
#   postgres_server.sh BIN FOLDER PORT
#
# BIN has initdb and pg_ctl; FOLDER is empty, and deleted at the end. Says
# "ready", or "failed", then does as each line of its input says and answers
# "done":
#
#   kill    kills the postmaster, so that the server crashes
#   stop    stops the server
#   start   starts it again
#
# At the end of its input the server is stopped. So it does not outlive the test,
# however that ends.
set -u
bin=$1
folder=$2
port=$3

# A terminal asks the whole group to end; the server ends with the test, which
# may be gone before it is answered.
trap '' INT TERM HUP PIPE

# A server that belongs to root does not start.
as_user() {
  if [ "$(id -u)" -eq 0 ]; then
    setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups "$@"
  else
    "$@"
  fi
}

user=postgres
id "$user" >/dev/null 2>&1 || user=nobody
[ "$(id -u)" -ne 0 ] || chown "$user" "$folder"
cd "$folder" || exit 1

start() {
  # A server that was killed has its memory for a moment.
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    as_user "$bin/pg_ctl" -D "$folder/data" -w -t 60 -l "$folder/log" -o "\
      -c listen_addresses=127.0.0.1 -c port=$port -c max_connections=60 \
      -c unix_socket_directories=$folder" start >/dev/null 2>&1 && return 0
    # Somebody else has got the port.
    grep -q 'Address already in use' "$folder/log" && return 1
    sleep 1
  done
  return 1
}

stop() {
  as_user "$bin/pg_ctl" -D "$folder/data" -m "$1" -w stop >/dev/null 2>&1
}

echo secret >"$folder/password"
chmod 644 "$folder/password"
if as_user "$bin/initdb" -D "$folder/data" -N -U troupe -E UTF8 --locale=C \
  -A scram-sha-256 --pwfile="$folder/password" >"$folder/initdb.log" 2>&1 \
  && start; then
  echo ready
else
  cat "$folder/initdb.log" "$folder/log" >&2
  echo failed
fi

while read -r command; do
  case $command in
    kill)
      kill -KILL "$(head -n 1 "$folder/data/postmaster.pid")"
      ;;
    stop) stop fast ;;
    start) start ;;
  esac
  echo 'done'
done

stop immediate
cd /
rm -rf "$folder"
