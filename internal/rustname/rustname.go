// Package rustname reads the names that Rust's compiler gives functions. Those of C++ are left to
// the linker, which writes them for people when it links WebAssembly.
package rustname

import (
	"strconv"
	"strings"
)

// Readable returns the path of a function as Rust's programmers write it, without the hashes that
// tell versions of crates apart. ok reports whether name is one of Rust's, in its old form (_ZN) or
// that of RFC 2603 (_R).
func Readable(name string) (path string, ok bool) {
	if mangled, ok := strings.CutPrefix(name, "_R"); ok {
		return version0(mangled)
	}
	if mangled, ok := strings.CutPrefix(name, "_ZN"); ok {
		return legacy(mangled)
	}
	return "", false
}

// hashLength is that of the last element of a path in the old form: an h and 16 digits.
const hashLength = 17

// legacy reads a name in the old form, after _ZN: elements with their length, the last one of which
// is a hash, and an E. What follows a dot is from the optimizer.
func legacy(mangled string) (string, bool) {
	var path []string
	for {
		digits := strings.IndexFunc(mangled, func(r rune) bool { return r < '0' || r > '9' })
		if digits <= 0 {
			break
		}
		length, err := strconv.Atoi(mangled[:digits])
		if err != nil || length > len(mangled)-digits {
			return "", false
		}
		path = append(path, mangled[digits:digits+length])
		mangled = mangled[digits+length:]
	}
	last := len(path) - 1
	if last < 1 || !isHash(path[last]) || mangled != "E" && !strings.HasPrefix(mangled, "E.") {
		return "", false
	}
	for i, element := range path[:last] {
		path[i] = unescaped(element)
	}
	return strings.Join(path[:last], "::"), true
}

func isHash(element string) bool {
	digits, ok := strings.CutPrefix(element, "h")
	return ok && len(element) == hashLength && strings.Trim(digits, "0123456789abcdef") == ""
}

// escapes are how the old form writes characters that linkers do not take; $u with a number in
// base 16 stands for any character.
var escapes = strings.NewReplacer("$SP$", "@", "$BP$", "*", "$RF$", "&", "$LT$", "<", "$GT$", ">",
	"$LP$", "(", "$RP$", ")", "$C$", ",", "..", "::")

func unescaped(element string) string {
	if strings.HasPrefix(element, "_$") {
		element = element[1:]
	}
	element = escapes.Replace(element)
	for from := 0; ; {
		start := strings.Index(element[from:], "$u")
		if start < 0 {
			return element
		}
		start += from
		digits, rest, ok := strings.Cut(element[start+2:], "$")
		char, err := strconv.ParseUint(digits, 16, 21)
		if !ok || err != nil {
			from = start + 2
			continue
		}
		element = element[:start] + string(rune(char)) + rest
		from = start
	}
}
