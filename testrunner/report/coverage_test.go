package report

import (
	"fmt"
	"strings"
	"testing"
)

func TestACoverageNamesEachComponentOnce(t *testing.T) {
	c := &Coverage{Summary: "shares", All: "see all"}
	c.MissedFunctions = []Place{{Text: "src/lib.rs:3  parse"}}
	for i := range 3 {
		c.MissedFunctions = append(c.MissedFunctions, Place{"a/long/one.wasm", fmt.Sprint("main.f", i)})
	}
	c.MissedFunctions = append(c.MissedFunctions, Place{"two.wasm", "main.f0"})
	c.MissedBranches = []Place{{"two.wasm", "main.f1: 2 branches"}}
	p := &Pretty{Styles: plain{}}
	const want = `functions that were never called:
  src/lib.rs:3  parse
  a/long/one.wasm:
    main.f0
    main.f1
    main.f2
  two.wasm:
    main.f0
branches with a way that was never taken:
  two.wasm:
    main.f1: 2 branches
coverage: shares
`
	if got := p.Coverage(c, false); got != want {
		t.Errorf("got\n%s", got)
	}
	for range 20 {
		c.MissedFunctions = append(c.MissedFunctions, Place{"two.wasm", "main.f"})
	}
	if got := p.Coverage(c, false); !strings.Contains(got, "… and 17 more (see all)") {
		t.Errorf("got\n%s", got)
	}
}
