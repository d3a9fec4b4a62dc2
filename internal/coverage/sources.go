package coverage

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/wasihttp/wasihttp/internal/regular"
)

// Sources says which source files are the user's, and where they are. Debug information has the
// paths of the machine that compiled, so a file that is not there is looked for below the folder of
// the project by the end of its path. It is not safe for concurrent use.
type Sources struct {
	folders []string // below which reports name files by relative paths: the first
	stat    func(path string) (fs.FileInfo, error)
	known   map[string]source
}

type source struct {
	name string // "" for a file that is not the user's
	disk string
}

// NewSources returns the sources of the project in a folder: of the repository that it is in, or
// else of the folder alone.
func NewSources(dir string) *Sources {
	s := &Sources{stat: os.Stat, known: map[string]source{}}
	if dir == "" {
		return s
	}
	s.folders = append(s.folders, dir)
	if real, err := filepath.EvalSymlinks(dir); err == nil && real != dir {
		s.folders = append(s.folders, real)
	}
	for at := dir; ; {
		if _, err := os.Stat(filepath.Join(at, ".git")); err == nil {
			if at != dir {
				s.folders = append(s.folders, at)
			}
			return s
		}
		up := filepath.Dir(at)
		if up == at {
			return s
		}
		at = up
	}
}

// Wanted reports whether a file of debug information may be the user's.
func (s *Sources) Wanted(path string) bool {
	_, own := s.of(path)
	return own
}

// of returns the name of a file in reports, and whether it may be the user's.
func (s *Sources) of(path string) (name string, own bool) {
	found, ok := s.known[path]
	if !ok {
		found = s.find(path)
		s.known[path] = found
	}
	return found.name, found.name != ""
}

// disk returns where a file can be read; "" if it is not on this machine.
func (s *Sources) disk(path string) string {
	s.of(path)
	return s.known[path].disk
}

func (s *Sources) find(path string) source {
	clean := filepath.Clean(filepath.FromSlash(path))
	if path == "" || strings.ContainsAny(path, "<>") {
		return source{}
	}
	for _, folder := range s.folders {
		if rel, err := filepath.Rel(folder, clean); err == nil && filepath.IsLocal(rel) {
			if foreign("/" + filepath.ToSlash(rel)) {
				return source{}
			}
			return source{s.shown(clean), s.file(clean)}
		}
	}
	if foreign(filepath.ToSlash(clean)) {
		return source{}
	}
	if filepath.IsAbs(clean) && isSource(clean) && s.file(clean) != "" {
		return source{s.shown(clean), clean}
	}
	if at := s.below(clean); at != "" {
		return source{s.shown(at), at}
	}
	return source{filepath.ToSlash(clean), ""}
}

// sourceSuffixes are those of languages that are compiled with DWARF.
const sourceSuffixes = " .rs .c .h .cc .cpp .cxx .c++ .hh .hpp .hxx .inc .inl .ipp .m .mm .s " +
	".asm .go .zig .swift .nim .d .v .odin .c3 .mbt .ml .hs .f .f90 .pas .adb .ads .cs .kt " +
	".jl .cr .ts .js .py .y .l .rl .pyx .gleam .vala .hare .wat "

// isSource reports whether a name is one of a source file. Pages show what is in files, and a
// component that is not trusted may name any file.
func isSource(name string) bool {
	suffix := strings.ToLower(filepath.Ext(name))
	return suffix != "" && strings.Contains(sourceSuffixes, " "+suffix+" ")
}

// below looks for the longest end of a path that is below a folder.
func (s *Sources) below(path string) string {
	rest := strings.TrimPrefix(path, filepath.VolumeName(path))
	for {
		_, after, more := strings.Cut(rest, string(filepath.Separator))
		if !more {
			after = rest
		}
		for _, folder := range s.folders {
			if at := filepath.Join(folder, after); filepath.IsLocal(after) && s.file(at) != "" {
				return at
			}
		}
		if !more {
			return ""
		}
		rest = after
	}
}

// maxDebug bounds the files with debug information that are read, in bytes.
const maxDebug = 1 << 30

// beside reads a file that a component names, which is below the component's folder: where the name
// says, or, of a URL or a path of another machine, where its last part does.
func beside(component, name string) ([]byte, error) {
	slashes := strings.ReplaceAll(name, `\`, "/")
	err := error(fs.ErrNotExist)
	for _, at := range []string{slashes, path.Base(slashes)} {
		at = filepath.FromSlash(at)
		if !filepath.IsLocal(at) {
			continue
		}
		var data []byte
		data, err = regular.ReadFile(filepath.Join(filepath.Dir(component), at), maxDebug)
		if !errors.Is(err, fs.ErrNotExist) {
			return data, regular.Reason(err)
		}
	}
	return nil, regular.Reason(err)
}

// file returns the path if a regular file is there, else "". Hidden ones, such as .env, hold other
// things than sources.
func (s *Sources) file(path string) string {
	if strings.HasPrefix(filepath.Base(path), ".") {
		return ""
	}
	if info, err := s.stat(path); err == nil && info.Mode().IsRegular() {
		return path
	}
	return ""
}

// shown returns a path as reports have it.
func (s *Sources) shown(path string) string {
	for i, folder := range s.folders {
		if i == 2 {
			break // that of a repository around the current folder
		}
		rel, err := filepath.Rel(folder, path)
		if err == nil && filepath.IsLocal(rel) && (i == 0 || sameFolder(folder, s.folders[0])) {
			return filepath.ToSlash(rel)
		}
	}
	return filepath.ToSlash(path)
}

func sameFolder(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// foreign reports whether a path is one where compilers and package managers keep the code of
// others, or code that they have generated.
func foreign(path string) bool {
	for _, part := range []string{
		"/rustc/", "/rust/deps/", "/.cargo/", "/.rustup/", "/registry/src/", "/rustlib/",
		"/pkg/mod/", "/usr/include/", "/usr/lib/", "/usr/local/", "/usr/share/", "/nix/store/",
		"/node_modules/", "/site-packages/", "/wasi-libc", "/wasi-sdk", "wasisdk:", "/emsdk/",
		"/emscripten/", "/tinygo/", "/compiler-rt/", "/vendor/", "/.zig-cache/", "/zig/lib/",
	} {
		if strings.Contains(path, part) {
			return true
		}
	}
	// What build scripts of cargo generate.
	_, after, ok := strings.Cut(path, "/target/")
	return ok && strings.Contains(after, "/build/") && strings.Contains(after, "/out/")
}
