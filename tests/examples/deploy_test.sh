#!/usr/bin/env bash
# Checks that what stands in examples/deploy goes together, and with the library:
# the root of the repository is the first argument.
set -euo pipefail

root="$(realpath "$1")"
unit="$root/examples/deploy/pipeline.service"
manifest="$root/examples/deploy/pipeline.yaml"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

failures=0

fail() {
  printf 'FAILED: %s\n' "$1"
  failures=$((failures + 1))
}

# -- what the files say ----------------------------------------------------------

# Prints the last value of a setting of the unit.
setting() {
  sed -n "s/^$1=//p" "$unit" | tail -n 1
}

# The same as a number of seconds, which is how all of them are written.
seconds() {
  local value
  value="$(setting "$1")"
  [[ $value =~ ^[0-9]+s$ ]] || { fail "$1 is \"$value\""; value=0s; }
  printf '%s' "${value%s}"
}

# Prints the value of the key $2 of the manifest, below the key $1.
below() {
  awk -v above="$1:" -v key="$2:" '
    $1 == "#" { next }
    { match($0, /^ */); indent = RLENGTH }
    inside && indent <= depth { inside = 0 }
    $1 == above { inside = 1; depth = indent }
    inside && $1 == key { print $2 }
  ' "$manifest"
}

stop_timeout="$(sed -nE \
  's/.*option_time stop_timeout = std::chrono::seconds\{([0-9]+)\};.*/\1/p' \
  "$root/include/troupe/run.hpp")"
[[ -n $stop_timeout ]] || fail 'run.hpp does not say how long a stop may take'

# -- systemd ---------------------------------------------------------------------

margin=5
(($(seconds TimeoutStopSec) >= stop_timeout + margin)) \
  || fail "TimeoutStopSec is not $margin s longer than $stop_timeout s"
(($(seconds WatchdogSec) > 0)) || fail 'no WatchdogSec'
(($(seconds TimeoutStartSec) > 0)) || fail 'no TimeoutStartSec'
for expected in Type=notify NotifyAccess=main KillMode=mixed KillSignal=SIGTERM \
  Restart=on-failure; do
  grep -qx "$expected" "$unit" || fail "the unit lacks $expected"
done
# Without it nothing would reach systemd.
[[ " $(setting RestrictAddressFamilies) " == *' AF_UNIX '* ]] \
  || fail 'RestrictAddressFamilies lacks AF_UNIX'

if command -v systemd-analyze >/dev/null; then
  # The program is not there, so another one takes its place.
  sed 's#^ExecStart=.*#ExecStart=/bin/true#' "$unit" >"$work/pipeline.service"
  systemd-analyze verify "$work/pipeline.service" >"$work/verify" 2>&1 \
    || { cat "$work/verify"; fail 'systemd-analyze verify'; }
  ! grep -F pipeline.service "$work/verify" || fail 'systemd-analyze complains'
else
  echo 'systemd-analyze is not there: the unit is not verified'
fi

# -- Kubernetes --------------------------------------------------------------------

grace="$(below spec terminationGracePeriodSeconds)"
[[ $grace =~ ^[0-9]+$ ]] || { fail "the grace period is \"$grace\""; grace=0; }
hook="$(below preStop seconds)"
((grace >= stop_timeout + ${hook:-0} + margin)) \
  || fail "$grace s of grace are not $margin s longer than ${hook:-0} + \
$stop_timeout s"

port="$(below ports containerPort)"
for probe in startupProbe livenessProbe readinessProbe; do
  path="$(below "$probe" path)"
  [[ -n $path ]] || fail "there is no $probe"
  grep -qF "\`GET $path\`" "$root/docs/observer.md" \
    || fail "$probe asks for \"$path\", which docs/observer.md does not know"
  [[ $(below "$probe" port) == "$(below ports name | head -n 1)" \
    || $(below "$probe" port) == observer ]] || fail "the port of $probe"
  for key in periodSeconds timeoutSeconds failureThreshold; do
    [[ $(below "$probe" "$key") =~ ^[1-9][0-9]*$ ]] || fail "$key of $probe"
  done
done
[[ $(below livenessProbe path) == /healthz ]] || fail 'the livenessProbe'
[[ $(below readinessProbe path) == /readyz ]] || fail 'the readinessProbe'
[[ $(below annotations prometheus.io/port) == "\"$port\"" ]] \
  || fail 'Prometheus is sent to another port'
grep -q "^ *- name: observer$" "$manifest" || fail 'no port is named observer'
liveness=$(($(below livenessProbe periodSeconds) \
  * $(below livenessProbe failureThreshold)))
((liveness == $(seconds WatchdogSec))) \
  || fail "the livenessProbe waits for $liveness s, the watchdog does not"
startup=$(($(below startupProbe periodSeconds) \
  * $(below startupProbe failureThreshold)))
((startup == $(seconds TimeoutStartSec))) \
  || fail "the startupProbe waits for $startup s, TimeoutStartSec does not"

if /usr/bin/env python3 -c 'import yaml' 2>/dev/null; then
  /usr/bin/env python3 - "$manifest" 2>"$work/errors" <<'PYTHON' \
    || { tail -n 3 "$work/errors"; fail 'the manifest is wrong'; }
import sys
import yaml

documents = list(yaml.safe_load_all(open(sys.argv[1], encoding="utf-8")))
assert [x["kind"] for x in documents] == ["Deployment"]
spec = documents[0]["spec"]
labels = spec["template"]["metadata"]["labels"]
assert spec["selector"]["matchLabels"].items() <= labels.items()
ports = [p["name"] for c in spec["template"]["spec"]["containers"]
         for p in c["ports"]]
for container in spec["template"]["spec"]["containers"]:
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[kind]["httpGet"]["port"] in ports, kind
PYTHON
else
  echo 'python3 has no yaml: the manifest is not parsed'
fi

# -- what is said about them ---------------------------------------------------------

readme="$root/examples/deploy/README.md"
for text in "TimeoutStopSec=$(setting TimeoutStopSec)" \
  "TimeoutStartSec=$(setting TimeoutStartSec)" \
  "WatchdogSec=$(setting WatchdogSec)" \
  "terminationGracePeriodSeconds: $grace" "stop_timeout is $stop_timeout s"; do
  grep -qF "$text" "$readme" || fail "README.md does not say $text"
done

((failures == 0)) || { echo "$failures failures"; exit 1; }
