#!/usr/bin/env bash
# Makes the virtual environment of the peers, by default in the system's temporary folder; prints its python.
# River, Vowpal Wabbit (which has no wheel beyond Python 3.11) and onnxruntime-node go into folders beside it.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
venv="${SORA_PEERS:-${TMPDIR:-/tmp}/sora-peers}"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --requirement "$here/requirements.txt" >&2
river="${SORA_RIVER:-${TMPDIR:-/tmp}/sora-river}"
[ -x "$river/bin/python" ] || python3 -m venv "$river"
"$river/bin/pip" install --quiet river==0.26.1 >&2
vw="${SORA_VW:-${TMPDIR:-/tmp}/sora-vw}"
[ -x "$vw/bin/python" ] || "${SORA_PYTHON_VW:-python3.11}" -m venv "$vw"
"$vw/bin/pip" install --quiet vowpalwabbit==9.11.9 >&2
# Its script would download what only a GPU needs.
ort="${SORA_ORT:-${TMPDIR:-/tmp}/sora-ort}"
mkdir -p "$ort"
npm install --silent --ignore-scripts --no-save --prefix "$ort" onnxruntime-node@1.30.0 >&2
echo "$venv/bin/python"
