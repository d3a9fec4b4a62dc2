package loader

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/internal/units"
)

// Description is what serve prints about a component.
type Description struct {
	// File is the path as it was given.
	File string
	// Size is the file's, in bytes.
	Size int64
	// Digest is the first 8 hexadecimal digits of the file's SHA-256.
	Digest string
	// Kind is the version of WASI HTTP that the component implements: "0.2" or "0.3".
	Kind string
	// Compile is how long compiling took; FromCache says that it was not
	// needed.
	Compile   time.Duration
	FromCache bool
}

// Text describes the component on one line.
func (d Description) Text(out *term.Output) string {
	compiled := "compiled in " + units.Duration(d.Compile.Round(time.Millisecond))
	if d.FromCache {
		compiled = "from cache"
	}
	return fmt.Sprintf("%s %s", out.Strong(term.Clean(d.File)),
		out.Dim(fmt.Sprintf("%s, sha256 %s, wasi:http %s, %s", units.Size(d.Size), d.Digest, d.Kind,
			compiled)))
}

// Short describes the component at path and its build for a person; a Description of nothing says
// that it is not built yet.
func (d Description) Short(path string) (component, build []string) {
	if d.File == "" {
		return []string{path}, []string{"none yet"}
	}
	compiled := "compiled in " + units.Duration(d.Compile.Round(time.Millisecond))
	if d.FromCache {
		compiled = "from the cache"
	}
	return []string{d.File, units.Size(d.Size), "WASI HTTP " + d.Kind}, []string{d.Digest, compiled}
}

// JSON describes the component on one line of JSON, whose member names are an
// interface to other programs.
func (d Description) JSON() string {
	b, err := json.Marshal(struct {
		File      string  `json:"file"`
		Size      int64   `json:"size"`
		Digest    string  `json:"digest"`
		Kind      string  `json:"kind"`
		CompileMS float64 `json:"compile_ms"`
		FromCache bool    `json:"from_cache"`
	}{d.File, d.Size, d.Digest, d.Kind, float64(d.Compile.Microseconds()) / 1000, d.FromCache})
	if err != nil {
		// Strings and numbers always have a JSON form.
		panic(fmt.Sprintf("loader: description: %v", err))
	}
	return string(b)
}
