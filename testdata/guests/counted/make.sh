#!/usr/bin/env bash
# Makes counted.wasm. Needs wasm-tools in PATH, as ../build.sh --tools py-kitchen installs it. The
# result is committed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
wasm-tools component embed ../wit/0.2.12 -w proxy counted.wat -o "$work/embedded.wasm"
wasm-tools component new "$work/embedded.wasm" -o counted.wasm
wasm-tools strip -a counted.wasm -o counted.wasm
