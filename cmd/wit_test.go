package cmd

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/interfaces"
)

// TestTheWrittenWITIsWhatComponentsFind compares the interfaces of the text with those of a host.
// Some are for components to export, and the drafts have more names than the text.
func TestTheWrittenWITIsWhatComponentsFind(t *testing.T) {
	exported := []string{
		"wasi:cli/run@0.2.12", "wasi:cli/run@0.3.2", "wasi:http/incoming-handler@0.2.12",
	}
	offered := host.NewLinker().Interfaces()
	files, _ := interfaces.Provided("")
	written := map[string]bool{}
	for _, f := range files {
		head := regexp.MustCompile(`(?m)^package (wasi:[a-z]+)(@[^;]+);`).FindStringSubmatch(string(f.Data))
		if head == nil {
			continue
		}
		for _, m := range regexp.MustCompile(`(?m)^interface ([a-z-]+) *\{`).FindAllStringSubmatch(string(f.Data), -1) {
			name := head[1] + "/" + m[1] + head[2]
			written[name] = true
			if slices.Contains(offered, name) == slices.Contains(exported, name) {
				t.Errorf("%s is written, and offered: %t", name, slices.Contains(offered, name))
			}
		}
	}
	if len(written) < 50 {
		t.Fatalf("only %d interfaces are written", len(written))
	}
	for _, name := range offered {
		draft := regexp.MustCompile(`^wasi:(config|keyvalue|logging|otel)/`).MatchString(name)
		if !written[name] && !draft {
			t.Errorf("%s is offered, but not written", name)
		}
	}
	for _, draft := range []string{
		"wasi:config/store", "wasi:keyvalue/batch", "wasi:logging/logging", "wasi:otel/tracing",
	} {
		if !slices.ContainsFunc(offered, func(name string) bool { return strings.HasPrefix(name, draft+"@") && written[name] }) {
			t.Errorf("%s is not written", draft)
		}
	}
}
