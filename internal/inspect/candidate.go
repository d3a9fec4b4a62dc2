package inspect

import (
	"regexp"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/component"
)

// releaseCandidate finds an interface of the WASI that was released, in a version before that.
func releaseCandidate(names []string) string {
	i := slices.IndexFunc(names, func(name string) bool {
		_, version, _ := strings.Cut(name, "@")
		return isReleased(name) && strings.Contains(version, "-")
	})
	if i < 0 {
		return ""
	}
	return names[i]
}

// candidateIn finds the name of an interface of WASI before its release in a file that cannot be decoded; "" if there is none.
func candidateIn(data []byte) string {
	versioned := regexp.MustCompile(`wasi:[a-z]+/[a-z0-9-]+@0\.[0-9]+\.[0-9]+-[0-9A-Za-z.-]+`)
	var names []string
	for _, name := range versioned.FindAll(data, -1) {
		names = append(names, string(name))
	}
	return releaseCandidate(names)
}

// isReleased tells whether an interface belongs to the packages that WASI 0.2 and 0.3 consist of. Others are proposals: their versions have
// nothing to do with those.
func isReleased(name string) bool {
	pkg, _, _ := strings.Cut(name, "/")
	switch pkg {
	case "wasi:cli", "wasi:clocks", "wasi:filesystem", "wasi:http", "wasi:io", "wasi:random", "wasi:sockets":
		return true
	}
	return false
}

func (f *File) releaseCandidate(name string, l *component.Linker) *File {
	_, version, _ := strings.Cut(name, "@")
	release, _, _ := strings.Cut(version, "-")
	hint := "rebuild it with the WIT of the release, " + release
	if release == "0.3.0" && f.Producers.Toolchain().Language == "Rust" {
		hint += " (in Rust the crate wasip3 0.7 or newer)"
	}
	if here := offered(l, release); here != release && here != "" {
		hint += "; this version of " + programName + " runs " + here
	}
	return f.problem(CodeReleaseCandidate, hint, "is made for %s, a release candidate of WASI %s whose interfaces have changed since", name, release)
}

// offered gives the version of WASI HTTP that l offers for components of that release, or another one if it has none for them.
func offered(l *component.Linker, release string) string {
	if _, ok := l.Offers("wasi:http/types@" + release); ok {
		return release
	}
	by, _ := l.Offers("wasi:http/types@0.2.0")
	_, version, _ := strings.Cut(by, "@")
	return version
}
