package load

import (
	"os"
	"runtime"
	"strings"
)

// Machine is where something was measured.
type Machine struct {
	// Host is the name of the machine; "" if the system does not say.
	Host string `json:"host"`
	OS   string `json:"os"`
	Arch string `json:"arch"`
	// CPU is the name of the processors; "" if it is not known.
	CPU string `json:"cpu"`
	// Processors is how many of them the program uses at once.
	Processors int `json:"processors"`
}

// ThisMachine returns the machine of this process.
func ThisMachine() Machine {
	host, err := os.Hostname()
	if err != nil {
		host = ""
	}
	return Machine{
		Host: host, OS: runtime.GOOS, Arch: runtime.GOARCH, CPU: processorName(),
		Processors: runtime.GOMAXPROCS(0),
	}
}

// processorsFile describes the processors on Linux.
const processorsFile = "/proc/cpuinfo"

// processorName returns the name of the processors; "" where the system has no file that says it.
func processorName() string {
	text, err := os.ReadFile(processorsFile)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		if strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
