# shellcheck shell=bash
# What the scripts share. Source it after `set -euo pipefail`.

repo="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

# What was compiled in one checkout need not be compiled again in another one.
export CCACHE_BASEDIR="$repo" CCACHE_NOHASHDIR=1
# It need not look at the macros of a precompiled header, which the header's
# own text decides.
export CCACHE_SLOPPINESS=pch_defines,time_macros
cache="${TROUPE_CACHE:-${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}/troupe}"
[[ $cache == /* ]] || cache="$PWD/$cache"
jobs="${TROUPE_JOBS:-$(nproc 2>/dev/null || echo 2)}"

# -- talking to the person in front of the screen -----------------------------

script_name="$(basename "$0")"

say() {
  printf '[%s] %s\n' "$script_name" "$*" >&2
}

die() {
  printf '[%s] error: %s\n' "$script_name" "$1" >&2
  shift
  if (($# > 0)); then
    printf '    %s\n' "$@" >&2
  fi
  exit 1
}

# Prints the leading comment of the calling script, which is its help text.
usage() {
  awk 'NR == 1 { next } /^#/ { sub(/^# ?/, ""); print; next } { exit }' "$0"
}

# Prints seconds as minutes and seconds.
duration() {
  printf '%d:%02d' $(($1 / 60)) $(($1 % 60))
}

# Runs a command with its output in a log; says its name, how far it is (when
# the output is Ninja's) and how long it took. On failure, shows the log's end.
quietly() {
  local what="$1" log="$2"
  shift 2
  local begin=$SECONDS shown=0 line
  mkdir -p "$(dirname "$log")"
  say "$what ..."
  if NINJA_STATUS='[%f/%t] ' "$@" 2>&1 </dev/null | while IFS= read -r line; do
    printf '%s\n' "$line"
    if [[ $line =~ ^\[([0-9]+)/([0-9]+)\]\  ]]; then
      local percent=$((100 * BASH_REMATCH[1] / BASH_REMATCH[2]))
      if ((percent >= shown + 10)); then
        shown=$((percent / 10 * 10))
        say "  $shown% after $(duration $((SECONDS - begin)))"
      fi
    fi
  done >"$log"; then
    say "$what: done in $(duration $((SECONDS - begin)))"
  else
    say "$what: FAILED; the end of $log:"
    tail -n 40 "$log" >&2
    return 1
  fi
}

# -- what the presets need ----------------------------------------------------

# Every configure preset of CMakePresets.json.
all_presets=(debug release asan-ubsan asan-gcc tsan clang)

# Prints the sanitizer that the dependencies of a preset must be built with. It
# is ThreadSanitizer alone: it reports nonsense unless it sees every access.
dependency_sanitizer() {
  if [[ $1 == tsan ]]; then
    echo thread
  fi
}

is_preset() {
  [[ " ${all_presets[*]} " == *" $1 "* ]]
}

require_preset() {
  is_preset "$1" || die "no preset \"$1\"" "there are: ${all_presets[*]}"
}

# Configures one preset; further arguments go to `cmake`.
configure_preset() {
  local preset="$1" prefixes
  shift
  prefixes="$("$repo/scripts/bootstrap" --print-prefixes "$preset")"
  say "configuring build/$preset"
  # What was found before is forgotten: the prefixes may have changed.
  (cd "$repo" && env -u CAF_ROOT "CMAKE_PREFIX_PATH=$prefixes" \
    cmake --preset "$preset" -U CAF_DIR -U Catch2_DIR "$@" >&2 </dev/null)
}

# Configures and builds one preset; further arguments go to `cmake --build`.
build_preset() {
  local preset="$1"
  shift
  configure_preset "$preset"
  say "building build/$preset"
  (cd "$repo" \
    && cmake --build "build/$preset" --parallel "$jobs" "$@" >&2 </dev/null)
}

# Prints what a configured preset is built with: "GCC 12.2.0, CAF 0.18.7".
toolchain() {
  local cmake_cache="$repo/build/$1/CMakeCache.txt" compiler caf
  compiler="$(sed -n 's/^CMAKE_CXX_COMPILER:.*=//p' "$cmake_cache")"
  caf="$(sed -n 's/^CAF_DIR:.*=//p' "$cmake_cache")"
  printf 'GCC %s, CAF %s\n' "$("$compiler" -dumpfullversion)" \
    "$(sed -n 's/^set(PACKAGE_VERSION "\(.*\)")$/\1/p' \
      "$caf/CAFConfigVersion.cmake")"
}
