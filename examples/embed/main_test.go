package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/wasihttp/wasihttp/host"
)

func get(a *app, path string) (int, string) {
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

func TestTheNewestBuildServes(t *testing.T) {
	greeter, err := os.ReadFile("greeter.wasm")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "app.wasm")
	write := func(data []byte) {
		t.Helper()
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(greeter)
	a := &app{
		file:   file,
		engine: host.NewEngine(host.EngineOptions{}),
		log:    slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	defer a.engine.Close()
	if err := a.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.current.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	if code, body := get(a, "/7"); code != http.StatusOK || body != "Hello, Ada!\n" {
		t.Errorf("%d %q", code, body)
	}

	write(greeter[:len(greeter)/2])
	if err := a.reload(t.Context()); err == nil {
		t.Error("half a component is loaded")
	}
	if code, body := get(a, "/8"); code != http.StatusOK || body != "Hello, Grace!\n" {
		t.Errorf("after a build that cannot be loaded: %d %q", code, body)
	}

	// A custom section makes it another build.
	write(append(greeter, 0, 2, 1, 'x'))
	before := a.current
	if err := a.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a.current == before {
		t.Error("the build before serves")
	}
	if code, _ := get(a, "/9"); code != http.StatusNotFound {
		t.Errorf("status %d", code)
	}
}
