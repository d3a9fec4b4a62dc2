// Package scaffold writes new projects: for each language a small service with the files that
// people of that language expect, and the settings with which wasihttp builds, serves and tests it.
package scaffold

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/template"

	"github.com/wasihttp/wasihttp/internal/interfaces"
	"github.com/wasihttp/wasihttp/internal/packed"
	"github.com/wasihttp/wasihttp/internal/stable"
)

// archive has the folder templates. A test compares them, and writes it anew.
//
//go:embed templates.zip.gz
var archive []byte

// templates has a folder for what all projects have (common), for what those of a language have
// (rust), and for what those of a language and a version of WASI have (rust-0.2). Each file ends in
// .tmpl, so that none is taken for a file of this program.
var templates = sync.OnceValue(func() fs.FS { return packed.Open(archive) })

//go:embed versions.sh
var versions string

// Versions returns the versions of the tools and libraries of the templates, by name.
func Versions() map[string]string {
	list := map[string]string{}
	for line := range strings.Lines(versions) {
		line, _, _ = strings.Cut(line, "#")
		if name, version, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			list[name] = version
		}
	}
	return list
}

// Project is what a new project is made of.
type Project struct {
	Language *Language
	// World is the version of WASI: one of the language's worlds.
	World string
	// Dir is the folder to write, and Name the name that the project has in its build file.
	Dir, Name string
}

// Error is a request for a project that cannot be written, with the next step.
type Error struct{ Message, Hint string }

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Plan checks what was asked for: a language, a version of WASI ("" for the one that the tools of
// the language support best), and a path whose last element is the name of the project. Its error
// is an *Error.
func Plan(language, world, dir string) (*Project, error) {
	l := Find(language)
	if l == nil {
		return nil, &Error{fmt.Sprintf("unknown language %q", language),
			"choose one of " + strings.Join(Names(), ", ")}
	}
	if world == "" {
		world = l.Worlds[0]
	}
	if !slices.Contains(l.Worlds, world) {
		reason := l.Lacks[world]
		if reason == "" {
			reason = "there are 0.2 and 0.3"
		}
		return nil, &Error{fmt.Sprintf("cannot make a %s project for WASI %s: %s", l.Title, world,
			reason), "use --world " + l.Worlds[0]}
	}
	full, err := filepath.Abs(dir)
	if err != nil {
		return nil, &Error{err.Error(), "name a folder for the project"}
	}
	name := filepath.Base(full)
	if reason := l.invalid(name); reason != "" {
		hint := "use lower-case letters, digits and dashes"
		if better := suggestion(name); better != name && l.invalid(better) == "" {
			hint = "for example " + better
		}
		return nil, &Error{fmt.Sprintf("%q cannot be the name of a %s project: %s", name, l.Title,
			reason), hint}
	}
	return &Project{Language: l, World: world, Dir: dir, Name: name}, nil
}

// File is a file of a project.
type File struct {
	// Path is slash-separated, below the folder of the project.
	Path string
	Data []byte
}

// Files returns the files of the project, in order.
func (p *Project) Files() ([]File, error) {
	files := map[string][]byte{}
	name := p.Language.Name
	layers := append([]string{"common"}, p.Language.layers...)
	for _, layer := range append(layers, name, name+"-"+p.World) {
		if err := p.layer(files, layer); err != nil {
			return nil, err
		}
	}
	if wit := p.Language.wit(p.World); wit != nil {
		for _, f := range wit {
			files["wit/"+f.Path] = f.Data
		}
	}
	var list []File
	for name, data := range files {
		list = append(list, File{name, data})
	}
	stable.Sort(list, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return list, nil
}

// layer adds the files of a folder of templates, if there is one.
func (p *Project) layer(files map[string][]byte, dir string) error {
	return fs.WalkDir(templates(), dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && name == dir:
			return fs.SkipAll
		case err != nil || d.IsDir():
			return err
		}
		text, err := fs.ReadFile(templates(), name)
		if err != nil {
			return err
		}
		t, err := template.New(name).Delims("<%", "%>").Option("missingkey=error").
			Parse(string(text))
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if err := t.Execute(&b, p.data()); err != nil {
			return err
		}
		files[strings.TrimSuffix(strings.TrimPrefix(name, dir+"/"), ".tmpl")] = b.Bytes()
		return nil
	})
}

// data is what templates can use.
func (p *Project) data() map[string]any {
	return map[string]any{
		"Name": p.Name, "World": p.World, "Language": p.Language, "Versions": Versions(),
		"Python": pythonName(),
		// Ident is the name as an identifier.
		"Ident": strings.NewReplacer("-", "_", ".", "_", "~", "_").Replace(p.Name),
	}
}

// Write writes the project into its folder, which must not exist, or be empty but for a folder
// .git. It overwrites nothing, and leaves nothing behind if it fails. The error is an *Error if the
// folder is in use.
func (p *Project) Write() error {
	files, err := p.Files()
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(p.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &Error{fmt.Sprintf("cannot write %s: %v", p.Dir, reason(err)),
			"choose another name"}
	}
	for _, e := range entries {
		if e.Name() != ".git" {
			return &Error{fmt.Sprintf("%s is not empty: it has %s", p.Dir, e.Name()),
				"choose another name, or a folder that is empty; nothing is overwritten"}
		}
	}
	var w writer
	for _, f := range files {
		if err := w.write(filepath.Join(p.Dir, filepath.FromSlash(f.Path)), f.Data); err != nil {
			w.undo()
			return err
		}
	}
	return nil
}

// writer creates files and remembers them.
type writer struct{ made []string }

// write creates a file, which must not exist, and the folders that it is in.
func (w *writer) write(name string, data []byte) error {
	if err := w.folder(filepath.Dir(name)); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	w.made = append(w.made, name)
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

func (w *writer) folder(name string) error {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return nil
	}
	if parent := filepath.Dir(name); parent != name {
		if err := w.folder(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(name, 0o755); err != nil {
		return err
	}
	w.made = append(w.made, name)
	return nil
}

// undo removes what was made, the last first.
func (w *writer) undo() {
	for _, name := range slices.Backward(w.made) {
		_ = os.Remove(name) // the first error is reported
	}
}

// WriteWIT writes files of WIT into a folder. A file that is there already with the same contents
// stays; one with other contents is an *Error, and nothing is written then.
func WriteWIT(dir string, files []interfaces.File) error {
	var missing []interfaces.File
	for _, f := range files {
		name := filepath.Join(dir, filepath.FromSlash(f.Path))
		old, err := os.ReadFile(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, f)
		case err != nil:
			return &Error{fmt.Sprintf("cannot write %s: %v", name, reason(err)),
				"name another folder"}
		case !bytes.Equal(old, f.Data):
			return &Error{fmt.Sprintf("%s exists and differs", name),
				"remove it, or name another folder; nothing is overwritten"}
		}
	}
	var w writer
	for _, f := range missing {
		if err := w.write(filepath.Join(dir, filepath.FromSlash(f.Path)), f.Data); err != nil {
			w.undo()
			return err
		}
	}
	return nil
}

// reason returns what the system says, without the call and the path.
func reason(err error) error {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}
