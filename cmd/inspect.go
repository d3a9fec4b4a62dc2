package cmd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/term"
)

// inspect writes what the component in the file at path is and needs. The error says why no command can run it; what is known of it is
// written nevertheless.
func inspect(ctx context.Context, path string, asJSON bool, out *term.Output) error {
	x := examine(path, newLinker()).checkCode(ctx)
	r := newReport(x)
	var err error
	if asJSON {
		err = r.json(out)
	} else if x.Data != nil {
		err = r.text(out)
	}
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if x.Problem != nil {
		return x.Problem.err()
	}
	return nil
}

// report is what inspect tells of a file. The names in JSON are kept stable for programs.
type report struct {
	File      string          `json:"file"`
	Size      int             `json:"size"`
	SHA256    string          `json:"sha256,omitempty"`
	Kind      string          `json:"kind"`
	WASI      string          `json:"wasi_http,omitempty"` // "0.2" or "0.3"
	Toolchain reportToolchain `json:"toolchain"`
	Producers reportProducers `json:"producers"`
	Imports   []reportImport  `json:"imports"`
	Exports   []string        `json:"exports"`
	WIT       string          `json:"wit,omitempty"`
	Verdict   reportVerdict   `json:"verdict"`
}

type reportToolchain struct {
	Language string `json:"language,omitempty"`
	Runtime  string `json:"runtime,omitempty"`
}

type reportProducers struct {
	Language    []reportProducer `json:"language"`
	ProcessedBy []reportProducer `json:"processed_by"`
	SDK         []reportProducer `json:"sdk"`
}

type reportProducer struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

type reportImport struct {
	Name       string          `json:"name"`
	ProvidedBy string          `json:"provided_by,omitempty"`
	Problems   []reportProblem `json:"problems,omitempty"`
}

type reportProblem struct {
	Item   string   `json:"item,omitempty"` // "" for the whole import
	Reason string   `json:"reason"`
	Needed []string `json:"needed,omitempty"` // what the component has of an import that is unknown as a whole
}

// reportVerdict names the commands that run the component, the usual one first and by itself, or says why there is none.
type reportVerdict struct {
	OK       bool     `json:"ok"`
	Commands []string `json:"commands,omitempty"`
	Command  string   `json:"command,omitempty"`
	Code     string   `json:"code,omitempty"`
	Message  string   `json:"message,omitempty"`
	Hint     string   `json:"hint,omitempty"`
}

func newReport(x *examined) *report {
	tc := x.Producers.Toolchain()
	r := &report{
		File: x.Path, Size: len(x.Data), Kind: x.Kind.String(), WASI: x.WASI,
		Toolchain: reportToolchain{Language: tc.Language, Runtime: tc.Runtime},
		Producers: reportProducers{
			Language:    reportedProducers(x.Producers.Language),
			ProcessedBy: reportedProducers(x.Producers.ProcessedBy),
			SDK:         reportedProducers(x.Producers.SDK),
		},
		Imports: []reportImport{},
		Exports: []string{},
		Verdict: verdict(x),
	}
	if x.Data == nil {
		r.Kind = "" // nobody has seen the file
	} else {
		sum := sha256.Sum256(x.Data)
		r.SHA256 = hex.EncodeToString(sum[:])
	}
	if x.Component != nil {
		r.Exports = append(r.Exports, x.Component.ExportNames()...)
		r.WIT = x.Component.WIT()
	}
	for _, st := range x.Imports {
		im := reportImport{Name: st.Name, ProvidedBy: st.ProvidedBy}
		for _, p := range st.Problems {
			im.Problems = append(im.Problems, reportProblem{Item: p.Item, Reason: p.Reason, Needed: p.Needed})
		}
		r.Imports = append(r.Imports, im)
	}
	return r
}

// verdict says which commands run what was examined, or why none does.
func verdict(x *examined) reportVerdict {
	if d := x.Problem; d != nil {
		return reportVerdict{Code: d.Code, Message: d.Message, Hint: d.Hint}
	}
	v := reportVerdict{OK: true}
	if x.Handler != "" {
		v.Commands = append(v.Commands, "serve")
	}
	if x.Command != "" {
		v.Commands = append(v.Commands, runName)
	}
	v.Command = v.Commands[0]
	return v
}

func reportedProducers(list []component.Producer) []reportProducer {
	out := make([]reportProducer, len(list))
	for i, p := range list {
		out[i] = reportProducer(p)
	}
	return out
}

func (r *report) json(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// text writes the report for a person. The verdict on what cannot be run is left to the error message.
func (r *report) text(out *term.Output) error {
	var b strings.Builder
	fmt.Fprintln(&b, out.Strong(term.Clean(r.File)))
	for _, row := range r.summary() {
		fmt.Fprintf(&b, "  %s %s\n", out.Dim(fmt.Sprintf("%-9s", row[0])), row[1])
	}
	if r.WIT != "" {
		fmt.Fprintf(&b, "\n%s\n%s", out.Strong("World"), indentLines(styleWIT(out, r.WIT)))
	}
	if len(r.Imports) > 0 {
		fmt.Fprintf(&b, "\n%s\n", out.Strong("Imports"))
		r.importTable(&b, out)
	}
	if r.Verdict.OK {
		b.WriteByte('\n')
	}
	for _, command := range r.Verdict.Commands {
		fmt.Fprintf(&b, "%s %s\n", out.Good(term.SymbolGood), canBe(command)+": "+out.Strong(programName+" "+command+" "+term.Clean(shellWord(r.File))))
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// canBe says what a command does with a component.
func canBe(command string) string {
	if command == runName {
		return "can be run"
	}
	return "can be served"
}

// summary gives the rows at the head of the report.
func (r *report) summary() [][2]string {
	kind := r.Kind
	if r.WASI != "" {
		kind += ", WASI HTTP " + r.WASI
	}
	rows := [][2]string{
		{"kind", kind},
		{"size", byteCount(r.Size)},
		{"digest", r.SHA256[:8]},
	}
	tc := component.Toolchain(r.Toolchain).String()
	if tc != "" {
		rows = append(rows, [2]string{"language", term.Clean(tc)})
	}
	label := "tools"
	for _, tool := range foldVersions(slices.Concat(r.Producers.ProcessedBy, r.Producers.SDK)) {
		rows = append(rows, [2]string{label, term.Clean(tool)})
		label = ""
	}
	return rows
}

// foldVersions gives each tool once, with all its versions.
func foldVersions(list []reportProducer) []string {
	var out []string
	at := map[string]int{}
	for _, p := range list {
		i, ok := at[p.Name]
		switch {
		case !ok:
			at[p.Name] = len(out)
			out = append(out, strings.TrimSpace(p.Name+" "+p.Version))
		case p.Version != "":
			out[i] += ", " + p.Version
		}
	}
	return out
}

// importTable writes a line for each import, and one for each thing that is wrong with it.
func (r *report) importTable(b *strings.Builder, out *term.Output) {
	width := 0
	for _, im := range r.Imports {
		width = max(width, len(im.Name))
	}
	for _, im := range r.Imports {
		name := fmt.Sprintf("%-*s", width, term.Clean(im.Name))
		switch {
		case len(im.Problems) == 0 && (im.ProvidedBy == im.Name || im.ProvidedBy == ""):
			fmt.Fprintf(b, "  %s %s  %s\n", out.Good(term.SymbolGood), name, out.Dim("provided"))
		case len(im.Problems) == 0:
			fmt.Fprintf(b, "  %s %s  %s\n", out.Good(term.SymbolGood), name, out.Dim("provided by "+versionOr(im.ProvidedBy)))
		case len(im.Problems) == 1 && im.Problems[0].Item == "":
			fmt.Fprintf(b, "  %s %s  %s\n", out.Bad(term.SymbolBad), name, out.Bad(term.Clean(im.Problems[0].Reason)))
			for _, item := range im.Problems[0].Needed {
				fmt.Fprintf(b, "      %s\n", term.Clean(item))
			}
		default:
			fmt.Fprintf(b, "  %s %s  %s\n", out.Bad(term.SymbolBad), name, out.Dim("provided by "+versionOr(im.ProvidedBy)+", but not all of it"))
			for _, p := range im.Problems {
				fmt.Fprintf(b, "      %s: %s\n", term.Clean(p.Item), out.Bad(term.Clean(p.Reason)))
			}
		}
	}
}

// versionOr shortens an interface name to its version where it has one.
func versionOr(name string) string {
	if _, version, ok := strings.Cut(name, "@"); ok {
		return version
	}
	return name
}

// byteCount writes a size for people, in bytes and in the unit that fits.
func byteCount(n int) string {
	if n < 1000 {
		return fileSize(int64(n))
	}
	return fmt.Sprintf("%d bytes (%s)", n, fileSize(int64(n)))
}

// styleWIT dims the words of the language so that the names stand out.
func styleWIT(out *term.Output, wit string) string {
	if !out.Colour() {
		return wit
	}
	lines := strings.Split(wit, "\n")
	for i, line := range lines {
		body := strings.TrimLeft(line, " ")
		indent := line[:len(line)-len(body)]
		first, rest, ok := strings.Cut(body, " ")
		switch {
		case strings.HasPrefix(body, "//"):
			lines[i] = indent + out.Dim(body)
		case ok && isWITKeyword(first):
			end := strings.IndexAny(rest, " ;")
			if end < 0 {
				end = len(rest)
			}
			lines[i] = indent + out.Dim(first) + " " + out.Link(rest[:end]) + rest[end:]
		}
	}
	return strings.Join(lines, "\n")
}

func isWITKeyword(word string) bool {
	switch word {
	case "package", "world", "import", "export", "interface", "use", "resource", "record", "variant", "enum", "flags", "type":
		return true
	}
	return false
}

// indentLines indents all lines that are not empty.
func indentLines(text string) string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range lines {
		if line != "" {
			lines[i] = "  " + line
		}
	}
	return strings.Join(lines, "\n") + "\n"
}
