package component

import "github.com/wasihttp/wasihttp/component/internal/binary"

// FileKind is the kind of a file, according to its first bytes.
type FileKind = binary.FileKind

// The kinds of files.
const (
	FileOther              = binary.KindOther              // none of the below
	FileEmpty              = binary.KindEmpty              // no bytes at all
	FileComponent          = binary.KindComponent          // a component that Decode reads
	FileModule             = binary.KindModule             // a core module
	FileText               = binary.KindText               // the WebAssembly text format
	FileTruncated          = binary.KindTruncated          // ends within its preamble
	FileUnsupportedVersion = binary.KindUnsupportedVersion // of another version of its format
	FileUnsupportedLayer   = binary.KindUnsupportedLayer   // neither module nor component
)

// KindOf returns the kind of a file that begins with data. A file of the right kind may still be
// malformed.
func KindOf(data []byte) FileKind { return binary.Kind(data) }
