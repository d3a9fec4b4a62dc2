package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// guest is one component and what it can be asked.
type guest struct {
	name  string
	path  string
	hello string // what GET / answers
	// kitchen is whether it has the routes that all kitchens have.
	kitchen bool
	// complete is whether it has every route; only the Rust kitchen does.
	complete bool
	// duplex is whether its echo responds before the request has ended.
	duplex bool
	// trapless is whether its /trap responds with an error of its own instead of trapping.
	trapless bool
	// shared is whether an instance serves many requests, as those of WASI 0.3 do.
	shared bool
	// fetchless is whether it cannot send requests.
	fetchless bool
	// instant is whether starting an instance costs next to nothing, so that it can be asked many
	// times.
	instant bool
}

// committed are the guests of testdata.
func committed() []guest {
	at := func(folder, name string) string {
		return filepath.Join("..", "testdata", "guests", folder, name+".wasm")
	}
	hello := func(folder, name string) guest {
		return guest{name: name, path: at(folder, name), hello: "Hello, world!", instant: true}
	}
	return []guest{
		hello("rust-hello", "rust-hello"),
		hello("rust-hello", "rust-hello-0.2.0"),
		hello("rust-hello", "rust-hello-0.2.12"),
		hello("rust-hello", "rust-hello-std"),
		hello("rust-hello-p3", "rust-hello-p3"),
		rustKitchen(),
		{name: "rust-kitchen-p3", path: at("rust-kitchen-p3", "rust-kitchen-p3"), hello: "hello from rust 0.3\n", instant: true, shared: true},
		{name: "c-kitchen", path: at("c-kitchen", "c-kitchen"), hello: "hello from c\n", kitchen: true, duplex: true, instant: true},
	}
}

func rustKitchen() guest {
	return guest{
		name:    "rust-kitchen",
		path:    filepath.Join("..", "testdata", "guests", "rust-kitchen", "rust-kitchen.wasm"),
		hello:   "hello from rust\n",
		kitchen: true, complete: true, duplex: true, instant: true,
	}
}

// guests are all there are to test: the committed ones, and those of the folder that the
// environment names, each of which must be known here.
func guests(t *testing.T) []guest {
	t.Helper()
	all := committed()
	folder := os.Getenv(guestsVariable)
	if folder == "" {
		return all
	}
	known := map[string]guest{
		"js-kitchen": {hello: "hello from javascript\n", kitchen: true, duplex: true, trapless: true},
		"py-kitchen": {hello: "hello from python\n", kitchen: true, duplex: true},
		"go-kitchen": {hello: "hello from go\n", kitchen: true, duplex: true},

		"qjs-kitchen-p3": {hello: "hello from quickjs\n", kitchen: true, duplex: true, shared: true, fetchless: true},
		"py-kitchen-p3":  {hello: "hello from python\n", kitchen: true, duplex: true, shared: true},
		"go-kitchen-p3":  {hello: "hello from go\n", kitchen: true, duplex: true, shared: true},
	}
	paths, err := filepath.Glob(filepath.Join(folder, "*.wasm"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s=%s: no guests there (%v)", guestsVariable, folder, err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".wasm")
		if strings.Contains(name, "-system") || name == "rust-compute" {
			continue // asked for by its name, or for bench alone
		}
		g, ok := known[name]
		if !ok {
			t.Fatalf("%s: not a guest that this test knows", path)
		}
		g.name, g.path = name, path
		all = append(all, g)
	}
	return all
}

// built is the path of one of the guests that are not committed.
func built(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(os.Getenv(guestsVariable), name+".wasm")
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s: %v", guestsVariable, err)
	}
	return path
}
