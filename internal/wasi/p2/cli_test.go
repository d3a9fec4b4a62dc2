package p2

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

func TestEnvironmentIsTheConfiguredPairsInOrder(t *testing.T) {
	t.Setenv("WASIHTTP_TEST_OF_THE_HOST", "must not appear")
	tests := []struct {
		name string
		env  [][2]string
	}{
		{"empty", nil},
		{
			"order, doubles, empty and Unicode kept",
			[][2]string{{"Z", "1"}, {"A", "2"}, {"Z", "3"}, {"EMPTY", ""}, {"Ü", "日本=x"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st := wasi.NewState(&wasi.Config{Env: tt.env})
			for range 2 {
				var got [][2]string
				for _, pair := range do(t, named(t, "get-environment"), st).Items() {
					got = append(got, [2]string{pair.Items()[0].Str(), pair.Items()[1].Str()})
				}
				if diff := cmp.Diff(tt.env, got); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestArgumentsAreKeptAsTheyAre(t *testing.T) {
	want := []string{"app.wasm", "", "-x", "ünï code", ""}
	var got []string
	for _, a := range do(t, named(t, "get-arguments"), wasi.NewState(&wasi.Config{Args: want})).Items() {
		got = append(got, a.Str())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestInitialCwd(t *testing.T) {
	if got := do(t, named(t, "initial-cwd"), wasi.NewState(&wasi.Config{})); got.IsSome() {
		t.Errorf("some %q without one", got.Payload().Str())
	}
	got := do(t, named(t, "initial-cwd"), wasi.NewState(&wasi.Config{InitialCwd: "/srv"}))
	if !got.IsSome() || got.Payload().Str() != "/srv" {
		t.Errorf("some: %v", got.IsSome())
	}
}

func TestEnvironmentThatIsNotUTF8Traps(t *testing.T) {
	tests := []struct {
		name string
		f    hostFunc
		cfg  wasi.Config
	}{
		{"variable", named(t, "get-environment"), wasi.Config{Env: [][2]string{{"A", "\xff"}}}},
		{"argument", named(t, "get-arguments"), wasi.Config{Args: []string{"\xff"}}},
		{"folder", named(t, "initial-cwd"), wasi.Config{InitialCwd: "\xff"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := tt.f(call{t.Context(), wasi.NewState(&tt.cfg)}, nil); err == nil ||
				!strings.Contains(err.Error(), "UTF-8") {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestExitUnwindsWithItsCode(t *testing.T) {
	tests := []struct {
		name string
		f    hostFunc
		arg  component.Value
		want uint8
	}{
		{"ok", named(t, "exit"), component.OkUnit(), 0},
		{"error", named(t, "exit"), component.ErrUnit(), 1},
		{"code 0", named(t, "exit-with-code"), component.U8(0), 0},
		{"code 42", named(t, "exit-with-code"), component.U8(42), 42},
		{"code 255", named(t, "exit-with-code"), component.U8(255), 255},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.f(call{t.Context(), new(wasi.State)}, []component.Value{tt.arg})
			exit, ok := errors.AsType[wasi.Exit](err)
			if !ok || exit.Code != tt.want {
				t.Errorf("%v, want exit %d", err, tt.want)
			}
		})
	}
}

func TestStdinHandlesShareOneSource(t *testing.T) {
	st := wasi.NewState(&wasi.Config{Stdin: wasi.NewStdin(strings.NewReader("abc"))})
	var got []string
	for range 3 {
		i := do(t, getStdin, st).Rep().(*inputStream)
		if err := wasi.Await(t.Context(), i.s); err != nil {
			t.Fatal(err)
		}
		b, err := i.s.Read(1)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(b))
		if err := dropInputStream(i); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestOutputHandlesAreNewOnesOnTheSameSink(t *testing.T) {
	var out, errs bytes.Buffer
	st := wasi.NewState(&wasi.Config{Stdout: &out, Stderr: &errs})
	for _, text := range []string{"a", "b"} {
		for name, f := range map[string]hostFunc{"out ": getStdout, "err ": getStderr} {
			o := do(t, f, st).Rep().(*outputStream)
			if err := o.s.Write([]byte(name + text + " ")); err != nil {
				t.Fatal(err)
			}
			if err := dropOutputStream(o); err != nil {
				t.Fatal(err)
			}
		}
	}
	if diff := cmp.Diff([]string{"out a out b ", "err a err b "}, []string{out.String(), errs.String()}); diff != "" {
		t.Error(diff)
	}
}

func TestTerminalsAreSomeForTerminalsOnly(t *testing.T) {
	tests := []struct {
		name string
		cfg  wasi.Config
		want []bool // stdin, stdout, stderr
	}{
		{"none", wasi.Config{}, []bool{false, false, false}},
		{"stdin", wasi.Config{StdinTerminal: true}, []bool{true, false, false}},
		{"stdout", wasi.Config{StdoutTerminal: true}, []bool{false, true, false}},
		{"stderr", wasi.Config{StderrTerminal: true}, []bool{false, false, true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []bool
			for _, f := range []hostFunc{named(t, "get-terminal-stdin"), named(t, "get-terminal-stdout"), named(t, "get-terminal-stderr")} {
				got = append(got, do(t, f, wasi.NewState(&tt.cfg)).IsSome())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
