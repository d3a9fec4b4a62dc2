package testrunner

import (
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
)

// world returns the world in which the instances of the file's entries begin: as the file sets it,
// or else the options, or else the first entry that does.
func (f *fileRun) world() World {
	w := f.options.World
	if f.options.play != nil {
		return w
	}
	s := &f.file.Settings
	for i := 0; ; i++ {
		if s.Clock != nil && (w.Clock.IsZero() || i == 0) {
			w.Clock = s.Clock.At
		}
		if s.Seed != nil && (!w.Seeded || i == 0) {
			w.Seed, w.Seeded = s.Seed.N, true
		}
		if i == len(f.file.Entries) {
			return w
		}
		s = &f.file.Entries[i].Settings
	}
}

// setWorld sets the clock and the seed of a request to those of its entry. If the entry begins a
// new instance, begin sets them for the instance instead.
func (r *Request) setWorld(e *hurl.Entry, s *hurl.Settings) {
	r.Clock, r.Seed = time.Time{}, nil
	if s.NewInstance {
		return
	}
	if c := e.Settings.Clock; c != nil {
		r.Clock = c.At
	}
	if s := e.Settings.Seed; s != nil {
		r.Seed = &s.N
	}
}

// seedNote is the note for an entry with a seed of its own in an instance that was used before.
const seedNote = "its seed starts the random numbers of this entry; what the instance drew " +
	"before stays, such as keys for hashes"

// begin sets the world of the new instance that an entry begins, and in which the entries after it
// continue.
func (f *fileRun) begin(e *hurl.Entry) {
	if !f.file.EntrySettings(e).NewInstance || f.options.play != nil && f.options.play.regardless {
		return
	}
	if c := e.Settings.Clock; c != nil {
		f.began.Clock = c.At
	}
	if s := e.Settings.Seed; s != nil {
		f.began.Seed, f.began.Seeded = s.N, true
	}
}
