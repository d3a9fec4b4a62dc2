package names

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseTakesEachFormOfName(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want Name
	}{
		{"a", Name{Kind: Plain, Label: "a"}},
		{"a1-2-3", Name{Kind: Plain, Label: "a1-2-3"}},
		{"m1x3d-4CR0NYMS", Name{Kind: Plain, Label: "m1x3d-4CR0NYMS"}},
		{"get-JSON", Name{Kind: Plain, Label: "get-JSON"}},
		{"[constructor]r", Name{Kind: Constructor, Resource: "r"}},
		{"[method]r.m-n", Name{Kind: Method, Resource: "r", Label: "m-n"}},
		{"[static]r.s", Name{Kind: Static, Resource: "r", Label: "s"}},
		{"wasi:http/types", Name{Kind: Interface, Namespace: "wasi", Package: "http",
			Interface: "types"}},
		{"wasi:http/types@0.2.8", Name{Kind: Interface, Namespace: "wasi", Package: "http",
			Interface: "types", Version: "0.2.8"}},
		{"a-b:c-d/E-f@1.0.0-rc.1+b.2", Name{Kind: Interface, Namespace: "a-b", Package: "c-d",
			Interface: "E-f", Version: "1.0.0-rc.1+b.2"}},
	} {
		got, err := Parse(tt.in)
		if err != nil {
			t.Errorf("Parse(%q): %v", tt.in, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("Parse(%q): -want +got:\n%s", tt.in, diff)
		}
		if got.String() != tt.in {
			t.Errorf("Parse(%q) writes back %q", tt.in, got)
		}
	}
}

func TestParseRefusesWhatIsNoName(t *testing.T) {
	for _, in := range []string{
		"", "-", "a-", "-a", "a--b", "1", "1-a", "aB", "Ab", "a_b", "ä", "a b", "a/b", "a@1.0.0",
		"[constructor]", "[constructor]1", "[method]", "[method]r", "[method]r.", "[method].m",
		"[method]r.m.n", "[static]r",
		"[other]a", "[", "[methoda",
		"a:b", "a:", ":/", "a:/c", ":b/c", "A:b/c", "a:B/c", "a:b/c/d", "a:b:c/d", "a:b/1", "1:b/c",
		"a:b/c@", "a:b/c@1", "a:b/c@0.2", "a:b/c@1.2", "a:b/c@1.2.3.4", "a:b/c@01.2.3",
		"a:b/c@1.2.3-", "a:b/c@1.2.3+",
		"a:b/c@1.2.3-a..b", "a:b/c@1.2.3-01", "a:b/c@1.2.3+ä", "a:b/c@99999999999999999999.0.0",
		"a:b/c@1.0.0@2.0.0",
	} {
		if got, err := Parse(in); err == nil {
			t.Errorf("Parse(%q) = %+v, want an error", in, got)
		}
	}
}

func TestParseCanonicalTakesShortenedVersions(t *testing.T) {
	for in, want := range map[string]bool{
		"a:b/c@1": true, "a:b/c@10": true, "a:b/c@0.2": true, "a:b/c@0.0.3": true,
		"a:b/c@0.0.0": true, "a:b/c@1.2.3": true,
		"a:b/c@0": false, "a:b/c@0.0": false, "a:b/c@1.2": false, "a:b/c@01": false,
	} {
		if _, err := ParseCanonical(in); (err == nil) != want {
			t.Errorf("ParseCanonical(%q): %v, want ok %v", in, err, want)
		}
	}
}

func TestVersionSuffixCompletesACanonicalVersion(t *testing.T) {
	for _, tt := range []struct {
		name, suffix string
		ok           bool
	}{
		{"a:b/c@1", ".2.3", true},
		{"a:b/c@0.2", ".6-rc.1", true},
		{"a:b/c@0.0.1", "-alpha", true},
		{"a:b/c@0.0.1", "", true},
		{"a:b/c@1", "", false},
		{"a:b/c@1", ".2", false},
		{"a:b/c@1.2.3", "", false},
		{"a:b/c", ".1", false},
		{"a", ".1", false},
	} {
		n, err := ParseCanonical(tt.name)
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckVersionSuffix(n, tt.suffix); (err == nil) != tt.ok {
			t.Errorf("%s with %q: %v, want ok %v", tt.name, tt.suffix, err, tt.ok)
		}
	}
}

func TestKeyIsEqualForNamesThatAreNotStronglyUnique(t *testing.T) {
	groups := [][]string{
		{"foo", "FOO", "[method]foo.foo", "[static]FOO.foo", "[method]foo.FOO"},
		{"foo-bar", "foo-BAR", "FOO-bar"},
		{"[constructor]foo", "[constructor]FOO"},
		{"[method]foo.bar", "[static]foo.bar", "[method]foo.BAR", "[static]FOO.bar"},
		{"[static]foo.baz", "[method]foo.baz"},
		{"foo:bar/baz", "foo:bar/BAZ"},
		{"foo:bar/baz@1.0.0"},
		{"foo:bar/baz@2.0.0"},
	}
	seen := map[string]int{}
	for i, g := range groups {
		for _, s := range g {
			n, err := Parse(s)
			if err != nil {
				t.Fatal(err)
			}
			if j, ok := seen[n.Key()]; ok && j != i {
				t.Errorf("%q has the key of %q", s, groups[j][0])
			} else if !ok && s != g[0] {
				t.Errorf("%q does not have the key of %q", s, g[0])
			}
			seen[n.Key()] = i
		}
	}
}

func TestTrackJoinsCompatibleVersions(t *testing.T) {
	for in, want := range map[string]string{
		"wasi:http/types@0.2.0":       "wasi:http/types@0.2",
		"wasi:http/types@0.2.8":       "wasi:http/types@0.2",
		"wasi:http/types@0.2.8+build": "wasi:http/types@0.2",
		"wasi:http/types@0.2":         "wasi:http/types@0.2",
		"wasi:http/types@0.3.0":       "wasi:http/types@0.3",
		"a:b/c@1.2.3":                 "a:b/c@1",
		"a:b/c@12.0.0":                "a:b/c@12",
		"a:b/c@1":                     "a:b/c@1",
		"a:b/c@0.0.3":                 "",
		"a:b/c@0.2.0-rc.1":            "",
		"a:b/c":                       "",
		"plain":                       "",
		"":                            "",
	} {
		got, ok := Track(in)
		if got != want || ok != (want != "") {
			t.Errorf("Track(%q) = %q, %v, want %q", in, got, ok, want)
		}
	}
}
