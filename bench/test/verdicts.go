package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// verdicts compares the verdicts about each entry of fixtures, which are files
// or folders. component is for those that do not name theirs.
func (p programs) verdicts(ctx context.Context, component string, paths []string) error {
	fixtures, err := find(paths)
	if err != nil {
		return err
	}
	different, total := 0, 0
	for _, fixture := range fixtures {
		served, env, err := directives(fixture, component)
		if err != nil {
			return err
		}
		entries, differ, err := p.compare(ctx, served, env, fixture)
		if err != nil {
			return fmt.Errorf("%s: %w", fixture, err)
		}
		total += entries
		different += differ
		fmt.Printf("%s: %d entries, %d verdicts differ\n", fixture, entries, differ)
	}
	fmt.Printf("%d fixtures, %d entries, %d verdicts differ\n", len(fixtures), total, different)
	if total == 0 {
		return errors.New("there are no entries")
	}
	if different > 0 {
		return fmt.Errorf("%d verdicts differ", different)
	}
	return nil
}

// find returns the fixtures below folders, and files as they are.
func find(paths []string) ([]string, error) {
	var list []string
	for _, path := range paths {
		err := filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && (file == path || filepath.Ext(file) == ".hurl") {
				list = append(list, file)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// directives returns the component that a fixture names, otherwise the one
// given, and the environment that it asks for, as flags of wasihttp serve.
func directives(fixture, component string) (served string, env []string, err error) {
	text, err := os.ReadFile(fixture)
	if err != nil {
		return "", nil, err
	}
	directive := regexp.MustCompile(`(?m)^# @(component|env) (.*?)\r?$`)
	for _, m := range directive.FindAllStringSubmatch(string(text), -1) {
		if m[1] == "env" {
			env = append(env, "--env", m[2])
		} else {
			component = filepath.Join(filepath.Dir(fixture), m[2])
		}
	}
	return component, env, nil
}

// compare returns how many entries a fixture has, and tells those about which
// the verdicts differ.
func (p programs) compare(
	ctx context.Context, component string, env []string, fixture string,
) (entries, different int, err error) {
	ours, err := p.ours(ctx, component, fixture)
	if err != nil {
		return 0, 0, err
	}
	var theirs map[int]bool
	args := append([]string{"serve", component, "--addr", "localhost:0", "--timeout", "2s",
		"--max-instance-reuse-count", "1000000"}, env...)
	err = served(ctx, func(port string) error {
		theirs, err = p.theirs(ctx, fixture, port, ours)
		return err
	}, p.wasihttp, args...)
	if err != nil {
		return 0, 0, err
	}
	for _, line := range sortedLines(ours) {
		if ours[line] != theirs[line] {
			different++
			fmt.Printf("%s:%d: wasihttp %s, hurl %s\n", fixture, line, word(ours[line]),
				word(theirs[line]))
		}
	}
	return len(ours), different, nil
}

func word(pass bool) string {
	if pass {
		return "passes"
	}
	return "fails"
}

func sortedLines(m map[int]bool) []int {
	var lines []int
	for line := range m {
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

// ours returns whether each entry passes, by its line.
func (p programs) ours(ctx context.Context, component, fixture string) (map[int]bool, error) {
	dir, err := os.MkdirTemp("", "wasihttp-verdicts")
	if err != nil {
		return nil, err
	}
	defer func() {
		// What is left in the temporary folder does no harm.
		_ = os.RemoveAll(dir)
	}()
	path := filepath.Join(dir, "report.json")
	stdout, stderr, err := output(ctx, p.wasihttp, "test", fixture, "--component", component,
		"--timeout", "2s", "--report-json", path)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %s%s", err, stdout, stderr)
	}
	var report struct {
		Files []struct {
			Entries []struct {
				Line    int
				Outcome string
			}
		}
	}
	if err := json.Unmarshal(data, &report); err != nil {
		return nil, err
	}
	out := make(map[int]bool)
	for _, f := range report.Files {
		for _, e := range f.Entries {
			pass := e.Outcome == "pass" || e.Outcome == "skipped"
			if before, again := out[e.Line]; again {
				pass = pass && before
			}
			out[e.Line] = pass
		}
	}
	return out, nil
}

// theirs returns the same from hurl: an entry fails that an error points into.
func (p programs) theirs(
	ctx context.Context, fixture, port string, entries map[int]bool,
) (map[int]bool, error) {
	dir, err := os.MkdirTemp("", "wasihttp-verdicts")
	if err != nil {
		return nil, err
	}
	defer func() {
		// What is left in the temporary folder does no harm.
		_ = os.RemoveAll(dir)
	}()
	path, err := addressed(dir, fixture, port)
	if err != nil {
		return nil, err
	}
	stdout, stderr, err := output(ctx, p.hurl, "--test", "--continue-on-error", "--no-color",
		"--jobs", "1", "--file-root", filepath.Dir(fixture),
		"--variable", "host=http://localhost:"+port, path)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(stderr, "Executed requests:") {
		return nil, fmt.Errorf("%s ran nothing: %s%s", p.hurl, stdout, stderr)
	}
	out := make(map[int]bool)
	lines := sortedLines(entries)
	for _, line := range lines {
		out[line] = true
	}
	place := regexp.MustCompile(`(?m)^ +--> .*?:(\d+):\d+`)
	for _, m := range place.FindAllStringSubmatch(stderr, -1) {
		at, err := strconv.Atoi(m[1])
		if err != nil {
			return nil, err
		}
		for i, line := range lines {
			if at >= line && (i+1 == len(lines) || at < lines[i+1]) {
				out[line] = false
			}
		}
	}
	return out, nil
}
