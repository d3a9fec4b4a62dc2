package serve

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestMembersOfTheLogAreDocumented looks for the members of a line of the JSON log, and of the
// frames in it, in docs/agents.md.
func TestMembersOfTheLogAreDocumented(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "agents.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[recordJSON](), reflect.TypeFor[Frame]()} {
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if name != "" && !strings.Contains(string(page), "`"+name+"`") {
				t.Errorf("docs/agents.md does not have %q", name)
			}
		}
	}
	for _, outcome := range []Outcome{OK, Trap, Expired, NoResponse, ErrorCode, Instantiation, Full, ClientGone, Stopped, Internal} {
		if !strings.Contains(string(page), "`"+string(outcome)+"`") {
			t.Errorf("docs/agents.md does not have the outcome %s", outcome)
		}
	}
}
