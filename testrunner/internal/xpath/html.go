package xpath

import (
	"strings"

	"golang.org/x/net/html"

	"github.com/wasihttp/wasihttp/testrunner/internal/interrupt"
)

// ParseHTML parses any text as HTML. As in libxml2, and unlike in browsers, the elements tbody and
// head exist only if they are written, and text at the beginning becomes a paragraph. There are no
// namespaces. ParseHTML takes steps of w. The only error is ErrNoRoot.
func ParseHTML(w *interrupt.Work, text string) (*Document, error) {
	trimmed := strings.TrimLeft(text, " \t\r\n")
	if trimmed == "" {
		return nil, ErrNoRoot
	}
	if trimmed[0] != '<' {
		text = "<p>" + text
	}
	parsed, err := html.Parse(w.Reader(strings.NewReader(text)))
	w.Look()
	if err != nil {
		return nil, err
	}
	lower := strings.ToLower(text)
	b := htmlBuilder{head: strings.Contains(lower, "<head"),
		body: strings.Contains(lower, "<tbody")}
	doc := &Document{root: &node{}, html: true}
	b.children(doc.root, parsed, 0)
	return doc.finish(), nil
}

// htmlBuilder copies a tree. head and body report whether the elements head and tbody are written.
type htmlBuilder struct{ head, body bool }

// children copies the children of from to the node to.
func (b htmlBuilder) children(to *node, from *html.Node, depth int) {
	for child := from.FirstChild; child != nil; child = child.NextSibling {
		switch child.Type {
		case html.TextNode:
			to.add(&node{kind: kindText, text: child.Data})
		case html.CommentNode:
			to.add(&node{kind: kindComment, text: child.Data})
		case html.ElementNode:
			if depth > maxDepth {
				continue
			}
			implied := child.Data == "tbody" && !b.body ||
				child.Data == "head" && !b.head && child.FirstChild == nil
			if implied {
				b.children(to, child, depth)
				continue
			}
			e := to.add(&node{kind: kindElement, name: child.Data})
			for _, a := range child.Attr {
				e.addAttr(&node{name: a.Key, text: a.Val})
			}
			b.children(e, child, depth+1)
		}
	}
}
