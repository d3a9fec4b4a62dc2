package explorer

import (
	"encoding/binary"
	"net/http"
)

// texts are texts one after the other, each behind its length: the collector has nothing to do
// with them, however many requests are kept.
type texts []byte

// sizeOf returns about how many bytes the fields of a header take.
func sizeOf(h http.Header) int {
	n := 0
	for name, values := range h {
		for _, value := range values {
			n += len(name) + len(value) + 2*binary.MaxVarintLen32
		}
	}
	return n
}

func (p texts) add(text string) texts {
	return append(binary.AppendUvarint(p, uint64(len(text))), text...)
}

func (p texts) addHeader(h http.Header) texts {
	for name, values := range h {
		for _, value := range values {
			p = p.add(name).add(value)
		}
	}
	return p
}

// next takes a text off.
func (p texts) next() (text string, rest texts) {
	n, size := binary.Uvarint(p)
	p = p[size:]
	return string(p[:n]), p[n:]
}

// header returns the fields of a header that is packed.
func (p texts) header() http.Header {
	h := http.Header{}
	for len(p) > 0 {
		var name, value string
		name, p = p.next()
		value, p = p.next()
		h[name] = append(h[name], value)
	}
	return h
}

// fields are those of a request or a response: with others, who do not change them, until its end.
type fields struct {
	live http.Header // nil for none
	kept texts
}

// append appends the fields to p.
func (f *fields) append(p texts) texts {
	if f.live != nil {
		return p.addHeader(f.live)
	}
	return append(p, f.kept...)
}

// header returns a header of the caller's.
func (f *fields) header() http.Header {
	if f.live != nil {
		return f.live.Clone()
	}
	return f.kept.header()
}
