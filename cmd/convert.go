package cmd

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/cmd/internal/recording"
	"github.com/wasihttp/wasihttp/cmd/internal/values"
	"github.com/wasihttp/wasihttp/internal/record"
	"github.com/wasihttp/wasihttp/internal/term"
)

// convertCommand describes "wasihttp convert".
func convertCommand(t *state) *cli.Command {
	var (
		dir   string
		hosts cli.StringSlice
		style styleFlags
		force bool
	)
	b := &cmdline.Flags{}
	b.Text("output", &dir, "",
		"write the fixtures into the folder `PATH`, which is created if needed; or, if PATH ends "+
			"in .hurl, all of them into that file, as a session", "o")
	style.add(b)
	b.List("host", &hosts,
		"keep only requests to `HOST`: host or host:port (repeatable); with --base the default "+
			"is the host of the first request to this machine, or else of the first request")
	b.Toggle("force", &force, "overwrite files that exist")
	return command(&cli.Command{
		Name:      "convert",
		Usage:     "turn recorded traffic into fixtures",
		UsageText: programName + " convert -o PATH [flags] FILE...",
		Description: "Reads HTTP Archives (HAR 1.2, .har.zip), as browsers and other tools save " +
			"them, and\nthe JSON files of the wasi-testsuite for HTTP services, and writes " +
			"fixtures (.hurl): one for\neach exchange of an archive, and one for each test. " +
			"Secrets are found by their names, and their\nvalues are replaced in all files. " +
			"Warnings on stderr list what a fixture cannot express, and\nvalues that may be " +
			"secrets but were kept. Exits with 2 if nothing could be converted.\n\n" +
			cmdline.Examples(`
wasihttp convert session.har -o fixtures/                   write fixtures/0001-get-….hurl, …
wasihttp convert session.har -o fixtures/ --redact x-user   also replace the values of x-user
wasihttp convert session.har -o fixtures/ --base '{{base}}' keep only requests to one host
wasihttp convert session.har -o session.hurl                one file, with variables for tokens
wasihttp convert http-service.json -o fixtures/             write fixtures/http-service.hurl`),
		Flags: b.All(),
		Action: func(c *cli.Context) error {
			filter, err := style.filter()
			if err != nil {
				return err
			}
			o := record.ConvertOptions{
				Dir: dir, Force: force, Redact: style.redact.Value(), Base: style.base,
				AllHeaders: style.allHeaders, Pretty: style.pretty, Filter: filter,
				Hosts: values.HostForms(hosts.Value()),
				Wrote: func(path string) { fmt.Fprintln(t.stdout, term.Clean(path)) },
				Warn: func(path, text string) {
					if path != "" {
						text = path + ": " + text
					}
					label := t.stderr.Fair("warning:")
					fmt.Fprintf(t.stderr, "%s: %s %s\n", programName, label, term.Clean(text))
				},
			}
			if record.IsSession(dir) {
				o.Dir, o.Session = "", dir
			}
			switch {
			case c.NArg() == 0:
				return exit.Usagef("try: "+programName+" convert session.har -o fixtures/",
					"convert needs a FILE")
			case dir == "":
				return exit.Usagef("try: "+programName+" convert "+c.Args().First()+" -o fixtures/",
					"convert needs the folder or file to write to: -o PATH")
			}
			return recording.Failed(record.Convert(c.Args().Slice(), o))
		},
	})
}
