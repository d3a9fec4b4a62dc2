package served

import (
	"os"
	"syscall"
)

// attributes returns what the process needs so that interrupt reaches it alone.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// interrupt asks a process to end, as Ctrl-Break does. It must have the console of this one.
func interrupt(p *os.Process) error {
	event := syscall.NewLazyDLL("kernel32.dll").NewProc("GenerateConsoleCtrlEvent")
	if ok, _, err := event.Call(syscall.CTRL_BREAK_EVENT, uintptr(p.Pid)); ok == 0 {
		return err
	}
	return nil
}
