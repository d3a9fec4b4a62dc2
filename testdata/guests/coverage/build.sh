#!/usr/bin/env bash
# Makes counted.wasm of counted.c, and split-4.wasm and split-5.wasm, whose functions' debug
# information is in files that are not kept. Needs clang-19, lld-19 and wasm-tools.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
clang-19 --target=wasm32-unknown-unknown -nostdlib -O0 -g -Wl,--no-entry -fuse-ld=lld "-fdebug-prefix-map=$PWD=/guests/coverage" \
  counted.c -o "$work/core.wasm"
component() {
  wasm-tools component embed ../wit/0.2.12 -w proxy "$1" -o "$work/embedded.wasm"
  wasm-tools component new "$work/embedded.wasm" -o "$2"
}
component "$work/core.wasm" counted.wasm
for version in 4 5; do
  (cp counted.c "$work" && cd "$work" &&
    clang-19 --target=wasm32-unknown-unknown -O0 -g "-gdwarf-$version" -gsplit-dwarf \
      "-fdebug-prefix-map=$PWD=/guests/coverage" -c counted.c &&
    wasm-ld-19 --no-entry counted.o -o "split-$version.wasm")
  component "$work/split-$version.wasm" "split-$version.wasm"
done
