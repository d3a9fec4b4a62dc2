package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// onlyIn lists, for functions and variables that belong to the process, the files and folders that
// may use them.
var onlyIn = map[string][]string{
	"os.Exit":    {"main.go"},
	"os.Args":    {"cmd/state.go"},
	"os.Environ": {"cmd/state.go"},
	"os.Getenv":  {"cmd/state.go"},
	"os.Stdin":   {"cmd/state.go"},
	// The second one is what a process of its own passes on.
	"os.Stdout": {"cmd/state.go", "internal/reload/process_unix.go"},
	"os.Stderr": {"cmd/state.go", "internal/reload/process_unix.go"},
	// The sockets of a guest outlive the calls that make them, and end with Close.
	"context.Background": {"cmd/", "internal/wasi/sockets/host.go"},
	"context.TODO":       {},
}

// programs are the folders of programs that are not a part of wasihttp.
var programs = []string{"bench/", "docs/", "e2e/", "examples/", "packaging/", "testdata/"}

// TestWhatBelongsToTheProcessHasOnePlace also refuses functions named init.
func TestWhatBelongsToTheProcessHasOnePlace(t *testing.T) {
	within := func(name string, places []string) bool {
		return slices.ContainsFunc(places, func(p string) bool {
			return name == p || strings.HasSuffix(p, "/") && strings.HasPrefix(name, p)
		})
	}
	fset := token.NewFileSet()
	for name, b := range goFiles(t) {
		if strings.HasSuffix(name, "_test.go") || within(name, programs) {
			continue
		}
		file, err := parser.ParseFile(fset, name, b, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv == nil && n.Name.Name == "init" {
					t.Errorf("%s: a function init, which runs without being called",
						fset.Position(n.Pos()))
				}
			case *ast.SelectorExpr:
				pkg, ok := n.X.(*ast.Ident)
				if !ok {
					break
				}
				use := pkg.Name + "." + n.Sel.Name
				if places, known := onlyIn[use]; known && !within(name, places) {
					t.Errorf("%s: %s belongs to %v", fset.Position(n.Pos()), use, places)
				}
			}
			return true
		})
	}
}
