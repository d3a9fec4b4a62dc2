package cmd

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/internal/regular"
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

// input collects the variables: those of the environment, then files, then
// flags; later ones win.
func (f *testFlags) input(environ []string, o *testrunner.Options) error {
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		if n, ok := strings.CutPrefix(name, "HURL_VARIABLE_"); ok {
			o.Variables = append(o.Variables, testrunner.Variable{Name: n, Value: value})
		}
		if n, ok := strings.CutPrefix(name, "HURL_SECRET_"); ok {
			o.Secrets = append(o.Secrets, testrunner.Variable{Name: n, Value: value})
		}
	}
	for _, path := range f.variableFiles.Value() {
		content, err := regular.ReadFile(path, regular.MaxText)
		if err != nil {
			return exit.Usagef("name a file with one NAME=VALUE per line",
				"--variables-file %s: %v", path, regular.Reason(err))
		}
		list, err := testrunner.ParseVariables(string(content))
		if err != nil {
			return exit.Usagef("write one NAME=VALUE per line", "--variables-file %s: %v", path,
				err)
		}
		o.Variables = append(o.Variables, list...)
	}
	for _, given := range []struct {
		flag string
		list []string
		into *[]testrunner.Variable
	}{{"variable", f.variables.Value(), &o.Variables}, {"secret", f.secrets.Value(), &o.Secrets}} {
		for _, text := range given.list {
			v, err := testrunner.ParseVariable(text)
			if err != nil {
				return exit.Usagef("write --"+given.flag+" NAME=VALUE", "--%s: %v", given.flag, err)
			}
			*given.into = append(*given.into, v)
		}
	}
	return nil
}
