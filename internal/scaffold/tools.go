package scaffold

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/wasihttp/wasihttp/internal/regular"
)

// Tool is a program, or a part of one, that building a project needs.
type Tool struct {
	Name string
	// Install is a command that installs it.
	Install string
	// found reports whether it is there.
	found func(getenv Getenv) bool
}

// Getenv returns a variable of the environment; "" if it is not set.
type Getenv = func(name string) string

// Missing returns the tools of the language that are not installed here.
func (l *Language) Missing(getenv Getenv) []Tool {
	var missing []Tool
	for _, t := range l.Tools {
		if !t.found(getenv) {
			missing = append(missing, t)
		}
	}
	return missing
}

// perSystem returns the command of the system that this program runs on.
func perSystem(linux, mac, windows string) string {
	switch runtime.GOOS {
	case "darwin":
		return mac
	case "windows":
		return windows
	}
	return linux
}

// npm comes with Node.
func npm() Tool {
	return Tool{Name: "npm", found: inPath("npm"), Install: perSystem(
		"sudo apt-get install nodejs npm", "brew install node",
		"winget install OpenJS.NodeJS.LTS")}
}

// pythonName returns how Python is called here.
func pythonName() string { return perSystem("python3", "python3", "python") }

func pythonTool() Tool {
	return Tool{
		Name: pythonName(),
		Install: perSystem("sudo apt-get install python3 python3-venv", "brew install python",
			"winget install Python.Python.3.13"),
		found: func(Getenv) bool {
			// Debian has the module that makes environments in a package of its own.
			return exec.Command(pythonName(), "-c", "import ensurepip, venv").Run() == nil
		},
	}
}

func goTool() Tool {
	return Tool{Name: "go", found: inPath("go"), Install: perSystem(
		"sudo snap install go --classic", "brew install go", "winget install GoLang.Go")}
}

func makeTool() Tool {
	return Tool{Name: "make", found: inPath("make"), Install: perSystem(
		"sudo apt-get install make", "xcode-select --install", "winget install ezwinports.make")}
}

// witBindgen is the generator of bindings.
func witBindgen() Tool {
	return Tool{
		Name: "wit-bindgen", found: inPath("wit-bindgen"),
		Install: "cargo install --locked wit-bindgen-cli@" + Versions()["wit_bindgen"] +
			" --no-default-features --features c,go",
	}
}

func wasmTools() Tool {
	return Tool{
		Name: "wasm-tools", found: inPath("wasm-tools"),
		Install: "cargo install --locked wasm-tools@" + Versions()["wasm_tools_crate"],
	}
}

// clang is a compiler with a libc for WASI: that of wasi-sdk, or the one that WASM_CC names.
func clang() Tool {
	return Tool{
		Name: "clang", Install: perSystem(
			"sudo apt-get install clang lld wasi-libc libclang-rt-dev-wasm32",
			"brew install llvm lld wasi-libc wasi-runtimes",
			"install wasi-sdk, https://github.com/WebAssembly/wasi-sdk/releases, and set "+
				"WASI_SDK_PATH"),
		found: func(getenv Getenv) bool {
			if getenv("WASM_CC") != "" || inPath("clang")(getenv) {
				return true
			}
			sdk := cmp.Or(getenv("WASI_SDK_PATH"), "/opt/wasi-sdk")
			_, err := os.Stat(filepath.Join(sdk, "bin", "clang"))
			return err == nil
		},
	}
}

// inPath reports whether a program is in the PATH.
func inPath(name string) func(Getenv) bool {
	return func(Getenv) bool {
		_, err := exec.LookPath(name)
		return err == nil
	}
}

func cargo() Tool {
	const script = "curl -sSf https://sh.rustup.rs | sh"
	return Tool{
		Name: "cargo", found: inPath("cargo"),
		Install: perSystem(script, script, "winget install Rustlang.Rustup"),
	}
}

// wasmTarget is the standard library of Rust for components.
func wasmTarget() Tool {
	return Tool{
		Name: "Rust's target wasm32-wasip2", Install: "rustup target add wasm32-wasip2",
		found: func(Getenv) bool {
			out, err := exec.Command("rustc", "--print", "target-libdir",
				"--target", "wasm32-wasip2").Output()
			if err != nil {
				return false
			}
			libs, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "libstd-*"))
			return err == nil && len(libs) > 0
		},
	}
}

// Hint returns how to install a program that a build command needs and that is not here, or "". It
// looks for the names of the tools in the command, and in the Makefile of the folder dir if the
// command is make.
func Hint(command, dir string, getenv Getenv) string {
	text := command
	if named("make", command) {
		// A file that cannot be read names nothing.
		makefile, _ := regular.ReadFile(filepath.Join(dir, "Makefile"), 1<<20)
		text += "\n" + string(makefile)
	}
	for _, l := range Languages() {
		for _, t := range l.Tools {
			_, name, isPart := strings.Cut(t.Name, " target ")
			if !isPart {
				name = t.Name
			}
			if named(name, text) && !t.found(getenv) {
				return t.Name + " is not installed: " + t.Install
			}
		}
	}
	return ""
}

// named reports whether a text has the name of a tool as a word.
func named(name, text string) bool {
	return regexp.MustCompile(`(^|[\s=;&|(])` + regexp.QuoteMeta(name) + `($|[\s;&|)])`).
		MatchString(text)
}
