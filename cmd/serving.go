package cmd

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"

	"github.com/wasihttp/wasihttp/internal/inspect"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/serve"
	"github.com/wasihttp/wasihttp/watch"
)

// serveOn serves the component on the listener, which it closes, until ctx ends
// or the user quits.
func (t *server) serveOn(ctx context.Context, listener net.Listener, path string, s *serveSettings) (err error) {
	defer holdBallast()()
	ctx, quit := context.WithCancel(ctx)
	defer quit()
	listening := true
	defer func() {
		if listening {
			// The process is about to end; the error that matters is err.
			_ = listener.Close()
		}
	}()
	cfg := t.hostConfig(s)
	engine := cfg.newEngine(t.helper)
	cfg.Engine = engine
	left := false
	defer func() {
		// A load that nobody waits for may still use it: the process ends.
		if !left && !errors.Is(err, errLeftBehind) {
			err = errors.Join(err, engine.Close())
		}
	}()
	recorder, err := t.startRecording(s)
	if err != nil {
		return err
	}
	defer recorder.Close()
	r := &reloader{
		load: t.load, path: path, cfg: cfg, drain: s.drainTimeout, abort: t.abort, requests: make(chan struct{}),
		say: &reloadLog{out: t.stderr, json: s.jsonLog, quiet: s.quiet}, recorder: recorder,
	}
	if s.exec != "" {
		closeBuilder, err := t.startExec(ctx, r, s)
		if err != nil {
			return err
		}
		defer closeBuilder()
	}
	restore := relaxCollector()
	build, err := t.firstBuild(ctx, r, s)
	restore()
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), closeBuild(ctx, build))
	}
	if s.watch {
		if r.file, err = watch.NewFile(path, r.digest, watch.Options{Poll: s.poll, MaxSize: r.cfg.MaxComponentSize}); err != nil {
			return errors.Join(loadError(err, "--poll 1s looks every second instead; --watch=false does not look at all", "cannot watch %s: %v", path, err), closeBuild(ctx, build))
		}
		// It only closes descriptors.
		defer func() { _ = r.file.Close() }()
	}
	server := serve.New(build, t.serverOptions(s))
	r.server = server
	r.mark()

	about := description{}
	if r.current != nil {
		about = r.current.About
	}
	t.announce(listener, about, s)
	keys := term.OpenKeys(t.in)
	defer keys.Close()
	if keys != nil && !s.quiet && !s.jsonLog {
		fmt.Fprintf(t.stderr, "%s\n", t.stderr.Dim("r reload · c clear · o open · q quit · ? help"))
	}

	background, stop := context.WithCancel(ctx)
	ended := make(chan struct{}, 2)
	go func() { left = r.run(background); ended <- struct{}{} }()
	go func() {
		t.obey(background, keys, r.requests, quit, serve.URL(listener, s.addr))
		ended <- struct{}{}
	}()
	listening = false
	err = server.Serve(ctx, listener)
	stop()
	<-ended
	<-ended
	if err != nil {
		return loadError(err, "", "%s: serving ended: %v", path, err)
	}
	return nil
}

// startExec starts the command of --exec and waits until its first run has
// ended. The function it returns stops it.
func (t *server) startExec(ctx context.Context, r *reloader, s *serveSettings) (stop func(), err error) {
	sources := s.sources
	if len(sources) == 0 {
		sources = []string{"."}
	}
	// What this process writes itself is no source.
	options := watch.TreeOptions{Options: watch.Options{Poll: s.poll}, Exclude: []string{r.path}}
	if s.record.Dir != "" {
		options.Exclude = append(options.Exclude, s.record.Dir)
	}
	if s.load.CacheDir != "" {
		options.Exclude = append(options.Exclude, s.load.CacheDir)
	}
	for _, f := range []*os.File{t.stdout.File(), t.stderr.File()} {
		if f == nil {
			continue
		}
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			options.Open = append(options.Open, info)
		}
	}
	tree, err := watch.NewTree(sources, options)
	if err != nil {
		return nil, loadError(err, "--source names a file or folder with sources", "cannot watch the sources: %v", err)
	}
	var out io.Writer = t.stderr
	if f := t.stderr.File(); f != nil {
		// As it is: the command may ask whether it writes to a terminal.
		out = f
	}
	r.builder = startBuilder(s.exec, tree, out, t.note)
	stop = func() {
		r.builder.close()
		// It only closes descriptors.
		_ = tree.Close()
	}
	for {
		select {
		case e := <-r.builder.events:
			r.building = e.running
			if e.running {
				continue
			}
			if e.err != nil {
				r.execError = "the command failed: " + e.err.Error()
			}
			return stop, nil
		case <-ctx.Done():
			stop()
			return nil, ctx.Err()
		}
	}
}

// firstBuild loads the component. With a command that may make it yet, a
// component that cannot be loaded gives a build that says so.
func (t *server) firstBuild(ctx context.Context, r *reloader, s *serveSettings) (serve.Build, error) {
	err := problemError(inspect.CheckPath(r.path, r.cfg.MaxComponentSize))
	if r.execError != "" {
		err = loadError(nil, "it runs again when a source changes", "--exec: %s", r.execError)
		if _, statErr := os.Stat(r.path); statErr == nil {
			r.say.failed(err, nil)
			err = nil // the build before may still be served
		}
	}
	cfg := r.cfg
	if err == nil && s.watch {
		cfg.Data, err = readComponent(r.path, cfg.MaxComponentSize)
		r.digest = sha256.Sum256(cfg.Data)
	}
	if err == nil {
		r.current, err = loadFor(ctx, t.state, t.load, r.path, cfg)
	}
	switch {
	case err == nil:
		return r.build(r.current), nil
	case s.exec == "" || ctx.Err() != nil:
		return serve.Build{}, err
	}
	if r.execError == "" {
		r.fileError = err.Error()
	}
	r.say.failed(err, nil)
	return serve.Build{Handler: notBuilt(err.Error())}, nil
}

// notBuilt answers requests as long as there is no build.
type notBuilt string

// Handle fails with the reason.
func (n notBuilt) Handle(context.Context, string, *http.Request) (*http.Response, error) {
	return nil, &serve.Failure{Outcome: serve.Instantiation, Cause: string(n), Hint: "the next build that can be loaded is served"}
}

func closeBuild(ctx context.Context, b serve.Build) error {
	if b.Close == nil {
		return nil
	}
	return b.Close(ctx)
}

// obey does what keys and signals ask for until ctx ends.
func (t *server) obey(ctx context.Context, keys *term.Keys, reload chan<- struct{}, quit func(), url string) {
	var hangups <-chan os.Signal
	if t.hangups != nil {
		signals, stop := t.hangups()
		defer stop()
		hangups = signals
	}
	again := func() {
		select {
		case reload <- struct{}{}:
		case <-ctx.Done():
		}
	}
	var opening sync.WaitGroup
	defer opening.Wait()
	presses := keys.Presses()
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
			again()
		case key, ok := <-presses:
			switch {
			case !ok:
				// The terminal was closed, and with it all there was to see.
				quit()
				return
			case key == 'r':
				again()
			case key == 'c':
				// Erases the display and what was scrolled out of it.
				_, _ = io.WriteString(t.stderr, "\x1b[H\x1b[2J\x1b[3J")
			case key == 'o':
				opening.Go(func() {
					if err := openBrowser(ctx, url); err != nil {
						t.note("cannot open a browser: %v", err)
					}
				})
			case key == 'q':
				quit()
			case key == '?' || key == 'h':
				_, _ = io.WriteString(t.stderr, keysHelp)
			}
		}
	}
}

const keysHelp = `  r  load the component again now
  c  clear the screen
  o  open the page in the browser
  q  quit, as Ctrl-C does
  ?  this list
`
