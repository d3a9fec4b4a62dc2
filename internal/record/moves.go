package record

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/words"
)

// Text is a fixture with all of its secrets, which must not be written, and the upstream fixture
// beside it.
type Text struct{ Text, Upstream []byte }

// Moves returns for each fixture and each of its entries what @ignore has to say so that the
// response may move with the clock and the random numbers. If it cannot go on, it returns why with
// the results until then.
type Moves func(list []Text) ([][][]string, error)

// propose makes fixtures ignore what moves with the clock and the random numbers.
func (r *Recorder) propose() {
	if r.options.Moves == nil {
		return
	}
	var texts []Text
	var entries [][]*fixture.Exchange
	raw := func(x *fixture.Exchange) fixture.Exchange { return *x }
	if r.options.Session != "" {
		own, others := r.inOrder()
		text, left := renderSession(own, raw, r.options.hurl(), false)
		var list []*fixture.Exchange
		for _, t := range r.file.traces {
			list = append(list, t.exchange)
		}
		isLeftOut := func(w fixture.Warning) bool { return w.LeftOut }
		if len(list) > 0 && !slices.ContainsFunc(left, isLeftOut) {
			texts, entries = []Text{{text, others.render(raw)}}, append(entries, list)
		}
	}
	upstreams := make(map[string]*document)
	for _, f := range r.files.list {
		upstreams[f.path] = f.held
	}
	for _, f := range r.files.list {
		if f.held == nil || f.held.options.Upstream {
			continue
		}
		text := Text{Text: f.held.render(raw)}
		if others := upstreams[besideUpstream(f.path)]; others != nil {
			text.Upstream = others.render(raw)
		}
		texts, entries = append(texts, text), append(entries, f.held.list)
	}
	if len(texts) == 0 {
		return
	}
	moves, err := r.options.Moves(texts)
	changed := 0
	for i, lists := range moves {
		if len(lists) != len(entries[i]) {
			continue // an instance did not take all of them
		}
		for j, directives := range lists {
			x := entries[i][j]
			x.Ignore = r.harmless(x, directives)
			if len(x.Ignore) > 0 {
				changed++
			}
		}
	}
	if changed > 0 {
		r.files.stale = true
		r.Say(fmt.Sprintf("# @ignore is written for what moves with the clock and the random "+
			"numbers, in %s", words.Count(changed, "entry", "entries")))
	}
	if err != nil {
		r.Say(fmt.Sprintf("not all of what moves is known, so # @ignore may be missing: %v", err))
	}
}

// harmless returns directives without what may be secret: those for text have some of the text
// around what moves.
func (r *Recorder) harmless(x *fixture.Exchange, directives []string) []string {
	var list []string
	for _, d := range directives {
		if strings.HasPrefix(d, "text ") {
			hidden := r.session.HideAgain(x)
			if hidden.Response == nil || !bytes.Equal(hidden.Response.Body, x.Response.Body) {
				d = "body"
			}
		}
		if r.session.Contains(d) {
			d = "body"
		}
		if !slices.Contains(list, d) {
			list = append(list, d)
		}
	}
	return list
}
