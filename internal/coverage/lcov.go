package coverage

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/wasihttp/wasihttp/host"
)

// Lcov returns the report in the format of lcov's tracefiles (geninfo(1)). A count is 1 for what
// ran, and 0. Functions of programs without lines stand under the name of the component, each on a
// line of its own, since lcov takes no file without lines.
func (r *Report) Lcov() []byte {
	var b bytes.Buffer
	for _, f := range r.Files {
		record := lcov{&b, map[string]int{}}
		record.begin(f.Name)
		for i := range f.Functions {
			record.declare(f.Functions[i].Line, &f.Functions[i])
		}
		t := f.Totals()
		record.ran(f.Functions, t.Functions)
		for _, l := range f.Lines {
			record.branches(l.Line, l.Branches)
		}
		record.ends("BR", t.Branches)
		for _, l := range f.Lines {
			fmt.Fprintf(&b, "DA:%d,%d\n", l.Line, count(l.Ran))
		}
		record.ends("L", t.Lines)
		b.WriteString("end_of_record\n")
	}
	for _, p := range r.Programs {
		record := lcov{&b, map[string]int{}}
		record.begin(p.Name)
		for i := range p.Functions {
			record.declare(i+1, &p.Functions[i])
		}
		t := p.Totals()
		record.ran(p.Functions, t.Functions)
		for i := range p.Functions {
			record.branches(i+1, p.Functions[i].Branches)
		}
		record.ends("BR", t.Branches)
		for i := range p.Functions {
			fmt.Fprintf(&b, "DA:%d,%d\n", i+1, count(p.Functions[i].Ran))
		}
		record.ends("L", t.Functions)
		b.WriteString("end_of_record\n")
	}
	return b.Bytes()
}

// lcov writes a record, which a file has.
type lcov struct {
	*bytes.Buffer
	names map[string]int // functions so far: they are known by their names
}

func (l *lcov) begin(file string) { fmt.Fprintf(l, "TN:\nSF:%s\n", line(file)) }

// declare writes where a function is.
func (l *lcov) declare(at int, f *host.CoveredFunc) { fmt.Fprintf(l, "FN:%d,%s\n", at, l.name(f)) }

// name returns the name of a function that no other one has.
func (l *lcov) name(f *host.CoveredFunc) string {
	name := line(f.Name)
	if name == "" {
		name = "(nameless)"
	}
	l.names[name]++
	if n := l.names[name]; n > 1 {
		return fmt.Sprintf("%s #%d", name, n)
	}
	return name
}

func (l *lcov) ran(list []host.CoveredFunc, total Share) {
	clear(l.names)
	for i := range list {
		fmt.Fprintf(l, "FNDA:%d,%s\n", count(list[i].Ran), l.name(&list[i]))
	}
	l.ends("FN", total)
}

func (l *lcov) branches(at int, list []host.CoveredBranch) {
	for block, b := range list {
		came := false
		for _, c := range b {
			came = came || c
		}
		for i, c := range b {
			taken := "-" // nothing came to the branch
			if came {
				taken = fmt.Sprint(count(c))
			}
			fmt.Fprintf(l, "BRDA:%d,%d,%d,%s\n", at, block, i, taken)
		}
	}
}

func (l *lcov) ends(what string, s Share) {
	fmt.Fprintf(l, "%sF:%d\n%sH:%d\n", what, s.All, what, s.Ran)
}

func count(ran bool) int {
	if ran {
		return 1
	}
	return 0
}

// line returns a text without what would end the line.
func line(text string) string {
	return strings.NewReplacer("\n", "%0A", "\r", "%0D").Replace(text)
}
