//go:build unix

package files

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// ways are what a guest can do by itself to get out of its folder, and the paths that would lead
// out then. What it may not do is fine, too.
var ways = map[string]struct {
	do    func(d *Descriptor) error
	paths []string
}{
	"a link up": {func(d *Descriptor) error { return d.Symlink("../out", "w") },
		[]string{"w", "w/", "w/.", "w/secret", "w//secret", "w/../out/secret", "./w/./secret"}},
	"a link to the file": {func(d *Descriptor) error { return d.Symlink("../out/secret", "w") },
		[]string{"w", "w/", "w/."}},
	"a link within, carried up": {func(d *Descriptor) error {
		return errors.Join(d.Symlink("../out", "d/w"), d.Rename("d/w", d, "w"))
	}, []string{"w", "w/secret"}},
	"a link within, linked up": {func(d *Descriptor) error {
		return errors.Join(d.Symlink("../out/secret", "d/w"), d.Link("d/w", false, d, "w"))
	}, []string{"w"}},
	"a folder with a link, carried up": {func(d *Descriptor) error {
		return errors.Join(d.MakeDirectory("d/x"), d.MakeDirectory("d/x/y"),
			d.Symlink("../../../out", "d/x/y/w"), d.Rename("d/x/y", d, "y"))
	}, []string{"y/w", "y/w/secret", "y/w/../out/secret"}},
	"links in a row": {func(d *Descriptor) error {
		return errors.Join(d.Symlink("w2", "w1"), d.Symlink("d/w3", "w2"), d.Symlink("../w4", "d/w3"),
			d.Symlink("..", "w4"))
	}, []string{"w1", "w1/out/secret", "w2/out", "d/w3/out/secret", "w4/out/secret"}},
	"more links than are followed": {func(d *Descriptor) error {
		var errs []error
		for i := range 60 {
			errs = append(errs, d.Symlink("l"+strconv.Itoa(i+1), "l"+strconv.Itoa(i)))
		}
		return errors.Join(append(errs, d.Symlink("../out/secret", "l60"))...)
	}, []string{"l0", "l0/", "l30", "l55", "l60"}},
	"a link that grows": {func(d *Descriptor) error {
		return d.Symlink(strings.Repeat("d/../", 800)+"../out/secret", "w")
	}, []string{"w"}},
	"a link with another kind of slash": {func(d *Descriptor) error {
		return d.Symlink(`..\out\secret`, "w")
	}, []string{"w", `w\..\..\out\secret`}},
	"a link to the root": {func(d *Descriptor) error { return d.Symlink("/", "w") },
		[]string{"w", "w/etc/passwd"}},
	"a link with NUL": {func(d *Descriptor) error { return d.Symlink("../out/secret\x00", "w") },
		[]string{"w"}},
	"a link over a folder": {func(d *Descriptor) error {
		return errors.Join(d.RemoveDirectory("e"), d.Symlink("../out", "e"))
	}, []string{"e", "e/secret"}},
	"a name of dots": {func(d *Descriptor) error {
		return errors.Join(d.MakeDirectory("..."), d.Symlink("..", ".../.."), d.Symlink("..", "... "))
	}, []string{".../../../out/secret", "... /out/secret", "... /"}},
	"a folder above another": {func(d *Descriptor) error { return d.Rename("d", d, "../in2") },
		[]string{"../in2", "../in2/g"}},
	"the folder itself": {func(d *Descriptor) error { return d.Rename(".", d, "../in2") },
		[]string{"../in2/f"}},
}

func TestWhatAGuestMakesDoesNotLeadOut(t *testing.T) {
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, false)
			b.write(b.host("mine"), "mine")
			b.write(b.host("mine2"), "mine")
			before := snapshot(b)
			_ = way.do(b.d) // some of it is refused
			for _, path := range way.paths {
				if loot := steal(b.d, path); strings.Contains(loot, secret) ||
					strings.Contains(loot, "root:") {
					t.Errorf("%q gives %.60q", path, loot)
				}
				vandalize(b.d, path)
			}
			if after := snapshot(b); after != before {
				t.Errorf("before:\n%s\nafter:\n%s", before, after)
			}
		})
	}
}

// TestAFolderThatIsCarriedAwayHasNoMoreAbove holds a folder open and moves it, or what is above it.
func TestAFolderThatIsCarriedAwayHasNoMoreAbove(t *testing.T) {
	b := newBed(t, false)
	if err := errors.Join(b.d.MakeDirectory("d/x"), b.d.MakeDirectory("d/x/y")); err != nil {
		t.Fatal(err)
	}
	deep := b.open("d/x/y", OnlyDirectory, Read)
	moves := [][2]string{{"d/x/y", "y"}, {"y", "e/y"}, {"e", "d/e"}, {"d", "top"}}
	for _, m := range moves {
		if err := b.d.Rename(m[0], b.d, m[1]); err != nil {
			t.Fatalf("%s to %s: %v", m[0], m[1], err)
		}
		for _, path := range []string{"..", "../f", "../../out/secret", "../../../out/secret"} {
			if _, err := deep.OpenAt(path, true, 0, Read); codeOf(t, err) != "not-permitted" {
				t.Errorf("after %s to %s, %s: %v", m[0], m[1], path, err)
			}
		}
	}
}

// TestRacesOfChangesDoNotLeadOut has one guest replace a folder by a link that leads out, again and
// again, while another one changes what is in the folder, in every way that there is.
func TestRacesOfChangesDoNotLeadOut(t *testing.T) {
	b := newBed(t, false)
	b.write(b.host("mine"), "mine")
	if err := errors.Join(b.d.MakeDirectory("s"), b.d.Symlink("../out", "link")); err != nil {
		t.Fatal(err)
	}
	b.write(b.host("s/secret"), "decoy")
	before := snapshot(b)
	done := make(chan struct{})
	var swapping sync.WaitGroup
	swapping.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			for _, m := range [][2]string{{"s", "t"}, {"link", "s"}, {"s", "link"}, {"t", "s"}} {
				_ = b.d.Rename(m[0], b.d, m[1]) // the other one may be in the way
			}
		}
	})
	stamp := Stamp{Kind: StampTime}
	for range 400 {
		for _, path := range []string{"s/secret", "s/new", "s/."} {
			if f, err := b.d.OpenAt(path, true, Create|Truncate, Write); err == nil {
				_, _ = f.WriteAt([]byte("broken"), 0)
				f.Close()
			}
			_ = b.d.SetTimesAt(path, true, stamp, stamp)
			_ = b.d.SetTimesAt(path, false, stamp, stamp)
			_ = b.d.Link("mine", false, b.d, path)
			_ = b.d.Link(path, false, b.d, "stolen")
			_ = b.d.Symlink("mine", path)
			_ = b.d.MakeDirectory(path)
			_ = b.d.Rename(path, b.d, "s/other")
			_ = b.d.Unlink(path)
			_ = b.d.RemoveDirectory(path)
			_ = b.d.Unlink("stolen")
		}
	}
	close(done)
	swapping.Wait()
	if after := snapshot(b); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}
