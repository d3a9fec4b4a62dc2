package wasi

import (
	"fmt"
	"unicode/utf8"
)

// Check returns an error if guests cannot get the environment, the arguments or the working
// directory: all of it must be UTF-8. The error names what is not.
func (c *Config) Check() error {
	for _, kv := range c.Env {
		if !utf8.ValidString(kv[0]) {
			return fmt.Errorf("name of environment variable %q is not UTF-8", kv[0])
		}
		if !utf8.ValidString(kv[1]) {
			return fmt.Errorf("environment variable %s=%q is not UTF-8", kv[0], kv[1])
		}
	}
	for i, a := range c.Args {
		if !utf8.ValidString(a) {
			return fmt.Errorf("argument %d, %q, is not UTF-8", i, a)
		}
	}
	if !utf8.ValidString(c.InitialCwd) {
		return fmt.Errorf("working directory %q is not UTF-8", c.InitialCwd)
	}
	for _, d := range c.Dirs {
		if !utf8.ValidString(d.Guest) {
			return fmt.Errorf("name of folder %q is not UTF-8", d.Guest)
		}
	}
	return nil
}

// Process returns the configuration to be shown to the guest. It fails as Check does: guests rely
// on UTF-8.
func (s *State) Process() (*Config, error) {
	if err := s.cfg.Check(); err != nil {
		return nil, fmt.Errorf("environment of the guest: %w", err)
	}
	return s.cfg, nil
}

// Stdin returns a new handle on the standard input.
func (s *State) Stdin() InputStream {
	if s.cfg.Stdin == nil {
		return NewStdin(nil).Open()
	}
	return s.cfg.Stdin.Open()
}

// Stdout returns a new handle on the standard output.
func (s *State) Stdout() OutputStream { return NewSink(s.cfg.Stdout) }

// Stderr returns a new handle on the standard error.
func (s *State) Stderr() OutputStream { return NewSink(s.cfg.Stderr) }
