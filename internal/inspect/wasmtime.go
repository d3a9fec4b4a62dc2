package inspect

import (
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/term"
)

// wasmtimeSince is the first wasmtime that has WASI 0.3.0, without any flag for it.
const wasmtimeSince = "46"

// ReportWasmtime says how wasmtime runs the component.
type ReportWasmtime struct {
	// Command is the command of wasihttp that this stands for: serve or run.
	Command string `json:"command"`
	// Line is the command line; "" if wasmtime cannot run the component.
	Line string `json:"line,omitempty"`
	// Flags are those in the line, each with what needs it.
	Flags []ReportFlag `json:"flags,omitempty"`
	// Optional are flags that the component may need, since its language imports their interfaces
	// whether it uses them or not.
	Optional []ReportFlag `json:"optional,omitempty"`
	// Since is the first version of wasmtime that runs it; "" for all that are still supported.
	Since string `json:"since,omitempty"`
	// Missing are imports that wasmtime does not provide.
	Missing []string `json:"missing,omitempty"`
}

// ReportFlag is a flag and what of the component needs it.
type ReportFlag struct {
	Flag string   `json:"flag"`
	For  []string `json:"for"`
}

// servedByWasmtime are the interfaces that wasmtime serve provides without a flag, beside those of
// 0.3 that are not in withCLI.
var servedByWasmtime = []string{
	"wasi:io/error", "wasi:io/poll", "wasi:io/streams", "wasi:clocks/monotonic-clock",
	"wasi:clocks/wall-clock", "wasi:random/random", "wasi:cli/stdin", "wasi:cli/stdout",
	"wasi:cli/stderr", "wasi:http/types", "wasi:http/outgoing-handler",
}

// gatedByWasmtime are the flags for the gated parts of the component model.
var gatedByWasmtime = map[string]string{
	component.NeedsAsyncBuiltins: "-Wcomponent-model-more-async-builtins",
	component.NeedsStackfulAsync: "-Wcomponent-model-async-stackful",
	component.NeedsThreads:       "-Wcomponent-model-threading",
	component.NeedsErrorContext:  "-Wcomponent-model-error-context",
	component.NeedsFixedLists:    "-Wcomponent-model-fixed-length-lists",
	component.NeedsMaps:          "-Wcomponent-model-map",
	component.NeedsAttributes:    "-Wcomponent-model-implements",
}

// wasmtime returns how wasmtime does for the component what a command of wasihttp does.
func (f *File) wasmtime(command string) ReportWasmtime {
	r := ReportWasmtime{Command: command}
	export := f.Handler
	if command == "run" {
		export = f.Command
	}
	if _, version, _ := strings.Cut(export, "@"); isVersion(version, "0.3") {
		r.Since = wasmtimeSince
	}
	var flags, optional flagList
	for _, st := range f.Imports {
		base, version, _ := strings.Cut(st.Name, "@")
		if isVersion(version, "0.3") {
			r.Since = wasmtimeSince
		}
		flag, ok := wasmtimeFlag(base, version, command)
		switch {
		case !ok:
			r.Missing = append(r.Missing, st.Name)
			continue
		case flag != "":
			flags.add(flag, base)
		}
		if grant := wasmtimeGrant(base); grant == "" {
			continue
		} else if f.Producers.Toolchain().Runtime == "CPython" {
			optional.add(grant, base)
		} else {
			flags.add(grant, base)
		}
	}
	if r.Missing != nil {
		r.Since = ""
		return r
	}
	for _, need := range f.Component.Needs() {
		flags.add(gatedByWasmtime[need], need)
	}
	// An interface of 0.2 whose functions are not all stable.
	if strings.Contains(f.Component.WIT(), "network-error-code: func") {
		flags.add("-Snetwork-error-code", "wasi:sockets/network")
	}
	line := []string{"wasmtime", command}
	for _, flag := range flags {
		line = append(line, flag.Flag)
	}
	r.Flags, r.Optional = flags, optional
	r.Line = strings.Join(append(line, term.ShellPath(f.Path)), " ")
	return r
}

// wasmtimeFlag returns the flag that makes wasmtime provide an interface; "" if it needs none. It
// returns ok false for what wasmtime does not have.
func wasmtimeFlag(base, version, command string) (flag string, ok bool) {
	pkg, _, _ := strings.Cut(base, "/")
	switch {
	case base == "wasi:clocks/timezone", base == "wasi:http/incoming-handler",
		base == "wasi:http/handler":
		return "", false
	case pkg == "wasi:keyvalue":
		return "-Skeyvalue", version == "0.2.0-draft"
	case pkg == "wasi:config":
		return "-Sconfig", version == "0.2.0-rc.1"
	case !isReleased(base):
		return "", false
	case command == "run" && pkg == "wasi:http":
		return "-Shttp", true
	case command == "run", slices.Contains(servedByWasmtime, base):
		return "", true
	case isVersion(version, "0.3") && pkg != "wasi:filesystem" && pkg != "wasi:sockets":
		return "", true
	}
	return "-Scli", true
}

// wasmtimeGrant returns the flag without which calls of an interface are refused; "" for none.
func wasmtimeGrant(base string) string {
	switch base {
	case "wasi:sockets/tcp", "wasi:sockets/udp", "wasi:sockets/types":
		return "-Sinherit-network"
	case "wasi:sockets/ip-name-lookup":
		return "-Sallow-ip-name-lookup"
	}
	return ""
}

// flagList is a list of flags without repetitions.
type flagList []ReportFlag

// add adds a flag, or one more thing that needs it.
func (l *flagList) add(flag, reason string) {
	i := slices.IndexFunc(*l, func(f ReportFlag) bool { return f.Flag == flag })
	if i < 0 {
		i, *l = len(*l), append(*l, ReportFlag{Flag: flag})
	}
	if f := &(*l)[i]; !slices.Contains(f.For, reason) {
		f.For = append(f.For, reason)
	}
}
