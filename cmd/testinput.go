package cmd

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/cmd/internal/values"
	"github.com/wasihttp/wasihttp/testrunner"
)

func (f *testFlags) selection(s *testrunner.Selection) error {
	if f.filter != "" {
		re, err := regexp.Compile(f.filter)
		if err != nil {
			return exit.Usagef(
				"write a regular expression, for example --filter 'users|GET /login'",
				"--filter: %v", err)
		}
		s.Filter = re
	}
	if f.shard != "" {
		i, n, ok := strings.Cut(f.shard, "/")
		index, errI := strconv.Atoi(i)
		count, errN := strconv.Atoi(n)
		if !ok || errI != nil || errN != nil || index < 1 || index > count {
			return exit.Usagef("write I/N with I from 1 to N, for example --shard 1/4",
				"--shard %q is not I/N", f.shard)
		}
		s.Shard, s.Shards = index, count
	} else if f.timings != "" {
		return exit.Usagef("add --shard I/N",
			"--shard-times deals the parts of --shard, which is missing")
	}
	if f.seed != "" {
		seed, err := strconv.ParseUint(f.seed, 10, 64)
		if err != nil {
			return exit.Usagef("use the number that a run with --shuffle printed",
				"--seed %q is not a whole number", f.seed)
		}
		s.Shuffle = &seed
	} else {
		s.Shuffle = f.shuffle.Seed
	}
	return nil
}

// input sets the variables of fixtures.
func (f *testFlags) input(environ []string, o *testrunner.Options) (err error) {
	o.Variables, o.Secrets, err = values.Variables(environ, f.variableFiles.Value(),
		f.variables.Value(), f.secrets.Value())
	return err
}
