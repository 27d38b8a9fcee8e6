#!/usr/bin/env bash
# Runs the program adopt, whose path is the first argument, and compares what it
# prints with what its source says.
set -euo pipefail

here="$(dirname "$(realpath "$0")")"
exec bash "$here/check_output.sh" "$1" "$here/../../examples/adopt/main.cpp"
