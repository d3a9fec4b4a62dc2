package cmd

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// shellCommand hands the command to cmd.exe as it is: its quoting is not that
// of other programs.
func shellCommand(command string) *exec.Cmd {
	cmd := exec.Command("cmd.exe")
	cmd.SysProcAttr = &syscall.SysProcAttr{CmdLine: `cmd.exe /S /C "` + command + `"`}
	return cmd
}

func ownGroup(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	cmd.SysProcAttr.CreationFlags |= syscall.CREATE_NEW_PROCESS_GROUP
}

// Windows has no signal that asks a group to end: it is ended at once, with the
// processes that are its children at that moment.
func interruptGroup(p *os.Process) { killGroup(p) }

func killGroup(p *os.Process) {
	if exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(p.Pid)).Run() != nil {
		_ = p.Kill() // it may have ended
	}
}
