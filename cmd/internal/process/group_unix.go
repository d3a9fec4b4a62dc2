//go:build unix

package process

import (
	"os/exec"
	"syscall"
)

// ownGroup makes the command the leader of a process group, which Ctrl-C does not reach.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
