package profile

import (
	"cmp"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
)

// period is how much time a sample stands for as a rule.
const period = 1_000_000 // ns

// The fields of the messages, as proto/profile.proto of github.com/google/pprof numbers them.
const (
	profileSampleType, profileSample, profileLocation, profileFunction        = 1, 2, 4, 5
	profileString, profileTime, profileDuration, profilePeriodType            = 6, 9, 10, 11
	profilePeriod, profileComment, profileDefault                             = 12, 13, 14
	valueType, valueUnit                                                      = 1, 2
	sampleLocation, sampleValue                                               = 1, 2
	locationID, locationLine, lineFunction, lineNumber                        = 1, 4, 1, 2
	functionID, functionName, functionSystemName, functionFile                = 1, 2, 3, 4
	wireVarint, wireBytes                                              uint64 = 0, 2
)

// message is a message of Protocol Buffers, as far as it is written.
type message []byte

func (m *message) number(field uint64, n int64) {
	*m = binary.AppendUvarint(*m, field<<3|wireVarint)
	*m = binary.AppendUvarint(*m, uint64(n))
}

func (m *message) bytes(field uint64, b []byte) {
	*m = binary.AppendUvarint(*m, field<<3|wireBytes)
	*m = binary.AppendUvarint(*m, uint64(len(b)))
	*m = append(*m, b...)
}

// table numbers what is in it, in the order in which it came.
type table[K comparable] map[K]int64

// index returns the number of a key, and whether it is new.
func (t table[K]) index(key K) (n int64, added bool) {
	n, ok := t[key]
	if !ok {
		n = int64(len(t))
		t[key] = n
	}
	return n, !ok
}

// encoder writes a profile.
type encoder struct {
	out       message
	strings   table[string]
	functions table[Frame] // without a line
	locations table[Frame]
}

// text returns the number of a string.
func (e *encoder) text(s string) int64 {
	n, added := e.strings.index(s)
	if added {
		e.out.bytes(profileString, []byte(s))
	}
	return n
}

// value writes what a kind of numbers is, and their unit.
func (e *encoder) value(field uint64, kind, unit string) {
	var m message
	m.number(valueType, e.text(kind))
	m.number(valueUnit, e.text(unit))
	e.out.bytes(field, m)
}

// location returns the number of a call, from 1.
func (e *encoder) location(f Frame) int64 {
	n, added := e.locations.index(f)
	if n++; !added {
		return n
	}
	line := int64(f.Line)
	f.Line = 0
	function, added := e.functions.index(f)
	if function++; added {
		name := e.text(f.Func)
		var m message
		m.number(functionID, function)
		m.number(functionName, name)
		m.number(functionSystemName, name)
		m.number(functionFile, e.text(cmp.Or(f.File, f.Module)))
		e.out.bytes(profileFunction, m)
	}
	var place, m message
	place.number(lineFunction, function)
	place.number(lineNumber, line)
	m.number(locationID, n)
	m.bytes(locationLine, place)
	e.out.bytes(profileLocation, m)
	return n
}

func (e *encoder) sample(s Sample) {
	var m message
	for _, f := range s.Stack {
		m.number(sampleLocation, e.location(f))
	}
	for _, v := range []int64{s.Count, int64(s.CPU), int64(s.Wait)} {
		m.number(sampleValue, v)
	}
	e.out.bytes(profileSample, m)
}

// Pprof writes the profile in pprof's format, compressed. Its samples have three values: how often
// the stack was seen, the processor time, which programs show by default, and the time
// of waits.
func (p *Profile) Pprof(w io.Writer) error {
	e := &encoder{strings: table[string]{}, functions: table[Frame]{}, locations: table[Frame]{}}
	e.text("") // the first one, which stands for none
	e.value(profileSampleType, "samples", "count")
	e.value(profileSampleType, "cpu", "nanoseconds")
	e.value(profileSampleType, "wait", "nanoseconds")
	for _, s := range p.Samples {
		e.sample(s)
	}
	e.out.number(profileDefault, e.text("cpu"))
	e.value(profilePeriodType, "cpu", "nanoseconds")
	e.out.number(profilePeriod, period)
	e.out.number(profileTime, p.Began.UnixNano())
	e.out.number(profileDuration, int64(p.Duration))
	if p.Comment != "" {
		e.out.number(profileComment, e.text(p.Comment))
	}
	compressed := gzip.NewWriter(w)
	_, err := compressed.Write(e.out)
	return errors.Join(err, compressed.Close())
}
