#!/usr/bin/env bash
# Makes the virtual environment of the peers, by default in the system's temporary folder; prints its python.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
venv="${SORA_PEERS:-${TMPDIR:-/tmp}/sora-peers}"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --requirement "$here/requirements.txt" >&2
echo "$venv/bin/python"
