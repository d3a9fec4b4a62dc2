// Package finding has the flags of the finders: other ways to run fixtures, which look for
// something.
package finding

import (
	"net/url"
	"strings"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/cmd/internal/loader"
	"github.com/wasihttp/wasihttp/testrunner"
	"github.com/wasihttp/wasihttp/testrunner/suite"
)

const group = "Finders"

// Wanted is what the flags say.
type Wanted struct {
	learn, leaks, chaos, allMethods bool
	against                         string
}

// Flags adds the flags.
func (f *Wanted) Flags(b *cmdline.Flags) {
	b.Group(group)
	b.Toggle("learn", &f.learn,
		"find what differs in each response, at another time and with other random numbers, and "+
			"propose to ignore it; --update writes that")
	b.Toggle("detect-leaks", &f.leaks,
		"find responses that depend on the requests before them in the same instance")
	b.Toggle("chaos", &f.chaos,
		"find faults of recorded upstreams that leave a request without a response")
	b.Text("against", &f.against, "",
		"compare the responses with those of `OTHER`, a component or the URL of a server; to a "+
			"server go only GET, HEAD and OPTIONS, and no secrets but those of --secret")
	b.Toggle("all-methods", &f.allMethods,
		"send requests with all methods to the server of --against")
}

// Begin has a suite run its fixtures as the one finder does that is wanted, if one is. caFiles hold
// certificates of authorities that vouch for servers.
func (f *Wanted) Begin(s *suite.Suite, caFiles []string) error {
	asked := map[string]bool{
		"--learn": f.learn, "--detect-leaks": f.leaks, "--chaos": f.chaos,
		"--against": f.against != "",
	}
	var flag string
	for _, name := range []string{"--learn", "--detect-leaks", "--chaos", "--against"} {
		switch {
		case !asked[name]:
		case flag != "":
			return exit.Usagef("run them one after the other",
				"%s and %s cannot be combined", flag, name)
		default:
			flag = name
		}
	}
	o := &s.Options
	switch {
	case f.allMethods && f.against == "":
		return exit.Usagef("add --against URL", "--all-methods needs --against")
	case flag == "":
		return nil
	case o.Jobs > 1 || o.Concurrent > 1 || o.Isolate != testrunner.IsolateNone || o.Retry > 0 ||
		o.Selection.Repeat > 1:
		return exit.Usagef("remove --jobs, --concurrent, --isolate, --repeat and --retry",
			"%s says itself how fixtures are run", flag)
	case s.Update && !f.learn:
		return exit.Usagef("remove --update", "%s proposes no changes to fixtures", flag)
	case o.UpstreamMode.Records():
		return exit.Usagef("record first, then run "+flag, "%s does not record", flag)
	}
	switch flag {
	case "--learn":
		s.Play = testrunner.Learn
	case "--detect-leaks":
		s.Play = testrunner.Leaks
	case "--chaos":
		s.Play = testrunner.Chaos
	default:
		return f.compare(s, caFiles)
	}
	return nil
}

// compare sets what the responses are compared with.
func (f *Wanted) compare(s *suite.Suite, caFiles []string) error {
	if !strings.Contains(f.against, "://") {
		s.Play = testrunner.Against(testrunner.Other{Component: f.against})
		return nil
	}
	base, err := url.Parse(f.against)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return exit.Usagef("for example --against https://staging.example",
			"--against %s is not the URL of a server", f.against)
	}
	trust, err := loader.Trust(caFiles)
	if err != nil {
		return err
	}
	s.Play = testrunner.Against(testrunner.Other{
		Server: testrunner.NewServer(base, trust), AllMethods: f.allMethods,
	})
	return nil
}
