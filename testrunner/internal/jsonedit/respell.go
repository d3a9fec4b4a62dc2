package jsonedit

import (
	"strings"

	"github.com/wasihttp/wasihttp/internal/stable"
	"github.com/wasihttp/wasihttp/testrunner/internal/interrupt"
)

// Respell returns got, which is JSON, with the placeholders of source wherever they stand for the
// same text: source becomes want when they are replaced. If a text is not JSON, got stays as it is.
func Respell(w *interrupt.Work, source, want, got string) string {
	from, to, now := scan(source), scan(want), scan(got)
	if from == nil || to == nil || now == nil || !strings.Contains(source, "{{") {
		return got
	}
	r := &respeller{work: w, source: source, want: want, got: got}
	r.node(from, to, now)
	stable.Sort(r.parts, func(a, b part) int { return a.start - b.start })
	var b strings.Builder
	done := 0
	for _, p := range r.parts {
		b.WriteString(got[done:p.start] + p.text)
		done = p.end
	}
	return b.String() + got[done:]
}

type respeller struct {
	work              *interrupt.Work
	source, want, got string
	parts             []part
}

// part is a part of got in another spelling.
type part struct {
	start, end int
	text       string
}

// node respells a value.
func (r *respeller) node(from, to, now *node) {
	r.work.Step()
	if from.open == 0 {
		r.put(r.source[from.start:from.end], r.want[to.start:to.end], now.start, now.end)
		return
	}
	if from.open != to.open || from.open != now.open || len(from.items) != len(to.items) {
		return
	}
	byName := make(map[string]*item)
	for i := range now.items {
		byName[now.items[i].name] = &now.items[i]
	}
	for i := range from.items {
		a, b := &from.items[i], &to.items[i]
		var c *item
		if from.open == '{' {
			c = byName[b.name]
		} else if i < len(now.items) {
			c = &now.items[i]
		}
		if c == nil {
			continue
		}
		if from.open == '{' {
			r.put(a.spelled(r.source), b.spelled(r.want), c.start, c.start+len(c.spelled(r.got)))
		}
		r.node(a.value, b.value, c.value)
	}
}

// spelled returns the name of a member as it stands in the source.
func (i *item) spelled(source string) string {
	text := strings.TrimRight(source[i.start:i.value.start], " \t\r\n")
	return strings.TrimRight(strings.TrimSuffix(text, ":"), " \t\r\n")
}

// put writes a text with placeholders in place of what they stand for.
func (r *respeller) put(text, meant string, start, end int) {
	if strings.Contains(text, "{{") && r.got[start:end] == meant {
		r.parts = append(r.parts, part{start, end, text})
	}
}
