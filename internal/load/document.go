package load

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/internal/regular"
)

// Result is a run with all that is needed to understand it, and to compare it with another one. Its
// JSON is an interface to other programs, described in docs/bench.md: later versions only add
// fields.
type Result struct {
	Version int       `json:"version"` // of the fields: 1
	Started time.Time `json:"started"`
	// Program is the version of wasihttp.
	Program  string   `json:"wasihttp"`
	Machine  Machine  `json:"machine"`
	Settings Settings `json:"settings"`
	// Interrupted reports whether the run ended before it was complete.
	Interrupted bool `json:"interrupted,omitempty"`
	*Side
	// Baseline is what was measured of the build with which Comparison compares.
	Baseline   *Side       `json:"baseline,omitempty"`
	Comparison *Comparison `json:"comparison,omitempty"`
}

// Settings are how a build was measured.
type Settings struct {
	// Component is the path of the component, "" if the fixtures name it, and URL the server that
	// got the requests instead.
	Component string   `json:"component,omitempty"`
	URL       string   `json:"url,omitempty"`
	Fixtures  []string `json:"fixtures"`
	// Digest stands for the contents of the fixtures and all else that the requests depend on.
	Digest      string  `json:"digest"`
	Concurrency int     `json:"concurrency"`
	Rate        float64 `json:"rate,omitempty"`
	// For is how long each build is measured, in seconds, or else Requests how many requests are.
	For      float64 `json:"for_seconds,omitempty"`
	Requests int64   `json:"requests,omitempty"`
	WarmUp   float64 `json:"warm_up_seconds"`
	Isolate  string  `json:"isolate,omitempty"`
}

// Write writes the result as JSON.
func (r *Result) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// Read reads a result that Write has written.
func Read(in io.Reader) (*Result, error) {
	text, err := regular.ReadAll(in, regular.MaxFile)
	if err != nil {
		return nil, err
	}
	r := &Result{Side: &Side{}}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("it is no result of a bench: %w", err)
	}
	switch {
	case r.Version == 0 || r.Side == nil:
		return nil, errors.New("it is no result of a bench")
	case r.Version != 1:
		return nil, fmt.Errorf("its fields are those of version %d, and only version 1 is known",
			r.Version)
	case len(r.Rounds) == 0:
		return nil, errors.New("it has no rounds: nothing was measured")
	}
	return r, nil
}

// Differs returns what was different when an older result was measured, other than the build, a
// line each.
func (r *Result) Differs(old *Result) (lines []string) {
	say := func(what string, old, now any) {
		if !reflect.DeepEqual(old, now) {
			lines = append(lines, fmt.Sprintf("%s: %v then, %v now", what, shown(old), shown(now)))
		}
	}
	say("wasihttp", old.Program, r.Program)
	compareFields(reflect.ValueOf(old.Machine), reflect.ValueOf(r.Machine), say)
	a, b := old.Settings, r.Settings
	// The paths may be written in another way.
	a.Component, b.Component, a.Fixtures, b.Fixtures = "", "", nil, nil
	compareFields(reflect.ValueOf(a), reflect.ValueOf(b), say)
	if old.Interrupted {
		lines = append(lines, "interrupted: that run was not complete")
	}
	return lines
}

// compareFields compares structs of the same type, field by field, under their names in JSON.
func compareFields(old, now reflect.Value, say func(what string, old, now any)) {
	for i := range old.NumField() {
		name, _, _ := strings.Cut(old.Type().Field(i).Tag.Get("json"), ",")
		name = strings.ReplaceAll(name, "_", " ")
		say(name, old.Field(i).Interface(), now.Field(i).Interface())
	}
}

func shown(v any) any {
	if reflect.ValueOf(v).IsZero() {
		return "none"
	}
	return v
}
