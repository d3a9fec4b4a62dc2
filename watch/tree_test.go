package watch

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// layout makes files with their names as contents; a name that ends with a
// slash is a folder.
func layout(t *testing.T, dir string, files ...string) {
	t.Helper()
	for _, name := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// put makes a file, or replaces it in one step.
func put(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	next := filepath.Join(t.TempDir(), "next")
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
}

func watchTree(t *testing.T, o TreeOptions, roots ...string) *Tree {
	t.Helper()
	tree, err := NewTree(roots, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
	})
	return tree
}

func nextBatch(t *testing.T, tree *Tree) Batch {
	t.Helper()
	select {
	case b := <-tree.Changes():
		return b
	case <-time.After(patience):
		t.Fatal("no change was reported")
		panic("unreachable")
	}
}

func TestTreeReportsWhatChangedInSources(t *testing.T) {
	for mode, o := range map[string]Options{"events": {}, "poll": {Poll: 30 * time.Millisecond}} {
		t.Run(mode, func(t *testing.T) {
			dir, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			layout(t, dir, "Cargo.toml", "src/lib.rs", "src/old.rs", "target/debug/x", "node_modules/a/b.js", "cache/CACHEDIR.TAG", "cache/x",
				".git/HEAD", "out/app.wasm", "gen/a.rs", "gen/keep.rs")
			put(t, filepath.Join(dir, ".gitignore"), "/out\ngen/*\n!gen/keep.rs\n*.log\n")
			tree := watchTree(t, TreeOptions{Options: o, Exclude: []string{filepath.Join(dir, "app.wasm")}}, dir)

			// None of these is a source.
			for _, name := range []string{"target/debug/x", "target/new", "node_modules/a/b.js", "cache/x", ".git/index", "out/app.wasm", "gen/a.rs",
				"src/x.log", "app.wasm", "src/.lib.rs.swp", "src/lib.rs~", "src/4913"} {
				put(t, filepath.Join(dir, filepath.FromSlash(name)), "new")
			}
			// Neither time nor the same contents count.
			put(t, filepath.Join(dir, "src", "lib.rs"), "src/lib.rs")
			select {
			case b := <-tree.Changes():
				t.Fatalf("got %+v", b)
			case <-time.After(quiet):
			}

			put(t, filepath.Join(dir, "src", "lib.rs"), "changed")
			put(t, filepath.Join(dir, "src", "deep", "er", "new.rs"), "new")
			put(t, filepath.Join(dir, "gen", "keep.rs"), "changed")
			if err := os.Remove(filepath.Join(dir, "src", "old.rs")); err != nil {
				t.Fatal(err)
			}
			want := map[string]Op{"src/lib.rs": Modified, "src/deep/er/new.rs": Created, "gen/keep.rs": Modified, "src/old.rs": Removed}
			got := map[string]Op{}
			for len(got) < len(want) {
				for _, f := range nextBatch(t, tree).Files {
					name, err := filepath.Rel(dir, f.Path)
					if err != nil {
						t.Fatal(err)
					}
					got[filepath.ToSlash(name)] = f.Op
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			in := filepath.Join(dir, "src", "deep", "er", "new.rs")
			if err := os.WriteFile(in, []byte("newer"), 0o600); err != nil { // in place
				t.Fatal(err)
			}
			if b := nextBatch(t, tree); len(b.Files) != 1 || b.Files[0].Op != Modified || b.Last.Before(b.First) {
				t.Errorf("got %+v", b)
			}
		})
	}
}

func TestTreeLeavesOutWhatTheProcessWrites(t *testing.T) {
	dir := t.TempDir()
	layout(t, dir, "app.py")
	log, err := os.Create(filepath.Join(dir, "log.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	info, err := log.Stat()
	if err != nil {
		t.Fatal(err)
	}
	tree := watchTree(t, TreeOptions{Open: []os.FileInfo{info}}, dir)
	if _, err := log.WriteString("a line\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case b := <-tree.Changes():
		t.Fatalf("got %+v", b)
	case <-time.After(quiet):
	}
	put(t, filepath.Join(dir, "app.py"), "changed")
	if b := nextBatch(t, tree); len(b.Files) != 1 || filepath.Base(b.Files[0].Path) != "app.py" {
		t.Errorf("got %+v", b)
	}
}

func TestTreeOfASingleFile(t *testing.T) {
	dir := t.TempDir()
	layout(t, dir, "app.py", "other.py")
	tree := watchTree(t, TreeOptions{}, filepath.Join(dir, "app.py"))
	put(t, filepath.Join(dir, "other.py"), "new")
	put(t, filepath.Join(dir, "tmp"), "new")
	if err := os.Rename(filepath.Join(dir, "tmp"), filepath.Join(dir, "app.py")); err != nil {
		t.Fatal(err)
	}
	if b := nextBatch(t, tree); len(b.Files) != 1 || filepath.Base(b.Files[0].Path) != "app.py" {
		t.Errorf("got %+v", b)
	}
}

func TestTreeNeedsItsRoots(t *testing.T) {
	if _, err := NewTree([]string{filepath.Join(t.TempDir(), "none")}, TreeOptions{}); err == nil {
		t.Error("a root that does not exist was taken")
	}
}

func TestBatchesThatNobodyTookAreJoined(t *testing.T) {
	early := Batch{Files: []FileChange{{Path: "a", Op: Created}, {Path: "b", Op: Modified}}, First: time.Unix(1, 0), Last: time.Unix(2, 0)}
	late := Batch{Files: []FileChange{{Path: "b", Op: Removed}}, First: time.Unix(3, 0), Last: time.Unix(4, 0)}
	want := Batch{Files: []FileChange{{Path: "b", Op: Removed}, {Path: "a", Op: Created}}, First: time.Unix(1, 0), Last: time.Unix(4, 0)}
	if diff := cmp.Diff(want, early.join(late)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestIgnorePatterns has the examples of gitignore(5), and what people write.
func TestIgnorePatterns(t *testing.T) {
	tests := []struct {
		text, path string
		folder     bool
		want       bool
	}{
		{"*.o", "a.o", false, true},
		{"*.o", "x/y/a.o", false, true},
		{"*.o", "a.c", false, false},
		{"/foo", "foo", false, true},
		{"/foo", "x/foo", false, false},
		{"doc/frotz", "doc/frotz", true, true},
		{"doc/frotz", "a/doc/frotz", true, false},
		{"frotz/", "a/frotz", true, true},
		{"frotz/", "a/frotz", false, false},
		{"foo/*", "foo/test.json", false, true},
		{"foo/*", "foo/bar/hello.c", false, false},
		{"**/foo", "a/b/foo", false, true},
		{"**/foo", "foo", false, true},
		{"**/foo/bar", "x/foo/bar", false, true},
		{"abc/**", "abc/x/y", false, true},
		{"abc/**", "abc", true, false},
		{"a/**/b", "a/b", false, true},
		{"a/**/b", "a/x/y/b", false, true},
		{"*.log\n!keep.log", "keep.log", false, false},
		{"*.log\n!keep.log", "other.log", false, true},
		{"!keep.log\n*.log", "keep.log", false, true},
		{"# comment", "# comment", false, false},
		{`\#file`, "#file", false, true},
		{`\!file`, "!file", false, true},
		{"trailing   ", "trailing", false, true},
		{`kept\ `, "kept ", false, true},
		{"windows\r\n", "windows", false, true},
		{"[!a].txt", "b.txt", false, true},
		{"[!a].txt", "a.txt", false, false},
		{"file?", "file1", false, true},
		{"[", "[", false, false},
		{"", "x", false, false},
		{"/", "x", true, false},
		{"x", "../x", false, false},
	}
	for _, tt := range tests {
		base := filepath.FromSlash("/base")
		got := ignored(parseIgnore(base, []byte(tt.text)), filepath.Join(base, filepath.FromSlash(tt.path)), tt.folder)
		if got != tt.want {
			t.Errorf("%q, %q (folder %v): got %v", tt.text, tt.path, tt.folder, got)
		}
	}
}
