#!/usr/bin/env bash
# Tests the observer's page in a browser, on a real program.
#
#   page_test.sh STAGE FOLDER
#
# STAGE is the program observer_stage; FOLDER is where the packages from npm and
# the pictures go. Exits with 77 if the packages cannot be had.
set -euo pipefail

stage="$1" folder="$2"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

# A copy, so that the tree of the sources stays as it is.
mkdir -p "$folder/actors/observer" "$folder/tests/observer"
cp "$here/../../actors/observer/page.html" "$folder/actors/observer/"
cp -r "$here/browser" "$folder/tests/observer/"
cd "$folder/tests/observer/browser"
if [[ ! -d node_modules ]] || ! cmp -s package-lock.json node_modules/.locked; then
  if ! npm ci --no-audit --no-fund --loglevel=error; then
    echo "SKIPPED: npm does not give playwright-core"
    exit 77
  fi
  cp package-lock.json node_modules/.locked
fi
SCREENSHOTS="$folder/pictures" TROUPE_STAGE="$stage" npm test
