package inspect

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// unknownSection makes a component invalid.
const unknownSection = "\x7f\x00"

// importSection imports an instance without exports under a name.
func importSection(name string) string {
	return wasmSection(7, "\x01\x42\x00") + wasmSection(10, "\x01\x00"+wasmName(name)+"\x05\x00")
}

func TestOnlyReleaseCandidatesAreTakenForSome(t *testing.T) {
	for version, candidate := range map[string]bool{
		"0.3.0-rc-2026-02-09":       true,
		"0.2.0-rc-2023-11-10":       true,
		"0.2.0-rc":                  true,
		"0.2.0-rc.1":                true,
		"1.0.0-rc2":                 true,
		"0.2.12-shim-instance":      false,
		"0.2.12-fixup-args":         false,
		"0.2.0-draft":               false,
		"0.3.0-rcv":                 false,
		"0.3.0-alpha-rc-2026-02-09": false,
		"0.3.0-2026-rc":             false,
		"0.2.12":                    false,
	} {
		name := "wasi:http/types@" + version
		for what, data := range map[string]string{
			"imported":              componentPreamble + importSection(name),
			"imported, and invalid": componentPreamble + importSection(name) + unknownSection,
			"a debug name": componentPreamble +
				wasmSection(0, wasmName("component-name")+name) + unknownSection,
			"a debug name in a module": componentPreamble +
				wasmSection(1, modulePreamble+wasmSection(0, wasmName("name")+name)) +
				unknownSection,
			"part of the data": componentPreamble + wasmSection(127, name),
		} {
			p := Bytes("app.wasm", []byte(data), linkerOf02()).Problem
			if p == nil {
				t.Fatalf("%s %s: there is no problem", what, name)
			}
			named := candidate && strings.HasPrefix(what, "imported")
			if got := strings.Contains(p.Message+p.Hint, "release candidate"); got != named {
				t.Errorf("%s %s: %s; hint: %s", what, name, p.Message, p.Hint)
			}
			if what == "imported" {
				continue
			}
			if p.Code != CodeInvalid || !strings.HasPrefix(p.Message,
				"app.wasm: is not a valid component: unknown section id 127 (at offset 0x") {
				t.Errorf("%s %s: %s: %s", what, name, p.Code, p.Message)
			}
		}
	}
}

func TestAReleaseCandidateIsNoInvalidComponent(t *testing.T) {
	p := Bytes("app.wasm", guestFile(t, "bad/http-0.3-rc.wasm"), linkerOf02()).Problem
	if p == nil || p.Code != CodeReleaseCandidate ||
		!strings.Contains(p.Message, "@0.3.0-rc-2026-02-09") {
		t.Errorf("got %+v", p)
	}
}

// What is wrong says where: in the file, and in which of the nested components and core modules.
func TestWhatIsInvalidHasAPlace(t *testing.T) {
	nested := func(body string) string { return wasmSection(4, componentPreamble+body) }
	module := func(body string) string { return wasmSection(1, modulePreamble+body) }
	const (
		badType   = "\x07\x02\x01\x00"                 // a type section with a byte that no type begins with
		badExport = "\x07\x05\x01\x01f\x00\x09"        // a core module's export of a function that it has not
		badCode   = "\x0a\x07\x01\x05\x00\x41\x01\x45" // its body ends early, and needs a result
	)
	code := wasmSection(1, "\x01\x60\x00\x01\x7f") + wasmSection(3, "\x01\x00") +
		wasmSection(10, "\x01\x04\x00\x42\x01\x0b")
	for name, tt := range map[string]struct{ body, want string }{
		"outermost": {badType,
			"type section: unexpected byte 0x00 for type (at offset 0xb)"},
		"nested": {nested("") + nested(badType),
			"component 1: type section: unexpected byte 0x00 for type (at offset 0x1f)"},
		"nested twice": {nested(module("") + nested(badType)),
			"component 0, component 0: type section: unexpected byte 0x00 for type (at offset 0x29)"},
		"core module": {module("") + module(badExport), "core module 1: section 7: "},
		"not a module": {module("") + wasmSection(1, componentPreamble),
			"core module 1: expected a core module, found a component (at offset 0x14)"},
		"module in nested": {nested(module(badExport)), "component 0, core module 0: section 7: "},
		"rule": {nested(wasmSection(7, "\x01\x72\x00")),
			"component 0: a record type must have at least one field (at offset 0x15)"},
		"function": {module("") + nested(module(code)),
			"component 0, core module 0: invalid function[0]: "},
	} {
		f := Bytes("app.wasm", []byte(componentPreamble+tt.body), linkerOf02())
		if f.Component != nil {
			f.Problem = nil // that it is not a handler
			f.CheckCode(t.Context())
		}
		if f.Problem == nil || f.Problem.Code != CodeInvalid || f.Problem.Hint == "" ||
			!strings.HasPrefix(f.Problem.Message, "app.wasm: is not a valid component: "+tt.want) {
			t.Errorf("%s: got %+v\nwant %s", name, f.Problem, tt.want)
		}
	}
}

// repeated returns what a message says twice on the way to its point; "" if nothing.
func repeated(message string) string {
	message, _, _ = strings.Cut(message, " (at offset")
	message, _, _ = strings.Cut(message, "invalid function[") // what follows is the engine's text
	parts := strings.Split(strings.ReplaceAll(message, ", ", ": "), ": ")
	subject := func(s string) string {
		for _, word := range []string{"core module", "module", "component", "type mismatch",
			"app.wasm"} {
			if strings.HasPrefix(s, word) {
				return strings.TrimPrefix(word, "core ")
			}
		}
		return ""
	}
	for i, part := range parts[:max(len(parts)-1, 0)] {
		next := parts[i+1]
		if what := subject(part); part == next && what != "component" ||
			what != "" && what == subject(next) && what != "component" {
			return part + ": " + next
		}
	}
	return ""
}

func TestNoMessageRepeatsItsPrefix(t *testing.T) {
	for _, bad := range []string{
		`app.wasm: core module 0: module "module 0": unknown opcode`,
		`app.wasm: module "module 0": core module: unknown opcode`,
		`app.wasm: type mismatch: type mismatch in "x": no`,
		`app.wasm: app.wasm: no`,
	} {
		if repeated(bad) == "" {
			t.Errorf("%s: not noticed", bad)
		}
	}
	files, err := filepath.Glob(filepath.Join("..", "..", "component", "testdata", "*.wasm"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	linker, messages := linkerOf02(), map[string]bool{}
	for _, file := range files {
		whole, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for at := 8; at < len(whole); at += 7 {
			for _, change := range []byte{0x01, 0x42, 0xff} {
				data := bytes.Clone(whole)
				data[at] ^= change
				f := Bytes("app.wasm", data, linker)
				if f.Component != nil && at%4 == 0 {
					f.Problem = nil // that it is not a handler
					f.CheckCode(t.Context())
				}
				if f.Problem == nil || messages[f.Problem.Message] {
					continue
				}
				messages[f.Problem.Message] = true
				if twice := repeated(f.Problem.Message); twice != "" {
					t.Errorf("%s, byte %d: %s\nsays twice: %s", file, at, f.Problem.Message, twice)
				}
			}
		}
	}
	if len(messages) < 500 {
		t.Errorf("only %d messages were seen", len(messages))
	}
}
