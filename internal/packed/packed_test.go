package packed

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

func TestWhatIsPackedCanBeRead(t *testing.T) {
	files := fstest.MapFS{
		"a.txt":       {Data: []byte("one")},
		"folder/b":    {Data: []byte("two")},
		"folder/c/.d": {Data: []byte("one")},
		"folder/zero": {},
	}
	data, err := Pack(files)
	if err != nil {
		t.Fatal(err)
	}
	packed := Open(data)
	if err := fstest.TestFS(packed, "a.txt", "folder/b", "folder/c/.d", "folder/zero"); err != nil {
		t.Error(err)
	}
	for name, f := range files {
		if got, err := fs.ReadFile(packed, name); err != nil || string(got) != string(f.Data) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	again, err := Pack(packed)
	if err != nil || string(again) != string(data) {
		t.Errorf("the same files make another archive, %v", err)
	}
}

func TestEqualFilesTakeNoSpace(t *testing.T) {
	var text strings.Builder
	for n := range 5000 {
		text.WriteByte(byte(n * n >> 3))
	}
	one := fstest.MapFS{"a": {Data: []byte(text.String())}}
	many := fstest.MapFS{}
	for _, name := range strings.Split("abcdefghijklmnopqrst", "") {
		many[name] = one["a"]
		many[name+name] = &fstest.MapFile{Data: []byte(name + text.String()[1:])}
	}
	small, _ := Pack(one)
	large, err := Pack(many)
	if err != nil || len(large) > 3*len(small) {
		t.Errorf("%d bytes for one file, %d for many like it, %v", len(small), len(large), err)
	}
}

func TestADamagedArchiveIsABug(t *testing.T) {
	data, err := Pack(fstest.MapFS{"a": {Data: []byte("one")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, damaged := range [][]byte{nil, data[:len(data)/2], []byte("no archive")} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q was opened", damaged)
				}
			}()
			Open(damaged)
		}()
	}
}
