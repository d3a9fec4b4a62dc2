package inspect

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/internal/units"
)

// Text writes the report for a person: first the verdict, with wit last the whole world of the
// component. Why it cannot be run is left to the error message.
func (r *Report) Text(out *term.Output, wit bool) error {
	var b strings.Builder
	fmt.Fprintln(&b, out.Strong(term.Clean(r.File)))
	r.verdictLines(&b, out)
	b.WriteByte('\n')
	for _, row := range r.summary() {
		fmt.Fprintf(&b, "  %s %s\n", out.Dim(fmt.Sprintf("%-9s", row[0])), term.Clean(row[1]))
	}
	r.importGroups(&b, out)
	switch {
	case r.WIT != "" && wit:
		fmt.Fprintf(&b, "\n%s\n%s", out.Strong("World"),
			indentLines(styleWIT(out, term.CleanLines(r.WIT))))
	case r.WIT != "":
		fmt.Fprintf(&b, "\n%s\n", out.Dim("--wit prints its world in full, as WIT"))
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// verdictLines writes which commands run the component, here and with wasmtime.
func (r *Report) verdictLines(b *strings.Builder, out *term.Output) {
	if !r.Verdict.OK {
		fmt.Fprintf(b, "%s %s\n", out.Bad(term.SymbolBad), "cannot be run here")
		return
	}
	for i, command := range r.Verdict.Commands {
		fmt.Fprintf(b, "%s %s\n", out.Good(term.SymbolGood),
			canBe(command)+": "+
				out.Strong(r.commandLine(command)))
		if i < len(r.Wasmtime) {
			r.Wasmtime[i].lines(b, out)
		}
	}
	if r.Verdict.Middleware {
		fmt.Fprintf(b, "%s %s\n", out.Fair(term.SymbolItem), term.Clean(ChainHint(r.File)))
	}
}

// lines writes the command line of wasmtime, or why there is none.
func (w *ReportWasmtime) lines(b *strings.Builder, out *term.Output) {
	if w.Line == "" {
		fmt.Fprintf(b, "  %s\n", out.Dim("not with wasmtime, which does not provide "+
			term.Clean(enumeration(w.Missing, 3))))
		return
	}
	since := ""
	if w.Since != "" {
		since = out.Dim("  (" + w.Since + " or newer)")
	}
	fmt.Fprintf(b, "  with wasmtime: %s%s\n", term.Clean(w.Line), since)
	for _, flag := range w.Optional {
		fmt.Fprintf(b, "  %s\n", out.Dim("if it uses "+enumeration(flag.For, 3)+": "+flag.Flag))
	}
}

// commandLine returns the line that runs the component with a command. Flags come first: what
// follows the component of run is the component's.
func (r *Report) commandLine(command string) string {
	flags := Parts{Plugs: r.Plugs, Chain: r.Chain}.Flags()
	return programName + " " + command + term.Clean(flags+" "+term.ShellPath(r.File))
}

// canBe says what a command does with a component.
func canBe(command string) string {
	if command == "run" {
		return "can be run"
	}
	return "can be served"
}

// summary returns the rows at the head of the report.
func (r *Report) summary() [][2]string {
	kind := r.Kind
	if r.WASI != "" {
		kind += ", WASI HTTP " + r.WASI
	}
	rows := [][2]string{
		{"kind", kind},
		{"size", byteCount(r.Size)},
		{"digest", r.SHA256[:8]},
	}
	for i, export := range r.Exports {
		label := ""
		if i == 0 {
			label = "exports"
		}
		rows = append(rows, [2]string{label, export})
	}
	tc := Toolchain(r.Toolchain).String()
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

// foldVersions returns each tool once, with all its versions.
func foldVersions(list []ReportProducer) []string {
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

// importGroups writes the imports, grouped by what they mean.
func (r *Report) importGroups(b *strings.Builder, out *term.Output) {
	if len(r.Imports) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", out.Strong("Imports"))
	width := 0
	for _, im := range r.Imports {
		width = max(width, len(im.Name))
	}
	for _, m := range meanings() {
		first := true
		for _, im := range r.Imports {
			if im.Group != m.group {
				continue
			}
			if first {
				heading := out.Strong(m.heading)
				if m.note != "" {
					heading += out.Dim("  " + m.note)
				}
				fmt.Fprintf(b, "  %s\n", heading)
			}
			first = false
			im.line(b, out, width)
		}
	}
}

// line writes one import, and one line for each thing that is wrong with it.
func (im *ReportImport) line(b *strings.Builder, out *term.Output, width int) {
	name := fmt.Sprintf("%-*s", width, term.Clean(im.Name))
	switch {
	case len(im.Problems) == 0 && (im.ProvidedBy == im.Name || im.ProvidedBy == ""):
		fmt.Fprintf(b, "  %s %s  %s\n", out.Good(term.SymbolGood), name, out.Dim("provided"))
	case len(im.Problems) == 0:
		fmt.Fprintf(b, "  %s %s  %s\n", out.Good(term.SymbolGood), name,
			out.Dim("provided by "+term.Clean(versionOr(im.ProvidedBy))))
	case len(im.Problems) == 1 && im.Problems[0].Item == "":
		fmt.Fprintf(b, "  %s %s  %s\n", out.Bad(term.SymbolBad), name,
			out.Bad(term.Clean(im.Problems[0].Reason)))
		for _, item := range im.Problems[0].Needed {
			fmt.Fprintf(b, "      %s\n", term.Clean(item))
		}
	default:
		fmt.Fprintf(b, "  %s %s  %s\n", out.Bad(term.SymbolBad), name,
			out.Dim("provided by "+term.Clean(versionOr(im.ProvidedBy))+", but not all of it"))
		for _, p := range im.Problems {
			fmt.Fprintf(b, "      %s: %s\n", term.Clean(p.Item), out.Bad(term.Clean(p.Reason)))
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
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%d bytes (%s)", n, units.Size(int64(n)))
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
			lines[i] = indent + out.Dim(first) + " " + out.Name(rest[:end]) + rest[end:]
		}
	}
	return strings.Join(lines, "\n")
}

func isWITKeyword(word string) bool {
	switch word {
	case "package", "world", "import", "export", "interface", "use", "resource", "record",
		"variant", "enum", "flags", "type":
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
