#!/usr/bin/env bash
# The story of examples/cluster comes to its end: bills are sent by one process
# after another, with tokens that grow.
set -euo pipefail
program="$1"
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"

# Bad input is answered by a sentence.
expect() {
  local answer
  answer="$("$program" "${@:2}" 2>&1)" && {
    echo "it does not refuse ${*:2}" >&2
    exit 1
  }
  grep -qF "$1" <<<"$answer" || {
    printf 'it says "%s", not "%s"\n' "$answer" "$1" >&2
    exit 1
  }
}
expect 'a node has no name'
expect 'the endpoint "nowhere" is not of the form' --name=a --etcd=nowhere
expect 'the ttl is not a whole number of seconds from 2 s to 1 h' --name=a --ttl=1

if ! command -v etcd >/dev/null; then
  echo "etcd is not there: its story is not told (Debian: etcd-server)"
  exit 0
fi
"$root/examples/cluster/story" "$program" | tee /dev/stderr \
  | grep -q 'the tokens grew: [0-9]* [0-9]* [0-9]* [0-9]*$'
