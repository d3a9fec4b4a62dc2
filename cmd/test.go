package cmd

import (
	"context"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/building"
	"github.com/wasihttp/wasihttp/cmd/internal/capabilities"
	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/config"
	"github.com/wasihttp/wasihttp/cmd/internal/covering"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/cmd/internal/finding"
	"github.com/wasihttp/wasihttp/cmd/internal/loader"
	"github.com/wasihttp/wasihttp/cmd/internal/profiling"
	"github.com/wasihttp/wasihttp/cmd/internal/testhost"
	"github.com/wasihttp/wasihttp/internal/record"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/testrunner"
	"github.com/wasihttp/wasihttp/testrunner/suite"
	"github.com/wasihttp/wasihttp/watch"
)

// defaultMaxBody is the largest body of a response, in bytes.
const defaultMaxBody = 100 << 20

// The headings under which the help of test lists its flags.
const (
	groupSelect    = "Selection"
	groupRun       = "Execution"
	groupInput     = "Variables"
	groupUpstreams = "Upstreams and the world"
	groupReports   = "Reports"
)

// testFlags receives the values of test's flags.
type testFlags struct {
	guest *serveFlags

	component, filter, shard, seed    string
	clock, randomSeed                 string
	isolate, color                    cmdline.Choice
	jobs, concurrent, repeat          cmdline.Several
	retry                             cmdline.Count
	maxBody                           cmdline.Size
	shuffle                           cmdline.Shuffle
	failFast, list, noBuild           bool
	update, watch, full, quiet, json  bool
	variables, variableFiles, secrets cli.StringSlice
	fileRoot, timings                 string
	lastFailed, crashes               bool
	upstreams, redact                 cli.StringSlice
	upstreamMode                      cmdline.Choice
	strictUpstreams                   bool
	find                              finding.Wanted
	reports                           suite.Reports
	covering                          covering.Wanted
}

// postReturnInTests is how long a component may go on working after a response. The next request
// and the end of the run wait for it, so it is less than when it serves.
const postReturnInTests = 2 * time.Second

func newTestFlags() *testFlags {
	guest := newServeFlags()
	guest.postReturnTimeout = cmdline.Span(postReturnInTests)
	return &testFlags{
		guest:   guest,
		isolate: cmdline.Choice{Value: "none", Of: []string{"none", "file", "entry"}},
		color:   cmdline.Choice{Value: "auto", Of: []string{"auto", "always", "never"}},
		upstreamMode: cmdline.Choice{
			Value: "auto", Of: []string{
				"auto", string(testrunner.UpstreamNone), string(testrunner.UpstreamLive),
				string(testrunner.UpstreamOnce), string(testrunner.UpstreamNew),
				string(testrunner.UpstreamAll),
			},
		},
		jobs: 1, concurrent: 1, repeat: 1,
		maxBody: defaultMaxBody,
	}
}

// all returns the flags. Those about the component are serve's.
func (f *testFlags) all() []cli.Flag {
	b := &cmdline.Flags{}
	b.Group(groupSelect)
	b.Text("component", &f.component, "",
		"`FILE` with the component to test (default: the one that the fixture names, "+
			"else the only one found)")
	b.Text("filter", &f.filter, "",
		"run only the files whose path matches `REGEXP`, and the entries whose method and URL "+
			"match it")
	b.Text("shard", &f.shard, "", "run part I of N equal parts: `I/N`")
	b.Text("shard-times", &f.timings, "",
		"deal the parts of --shard by the times in `FILE`, an earlier report of --report-json")
	b.Toggle("last-failed", &f.lastFailed, "run only what failed when it was last run")
	b.Toggle("crashes", &f.crashes, "run the requests that serve has kept because they trapped or "+
		"expired, each in its own instance; say which are fixed, and remove these (default PATH: "+
		record.CrashDir+")")
	b.Toggle("list", &f.list, "list what would run, without running it")

	b.Group(groupRun)
	b.Value("isolate", &f.isolate, "what gets its own instance: `SCOPE` is none, file or entry")
	b.Value("jobs", &f.jobs,
		"`NUMBER` of files that run at once; more than 1 gives each file its own instance")
	b.Value("concurrent", &f.concurrent,
		"`NUMBER` of entries that are sent at once to the same instance (WASI 0.3)")
	b.Value("repeat", &f.repeat, "run everything `NUMBER` times")
	b.Value("retry", &f.retry, "retry an entry that fails, up to `NUMBER` times")
	b.Value("max-body", &f.maxBody,
		"`SIZE` of the largest response body that is read, before and after decompression")
	b.Toggle("fail-fast", &f.failFast, "stop at the first entry that fails")
	b.ValueOr("shuffle", &f.shuffle, "",
		"run the files in random order; `[=SEED]` repeats an order that was printed before")
	b.Text("seed", &f.seed, "", "same as --shuffle=`SEED`")
	b.Toggle("update", &f.update,
		"make failing entries expect the current responses, and add a response part to "+
			"entries without one; refused if CI is set")
	b.Toggle("watch", &f.watch, "run again when the component or a fixture changes; "+
		"the command in wasihttp.toml that builds the component runs when a source does")

	b.Toggle("no-build", &f.noBuild, "test the component as it is, even if it is older than its "+
		"sources and wasihttp.toml has the command that builds it")

	b.Group(groupInput)
	b.List("variable", &f.variables, "set a variable: `NAME=VALUE` (repeatable)")
	b.List("variables-file", &f.variableFiles,
		"read variables from `FILE`, one NAME=VALUE per line (repeatable)")
	b.List("secret", &f.secrets,
		"set a variable whose value is never shown: `NAME=VALUE` (repeatable)")
	b.Text("file-root", &f.fileRoot, "",
		"`FOLDER` with the files that fixtures name (default: that of the fixture)")

	b.Group(groupUpstreams)
	b.Text("clock", &f.clock, "",
		"`TIME` at which the world of the component begins, such as 2026-01-02T03:04:05Z, if the "+
			"fixture does not say; then only events move its clocks")
	b.Text("random-seed", &f.randomSeed, "",
		"`NUMBER` that makes the component's random numbers repeatable, if the fixture does not "+
			"say")
	b.List("upstream", &f.upstreams,
		"respond to the component's own requests from the upstream fixture `FILE` (repeatable); "+
			"NAME.upstream.hurl beside NAME.hurl is used without this flag")
	b.Value("upstream-mode", &f.upstreamMode,
		"`MODE` none never uses the network, live always does, auto is none where an upstream "+
			"fixture applies, else live; once, new and all record: where there is no upstream "+
			"fixture, what is not recorded yet, or everything anew")
	b.List("redact", &f.redact,
		"also hide the values of headers, parameters and members called `NAME` in what "+
			"--upstream-mode records (repeatable)")
	b.Toggle("strict-upstreams", &f.strictUpstreams,
		"fail if a recorded exchange with an upstream is not used")

	f.find.Flags(b)

	b.Group(groupReports)
	reportFlags(b, &f.reports)
	f.covering.Flags(b)
	b.Value("color", &f.color, "when to use color: `WHEN` is auto, always or never")
	b.Toggle("full", &f.full, "show differences in full, however long")
	b.Toggle("quiet", &f.quiet, "print only what failed", "q")
	jsonFlag(b, &f.json)

	b.Pick(f.guest.all(), "plug", "chain", "config-var", "keyvalue",
		"env", "env-file", "inherit-env", "arg", "dir", "cwd", "timeout", "post-return-timeout",
		"max-memory", "max-component-size", "allow-outbound", "outbound-h2c", "no-outbound",
		"ca-file", "inherit-network", "allow-net", profiling.Flag, profiling.HTMLFlag,
		capabilities.Flag, "cache-dir", "no-cache")
	b.Describe("timeout", "`TIME` for a response if the fixture does not say; 0 means no limit")
	b.Describe("post-return-timeout", "`TIME` that the component may go on working after a "+
		"response; the next request and the end of the run wait for it")
	return b.All()
}

// testCommand describes "wasihttp test".
func testCommand(st *state, d doors) *cli.Command {
	flags := newTestFlags()
	return config.Attach(command(&cli.Command{
		Name:      "test",
		Usage:     "replay fixtures and compare the responses",
		UsageText: programName + " test [flags] [PATH…]",
		Description: "Runs fixtures in process, without opening a port. PATH is a fixture " +
			"(.hurl, .har), a folder of fixtures,\n" +
			"FIXTURE:LINE for one entry, or - for standard input; without one it is the folder " +
			"fixtures of the project.\n" +
			"All fixtures run in order through one instance of the component, unless --isolate " +
			"says otherwise. If\n" +
			"wasihttp.toml has a command that builds the component, that runs first if the " +
			"component is older than\nits sources.\n" +
			"Exits with 0 if everything passed, 1 for wrong usage, 2 if a fixture cannot be " +
			"parsed, 3 if the component\n" +
			"could not be loaded, trapped or expired, 4 if only responses differ.\n\n" +
			cmdline.Examples(testExamples),
		Flags: flags.all(),
		Action: func(c *cli.Context) error {
			s, err := flags.settings(st, c)
			if err != nil {
				return err
			}
			return s.guest.reported(flags.run(c.Context, st, d, s))
		},
	}), "test", st.dir)
}

const testExamples = `
wasihttp test                                          the project's own fixtures
wasihttp test fixtures/                                all fixtures in a folder
wasihttp test fixtures/ --component app.wasm           against this component
wasihttp test fixtures/users.hurl --update             accept the current responses
wasihttp test fixtures/ --watch                        run again on every change
wasihttp test fixtures/ --report-junit report.xml      for CI
wasihttp test fixtures/ --shard 2/4 --jobs 4           a quarter of them, four at a time`

// testSettings is what the flags mean.
type testSettings struct {
	suite *suite.Suite
	guest *serveSettings
	load  loader.Config
	ci    bool
	// component is the one of fixtures that name none; "" to find it.
	component string
	// build makes the component; nil to take it as it is.
	build *config.Build
}

// settings checks the flags together and translates them.
func (f *testFlags) settings(t *state, c *cli.Context) (*testSettings, error) {
	paths := c.Args().Slice()
	if f.crashes && len(paths) == 0 {
		paths = []string{record.CrashDir}
	}
	if own := config.Of(c).Fixtures(); len(paths) == 0 && own != "" {
		paths = []string{own}
	}
	if len(paths) == 0 {
		return nil, exit.Usagef("try: "+programName+" "+c.Command.Name+" fixtures/",
			"%s needs a PATH: a fixture or a folder of fixtures", c.Command.Name)
	}
	guest, err := f.guest.settings(t)
	if err != nil {
		return nil, err
	}
	s := &testSettings{
		guest: guest, load: guest.load,
		ci: cmdline.IsTrue(cmdline.Lookup(t.environ, "CI")), component: config.Of(c).Component(""),
	}
	if f.component == "" && !f.noBuild && !f.list {
		s.build = config.Of(c).Build()
	}
	if f.update && s.ci {
		return nil, exit.Usagef("run it on your machine and commit the change",
			"--update is refused because CI is set")
	}
	if f.update && f.watch {
		return nil, exit.Usagef("remove one of the two flags",
			"--update and --watch cannot be combined")
	}
	if f.concurrent > 1 && (f.jobs > 1 || f.isolate.Value != "none") {
		return nil, exit.Usagef("remove --jobs and --isolate",
			"--concurrent sends entries to one instance, but --jobs and --isolate make several")
	}
	given := config.Given(c, notRepeated()...)
	s.suite = &suite.Suite{
		Program: programName, Paths: paths, Dir: t.dir,
		In: t.in, Out: coloured(t.stdout, f.color.Value), Err: t.stderr,
		Await: func(ctx context.Context, work func()) bool {
			_, ok := awaited(ctx, t, func() struct{} { work(); return struct{}{} })
			return ok
		},
		Parts: slices.Concat(s.load.Parts.Plugs, s.load.Parts.Chain),
		Full:  f.full, Quiet: f.quiet, Update: f.update,
		Rerun: func(path string) string {
			return programName + " test " + term.ShellPath(path) + given + " --full"
		},
		Reports:     f.reports,
		GitHub:      cmdline.Lookup(t.environ, "GITHUB_ACTIONS") == "true",
		Workspace:   cmdline.Lookup(t.environ, "GITHUB_WORKSPACE"),
		StepSummary: cmdline.Lookup(t.environ, "GITHUB_STEP_SUMMARY"),
		LastFailed:  f.lastFailed, Timings: f.timings,
	}
	if f.json {
		if f.watch {
			return nil, exit.Usagef("remove one of the two flags",
				"--json and --watch cannot be combined")
		}
		printJSON(s.suite)
	}
	if dir := s.load.CacheDir; dir != "" {
		s.suite.Memory = filepath.Join(dir, "last-failed.json")
	} else if f.lastFailed {
		return nil, exit.Usagef("remove --no-cache, or name a folder with --cache-dir",
			"--last-failed needs the cache folder, which keeps what failed")
	}
	s.suite.Options = testrunner.Options{
		Isolate: testrunner.Isolation(f.isolate.Value), Jobs: int(f.jobs),
		Concurrent: int(f.concurrent),
		Timeout:    s.load.Timeout, Retry: int64(f.retry), MaxBody: int64(f.maxBody), All: f.update,
		FailFast: f.failFast, FileRoot: f.fileRoot, Component: f.component,
	}
	if f.crashes {
		s.suite.Crashes, s.suite.Options.Isolate = true, testrunner.IsolateEntry
	}
	if err := f.covering.Begin(t.dir, s.suite, &s.load, f.list); err != nil {
		return nil, err
	}
	s.suite.Options.Upstreams = f.upstreams.Value()
	s.suite.Options.Redact = f.redact.Value()
	s.suite.Options.StrictUpstreams = f.strictUpstreams
	if mode := f.upstreamMode.Value; mode != "auto" {
		s.suite.Options.UpstreamMode = testrunner.UpstreamMode(mode)
		if err := f.recording(t, s); err != nil {
			return nil, err
		}
	}
	s.suite.Options.Selection.Repeat = int(f.repeat)
	if err := f.selection(&s.suite.Options.Selection); err != nil {
		return nil, err
	}
	if err := f.world(&s.suite.Options.World); err != nil {
		return nil, err
	}
	if err := f.find.Begin(s.suite, s.load.CAFiles); err != nil {
		return nil, err
	}
	if err := f.input(t.environ, &s.suite.Options); err != nil {
		return nil, err
	}
	return s, nil
}

// coloured returns standard output with color as --color says.
func coloured(out *term.Output, when string) *term.Output {
	if when == "auto" {
		return out
	}
	return out.Coloured(when == "always")
}

// notRepeated are the flags that do not affect a file's responses.
func notRepeated() []string {
	return []string{
		"filter", "shard", "shard-times", "last-failed", "list", "jobs",
		"concurrent", "repeat", "fail-fast", "shuffle", "seed", "for", "requests", "concurrency",
		"rate", "warm-up", "baseline", "max-regression",
		"update", "watch", "report-junit", "report-tap", "report-json", "report-html", "color",
		covering.Flag, covering.HTMLFlag, covering.MinFlag,
		profiling.Flag, profiling.HTMLFlag, capabilities.Flag, "full", "quiet", "json",
	}
}

// run runs "wasihttp test".
func (f *testFlags) run(ctx context.Context, t *state, d doors, s *testSettings) error {
	t.orderly.Store(true)
	if s.load.KeyValueFile != "" {
		// Without a file, each instance has a store of its own.
		closeKeyValue, err := s.load.OpenKeyValue()
		if err != nil {
			return err
		}
		defer closeKeyValue()
	}
	if f.crashes && slices.Equal(s.suite.Paths, []string{record.CrashDir}) &&
		!record.HasCrashes(record.CrashDir) {
		t.note("%s has no crashes", record.CrashDir)
		return nil
	}
	if f.watch && !f.list {
		stop, err := f.followSources(ctx, t, d, s)
		if err != nil {
			return err
		}
		defer stop()
	} else if err := s.buildFirst(ctx, t, d); err != nil {
		return err
	}
	s.suite.Host = s.host(t, d)
	switch {
	case f.list:
		return exit.Verdict(s.suite.List(ctx))
	case f.watch:
		// Fixtures may all name their own component.
		fallback, _ := s.find(d)
		defer t.closeKeys()
		return exit.Suite(s.suite.Watch(ctx, fallback, t.watchProblem, func() <-chan byte {
			if s.ci {
				return nil // u changes fixtures
			}
			return t.openKeys().Presses()
		}))
	}
	// Collecting the garbage of a short run costs more than it saves.
	defer relaxCollector()()
	return exit.Verdict(s.suite.Run(ctx))
}

// buildFirst runs the command that builds the component if that is missing or older than one of its
// sources.
func (s *testSettings) buildFirst(ctx context.Context, t *state, d doors) error {
	if s.build == nil {
		return nil
	}
	job := t.job(s.build.Command, s.build.Dir, s.build.Sources)
	if path, err := s.find(d); err == nil {
		if due, err := job.Due(path); err != nil || !due {
			return err
		}
	}
	s.building(t)
	return job.Run(ctx)
}

// building says that the command that builds the component is run.
func (s *testSettings) building(t *state) {
	if !s.suite.Quiet {
		t.note("building: %s", s.build.Command)
	}
}

// followSources does what buildFirst does, and runs the command again whenever a source changes,
// until stop is called.
func (f *testFlags) followSources(
	ctx context.Context, t *state, d doors, s *testSettings,
) (stop func(), err error) {
	if s.build == nil {
		return func() {}, nil
	}
	path, _ := s.find(d) // it may be missing until it is built
	// Files that this process itself writes, and fixtures, are not sources.
	exclude := slices.Concat(s.load.Parts.Paths(path), s.suite.Paths, f.reports.Paths(),
		f.covering.Paths(), []string{s.load.CacheDir})
	for _, dir := range s.load.Dirs {
		exclude = append(exclude, dir.Host)
	}
	return t.job(s.build.Command, s.build.Dir, s.build.Sources).Follow(ctx, path, building.Watching{
		Options: watch.Options{Problem: t.watchProblem}, Exclude: exclude,
		Outputs: []*term.Output{t.stdout, t.stderr}, Dir: t.dir, Notice: t.note,
	}, func() { s.building(t) }, func(err error) { t.report(ctx, err) })
}

// host returns the target of the fixtures.
func (s *testSettings) host(t *state, d doors) *testhost.Host {
	cfg := s.load
	cfg.Stdout, cfg.Stderr = term.NewLines(io.Discard, false), term.NewLines(io.Discard, false)
	cfg.Notice = func(line string) { t.note("%s", line) }
	return testhost.New(testhost.Config{
		Load: func(ctx context.Context, path string, counts bool) (*testhost.Component, error) {
			cfg := cfg
			if cfg.Instructions = counts; counts {
				cfg.Engine = nil // counting code is other code
			}
			if err := cfg.CheckPaths(path); err != nil {
				return nil, err
			}
			app, err := loadFor(ctx, t, d.load, path, cfg)
			if err != nil {
				return nil, err
			}
			return &testhost.Component{Host: app.Host, Hint: app.Hint, Close: app.Close}, nil
		},
		Find:       func() (string, error) { return s.find(d) },
		Concurrent: s.suite.Options.Concurrent,
	})
}

// find returns the path of the component for fixtures that name none.
func (s *testSettings) find(d doors) (string, error) {
	if s.component != "" {
		return s.component, nil
	}
	return d.discover("test", "--component", s.load.MaxComponentSize)
}
