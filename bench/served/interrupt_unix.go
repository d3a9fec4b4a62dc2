//go:build unix

package served

import (
	"os"
	"syscall"
)

// attributes returns what the process needs so that interrupt reaches it alone.
func attributes() *syscall.SysProcAttr { return nil }

// interrupt asks a process to end, as Ctrl-C does.
func interrupt(p *os.Process) error { return p.Signal(os.Interrupt) }
