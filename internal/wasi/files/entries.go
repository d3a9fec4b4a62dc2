package files

import (
	"io"
	"os"
	"unicode/utf8"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// batch is how many entries of a folder are read at once.
const batch = 64

// Entry is one entry of a folder. If the name is not UTF-8, only Err is set.
type Entry struct {
	Name string
	Type Type
	Err  error
}

// Entries are the entries of a folder, without "." and "..". They belong to one goroutine at a
// time.
type Entries struct {
	*grant
	dir  *os.File
	rest []Entry
	err  error
}

// Entries begins to read the folder. The caller closes them.
func (d *Descriptor) Entries() (*Entries, error) {
	if d.file != nil {
		return nil, wasi.FileCode("not-directory")
	}
	// Opened again: each reader needs a position of its own.
	f, err := d.root.Open(".")
	if err != nil {
		return nil, d.code(err)
	}
	if err := d.files.keep(f); err != nil {
		return nil, err
	}
	return &Entries{grant: d.grant, dir: f}, nil
}

// Buffered reports whether Next returns without touching the disk.
func (e *Entries) Buffered() bool { return len(e.rest) > 0 || e.err != nil }

// Next returns up to n entries, and at least one without an error. The error is io.EOF at the end.
func (e *Entries) Next(n int) ([]Entry, error) {
	if !e.Buffered() {
		e.fill()
	}
	if len(e.rest) == 0 {
		return nil, e.err
	}
	n = min(n, len(e.rest))
	list := e.rest[:n:n]
	e.rest = e.rest[n:]
	return list, nil
}

func (e *Entries) fill() {
	for e.err == nil && len(e.rest) == 0 {
		list, err := readEntries(e.dir, batch)
		for _, entry := range list {
			if !utf8.ValidString(entry.Name) {
				entry = Entry{Err: wasi.FileCode("illegal-byte-sequence")}
			}
			e.rest = append(e.rest, entry)
		}
		if err != nil && err != io.EOF {
			err = e.code(err)
		}
		e.err = err
	}
}

// Close ends the reading.
func (e *Entries) Close() { e.files.release(e.dir) }
