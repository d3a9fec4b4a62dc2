package benching

import (
	"net/url"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/cmd/internal/loader"
	"github.com/wasihttp/wasihttp/internal/load"
	"github.com/wasihttp/wasihttp/testrunner"
	"github.com/wasihttp/wasihttp/testrunner/suite"
)

// Description and Examples are the help of the command.
const (
	Description = "Replays fixtures as load, checks the responses meanwhile, and shows requests " +
		"per second, latencies and\nmemory. PATH is as for test. Each virtual user plays the " +
		"fixtures one after the other, each in a new\ninstance, and begins anew; --isolate says " +
		"otherwise. With --rate, requests are due at fixed times, and\nlatencies begin there.\n" +
		"--baseline OLD.wasm measures both builds in turns and says how sure a difference is.\n" +
		"Exits as test does: 2 if a fixture cannot be parsed, 3 if the component could not be " +
		"loaded, trapped or\nexpired, 4 if only responses differ; and with 5 if the build is " +
		"slower than the baseline by more than\n--max-regression.\n\n"
	Examples = `
wasihttp bench                                        the project's own fixtures, for 10s
wasihttp bench fixtures/ --component app.wasm         against this component
wasihttp bench fixtures/get.hurl --rate 500           500 requests are due in a second
wasihttp bench fixtures/ --url http://127.0.0.1:8080  over the wire, against a server
wasihttp bench fixtures/ --baseline old.wasm          is the build slower than the old one?
wasihttp bench fixtures/ --report-html bench.html     a page with plots`
)

// Shared returns the flags that bench has in common with test.
func Shared() []string {
	return []string{
		"component", "filter", "isolate", "max-body", "no-build", "variable", "variables-file",
		"secret", "file-root", "clock", "random-seed", "upstream", "color", "plug", "chain",
		"config-var", "keyvalue", "env", "env-file", "inherit-env", "arg", "dir", "cwd", "timeout",
		"post-return-timeout", "max-memory", "max-component-size", "allow-outbound",
		"outbound-h2c", "no-outbound", "ca-file", "inherit-network", "allow-net", "cache-dir",
		"no-cache",
	}
}

// Flags receives the values of bench's own flags.
type Flags struct {
	length, warmUp     cmdline.Span
	requests           cmdline.Count
	users              cmdline.Several
	rate               cmdline.Rate
	url, baseline      string
	maxRegression      cmdline.Percent
	json               bool
	jsonFile, htmlFile string
}

// NewFlags returns the flags with their defaults; users is how many virtual users there are.
func NewFlags(users int) *Flags {
	return &Flags{
		length: cmdline.Span(10 * time.Second), warmUp: cmdline.Span(time.Second),
		users: cmdline.Several(users), maxRegression: 5,
	}
}

// All returns the flags.
func (f *Flags) All() []cli.Flag {
	b := &cmdline.Flags{}
	b.Group("Load")
	b.Value("for", &f.length, "`TIME` for which each build is measured")
	b.ValueOr("requests", &f.requests, "as many as --for leaves time for",
		"measure that `NUMBER` of requests of each build, however long they take")
	b.ValueOr("concurrency", &f.users, "as many as there are processors",
		"`NUMBER` of virtual users, who have one request on its way at a time each")
	b.Value("rate", &f.rate, "`RATE` of the requests that are due in a second, from all users "+
		"together, however long responses take; latencies are counted from when a request was due "+
		"(default: each user sends the next request when there is a response)")
	b.Value("warm-up", &f.warmUp, "`TIME` for which the fixtures are played before anything counts")
	b.Text("url", &f.url, "",
		"send the requests to the server at `URL`, in place of instances in this process")
	b.Group("Comparison")
	b.Text("baseline", &f.baseline, "", "compare with `FILE`, another build of the component "+
		"(.wasm), measured in turns with this one, or the result of an earlier run (--report-json)")
	b.Value("max-regression", &f.maxRegression,
		"by how many `PERCENT` the build may be slower than the baseline")
	b.Group("Results")
	b.Toggle("json", &f.json, "print JSON")
	b.Output("report-json", &f.jsonFile, "write the result as JSON to `FILE`")
	b.Output("report-html", &f.htmlFile, "write a page with plots to `FILE`")
	return b.All()
}

// maxUsers bounds the virtual users, each of whom has an instance or a connection.
const maxUsers = 10_000

// Bench returns the run that the flags ask for. caFiles have certificates to trust.
func (f *Flags) Bench(s *suite.Suite, caFiles []string) (*Bench, error) {
	b := &Bench{
		Suite: s, URL: f.url, Baseline: f.baseline, MaxRegression: float64(f.maxRegression),
		JSON: f.json, JSONFile: f.jsonFile, HTMLFile: f.htmlFile,
		Load: load.Config{
			Users: int(f.users), For: time.Duration(f.length), Requests: int64(f.requests),
			Rate: float64(f.rate), WarmUp: time.Duration(f.warmUp),
		},
	}
	if b.Load.For == 0 && b.Load.Requests == 0 {
		return nil, exit.Usagef("for example --for 10s, or --requests 1000",
			"--for 0s measures nothing")
	}
	if f.users > maxUsers {
		return nil, exit.Usagef("to have more requests on their way, run several of it with --url",
			"--concurrency %d: at most %d users are possible", f.users, maxUsers)
	}
	if f.url == "" {
		return b, nil
	}
	base, err := url.Parse(f.url)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, exit.Usagef("for example --url http://127.0.0.1:8080",
			"--url %s is not the URL of a server", f.url)
	}
	trust, err := loader.Trust(caFiles)
	if err != nil {
		return nil, err
	}
	b.Server = testrunner.NewBusyServer(base, trust, int(f.users))
	return b, nil
}
