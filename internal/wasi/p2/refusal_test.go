package p2

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/sockets"
)

// TestEveryInterfaceIsDeclared fails with a panic when a type text is wrong.
func TestEveryInterfaceIsDeclared(t *testing.T) {
	AddTo(component.NewLinker(), func(any) *wasi.State { return nil })
}

func TestRefusalsAreErrorsOfTheInterface(t *testing.T) {
	tests := []struct {
		name string
		v    component.Value
		want uint32
	}{
		{"socket", socketError(sockets.AccessDenied), 1},
		{"lookup", socketError(sockets.PermanentFailure), 20},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.v
			if got.IsOk() || got.Payload().Case() != tt.want {
				t.Errorf(
					"ok %v, case %d, want the error %d",
					got.IsOk(),
					got.Payload().Case(),
					tt.want,
				)
			}
		})
	}
}

func TestFilesystemErrorCode(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want int // -1 for none
	}{
		{"first case", &fs.PathError{Op: "open", Path: "x", Err: syscall.EACCES}, 0},
		{
			"stdin is a folder",
			&fs.PathError{Op: "read", Path: "/dev/stdin", Err: syscall.EISDIR},
			14,
		},
		{"last case", &fs.PathError{Op: "rename", Path: "x", Err: syscall.EXDEV}, 36},
		{"foreign", errors.New("x"), -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, err := filesystemErrorCode(
				call{t.Context(), nil},
				[]component.Value{component.Own(&ioError{tt.err})},
			)
			if err != nil {
				t.Fatal(err)
			}
			got := -1
			if v.IsSome() {
				got = int(v.Payload().Case())
			}
			if got != tt.want {
				t.Errorf("case %d, want %d", got, tt.want)
			}
		})
	}
}

func TestEveryFileErrorHasACase(t *testing.T) {
	cases := strings.Split(fileErrorCodes, ", ")
	seen := map[string]bool{}
	for errno := range syscall.Errno(200) {
		name, ok := wasi.FileErrorCode(&fs.PathError{Op: "x", Path: "x", Err: errno})
		if !ok {
			t.Errorf("%v has no code", errno)
		}
		seen[name] = true
	}
	for _, name := range cases {
		delete(seen, name)
	}
	if diff := cmp.Diff(map[string]bool{}, seen); diff != "" {
		t.Error("names that the interface does not have:", diff)
	}
}

func TestTheNetworkCanBeHad(t *testing.T) {
	v, err := instanceNetwork(call{t.Context(), nil}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := v.Rep().(network); !ok {
		t.Errorf("the network is %T", v.Rep())
	}
}
