package host

import (
	"fmt"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/internal/engine"
)

// Profile collects samples of what guests do: those of the engine whose EngineOptions have it. It
// is safe for concurrent use.
type Profile struct{ inner *engine.Profile }

// NewProfile returns a profile without samples.
func NewProfile() *Profile { return &Profile{engine.NewProfile(time.Millisecond)} }

// Sample is a stack, and what was spent in it.
type Sample struct {
	// Frames are innermost first. That of a host function has no module.
	Frames []Frame
	// Count is how often the stack was seen.
	Count int64
	// CPU is the time in which the guest or the host computed, Wait that in which the guest waited
	// for the host.
	CPU, Wait time.Duration
}

// Samples returns the samples so far, in no order. A sample without frames is of stacks beyond
// those that are kept.
func (p *Profile) Samples() []Sample {
	var all []Sample
	for _, s := range p.inner.Samples() {
		sample := Sample{Count: s.Count, CPU: s.CPU, Wait: s.Wait}
		for _, f := range s.Frames {
			frame := Frame{Module: f.Module, File: f.File, Line: f.Line, Nameless: f.Func == ""}
			switch {
			case f.Module == engine.HostModule:
				frame.Module, frame.Func = "", f.Func
			case frame.Nameless:
				frame.Func = fmt.Sprintf("function %d", f.Index)
			default:
				frame.Func = readable(engine.EntryName(f.Func))
				if frame.File == "" && isEntry(frame.Func) {
					frame.Module = "" // as where it is known that it was called, and no more
				}
			}
			sample.Frames = append(sample.Frames, frame)
		}
		all = append(all, sample)
	}
	return all
}

// isEntry reports whether that is the name of a function in an interface, as components export it.
func isEntry(name string) bool {
	iface, _, ok := strings.Cut(name, "#")
	return ok && strings.Contains(iface, ":") && strings.Contains(iface, "/")
}
