// Package packed keeps files in the program compressed together, which package embed does not: many
// small texts that are alike take a quarter of their size.
package packed

import (
	"archive/zip"
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"slices"
)

// Open returns the files of an archive that Pack has made. It panics if data is damaged: an archive
// is part of the program. The files may be read concurrently.
func Open(data []byte) fs.FS {
	unzipped, err := gzip.NewReader(bytes.NewReader(data))
	var archive []byte
	if err == nil {
		archive, err = io.ReadAll(unzipped)
	}
	var files *zip.Reader
	if err == nil {
		files, err = zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	}
	if err != nil {
		panic(fmt.Sprintf("packed: %v", err))
	}
	return files
}

// Pack returns an archive of all files. They are stored in a zip archive as they are, which is
// compressed as a whole: files that are equal are next to each other.
func Pack(files fs.FS) ([]byte, error) {
	type file struct {
		name    string
		content []byte
	}
	var list []file
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		list = append(list, file{name, content})
		return err
	})
	if err != nil {
		return nil, err
	}
	first := map[string]string{} // the first name of each content
	for _, f := range list {
		if at, ok := first[string(f.content)]; !ok || f.name < at {
			first[string(f.content)] = f.name
		}
	}
	slices.SortFunc(list, func(a, b file) int {
		return cmp.Or(cmp.Compare(first[string(a.content)], first[string(b.content)]),
			cmp.Compare(a.name, b.name))
	})
	var out bytes.Buffer
	compressed, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	archive := zip.NewWriter(compressed)
	for _, f := range list {
		w, err := archive.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Store})
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	if err := compressed.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
