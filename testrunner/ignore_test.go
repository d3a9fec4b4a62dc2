package testrunner_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/testrunner"
)

func TestPartsOfTextAndTheLayoutOfJSONAreIgnored(t *testing.T) {
	for name, tt := range map[string]struct{ fixture, response, want string }{
		"text": {
			"# @ignore text /took [0-9]+ ms|\\/[0-9a-f]{4}/\n" + get + "```\na /12ab took 5 ms\n```\n",
			"a /ff00 took 77 ms\n", "pass",
		},
		"text that differs elsewhere": {
			"# @ignore text /[0-9]+/\n" + get + "`a 1`\n", "b 2", "mismatch",
		},
		"another number of matches": {
			"# @ignore text /[0-9]+/\n" + get + "`1 2`\n", "1 2 3", "mismatch",
		},
		"JSON by value": {
			"# @json\n" + get + "{\n  \"a\": [1, 2.0],\n  \"b\": {}\n}\n", `{"b":{},"a":[1,2.0]}`, "pass",
		},
		"JSON of another value": {
			"# @json\n" + get + "{\"a\": [1, 2]}\n", `{"a":[2,1]}`, "mismatch",
		},
		"no JSON":               {"# @json\n" + get + "{\"a\": 1}\n", `nothing`, "mismatch"},
		"JSON without the word": {get + "{\"a\": 1}\n", `{"a":1}`, "mismatch"},
	} {
		h := &fakeHost{response: func(int, *testrunner.Request) *testrunner.Response {
			return text(200, tt.response)
		}}
		files, _ := run(t, h, testrunner.Options{}, parse(t, tt.fixture))
		if got := outcomes(files); got != tt.want {
			t.Errorf("%s: %s %+v", name, got, files[0].Results[0].Problems)
		}
	}
}

func TestAnUpdateKeepsWhatIsIgnoredInText(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.hurl")
	const before = "# @ignore text /[0-9]+/\n" + get + "`at 12, one`\n"
	if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	h := &fakeHost{response: func(int, *testrunner.Request) *testrunner.Response {
		return text(200, "at 99, two")
	}}
	files, _ := run(t, h, testrunner.Options{All: true}, testrunner.ReadAll([]string{path}, nil))
	after, err := testrunner.Apply(path, []byte(before), testrunner.Updates(files[0]))
	if err != nil || string(after) != strings.Replace(before, "one", "two", 1) {
		t.Errorf("%v\n%s", err, after)
	}
}
