package config

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/internal/settings"
	"github.com/wasihttp/wasihttp/internal/stable"
)

// serveTable is the table of the command that builds.
const serveTable = "serve"

// componentKey is the key above the tables that all commands share.
const componentKey = "component"

// serveKeys returns the keys above the tables that stand for flags of serve, with these flags. A
// key in the table comes first.
func serveKeys() map[string]string {
	return map[string]string{"build": "exec", "source": "source"}
}

// table holds the keys of a table in the file: the flags of its command.
type table struct {
	flags []cli.Flag
	kinds map[string]kind
}

// names returns the keys of the table, in the order of the help.
func (t *table) names() []string {
	var names []string
	for _, f := range t.flags {
		names = append(names, f.Names()[0])
	}
	return names
}

// schema holds the tables and keys of a file.
type schema struct {
	top    map[string]kind // the keys above the tables
	tables map[string]*table
}

// schemaOf returns the schema of a file for the commands of an app: a table for each command with
// the flag --config-file whose table has its own name. Other commands, such as review, read the
// table of another command.
func schemaOf(app *cli.App) *schema {
	sc := &schema{top: make(map[string]kind), tables: make(map[string]*table)}
	for _, name := range tableNames() {
		t := &table{kinds: make(map[string]kind)}
		sc.tables[name] = t
		c := app.Command(name)
		if c == nil {
			continue
		}
		for _, f := range c.Flags {
			flag := f.Names()[0]
			if flag == FlagName || flag == "help" {
				continue
			}
			// A test finds flags without a rule.
			k, _ := kindOf(f)
			t.flags = append(t.flags, f)
			t.kinds[flag] = k
		}
	}
	sc.top[componentKey] = kind{text: true, resolve: join}
	for key, flag := range serveKeys() {
		sc.top[key] = sc.tables[serveTable].kinds[flag]
	}
	return sc
}

// tableNames returns the tables of a file, each named as its command.
func tableNames() []string { return []string{serveTable, "test", "run"} }

// names returns the keys above the tables and the tables, in order.
func (sc *schema) names() []string {
	var names []string
	for key := range sc.top {
		names = append(names, key)
	}
	slices.Sort(names)
	return append(names, tableNames()...)
}

// check finds the first key of a file that does not exist or has a value of the wrong type.
func (sc *schema) check(file *settings.File) error {
	for _, name := range inOrder(file, file.Values) {
		value := file.Values[name]
		if k, ok := sc.top[name]; ok {
			if err := k.check(file, value, name); err != nil {
				return err
			}
			continue
		}
		t := sc.tables[name]
		if t == nil {
			return sc.unknownAbove(file, name)
		}
		values, ok := value.(map[string]any)
		if !ok {
			return exit.Usagef("begin the table with a line ["+name+"]",
				"%s: %s must be a table, not %s", file.Place(name), name, typeName(value))
		}
		for _, key := range inOrder(file, values, name) {
			k, ok := t.kinds[key]
			if !ok {
				return sc.unknown(file, name, key)
			}
			if err := k.check(file, values[key], name, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// check finds a value that has the wrong type.
func (k kind) check(file *settings.File, value any, path ...string) error {
	key := path[len(path)-1]
	list, ok := k.texts(value)
	if pairs, isTable := value.(map[string]any); !ok && isTable && k.pairs {
		return checkPairs(file, pairs, path)
	}
	if !ok {
		return exit.Usagef(k.hint(key, value),
			"%s: %s must be %s%s", file.Place(path...), key, k, k.not(value))
	}
	if !k.list && k.resolve != nil && list[0] == "" {
		return exit.Usagef("name one, or leave the key out",
			"%s: %s is empty", file.Place(path...), key)
	}
	return nil
}

// checkPairs finds the first key in a table of NAME = VALUE that is no name, or has a value of the
// wrong type.
func checkPairs(file *settings.File, pairs map[string]any, path []string) error {
	for _, name := range inOrder(file, pairs, path...) {
		at := append(slices.Clone(path), name)
		if !isName(name) {
			return exit.Usagef("a name has one character at least, and no \"=\"",
				"%s: %q is not a name for %s", file.Place(at...), name, path[len(path)-1])
		}
		if err := pairValue().check(file, pairs[name], at...); err != nil {
			return err
		}
	}
	return nil
}

// not describes a value of the wrong type, as the rest of a sentence.
func (k kind) not(value any) string {
	switch value.(type) {
	case []any:
		if k.list {
			return ": one of the list is not a string"
		}
	}
	return ", not " + typeName(value)
}

// unknownAbove returns the error about a key above the tables.
func (sc *schema) unknownAbove(file *settings.File, name string) error {
	hint, what := nearest(name, sc.names()), "unknown key %q"
	if hint == "" {
		hint = "above the tables stand " + strings.Join(sc.names()[:len(sc.top)], ", ")
	}
	if _, isTable := file.Values[name].(map[string]any); isTable {
		what = "unknown table [%s]"
		if nearest(name, sc.names()) == "" {
			hint = "the tables are [" + strings.Join(tableNames(), "], [") +
				"]; other commands have no settings, but review and bench, which read [test]"
		}
	}
	if in := sc.tablesWith(name); len(in) > 0 {
		hint = name + " belongs below the line " + strings.Join(in, " or ")
	}
	return exit.Usagef(hint, "%s: "+what, file.Place(name), name)
}

// unknown returns the error about a key in a table.
func (sc *schema) unknown(file *settings.File, name, key string) error {
	hint := "the keys are the flags of " + name + ": see wasihttp " + name + " --help"
	near := nearest(key, sc.tables[name].names())
	positive, negated := strings.CutPrefix(key, "no-")
	if _, ok := sc.top[key]; ok {
		hint = key + " belongs at the beginning of the file, before the first table"
	} else if in := sc.tablesWith(key); len(in) > 0 {
		hint = "only " + strings.Join(in, " and ") + " can have " + key
	} else if negated && sc.tables[name].kinds[positive].boolean {
		hint = "write " + positive + " = false"
	} else if near != "" {
		hint = near
	}
	return exit.Usagef(hint, "%s: unknown key %q in [%s]", file.Place(name, key), key, name)
}

// tablesWith returns the tables that a key can stand in.
func (sc *schema) tablesWith(key string) []string {
	var in []string
	for _, name := range tableNames() {
		if _, ok := sc.tables[name].kinds[key]; ok {
			in = append(in, "["+name+"]")
		}
	}
	return in
}

// inOrder returns the keys of a table, at path, in the order of their lines.
func inOrder(file *settings.File, values map[string]any, path ...string) []string {
	var names []string
	for name := range values {
		names = append(names, name)
	}
	line := func(name string) int { return file.Line(append(slices.Clone(path), name)...) }
	stable.Sort(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(line(a), line(b)), strings.Compare(a, b))
	})
	return names
}

// object is a JSON object whose members are sorted by name.
type object = map[string]any

// Schema returns the JSON schema (draft 7) of the settings file for the commands of an app. It
// fails if no rule says what some flag takes.
func Schema(app *cli.App) ([]byte, error) {
	sc := schemaOf(app)
	for _, t := range sc.tables {
		for _, f := range t.flags {
			if _, err := kindOf(f); err != nil {
				return nil, err
			}
		}
	}
	serve := sc.tables[serveTable]
	properties := object{
		componentKey: sc.top[componentKey].schema(
			"the component, a FILE, for commands that are given none"),
	}
	for key, flag := range serveKeys() {
		for _, f := range serve.flags {
			if f.Names()[0] == flag {
				properties[key] = sc.top[key].schema("for serve: " + plainUsage(f))
			}
		}
	}
	for name, t := range sc.tables {
		members := object{}
		for _, f := range t.flags {
			flag := f.Names()[0]
			members[flag] = t.kinds[flag].schema(plainUsage(f))
		}
		properties[name] = object{
			"type": "object", "description": "flags of wasihttp " + name,
			"properties": members, "additionalProperties": false,
		}
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(object{
		"$schema": "http://json-schema.org/draft-07/schema#",
		"title":   settings.FileName, "description": "Settings of wasihttp",
		"type": "object", "properties": properties, "additionalProperties": false,
	})
	return []byte(b.String()), err
}

func plainUsage(f cli.Flag) string { return strings.ReplaceAll(usageOf(f), "`", "") }

// schema returns the JSON schema of a value.
func (k kind) schema(description string) object {
	text := object{"type": "string"}
	var out object
	switch {
	case k.list:
		of := []any{object{"type": "array", "items": text}, text}
		if k.pairs {
			of = append(of, object{
				"type":                 "object",
				"propertyNames":        object{"pattern": "^[^=]+$"},
				"additionalProperties": object{"type": []string{"string", "integer", "boolean"}},
			})
		}
		out = object{"anyOf": of}
	case k.words != nil:
		out = object{"type": "string", "enum": k.words}
	default:
		var types []string
		for _, t := range []struct {
			name string
			has  bool
		}{{"string", k.text}, {"integer", k.number}, {"boolean", k.boolean}} {
			if t.has {
				types = append(types, t.name)
			}
		}
		out = object{"type": types}
		if len(types) == 1 {
			out["type"] = types[0]
		}
	}
	if k.resolve != nil && !k.list {
		out["minLength"] = 1
	}
	if k.pattern != "" {
		out["pattern"] = k.pattern
	}
	if k.number {
		out["minimum"] = k.least
	}
	out["description"] = description
	return out
}
