package cmd

import (
	"cmp"
	"runtime"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/benching"
	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/config"
	"github.com/wasihttp/wasihttp/cmd/internal/version"
	"github.com/wasihttp/wasihttp/testrunner"
)

// benchCommand describes "wasihttp bench".
func benchCommand(st *state, d doors) *cli.Command {
	flags, own := newTestFlags(), benching.NewFlags(runtime.GOMAXPROCS(0))
	flags.isolate.Value = string(testrunner.IsolateFile)
	shared := &cmdline.Flags{}
	shared.Pick(flags.all(), benching.Shared()...)
	return config.Attach(command(&cli.Command{
		Name:        "bench",
		Usage:       "replay fixtures as load and measure it",
		UsageText:   programName + " bench [flags] [PATH…]",
		Description: benching.Description + cmdline.Examples(benching.Examples),
		Flags:       append(own.All(), shared.All()...),
		Action: func(c *cli.Context) error {
			s, err := flags.settings(st, c)
			if err != nil {
				return err
			}
			b, err := own.Bench(s.suite, s.load.CAFiles)
			if err != nil {
				return err
			}
			b.Component = cmp.Or(flags.component, s.component)
			b.Program = version.Of(programName, version.Build()).Version
			st.orderly.Store(true)
			if err := s.buildFirst(c.Context, st, d); err != nil {
				return err
			}
			s.suite.Host = s.host(st, d)
			defer holdBallast(startBallast + serveBallast)()
			return s.guest.reported(b.Run(c.Context))
		},
	}), "test", st.dir)
}
