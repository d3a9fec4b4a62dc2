package cmd

import (
	"context"
	"errors"
	"io"
	"sync"
	"syscall"

	"github.com/wasihttp/wasihttp/cmd/internal/controls"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/cmd/internal/exploring"
	"github.com/wasihttp/wasihttp/cmd/internal/listening"
	"github.com/wasihttp/wasihttp/cmd/internal/loader"
	"github.com/wasihttp/wasihttp/internal/reload"
	"github.com/wasihttp/wasihttp/serve"
	"github.com/wasihttp/wasihttp/watch"
)

// serveOn serves the component on the listener, which it closes, until ctx ends
// or the user quits.
func (t *server) serveOn(
	ctx context.Context, listener *listening.Listener, path string, s *serveSettings,
) (err error) {
	defer holdBallast(startBallast)()
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
	engine := cfg.NewEngine(t.helper)
	cfg.Engine = engine
	left := false
	defer func() {
		// A load that was left behind may still use it; the process ends soon.
		if !left && !errors.Is(err, errLeftBehind) {
			err = errors.Join(err, engine.Close())
		}
	}()
	recorder, err := t.startRecording(ctx, path, s, engine)
	if err != nil {
		return err
	}
	defer recorder.Close()
	cfg.Recorder = recorder
	closeKeyValue, err := cfg.OpenKeyValue()
	if err != nil {
		return err
	}
	defer closeKeyValue()
	explorer := t.explorer(ctx, s, listener, path)
	defer explorer.Close()
	d := t.newDecider(path, cfg, s)
	d.Log.Tell = exploring.Results(explorer)
	fixtures := t.newRetester(path, s)
	d.Swapped = fixtures.Again
	if s.exec != "" {
		closeBuilder, err := t.startExec(ctx, d, s)
		if err != nil {
			return err
		}
		defer closeBuilder()
	}
	build, about, err := t.firstBuild(ctx, d, cfg)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), closeBuild(ctx, build))
	}
	defer holdBallast(serveBallast)()
	var file reload.Watch
	if s.watch {
		w, err := t.watchFiles(path, d, s)
		if err != nil {
			return errors.Join(err, closeBuild(ctx, build))
		}
		// It only closes descriptors.
		defer func() { _ = w.Close() }()
		file = w
	}
	server := serve.New(build, t.serverOptions(s, listener, explorer))
	d.Attach(server, file)
	exploring.Attach(explorer, server, build, about.Compile)
	hangups, release := t.notify(syscall.SIGHUP)
	defer release()
	user := controls.User{
		Keys: t.openKeys(), Hangups: hangups, Closed: t.closed, Quit: quit,
		Decider: d, Fixtures: fixtures, URL: listener.URL, Explorer: explorer.URL(),
		Out: t.stderr, Note: t.note,
	}
	defer t.closeKeys()
	t.announce(listener, about, path, s, &user)

	background, stop := context.WithCancel(ctx)
	var tests sync.WaitGroup
	if fixtures != nil {
		tests.Go(func() { fixtures.Run(background) })
		if build.Handler != nil {
			fixtures.Again()
		}
	}
	ended := make(chan struct{}, 2)
	go func() { left = d.Run(background); ended <- struct{}{} }()
	go func() { user.Obey(background); ended <- struct{}{} }()
	listening = false
	err = server.Serve(ctx, listener.Listener)
	stop()
	<-ended
	<-ended
	tests.Wait()
	if err != nil {
		return exit.Loadf(err, "", "%s: cannot go on serving: %v", path, err)
	}
	return nil
}

// watcher is a reload.Watch that the caller closes.
type watcher interface {
	reload.Watch
	io.Closer
}

// watchFiles watches the file of the component, and those of its parts.
func (t *server) watchFiles(path string, d *reload.Decider, s *serveSettings) (watcher, error) {
	options := watch.Options{
		Poll: s.poll, MaxSize: s.load.MaxComponentSize, Problem: t.watchProblem,
	}
	var w watcher
	var err error
	if paths := s.load.Parts.Paths(path); len(paths) > 1 {
		w, err = watch.NewFiles(paths, s.load.Parts.Join, d.Digest(), options)
	} else {
		w, err = watch.NewFile(path, d.Digest(), options)
	}
	if err != nil {
		const hint = "use --poll 1s to check every second, or --watch=false to not watch at all"
		return nil, exit.Loadf(err, hint, "cannot watch %s: %v", path, err)
	}
	return w, nil
}

// firstBuild loads the first build and returns it with its description.
func (t *server) firstBuild(
	ctx context.Context, d *reload.Decider, cfg loader.Config,
) (serve.Build, loader.Description, error) {
	defer relaxCollector()()
	var about loader.Description
	load := func(ctx context.Context, data []byte) (*reload.Build, error) {
		cfg.Data = data
		a, err := loadFor(ctx, t.state, t.load, d.Path, cfg)
		if err != nil {
			return nil, err
		}
		about = a.About
		return a.Build(), nil
	}
	type result struct {
		build serve.Build
		err   error
	}
	first, ok := awaited(ctx, t.state, func() result {
		build, err := d.First(ctx, load)
		return result{build, err}
	})
	if !ok {
		return serve.Build{}, loader.Description{}, errLeftBehind
	}
	return first.build, about, first.err
}

func closeBuild(ctx context.Context, b serve.Build) error {
	if b.Close == nil {
		return nil
	}
	return b.Close(ctx)
}
