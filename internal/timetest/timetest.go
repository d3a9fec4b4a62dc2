// Package timetest helps tests of what time decides, which must also pass on a machine that is slow
// or busy.
package timetest

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// scales are what the times of a test are multiplied with, in turn.
var scales = []time.Duration{1, 8, 40}

// Scaled calls f, which multiplies the times that decide about its outcome with scale: 1 at first.
// If f fails, a machine that gave it too little time may be the cause, and f is called again with
// larger ones; the test fails if f does so with all of them. f must start anew each time, and use
// its own tb, whose Cleanup is for one call.
func Scaled(t testing.TB, f func(tb testing.TB, scale time.Duration)) {
	t.Helper()
	for i, scale := range scales {
		a := &attempt{TB: t}
		a.run(f, scale)
		switch {
		case !a.failed:
			return
		case i == len(scales)-1:
			t.Errorf("with times %d times as long:\n%s", int(scale), a.text())
		default:
			t.Logf("tried again with more time:\n%s", a.text())
		}
	}
}

// attempt is the testing.TB of one call.
type attempt struct {
	testing.TB

	mu       sync.Mutex
	failed   bool
	said     []string
	cleanups []func()
}

// run calls f and what it gave to Cleanup. A panic is the program's, as in every test.
func (a *attempt) run(f func(testing.TB, time.Duration), scale time.Duration) {
	a.call(func() { f(a, scale) })
	for a.call(a.cleanUp) {
	}
}

// call calls f, which FailNow may end.
func (a *attempt) call(f func()) (more bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.cleanups) > 0
}

// cleanUp calls the function that was given to Cleanup last.
func (a *attempt) cleanUp() {
	a.mu.Lock()
	last := len(a.cleanups) - 1
	if last < 0 {
		a.mu.Unlock()
		return
	}
	f := a.cleanups[last]
	a.cleanups = a.cleanups[:last]
	a.mu.Unlock()
	f()
}

func (a *attempt) text() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return strings.Join(a.said, "\n")
}

func (a *attempt) say(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.said = append(a.said, strings.TrimSuffix(text, "\n"))
}

// Cleanup registers a function that is called at the end of this call of Scaled's argument.
func (a *attempt) Cleanup(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cleanups = append(a.cleanups, f)
}

// Fail implements [testing.TB].
func (a *attempt) Fail() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failed = true
}

// Failed implements [testing.TB].
func (a *attempt) Failed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.failed
}

// FailNow implements [testing.TB].
func (a *attempt) FailNow() {
	a.Fail()
	runtime.Goexit()
}

// Error implements [testing.TB].
func (a *attempt) Error(args ...any) {
	a.say(fmt.Sprintln(args...))
	a.Fail()
}

// Errorf implements [testing.TB].
func (a *attempt) Errorf(format string, args ...any) {
	a.say(fmt.Sprintf(format, args...))
	a.Fail()
}

// Fatal implements [testing.TB].
func (a *attempt) Fatal(args ...any) {
	a.say(fmt.Sprintln(args...))
	a.FailNow()
}

// Fatalf implements [testing.TB].
func (a *attempt) Fatalf(format string, args ...any) {
	a.say(fmt.Sprintf(format, args...))
	a.FailNow()
}
