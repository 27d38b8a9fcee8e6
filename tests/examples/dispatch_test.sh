#!/usr/bin/env bash
# Runs the program dispatch, whose path is the first argument.
set -euo pipefail

program="$(realpath "$1")"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work" # without anybody's caf-application.conf

"$program" >output <<'END'
order 3 lamps
order many lamps
complaint it is dark
refund 1 lamps
order 2 chairs
stock lamps
stock chairs
stock
END
diff - output <<'END'
welcome to the shop
mail: your order of 3 lamps
mail: your order of many lamps
order failed: "many lamps" is no amount; write 3 lamps
nobody knows what to do with: complaint
mail: your order of 2 chairs
lamps: -2
chairs: -2
: 0
the desk has closed: normal
END

"$program" </dev/null >output
diff - output <<'END'
the desk has closed: normal
END
