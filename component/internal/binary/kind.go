package binary

import (
	"bytes"
	"strconv"
)

// FileKind is what a file is, judged by its first bytes.
type FileKind int

// The kinds of files.
const (
	KindOther              FileKind = iota // none of the below
	KindEmpty                              // no bytes at all
	KindComponent                          // a component in the supported format
	KindModule                             // a core module
	KindText                               // the WebAssembly text format
	KindTruncated                          // begins like a binary, ends within its preamble
	KindUnsupportedVersion                 // a binary of another version of its format
	KindUnsupportedLayer                   // a binary that is neither module nor component
)

// String names the kind.
func (k FileKind) String() string {
	switch k {
	case KindOther:
		return "not WebAssembly"
	case KindEmpty:
		return "empty"
	case KindComponent:
		return "component"
	case KindModule:
		return "core module"
	case KindText:
		return "WebAssembly text"
	case KindTruncated:
		return "truncated WebAssembly"
	case KindUnsupportedVersion:
		return "unsupported version of the WebAssembly binary format"
	case KindUnsupportedLayer:
		return "unsupported layer of the WebAssembly binary format"
	}
	return "FileKind(" + strconv.Itoa(int(k)) + ")"
}

const (
	magic            = "\x00asm"
	componentVersion = 0x0d
	moduleVersion    = 0x01
	layerModule      = 0
	layerComponent   = 1
	preambleSize     = 8
)

// Kind returns the kind of data. It looks at the preamble, for text at the first word; the rest may
// still be malformed.
func Kind(data []byte) FileKind {
	switch {
	case len(data) == 0:
		return KindEmpty
	case len(data) < preambleSize &&
		bytes.HasPrefix([]byte(magic), data[:min(len(data), len(magic))]):
		return KindTruncated
	case !bytes.HasPrefix(data, []byte(magic)):
		if isText(data) {
			return KindText
		}
		return KindOther
	}
	version := uint16(data[4]) | uint16(data[5])<<8
	switch layer := uint16(data[6]) | uint16(data[7])<<8; layer {
	case layerModule:
		if version == moduleVersion {
			return KindModule
		}
		return KindUnsupportedVersion
	case layerComponent:
		if version == componentVersion {
			return KindComponent
		}
		return KindUnsupportedVersion
	}
	return KindUnsupportedLayer
}

// isText skips white space and comments and looks for the opening parenthesis of a module or
// component.
func isText(data []byte) bool {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	for {
		data = bytes.TrimLeft(data, " \t\r\n")
		switch {
		case bytes.HasPrefix(data, []byte(";;")):
			end := bytes.IndexByte(data, '\n')
			if end < 0 {
				return false
			}
			data = data[end+1:]
		case bytes.HasPrefix(data, []byte("(;")):
			rest, ok := skipBlockComment(data)
			if !ok {
				return false
			}
			data = rest
		case bytes.HasPrefix(data, []byte("(")):
			word := bytes.TrimLeft(data[1:], " \t\r\n")
			return bytes.HasPrefix(word, []byte("component")) ||
				bytes.HasPrefix(word, []byte("module"))
		default:
			return false
		}
	}
}

// skipBlockComment drops a comment, which may contain others.
func skipBlockComment(data []byte) ([]byte, bool) {
	depth := 0
	for i := 0; i+1 < len(data); i++ {
		switch {
		case data[i] == '(' && data[i+1] == ';':
			depth++
			i++
		case data[i] == ';' && data[i+1] == ')':
			depth--
			i++
			if depth == 0 {
				return data[i+1:], true
			}
		}
	}
	return nil, false
}
