package cmd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/serve"
	"github.com/wasihttp/wasihttp/term"
	"github.com/wasihttp/wasihttp/wasi"
	"github.com/wasihttp/wasihttp/wasi/p2"
)

// loadConfig is everything the user decided about the component that is loaded
// and about the host it finds.
type loadConfig struct {
	// Env is what the guest sees as its environment, names unique, in order.
	Env []envVar
	// Args is what the guest sees as its arguments after its name.
	Args []string

	// Timeout is the time for the head of an answer; 0 means no limit.
	Timeout time.Duration
	// PostReturnTimeout is the time for the guest's own work after an answer.
	PostReturnTimeout time.Duration
	// IdleInstanceTimeout is how long an instance without requests is kept.
	IdleInstanceTimeout time.Duration
	// MaxMemory limits the linear memory of an instance, in bytes.
	MaxMemory int64
	// MaxInstanceReuse is how many requests an instance serves in its life, and
	// MaxInstanceConcurrentReuse how many at once; 0 means the default of the
	// component's kind.
	MaxInstanceReuse           int
	MaxInstanceConcurrentReuse int

	// NoOutbound forbids all outbound requests. AllowOutbound, unless empty,
	// allows only those that match.
	NoOutbound    bool
	AllowOutbound []outboundPattern
	// CAFiles are PEM files with certificates to trust beside the system's.
	CAFiles []string
	// Outbound is told about each outbound request when it has ended, from many
	// goroutines.
	Outbound func(outboundRecord)

	// CacheDir is where compiled code is kept; empty means nowhere.
	CacheDir string

	// Stdout and Stderr make the guest's standard streams: one writer each for
	// an instance, to be closed with it. The prefix is to be
	// "[INSTANCE/REQUEST] ".
	Stdout, Stderr *term.Lines
	// Progress is told what is being compiled, and that part of whole steps are
	// done. It may be called from many goroutines.
	Progress func(what string, part, whole int)
	// Notice prints a line for the user.
	Notice func(line string)
}

// app is a component that is ready to serve.
type app struct {
	Handler serve.Handler
	About   description
	// Close frees everything, as serve.Build's Close does.
	Close func(ctx context.Context) error
}

// description is what the user is told about a component.
type description struct {
	// File is the path as it was given.
	File string
	// Size is the file's, in bytes.
	Size int64
	// Digest is the first 8 hexadecimal digits of the file's SHA-256.
	Digest string
	// Kind is the version of WASI HTTP it is made for: "0.2" or "0.3".
	Kind string
	// Compile is how long compiling took; FromCache says that it was not
	// needed.
	Compile   time.Duration
	FromCache bool
}

// errNoEngine is what load returns in a build without an engine.
var errNoEngine = errors.New("this build has no engine")

// load makes the component in the file at path ready to serve.
func load(_ context.Context, path string, _ loadConfig) (*app, error) {
	return nil, loadError(errNoEngine, "use a complete build of "+programName, "%s: this build of %s cannot run components", path, programName)
}

// newLinker returns all interfaces that components find here.
func newLinker() *component.Linker {
	l := component.NewLinker()
	p2.AddTo(l, func(data any) *wasi.State {
		state, _ := data.(*wasi.State)
		return state
	})
	return l
}

// isServable reports whether the file at path is a component, or else why not.
func isServable(path string) (bool, string) {
	f, err := os.Open(path)
	if err != nil {
		return false, err.Error()
	}
	defer f.Close()
	preamble := make([]byte, 8)
	if _, err := io.ReadFull(f, preamble); err != nil {
		return false, "too short to be a component"
	}
	// Component model, Binary.md: magic, version 0x0d, layer 1.
	if !bytes.Equal(preamble, []byte{0, 'a', 's', 'm', 0x0d, 0, 1, 0}) {
		return false, "not a component"
	}
	return true, ""
}
