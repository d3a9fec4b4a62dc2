package report

import (
	"fmt"
	"strings"

	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/testrunner"
)

// Coverage is how much of the code of the components ran.
type Coverage struct {
	Lines, Functions, Branches Share
	// Measure is what Percent is of, "lines" or "functions"; Min is the least that is wanted, 0 for
	// none.
	Measure      string
	Percent, Min float64
	// Summary says all shares in one line.
	Summary string
	// Below says by how much Min is missed; "" if it is not.
	Below string
	// MissedFunctions and MissedBranches are what never ran, All says where to see all of that.
	MissedFunctions, MissedBranches []Place
	All                             string
	// Notes say what cannot be seen.
	Notes []string
}

// Place is a place in code: Text, with a file, or a function of the component Of.
type Place struct{ Of, Text string }

// Share is how many of something ran.
type Share struct {
	Ran int `json:"covered"`
	All int `json:"total"`
}

// jsonCoverage is what JSON has of a Coverage.
type jsonCoverage struct {
	Measure   string   `json:"measure"`
	Percent   float64  `json:"percent"`
	Min       float64  `json:"minimum,omitempty"`
	Lines     Share    `json:"lines"`
	Functions Share    `json:"functions"`
	Branches  Share    `json:"branches"`
	Notes     []string `json:"notes,omitempty"`
}

func (c *Coverage) json() *jsonCoverage {
	if c == nil {
		return nil
	}
	return &jsonCoverage{c.Measure, c.Percent, c.Min, c.Lines, c.Functions, c.Branches, c.Notes}
}

// success reports whether everything passed, and enough of the code ran.
func (r *Run) success() bool {
	enough := r.Coverage == nil || r.Coverage.Below == ""
	return enough && r.Summary.Verdict() == testrunner.AllPassed
}

// coverageText returns what pages say of the coverage; "" for nothing.
func (r *Run) coverageText() string {
	switch c := r.Coverage; {
	case c == nil:
		return ""
	case c.Below != "":
		return "coverage: " + term.Clean(c.Below)
	default:
		return "coverage: " + term.Clean(c.Summary)
	}
}

// maxMissed bounds the lines of each list on a terminal.
const maxMissed = 8

// Coverage describes a coverage: in one line if brief, else with what never ran before it.
func (p *Pretty) Coverage(c *Coverage, brief bool) string {
	var b strings.Builder
	list := func(what string, lines []Place) {
		if len(lines) == 0 {
			return
		}
		fmt.Fprintf(&b, "%s\n", p.Styles.Dim(what+":"))
		of := ""
		for i, line := range lines {
			if !p.Full && i == maxMissed && len(lines) > maxMissed+1 {
				fmt.Fprintf(&b, "  %s\n", p.Styles.Dim(fmt.Sprintf("… and %d more (%s)",
					len(lines)-i, term.Clean(c.All))))
				break
			}
			indent := 2
			if line.Of != "" {
				indent = 4
			}
			if line.Of != "" && line.Of != of {
				of = line.Of
				fmt.Fprintf(&b, "  %s\n", p.cut(term.Clean(of)+":", 2))
			}
			fmt.Fprintf(&b, "%*s%s\n", indent, "", p.cut(term.Clean(line.Text), indent))
		}
	}
	if !brief {
		list("functions that were never called", c.MissedFunctions)
		list("branches with a way that was never taken", c.MissedBranches)
	}
	for _, note := range c.Notes {
		fmt.Fprintf(&b, "%s %s\n", p.Styles.Dim("note:"), p.prose(term.Clean(note), 6))
	}
	style := p.Styles.Good
	if c.Below != "" {
		style = p.Styles.Bad
	}
	fmt.Fprintf(&b, "%s\n", style("coverage: "+term.Clean(c.Summary)))
	if c.Below != "" {
		fmt.Fprintf(&b, "%s\n", p.Styles.Bad("too little: "+term.Clean(c.Below)))
	}
	return b.String()
}
