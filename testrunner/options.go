package testrunner

import (
	"fmt"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/testrunner/internal/eval"
)

// settings are the values of the [Options] of an entry.
type settings struct {
	skip          bool
	repeat        int64 // -1: no end
	delay         time.Duration
	retry         int64 // -1: no end
	retryInterval time.Duration
	location      bool
	trusted       bool
	maxRedirs     int64 // -1: no limit
	headers       fixture.Fields
	user          string
	compressed    bool
	output        string
	pathAsIs      bool
	version       string
	maxTime       time.Duration
	notes         []string
}

// The defaults, those of hurl.
const (
	defaultRetryInterval = time.Second
	defaultMaxRedirs     = 50
)

// evaluate reads the options of an entry, in order; those that set variables do
// so.
func evaluateOptions(scope *eval.Scope, e *hurl.Entry, retry int64) (*settings, *eval.Error) {
	s := &settings{
		repeat: 1, retry: retry, retryInterval: defaultRetryInterval, maxRedirs: defaultMaxRedirs,
		version: "1.1",
	}
	var ignored []string
	for _, o := range e.Request.Options() {
		if o.Effect() == hurl.EffectNone {
			ignored = append(ignored, o.Name)
			continue
		}
		if err := s.apply(scope, o); err != nil {
			return s, err
		}
	}
	if len(ignored) > 0 {
		s.notes = append(s.notes,
			"without effect, as nothing goes over a network: "+strings.Join(ignored, ", "))
	}
	return s, nil
}

func (s *settings) apply(scope *eval.Scope, o *hurl.Option) *eval.Error {
	switch o.Kind() {
	case hurl.OptionBool:
		on, err := optionBool(scope, o)
		if err == nil {
			s.toggle(o.Name, on)
		}
		return err
	case hurl.OptionCount, hurl.OptionNatural:
		n, err := optionCount(scope, o)
		if err == nil {
			s.count(o.Name, n)
		}
		return err
	case hurl.OptionDuration:
		d, err := optionDuration(scope, o)
		if err == nil {
			s.duration(o.Name, d)
		}
		return err
	case hurl.OptionText, hurl.OptionFile:
		text, err := scope.Template(&o.Value.Text)
		if err != nil {
			return err
		}
		return s.text(o, text)
	case hurl.OptionVariable:
		v, err := scope.Value(o.Value.Value)
		if err != nil {
			return err
		}
		scope.Vars.Set(o.Value.Variable, v)
	}
	return nil
}

func (s *settings) toggle(name string, on bool) {
	switch name {
	case "skip":
		s.skip = on
	case "location":
		s.location = on
	case "location-trusted":
		s.trusted = on
		s.location = s.location || on
	case "compressed":
		s.compressed = on
	case "path-as-is":
		s.pathAsIs = on
	case "http1.0", "http1.1", "http2", "http3":
		if on {
			s.version = strings.TrimPrefix(name, "http")
		}
	}
}

func (s *settings) count(name string, n int64) {
	switch name {
	case "repeat":
		s.repeat = n
	case "retry":
		s.retry = n
	case "max-redirs":
		s.maxRedirs = n
	}
}

func (s *settings) duration(name string, d time.Duration) {
	switch name {
	case "delay":
		s.delay = d
	case "retry-interval":
		s.retryInterval = d
	case "max-time":
		s.maxTime = d
	}
}

func (s *settings) text(o *hurl.Option, text string) *eval.Error {
	switch o.Name {
	case "header":
		name, value, ok := strings.Cut(text, ":")
		if !ok {
			return &eval.Error{
				Range: o.Value.Range, Title: "Invalid option", Message: "a header is NAME: VALUE",
			}
		}
		s.headers = append(s.headers, fixture.Field{
			Name: strings.TrimSpace(name), Value: strings.TrimSpace(value),
		})
	case "user":
		s.user = text
	case "output":
		s.output = text
	}
	return nil
}

func optionBool(scope *eval.Scope, o *hurl.Option) (bool, *eval.Error) {
	if o.Value.Placeholder == nil {
		return o.Value.Bool, nil
	}
	v, err := optionValue(scope, o, "a boolean",
		func(v eval.Value) bool { return v.Kind == eval.Bool })
	return v.Bool, err
}

func optionCount(scope *eval.Scope, o *hurl.Option) (int64, *eval.Error) {
	if o.Value.Placeholder == nil {
		return o.Value.Count, nil
	}
	v, err := optionValue(scope, o, "an integer from -1", func(v eval.Value) bool {
		return v.Kind == eval.Integer && v.Int >= -1
	})
	return v.Int, err
}

func optionDuration(scope *eval.Scope, o *hurl.Option) (time.Duration, *eval.Error) {
	if o.Value.Placeholder == nil {
		return o.Value.Duration, nil
	}
	v, err := optionValue(scope, o, "a number of milliseconds", func(v eval.Value) bool {
		return v.Kind == eval.Integer && v.Int >= 0
	})
	return time.Duration(v.Int) * time.Millisecond, err
}

// optionValue returns the value of the placeholder of an option. It is an error
// if its kind is not the one that the option takes.
func optionValue(
	scope *eval.Scope, o *hurl.Option, takes string, fits func(eval.Value) bool,
) (eval.Value, *eval.Error) {
	v, err := scope.Lookup(o.Value.Placeholder)
	if err == nil && !fits(v) {
		err = &eval.Error{
			Range: o.Value.Placeholder.Range, Title: "Invalid option",
			Message: fmt.Sprintf("%s takes %s, not %s", o.Name, takes, v.Describe()),
		}
	}
	return v, err
}
