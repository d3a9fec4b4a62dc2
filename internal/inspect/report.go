package inspect

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
)

// Report describes a file. The names in JSON are kept stable for programs.
type Report struct {
	File      string          `json:"file"`
	Plugs     []string        `json:"plugs,omitempty"`
	Chain     []string        `json:"chain,omitempty"`
	Size      int             `json:"size"`
	SHA256    string          `json:"sha256,omitempty"`
	Kind      string          `json:"kind"`
	WASI      string          `json:"wasi_http,omitempty"` // "0.2" or "0.3"
	Toolchain ReportToolchain `json:"toolchain"`
	Producers ReportProducers `json:"producers"`
	Imports   []ReportImport  `json:"imports"`
	Exports   []string        `json:"exports"`
	WIT       string          `json:"wit,omitempty"`
	Verdict   ReportVerdict   `json:"verdict"`
	// Wasmtime says for each command of the verdict how wasmtime does the same. It is nil for
	// components that were put together, for which there is no file.
	Wasmtime []ReportWasmtime `json:"wasmtime,omitempty"`
}

type ReportToolchain struct {
	Language string `json:"language,omitempty"`
	Runtime  string `json:"runtime,omitempty"`
}

type ReportProducers struct {
	Language    []ReportProducer `json:"language"`
	ProcessedBy []ReportProducer `json:"processed_by"`
	SDK         []ReportProducer `json:"sdk"`
}

type ReportProducer struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

type ReportImport struct {
	Name       string          `json:"name"`
	Group      string          `json:"group"` // what it means for the user: files, sockets, …
	ProvidedBy string          `json:"provided_by,omitempty"`
	Problems   []ReportProblem `json:"problems,omitempty"`
}

type ReportProblem struct {
	Item   string `json:"item,omitempty"` // "" for the whole import
	Reason string `json:"reason"`
	// Needed lists what the component has of an import that is unknown as a whole.
	Needed []string `json:"needed,omitempty"`
}

// ReportVerdict names the commands that run the component, the usual one first and by itself, or
// says why there is none.
type ReportVerdict struct {
	OK       bool     `json:"ok"`
	Commands []string `json:"commands,omitempty"`
	Command  string   `json:"command,omitempty"`
	// Middleware reports that it can be put in front of another component.
	Middleware bool   `json:"middleware,omitempty"`
	Code       string `json:"code,omitempty"`
	Message    string `json:"message,omitempty"`
	Hint       string `json:"hint,omitempty"`
}

// NewReport describes the file.
func NewReport(f *File) *Report {
	r := &Report{
		File: f.Path, Plugs: f.Parts.Plugs, Chain: f.Parts.Chain, Size: len(f.Data),
		Kind: f.Kind.String(), WASI: f.WASI,
		Toolchain: ReportToolchain(f.Producers.Toolchain()),
		Producers: ReportProducers{
			Language:    reportedProducers(f.Producers.Language),
			ProcessedBy: reportedProducers(f.Producers.ProcessedBy),
			SDK:         reportedProducers(f.Producers.SDK),
		},
		Imports: []ReportImport{},
		Exports: []string{},
		Verdict: verdict(f),
	}
	if f.Data == nil {
		r.Kind = "" // the file was not read
	} else {
		sum := sha256.Sum256(f.Data)
		r.SHA256 = hex.EncodeToString(sum[:])
	}
	if f.Component != nil {
		r.Exports = append(r.Exports, f.Component.ExportNames()...)
		r.WIT = f.Component.WIT()
	}
	for _, st := range f.Imports {
		im := ReportImport{Name: st.Name, Group: groupOf(st), ProvidedBy: st.ProvidedBy}
		for _, p := range st.Problems {
			im.Problems = append(im.Problems,
				ReportProblem{Item: p.Item, Reason: p.Reason, Needed: p.Needed})
		}
		r.Imports = append(r.Imports, im)
	}
	if f.Parts.isAlone() {
		for _, command := range r.Verdict.Commands {
			r.Wasmtime = append(r.Wasmtime, f.wasmtime(command))
		}
	}
	return r
}

// verdict returns which commands run what was examined, or why none does.
func verdict(f *File) ReportVerdict {
	if d := f.Problem; d != nil {
		return ReportVerdict{Code: d.Code, Message: d.Message, Hint: d.Hint}
	}
	v := ReportVerdict{OK: true, Middleware: f.Middleware}
	if f.Handler != "" {
		v.Commands = append(v.Commands, "serve")
	}
	if f.Command != "" {
		v.Commands = append(v.Commands, "run")
	}
	v.Command = v.Commands[0]
	return v
}

func reportedProducers(list []Producer) []ReportProducer {
	out := make([]ReportProducer, len(list))
	for i, p := range list {
		out[i] = ReportProducer(p)
	}
	return out
}

// JSON writes the report for a program.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
