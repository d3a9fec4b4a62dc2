package xpath

import (
	"slices"
	"sort"

	"github.com/wasihttp/wasihttp/internal/stable"
)

// list holds nodes in document order, each once. Lists that belong to a document are kept for as
// long as an expression is evaluated, so that what is computed from them is computed once.
type list struct {
	nodes []*node
	kept  bool // for the evaluation; other lists are made for one set
	// read counts the nodes whose text was read. Once there were many, positions maps a text to the
	// indexes of its nodes, and numbers holds the texts as numbers.
	read      int
	positions map[string][]int
	numbers   []float64
}

// worthwhile counts reads, and reports whether reading all nodes of the list now pays off.
func (l *list) worthwhile(reads int) bool {
	l.read += reads
	return l.kept && l.read > len(l.nodes)
}

// at returns the index of the first node whose place in the document is order or later.
func (l *list) at(order int) int {
	return sort.Search(len(l.nodes), func(i int) bool { return l.nodes[i].order >= order })
}

// span is a part of a list: the nodes from lo up to, but not including, hi.
type span struct{ lo, hi int }

// set is a nodeset: nodes in document order, each once. Its nodes are spans of a list, so that the
// nodes beside or below a node are found without visiting each.
type set struct {
	list  *list
	spans []span // in order, none empty, none overlapping
}

func setOf(nodes ...*node) *set { return wholeSet(&list{nodes: nodes}) }

func wholeSet(l *list) *set { return &set{l, spansOf(span{0, len(l.nodes)})} }

// spansOf returns the spans that are not empty.
func spansOf(spans ...span) []span {
	return slices.DeleteFunc(spans, func(s span) bool { return s.lo >= s.hi })
}

func (s *set) len() int {
	n := 0
	for _, part := range s.spans {
		n += part.hi - part.lo
	}
	return n
}

// nodes returns the nodes in a slice of its own.
func (s *set) nodes(c *scope) []*node {
	var out []*node
	s.each(c, func(n *node) bool {
		out = append(out, n)
		return true
	})
	return out
}

// first returns the first node, or nil if there is none.
func (s *set) first() *node {
	if len(s.spans) == 0 {
		return nil
	}
	return s.list.nodes[s.spans[0].lo]
}

// each calls visit for each node until visit returns false.
func (s *set) each(c *scope, visit func(*node) bool) {
	for _, part := range s.spans {
		for _, n := range s.list.nodes[part.lo:part.hi] {
			if c.step(); !visit(n) {
				return
			}
		}
	}
}

// eachBackward is each, from the last node to the first.
func (s *set) eachBackward(c *scope, visit func(*node) bool) {
	for _, part := range slices.Backward(s.spans) {
		for _, n := range slices.Backward(s.list.nodes[part.lo:part.hi]) {
			if c.step(); !visit(n) {
				return
			}
		}
	}
}

// any reports whether a node meets a condition.
func (s *set) any(c *scope, meets func(*node) bool) bool {
	found := false
	s.each(c, func(n *node) bool {
		found = meets(n)
		return !found
	})
	return found
}

// has reports whether text is the string-value of a node.
func (s *set) has(c *scope, text string) bool {
	l := s.list
	if l.positions == nil && !l.worthwhile(s.len()) {
		return s.any(c, func(n *node) bool { return n.value() == text })
	}
	if l.positions == nil {
		l.positions = make(map[string][]int)
		for i, n := range l.nodes {
			c.step()
			value := n.value()
			l.positions[value] = append(l.positions[value], i)
		}
	}
	at := l.positions[text]
	return slices.ContainsFunc(s.spans, func(part span) bool {
		i := sort.SearchInts(at, part.lo)
		return i < len(at) && at[i] < part.hi
	})
}

// anyNumber reports whether the string-value of a node, as a number or NaN, meets a condition.
func (s *set) anyNumber(c *scope, meets func(float64) bool) bool {
	l := s.list
	if l.numbers == nil && !l.worthwhile(s.len()) {
		return s.any(c, func(n *node) bool { return meets(toNumber(n.value())) })
	}
	if l.numbers == nil {
		l.numbers = make([]float64, len(l.nodes))
		for i, n := range l.nodes {
			c.step()
			l.numbers[i] = toNumber(n.value())
		}
	}
	for _, part := range s.spans {
		for _, x := range l.numbers[part.lo:part.hi] {
			if c.step(); meets(x) {
				return true
			}
		}
	}
	return false
}

// collector joins nodes from several places.
type collector struct {
	spans map[*list][]span // of kept lists
	lists []*list          // the keys of spans, in the order in which they were added
	loose []*node
	seen  []uint64 // a bit for each node of the document, if there are many loose nodes
}

// manyLoose is the number of loose nodes from which on repeated ones are dropped as they come: they
// may be far more than the document has nodes.
const manyLoose = 1 << 10

func (u *collector) add(c *scope, s *set) {
	if s.list.kept {
		if u.spans == nil {
			u.spans = make(map[*list][]span)
		}
		if _, known := u.spans[s.list]; !known {
			u.lists = append(u.lists, s.list)
		}
		u.spans[s.list] = append(u.spans[s.list], s.spans...)
		return
	}
	if u.seen == nil && len(u.loose)+s.len() > manyLoose {
		u.seen = make([]uint64, c.doc.root.last/64+1)
		known := u.loose
		u.loose = nil
		for _, n := range known {
			u.addLoose(n)
		}
	}
	s.each(c, u.addLoose)
}

func (u *collector) addLoose(n *node) bool {
	if u.seen != nil {
		word, bit := &u.seen[n.order/64], uint64(1)<<(n.order%64)
		if *word&bit != 0 {
			return true
		}
		*word |= bit
	}
	u.loose = append(u.loose, n)
	return true
}

// set returns all nodes, in document order and each once.
func (u *collector) set(c *scope) *set {
	if len(u.lists) == 1 && len(u.loose) == 0 {
		return &set{u.lists[0], merged(u.spans[u.lists[0]])}
	}
	nodes := u.loose
	for _, l := range u.lists {
		nodes = append(nodes, (&set{l, merged(u.spans[l])}).nodes(c)...)
	}
	return setOf(slices.Compact(inOrder(nodes))...)
}

// inOrder sorts nodes into document order.
func inOrder(nodes []*node) []*node {
	byOrder := func(a, b *node) int { return a.order - b.order }
	if !slices.IsSortedFunc(nodes, byOrder) {
		slices.SortFunc(nodes, byOrder)
	}
	return nodes
}

// merged sorts spans and joins those that overlap.
func merged(spans []span) []span {
	byStart := func(a, b span) int { return a.lo - b.lo }
	if !slices.IsSortedFunc(spans, byStart) {
		stable.Sort(spans, byStart)
	}
	var out []span
	for _, s := range spans {
		if n := len(out); n > 0 && s.lo <= out[n-1].hi {
			out[n-1].hi = max(out[n-1].hi, s.hi)
			continue
		}
		out = append(out, s)
	}
	return out
}

// sequence is a set in the order of an axis, in which positions count.
type sequence struct {
	*set
	reverse bool // the last node of the document comes first
}

// at returns the nodes at the given positions, counted from 0.
func (s sequence) at(positions []span) sequence {
	if s.reverse {
		size, turned := s.len(), make([]span, len(positions))
		for i, p := range positions {
			turned[len(turned)-1-i] = span{size - p.hi, size - p.lo}
		}
		positions = turned
	}
	out := &set{list: s.list}
	before := 0
	for _, part := range s.spans {
		for len(positions) > 0 && positions[0].lo < before+part.hi-part.lo {
			p, shift := positions[0], part.lo-before
			both := span{max(part.lo, p.lo+shift), min(part.hi, p.hi+shift)}
			out.spans = append(out.spans, spansOf(both)...)
			if p.hi > before+part.hi-part.lo {
				break // the rest of these positions is in the next part
			}
			positions = positions[1:]
		}
		before += part.hi - part.lo
	}
	return sequence{out, s.reverse}
}

// filter returns the nodes for which keep returns true, given a node and its position, until there
// are most of them.
func (s sequence) filter(c *scope, most int, keep func(n *node, position int) bool) sequence {
	var nodes []*node
	i := 0
	visit := func(n *node) bool {
		if i++; keep(n, i) {
			nodes = append(nodes, n)
		}
		return len(nodes) < most
	}
	if s.reverse {
		s.eachBackward(c, visit)
		slices.Reverse(nodes)
	} else {
		s.each(c, visit)
	}
	return sequence{setOf(nodes...), s.reverse}
}
