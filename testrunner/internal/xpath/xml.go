package xpath

import (
	"encoding/xml"
	"io"
	"maps"
	"strings"

	"github.com/wasihttp/wasihttp/testrunner/internal/interrupt"
)

// maxDepth limits how deeply elements are nested. As in libxml2, deeper ones are left out.
const maxDepth = 256

// xmlSpace is the namespace of the prefix xml.
const xmlSpace = "http://www.w3.org/XML/1998/namespace"

// ParseXML parses a document, even one that is not well-formed if it has a root element: an end tag
// closes the innermost open element, whatever it names, and what is left open is closed at the end
// or where the text cannot be parsed any further. Expressions can use all prefixes that the
// document declares, and "_" for its first default namespace. ParseXML takes steps of w. The only
// error is ErrNoRoot.
func ParseXML(w *interrupt.Work, text string) (*Document, error) {
	if !strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "<") {
		return nil, ErrNoRoot
	}
	b := &xmlBuilder{doc: &Document{root: &node{}, namespaces: map[string]string{"xml": xmlSpace}}}
	b.open = []openElement{{b.doc.root, map[string]string{"xml": xmlSpace}}}
	d := xml.NewDecoder(w.Reader(strings.NewReader(text)))
	d.Strict = false
	// The text is decoded already, whichever encoding it declares.
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	for token, err := d.RawToken(); err == nil && b.add(token); token, err = d.RawToken() {
	}
	w.Look()
	if !b.rooted {
		return nil, ErrNoRoot
	}
	return b.doc.finish(), nil
}

// openElement is an element that is not closed yet, with the namespaces in force in it.
type openElement struct {
	node   *node
	spaces map[string]string
}

type xmlBuilder struct {
	doc    *Document
	open   []openElement // the document first
	rooted bool          // there is a root element
}

// add adds a token to the tree. It returns false if the document ends here.
func (b *xmlBuilder) add(token xml.Token) bool {
	last := b.open[len(b.open)-1].node
	switch t := token.(type) {
	case xml.StartElement:
		if b.rooted && len(b.open) == 1 || len(b.open) > maxDepth {
			return false
		}
		b.rooted = true
		b.start(t)
	case xml.EndElement:
		if len(b.open) == 1 {
			return false
		}
		b.open = b.open[:len(b.open)-1]
	case xml.CharData:
		if len(b.open) > 1 && len(t) > 0 {
			last.add(&node{kind: kindText, text: string(t)})
		}
	case xml.Comment:
		last.add(&node{kind: kindComment, text: string(t)})
	case xml.ProcInst:
		if t.Target != "xml" {
			last.add(&node{kind: kindInstruction, name: t.Target, text: string(t.Inst)})
		}
	}
	return true
}

func (b *xmlBuilder) start(t xml.StartElement) {
	parent := b.open[len(b.open)-1]
	spaces, own := parent.spaces, false
	for _, a := range t.Attr {
		prefix := a.Name.Local
		switch {
		case a.Name.Space == "xmlns":
		case a.Name.Space == "" && a.Name.Local == "xmlns":
			prefix = ""
		default:
			continue
		}
		if !own {
			spaces, own = maps.Clone(spaces), true
		}
		spaces[prefix] = a.Value
		b.declare(prefix, a.Value)
	}
	e := &node{
		kind: kindElement, prefix: t.Name.Space, name: t.Name.Local, space: spaces[t.Name.Space],
	}
	for _, a := range t.Attr {
		if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
			continue
		}
		attr := &node{prefix: a.Name.Space, name: a.Name.Local, text: a.Value}
		if attr.prefix != "" {
			attr.space = spaces[attr.prefix]
		}
		e.addAttr(attr)
	}
	parent.node.add(e)
	b.open = append(b.open, openElement{e, spaces})
}

// declare makes a prefix known to expressions.
func (b *xmlBuilder) declare(prefix, space string) {
	if prefix != "" {
		b.doc.namespaces[prefix] = space
	} else if _, known := b.doc.namespaces["_"]; !known && space != "" {
		b.doc.namespaces["_"] = space
	}
}
