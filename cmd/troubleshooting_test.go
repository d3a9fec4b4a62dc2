package cmd

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestTroubleshootingQuotesMessagesThatThereAre looks for the headings of docs/troubleshooting.md
// in the strings of the source, and for the messages of the source among the headings.
func TestTroubleshootingQuotesMessagesThatThereAre(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "troubleshooting.md"))
	if err != nil {
		t.Fatal(err)
	}
	quoted := make(map[string]*regexp.Regexp)
	for line := range strings.Lines(string(page)) {
		// The line names the messages that the text below it explains, each in backticks.
		rest, ok := strings.CutPrefix(line, "### ")
		for ok {
			_, after, found := strings.Cut(rest, "`` ")
			if !found {
				break
			}
			var message string
			message, rest, ok = strings.Cut(after, " ``")
			quoted[message] = pattern(message)
		}
	}
	if len(quoted) < 50 {
		t.Fatalf("%d messages found on the page", len(quoted))
	}
	source := readSource(t)
	for message, p := range quoted {
		if !slices.ContainsFunc(source.texts, p.MatchString) {
			t.Errorf("on the page, but not in the source: %s", message)
		}
	}
	for _, message := range source.messages {
		p := pattern(message)
		said := false
		for q, qp := range quoted {
			said = said || p.MatchString(q) || qp.MatchString(message)
		}
		if !said {
			t.Errorf("in the source, but not on the page: %s", message)
		}
	}
}

// pattern matches texts that contain the message; "…" stands for any text.
func pattern(message string) *regexp.Regexp {
	parts := strings.Split(strings.Trim(message, "…: "), "…")
	for i, part := range parts {
		parts[i] = regexp.QuoteMeta(part)
	}
	return regexp.MustCompile("(?s)" + strings.Join(parts, ".*"))
}

// source is what the source says to users.
type source struct {
	// texts are all strings, with "…" for what is put in.
	texts []string
	// messages are the strings that certainly become a message.
	messages []string
}

// messageCalls lists the functions that make a message, and the place of its text in their
// arguments.
var messageCalls = map[string]int{
	"Usagef": 1, "Loadf": 2, "note": 0, "Note": 0, "notice": 0, "newProblem": 4, "problem": 2, "fail": 2, "say": 0,
}

// verb is a directive of package fmt.
var verb = regexp.MustCompile(`%(\[\d\])?[-+# 0.\d]*[a-zA-Z]`)

// readSource reads the rooms that talk to users.
func readSource(t *testing.T) *source {
	t.Helper()
	s := &source{}
	rooms := []string{".", "../serve", "../watch", "../host", "../testrunner", "../internal/record",
		"../internal/reload", "../internal/inspect", "../internal/load", "../internal/exchange", "../internal/devcert",
		"../internal/regular", "../internal/explorer", "../internal/coverage"}
	for _, room := range rooms {
		err := filepath.WalkDir(room, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			before := len(s.messages)
			ast.Inspect(file, s.visit)
			if room == "../testrunner" && filepath.Base(filepath.Dir(path)) != "suite" {
				// What is said about fixtures explains itself.
				s.messages = s.messages[:before]
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *source) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.BinaryExpr, *ast.BasicLit:
		if text := textOf(n.(ast.Expr)); text != "" {
			s.texts = append(s.texts, text)
		}
		_, isLiteral := n.(*ast.BasicLit)
		return !isLiteral
	case *ast.CallExpr:
		name := ""
		switch f := n.Fun.(type) {
		case *ast.SelectorExpr:
			name = f.Sel.Name
		case *ast.Ident:
			name = f.Name
		}
		if at, ok := messageCalls[name]; ok && at < len(n.Args) {
			s.message(n.Args[at])
		}
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && slices.Contains([]string{"Cause", "msg"}, key.Name) {
			s.message(n.Value)
		}
	}
	return true
}

// message adds an expression to the messages, if there are words in it.
func (s *source) message(e ast.Expr) {
	if call, ok := e.(*ast.CallExpr); ok && len(call.Args) > 0 { // fmt.Sprintf
		e = call.Args[0]
	}
	text := strings.Trim(textOf(e), "… :")
	if strings.Contains(text, " ") {
		s.messages = append(s.messages, text)
	}
}

// textOf returns the text of an expression with "…" for all that is not constant.
func textOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind != token.STRING {
			return "…"
		}
		text, err := strconv.Unquote(e.Value)
		if err != nil {
			return ""
		}
		return verb.ReplaceAllString(text, "…")
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return textOf(e.X) + textOf(e.Y)
		}
	}
	return "…"
}
