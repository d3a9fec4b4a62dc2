#!/usr/bin/env bash
# Makes the components that cannot be served from the text beside this script. Needs wasm-tools in PATH, as
# ../build.sh --tools py-kitchen installs it. The results are committed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for name in core-module core-wasip1 command command-cat command-config command-error command-spin command-trap command-words later-code later-http library invalid no-handle other-words said-at-start wrong-export wrong-type; do
  wasm-tools parse "$name.wat" -o "$name.wasm"
done

# dummy NAME WITDIR WORLD: a component whose functions only trap.
dummy() {
  wasm-tools component embed --dummy "$2" -w "$3" -o "$work/core.wasm"
  wasm-tools component new "$work/core.wasm" -o "$1.wasm"
}

for name in unknown-import unknown-function unknown-proposal; do
  rm -rf "$work/wit"
  cp -r ../wit/0.2.12 "$work/wit"
  cp "$name.wit" "$work/wit/world.wit"
  dummy "$name" "$work/wit" "$name"
done

# at_start NAME CODE: a handler whose start function runs the code.
at_start() {
  wasm-tools component embed --dummy ../wit/0.2.12 -w hello -o "$work/core.wasm"
  wasm-tools print "$work/core.wasm" | sed "\$ s/)\$/(func \$at-start $2) (start \$at-start))/" >"$work/core.wat"
  wasm-tools parse "$work/core.wat" -o "$work/core.wasm"
  wasm-tools component new "$work/core.wasm" -o "$1.wasm"
}

at_start trap-at-start unreachable
at_start spin-at-start 'loop br 0 end'

# A release candidate of 0.3: the final text under a candidate's version.
rm -rf "$work/wit"
cp -r ../wit/0.3.0 "$work/wit"
find "$work/wit" -name '*.wit' -exec sed -i 's/0\.3\.0/0.3.0-rc-2026-02-09/g' {} +
dummy http-0.3-rc "$work/wit" hello

head -c 20000 ../rust-hello/rust-hello.wasm >truncated.wasm
head -c 6 ../rust-hello/rust-hello.wasm >header.wasm
: >empty.wasm
printf 'This is not WebAssembly.\n' >text.wasm
cp command.wat text-format.wat
# The header of a component whose layer or version no decoder knows yet.
printf '\0asm\x0e\0\x01\0' >old-version.wasm
