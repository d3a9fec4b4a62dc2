// Package loader makes components ready to serve: it joins the settings of a command with package
// host, and names the flags that affect a failure.
package loader

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/engine"
	"github.com/wasihttp/wasihttp/internal/inspect"
	"github.com/wasihttp/wasihttp/internal/kvfile"
	"github.com/wasihttp/wasihttp/internal/record"
	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/serve"
	"github.com/wasihttp/wasihttp/wasi"
)

// Config holds the user's settings for a component and for the host that runs
// it.
type Config struct {
	// Env is what the guest sees as its environment, names unique, in order.
	Env [][2]string
	// ConfigVars are the values of wasi:config, keys unique, in order.
	ConfigVars [][2]string
	// KeyValueFile is the file that keeps the buckets of wasi:keyvalue; "" for memory. KeyValue is
	// what OpenKeyValue has made of it; nil for memory of each host.
	KeyValueFile string
	KeyValue     wasi.KeyValue
	// Args is what the guest sees as its arguments after its name.
	Args []string
	// Dirs are the folders that the guest gets.
	Dirs []host.Dir
	// Cwd is the working directory that the guest begins in; "" for none.
	Cwd string

	// Profile, unless nil, collects samples of what guests do.
	Profile *host.Profile
	// Cover, unless nil, is asked for what collects what of the code of a component runs.
	Cover    CoverFunc
	coverage *host.Coverage
	// Instructions has guests count the instructions that they run, unless Engine is set.
	Instructions bool

	// Timeout is the time until the head of a response; 0 means no limit.
	Timeout time.Duration
	// BodyTimeout is the time from the head of a response to the end of its body; 0 means no limit.
	BodyTimeout time.Duration
	// PostReturnTimeout is the time for the guest's own work after a response.
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
	AllowOutbound []host.Pattern
	// OutboundH2C names servers that are spoken to in HTTP/2 without TLS.
	OutboundH2C []host.Pattern
	// Network decides which addresses and names the component's sockets may use; nil allows none.
	Network *wasi.Network
	// Used, unless nil, is called with what components use and are refused, from many goroutines.
	Used func(wasi.Use)
	// CAFiles are PEM files with certificates to trust beside the system's.
	CAFiles []string
	// Outbound receives each outbound request when it has ended, from many
	// goroutines.
	Outbound func(host.OutboundRequest)

	// CacheDir is where compiled code is kept; empty means nowhere.
	CacheDir string

	// Recorder records the exchanges; nil records nothing.
	Recorder *record.Recorder

	// Engine, unless nil, is the engine of the builds before.
	Engine *host.Engine
	// Reload is set for a load beside a build that serves: the load then leaves
	// a processor to the requests, and makes one instance to find out whether
	// that works.
	Reload bool
	// MaxComponentSize is the size of the largest file that is read, in bytes; 0 means the default.
	MaxComponentSize int64
	// Parts are other components that this one is put together with.
	Parts inspect.Parts
	// Data, unless nil, is what the file holds, or the files of the component and its parts.
	Data []byte

	// Stdout and Stderr make the guest's standard streams: one writer each for
	// an instance, to be closed with it. The prefix of their lines is
	// "[INSTANCE/REQUEST] ".
	Stdout, Stderr *term.Lines
	// Progress receives the name of what is being compiled, and that part of
	// whole steps is done. It may be called from many goroutines.
	Progress func(what string, part, whole int)
	// Notice prints a line for the user.
	Notice func(line string)
}

// CoverFunc returns what collects what of the code of a component runs; nil if nothing does. The
// component has that path and SHA-256, and was made by that toolchain.
type CoverFunc func(path string, sum [sha256.Size]byte, made inspect.Toolchain) *host.Coverage

// Func makes the component in a file ready to serve.
type Func func(ctx context.Context, path string, cfg Config) (*App, error)

// App is a component that is ready to serve.
type App struct {
	Handler serve.Handler
	// Host receives the requests from Handler; nil for a handler written in Go.
	Host  *host.Host
	About Description
	// Sum is the SHA-256 of the loaded contents; zero if it was not computed.
	Sum [sha256.Size]byte
	// Component is the loaded component, for comparing it with the next build; nil if there is
	// nothing to compare.
	Component *component.Component
	// Close frees everything, as serve.Build's Close does.
	Close func(ctx context.Context) error
}

// Hint returns the next steps after a failure of the component; "" if none is known.
func (a *App) Hint(f *host.Failure) string { return FailureHint(f, a.Component) }

// Load makes the component in the file at path ready to serve.
func Load(ctx context.Context, path string, cfg Config) (*App, error) {
	start := time.Now()
	x := cfg.Examine(path, host.NewLinker()).ForServe()
	if x.Problem != nil {
		return nil, exit.Problem(x.Problem)
	}
	if x.Middleware && !cfg.Reload && cfg.Notice != nil {
		cfg.Notice(inspect.ChainHint(path))
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	settings, err := cfg.host(path)
	if err != nil {
		return nil, err
	}
	closeEngine := func() error { return nil }
	if settings.Engine == nil {
		if cfg.Cover != nil {
			cfg.coverage = cfg.Cover(path, sumOf(x), x.Producers.Toolchain())
		}
		settings.Engine = cfg.NewEngine(nil)
		closeEngine = settings.Engine.Close
	}
	settings.Describe = func(f *host.Failure) error { return ServeFailure(f, x.Component) }
	h, err := host.FromComponent(ctx, x.Component, settings)
	if err != nil {
		return nil, errors.Join(HostError(path, err), closeEngine())
	}
	if cfg.Recorder != nil {
		cfg.Recorder.Replaces(h.Replace)
	}
	sum := sumOf(x)
	return &App{
		Handler:   h,
		Sum:       sum,
		Host:      h,
		Component: x.Component,
		About: Description{
			File: path, Size: int64(len(x.Data)), Digest: Digest(sum),
			Kind: h.Kind().String(), Compile: time.Since(start), FromCache: h.FromCache(),
		},
		Close: func(ctx context.Context) error { return errors.Join(h.Close(ctx), closeEngine()) },
	}, nil
}

// host translates the settings for the host of the component at path.
func (cfg *Config) host(path string) (host.Config, error) {
	outbound, err := cfg.Policy()
	if err != nil {
		return host.Config{}, exit.Loadf(err, "", "%s: %v", path, err)
	}
	h := host.Config{
		Name: filepath.Base(path), Args: cfg.Args, Env: cfg.Env, ConfigVars: cfg.ConfigVars,
		KeyValue: cfg.KeyValue, Dirs: cfg.Dirs, InitialCwd: cfg.Cwd, Outbound: outbound,
		Timeout: unlimited(cfg.Timeout), PostReturnTimeout: unlimited(cfg.PostReturnTimeout),
		BodyTimeout:         cfg.BodyTimeout,
		IdleInstanceTimeout: unlimited(cfg.IdleInstanceTimeout),
		MaxMemory:           unlimited(cfg.MaxMemory), MaxInstanceReuse: cfg.MaxInstanceReuse,
		MaxInstanceConcurrentReuse: cfg.MaxInstanceConcurrentReuse,
		Stdout:                     guestOutput(cfg.Stdout), Stderr: guestOutput(cfg.Stderr),
		Notice:  cfg.Notice,
		Network: NetworkWith(cfg.Network, cfg.Notice),
		Used:    cfg.Used,
		Engine:  cfg.Engine, Background: cfg.Reload, Try: cfg.Reload,
	}
	if cfg.Recorder != nil {
		recordWith(&h, cfg.Recorder)
	}
	if cfg.Progress != nil {
		h.Progress = func(done, total int) {
			cfg.Progress("compiling "+filepath.Base(path), done, total)
		}
	}
	return h, nil
}

// unlimited translates a limit: flags say 0 for none.
func unlimited[T ~int64](limit T) T {
	if limit == 0 {
		return -1
	}
	return limit
}

// Policy returns the policy for requests to other servers.
func (cfg *Config) Policy() (host.Outbound, error) {
	tls, err := Trust(cfg.CAFiles)
	return host.Outbound{
		Allow: cfg.AllowOutbound, AllowAll: !cfg.NoOutbound && len(cfg.AllowOutbound) == 0,
		TLS: tls, H2C: cfg.OutboundH2C, Log: cfg.Outbound,
	}, err
}

// guestOutput opens a guest's stream on lines, with the instance and the request in front of each.
func guestOutput(lines *term.Lines) func(host.Origin) io.WriteCloser {
	if lines == nil {
		return nil
	}
	return func(from host.Origin) io.WriteCloser {
		instance := strconv.FormatUint(from.Instance, 10)
		return lines.KeyedWriter(func() string {
			return "[" + instance + "/" + cmp.Or(from.Request(), "-") + "] "
		}, from.Request)
	}
}

// HostError explains why there is no host for the component at path although the component itself
// is valid.
func HostError(path string, err error) error {
	var (
		compile *host.CompileError
		start   *host.StartError
	)
	switch {
	case errors.As(err, &compile):
		return exit.Problem(inspect.CodeProblem(path, err))
	case errors.As(err, &start):
		why := err.Error()
		if start.Message != "" {
			why = start.Message + " (" + why + ")"
		}
		return exit.Loadf(err, "the previous build is still served", "%s: cannot be started: %s",
			path, why)
	}
	return exit.Loadf(err, "", "%s: %v", path, err)
}

// trust returns a TLS configuration with the certificates in files beside the system's; nil for no
// files.
func Trust(files []string) (*tls.Config, error) {
	if len(files) == 0 {
		return nil, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	for _, name := range files {
		pem, err := regular.ReadFile(name, regular.MaxText)
		if err != nil {
			return nil, fmt.Errorf("--ca-file %s: %w", name, regular.Reason(err))
		}
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--ca-file %s: no certificate in PEM format found", name)
		}
	}
	return &tls.Config{RootCAs: roots}, nil
}

// Examine examines Data, or the file if Data is nil.
func (cfg *Config) Examine(path string, linker *component.Linker) *inspect.File {
	if cfg.Data != nil {
		return cfg.Parts.Bytes(path, cfg.Data, linker)
	}
	return cfg.Parts.Open(path, cfg.MaxComponentSize, linker)
}

// CheckPaths finds problems with the files of the component and its parts before they are read.
func (cfg *Config) CheckPaths(path string) error {
	for _, path := range cfg.Parts.Paths(path) {
		if p := inspect.CheckPath(path, cfg.MaxComponentSize); p != nil {
			return exit.Problem(p)
		}
	}
	return nil
}

// OpenKeyValue opens the file of wasi:keyvalue, if there is one. The caller calls the returned
// function after closing the hosts.
func (cfg *Config) OpenKeyValue() (closeFile func(), err error) {
	if cfg.KeyValueFile == "" {
		cfg.KeyValue = wasi.NewKeyValue()
		return func() {}, nil
	}
	file, err := kvfile.Open(cfg.KeyValueFile)
	if err != nil {
		hint := "name another file, or a new one: --keyvalue data.db"
		if errors.As(err, new(*kvfile.LockedError)) {
			hint = "end the process that has it open, or name another file"
		}
		return nil, exit.Loadf(err, hint, "--keyvalue: %v", err)
	}
	cfg.KeyValue = file
	// Every change that was reported to a guest is on disk already.
	return func() { _ = file.Close() }, nil
}

// NewEngine returns an engine with the cache that the settings name.
func (cfg *Config) NewEngine(helper engine.Helper) *host.Engine {
	warn := func(err error) {
		if cfg.Notice != nil {
			const hint = " (--cache-dir names another folder, --no-cache turns the cache off)"
			cfg.Notice(err.Error() + hint)
		}
	}
	return host.NewEngine(host.EngineOptions{
		CacheDir: cfg.CacheDir, Helper: helper, Warn: warn, Notice: cfg.Notice,
		Profile: cfg.Profile, Coverage: cfg.coverage, Instructions: cfg.Instructions,
	})
}

// sumOf returns the SHA-256 of what the file held, which its component may have computed before.
func sumOf(x *inspect.File) [sha256.Size]byte {
	if len(x.Parts.Paths(x.Path)) > 1 {
		return sha256.Sum256(x.Data)
	}
	return x.Component.Digest()
}

// Digest returns the name of a build: the first 8 hexadecimal digits of the SHA-256 of its file.
func Digest(sum [sha256.Size]byte) string { return hex.EncodeToString(sum[:4]) }

// Servable reports whether the file at path, of limit bytes at most, is a component that serve can
// run, or else why not.
func Servable(path string, limit int64) (bool, string) {
	if x := inspect.Open(path, limit, host.NewLinker()).ForServe(); x.Problem != nil {
		return false, strings.TrimPrefix(x.Problem.Message, path+": ")
	}
	return true, ""
}
