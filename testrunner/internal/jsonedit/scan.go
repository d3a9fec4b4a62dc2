package jsonedit

import (
	"encoding/json"
	"strings"
)

// node is a value and its place in a source.
type node struct {
	start, end int
	open       byte // '{' or '['; 0 for anything else
	items      []item
}

// item is a member of an object or an element of an array.
type item struct {
	start int    // its beginning; for a member, that of its name
	name  string // of a member
	value *node
}

// scanner parses JSON in which placeholders, such as {{name}}, stand for values.
type scanner struct {
	src    string
	pos    int
	failed bool
}

// scan parses the only value of a source. It returns nil if the source is not JSON.
func scan(src string) *node {
	s := &scanner{src: src}
	n := s.value(0)
	if s.blank(); s.failed || s.pos < len(src) {
		return nil
	}
	return n
}

func (s *scanner) blank() {
	for s.pos < len(s.src) && strings.IndexByte(" \t\r\n", s.src[s.pos]) >= 0 {
		s.pos++
	}
}

// next returns the next byte that is not white space, or 0 at the end.
func (s *scanner) next() byte {
	if s.blank(); s.pos < len(s.src) {
		return s.src[s.pos]
	}
	return 0
}

func (s *scanner) accept(c byte) bool {
	if s.next() != c {
		return false
	}
	s.pos++
	return true
}

func (s *scanner) expect(c byte) {
	if !s.accept(c) {
		s.failed = true
	}
}

// maxDepth limits how deeply values may be nested.
const maxDepth = 1000

func (s *scanner) value(depth int) *node {
	c := s.next()
	n := &node{start: s.pos}
	switch {
	case depth > maxDepth:
		s.failed = true
	case strings.HasPrefix(s.src[s.pos:], "{{"):
		s.until("}}")
	case c == '{' || c == '[':
		s.pos++
		n.open = c
		s.list(n, depth)
	case c == '"':
		s.text()
	default:
		for s.pos < len(s.src) && strings.IndexByte(" \t\r\n,]}", s.src[s.pos]) < 0 {
			s.pos++
		}
		if s.pos == n.start {
			s.failed = true
		}
	}
	n.end = s.pos
	return n
}

// list parses the items of an object or array, and the closing bracket.
func (s *scanner) list(n *node, depth int) {
	closing := n.open + 2 // in ASCII, of both kinds of brackets
	if s.accept(closing) {
		return
	}
	for !s.failed {
		s.blank()
		i := item{start: s.pos}
		if n.open == '{' {
			i.name = s.text()
			s.expect(':')
		}
		i.value = s.value(depth + 1)
		n.items = append(n.items, i)
		if !s.accept(',') {
			break
		}
	}
	s.expect(closing)
}

// text parses a string and returns its value. A string with a placeholder has no value.
func (s *scanner) text() string {
	start := s.pos
	s.expect('"')
	for s.pos < len(s.src) && s.src[s.pos] != '"' {
		switch {
		case s.src[s.pos] == '\\':
			s.pos++
		case strings.HasPrefix(s.src[s.pos:], "{{"):
			s.until("}}")
			continue
		}
		s.pos++
	}
	s.expect('"')
	if s.failed {
		return ""
	}
	var text string
	if json.Unmarshal([]byte(s.src[start:s.pos]), &text) != nil {
		s.failed = true
	}
	return text
}

func (s *scanner) until(end string) {
	i := strings.Index(s.src[s.pos:], end)
	if i < 0 {
		s.failed, s.pos = true, len(s.src)
		return
	}
	s.pos += i + len(end)
}
