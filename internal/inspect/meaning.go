package inspect

import (
	"strings"

	"github.com/wasihttp/wasihttp/component"
)

// The groups of imports, by what they mean for the person who runs the component. The names are
// those in JSON.
const (
	groupMissing     = "missing"
	groupHTTP        = "http"
	groupRequests    = "requests"
	groupFiles       = "files"
	groupSockets     = "sockets"
	groupEnvironment = "environment"
	groupConfig      = "config"
	groupKeyValue    = "keyvalue"
	groupSystem      = "system"
	groupOther       = "other"
)

// meaning says what a group of imports means.
type meaning struct{ group, heading, note string }

// meanings returns the groups, in the order of reports.
func meanings() []meaning {
	return []meaning{
		{groupMissing, "Not provided", ""},
		{groupRequests, "Requests to other servers",
			"all are allowed: --allow-outbound HOST and --no-outbound restrict them"},
		{groupFiles, "Files", "none are there: --dir HOST::GUEST gives it folders"},
		{groupSockets, "Sockets", "calls are refused: --allow-net PATTERN allows them"},
		{groupKeyValue, "Key-value data", "kept in memory: --keyvalue FILE keeps them"},
		{groupConfig, "Configuration", "--config-var KEY=VALUE sets values"},
		{groupEnvironment, "Environment", "--env NAME=VALUE sets a variable"},
		{groupHTTP, "HTTP", ""},
		{groupSystem, "Clocks, random numbers, streams", ""},
		{groupOther, "Others", ""},
	}
}

// groupOf returns the group of an import.
func groupOf(st component.ImportStatus) string {
	if len(st.Problems) > 0 {
		return groupMissing
	}
	base, _, _ := strings.Cut(st.Name, "@")
	switch base {
	case "wasi:http/outgoing-handler", "wasi:http/client":
		return groupRequests
	case "wasi:cli/environment":
		return groupEnvironment
	}
	switch pkg, _, _ := strings.Cut(base, "/"); pkg {
	case "wasi:http":
		return groupHTTP
	case "wasi:filesystem":
		return groupFiles
	case "wasi:sockets":
		return groupSockets
	case "wasi:keyvalue":
		return groupKeyValue
	case "wasi:config":
		return groupConfig
	case "wasi:cli", "wasi:io", "wasi:clocks", "wasi:random", "wasi:logging",
		"wasi:otel":
		return groupSystem
	}
	return groupOther
}
