package cmdline

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/internal/regular"
)

// Output adds a flag that names a file or folder that the command writes; "" for none.
func (f *Flags) Output(name string, into *string, text string, aliases ...string) {
	f.list = append(f.list, &cli.StringFlag{
		Category: f.group, Name: name, Aliases: aliases, Usage: text,
		Destination: into, Value: *into, TakesFile: true,
	})
}

// DistinctOutputs refuses two flags of [Flags.Output] that name the same file or folder, as one
// would overwrite what the other has written.
func DistinctOutputs(c *cli.Context) error {
	type output struct{ name, path string }
	var outputs []output
	for _, f := range c.Command.Flags {
		flag, ok := f.(*cli.StringFlag)
		if !ok || !flag.TakesFile || c.String(flag.Name) == "" {
			continue
		}
		path := c.String(flag.Name)
		for _, other := range outputs {
			if samePath(other.path, path) {
				return exit.Usagef("name a path of its own for each of the two flags",
					"%s and %s both write %s", Dashed(other.name), Dashed(flag.Name), path)
			}
		}
		outputs = append(outputs, output{flag.Name, path})
	}
	return nil
}

// samePath reports whether two paths lead to the same file or folder, which need not exist. Devices
// and pipes take what several flags write.
func samePath(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	if errA == nil && errB == nil {
		return os.SameFile(infoA, infoB) && (infoA.Mode().IsRegular() || infoA.IsDir())
	}
	return resolved(a) == resolved(b)
}

// resolved returns the absolute path of a file that need not exist, without links in its folder.
func resolved(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(dir, filepath.Base(path))
	}
	return filepath.Clean(path)
}

// Write writes the file that a flag names, unless path is "". The error names both.
func Write(flag, path string, content func(io.Writer) error) error {
	if path == "" {
		return nil
	}
	file, err := regular.Create(path, 0o666)
	if err == nil {
		err = errors.Join(content(file), file.Close())
	}
	if err != nil {
		return exit.Loadf(err, "", "--%s %s: %v", flag, path, regular.Reason(err))
	}
	return nil
}
