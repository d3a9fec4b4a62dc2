// Package interfaces has the WIT of the interfaces that components find here, as the WASI project
// publishes it (text/LICENSE): one copy of each version, for new projects and for the command that
// writes it.
package interfaces

import (
	_ "embed"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/wasihttp/wasihttp/internal/packed"
)

// archive has the folder text. A test compares them, and writes it anew.
//
//go:embed text.zip.gz
var archive []byte

var text = sync.OnceValue(func() fs.FS { return packed.Open(archive) })

// The versions of which there is text: the latest of each minor version. The others have the same
// interfaces, or lack functions.
const (
	P2 = "0.2.12"
	P3 = "0.3.2"
)

// oldest are the first patch versions whose functions have the same types as those of the latest.
func oldest() map[string]int { return map[string]int{P2: 1, P3: 0} }

// drafts is the folder of the proposals that are in no release of WASI.
const drafts = "drafts"

// File is a file of WIT, or its license.
type File struct {
	// Path is slash-separated, below the folder with the world.
	Path string
	Data []byte
}

// Range says which versions Provided knows, for people.
func Range() string { return "0.2.1 to " + P2 + " or 0.3.0 to " + P3 }

// Provided returns the packages of a version of WASI in a folder deps, with their license, and a
// file with a world for services. The version is "0.2" or "0.3", for the latest one of these, or
// a full number, which the text then has in place of the latest one; "" stands for everything,
// drafts included. ok reports whether there is such a version.
func Provided(version string) (files []File, ok bool) {
	number, latest := version, ""
	switch {
	case version == "":
		files = append(packages(P2, P2), packages(P3, P3)...)
		files = append(files, packages(drafts, "")...)
		return finish(files, proxy(P2)+service(P3)), true
	case version == "0.2" || version == "0.3":
		number = map[string]string{"0.2": P2, "0.3": P3}[version]
	}
	for _, latest = range []string{P2, P3} {
		if within(number, latest) {
			world := proxy(number)
			if latest == P3 {
				world = service(number)
			}
			return finish(packages(latest, number), world), true
		}
	}
	return nil, false
}

// World returns the packages of Provided with a world of one's own.
func World(version, world string) []File {
	files, _ := Provided(version)
	files[len(files)-1].Data = []byte("package local:app;\n" + world)
	return files
}

func proxy(version string) string {
	return "\n/// A service of WASI 0.2.\nworld proxy {\n  include wasi:http/proxy@" + version +
		";\n}\n"
}

func service(version string) string {
	return "\n/// A service of WASI 0.3.\nworld service {\n  include wasi:http/service@" + version +
		";\n}\n"
}

// finish adds the license and the worlds.
func finish(files []File, worlds string) []File {
	license, _ := fs.ReadFile(text(), "LICENSE") // what is embedded is there
	return append(files, File{"deps/LICENSE", license},
		File{"world.wit", []byte("package local:app;\n" + worlds)})
}

// within reports whether a version has the minor version of the latest one and the text of that can
// have its number.
func within(version, latest string) bool {
	i := strings.LastIndex(latest, ".")
	patch, ok := strings.CutPrefix(version, latest[:i+1])
	n, err := strconv.Atoi(patch)
	last, _ := strconv.Atoi(latest[i+1:]) // a constant
	return ok && err == nil && n >= oldest()[latest] && n <= last && strconv.Itoa(n) == patch
}

// packages returns the files of a folder, each a package, with number in place of its version.
func packages(folder, number string) []File {
	entries, _ := fs.ReadDir(text(), folder) // what is embedded is there
	var files []File
	for _, e := range entries {
		data, _ := fs.ReadFile(text(), path.Join(folder, e.Name()))
		name := e.Name()
		if number != "" {
			data = []byte(renumber(string(data), folder, number))
			name = strings.TrimSuffix(name, ".wit") + "-" + number + ".wit"
		}
		files = append(files, File{path.Join("deps", name), data})
	}
	return files
}

var since = regexp.MustCompile(`(?m)(^ *///.*\n)*^ *@since\(version = ([0-9.]+)\)\n[^;{]*;\n`)

// renumber gives the text of a version the number of an older one, without what is newer than that.
func renumber(wit, version, older string) string {
	if version == older {
		return wit
	}
	wit = since.ReplaceAllStringFunc(wit, func(item string) string {
		if since.FindStringSubmatch(item)[2] == version {
			return ""
		}
		return item
	})
	return strings.ReplaceAll(wit, version, older)
}
