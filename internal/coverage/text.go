package coverage

import (
	"fmt"
	"strings"

	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/words"
)

// Summary returns one line with the shares.
func (r *Report) Summary() string {
	t := r.Totals()
	var parts []string
	add := func(s Share, of string) {
		if s.All > 0 {
			parts = append(parts, fmt.Sprintf("%s of %s (%d of %d)", s, of, s.Ran, s.All))
		}
	}
	add(t.Lines, "lines")
	add(t.Functions, "functions")
	add(t.Branches, "branches")
	if len(parts) == 0 {
		return "nothing to count"
	}
	return strings.Join(parts, ", ")
}

// Missed is what no fixture reaches, one function or file each.
type Missed struct {
	// Functions are place and name, Branches a file with the lines that ran and have an outcome
	// that never came.
	Functions, Branches []Place
}

// Place is a place in code.
type Place struct {
	// Of is the component if Text, without a file, is a function of it; "" if Text has a file.
	Of, Text string
}

// Missed returns what no fixture reaches.
func (r *Report) Missed() Missed {
	var m Missed
	for _, f := range r.Files {
		for i := range f.Functions {
			if fn := &f.Functions[i]; !fn.Ran {
				place := fmt.Sprintf("%s:%d  %s", f.Name, fn.Line, fn.Name)
				m.Functions = append(m.Functions, Place{Text: place})
			}
		}
		var lines []string
		for i := range f.Lines {
			if l := &f.Lines[i]; l.Ran && misses(l.Branches) {
				lines = append(lines, fmt.Sprint(l.Line))
			}
		}
		if len(lines) > 0 {
			m.Branches = append(m.Branches, Place{Text: fmt.Sprintf("%s:%s", f.Name,
				words.Shorten(strings.Join(lines, ","), 80))})
		}
	}
	for _, p := range r.Programs {
		for i := range p.Functions {
			switch fn := &p.Functions[i]; {
			case !fn.Ran:
				m.Functions = append(m.Functions, Place{p.Name, fn.Name})
			case misses(fn.Branches):
				n := 0
				for _, b := range fn.Branches {
					if misses([]host.CoveredBranch{b}) {
						n++
					}
				}
				m.Branches = append(m.Branches, Place{p.Name, fmt.Sprintf("%s: %s", fn.Name,
					words.Count(n, "branch", "branches"))})
			}
		}
	}
	return m
}

// misses reports whether an outcome of a branch never came.
func misses(list []host.CoveredBranch) bool {
	for _, b := range list {
		for _, came := range b {
			if !came {
				return true
			}
		}
	}
	return false
}
