package loader

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/wasi"
)

// What is reached through sockets is not recorded, and the user learns of it once.
func TestSocketsThatAreNotRecordedAreNamed(t *testing.T) {
	var said []string
	passed := 0
	cfg := Config{Used: func(wasi.Use) { passed++ }}
	cfg.NoteSockets(func(line string) { said = append(said, line) })
	used := cfg.Used
	used(wasi.Use{Kind: wasi.UseOutbound, Name: "a.test:80"})
	used(wasi.Use{Kind: wasi.UseNetwork, Name: "refused.test", Refused: true})
	for i := range 20 {
		used(wasi.Use{Kind: wasi.UseNetwork, Name: fmt.Sprintf("10.0.0.%d:1", i/2)})
	}
	if len(said) != socketsTold || passed != 22 {
		t.Fatalf("%d lines and %d uses: %q", len(said), passed, said)
	}
	for i, line := range said {
		want := fmt.Sprintf("not recorded: 10.0.0.%d:1 through a socket (wasi:sockets)", i)
		first, hint, _ := strings.Cut(line, "\n")
		if !strings.HasPrefix(first, want) || (hint != "") != (i == 0) {
			t.Errorf("line %d: %s", i, line)
		}
	}
}
