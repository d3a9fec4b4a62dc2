package values

import (
	"strings"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/testrunner"
)

// Variables collects the variables of fixtures, and those that are secrets: first those of environ,
// HURL_VARIABLE_name and HURL_SECRET_name, then those of the files of --variables-file, then the
// values of --variable and --secret. Of several with the same name the last one counts.
func Variables(environ, files, variables, secrets []string) (
	open, hidden []testrunner.Variable, err error,
) {
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		if n, ok := strings.CutPrefix(name, "HURL_VARIABLE_"); ok {
			open = append(open, testrunner.Variable{Name: n, Value: value})
		}
		if n, ok := strings.CutPrefix(name, "HURL_SECRET_"); ok {
			hidden = append(hidden, testrunner.Variable{Name: n, Value: value})
		}
	}
	for _, path := range files {
		content, err := regular.ReadFile(path, regular.MaxText)
		if err != nil {
			return nil, nil, exit.Usagef("name a file with one NAME=VALUE per line",
				"--variables-file %s: %v", path, regular.Reason(err))
		}
		list, err := testrunner.ParseVariables(string(content))
		if err != nil {
			return nil, nil, exit.Usagef("write one NAME=VALUE per line", "--variables-file %s: %v",
				path, err)
		}
		open = append(open, list...)
	}
	if open, err = given(open, "variable", variables); err == nil {
		hidden, err = given(hidden, "secret", secrets)
	}
	return open, hidden, err
}

// given appends the values of a flag.
func given(to []testrunner.Variable, flag string, list []string) ([]testrunner.Variable, error) {
	for _, text := range list {
		v, err := testrunner.ParseVariable(text)
		if err != nil {
			return nil, exit.Usagef("write --"+flag+" NAME=VALUE", "--%s: %v", flag, err)
		}
		to = append(to, v)
	}
	return to, nil
}
