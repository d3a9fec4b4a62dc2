#!/usr/bin/env bash
# Makes rust-otel.wasm and rust-otel-p3.wasm beside this script. Needs Rust with rustup, and
# wasm-tools in PATH, as ../build.sh --tools py-kitchen installs it. The results are committed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rustup -q target add wasm32-unknown-unknown
export CARGO_TARGET_DIR=$work RUSTFLAGS="--remap-path-prefix=$PWD=/guests"
for dir in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
  RUSTFLAGS+=" --remap-path-prefix=$dir=/registry"
done

# make NAME [cargo arguments]
make() {
  cargo build -q --locked --release --target wasm32-unknown-unknown "${@:2}"
  wasm-tools component new "$work/wasm32-unknown-unknown/release/rust_otel.wasm" -o "$1.wasm"
}
make rust-otel
make rust-otel-p3 --features p3
