#!/usr/bin/env bash
# Runs the program simple_worker, whose path is the first argument.
set -euo pipefail

program="$(realpath "$1")"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work" # without anybody's caf-application.conf

"$program" --time=2500ms >output
diff - output <<'END'
Hello from simple_worker in state init
Hello from simple_worker in state running
Hello from simple_worker in state running
Hello from simple_worker in state running
Hello from simple_worker in state stopped
END

if "$program" --time=-1s >output 2>&1; then
  echo 'a negative time was accepted'
  exit 1
fi
grep -q 'must not be negative' output
