// Command wasihttp serves and tests WASI HTTP components.
package main

import (
	"os"

	"github.com/wasihttp/wasihttp/cmd"
)

func main() { os.Exit(cmd.Main()) }
