#!/usr/bin/env bash
# Makes counted.wasm of counted.c. Needs clang-19, lld-19 and wasm-tools.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
clang-19 --target=wasm32-unknown-unknown -nostdlib -O0 -g -Wl,--no-entry -fuse-ld=lld "-fdebug-prefix-map=$PWD=/guests/coverage" \
  counted.c -o "$work/core.wasm"
wasm-tools component embed ../wit/0.2.12 -w proxy "$work/core.wasm" -o "$work/embedded.wasm"
wasm-tools component new "$work/embedded.wasm" -o counted.wasm
