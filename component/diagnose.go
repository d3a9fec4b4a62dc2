package component

import (
	"encoding/binary"
	"strings"

	ast "github.com/wasihttp/wasihttp/component/internal/binary"
	"github.com/wasihttp/wasihttp/internal/corewasm"
)

// FileKind tells what a file is, judged by its first bytes.
type FileKind = ast.FileKind

// The kinds of files.
const (
	FileOther              = ast.KindOther              // none of the below
	FileEmpty              = ast.KindEmpty              // no bytes at all
	FileComponent          = ast.KindComponent          // a component in the format that Decode reads
	FileModule             = ast.KindModule             // a core module
	FileText               = ast.KindText               // the WebAssembly text format
	FileTruncated          = ast.KindTruncated          // begins like a binary, ends within its preamble
	FileUnsupportedVersion = ast.KindUnsupportedVersion // a binary of another version of its format
	FileUnsupportedLayer   = ast.KindUnsupportedLayer   // a binary that is neither module nor component
)

// KindOf tells what data is. A file of the right kind may still be malformed.
func KindOf(data []byte) FileKind { return ast.Kind(data) }

// Missing tells how many bytes a component or core module lacks at its end, in bytes: more than 0 if the last section announces more
// than there is. That is what an interrupted copy or a build that is still writing looks like.
func Missing(data []byte) int64 {
	const preamble, maxU32 = 8, 5 // bytes, of the latter at most
	if len(data) < preamble {
		return int64(preamble - len(data))
	}
	for rest := data[preamble:]; len(rest) > 0; {
		window := rest[1:min(len(rest), 1+maxU32)]
		size, n := binary.Uvarint(window)
		switch {
		case n < 0 || size > 1<<32-1 || n == 0 && len(window) == maxU32:
			return 0 // not a section: another kind of damage
		case n == 0:
			return 1 // at least the rest of the size
		}
		rest = rest[1+n:]
		if size > uint64(len(rest)) {
			return int64(size) - int64(len(rest))
		}
		rest = rest[size:]
	}
	return 0
}

// ModuleFacts are what decides how a core module can be made into a component.
type ModuleFacts struct {
	// WIT tells that the module has a description of its world inside, so that wasm-tools component new needs nothing else.
	WIT bool
	// Command tells that the module has a main function (_start).
	Command bool
	// Imports are the names of the modules it imports from, without repetition, in order.
	Imports   []string
	Producers Producers
}

// DescribeModule looks at a core module. The error says that it is malformed.
func DescribeModule(module []byte) (ModuleFacts, error) {
	info, err := corewasm.Scan(module)
	if err != nil {
		return ModuleFacts{}, err
	}
	f := ModuleFacts{Producers: ModuleProducers(module)}
	for _, name := range info.Customs {
		if strings.HasPrefix(name, "component-type") {
			f.WIT = true
		}
	}
	_, f.Command = info.ExportNamed("_start")
	seen := map[string]bool{}
	for _, im := range info.Imports {
		if !seen[im.Module] {
			seen[im.Module] = true
			f.Imports = append(f.Imports, im.Module)
		}
	}
	return f, nil
}

// Offers tells by which of the linker's interfaces an import of that name is satisfied: the same, or a compatible version.
func (l *Linker) Offers(name string) (by string, ok bool) {
	if i := l.lookup(name); i != nil {
		return i.Name, true
	}
	return "", false
}

// Unknown tells whether the linker has nothing of that name. Otherwise it has something, but of another type.
func (p ImportProblem) Unknown() bool { return strings.HasPrefix(p.Reason, "unknown ") }
