package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/config"
	"github.com/wasihttp/wasihttp/cmd/internal/controls"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/cmd/internal/exploring"
	"github.com/wasihttp/wasihttp/cmd/internal/listening"
	"github.com/wasihttp/wasihttp/cmd/internal/loader"
	"github.com/wasihttp/wasihttp/cmd/internal/version"
	"github.com/wasihttp/wasihttp/internal/explorer"
	"github.com/wasihttp/wasihttp/internal/record"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/internal/units"
	"github.com/wasihttp/wasihttp/internal/words"
	"github.com/wasihttp/wasihttp/serve"
	"github.com/wasihttp/wasihttp/serve/console"
	"github.com/wasihttp/wasihttp/watch"
)

// serveCommand describes "wasihttp serve".
func serveCommand(st *state, d doors) *cli.Command {
	flags, fixtures := newServeFlags(), new(cli.StringSlice)
	recording := &recordFlags{crashes: record.CrashDir}
	return config.Attach(command(&cli.Command{
		Name:      "serve",
		Usage:     "serve a component over HTTP",
		UsageText: programName + " serve [flags] [COMPONENT]",
		Description: "Without COMPONENT, serves the only component found in the current folder,\n" +
			"target/wasm32-wasi*/{release,debug}, dist and build.\n\n" +
			cmdline.Examples(serveExamples),
		Flags: slices.Concat(flags.all(), recording.all(), retestFlags(fixtures)),
		Action: func(c *cli.Context) error {
			if c.NArg() > 1 {
				return exit.Usagef("pass arguments to the component with --arg",
					"serve takes one COMPONENT, not %d: %s", c.NArg(),
					strings.Join(c.Args().Slice(), " "))
			}
			if c.NArg() == 1 && c.Args().First() == "" {
				return exit.Usagef("omit it to serve the only component found here",
					"COMPONENT is empty")
			}
			settings, err := flags.settings(st)
			if err != nil {
				return err
			}
			if settings.record, err = recording.settings(); err != nil {
				return err
			}
			settings.fixtures = fixtures.Value()
			settings.crashDir = recording.crashes
			settings.execDir, settings.execFrom = config.Of(c).Place("exec")
			path := config.Of(c).Component(c.Args().First())
			return settings.reported((&server{st, d}).serve(c.Context, path, settings))
		},
	}), "serve", st.dir)
}

const serveExamples = `
wasihttp serve app.wasm                                 on http://127.0.0.1:8080/
wasihttp serve app.wasm --addr :3000                    on all interfaces, port 3000
wasihttp serve app.wasm --addr localhost:0              on a free port
wasihttp serve app.wasm --tls                           on https://127.0.0.1:8080/
wasihttp serve app.wasm --env-file .env --env DEBUG=1   with environment variables
wasihttp serve app.wasm --allow-outbound api.example.com
wasihttp serve app.wasm --timeout 5s --max-memory 128MiB
wasihttp serve app.wasm --log-format json 2>log.jsonl
wasihttp serve app.wasm --exec 'npm run build'          build whenever a source changes`

// server runs "wasihttp serve".
type server struct {
	*state
	doors
}

// serve runs "wasihttp serve" until the user ends it. An empty path stands for
// the only component found here. serve returns the error of ctx only if ctx
// ends before anything was served.
func (t *server) serve(ctx context.Context, path string, s *serveSettings) error {
	t.orderly.Store(true)
	// A reader of the output that has gone, such as a pager or tee after Ctrl-C, is no reason to
	// drop requests.
	defer t.surviveReaders()()
	// Nor is one that does not read: requests do not wait for the log.
	defer term.Spool(t.stalled, t.stdout, t.stderr)()
	if path == "" {
		found, err := t.discover("serve", programName+" serve", s.load.MaxComponentSize)
		if err != nil {
			return err
		}
		path = found
		if !s.quiet {
			fmt.Fprintf(t.stderr, "%s: serving %s, the only component found here\n", programName,
				t.stderr.Strong(term.Clean(path)))
		}
	}
	if s.exec == "" {
		err := s.load.CheckPaths(path)
		if err != nil && !(errors.Is(err, fs.ErrNotExist) && t.waits(s)) {
			return err
		}
	}
	if t.stderr.IsTerminal() && !s.jsonLog {
		s.console = console.New(t.stderr, s.quiet)
		defer s.console.Close()
	}
	// Listening comes first: an occupied port is reported before anything is
	// compiled, and clients that connect meanwhile wait.
	listener, err := s.listen.Open(ctx)
	if err != nil {
		return err
	}
	return t.serveOn(ctx, listener, path, s)
}

// loadFor loads the component and shows the progress.
func loadFor(ctx context.Context, t *state, load loader.Func, path string, cfg loader.Config,
) (*loader.App, error) {
	progress := term.StartProgress(t.stderr, "loading "+path)
	defer progress.Stop()
	cfg.Progress = progress.Update

	type result struct {
		app *loader.App
		err error
	}
	r, ok := awaited(ctx, t, func() result {
		app, err := load(ctx, path, cfg)
		return result{app, err}
	})
	if !ok {
		return nil, errLeftBehind
	}
	return r.app, r.err
}

// errLeftBehind is the error of a load that goes on although the command has ended. The load still
// uses everything that was passed to it.
var errLeftBehind = fmt.Errorf("still loading: %w", context.Canceled)

// hostConfig adds the streams and reports of the process to the settings.
func (t *server) hostConfig(s *serveSettings) loader.Config {
	cfg := s.load
	cfg.Stdout = term.NewLines(t.stdout, s.loggingPrefix)
	cfg.Stderr = term.NewLines(t.stderr, s.loggingPrefix)
	if s.console != nil {
		cfg.Stderr = term.NewLines(s.console, s.loggingPrefix)
	}
	cfg.Outbound = loader.OutboundLog(t.stderr, s.jsonLog, s.quiet, cfg.NoOutbound)
	cfg.Notice = func(line string) { t.note("%s", line) }
	return cfg
}

// waits reports whether a component that is not there yet is waited for: by a person who is about
// to build it, not by a script.
func (t *server) waits(s *serveSettings) bool {
	return s.watch && t.stderr.IsTerminal() && !s.jsonLog
}

// stalled reports output that nothing reads.
func (t *state) stalled(s term.Stall) {
	name, ours := "standard output", slices.Contains(s.Outputs, t.stderr)
	if ours {
		name = "standard error"
	}
	switch {
	case s.Lines > 0:
		t.note("dropped %s of %s, which nothing reads", words.Count(s.Lines, "line", "lines"), name)
	case !ours:
		t.note("nothing reads %s: output that does not fit is dropped", name)
	}
}

// note prints a line under the program's name.
func (t *state) note(format string, args ...any) {
	fmt.Fprintf(t.stderr, "%s: %s\n", programName, term.Sprintf(format, args...))
}

// watchProblem reports what a watcher cannot do.
func (t *state) watchProblem(p watch.Problem) {
	text := fmt.Sprintf("%s: %s\n", programName, term.Clean(p.Message))
	if p.Hint != "" {
		text += fmt.Sprintf("%s %s\n", t.stderr.Fair("hint:"), term.Clean(p.Hint))
	}
	_, _ = io.WriteString(t.stderr, text)
}

// serverOptions translates the settings for the server.
func (t *server) serverOptions(
	s *serveSettings, l *listening.Listener, x *explorer.Explorer,
) serve.Options {
	o := serve.Options{
		Direct:        true,
		TLS:           l.TLS,
		Timeout:       s.load.Timeout,
		MaxConcurrent: s.maxConcurrent,
		DrainTimeout:  s.drainTimeout,
		ErrorPages:    s.errorPages,
		AllowHosts:    s.allowHosts,
		Crashed:       t.keepCrashes(s),
		ErrorLog: term.NewLines(t.stderr, true).Writer(func() string {
			return programName + ": "
		}),
		Abort:      t.abort,
		LiveReload: s.liveReload,
		Log:        serve.TextLog(t.stderr, s.quiet),
	}
	if x != nil {
		o.Explorer = x
	}
	switch {
	case s.jsonLog:
		o.Log = serve.JSONLog(t.stderr, s.quiet)
	case s.console != nil:
		o.Log = s.console.Log
	}
	if !s.quiet && !s.jsonLog {
		o.Draining = func(requests int) {
			if requests > 0 {
				fmt.Fprintf(t.stderr,
					"%s: waiting up to %s for %s to finish; press Ctrl-C again to stop at once\n",
					programName, units.Exact(s.drainTimeout),
					words.Count(requests, "request", "requests"))
			}
		}
	}
	return o
}

// explorer returns the explorer; nil if there is none.
func (t *server) explorer(
	ctx context.Context, s *serveSettings, l *listening.Listener, path string,
) *explorer.Explorer {
	if !s.explorer {
		return nil
	}
	return exploring.New(ctx, exploring.Settings{
		Listen: &s.listen, URL: l.URL, Names: s.allowHosts, Path: path,
		Version: version.Of(programName, version.Build()).Version, Record: s.record,
	})
}

// announce writes what is served, and where.
func (t *server) announce(
	l *listening.Listener, about loader.Description, path string, s *serveSettings,
	user *controls.User,
) {
	a := listening.Announcement{
		About: about, Path: path, Quiet: s.quiet, JSON: s.jsonLog, ErrorPages: s.errorPages,
		Explorer: user.Explorer, Note: t.note,
	}
	if s.console != nil {
		a.Banner = &console.Start{
			Command: s.exec, Sources: s.execSources(), Fixtures: s.fixtures,
			Keys: user.Hints(), Explorer: user.Explorer,
			Recording: cmp.Or(s.record.Dir, s.record.Session),
		}
		if s.watch {
			a.Banner.Watching = s.load.Parts.Paths(path)
		}
	}
	l.Announce(t.stderr, a)
}
