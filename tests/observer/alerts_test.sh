#!/usr/bin/env bash
# The alerts and the dashboard of docs/operator: promtool tries the alerts, and
# each metric that either of them names is one that the header of the metrics
# tells of.
#
#   alerts_test.sh PROMTOOL CMAKE
set -euo pipefail

promtool="$1" cmake="$2"
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

"$promtool" check rules docs/operator/alerts.yml
"$promtool" test rules docs/operator/alerts_test.yml

# As Prometheus has the names: troupe.job-failures (counter) is
# troupe_job_failures_total.
known="$(sed -nE 's#^/// - `(troupe\.[a-z-]+)` \((.*)#\1 \2#p; s#^/// - `(troupe\.[a-z-]+)`, `(troupe\.[a-z-]+)`, `(troupe\.[a-z-]+)` \(counters.*#\1 counter\n\2 counter\n\3 counter#p' \
  include/troupe/observer/metrics.hpp \
  | sed -E 's/^([^ ]*) counter.*/\1_total/; s/^([^ ]*) .*seconds.*/\1_seconds/; s/ .*//; s/[.-]/_/g' \
  | sort -u)"
used="$(grep -ohE 'troupe_[a-z_]+' docs/operator/alerts.yml docs/operator/dashboard.json \
  | sed -E 's/_(bucket|sum|count)$//' | sort -u)"
unknown="$(comm -13 <(echo "$known") <(echo "$used"))"
if [[ -n $unknown ]]; then
  echo "no metrics of these names: $unknown" >&2
  exit 1
fi
script="$(mktemp)"
trap 'rm -f "$script"' EXIT
cat >"$script" <<'END'
file(READ docs/operator/dashboard.json text)
string(JSON panels LENGTH "${text}" panels)
END
"$cmake" -P "$script"
echo "$(wc -l <<<"$used") metrics are used, of $(wc -l <<<"$known")"
