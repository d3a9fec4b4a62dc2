// Package values parses and checks what users give as the values of flags. Errors are errors of
// usage: they name the flag and say how the value is written.
package values

import (
	"context"
	"net"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
)

// addrHint shows how an address is written.
const addrHint = "write HOST:PORT, for example 127.0.0.1:8080, [::1]:8080 or :8080"

// Addr returns an error if the value of --addr is not of the form HOST:PORT.
func Addr(addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		hint := addrHint
		if _, err := strconv.ParseUint(addr, 10, 16); err == nil {
			hint = "did you mean --addr 127.0.0.1:" + addr + "? " + hint
		}
		return exit.Usagef(hint, "--addr %q is not HOST:PORT", addr)
	}
	if n, err := strconv.Atoi(port); err == nil && (n < 0 || n > 65535) {
		return exit.Usagef("ports are 1 to 65535; 0 picks a free port",
			"--addr %q has no valid port", addr)
	}
	if _, err := net.DefaultResolver.LookupPort(context.Background(), "tcp", port); err != nil {
		return exit.Usagef(addrHint, "--addr %q has no valid port", addr)
	}
	return nil
}

// ConfigVars parses the values of --config-var. Of several for a key the last one counts. A key
// without a value has that of the variable of the same name in environ, whose entries are
// NAME=VALUE.
func ConfigVars(list, environ []string) ([][2]string, error) {
	var vars [][2]string
	for _, text := range list {
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			own := func(entry string) bool { return strings.HasPrefix(entry, key+"=") }
			if i := slices.IndexFunc(environ, own); i >= 0 {
				text, ok = environ[i], true
				value = text[len(key)+1:]
			}
		}
		switch {
		case !ok || key == "":
			return nil, exit.Usagef(
				"write --config-var KEY=VALUE, or set the environment variable KEY",
				"--config-var %q has no key and value", text)
		case !utf8.ValidString(text):
			return nil, exit.Usagef("components take text only: leave it out, or encode it",
				"--config-var %q is not UTF-8", text)
		}
		at := slices.IndexFunc(vars, func(v [2]string) bool { return v[0] == key })
		if at < 0 {
			at, vars = len(vars), append(vars, [2]string{key})
		}
		vars[at][1] = value
	}
	return vars, nil
}

// Guest returns an error if an environment variable, an argument or the working directory of a
// component is not text, which components cannot receive.
func Guest(env [][2]string, args []string, cwd string) error {
	for _, v := range env {
		if !utf8.ValidString(v[0]) || !utf8.ValidString(v[1]) {
			return exit.Usagef("components accept only text: remove it, or encode it",
				"environment variable %q is not valid UTF-8", v[0]+"="+v[1])
		}
	}
	for _, arg := range args {
		if !utf8.ValidString(arg) {
			return exit.Usagef("components accept only text: remove it, or encode it",
				"--arg %q is not valid UTF-8", arg)
		}
	}
	if !utf8.ValidString(cwd) {
		return exit.Usagef("components accept only text: name a folder that is",
			"--cwd %q is not valid UTF-8", cwd)
	}
	return nil
}
