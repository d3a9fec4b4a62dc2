package exploring

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/internal/explorer"
)

func TestResponsesAreComparedByTheirParts(t *testing.T) {
	response := func(body string, fields ...[2]string) explorer.Compared {
		return explorer.Compared{Status: 200, Outcome: "ok", Headers: fields, Body: []byte(body)}
	}
	trapped := explorer.Compared{Status: 500, Outcome: "trap"}
	for name, tt := range map[string]struct {
		a, b explorer.Compared
		want []explorer.Difference
	}{
		"the same":            {response("a"), response("a"), nil},
		"names in other case": {response("", [2]string{"A", "1"}), response("", [2]string{"a", "1"}), nil},
		"JSON": {response(`{"n": 1, "gone": true}`), response(`{"n": 2, "new": [1]}`), []explorer.Difference{
			{Place: "body $.n", Kind: changed, A: "1", B: "2"},
			{Place: "body $.gone", Kind: missing, A: "true"},
			{Place: "body $.new", Kind: added, B: "[1]"},
		}},
		"text": {response("one\ntwo\n"), response("one\n2\n"), []explorer.Difference{
			{Place: "body line 2", Kind: missing, A: "two"}, {Place: "body line 2", Kind: added, B: "2"},
		}},
		"bytes": {response("\x00a"), response("\x00bc"), []explorer.Difference{
			{Place: "body", Kind: changed, A: "2 bytes", B: "3 bytes"},
		}},
		"fields": {
			response("", [2]string{"X", "1"}, [2]string{"Y", "1"}, [2]string{"Y", "2"}),
			response("", [2]string{"Y", "1"}, [2]string{"Z", "\xff"}), []explorer.Difference{
				{Place: "header x", Kind: missing, A: "1"}, {Place: "header y", Kind: changed, A: "1, 2", B: "1"},
				{Place: "header z", Kind: added, B: "\ufffd"},
			},
		},
		"a failure": {response(""), trapped, []explorer.Difference{
			{Place: "status", Kind: changed, A: "200", B: "500"}, {Place: "outcome", Kind: changed, A: "ok", B: "trap"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got := compare(tt.a, tt.b)
			if diff := cmp.Diff(tt.want, got.Differences); diff != "" || got.Same != (tt.want == nil) || got.Text == "" {
				t.Errorf("%s%+v", diff, got)
			}
			for _, d := range tt.want {
				if !strings.Contains(got.Text, d.Place+" "+d.Kind) {
					t.Errorf("%s is not in %s", d.Place, got.Text)
				}
			}
		})
	}
	a, b := response("a"), response("b")
	a.Cut = true
	if got := compare(a, b); len(got.Differences) != 3 {
		t.Errorf("bodies that are cut: %+v", got)
	}
}
