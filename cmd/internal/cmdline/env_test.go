package cmdline

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseEnvFile(t *testing.T) {
	const text = "\ufeff# comment\n\n" +
		"A=1\r\n" +
		" export B = two words  # comment\n" +
		"C='single # $X \\n'\n" +
		"D=\"double\\n\\\"\\$\\\\\\q\" # comment\n" +
		"E=\n" +
		"F=a#b=c\n" +
		"G=\"two\nlines\"\n" +
		"H='also\ntwo'\n" +
		"I=#nothing\n" +
		"J=last"
	got, err := parseEnvFile(text)
	if err != nil {
		t.Fatal(err)
	}
	want := [][2]string{
		{"A", "1"}, {"B", "two words"}, {"C", `single # $X \n`}, {"D", "double\n\"$\\\\q"}, {"E", ""},
		{"F", "a#b=c"}, {"G", "two\nlines"}, {"H", "also\ntwo"}, {"I", ""}, {"J", "last"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseEnvFileNamesTheLine(t *testing.T) {
	tests := map[string]string{
		"A=1\nnonsense":             `2: not NAME=VALUE: "nonsense"`,
		"=1":                        `1: not NAME=VALUE: "=1"`,
		"A B=1":                     `1: not NAME=VALUE: "A B=1"`,
		"A=1\n\nB=\"open\nC=1":      "3: the quote of B is not closed",
		"A=\"two\nlines\"\nB='x' y": "3: text after the closing quote of B",
	}
	for text, want := range tests {
		_, err := parseEnvFile(text)
		if err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestGuestEnvInheritsOnDemand(t *testing.T) {
	own := []string{"=C:=C:\\", "PATH=/bin", "HOME=/home/me"}
	tests := map[string]struct {
		inherit bool
		vars    []string
		want    [][2]string
	}{
		"nothing":      {false, nil, nil},
		"everything":   {true, nil, [][2]string{{"PATH", "/bin"}, {"HOME", "/home/me"}}},
		"one":          {false, []string{"HOME", "MISSING"}, [][2]string{{"HOME", "/home/me"}}},
		"replaced":     {true, []string{"HOME=/x"}, [][2]string{{"PATH", "/bin"}, {"HOME", "/x"}}},
		"equals signs": {false, []string{"A=b=c"}, [][2]string{{"A", "b=c"}}},
		"empty":        {false, []string{"A="}, [][2]string{{"A", ""}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := GuestEnv(own, tt.inherit, nil, tt.vars)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
