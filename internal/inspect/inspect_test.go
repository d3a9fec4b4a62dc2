package inspect

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/p2"
)

// linkerOf02 offers WASI 0.2 and nothing else.
func linkerOf02() *component.Linker {
	l := component.NewLinker()
	p2.AddTo(l, func(any) *wasi.State { return nil })
	return l
}

func guestFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "guests",
		filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// wasmSection encodes a section of less than 128 bytes.
func wasmSection(id byte, body string) string { return string([]byte{id, byte(len(body))}) + body }

func wasmName(s string) string { return string([]byte{byte(len(s))}) + s }

const (
	componentPreamble = "\x00asm\x0d\x00\x01\x00"
	modulePreamble    = "\x00asm\x01\x00\x00\x00"
)

// importingModule is a component with an HTTP handler (of nothing) that imports a core module.
var importingModule = componentPreamble +
	wasmSection(3, "\x01\x50\x00") +
	wasmSection(10, "\x01\x00"+wasmName("code")+"\x00\x11\x00") +
	wasmSection(5, "\x01\x01\x00") +
	wasmSection(11, "\x01\x00"+wasmName("wasi:http/incoming-handler@0.2.0")+"\x05\x00\x00")

func TestDiagnoses(t *testing.T) {
	guest := func(name string) []byte { return guestFile(t, name) }
	for name, tt := range map[string]struct {
		data []byte
		code string
		msg  string
		hint string // part of it
	}{
		"component": {guest("rust-hello/rust-hello.wasm"), "", "", ""},
		"empty":     {nil, CodeEmpty, "the file is empty", "may still be writing"},
		"truncated": {guest("bad/truncated.wasm"), CodeTruncated, "is truncated: at least ",
			"build or copy it again"},
		"truncated header": {guest("bad/header.wasm"), CodeTruncated, "is truncated after 6 bytes",
			"build or copy it again"},
		"text": {guest("bad/text-format.wat"), CodeText,
			"is WebAssembly text, not a binary component", "wasm-tools parse app.wasm -o out.wasm"},
		"something else": {guest("bad/text.wasm"), CodeNotWasm,
			"is not WebAssembly (begins with 54 68 69 73 20 69 73 20)", "name the .wasm file"},
		"draft format": {[]byte("\x00asm\x0a\x00\x01\x00"), CodeFormat,
			"is WebAssembly in a version of the binary format that is not read here",
			"build it again with current tools"},
		"later format": {guest("bad/old-version.wasm"), CodeFormat,
			"is WebAssembly in a version of the binary format that is not read here",
			"may be too old"},
		"later layer": {[]byte("\x00asm\x0d\x00\x02\x00"), CodeFormat,
			"is WebAssembly in a version", "may be too old"},
		"core module": {guest("bad/core-module.wasm"), CodeModule,
			"is a core module, not a component",
			"wasm-tools component embed wit app.wasm | wasm-tools component new -o app.component.wasm"},
		"preview 1": {guest("bad/core-wasip1.wasm"), CodeModule,
			"is a core module for WASI preview 1, not a component",
			"--adapt wasi_snapshot_preview1=wasi_snapshot_preview1.command.wasm"},
		"bad module": {[]byte(modulePreamble + wasmSection(1, "\x01\x00")), CodeModule,
			"is a core module, not a component, and a malformed one: ", "build it again"},
		"truncated module": {[]byte(modulePreamble + "\x01\x09\x00"), CodeTruncated,
			"is truncated: at least 8 of 19 bytes", ""},
		"invalid": {guest("bad/invalid.wasm"), CodeInvalid, "is not a valid component: ",
			"wasm-tools validate"},
		"command": {guest("bad/command.wasm"), CodeNoHandler,
			"is a command (exports wasi:cli/run@0.2.4), not an HTTP handler",
			"run it: wasihttp run app.wasm"},
		"library": {guest("bad/library.wasm"), CodeNoHandler,
			"does not handle HTTP requests: it exports only answer, and no wasi:http/incoming-handler", "wasi:http/proxy"},
		"exports nothing": {[]byte(componentPreamble), CodeNoHandler,
			"does not handle HTTP requests: it exports nothing, and no wasi:http/incoming-handler",
			"wasi:http/proxy"},
		"release candidate": {guest("bad/http-0.3-rc.wasm"), CodeReleaseCandidate,
			"is made for wasi:http/handler@0.3.0-rc-2026-02-09, a release candidate of WASI 0.3.0",
			"rebuild it with the WIT of the release, 0.3.0"},
		"WASI 0.3": {guest("rust-hello-p3/rust-hello-p3.wasm"), CodeUnknownImport,
			"imports wasi:http/types@0.3.0, which is not provided here", "runs WASI 0.2.12"},
		"unknown interface": {guest("bad/unknown-import.wasm"), CodeUnknownImport,
			"imports acme:cache/store@1.2.0, which is not provided here", "--plug other.wasm"},
		"unknown function": {guest("bad/unknown-function.wasm"), CodeUnknownImport,
			"imports function get-very-random-bytes from wasi:random/random@0.2.99, which " +
				"wasi:random/random@0.2.", "rebuild it with the WIT of wasi:random/random@0.2."},
		"unknown module": {[]byte(importingModule), CodeUnknownImport,
			"imports code, which is not provided here", "leave it out of the world"},
	} {
		t.Run(name, func(t *testing.T) {
			x := Bytes("app.wasm", tt.data, linkerOf02()).ForServe()
			if tt.code == "" {
				if x.Problem != nil {
					t.Fatalf("problem = %+v", *x.Problem)
				}
				return
			}
			if x.Problem == nil {
				t.Fatal("there is no problem")
			}
			if x.Problem.Code != tt.code ||
				!strings.HasPrefix(x.Problem.Message, "app.wasm: "+tt.msg) ||
				!strings.Contains(x.Problem.Hint, tt.hint) {
				t.Errorf("problem = %+v", *x.Problem)
			}
			if x.Problem.Hint == "" || strings.ContainsAny(x.Problem.Message+x.Problem.Hint,
				"\n\x1b") {
				t.Errorf("not one line each: %+v", *x.Problem)
			}
		})
	}
}

func TestDiagnosisOfAWrongType(t *testing.T) {
	l := linkerOf02()
	random := l.Instance("wasi:random/random@0.2.99")
	nothing := func(*component.Call, []component.Value) (component.Value,
		error) {
		return component.Value{}, nil
	}
	random.Func("get-random-bytes", "func(len: u64) -> list<u8>", nothing)
	random.Func("get-very-random-bytes", "func(len: u32) -> list<u8>", nothing)
	x := Bytes("app.wasm", guestFile(t, "bad/unknown-function.wasm"), l)
	if x.Problem == nil || x.Problem.Code != CodeWrongType ||
		!strings.HasPrefix(x.Problem.Message,
			"app.wasm: imports function get-very-random-bytes from wasi:random/random@0.2.99, but the component expects ") ||
		x.Problem.Hint != "rebuild it with the WIT of wasi:random/random@0.2.99" {
		t.Errorf("problem = %+v", x.Problem)
	}
}

func TestDiagnosesOfPaths(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.wasm")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none.wasm"): CodeMissing,
		dir:                             CodeFolder,
		empty:                           CodeEmpty,
		filepath.Join(dir, "\x00"):      CodeUnreadable,
	} {
		x := Open(path, regular.MaxFile, linkerOf02())
		if x.Problem == nil || x.Problem.Code != want ||
			!strings.HasPrefix(x.Problem.Message, term.Clean(path)+": ") {
			t.Errorf("%s: problem = %+v, want %s", path, x.Problem, want)
		}
	}
}

func TestModuleHints(t *testing.T) {
	made := func(language string, tools ...string) (p Producers) {
		if language != "" {
			p.Language = []Producer{{Name: language}}
		}
		for _, tool := range tools {
			p.ProcessedBy = append(p.ProcessedBy, Producer{Name: tool})
		}
		return p
	}
	for _, tt := range []struct {
		facts moduleFacts
		want  string
	}{
		{moduleFacts{wit: true, producers: made("Rust")},
			"make it one: wasm-tools component new -o 'my app.component.wasm' 'my app.wasm'"},
		{moduleFacts{wit: true, imports: []string{preview1}},
			"make it one: wasm-tools component new -o 'my app.component.wasm' --adapt " +
				"wasi_snapshot_preview1=wasi_snapshot_preview1.reactor.wasm 'my app.wasm'"},
		{moduleFacts{command: true, imports: []string{preview1}},
			"make it one: wasm-tools component new -o 'my app.component.wasm' --adapt " +
				"wasi_snapshot_preview1=wasi_snapshot_preview1.command.wasm 'my app.wasm' (the adapter "},
		{moduleFacts{command: true, imports: []string{preview1}, producers: made("Go")},
			"build it as one with componentize-go, or make it one: "},
		{moduleFacts{command: true, imports: []string{preview1}, producers: made("Rust", "rustc")},
			"build it as one: cargo build"},
		{moduleFacts{producers: made("Rust", "rustc")},
			"build it as one: cargo build --release --target wasm32-wasip2"},
		{moduleFacts{producers: made("Go", "TinyGo")},
			"build it as one: tinygo build -target=wasip2"},
		{moduleFacts{producers: made("Go")},
			"build it as one with componentize-go, or give it its world"},
		{moduleFacts{producers: made("JavaScript")}, "build it as one: jco componentize app.js"},
		{moduleFacts{producers: made("", "componentize-py")}, "build it as one: componentize-py"},
		{moduleFacts{producers: made("C11", "clang")},
			"build it as one: clang --target=wasm32-wasip2"},
	} {
		if got := moduleHint("my app.wasm", tt.facts); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%+v:\n got %s\nwant %s", tt.facts, got, tt.want)
		}
	}
}

func TestImportHints(t *testing.T) {
	for name, want := range map[string]string{
		"wasi:http/types@0.3.0":            "WASI 0.2",
		"wasi:blobstore/store@0.2.0-draft": "a proposal that WASI 0.2 and 0.3 do not have",
		"wasi:http/more@0.2.0":             "provided are wasi:cli",
		"fermyon:spin/llm@2.0.0":           "spin up",
		"spin:postgres/postgres@3.0.0":     "spin up",
		"wasmcloud:bus/lattice@1.0.0":      "wasmCloud",
		"fastly:api/http-req":              "Fastly",
		"acme:cache/store":                 "leave it out of the world",
	} {
		if got := importHint(name, linkerOf02()); !strings.Contains(got, want) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestReportText(t *testing.T) {
	r := &Report{
		File: "my\x1b.wasm", Size: 3 << 20, SHA256: strings.Repeat("ab", 32), Kind: "component",
		WASI:      "0.2",
		Toolchain: ReportToolchain{Language: "JavaScript", Runtime: "QuickJS"},
		Producers: ReportProducers{
			ProcessedBy: []ReportProducer{{"wit-component", "0.262.0"}, {"tool\x1b[31m", ""},
				{"wit-component", "0.245.1"}},
			SDK: []ReportProducer{{"SDK", "1"}},
		},
		WIT: "package root:component;\n\nworld root {\n}\n",
		Imports: []ReportImport{
			{Name: "wasi:io/poll@0.2.12", Group: groupSystem, ProvidedBy: "wasi:io/poll@0.2.12"},
			{Name: "wasi:filesystem/types@0.2.0", Group: groupFiles,
				ProvidedBy: "wasi:filesystem/types@0.2.12"},
			{Name: "acme:x/y", Group: groupMissing, Problems: []ReportProblem{{
				Reason: "unknown interface", Needed: []string{"function get"}}}},
			{Name: "a:b/c@1.0.0", Group: groupMissing, ProvidedBy: "a:b/c@1.2.0",
				Problems: []ReportProblem{{Item: "function f", Reason: "unknown function"},
					{Item: "resource r", Reason: "unknown resource"}}},
		},
		Exports: []string{"wasi:http/incoming-handler@0.2.12", "wasi:cli/run@0.2.12"},
		Verdict: ReportVerdict{OK: true, Command: "serve", Commands: []string{"serve", "run"}},
		Wasmtime: []ReportWasmtime{
			{Command: "serve", Line: "wasmtime serve -Scli my.wasm", Since: "46", Optional: []ReportFlag{
				{Flag: "-Sinherit-network", For: []string{"wasi:sockets/tcp"}}}},
			{Command: "run", Missing: []string{"acme:x/y"}},
		},
	}
	var b bytes.Buffer
	if err := r.Text(term.New(&b, nil), true); err != nil {
		t.Fatal(err)
	}
	want := `my\x1b.wasm
✓ can be served: wasihttp serve $'my\033.wasm'
  with wasmtime: wasmtime serve -Scli my.wasm  (46 or newer)
  if it uses wasi:sockets/tcp: -Sinherit-network
✓ can be run: wasihttp run $'my\033.wasm'
  not with wasmtime, which does not provide acme:x/y

  kind      component, WASI HTTP 0.2
  size      3145728 bytes (3.1 MB)
  digest    abababab
  exports   wasi:http/incoming-handler@0.2.12
            wasi:cli/run@0.2.12
  language  JavaScript (QuickJS)
  tools     wit-component 0.262.0, 0.245.1
            tool\x1b[31m
            SDK 1

Imports
  Not provided
  ✗ acme:x/y                     unknown interface
      function get
  ✗ a:b/c@1.0.0                  provided by 1.2.0, but not all of it
      function f: unknown function
      resource r: unknown resource
  Files  none are there: --dir HOST::GUEST gives it folders
  ✓ wasi:filesystem/types@0.2.0  provided by 0.2.12
  Clocks, random numbers, streams
  ✓ wasi:io/poll@0.2.12          provided

World
  package root:component;

  world root {
  }
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("text differs (-want +got):\n%s", diff)
	}
}
