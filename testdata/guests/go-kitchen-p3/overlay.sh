# overlay.sh FOLDER: the bindings' runtime needs a hook in Go's scheduler (runtime.wasiOnIdle) that Go's releases do not have. Writes
# FOLDER/overlay.json, with which `go build` sees a standard library that has it.
set -euo pipefail
folder=$1
lock=$(go env GOROOT)/src/runtime/lock_wasip1.go
awk '
  /^func beforeIdle\(/ {
    print "var onIdle = func() bool { return false }\n"
    print "//go:linkname wasiOnIdle"
    print "func wasiOnIdle(callback func() bool) { onIdle = callback }\n"
    print "// beforeIdle runs when no goroutine can: the hook may make one ready.\n//"
    print "//go:yeswritebarrierrec"
    print "func beforeIdle(int64, int64) (*g, bool) {\n\treturn nil, onIdle()\n}"
    old = 1
  }
  !old { print }
  /^}/ { old = 0 }
' "$lock" >"$folder/lock_wasip1.go.txt"
grep -q '_ "unsafe"' "$folder/lock_wasip1.go.txt" || sed -i 's/^package runtime$/package runtime\n\nimport _ "unsafe"/' "$folder/lock_wasip1.go.txt"
printf '{"Replace":{"%s":"%s"}}\n' "$lock" "$folder/lock_wasip1.go.txt" >"$folder/overlay.json"
