package cmd

import (
	"cmp"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/capabilities"
	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/cmd/internal/listening"
	"github.com/wasihttp/wasihttp/cmd/internal/loader"
	"github.com/wasihttp/wasihttp/cmd/internal/profiling"
	"github.com/wasihttp/wasihttp/cmd/internal/values"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/inspect"
	"github.com/wasihttp/wasihttp/internal/record"
	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/serve"
	"github.com/wasihttp/wasihttp/serve/console"
)

// The defaults of serve's flags that are not the host's.
const (
	defaultAddr         = "127.0.0.1:8080"
	defaultDrainTimeout = 10 * time.Second
)

// minMemory is the least that a component with a memory needs: a page.
const minMemory cmdline.Size = 64 << 10

// serveFlags receives the values of serve's flags.
type serveFlags struct {
	listen     listening.Settings
	allowHosts cli.StringSlice

	plugs, chain cli.StringSlice

	env, envFiles, args cli.StringSlice
	dirs                cli.StringSlice
	cwd                 string
	inheritEnv          bool
	configVars          cli.StringSlice
	keyvalue            string

	timeout, bodyTimeout, postReturnTimeout, drainTimeout, idleTimeout cmdline.Span
	maxMemory, maxComponent                                            cmdline.Size
	maxConcurrent, maxReuse, maxConcurrentReuse                        cmdline.Count

	allowOutbound, outboundH2C, caFiles cli.StringSlice
	noOutbound                          bool
	allowNet                            cli.StringSlice
	inheritNetwork                      bool

	cacheDir string
	noCache  bool

	watch, liveReload bool
	noExplorer        bool
	poll              cmdline.Span
	exec              string
	sources           cli.StringSlice

	logFormat, errorPages  cmdline.Choice
	quiet, noLoggingPrefix bool
	capabilities           string
	profile                profiling.Files
}

// newServeFlags returns the defaults.
func newServeFlags() *serveFlags {
	return &serveFlags{
		listen:            listening.Settings{Addr: defaultAddr},
		watch:             true,
		timeout:           cmdline.Span(host.DefaultTimeout),
		postReturnTimeout: cmdline.Span(host.DefaultPostReturnTimeout),
		drainTimeout:      cmdline.Span(defaultDrainTimeout),
		idleTimeout:       cmdline.Span(host.DefaultIdleInstanceTimeout),
		maxMemory:         host.DefaultMaxMemory,
		maxComponent:      regular.MaxFile,
		maxConcurrent:     host.DefaultMaxConcurrentRequests,
		logFormat:         cmdline.Choice{Value: "text", Of: []string{"text", "json"}},
		errorPages:        cmdline.Choice{Value: "auto", Of: []string{"auto", "full", "brief"}},
	}
}

// The headings of the flags in the help.
const (
	groupListen   = "Listening"
	groupReload   = "Reloading"
	groupGuest    = "Environment of the component"
	groupCompose  = "Other components"
	groupLimits   = "Limits"
	groupOutbound = "Outbound requests"
	groupSockets  = "Sockets"
	groupOutput   = "Output"
	groupCache    = "Compiled code"
)

// all returns the flags.
func (f *serveFlags) all() []cli.Flag {
	b := &cmdline.Flags{}
	b.Group(groupListen)
	b.Text("addr", &f.listen.Addr, defaultAddr,
		"listen on `HOST:PORT`, where port 0 picks a free port, or on the socket unix:PATH")
	b.Toggle("find-free-port", &f.listen.FindFree,
		"use the next free port if the port of --addr is in use")
	b.Toggle("tls", &f.listen.TLS, "serve https, with a certificate for localhost that is made "+
		"once and kept")
	b.Text("tls-cert", &f.listen.CertFile, "",
		"serve https with the certificate, and its chain, in `FILE` (PEM)")
	b.Text("tls-key", &f.listen.KeyFile, "", "the key of --tls-cert, in `FILE` (PEM)")
	b.List("allow-host", &f.allowHosts,
		"show failures in full to requests for `NAME`, as to those for localhost (repeatable)")

	b.Group(groupReload)
	b.Toggle("watch", &f.watch,
		"serve each new build of the component as soon as it loads; --watch=false turns this off")
	b.ValueOr("poll", &f.poll, "events",
		"check for changes every `TIME`, for file systems without change events")
	b.Text("exec", &f.exec, "",
		"run `COMMAND`, which builds the component, at start and whenever a source changes")
	b.List("source", &f.sources,
		"watch `PATH`, a file or folder with sources, for --exec; what .gitignore names is "+
			"ignored (repeatable; default: the current folder)")
	b.Toggle("live-reload", &f.liveReload,
		"make HTML pages reload themselves when a new build is served")

	b.Group(groupCompose)
	composeFlags(b, &f.plugs, &f.chain)

	b.Group(groupGuest)
	b.List("env", &f.env,
		"set an environment variable: `NAME=VALUE`, or NAME alone to pass yours on (repeatable)")
	b.List("env-file", &f.envFiles,
		"read environment variables from `FILE`, in dotenv format (repeatable)")
	b.Toggle("inherit-env", &f.inheritEnv, "pass on the whole environment of this process")
	b.List("config-var", &f.configVars, "set a value of wasi:config: `K=V`, or K alone for that "+
		"of an environment variable (repeatable)")
	b.Output("keyvalue", &f.keyvalue,
		"keep the data of wasi:keyvalue in `FILE`; without it, in memory")
	b.List("arg", &f.args, "add `ARGUMENT` to the component's command line (repeatable)")
	b.List("dir", &f.dirs, "give the component a folder: `HOST[::GUEST][:ro]` (repeatable)")
	b.Text("cwd", &f.cwd, "",
		"tell the component that its working directory is `GUEST-PATH`, a path of its own")

	b.Group(groupLimits)
	b.Value("timeout", &f.timeout,
		"`TIME` from accepting a request to the head of the response; 0 means no limit")
	b.Value("body-timeout", &f.bodyTimeout,
		"`TIME` from the head of a response to the end of its body; 0 means no limit")
	b.Value("post-return-timeout", &f.postReturnTimeout,
		"`TIME` that the component may go on working after its response")
	b.Value("drain-timeout", &f.drainTimeout,
		"`TIME` that running requests get to end after Ctrl-C, or after their build was replaced")
	b.Value("max-memory", &f.maxMemory, "memory of one instance: a `SIZE` such as 64MiB or 1g")
	maxComponentFlag(b, &f.maxComponent)
	b.Value("max-concurrent-requests", &f.maxConcurrent,
		"`NUMBER` of requests that run at once; others wait for up to --timeout; 0 means no "+
			"limit")
	b.ValueOr("max-instance-reuse-count", &f.maxReuse, "1 for wasi:http 0.2, 128 for 0.3",
		"`NUMBER` of requests that one instance handles in its lifetime")
	b.ValueOr("max-instance-concurrent-reuse-count", &f.maxConcurrentReuse, "16 for wasi:http 0.3",
		"`NUMBER` of requests that one instance handles at once; always 1 for wasi:http 0.2")
	b.Value("idle-instance-timeout", &f.idleTimeout,
		"`TIME` that an instance without requests is kept")

	b.Group(groupOutbound)
	b.List("allow-outbound", &f.allowOutbound,
		"allow outbound requests only to `HOST`: host, host:port or *.host (repeatable)")
	b.Toggle("no-outbound", &f.noOutbound, "forbid all outbound requests")
	b.List("outbound-h2c", &f.outboundH2C, "send requests to `HOST` over http in HTTP/2, which it "+
		"has to understand: host, host:port or *.host (repeatable)")
	b.List("ca-file", &f.caFiles, "also trust the certificates in `FILE` (PEM); repeatable")

	b.Group(groupSockets)
	b.List("allow-net", &f.allowNet,
		"allow sockets and look-ups for a `PATTERN`: an address, a network (CIDR), a host or "+
			"*.host, each with or without :port (repeatable)")
	b.Toggle("inherit-network", &f.inheritNetwork,
		"allow sockets and look-ups of names without limits")

	b.Group(groupOutput)
	b.Value("log-format", &f.logFormat, "`FORMAT` of the access log: text or json")
	b.Value("error-pages", &f.errorPages,
		"how much the response to a failed request says: `MODE` is full, brief, or auto (full "+
			"if only this machine can connect)")
	b.Toggle("quiet", &f.quiet, "print only the address and failures", "q")
	b.Toggle("no-logging-prefix", &f.noLoggingPrefix,
		"print the component's own output without [instance/request]")
	b.Output(profiling.Flag, &f.profile.Pprof, "at the end, write where the component spent its "+
		"time to `FILE`, for go tool pprof and speedscope")
	b.Output(profiling.HTMLFlag, &f.profile.HTML,
		"at the end, write that to `FILE`, as a page with a flame graph")
	b.Toggle("no-explorer", &f.noExplorer,
		"do not keep what requests did, and serve no page about them at /__wasihttp/")
	b.Output(capabilities.Flag, &f.capabilities,
		"at the end, write what the component used and what it was refused to `FILE`, as JSON")

	b.Group(groupCache)
	b.Text("cache-dir", &f.cacheDir, "wasihttp in the user's cache folder",
		"keep compiled code in `FOLDER`")
	b.Toggle("no-cache", &f.noCache, "do not keep compiled code")
	return b.All()
}

// composeFlags adds --plug and --chain.
func composeFlags(b *cmdline.Flags, plugs, chain *cli.StringSlice) {
	b.List("plug", plugs,
		"satisfy imports of the component with the exports of `DEP.wasm` (repeatable)")
	b.List("chain", chain,
		"put the middleware `MIDDLEWARE.wasm` in front (repeatable: the first one gets the "+
			"requests)")
}

// maxComponentFlag adds --max-component-size.
func maxComponentFlag(b *cmdline.Flags, into *cmdline.Size) {
	b.Value("max-component-size", into,
		"size of the largest component file that is read: a `SIZE` such as 64MiB or 1g")
}

// serveSettings is what the flags mean.
type serveSettings struct {
	listen        listening.Settings
	allowHosts    []string
	maxConcurrent int
	drainTimeout  time.Duration
	errorPages    serve.ErrorPages
	jsonLog       bool
	quiet         bool
	loggingPrefix bool
	// console is the log on a terminal; nil for another log.
	console    *console.Console
	watch      bool
	liveReload bool
	explorer   bool
	poll       time.Duration
	exec       string
	sources    []string
	// execDir is the folder that exec runs in, "" for the current one; execFrom is what set it.
	execDir, execFrom string
	// record has all settings but those of the process. If it has no folder,
	// nothing is recorded.
	record record.Options
	// fixtures are run with each build.
	fixtures []string
	// crashDir is where requests that trapped or expired are kept; "" keeps none.
	crashDir string
	// used collects what components use, for a report; nil for none.
	used *capabilities.File
	// profile has samples of what components do; nil for none.
	profile *profiling.Profiler
	// load has all settings but those of the process: streams and reports.
	load loader.Config
}

// settings checks the flags together and translates them.
func (f *serveFlags) settings(t *state) (*serveSettings, error) {
	if f.listen.Folder = t.configDir; f.listen.Folder != "" {
		f.listen.Folder = filepath.Join(f.listen.Folder, programName)
	}
	if err := f.listen.Check(); err != nil {
		return nil, err
	}
	if f.maxMemory < minMemory {
		return nil, exit.Usagef("for example --max-memory 64MiB",
			"--max-memory %s is less than a page of memory, 64KiB", f.maxMemory.String())
	}
	allowHosts, err := values.HostNames(f.allowHosts.Value())
	if err != nil {
		return nil, err
	}
	patterns := f.allowOutbound.Value()
	const both = "remove one of the two flags"
	switch {
	case f.noOutbound && len(patterns) > 0:
		return nil, exit.Usagef(both, "--no-outbound and --allow-outbound contradict each other")
	case f.noCache && f.cacheDir != "":
		return nil, exit.Usagef(both, "--no-cache and --cache-dir contradict each other")
	case f.exec != "" && !f.watch:
		return nil, exit.Usagef(both, "--exec and --watch=false contradict each other")
	case f.poll != 0 && !f.watch:
		return nil, exit.Usagef(both, "--poll and --watch=false contradict each other")
	case len(f.sources.Value()) > 0 && f.exec == "":
		return nil, exit.Usagef("add --exec with the command that builds the component",
			"--source needs --exec: it names what the command depends on")
	}
	dirs, err := values.Dirs(f.dirs.Value())
	if err != nil {
		return nil, err
	}
	network, err := values.Network(f.inheritNetwork, f.allowNet.Value())
	if err != nil {
		return nil, err
	}
	env, err := cmdline.GuestEnv(t.environ, f.inheritEnv, f.envFiles.Value(), f.env.Value())
	if err != nil {
		return nil, err
	}
	configVars, err := values.ConfigVars(f.configVars.Value(), t.environ)
	if err != nil {
		return nil, err
	}
	if err := values.Guest(env, f.args.Value(), f.cwd); err != nil {
		return nil, err
	}
	if _, err := loader.Trust(f.caFiles.Value()); err != nil {
		return nil, exit.Usagef("name a file with certificates in PEM format (BEGIN CERTIFICATE)",
			"%v", err)
	}
	s := &serveSettings{
		listen:        f.listen,
		allowHosts:    append(allowHosts, f.listen.Names()...),
		maxConcurrent: int(f.maxConcurrent),
		drainTimeout:  time.Duration(f.drainTimeout),
		jsonLog:       f.logFormat.Value == "json",
		quiet:         f.quiet,
		loggingPrefix: !f.noLoggingPrefix,
		watch:         f.watch,
		liveReload:    f.liveReload,
		explorer:      !f.noExplorer,
		poll:          time.Duration(f.poll),
		exec:          f.exec,
		sources:       f.sources.Value(),
		load: loader.Config{
			Parts: inspect.Parts{Plugs: f.plugs.Value(), Chain: f.chain.Value()},

			Env:                        env,
			ConfigVars:                 configVars,
			KeyValueFile:               f.keyvalue,
			Args:                       f.args.Value(),
			Dirs:                       dirs,
			Cwd:                        f.cwd,
			Timeout:                    time.Duration(f.timeout),
			BodyTimeout:                time.Duration(f.bodyTimeout),
			PostReturnTimeout:          time.Duration(f.postReturnTimeout),
			IdleInstanceTimeout:        time.Duration(f.idleTimeout),
			MaxMemory:                  int64(f.maxMemory),
			MaxComponentSize:           int64(f.maxComponent),
			MaxInstanceReuse:           int(f.maxReuse),
			MaxInstanceConcurrentReuse: int(f.maxConcurrentReuse),
			NoOutbound:                 f.noOutbound,
			CAFiles:                    f.caFiles.Value(),
			Network:                    network,
			CacheDir:                   f.cacheFolder(t),
		},
	}
	s.used, err = capabilities.Create(f.capabilities, capabilities.Given{
		Dirs: dirs, Cwd: f.cwd, KeyValue: f.keyvalue,
	})
	if err != nil {
		return nil, err
	}
	if s.used != nil {
		s.load.Used = s.used.Add
	}
	command := append([]string{programName}, t.args[min(1, len(t.args)):min(2, len(t.args))]...)
	if s.profile, err = f.profile.Begin(strings.Join(command, " ")); err != nil {
		return nil, err
	}
	s.load.Profile = s.profile.Samples()
	switch f.errorPages.Value {
	case "full":
		s.errorPages = serve.PagesFull
	case "brief":
		s.errorPages = serve.PagesBrief
	}
	if s.load.AllowOutbound, err = values.Servers("allow-outbound", patterns); err != nil {
		return nil, err
	}
	s.load.OutboundH2C, err = values.Servers("outbound-h2c", f.outboundH2C.Value())
	return s, err
}

// reported writes the profile and the report that were asked for, after a command has ended with
// err. It returns err, or the first error of writing.
func (s *serveSettings) reported(err error) error {
	return cmp.Or(err, s.profile.Write(), s.used.Write())
}

// cacheFolder returns the folder for compiled code; "" if compiled code is not
// kept, or if the user has no home.
func (f *serveFlags) cacheFolder(t *state) string {
	if f.noCache {
		return ""
	}
	if f.cacheDir != "" {
		return f.cacheDir
	}
	if t.cacheDir == "" {
		return ""
	}
	return filepath.Join(t.cacheDir, programName)
}
