//go:build unix

package files

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestCodesOfTheInterface holds every function to the code that the interface has for a case, which
// is the same on each system.
func TestCodesOfTheInterface(t *testing.T) {
	b := newBed(t, false)
	for name, text := range map[string]string{
		"to-f": "f", "to-d": "d", "dangling": "none", "loop": "loop", "up": "../out/secret",
		"absolute": filepath.Join(b.outside, secret), "via": "d/../f",
	} {
		if err := os.Symlink(text, b.host(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(b.host("fifo"), 0o666); err != nil {
		t.Fatal(err)
	}
	file := b.open("f", 0, Read|Write)
	readOnly := b.open("f", 0, Read)
	writeOnly := b.open("f", 0, Write)
	sub := b.open("d", OnlyDirectory, Read)
	const nofollow, following = false, true
	open := func(d *Descriptor, path string, follow bool, open OpenFlags, flags Flags) error {
		o, err := d.OpenAt(path, follow, open, flags)
		if err == nil {
			o.Close()
		}
		return err
	}
	for _, tt := range []struct {
		name, want string
		err        error
	}{
		{"open", "ok", open(b.d, "f", nofollow, 0, Read)},
		{"open nothing", "no-entry", open(b.d, "none", nofollow, 0, Read)},
		{"open no name", "no-entry", open(b.d, "", nofollow, 0, Read)},
		{"open absolute", "not-permitted", open(b.d, "/f", nofollow, 0, Read)},
		{"open above", "not-permitted", open(b.d, "..", nofollow, 0, Read)},
		{"open above from below", "not-permitted", open(sub, "../f", nofollow, 0, Read)},
		{"open around", "ok", open(b.d, "d/../f", nofollow, 0, Read)},
		{"open itself", "ok", open(b.d, "./.", nofollow, OnlyDirectory, Read)},
		{"open NUL", "invalid", open(b.d, "f\x00", nofollow, 0, Read)},
		{"open long name", "name-too-long", open(b.d, strings.Repeat("x", 256), nofollow, 0, Read)},
		{"open long path", "name-too-long", open(b.d, strings.Repeat("./", 3000)+"f", nofollow, 0, Read)},
		{"open below a file", "not-directory", open(b.d, "f/g", nofollow, 0, Read)},
		{"open in a file", "not-directory", open(file, "g", nofollow, 0, Read)},
		{"open file with slash", "not-directory", open(b.d, "f/", nofollow, 0, Read)},
		{"open folder with slash", "ok", open(b.d, "d/", nofollow, 0, Read)},
		{"open file as folder", "not-directory", open(b.d, "f", nofollow, OnlyDirectory, Read)},
		{"open folder to write", "is-directory", open(b.d, "d", nofollow, 0, Write)},
		{"create folder's name", "exist", open(b.d, "d", nofollow, Create|Exclusive, Write)},
		{"create with slash", "is-directory", open(b.d, "new/", nofollow, Create, Write)},
		{"create a file with slash", "is-directory", open(b.d, "f/", nofollow, Create, Write)},
		{"create anew with slash", "is-directory",
			open(b.d, "f/", nofollow, Create|Exclusive, Write)},
		{"create what is there", "exist", open(b.d, "f", nofollow, Create|Exclusive, Write)},
		{"exclusive without create", "ok", open(b.d, "f", nofollow, Exclusive, Read)},
		{"create a folder", "invalid", open(b.d, "new", nofollow, Create|OnlyDirectory, Read)},
		{"open synchronized", "unsupported", open(b.d, "f", nofollow, 0, Read|fileIntegritySync)},
		{"open link", "loop", open(b.d, "to-f", nofollow, 0, Read)},
		{"follow link", "ok", open(b.d, "to-f", following, 0, Read)},
		{"follow link around", "ok", open(b.d, "via", following, 0, Read)},
		{"follow to nothing", "no-entry", open(b.d, "dangling", following, 0, Read)},
		{"follow in a circle", "loop", open(b.d, "loop", following, 0, Read)},
		{"follow outside", "not-permitted", open(b.d, "up", following, 0, Read)},
		{"follow absolute", "not-permitted", open(b.d, "absolute", following, 0, Read)},
		{"open FIFO", "not-permitted", open(b.d, "fifo", nofollow, 0, Read)},

		{"stat", "ok", second(b.d.StatAt("f", nofollow))},
		{"stat outside", "not-permitted", second(b.d.StatAt("up", following))},
		{"stat a link outside", "ok", second(b.d.StatAt("up", nofollow))},
		{"stat nothing", "no-entry", second(b.d.StatAt("none", nofollow))},
		{"stat file with slash", "not-directory", second(b.d.StatAt("f/", nofollow))},
		{"stat in a file", "not-directory", second(file.StatAt("x", nofollow))},

		{"mkdir here", "exist", b.d.MakeDirectory(".")},
		{"mkdir above", "not-permitted", b.d.MakeDirectory("..")},
		{"mkdir root", "not-permitted", b.d.MakeDirectory("/")},
		{"mkdir file", "exist", b.d.MakeDirectory("f")},
		{"mkdir dangling", "exist", b.d.MakeDirectory("dangling/")},
		{"mkdir with slash", "ok", b.d.MakeDirectory("made/")},
		{"mkdir in nothing", "no-entry", b.d.MakeDirectory("none/x")},

		{"rmdir here", "invalid", b.d.RemoveDirectory(".")},
		{"rmdir above", "not-permitted", b.d.RemoveDirectory("..")},
		{"rmdir file", "not-directory", b.d.RemoveDirectory("f")},
		{"rmdir file with slash", "not-directory", b.d.RemoveDirectory("f/")},
		{"rmdir nothing", "no-entry", b.d.RemoveDirectory("none")},
		{"rmdir full", "not-empty", b.d.RemoveDirectory("d")},
		{"rmdir link", "not-directory", b.d.RemoveDirectory("to-d")},
		{"rmdir link with slash", "not-directory", b.d.RemoveDirectory("to-d/")},
		{"rmdir outside", "not-permitted", b.d.RemoveDirectory("absolute/")},
		{"rmdir", "ok", b.d.RemoveDirectory("made/")},

		{"unlink folder", "is-directory", b.d.Unlink("d")},
		{"unlink folder with slash", "is-directory", b.d.Unlink("d/")},
		{"unlink here", "is-directory", b.d.Unlink(".")},
		{"unlink above", "not-permitted", b.d.Unlink("..")},
		{"unlink file with slash", "not-directory", b.d.Unlink("f/")},
		{"unlink nothing", "no-entry", b.d.Unlink("none")},

		{"symlink absolute", "not-permitted", b.d.Symlink("/etc", "new")},
		{"symlink of nothing", "no-entry", b.d.Symlink("", "new")},
		{"symlink over file", "exist", b.d.Symlink("f", "f")},
		{"symlink to slash", "no-entry", b.d.Symlink("f", "new/")},
		{"symlink to folder", "exist", b.d.Symlink("f", "d/")},
		{"symlink to file with slash", "not-directory", b.d.Symlink("f", "f/")},
		{"symlink up", "ok", b.d.Symlink("../x", "d/made")},
		{"readlink", "ok", second(b.d.ReadLink("to-f"))},
		{"readlink absolute", "not-permitted", second(b.d.ReadLink("absolute"))},
		{"readlink file", "invalid", second(b.d.ReadLink("f"))},

		{"link following", "invalid", b.d.Link("f", following, b.d, "new")},
		{"link folder", "not-permitted", b.d.Link("d", nofollow, b.d, "new")},
		{"link folder over", "exist", b.d.Link("d", nofollow, b.d, "f")},
		{"link folder to slash", "no-entry", b.d.Link("d", nofollow, b.d, "new/")},
		{"link over", "exist", b.d.Link("f", nofollow, b.d, "f")},
		{"link over dangling", "exist", b.d.Link("f", nofollow, b.d, "dangling")},
		{"link to slash", "no-entry", b.d.Link("f", nofollow, b.d, "new/")},
		{"link root", "not-permitted", b.d.Link("/", nofollow, b.d, "f")},
		{"link to absolute", "not-permitted", b.d.Link("none", nofollow, b.d, "/x")},
		{"link nothing", "no-entry", b.d.Link("", nofollow, b.d, "new")},
		{"link a link", "ok", b.d.Link("up", nofollow, b.d, "up2")},
		{"link across", "ok", b.d.Link("f", nofollow, sub, "f2")},

		{"rename nothing", "no-entry", b.d.Rename("none", b.d, "x")},
		{"rename folder over file", "not-directory", b.d.Rename("d", b.d, "f")},
		{"rename file over folder", "is-directory", b.d.Rename("f", b.d, "d")},
		{"rename over full", "not-empty", b.d.Rename("e", b.d, "d")},
		{"rename into itself", "invalid", b.d.Rename("d", b.d, "d/x")},
		{"rename here", "busy", b.d.Rename(".", b.d, "x")},
		{"rename nothing here", "busy", b.d.Rename("none", b.d, "d/.")},
		{"rename outside", "not-permitted", b.d.Rename("f", b.d, "../x")},
		{"rename file to slash", "not-directory", b.d.Rename("f", b.d, "x/")},
		{"rename folder to slash", "ok", b.d.Rename("e/", b.d, "e2/")},
		{"rename over empty", "ok", b.d.Rename("d", b.d, "e2")},
		{"rename back", "ok", b.d.Rename("e2", b.d, "d")},

		{"size of folder", "bad-descriptor", b.d.SetSize(0)},
		{"size of read-only", "invalid", readOnly.SetSize(0)},
		{"size too big", "invalid", file.SetSize(1<<64 - 1)},
		{"advise folder", "bad-descriptor", b.d.Advise(0, 0, 0)},
		{"advise", "ok", file.Advise(1<<63, 1<<63, 5)},
		{"read folder", "bad-descriptor", third(b.d.ReadAt(1, 0))},
		{"read write-only", "bad-descriptor", third(writeOnly.ReadAt(1, 0))},
		{"read far", "invalid", third(file.ReadAt(1, 1<<63))},
		{"write folder", "bad-descriptor", second(b.d.WriteAt(nil, 0))},
		{"write read-only", "bad-descriptor", second(readOnly.WriteAt([]byte("x"), 0))},
		{"stream of folder", "is-directory", second(b.d.Reader(0))},
		{"stream into folder", "bad-descriptor", second(b.d.Writer(0))},
		{"entries of file", "not-directory", second(file.Entries())},
		{"sync folder", "ok", b.d.Sync(false)},
		{"sync file", "ok", readOnly.Sync(true)},
	} {
		if got := codeOf(t, tt.err); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	if b.contents("f") != "hello" {
		t.Error("the file has changed")
	}
}

func second[T any](_ T, err error) error        { return err }
func third[T, U any](_ T, _ U, err error) error { return err }

// TestReadOnlyFoldersRefuseChanges tries all that changes something.
func TestReadOnlyFoldersRefuseChanges(t *testing.T) {
	b := newBed(t, true)
	f := b.open("f", 0, Read)
	stamp := Stamp{Kind: StampNow}
	for name, err := range map[string]error{
		"write":     second(b.d.OpenAt("f", false, 0, Write)),
		"create":    second(b.d.OpenAt("new", false, Create, Read)),
		"truncate":  second(b.d.OpenAt("f", false, Truncate, Read)),
		"mkdir":     b.d.MakeDirectory("new"),
		"rmdir":     b.d.RemoveDirectory("e"),
		"unlink":    b.d.Unlink("f"),
		"rename":    b.d.Rename("f", b.d, "g"),
		"link":      b.d.Link("f", false, b.d, "g"),
		"symlink":   b.d.Symlink("f", "g"),
		"times":     b.d.SetTimes(stamp, stamp),
		"times-at":  b.d.SetTimesAt("f", false, stamp, stamp),
		"its times": f.SetTimes(stamp, stamp),
		"size":      f.SetSize(0),
		"bytes":     second(f.WriteAt([]byte("x"), 0)),
		"stream":    second(f.Writer(0)),
		"append":    second(f.Appender()),
	} {
		if got := codeOf(t, err); got != "not-permitted" {
			t.Errorf("%s: %s", name, got)
		}
	}
	if b.d.Flags() != Read || b.contents("f") != "hello" {
		t.Error("something has changed")
	}
}
