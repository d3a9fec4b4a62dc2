package names

import (
	"fmt"
	"strconv"
	"strings"
)

// Version is a semantic version (https://semver.org, 2.0.0).
type Version struct {
	Major, Minor, Patch uint64
	Pre                 string // pre-release, without the hyphen
	Build               string // build metadata, without the plus sign
}

// ParseVersion parses a full semantic version.
func ParseVersion(s string) (Version, error) {
	var v Version
	rest, build, hasBuild := strings.Cut(s, "+")
	if hasBuild {
		if err := checkIdentifiers(build, false); err != nil {
			return Version{}, fmt.Errorf("version %q: build metadata: %w", s, err)
		}
		v.Build = build
	}
	core, pre, hasPre := strings.Cut(rest, "-")
	if hasPre {
		if err := checkIdentifiers(pre, true); err != nil {
			return Version{}, fmt.Errorf("version %q: pre-release: %w", s, err)
		}
		v.Pre = pre
	}
	parts := strings.Split(core, ".")
	if len(parts) != 3 {
		return Version{}, fmt.Errorf("version %q: three numbers are expected", s)
	}
	for i, into := range []*uint64{&v.Major, &v.Minor, &v.Patch} {
		n, err := versionNumber(parts[i])
		if err != nil {
			return Version{}, fmt.Errorf("version %q: %w", s, err)
		}
		*into = n
	}
	return v, nil
}

func versionNumber(s string) (uint64, error) {
	if !allDigits(s) || len(s) > 1 && s[0] == '0' {
		return 0, fmt.Errorf("%q is not a number of a version", s)
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is too large", s)
	}
	return n, nil
}

func allDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

// checkIdentifiers checks the identifiers, separated by dots, of pre-release or build. Numbers of a
// pre-release have no zeros in front.
func checkIdentifiers(s string, pre bool) error {
	for _, id := range strings.Split(s, ".") {
		if id == "" {
			return fmt.Errorf("an identifier is empty")
		}
		for i := range len(id) {
			if c := id[i]; !isDigit(c) && c != '-' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
				return fmt.Errorf("unexpected character %q", c)
			}
		}
		if pre && len(id) > 1 && id[0] == '0' && allDigits(id) {
			return fmt.Errorf("%q begins with a zero", id)
		}
	}
	return nil
}

// isCanonicalVersion reports whether s is the shortened version of a canonical interface name.
func isCanonicalVersion(s string) bool {
	parts := strings.Split(s, ".")
	for _, p := range parts {
		if _, err := versionNumber(p); err != nil {
			return false
		}
	}
	switch len(parts) {
	case 1:
		return parts[0] != "0"
	case 2:
		return parts[0] == "0" && parts[1] != "0"
	case 3:
		return parts[0] == "0" && parts[1] == "0"
	}
	return false
}

// CheckVersionSuffix reports whether a version suffix fits: the version of name is canonical, and
// the two together are a semantic version.
func CheckVersionSuffix(name Name, suffix string) error {
	if name.Kind != Interface || name.Version == "" || !isCanonicalVersion(name.Version) {
		return fmt.Errorf("name %q has a version suffix but no canonical version", name)
	}
	_, err := ParseVersion(name.Version + suffix)
	return err
}

// Track returns the compatibility track of a versioned interface name: what is provided under one
// version of it can be tried for an import of another version with the same key. A version 1.2.3 is
// on the track of its major number, 0.2.3 on that of its minor one. Names without version, with
// 0.0.x and pre-releases match exactly only: ok is false.
func Track(iface string) (key string, ok bool) {
	n, err := ParseCanonical(iface)
	if err != nil || n.Kind != Interface || n.Version == "" {
		return "", false
	}
	base := n.Namespace + ":" + n.Package + "/" + n.Interface + "@"
	if isCanonicalVersion(n.Version) && strings.Count(n.Version, ".") < 2 {
		return base + n.Version, true
	}
	v, err := ParseVersion(n.Version)
	switch {
	case err != nil || v.Pre != "":
		return "", false
	case v.Major > 0:
		return base + strconv.FormatUint(v.Major, 10), true
	case v.Minor > 0:
		return base + "0." + strconv.FormatUint(v.Minor, 10), true
	}
	return "", false
}
