package inspect

import (
	"regexp"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/component"
)

// candidateVersion matches the versions of release candidates: 0.2.0-rc-2023-11-10, 1.0.0-rc.1.
// Other pre-releases are none, and tools put names such as wasi:http/types@0.2.12-shim-instance
// into components, which are not versions at all.
var candidateVersion = regexp.MustCompile(`^([0-9]+\.[0-9]+\.[0-9]+)-rc([^A-Za-z].*)?$`)

// releaseCandidate returns the first interface of the WASI that was released, in a version before
// that; "" if there is none.
func releaseCandidate(names []string) string {
	i := slices.IndexFunc(names, func(name string) bool {
		_, version, _ := strings.Cut(name, "@")
		return isReleased(name) && candidateVersion.MatchString(version)
	})
	if i < 0 {
		return ""
	}
	return names[i]
}

// candidateIn returns the first release candidate that a component imports or exports which cannot
// be decoded; "" if there is none.
func candidateIn(data []byte) string {
	versioned := regexp.MustCompile(`wasi:[a-z]+/[a-z0-9-]+@[0-9]+\.[0-9]+\.[0-9]+-[0-9A-Za-z.-]+`)
	var names []string
	for id, body := range sections(data) {
		if id != sectionImport && id != sectionExport {
			continue
		}
		for _, name := range versioned.FindAll(body, -1) {
			names = append(names, string(name))
		}
	}
	return releaseCandidate(names)
}

// isReleased reports whether an interface belongs to the packages that WASI 0.2 and 0.3 consist of.
// Others are proposals: their versions have nothing to do with those.
func isReleased(name string) bool {
	pkg, _, _ := strings.Cut(name, "/")
	switch pkg {
	case "wasi:cli", "wasi:clocks", "wasi:filesystem", "wasi:http", "wasi:io", "wasi:random",
		"wasi:sockets":
		return true
	}
	return false
}

// releaseOf returns the version that a pre-release leads to.
func releaseOf(name string) string {
	_, version, _ := strings.Cut(name, "@")
	release, _, _ := strings.Cut(version, "-")
	return release
}

// candidateHint says what to do about a component that is made for a release candidate.
func (f *File) candidateHint(name string, l *component.Linker) string {
	release := releaseOf(name)
	hint := "rebuild it with the WIT of the release, " + release
	if release == "0.3.0" && f.Producers.Toolchain().Language == "Rust" {
		hint += " (in Rust the crate wasip3 0.7 or newer)"
	}
	if here := offered(l, release); here != release && here != "" {
		hint += "; this version of " + programName + " runs " + here
	}
	return hint
}

func (f *File) releaseCandidate(name string, l *component.Linker) *File {
	return f.problem(CodeReleaseCandidate, f.candidateHint(name, l),
		"is made for %s, a release candidate of WASI %s whose interfaces have changed since", name,
		releaseOf(name))
}

// offered returns the version of WASI HTTP that l offers for components of that release, or another
// one if it has none for them.
func offered(l *component.Linker, release string) string {
	if _, ok := l.Offers("wasi:http/types@" + release); ok {
		return release
	}
	by, _ := l.Offers("wasi:http/types@0.2.0")
	_, version, _ := strings.Cut(by, "@")
	return version
}
