package eval

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Vars are the variables of one run of a file. They belong to one goroutine.
type Vars struct {
	values  map[string]Value
	secrets map[string]bool // texts that are not to be shown
}

// NewVars returns no variables.
func NewVars() *Vars {
	return &Vars{values: make(map[string]Value), secrets: make(map[string]bool)}
}

// Clone returns a copy that can be changed by itself.
func (v *Vars) Clone() *Vars {
	return &Vars{values: maps.Clone(v.values), secrets: maps.Clone(v.secrets)}
}

// Get returns the variable with a name.
func (v *Vars) Get(name string) (Value, bool) {
	value, ok := v.values[name]
	return value, ok
}

// Set sets a variable.
func (v *Vars) Set(name string, value Value) { v.values[name] = value }

// SetSecret sets a variable whose text Redact hides, also once the variable has
// another one.
func (v *Vars) SetSecret(name, value string) {
	v.values[name] = text(value)
	v.secrets[value] = true
}

// Redact replaces all secrets in s by ***.
func (v *Vars) Redact(s string) string {
	if len(v.secrets) == 0 {
		return s
	}
	var texts []string
	for secret := range v.secrets {
		texts = append(texts, spellings(secret)...)
	}
	// A secret may be part of another one.
	slices.SortFunc(texts, func(a, b string) int { return len(b) - len(a) })
	for _, secret := range texts {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, "***")
		}
	}
	return s
}

// spellings returns how a secret may be written: as it is, within a string of
// JSON, and in a URL.
func spellings(secret string) []string {
	list := []string{secret, url.QueryEscape(secret), url.PathEscape(secret)}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(secret) == nil {
		list = append(list, strings.Trim(b.String(), "\n")[1:b.Len()-2])
	}
	return list
}

// Infer gives a variable from outside its kind: what reads as null, boolean or
// number is one, what stands in quotes is the string within, anything else a
// string.
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
