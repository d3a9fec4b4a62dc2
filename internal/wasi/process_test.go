package wasi

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestConfigMustBeUTF8(t *testing.T) {
	tests := []struct {
		name string
		cfg  Config
		want string // part of the message; "" for no error
	}{
		{"nothing", Config{}, ""},
		{
			"all",
			Config{
				Env:        [][2]string{{"A", "ä"}, {"A", ""}},
				Args:       []string{"", "日本"},
				InitialCwd: "/ü",
			},
			"",
		},
		{
			"name",
			Config{Env: [][2]string{{"A", "1"}, {"B\xff", "2"}}},
			`name of environment variable "B\xff"`,
		},
		{"value", Config{Env: [][2]string{{"A", "\xc3("}}}, `variable A="\xc3("`},
		{"argument", Config{Args: []string{"x", "\xa0"}}, `argument 1, "\xa0"`},
		{"folder", Config{InitialCwd: "/\xed\xa0\x80"}, `working directory`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.cfg.Check()
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("error %v, want one with %s", err, tt.want)
			}
		})
	}
}

func TestStoresShareStdinAndHaveTheirOwnOutputs(t *testing.T) {
	stdin := NewStdin(strings.NewReader("abcd"))
	var outA, errA, outB, errB writes
	a := NewState(&Config{Stdin: stdin, Stdout: &outA, Stderr: &errA})
	b := NewState(&Config{Stdin: stdin, Stdout: &outB, Stderr: &errB})
	var got []string
	for _, s := range []*State{a, b, a} {
		text, err := next(t, s.Stdin(), 1)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, text)
		if err := errors.Join(s.Stdout().Write([]byte("out "+text)), s.Stderr().Write([]byte("err "+text))); err != nil {
			t.Fatal(err)
		}
	}
	got = append(append(append(append(got, outA.got...), errA.got...), outB.got...), errB.got...)
	want := []string{"a", "b", "c", "out a", "out c", "err a", "err c", "out b", "err b"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestStoreWithoutStdinReadsItsEnd(t *testing.T) {
	if _, err := next(t, NewState(&Config{}).Stdin(), 1); err != io.EOF {
		t.Error(err)
	}
}

func TestExitIsFoundInsideOtherErrors(t *testing.T) {
	err := fmt.Errorf("calling run: %w", Exit{Code: 42})
	exit, ok := errors.AsType[Exit](err)
	if !ok || exit.Code != 42 {
		t.Errorf("%v, %v", exit, ok)
	}
	if got, want := err.Error(), "calling run: guest exited with status 42"; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}

func TestFileErrorCode(t *testing.T) {
	path := func(err error) error { return &fs.PathError{Op: "read", Path: "x", Err: err} }
	tests := []struct {
		name string
		err  error
		want string // "" for none
	}{
		{"directory", path(syscall.EISDIR), "is-directory"},
		{"missing", path(syscall.ENOENT), "no-entry"},
		{"forbidden", path(syscall.EACCES), "access"},
		{"not permitted", path(syscall.EPERM), "not-permitted"},
		{"not supported", path(syscall.ENOTSUP), "unsupported"},
		{"wrapped", fmt.Errorf("stdin: %w", path(syscall.EIO)), "io"},
		{
			"two names",
			&os.LinkError{Op: "rename", Old: "a", New: "b", Err: syscall.EXDEV},
			"cross-device",
		},
		{"missing in Go's words", path(fs.ErrNotExist), "no-entry"},
		{"existing in Go's words", path(fs.ErrExist), "exist"},
		{"forbidden in Go's words", path(fs.ErrPermission), "access"},
		{"invalid in Go's words", path(fs.ErrInvalid), "invalid"},
		{"closed", path(fs.ErrClosed), "bad-descriptor"},
		{"anything else of a file", path(errors.New("odd")), "io"},
		{
			"of a connection",
			&net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.EPIPE)},
			"",
		},
		{"foreign", errors.New("x"), ""},
		{"none", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := FileErrorCode(tt.err)
			if got != tt.want || ok != (tt.want != "") {
				t.Errorf("%q, %v, want %q", got, ok, tt.want)
			}
		})
	}
}
