package scaffold

import (
	"regexp"
	"strings"

	"github.com/wasihttp/wasihttp/internal/interfaces"
)

func rust() *Language {
	return &Language{
		Name: "rust", Title: "Rust", Worlds: []string{"0.2", "0.3"},
		About: "cargo, with the crate wstd, or wasip3 for WASI 0.3", Test: "cargo test",
		Tools: []Tool{cargo(), wasmTarget()},
		names: regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`),
		rule:  "it may have letters, digits, - and _, and does not begin with a digit",
		reserved: strings.Fields(`abstract as async await become box break const continue crate
			do dyn else enum extern false final fn for gen if impl in let loop macro match mod
			move mut override priv pub ref return self Self static struct super trait true try
			type typeof unsafe unsized use virtual where while yield
			alloc core proc_macro proc-macro std test wstd wasip3 _`),
		wit: func(string) []interfaces.File { return nil }, // the crates have it
	}
}

func js() *Language {
	return &Language{
		Name: "js", Title: "JavaScript", Worlds: []string{"0.2", "0.3"},
		About: "npm, with componentize-js, or componentize-qjs for WASI 0.3", Test: "npm test",
		Tools:  []Tool{npm()},
		layers: []string{"npm"},
		names:  regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`),
		rule: "it may have lower-case letters, digits, -, _ and ., and begins with a letter or " +
			"digit",
		reserved: []string{"node_modules", "favicon.ico"},
		wit:      npmWIT,
	}
}

func ts() *Language {
	l := js()
	l.Name, l.Title = "ts", "TypeScript"
	l.About = "npm, with tsc and componentize-js, or componentize-qjs for WASI 0.3"
	return l
}

// npmWIT returns the WIT under the numbers that the tools accept.
func npmWIT(world string) []interfaces.File {
	if world == "0.2" {
		return interfaces.World("0.2.10", service("wasi:http/proxy@0.2.10"))
	}
	return interfaces.World("0.3.0", handler("0.3.0"))
}

func python() *Language {
	return &Language{
		Name: "python", Title: "Python", Worlds: []string{"0.2", "0.3"},
		About: "componentize-py", Test: pythonName() + " -m unittest",
		Tools: []Tool{pythonTool()},
		names: regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`),
		rule: "it may have letters, digits, -, _ and ., and begins and ends with a letter or " +
			"digit",
		wit: func(world string) []interfaces.File {
			if world == "0.2" {
				return interfaces.World("0.2", service("wasi:http/proxy@"+interfaces.P2))
			}
			return interfaces.World("0.3.0", service("wasi:http/service@0.3.0"))
		},
	}
}

func golang() *Language {
	return &Language{
		Name: "go", Title: "Go", Worlds: []string{"0.2"},
		Lacks: map[string]string{"0.3": "the bindings for it need a runtime that Go does not " +
			"have yet (runtime.wasiOnIdle)"},
		About: "the standard toolchain, with wit-bindgen", Test: "make test",
		Tools: []Tool{goTool(), makeTool(), witBindgen(), wasmTools(), npm()},
		names: plainNames(), rule: plainRule,
		wit: proxyWIT,
	}
}

func c() *Language {
	return &Language{
		Name: "c", Title: "C", Worlds: []string{"0.2", "0.3"},
		About: "clang of wasi-sdk or of the system, with wit-bindgen", Test: "make test",
		Tools: []Tool{makeTool(), clang(), witBindgen(), wasmTools()},
		names: plainNames(), rule: plainRule,
		wit: proxyWIT,
	}
}

const plainRule = "it may have letters, digits, -, _ and ., and begins with a letter or digit"

func plainNames() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`) }

func proxyWIT(world string) []interfaces.File {
	if world == "0.3" {
		return interfaces.World("0.3.0", handler("0.3.0"))
	}
	return interfaces.World("0.2", service("wasi:http/proxy@"+interfaces.P2))
}

// service returns a world for a service that has all that one of WASI's worlds has.
func service(world string) string {
	return "\nworld app {\n  include " + world + ";\n}\n"
}

// handler returns a world of WASI 0.3 without imports of its own.
func handler(version string) string {
	return "\nworld app {\n  export wasi:http/handler@" + version + ";\n}\n"
}
