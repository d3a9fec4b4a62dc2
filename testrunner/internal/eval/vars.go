package eval

import (
	"maps"
	"strconv"
	"strings"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/redact"
)

// Vars are the variables of a run of a file. They belong to one goroutine.
type Vars struct {
	values  map[string]Value
	secrets map[string]bool     // texts that are not to be shown
	hide    func(string) string // the result of Hide; nil if it has to be made
}

// NewVars returns an empty set of variables.
func NewVars() *Vars {
	return &Vars{values: make(map[string]Value), secrets: make(map[string]bool)}
}

// Clone returns an independent copy; nil for nil.
func (v *Vars) Clone() *Vars {
	if v == nil {
		return nil
	}
	return &Vars{values: maps.Clone(v.values), secrets: maps.Clone(v.secrets), hide: v.hide}
}

// Get returns the variable with the given name.
func (v *Vars) Get(name string) (Value, bool) {
	value, ok := v.values[name]
	return value, ok
}

// Set sets a variable.
func (v *Vars) Set(name string, value Value) { v.values[name] = value }

// SetSecret sets a variable and marks its text as a secret, which it stays when the variable
// changes.
func (v *Vars) SetSecret(name, value string) {
	v.values[name] = text(value)
	if !v.secrets[value] {
		v.secrets[value], v.hide = true, nil
	}
}

// redactedText replaces secrets.
const redactedText = "***"

// minLine is the length in bytes from which a line of a secret is hidden by itself.
const minLine = 8

// Hide returns a function that replaces all secrets set so far in a text, in whatever form they are
// written; nil if there are none. It also replaces single lines of a secret of several lines, since
// differences are shown line by line.
func (v *Vars) Hide() func(string) string {
	if v.hide != nil || len(v.secrets) == 0 {
		return v.hide
	}
	var secrets fixture.Secrets
	for secret := range v.secrets {
		secrets.Add(secret)
		for line := range strings.Lines(secret) {
			if line = strings.TrimSpace(line); len(line) >= minLine {
				secrets.Add(line)
			}
		}
	}
	if secrets.Len() == 0 {
		return nil
	}
	v.hide = func(s string) string { return secrets.Hide(s, redactedText) }
	return v.hide
}

// Redact returns the text without the secrets set so far, for files.
func (v *Vars) Redact(text string) string {
	var secrets fixture.Secrets
	for secret := range v.secrets {
		secrets.Add(secret)
	}
	return secrets.Hide(text, redact.Redacted)
}

// Infer returns the value of a variable given as text: null, a boolean or a number if it reads as
// one, what is between quotes as a string, anything else as a string.
func Infer(s string) Value {
	switch s {
	case "":
		return text("")
	case "null":
		return Value{}
	case "true", "false":
		return boolean(s == "true")
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return integer(n)
	}
	if strings.Trim(s, "0123456789") == "" {
		return Value{Kind: BigInteger, Text: s}
	}
	if f, ok := parseFloat(s); ok {
		return float(f)
	}
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return text(s[1 : len(s)-1])
	}
	return text(s)
}
