package component

import "github.com/wasihttp/wasihttp/component/internal/wit"

// WIT describes the component as WIT text: a world of its imports and exports, then the interfaces
// of them as far as the component spells them out. The text of a component is always the same.
// Other tools can read it for components that were made from WIT; what WIT cannot express, such as
// an imported core module, is written as a comment, and types without a name are written out where
// they are used.
func (c *Component) WIT() string {
	if c.whole == nil {
		return wit.Text(c.ast)
	}
	place := make([]int, len(c.whole.parts)) // of parts, in the order in which they are made
	for at, i := range c.whole.order {
		place[i] = at
	}
	var parts []wit.Part
	for _, i := range c.whole.order {
		links := map[string]wit.Source{}
		for _, l := range c.whole.links[i] {
			links[l.Import] = wit.Source{Part: place[l.From], Export: l.Export}
		}
		parts = append(parts,
			wit.Part{Component: c.whole.parts[i].Component.ast, Links: links})
	}
	var exports []wit.Source
	for _, e := range c.whole.exports {
		exports = append(exports, wit.Source{Part: place[e.Part], Export: e.Name})
	}
	return wit.PartsText(parts, exports)
}
