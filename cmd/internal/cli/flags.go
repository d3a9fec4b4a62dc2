package cli

import (
	"errors"
	"flag"
	"strconv"
	"strings"
)

// Flag is a flag of a command: one of the types below.
type Flag interface {
	// Names returns the name and the aliases, without dashes.
	Names() []string
	// GetUsage returns what the flag does; backquotes enclose the name of its value.
	GetUsage() string
	// GetCategory returns the heading in the help.
	GetCategory() string
	// GetDefaultText describes the default, "" if there is nothing to say.
	GetDefaultText() string
	// TakesValue reports whether the next word is the value.
	TakesValue() bool

	apply(set *flag.FlagSet)
}

// named returns all names of a flag.
func named(name string, aliases []string) []string { return append([]string{name}, aliases...) }

// apply defines a flag by all of its names.
func apply(set *flag.FlagSet, f Flag, value flag.Value) {
	for _, name := range f.Names() {
		set.Var(value, name, "")
	}
}

// BoolFlag is a flag without a value; --name=false turns it off.
type BoolFlag struct {
	Name, Category, Usage string
	Aliases               []string
	// Value is the default. Destination gets the value; nil for one of its own.
	Value       bool
	Destination *bool
}

func (f *BoolFlag) Names() []string        { return named(f.Name, f.Aliases) }
func (f *BoolFlag) GetUsage() string       { return f.Usage }
func (f *BoolFlag) GetCategory() string    { return f.Category }
func (f *BoolFlag) GetDefaultText() string { return "" }
func (f *BoolFlag) TakesValue() bool       { return false }

func (f *BoolFlag) apply(set *flag.FlagSet) {
	if f.Destination == nil {
		f.Destination = new(bool)
	}
	*f.Destination = f.Value
	apply(set, f, (*boolValue)(f.Destination))
}

type boolValue bool

func (b *boolValue) String() string   { return strconv.FormatBool(bool(*b)) }
func (b *boolValue) IsBoolFlag() bool { return true }

func (b *boolValue) Set(text string) error {
	v, err := strconv.ParseBool(text)
	if err != nil {
		return errors.New("parse error")
	}
	*b = boolValue(v)
	return nil
}

// StringFlag is a flag whose value is any text.
type StringFlag struct {
	Name, Category, Usage string
	Aliases               []string
	// Value is the default, and DefaultText describes it if it is not to be quoted.
	Value, DefaultText string
	// Destination gets the value; nil for one of its own.
	Destination *string
}

func (f *StringFlag) Names() []string     { return named(f.Name, f.Aliases) }
func (f *StringFlag) GetUsage() string    { return f.Usage }
func (f *StringFlag) GetCategory() string { return f.Category }
func (f *StringFlag) TakesValue() bool    { return true }

func (f *StringFlag) GetDefaultText() string {
	if f.DefaultText == "" && f.Value != "" {
		return strconv.Quote(f.Value)
	}
	return f.DefaultText
}

func (f *StringFlag) apply(set *flag.FlagSet) {
	if f.Destination == nil {
		f.Destination = new(string)
	}
	*f.Destination = f.Value
	apply(set, f, (*stringValue)(f.Destination))
}

type stringValue string

func (s *stringValue) String() string { return string(*s) }

func (s *stringValue) Set(text string) error {
	*s = stringValue(text)
	return nil
}

// StringSlice is the value of a StringSliceFlag. The zero value is empty.
type StringSlice struct {
	list []string
	set  bool
}

// NewStringSlice returns one with texts that the first one of the command line replaces.
func NewStringSlice(list ...string) *StringSlice { return &StringSlice{list: list} }

// Value returns the texts in the order of the command line.
func (s *StringSlice) Value() []string { return s.list }

// String returns the texts, for messages.
func (s *StringSlice) String() string { return strings.Join(s.list, ", ") }

// Set adds a text, as it is.
func (s *StringSlice) Set(text string) error {
	if !s.set {
		s.list, s.set = nil, true
	}
	s.list = append(s.list, text)
	return nil
}

// StringSliceFlag is a flag that may be given several times.
type StringSliceFlag struct {
	Name, Category, Usage string
	Aliases               []string
	// Destination gets the values; nil for one of its own.
	Destination *StringSlice
}

func (f *StringSliceFlag) Names() []string        { return named(f.Name, f.Aliases) }
func (f *StringSliceFlag) GetUsage() string       { return f.Usage }
func (f *StringSliceFlag) GetCategory() string    { return f.Category }
func (f *StringSliceFlag) GetDefaultText() string { return "" }
func (f *StringSliceFlag) TakesValue() bool       { return true }

func (f *StringSliceFlag) apply(set *flag.FlagSet) {
	if f.Destination == nil {
		f.Destination = new(StringSlice)
	}
	apply(set, f, f.Destination)
}

// Generic is a value with a form of its own. If it has a method IsBoolFlag that returns true, it
// may be left out: then it is set to "true".
type Generic interface {
	Set(text string) error
	String() string
}

// GenericFlag is a flag whose value has a form. What Value has is the default.
type GenericFlag struct {
	Name, Category, Usage string
	Aliases               []string
	Value                 Generic
	// DefaultText describes the default; "" for the value as text.
	DefaultText string

	original string // Value's text before the command line was parsed
	applied  bool
}

func (f *GenericFlag) Names() []string     { return named(f.Name, f.Aliases) }
func (f *GenericFlag) GetUsage() string    { return f.Usage }
func (f *GenericFlag) GetCategory() string { return f.Category }

func (f *GenericFlag) TakesValue() bool {
	b, ok := f.Value.(interface{ IsBoolFlag() bool })
	return !ok || !b.IsBoolFlag()
}

func (f *GenericFlag) GetDefaultText() string {
	switch {
	case f.DefaultText != "":
		return f.DefaultText
	case f.applied:
		return f.original
	}
	return f.Value.String()
}

func (f *GenericFlag) apply(set *flag.FlagSet) {
	f.original, f.applied = f.Value.String(), true
	apply(set, f, f.Value)
}
