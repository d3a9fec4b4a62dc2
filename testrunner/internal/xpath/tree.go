// Package xpath evaluates XPath 1.0 over XML and HTML documents, including broken ones. Where the
// recommendation leaves something open, and in how numbers are written, it follows libxml2, on
// which the hurl program is built.
package xpath

import (
	"errors"
	"strings"
)

// Document is a parsed document. It is safe for concurrent use.
type Document struct {
	root  *node
	nodes []*node // all but attributes, in document order
	html  bool
	// namespaces maps the prefixes that expressions can use.
	namespaces map[string]string
}

// ErrNoRoot is the error of a text without a root element.
var ErrNoRoot = errors.New("there is no root element")

type kind int

const (
	kindRoot kind = iota
	kindElement
	kindAttribute
	kindText
	kindComment
	kindInstruction
)

// node is a node of the tree, as XPath defines it.
type node struct {
	kind     kind
	parent   *node
	children []*node
	attrs    []*node
	// prefix, name and space belong to elements and attributes; name is also the target of a
	// processing instruction.
	prefix, name, space string
	text                string // of all kinds except root and elements
	order               int    // the place in the document
	last                int    // the order of the last node below, or its own if there is none
}

// ancestors returns the ancestors of the node, the root first.
func (n *node) ancestors() []*node {
	depth := 0
	for p := n.parent; p != nil; p = p.parent {
		depth++
	}
	out := make([]*node, depth, depth+1)
	for p := n.parent; p != nil; p = p.parent {
		depth--
		out[depth] = p
	}
	return out
}

// qualified returns the name with its prefix.
func (n *node) qualified() string {
	if n.prefix == "" {
		return n.name
	}
	return n.prefix + ":" + n.name
}

// value returns the string-value.
func (n *node) value() string {
	if n.kind != kindRoot && n.kind != kindElement {
		return n.text
	}
	var b strings.Builder
	n.appendText(&b)
	return b.String()
}

func (n *node) appendText(b *strings.Builder) {
	for _, child := range n.children {
		switch child.kind {
		case kindText:
			b.WriteString(child.text)
		case kindElement:
			child.appendText(b)
		}
	}
}

func (n *node) add(child *node) *node {
	child.parent = n
	n.children = append(n.children, child)
	return child
}

func (n *node) addAttr(a *node) {
	a.kind, a.parent = kindAttribute, n
	n.attrs = append(n.attrs, a)
}

// finish numbers the nodes in document order once the tree is complete.
func (d *Document) finish() *Document {
	order := 0
	var number func(n *node)
	number = func(n *node) {
		d.nodes = append(d.nodes, n)
		n.order = order
		for _, a := range n.attrs {
			order++
			a.order, a.last = order, order
		}
		for _, child := range n.children {
			order++
			number(child)
		}
		n.last = order
	}
	number(d.root)
	return d
}
