#!/usr/bin/env bash
# The steps of action.yml. What the workflow gives comes in variables, and is never a part of a script.
#
#   action.sh install   WASIHTTP_VERSION, WASIHTTP_COMPONENT: downloads a release, compares its checksum, adds it to the
#                       PATH, and says under which key its compiled code is cached
#   action.sh test      WASIHTTP_COMPONENT, WASIHTTP_FIXTURES, WASIHTTP_ARGS, WASIHTTP_CACHE: runs "wasihttp test", which
#                       writes annotations and the summary itself
#
# Runs with the bash of macOS (3.2), too.
set -euo pipefail

releases=${WASIHTTP_RELEASES:-https://github.com/wasihttp/wasihttp/releases}

fail() {
  printf '::error title=wasihttp::%s\n' "$1"
  exit 1
}

output() { printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"; }

fetch() { curl -fsSL --retry 3 -o "$2" "$1"; }

hash_of() {
  if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

install() {
  local version=${WASIHTTP_VERSION#v} system processor from folder line archive
  case $RUNNER_OS in
    Linux) system=linux ;;
    macOS) system=darwin ;;
    Windows) system=windows ;;
    *) fail "there is no release for $RUNNER_OS: use Linux, macOS or Windows" ;;
  esac
  case $RUNNER_ARCH in
    X64) processor=amd64 ;;
    ARM64) processor=arm64 ;;
    *) fail "there is no release for processors of kind $RUNNER_ARCH: use X64 or ARM64" ;;
  esac
  if [[ $version == latest ]]; then from=$releases/latest/download; else from=$releases/download/v$version; fi
  folder=$RUNNER_TEMP/wasihttp
  mkdir -p "$folder"
  fetch "$from/checksums.txt" "$folder/checksums.txt" ||
    fail "there is no release $version: the input version takes 1.2.3 or latest"
  line=$(grep "_${system}_${processor}\\." "$folder/checksums.txt") ||
    fail "the release $version has no archive for $system/$processor"
  archive=${line##* }
  fetch "$from/$archive" "$folder/$archive" || fail "$archive cannot be downloaded: try again"
  [[ $(hash_of "$folder/$archive") == "${line%% *}" ]] ||
    fail "$archive is not what checksums.txt says: it may be damaged; try again"
  case $archive in
    *.zip) unzip -qo "$folder/$archive" -d "$folder/bin" ;;
    *) mkdir -p "$folder/bin" && tar -xzf "$folder/$archive" -C "$folder/bin" ;;
  esac
  version=${archive#wasihttp_}
  version=${version%%_*}
  printf '%s\n' "$folder/bin" >>"$GITHUB_PATH"
  output version "$version"
  output cache "$RUNNER_TEMP/wasihttp-cache"
  # Compiled code is for one version of the program and one kind of processor.
  output key "wasihttp-$version-$system-$processor"
  if [[ -f ${WASIHTTP_COMPONENT:-} ]]; then
    output component "$(hash_of "$WASIHTTP_COMPONENT")"
  else
    output component none
  fi
}

tests() {
  local arguments=() line
  while IFS= read -r line; do
    [[ -z $line ]] || arguments+=("$line")
  done <<<"$WASIHTTP_FIXTURES"
  [[ -z $WASIHTTP_COMPONENT ]] || arguments+=(--component "$WASIHTTP_COMPONENT")
  arguments+=(--cache-dir "$WASIHTTP_CACHE" --report-json "$RUNNER_TEMP/wasihttp.json")
  if [[ -n ${WASIHTTP_ARGS//[[:space:]]/} ]]; then
    # xargs takes quotes and backslashes as a shell does, and expands nothing.
    while IFS= read -r line; do
      arguments+=("$line")
    done < <(printf '%s\n' "$WASIHTTP_ARGS" | xargs -n 1 printf '%s\n')
  fi
  output report "$RUNNER_TEMP/wasihttp.json"
  wasihttp test "${arguments[@]}"
}

case ${1:-} in
  install) install ;;
  test) tests ;;
  *) fail 'action.sh takes install or test' ;;
esac
