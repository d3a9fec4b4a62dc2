package config

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/internal/term"
)

// Report holds the settings that are in force for a command, and where each comes from.
type Report struct {
	// Command is the name of the command.
	Command string `json:"command"`
	// File is the settings file that was read; "" for none.
	File string `json:"file,omitempty"`
	// Values has the component first, if it is known, and then the flags in the order of the help.
	Values []Value `json:"values"`
}

// Value is the value of a flag. Values of variables are replaced by "…", since they may be secret.
type Value struct {
	Name string `json:"name"`
	// Value is a string, a number, a boolean or a list of strings; nil for a flag that has no
	// value.
	Value any `json:"value"`
	// Default describes what applies if the flag has no value; "" if nothing does.
	Default string `json:"default,omitempty"`
	// From is "default", "file" or "command line".
	From string `json:"from"`
	// Place is where the file has the value, as FILE:LINE.
	Place string `json:"place,omitempty"`
}

// NewReport returns the report about a command called with the arguments in c.
func NewReport(c *cli.Context) (*Report, error) {
	s := Of(c)
	r := &Report{Command: s.command.Name}
	if s.file != nil {
		r.File = s.file.Path
	}
	if v, ok := s.componentValue(c); ok {
		r.Values = append(r.Values, v)
	}
	for _, f := range s.command.Flags {
		name := f.Names()[0]
		if name == FlagName || name == "help" {
			continue
		}
		k, err := kindOf(f)
		if err != nil {
			return nil, err
		}
		v := Value{Name: name, Value: k.value(f, c), From: "default"}
		if from, ok := s.origins[name]; ok {
			v.from(from)
		} else {
			v.defaultText(f)
		}
		r.Values = append(r.Values, v)
	}
	return r, nil
}

// componentValue returns the component, if it is not named by a flag.
func (s *Settings) componentValue(c *cli.Context) (Value, bool) {
	_, flag := s.origins[componentKey]
	switch {
	case flag:
	case s.table != "test" && c.NArg() > 0:
		return Value{Name: componentKey, Value: c.Args().First(), From: "command line"}, true
	case s.component != "":
		v := Value{Name: componentKey, Value: s.component}
		v.from(origin{s.file.Place(componentKey)})
		return v, true
	}
	return Value{}, false
}

func (v *Value) from(o origin) {
	if v.Place = o.place; v.Place != "" {
		v.From = "file"
	} else {
		v.From = "command line"
	}
}

// defaultText replaces the value of a flag at its default that has another one in the help.
func (v *Value) defaultText(f cli.Flag) {
	doc, ok := f.(cli.DocGenerationFlag)
	if _, isBool := f.(*cli.BoolFlag); !ok || isBool {
		return
	}
	text := doc.GetDefaultText()
	if text == "" || text == valueText(f, nil) || text == strconv.Quote(valueText(f, nil)) {
		return
	}
	v.Value, v.Default = nil, text
}

// value returns the value of a flag, with its type.
func (k kind) value(f cli.Flag, c *cli.Context) any {
	if k.list {
		list := append([]string{}, c.StringSlice(f.Names()[0])...)
		for i, text := range list {
			if name, _, ok := strings.Cut(text, "="); ok && k.pairs {
				list[i] = name + "=…"
			}
		}
		if len(list) == 0 {
			return nil
		}
		return list
	}
	text := valueText(f, c)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && k.number {
		return n
	}
	if b, err := strconv.ParseBool(text); err == nil && k.boolean {
		return b
	}
	if text == "" {
		return nil
	}
	return text
}

// Text returns the report for people, in the form of a table of the file. Flags without a value are
// left out.
func (r *Report) Text() string {
	var lines [][2]string
	width := 0
	for _, v := range r.Values {
		line := v.Name + " = " + literal(v.Value)
		switch {
		case v.Value == nil && v.Default == "":
			continue
		case v.Value == nil:
			line = "# " + v.Name + ": " + v.Default
		}
		line = term.Clean(line)
		from := v.From
		if v.Place != "" {
			from = term.Clean(v.Place)
		}
		lines = append(lines, [2]string{line, from})
		if n := len([]rune(line)); n > width && n <= maxColumn {
			width = n
		}
	}
	var b strings.Builder
	file := r.File
	if file == "" {
		file = "no settings file"
	}
	b.WriteString("# wasihttp " + r.Command + ", " + term.Clean(file) + "\n")
	for _, line := range lines {
		pad := strings.Repeat(" ", max(width-len([]rune(line[0])), 0))
		b.WriteString(line[0] + pad + "  # " + line[1] + "\n")
	}
	return b.String()
}

// maxColumn is the column that the origins stand in at most, unless a value is longer.
const maxColumn = 60

// literal writes a value as TOML: strings of JSON are strings of TOML, too.
func literal(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if list, ok := v.([]string); ok {
		var items []string
		for _, text := range list {
			items = append(items, literal(text))
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	// Strings, numbers and booleans always have a form.
	_ = enc.Encode(v)
	return strings.TrimSuffix(b.String(), "\n")
}
