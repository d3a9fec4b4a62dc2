package dist

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// File is a package for a registry.
type File struct {
	Name string
	Data []byte
}

// Packager makes the packages of a release, with the text of its license.
type Packager func(release *Release, license []byte) ([]File, error)

// Write makes packages of what GoReleaser left in a folder, as the flags of the process say, and
// prints the path of each. kind is the name of the folder for them below dist.
func Write(kind string, pack Packager) error {
	folder := flag.String("dist", "dist", "read the binaries from this folder of GoReleaser")
	out := flag.String("o", "dist/"+kind, "write the packages to this folder")
	license := flag.String("license", "LICENSE", "the license")
	flag.Parse()
	release, err := Read(*folder)
	if err != nil {
		return err
	}
	terms, err := os.ReadFile(*license)
	if err != nil {
		return err
	}
	files, err := pack(release, terms)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(*out, 0o777); err != nil {
		return err
	}
	for _, f := range files {
		path := filepath.Join(*out, f.Name)
		if err := os.WriteFile(path, f.Data, 0o666); err != nil {
			return err
		}
		fmt.Println(path)
	}
	return nil
}
