package report

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestFieldsOfTheReportAreDocumented looks for the names of the fields of the JSON report in
// docs/test.md.
func TestFieldsOfTheReportAreDocumented(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "test.md"))
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[reflect.Type]bool)
	var look func(reflect.Type)
	look = func(x reflect.Type) {
		switch x.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
			look(x.Elem())
			return
		case reflect.Struct:
		default:
			return
		}
		if seen[x] || !strings.HasPrefix(x.Name(), "json") {
			return
		}
		seen[x] = true
		for i := range x.NumField() {
			f := x.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name != "" && !strings.Contains(string(page), "`"+name+"`") {
				t.Errorf("%s: docs/test.md does not name %q", x.Name(), name)
			}
			look(f.Type)
		}
	}
	look(reflect.TypeFor[jsonRun]())
	if len(seen) < 10 {
		t.Errorf("only %d types were looked at", len(seen))
	}
}
