package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/fixture/redact"
	"github.com/wasihttp/wasihttp/serve"
)

// Saving is an exchange that a user wants as a fixture.
type Saving struct {
	Recorded serve.Recorded
	// Upstream are the exchanges with other servers meanwhile, and World is where the instance
	// begins; nil for none.
	Upstream []fixture.Exchange
	World    *fixture.World
	// File is the name in the folder; "" for the next of the names that a Recorder gives.
	File string
}

// Saved is what was written.
type Saved struct {
	// File is the path of the fixture, and Upstream that of the one beside it; "" for none.
	File     string `json:"file"`
	Upstream string `json:"upstream"`
	// Entries counts the exchanges in File.
	Entries  int      `json:"entries"`
	Warnings []string `json:"warnings"`
}

// ErrInexpressible is the error of an exchange that no fixture can express.
var ErrInexpressible = errors.New("no fixture can express the exchange")

// NameError is the error of a name that a fixture cannot have.
type NameError struct{ Name string }

// Error returns the name and what is wrong with it.
func (e *NameError) Error() string { return strconv.Quote(e.Name) + " is no name for a fixture" }

// Save writes an exchange as a fixture, and the upstream fixture beside it, without secrets. Of the
// options it takes Dir, which is made if it is missing, Redact, Base, AllHeaders, Pretty and
// Timeout. No file is replaced: if one with the name that was given is there, the error wraps
// fs.ErrExist.
func Save(s Saving, o Options) (*Saved, error) {
	if s.File != "" && (!filepath.IsLocal(s.File) || filepath.Base(s.File) != s.File ||
		!strings.HasSuffix(s.File, ".hurl") || strings.HasSuffix(s.File, upstreamSuffix) ||
		strings.HasPrefix(s.File, ".") || strings.ContainsAny(s.File, `/\:*?"<>|`)) {
		return nil, &NameError{s.File}
	}
	r := &Recorder{
		options: o, session: redact.NewSession(o.Redact), files: files{limit: maxKept},
	}
	e, ok := r.exchangeOf(&s.Recorded)
	if !ok {
		return nil, ErrInexpressible
	}
	e.World = s.World
	own := document{list: []*fixture.Exchange{&e}, options: o.hurl()}
	others := document{options: hurl.RecordOptions{Upstream: true}}
	for i := range s.Upstream {
		others.list = append(others.list, &s.Upstream[i])
	}
	for _, x := range append(own.list, others.list...) {
		r.session.Find(x)
	}
	hidden := r.session.Hide(&e)
	text, warnings := hurl.FromExchanges([]fixture.Exchange{hidden}, own.options)
	if len(text) == 0 {
		return nil, ErrInexpressible
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, err
	}
	path, err := r.save(s.File, text, &hidden, &own, &others)
	if err != nil {
		return nil, err
	}
	saved := &Saved{File: path, Entries: 1, Warnings: r.session.Left()}
	saved.Warnings = append(saved.Warnings, fixture.Summarize(warnings, 1)...)
	if len(r.files.list) > 1 {
		saved.Upstream = besideUpstream(path)
	}
	return saved, nil
}

// upstreamSuffix ends the name of an upstream fixture.
const upstreamSuffix = ".upstream.hurl"

// save writes the files under the name, or under the next free one.
func (r *Recorder) save(
	name string, text []byte, hidden *fixture.Exchange, own, others *document,
) (string, error) {
	if name != "" {
		path := filepath.Join(r.options.Dir, name)
		return path, r.pair(path, text, own, others)
	}
	entries, err := os.ReadDir(r.options.Dir)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		digits, _, _ := strings.Cut(e.Name(), "-")
		if n, err := strconv.Atoi(digits); err == nil {
			r.number = max(r.number, n)
		}
	}
	for range 1000 {
		r.number++
		path := filepath.Join(r.options.Dir, hurl.FileName(r.number, hidden))
		if err := r.pair(path, text, own, others); !errors.Is(err, fs.ErrExist) {
			return path, err
		}
	}
	return "", fmt.Errorf("%s has no free name", r.options.Dir)
}
