package inspect

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/internal/term"
)

// The codes of problems. Programs rely on them.
const (
	CodeMissing          = "missing"           // there is no such file
	CodeAmbiguous        = "ambiguous"         // there are several files that may be meant
	CodeFolder           = "folder"            // it is a folder
	CodeSpecial          = "special"           // it is a pipe, a device or a socket
	CodeTooLarge         = "too-large"         // it has more bytes than are read
	CodeUnreadable       = "unreadable"        // the system refuses to read it
	CodeEmpty            = "empty"             // it has no bytes
	CodeTruncated        = "truncated"         // its end is missing
	CodeText             = "text"              // WebAssembly text
	CodeNotWasm          = "not-wasm"          // something else altogether
	CodeFormat           = "format"            // a binary format that is not read here
	CodeModule           = "module"            // a core module
	CodeInvalid          = "invalid"           // breaks a rule of the component model
	CodeUnsupported      = "unsupported"       // is valid but uses something that this host lacks
	CodeReleaseCandidate = "release-candidate" // made for WASI before its release
	CodeNoHandler        = "no-handler"        // does not handle HTTP requests
	CodeNoCommand        = "no-command"        // does not run as a program
	CodeUnknownImport    = "unknown-import"    // needs what is not provided here
	CodeWrongType        = "wrong-type"        // needs it with another type
	CodeWrongExport      = "wrong-export"      // an export is not what its name says
	CodeCompose          = "compose"           // does not go together with other components
	CodeCode             = "code"              // has code of a kind that is not compiled here
)

// Problem is why a file cannot be used as the user wants.
type Problem struct {
	Code    string
	Path    string // the file; "" if there are several, or none
	Message string // one line that names the file and the thing
	Hint    string // the next step; "" if there is none
	Err     error  // the error that caused it; nil if Message says all

	composed bool // it may come of one of several files that is yet to be written
}

// Error returns the message without the hint.
func (p *Problem) Error() string { return p.Message }

// Unwrap returns the error underneath.
func (p *Problem) Unwrap() error { return p.Err }

// Unfinished reports whether the file looks like one that is still being written, or one of several
// that do not go together yet.
func (p *Problem) Unfinished() bool {
	switch p.Code {
	case CodeEmpty, CodeTruncated, CodeInvalid, CodeNotWasm, CodeFormat, CodeNoHandler:
		return true
	}
	return p.composed
}

// newProblem describes what is wrong with the file at path.
func newProblem(path, code string, err error, hint, format string, args ...any) *Problem {
	return &Problem{
		Code:    code,
		Path:    path,
		Message: term.Clean(cmp.Or(path, `""`) + ": " + fmt.Sprintf(format, args...)),
		Hint:    term.Clean(hint),
		Err:     err,
	}
}

const emptyHint = "the build may have failed or may still be writing it"

// CheckPath finds what can be wrong with a path before the file is read, which may have limit
// bytes; 0 means regular.MaxFile. It returns nil if nothing is wrong.
func CheckPath(path string, limit int64) *Problem {
	limit = cmp.Or(limit, regular.MaxFile)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		hint := "build it first, or check the path: " + term.ShellPath(path)
		if _, err := os.Stat(path + ".wasm"); err == nil {
			hint = "did you mean " + term.ShellPath(path+".wasm") + "?"
		}
		return newProblem(path, CodeMissing, err, hint, "no such file")
	case err != nil:
		return newProblem(path, CodeUnreadable, err, readHint(path, err), "cannot be read: %v",
			regular.Reason(err))
	case info.IsDir():
		return newProblem(path, CodeFolder, nil, "name the .wasm file in it",
			"is a folder, not a component")
	case !info.Mode().IsRegular():
		return readProblem(path, &regular.KindError{Mode: info.Mode().Type()})
	case info.Size() == 0:
		return newProblem(path, CodeEmpty, nil, emptyHint, "the file is empty")
	case info.Size() > limit:
		return readProblem(path, &regular.SizeError{Size: info.Size(), Max: limit})
	}
	return nil
}

// Read reads the file at path, which may have limit bytes; 0 means regular.MaxFile.
func Read(path string, limit int64) ([]byte, *Problem) {
	if p := CheckPath(path, limit); p != nil {
		return nil, p
	}
	data, err := regular.ReadFile(path, cmp.Or(limit, regular.MaxFile))
	if err != nil {
		return nil, readProblem(path, err)
	}
	return data, nil
}

// readProblem describes why the file at path cannot be read.
func readProblem(path string, err error) *Problem {
	var kind *regular.KindError
	var size *regular.SizeError
	switch {
	case errors.As(err, &kind):
		return newProblem(path, CodeSpecial, err, "save the component to a file and name that file",
			"%v", kind)
	case errors.As(err, &size):
		return newProblem(path, CodeTooLarge, err,
			"if it is meant to be that large, raise --max-component-size",
			"%v (--max-component-size)", size)
	}
	return newProblem(path, CodeUnreadable, err, readHint(path, err), "cannot be read: %v",
		regular.Reason(err))
}

// readHint returns what to do about a file that cannot be read; "" if nothing can be.
func readHint(path string, err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "you may not read it: check its owner and permissions with ls -l " +
			term.ShellPath(path)
	}
	return ""
}
