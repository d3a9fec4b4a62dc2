package cmd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/engine"
	"github.com/wasihttp/wasihttp/internal/inspect"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/serve"
	"github.com/wasihttp/wasihttp/wasi"
	"github.com/wasihttp/wasihttp/wasi/p2"
	"github.com/wasihttp/wasihttp/wasi/p3"
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

	// Engine, unless nil, is the engine of the builds before.
	Engine *sharedEngine
	// Reload makes the load a quiet one beside a build that serves: it leaves a
	// processor to the requests, and makes one instance to see that it can be
	// made.
	Reload bool
	// Helper, unless nil, compiles large modules in a reload.
	Helper engine.Helper
	// Data, unless nil, is what the file holds.
	Data []byte

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
	// Component is what was loaded, for comparing it with the next build; nil if there is nothing to compare.
	Component *component.Component
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

// load makes the component in the file at path ready to serve.
func load(ctx context.Context, path string, cfg loadConfig) (*app, error) {
	start := time.Now()
	linker := newLinker()
	x := cfg.examine(path, linker).ForServe()
	if x.Problem != nil {
		return nil, problemError(x.Problem)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	eng, closeEngine, err := cfg.engine()
	if err != nil {
		return nil, loadError(err, "", "%s: %v", path, err)
	}
	linkCtx := ctx
	if cfg.Reload {
		linkCtx = engine.Aside(ctx, cfg.Helper)
	}
	linked, err := x.Component.Link(linkCtx, eng, linker, component.LinkOptions{Progress: func(done, total int) {
		if cfg.Progress != nil {
			cfg.Progress("compiling "+filepath.Base(path), done, total)
		}
	}})
	if err != nil {
		_ = closeEngine()
		return nil, problemError(inspect.CodeProblem(path, err))
	}
	// The build lives until it is closed, whatever ends the load or the command.
	h, err := newHost(context.WithoutCancel(ctx), linked, x.Component.ExportNames(), filepath.Base(path), cfg)
	if err != nil {
		return nil, errors.Join(loadError(err, "", "%s: %v", path, err), linked.Close(ctx), closeEngine())
	}
	a := &app{
		Handler:   h,
		Component: x.Component,
		About: description{
			File: path, Size: int64(len(x.Data)), Digest: digest(x.Data), Kind: h.pre.Kind().String(),
			Compile: time.Since(start), FromCache: linked.FromCache(),
		},
		Close: func(ctx context.Context) error {
			h.proxy.Close(ctx)
			return errors.Join(linked.Close(ctx), closeEngine())
		},
	}
	if cfg.Reload {
		if err := h.trial(ctx); err != nil {
			return nil, errors.Join(loadError(err, "the build before it goes on serving", "%s: cannot be started: %v", path, err), a.Close(ctx))
		}
	}
	return a, nil
}

// examine examines the contents that were given, else the file.
func (cfg *loadConfig) examine(path string, linker *component.Linker) *inspect.File {
	if cfg.Data != nil {
		return inspect.Bytes(path, cfg.Data, linker)
	}
	return inspect.Open(path, linker)
}

// engine returns the engine to use and what to do when the component is closed.
func (cfg *loadConfig) engine() (eng *engine.Engine, release func() error, err error) {
	if cfg.Engine != nil {
		eng, err = cfg.Engine.open(cfg)
		return eng, func() error { return nil }, err
	}
	var own sharedEngine
	eng, err = own.open(cfg)
	return eng, own.Close, err
}

// sharedEngine is an engine for one build after the other, so that what they
// have in common is compiled once. It is made when it is first needed, and safe
// for concurrent use.
type sharedEngine struct {
	mu  sync.Mutex
	eng *engine.Engine
}

func (s *sharedEngine) open(cfg *loadConfig) (*engine.Engine, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.eng != nil {
		return s.eng, nil
	}
	eng, err := engine.New(engine.Config{CacheDir: cfg.CacheDir, Helped: cfg.Helper != nil})
	if err != nil {
		return nil, err
	}
	if w := eng.Warning(); w != nil && cfg.Notice != nil {
		cfg.Notice(w.Error() + " (--cache-dir names another folder, --no-cache none)")
	}
	s.eng = eng
	return eng, nil
}

// Close closes the engine. The components must have been closed before.
func (s *sharedEngine) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.eng == nil {
		return nil
	}
	err := s.eng.Close()
	s.eng = nil
	return err
}

// digest names a build: the first 8 hexadecimal digits of the SHA-256 of its file.
func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:4])
}

// newLinker returns all interfaces that components find here.
func newLinker() *component.Linker {
	l := component.NewLinker()
	view := func(data any) *wasi.State { return data.(*guest).state }
	p2.AddTo(l, view)
	p3.AddTo(l, view)
	return l
}

// isServable reports whether the file at path is a component that serve can run, or else why not.
func isServable(path string) (bool, string) {
	if x := inspect.Open(path, newLinker()).ForServe(); x.Problem != nil {
		return false, strings.TrimPrefix(x.Problem.Message, path+": ")
	}
	return true, ""
}
