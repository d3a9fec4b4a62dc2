package served_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/bench/served"
)

// TestMain plays the server program when the environment asks for it.
func TestMain(m *testing.M) {
	role := os.Getenv("SERVED_TEST_ROLE")
	if role == "" {
		m.Run()
		return
	}
	fmt.Println("on stdout")
	switch role {
	case "announce":
		interrupted := make(chan os.Signal, 1)
		signal.Notify(interrupted, os.Interrupt)
		fmt.Fprintln(os.Stderr, "Serving HTTP on http://127.0.0.1:4711/")
		<-interrupted
		fmt.Println("bye")
	case "fail":
		fmt.Fprintln(os.Stderr, "cannot serve this")
		panic("no")
	}
}

func self(t *testing.T, role string) string {
	t.Helper()
	t.Setenv("SERVED_TEST_ROLE", role)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

func timeout(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestAnnouncedAddressAndCleanEnd(t *testing.T) {
	server, err := served.Start(timeout(t), self(t, "announce"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "http://127.0.0.1:4711"; server.URL != want {
		t.Errorf("URL %q, want %q", server.URL, want)
	}
	if err := server.WaitOutput(timeout(t), "on stdout"); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := server.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	}
	if !strings.Contains(server.Output(), "bye") {
		t.Errorf("output %q lacks the last line", server.Output())
	}
	if err := server.WaitOutput(timeout(t), "never printed"); err == nil {
		t.Error("waiting for what an ended program has not printed succeeded")
	}
}

func TestProgramThatEndsBeforeItServes(t *testing.T) {
	_, err := served.Start(timeout(t), self(t, "fail"))
	if err == nil || !strings.Contains(err.Error(), "cannot serve this") {
		t.Errorf("error %v, want one with the program's output", err)
	}
}

func TestAbsentProgram(t *testing.T) {
	if _, err := served.Start(timeout(t), "./no-such-program"); err == nil {
		t.Error("a program that is not there was started")
	}
}
