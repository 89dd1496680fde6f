#!/usr/bin/env bash
# onnxruntime 1.32.0, Linux wheel of PyPI.
# Expected: importing a library for inference writes nothing, and disable_telemetry_events(), called
#   at once, keeps it from recording anything (its documentation speaks of Windows builds only).
# Seen: the import alone leaves a lasting device id and a database of events in the user's cache
#   folder; disable_telemetry_events() can only be called after that. Only ORT_DISABLE_TELEMETRY=1,
#   set before the import, prevents it. (With CI set in the environment nothing is left either, so
#   that a test in CI does not see it.)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnxruntime==1.32.0 2>/dev/null

left() { # a name, then VARIABLE=value …: run the import in an empty home and list what it leaves
  home="$folder/$1"
  shift
  mkdir "$home"
  env -u CI "$@" HOME="$home" XDG_CACHE_HOME="$home/cache" "$folder/venv/bin/python" -c \
    'import onnxruntime; onnxruntime.disable_telemetry_events()'
  (cd "$home" && find . -type f ! -name '*.db-*' | sort)
}

default=$(left default MARK=1)
disabled=$(left disabled ORT_DISABLE_TELEMETRY=1)
printf 'onnxruntime 1.32.0\nafter an import and disable_telemetry_events():\n%s\n' "$default"
printf 'with ORT_DISABLE_TELEMETRY=1:\n%s\n' "${disabled:-(nothing)}"
grep -q '/deviceid$' <<< "$default" || { echo "changed: no device id is left"; exit 1; }
[ -z "$disabled" ] || { echo "changed: the variable no longer prevents it"; exit 1; }
