package cmd

import (
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/internal/interfaces"
	"github.com/wasihttp/wasihttp/internal/scaffold"
	"github.com/wasihttp/wasihttp/internal/term"
)

// witCommand describes "wasihttp wit".
func witCommand(t *state) *cli.Command {
	var dir, world string
	b := &cmdline.Flags{}
	b.Text("output", &dir, "", "write into `FOLDER`, which is created if needed", "o")
	b.Text("world", &world, "", "`VERSION` of WASI: 0.2, 0.3, or one such as 0.2.10 for tools "+
		"that accept that one alone (default: 0.2, 0.3 and drafts)")
	return command(&cli.Command{
		Name:      "wit",
		Usage:     "write the WIT of the interfaces that components find",
		UsageText: programName + " wit -o FOLDER [--world VERSION]",
		Description: "Writes the text of all interfaces of WASI 0.2 and 0.3 that components " +
			"find, and of the drafts,\ninto FOLDER/deps, and worlds for services (proxy for 0.2, " +
			"service for 0.3) into FOLDER/world.wit:\nthe layout that wit-bindgen, wasm-tools " +
			"and componentize tools read. A file that differs is not\noverwritten.\n\n" +
			cmdline.Examples(`
wasihttp wit -o wit                  all versions
wasihttp wit -o wit --world 0.2.10   0.2 under this number`),
		Flags: b.All(),
		Action: func(c *cli.Context) error {
			if err := cmdline.NoArguments(c); err != nil {
				return err
			}
			if dir == "" {
				return exit.Usagef("try: "+programName+" wit -o wit",
					"wit needs the folder to write to: -o FOLDER")
			}
			files, ok := interfaces.Provided(world)
			if !ok {
				return exit.Usagef("use 0.2, 0.3, or a version from "+interfaces.Range(),
					"there is no WASI %q here", world)
			}
			if err := scaffold.WriteWIT(dir, files); err != nil {
				return scaffoldError(err)
			}
			for _, f := range files {
				fmt.Fprintln(t.stdout, term.Clean(filepath.Join(dir, f.Path)))
			}
			return nil
		},
	})
}
