//go:build unix

package files

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// steal tries to read the secret through d at path, in every way that a name can be used, and
// returns what it got.
func steal(d *Descriptor, path string) (loot string) {
	for _, follow := range []bool{false, true} {
		for _, flags := range []Flags{Read, Write, Read | Write} {
			for _, open := range []OpenFlags{0, OnlyDirectory, Create, Exclusive} {
				f, err := reach(d, path, follow, open, flags)
				if err != nil {
					continue
				}
				loot += contentsOf(f)
				f.Close()
			}
		}
	}
	if text, err := d.ReadLink(path); err == nil && filepath.IsAbs(text) {
		loot += text
	}
	return loot
}

// reach is OpenAt as guests get it: at once if possible.
func reach(
	d *Descriptor, path string, follow bool, open OpenFlags, flags Flags,
) (*Descriptor, error) {
	if f, ok := d.OpenAtNow(path, open, flags); ok {
		return f, nil
	}
	return d.OpenAt(path, follow, open, flags)
}

// eachWay runs a test with paths that are resolved in one step where the system can, and with those
// that are resolved the long way.
func eachWay(t *testing.T, test func(t *testing.T, b *bed)) {
	for _, long := range []bool{false, true} {
		t.Run("long "+strconv.FormatBool(long), func(t *testing.T) {
			b := newBed(t, false)
			b.files.long.Store(long)
			b.files.isQuick = func(*os.File) bool { return true }
			test(t, b)
		})
	}
}

// contentsOf returns the contents of a file, or the names in a folder.
func contentsOf(d *Descriptor) (text string) {
	if d.file != nil {
		p, _, _ := d.ReadAt(chunk, 0) // what cannot be read is not stolen
		return string(p)
	}
	if e, err := d.Entries(); err == nil {
		defer e.Close()
		list, _ := e.Next(batch) // likewise
		for _, entry := range list {
			text += entry.Name + "\n"
		}
	}
	return text
}

// vandalize tries to change what is at path in every way.
func vandalize(d *Descriptor, path string) {
	stamp := Stamp{Kind: StampTime}
	for _, follow := range []bool{false, true} {
		if f, err := d.OpenAt(path, follow, Truncate, Write); err == nil {
			_, _ = f.WriteAt([]byte("broken"), 0)
			f.Close()
		}
		_ = d.SetTimesAt(path, follow, stamp, stamp)
	}
	_ = d.Link(path, false, d, "stolen-link")
	_ = d.Link("mine", false, d, path)
	_ = d.Rename("mine2", d, path)
	_ = d.Rename(path, d, "stolen")
	_ = d.Symlink("mine", path)
	_ = d.MakeDirectory(path)
	_ = d.Unlink(path)
	_ = d.RemoveDirectory(path)
}

// escapes are paths that would lead out, in a folder "in" beside a folder "out". What makes links
// of them is in plant.
func escapes(outside string) []string {
	long := strings.Repeat("a", 255)
	paths := []string{
		"..", "../", "../.", "../..", "../out", "../out/secret", "./../out/secret", ".././out/secret",
		"d/../../out/secret", "d/./../../out/secret", "d/../d/../../out/secret", "d//..//..//out//secret",
		"d/../d/../d/../d/../d/../d/../d/../d/../d/../../out/secret", "f/../../out/secret",
		"none/../../out/secret", "...", "....//out/secret", ".../out/secret",
		"/", "//", outside, outside + "/secret", "/" + outside + "/secret", "//" + outside + "/secret",
		"/../" + outside + "/secret", "./" + outside + "/secret", "." + outside + "/secret",
		"/proc/self/root" + outside + "/secret", "/proc/self/cwd", "/dev/stdin", "/etc/passwd",
		"..\x00/out/secret", "f\x00/../../out/secret", "../out/secret\x00", "..\\out\\secret",
		"d\\..\\..\\out\\secret", "C:\\", "C:/", "\\\\?\\C:\\", "\\\\.\\pipe\\x", "NUL", "f::$DATA",
		"%2e%2e/out/secret", "..%2fout/secret", "\xc0\xae\xc0\xae/out/secret", "．．/out/secret",
		"..;/out/secret", "~/", "~root/.profile", "$HOME", "-", "../in/../out/secret", "../IN/f",
		strings.Repeat("../", 1000) + "etc/passwd", strings.Repeat("d/../", 700) + "../out/secret",
		long + "/../../out/secret", strings.Repeat("a", 4096),
		strings.Repeat("./", 2000) + "../out/secret",
	}
	return append(paths, links()...)
}

// links are the names of the links that plant makes, and paths through them.
func links() []string {
	return []string{
		"to-secret", "to-secret/", "to-out", "to-out/", "to-out/secret", "to-out/../out/secret",
		"abs-secret", "abs-out", "abs-out/secret", "abs-root", "abs-root/etc/passwd", "to-up",
		"to-up/out/secret", "chain", "chain/secret", "d/inner", "d/inner/secret", "d/deep",
		"proc/self/root/etc/passwd", "proc/self/environ", "proc-root", "fifo", "socket", "device",
		"to-self/to-self/../out/secret", "dot/../out/secret", "slash/etc/passwd",
	}
}

// plant makes what an accomplice could have left in the folder.
func plant(b *bed) {
	b.t.Helper()
	for name, text := range map[string]string{
		"to-secret": "../out/secret", "to-out": "../out", "abs-secret": filepath.Join(b.outside, secret),
		"abs-out": b.outside, "abs-root": "/", "to-up": "..", "chain": "chain2", "chain2": "d/inner",
		"d/inner": "../../out", "d/deep": "../to-secret", "proc": "/proc",
		"proc-root": "/proc/self/root", "to-self": ".", "dot": "./.", "slash": "//",
	} {
		if err := os.Symlink(text, b.host(name)); err != nil {
			b.t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(b.host("fifo"), 0o666); err != nil {
		b.t.Fatal(err)
	}
	// The path of a socket must not be long.
	b.t.Chdir(b.root)
	l, err := net.Listen("unix", "socket")
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = l.Close() }) // nothing was served
	b.write(b.host("mine"), "mine")
	b.write(b.host("mine2"), "mine")
}

// snapshot tells all about the folder outside, and what is beside both.
func snapshot(b *bed) string {
	b.t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(filepath.Dir(b.root), func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path == b.root {
			out.WriteString(path + "\n")
			return filepath.SkipDir
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		out.WriteString(strings.Join([]string{path, info.Mode().String(), info.ModTime().String()}, " "))
		if info.Mode().IsRegular() {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			out.Write(text)
		}
		out.WriteString("\n")
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return out.String()
}

func TestNothingLeadsOutOfTheFolder(t *testing.T) { eachWay(t, nothingLeadsOut) }

func nothingLeadsOut(t *testing.T, b *bed) {
	plant(b)
	before := snapshot(b)
	passwd, _ := os.ReadFile("/etc/passwd") // there may be none
	environ := strings.Join(os.Environ(), "\x00")
	paths := escapes(b.outside)
	if len(paths) < 50 {
		t.Fatalf("only %d ways", len(paths))
	}
	sub := b.open("d", OnlyDirectory, Read)
	up := b.open("to-self", OnlyDirectory, Read)
	for _, d := range []*Descriptor{b.d, sub, up} {
		for _, path := range paths {
			loot := steal(d, path)
			for _, stolen := range []string{secret, string(passwd), environ} {
				if stolen != "" && strings.Contains(loot, stolen) {
					t.Errorf("%q gives %.60q", path, loot)
				}
			}
			vandalize(d, path)
		}
	}
	if after := snapshot(b); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

// TestRacesDoNotLeadOut has one guest walk while another one renames what it walks through.
func TestRacesDoNotLeadOut(t *testing.T) { eachWay(t, racesDoNotLeadOut) }

func racesDoNotLeadOut(t *testing.T, b *bed) {
	if err := os.Symlink("../out", b.host("link")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(b.host("deep/x/y"), 0o777); err != nil {
		t.Fatal(err)
	}
	b.write(b.host("d/secret"), "decoy")
	var stop sync.WaitGroup
	done := make(chan struct{})
	swap := func(steps ...[2]string) {
		stop.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				for _, s := range steps {
					_ = b.d.Rename(s[0], b.d, s[1]) // the other one may be in the way
				}
				runtime.Gosched()
			}
		})
	}
	swap([2]string{"d", "tmp"}, [2]string{"link", "d"}, [2]string{"d", "link"}, [2]string{"tmp", "d"})
	swap([2]string{"deep/x", "x"}, [2]string{"x", "deep/x"})
	for range 2000 {
		for _, path := range []string{"d/secret", "d/../d/secret", "deep/x/y/../../../../out/secret"} {
			for _, follow := range []bool{false, true} {
				if st, ok := b.d.StatAtNow(path, follow); ok && st.Size == uint64(len(secret)) {
					t.Fatalf("%s leads out", path)
				}
				f, err := reach(b.d, path, follow, 0, Read)
				if err != nil {
					continue
				}
				if text := contentsOf(f); text == secret {
					t.Fatalf("%s leads out", path)
				}
				f.Close()
			}
		}
		if d, err := b.d.OpenAt("d", true, OnlyDirectory, Read); err == nil {
			if f, err := reach(d, secret, false, 0, Read); err == nil {
				if text := contentsOf(f); text == secret {
					t.Fatal("a folder is one outside")
				}
				f.Close()
			}
			d.Close()
		}
	}
	close(done)
	stop.Wait()
}

func TestSystemFilesCannotBeOpened(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // there is no /proc
	}
	root, err := os.OpenRoot("/")
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	b := newBed(t, false)
	g := *b.d.grant
	g.dev = deviceOf(root)
	d := &Descriptor{grant: &g, root: (&tree{Root: root}).use()}
	defer d.Close()
	for _, path := range []string{"proc/self/environ", "proc/self/mem", "proc", "proc/self/fd"} {
		f, err := d.OpenAt(path, true, 0, Read)
		if err == nil {
			f.Close()
			t.Errorf("%s can be opened", path)
		}
	}
}

// TestLinksOfTheSystemAreNotFollowed gives a guest a folder of /proc, whose links lead to what is
// open, whatever their text is.
func TestLinksOfTheSystemAreNotFollowed(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // there is no /proc
	}
	root, err := os.OpenRoot("/proc/self")
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	b := newBed(t, false)
	f := New([]wasi.Dir{{Guest: "/", Root: root}})
	defer f.Close()
	held, err := os.Open(b.outside)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	d := f.Preopens()[0].Descriptor
	defer d.Close()
	fd := "fd/" + strconv.Itoa(int(held.Fd()))
	for _, path := range []string{fd, fd + "/secret", fd + "/", "root", "root/etc/passwd", "cwd", "cwd/",
		"exe", "task/../root/", "ns/net"} {
		if o, err := d.OpenAt(path, true, 0, Read); err == nil {
			o.Close()
			t.Errorf("%s can be opened", path)
		}
	}
}

func TestNamesThatAreNoText(t *testing.T) {
	b := newBed(t, false)
	if os.WriteFile(b.host("e/\xff"), nil, 0o666) != nil {
		return // this file system has text only
	}
	e, err := b.open("e", OnlyDirectory, Read).Entries()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	list, err := e.Next(2)
	if err != nil || len(list) != 1 || codeOf(t, list[0].Err) != "illegal-byte-sequence" {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestLinksHaveTimesOfTheirOwn(t *testing.T) {
	b := newBed(t, false)
	if err := os.Symlink("f", b.host("link")); err != nil {
		t.Fatal(err)
	}
	before, err := b.d.StatAt("f", false)
	if err != nil {
		t.Fatal(err)
	}
	at := Stamp{Kind: StampTime, Time: before.Modify.Add(-1e12)}
	if err := b.d.SetTimesAt("link", false, at, at); err != nil {
		t.Fatal(err)
	}
	after, err1 := b.d.StatAt("f", false)
	link, err2 := b.d.StatAt("link", false)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if !after.Modify.Equal(before.Modify) || link.Modify.Equal(before.Modify) {
		t.Errorf("file %v, then %v, link %v", before.Modify, after.Modify, link.Modify)
	}
}
