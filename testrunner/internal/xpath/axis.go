package xpath

// step selects nodes along an axis.
type step struct {
	axis string
	test nodeTest
	// properties are the predicates before the first one that depends on positions. Whether they
	// hold for a node depends on the node alone.
	properties []predicate
	// positional are the other predicates.
	positional []predicate

	// listings holds the nodes that the step can select among the children of each parent; nil
	// stands for the whole document.
	listings map[*node]*listing
}

// nodeTest tests the kind and the name of a node. The zero value is "*".
type nodeTest struct {
	kind    string // node, text, comment, processing-instruction; "" for a name
	name    string // "": any
	space   string
	inSpace bool // the name has a prefix, whose namespace is space
}

func (t nodeTest) holds(n *node, axis string) bool {
	switch t.kind {
	case "node":
		return true
	case "text":
		return n.kind == kindText
	case "comment":
		return n.kind == kindComment
	case "processing-instruction":
		return n.kind == kindInstruction && (t.name == "" || t.name == n.name)
	}
	principal := kindElement
	if axis == "attribute" {
		principal = kindAttribute
	}
	if n.kind != principal || t.name != "" && t.name != n.name {
		return false
	}
	return t.inSpace && t.space == n.space || !t.inSpace && (t.name == "" || n.space == "")
}

func (s *step) add(p predicate) {
	if len(s.positional) == 0 && !p.positional {
		s.properties = append(s.properties, p)
	} else {
		s.positional = append(s.positional, p)
	}
}

// reverse reports whether the axis leads towards the beginning of the document.
func (s *step) reverse() bool {
	switch s.axis {
	case "ancestor", "ancestor-or-self", "preceding", "preceding-sibling":
		return true
	}
	return false
}

// from returns the nodes that the step selects from any of the given nodes.
func (s *step) from(c *scope, nodes *set) *set {
	var out collector
	visit := func(n *node) bool {
		out.add(c, applied(c, s.positional, s.candidates(c, n)).set)
		return true
	}
	if len(s.positional) > 0 || nodes.len() == 1 {
		nodes.each(c, visit)
		return out.set(c)
	}
	if near, ok := s.near(c, nodes); ok {
		return s.these(c, near...).set
	}
	s.decisive(c, nodes, visit)
	return out.set(c)
}

// near returns the nodes on the axis of any of the given nodes, in document order, for axes that
// lead no further than to children and ancestors; ok is false for other axes.
func (s *step) near(c *scope, nodes *set) (out []*node, ok bool) {
	seen := make(map[*node]bool)
	add := func(n *node) bool { // reports whether n is new
		if n == nil || seen[n] {
			return false
		}
		seen[n] = true
		out = append(out, n)
		return true
	}
	visit := map[string]func(n *node) bool{
		"child":     func(n *node) bool { out = append(out, n.children...); return true },
		"attribute": func(n *node) bool { out = append(out, n.attrs...); return true },
		"self":      func(n *node) bool { out = append(out, n); return true },
		"parent":    func(n *node) bool { add(n.parent); return true },
		"ancestor": func(n *node) bool {
			for n = n.parent; add(n); n = n.parent {
			}
			return true
		},
		"ancestor-or-self": func(n *node) bool {
			for ; add(n); n = n.parent {
			}
			return true
		},
	}[s.axis]
	if visit == nil {
		return nil, false
	}
	nodes.each(c, visit)
	return inOrder(out), true
}

// decisive visits those nodes from which an axis reaches all that it reaches from any of the given
// nodes, so that no part of the document is visited for each of them.
func (s *step) decisive(c *scope, nodes *set, visit func(*node) bool) {
	switch s.axis {
	case "following-sibling": // the first one below each parent
		seen := make(map[*node]bool)
		nodes.each(c, func(n *node) bool {
			if n.kind != kindAttribute && !seen[n.parent] {
				seen[n.parent] = true
				visit(n)
			}
			return true
		})
	case "preceding-sibling": // the last one
		last := make(map[*node]*node)
		nodes.each(c, func(n *node) bool {
			if n.kind != kindAttribute {
				last[n.parent] = n
			}
			return true
		})
		for _, n := range last {
			visit(n)
		}
	case "following": // the one that ends first
		var first *node
		nodes.each(c, func(n *node) bool {
			if first == nil || n.last < first.last {
				first = n
			}
			return true
		})
		visit(first)
	case "preceding": // the one that begins last
		var last *node
		nodes.each(c, func(n *node) bool { last = n; return true })
		visit(last)
	case "descendant", "descendant-or-self": // nodes that are in no other one
		end := -1
		nodes.each(c, func(n *node) bool {
			if n.order > end {
				end = n.last
				visit(n)
			}
			return true
		})
	}
}

// candidates returns the nodes on the axis of n for which the test and the properties hold.
func (s *step) candidates(c *scope, n *node) sequence {
	switch s.axis {
	case "child":
		return s.listed(c, n, n.order, n.last)
	case "following-sibling", "preceding-sibling":
		switch {
		case n.parent == nil || n.kind == kindAttribute:
			return s.these(c)
		case s.axis == "following-sibling":
			return s.listed(c, n.parent, n.order, n.parent.last)
		}
		return s.listed(c, n.parent, n.parent.order, n.order-1)
	case "descendant":
		return s.listed(c, nil, n.order, n.last)
	case "descendant-or-self":
		if n.kind == kindAttribute {
			return s.these(c, n)
		}
		return s.listed(c, nil, n.order-1, n.last)
	case "following":
		return s.listed(c, nil, n.last, c.doc.root.last)
	case "preceding":
		return s.preceding(c, n)
	case "attribute":
		return s.these(c, n.attrs...)
	case "self":
		return s.these(c, n)
	case "parent":
		if n.parent != nil {
			return s.these(c, n.parent)
		}
	case "ancestor":
		return s.these(c, n.ancestors()...)
	case "ancestor-or-self":
		return s.these(c, append(n.ancestors(), n)...)
	}
	return s.these(c)
}

// these returns those of a few nodes for which the test and the properties hold.
func (s *step) these(c *scope, nodes ...*node) sequence {
	var out []*node
	for _, n := range nodes {
		if s.test.holds(n, s.axis) {
			out = append(out, n)
		}
	}
	return applied(c, s.properties, sequence{setOf(out...), s.reverse()})
}

// preceding returns the nodes before n, without its ancestors.
func (s *step) preceding(c *scope, n *node) sequence {
	all := s.listed(c, nil, -1, n.order-1)
	var spans []span
	for _, part := range all.spans {
		for _, a := range n.ancestors() {
			at := all.list.at(a.order)
			if at < part.lo || at >= part.hi || all.list.nodes[at] != a {
				continue
			}
			spans = append(spans, span{part.lo, at})
			part.lo = at + 1
		}
		spans = append(spans, part)
	}
	return sequence{&set{all.list, spansOf(spans...)}, true}
}

// fewChildren is the number of children up to which a node has no listing.
const fewChildren = 8

// listing holds what a step can select among the children of one node, or in the whole document.
type listing struct {
	all *list // nodes for which the test holds
	// kept holds the nodes for which the properties hold too. It is made once testing nodes as they
	// were asked for has cost as much: tested counts those.
	kept   *list
	tested int
}

// listed returns the children of parent, or if it is nil the nodes of the document, whose place is
// behind after and not behind last.
func (s *step) listed(c *scope, parent *node, after, last int) sequence {
	if parent != nil && len(parent.children) <= fewChildren {
		var nodes []*node
		for _, child := range parent.children {
			if child.order > after && child.order <= last {
				nodes = append(nodes, child)
			}
		}
		return s.these(c, nodes...)
	}
	l := s.listings[parent]
	if l == nil {
		l = &listing{all: s.tested(c, parent)}
		if len(s.properties) == 0 {
			l.kept = l.all
		}
		if s.listings == nil {
			s.listings = make(map[*node]*listing)
		}
		s.listings[parent] = l
	}
	if l.kept == nil {
		lo, hi := l.all.at(after+1), l.all.at(last+1)
		seq := sequence{&set{l.all, spansOf(span{lo, hi})}, s.reverse()}
		if l.tested += hi - lo; l.tested <= len(l.all.nodes) {
			return applied(c, s.properties, seq)
		}
		whole := applied(c, s.properties, sequence{wholeSet(l.all), false})
		l.kept = &list{nodes: whole.nodes(c), kept: true}
	}
	lo, hi := l.kept.at(after+1), l.kept.at(last+1)
	return sequence{&set{l.kept, spansOf(span{lo, hi})}, s.reverse()}
}

// tested returns the children of parent, or if it is nil all nodes, for which the test holds.
func (s *step) tested(c *scope, parent *node) *list {
	nodes := c.doc.nodes
	if parent != nil {
		nodes = parent.children
	}
	l := &list{kept: true}
	for _, n := range nodes {
		if c.step(); s.test.holds(n, s.axis) {
			l.nodes = append(l.nodes, n)
		}
	}
	return l
}
