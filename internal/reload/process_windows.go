package reload

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// process is a command with all the processes that it starts. They are a job, which the system ends
// when its only handle is closed: by this process, or by the system when this process has ended, in
// whatever way.
type process struct {
	cmd    *exec.Cmd
	job    windows.Handle
	exited chan error // gets one value when the command has ended; nil after that
	ended  chan struct{}
}

// startProcess runs the command in a shell. The shell takes much longer to start its first process
// than this function to put it into the job.
func startProcess(
	guard guardFunc, command string, env []string, out *os.File,
) (*process, error) {
	job, err := newJob()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("cmd.exe")
	cmd.Dir = guard(command).Dir
	cmd.SysProcAttr = &syscall.SysProcAttr{
		// The shell gets the command unchanged: its quoting differs from that of other programs.
		CmdLine:       `cmd.exe /S /C "` + command + `"`,
		CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP,
	}
	cmd.Env = append(cmd.Environ(), env...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, windows.CloseHandle(job))
	}
	if err := addToJob(job, cmd.Process.Pid); err != nil {
		return nil, errors.Join(err, cmd.Process.Kill(), windows.CloseHandle(job), cmd.Wait())
	}
	p := &process{cmd: cmd, job: job, exited: make(chan error, 1), ended: make(chan struct{})}
	exited := p.exited
	go func() {
		exited <- cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// newJob returns a job that ends with its last handle.
func newJob() (windows.Handle, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0, err
	}
	info := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{}
	info.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	if err != nil {
		return 0, errors.Join(err, windows.CloseHandle(job))
	}
	return job, nil
}

func addToJob(job windows.Handle, pid int) error {
	const access = windows.PROCESS_SET_QUOTA | windows.PROCESS_TERMINATE
	process, err := windows.OpenProcess(access, false, uint32(pid))
	if err != nil {
		return err
	}
	return errors.Join(windows.AssignProcessToJobObject(job, process), windows.CloseHandle(process))
}

// kill ends the job at once, for Windows has no signal that asks its processes to end, and waits
// for the shell. nil is allowed.
func (p *process) kill() {
	if p == nil {
		return
	}
	_ = windows.CloseHandle(p.job)
	<-p.ended
}

// Guard is not needed on Windows.
func Guard(string, io.Reader, func()) error { return errors.ErrUnsupported }
