package testrunner

import (
	"cmp"
	"math/rand/v2"
	"regexp"
	"slices"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
)

// Selection selects the fixtures to run among those found, and their order.
type Selection struct {
	// Filter, if not nil, selects the files whose path it matches, and the
	// entries whose method and URL it matches.
	Filter *regexp.Regexp
	// Places selects, in the files that it names, the entries at these lines.
	Places map[string][]Lines
	// Only, if not nil, reports whether an entry is selected.
	Only func(path string, e *hurl.Entry) bool
	// Shard, from 1, selects one of Shards parts that take about the same time; Shards 0: all.
	Shard, Shards int
	// Times, if not nil, returns how long a file took before. A file for which ok is false counts
	// as many entries of the other files do on average; without Times, all entries count the same.
	Times func(path string) (d time.Duration, ok bool)
	// Shuffle, if not nil, is the seed of a random order of the files.
	Shuffle *uint64
	// Repeat is how often everything is run; 0 counts as 1.
	Repeat int
}

// Files returns the sources that are selected, in the order of the run.
func (s *Selection) Files(sources []*Source) []*Source {
	var out []*Source
	for _, source := range sources {
		if s.takes(source) {
			out = append(out, source)
		}
	}
	if s.Shards > 0 {
		out = s.part(out)
	}
	if s.Shuffle != nil {
		random := rand.New(rand.NewPCG(*s.Shuffle, 0))
		random.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	}
	once := out
	for range max(s.Repeat, 1) - 1 {
		out = append(out[:len(out):len(out)], once...)
	}
	return out
}

// part returns the sources of the shard, in their order. The sources that take longest are
// assigned first, each to the shard that has the least to do.
func (s *Selection) part(sources []*Source) []*Source {
	order := make([]int, len(sources))
	for i := range order {
		order[i] = i
	}
	weights := s.weights(sources)
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(weights[b], weights[a]) })
	load := make([]float64, s.Shards)
	var mine []int
	for _, i := range order {
		shard := slices.Index(load, slices.Min(load))
		load[shard] += weights[i]
		if shard == s.Shard-1 {
			mine = append(mine, i)
		}
	}
	slices.Sort(mine)
	out := make([]*Source, len(mine))
	for n, i := range mine {
		out[n] = sources[i]
	}
	return out
}

// weights returns how long each source takes, in seconds, or if no times are known in entries.
func (s *Selection) weights(sources []*Source) []float64 {
	entries, known := make([]float64, len(sources)), make([]bool, len(sources))
	weights := make([]float64, len(sources))
	var seconds, of float64
	for i, source := range sources {
		entries[i] = 1
		if source.File != nil {
			entries[i] = max(1, float64(len(s.Entries(source.Path, source.File.Entries))))
		}
		if s.Times == nil {
			continue
		}
		var d time.Duration
		if d, known[i] = s.Times(source.Path); known[i] {
			weights[i] = d.Seconds()
			seconds, of = seconds+weights[i], of+entries[i]
		}
	}
	each := 1.0
	if seconds > 0 {
		each = seconds / of
	}
	for i := range weights {
		if !known[i] {
			weights[i] = entries[i] * each
		}
	}
	return weights
}

func (s *Selection) takes(source *Source) bool {
	if source.File == nil || len(source.File.Entries) == 0 {
		return s.Filter == nil || s.Filter.MatchString(source.Path)
	}
	return slices.Contains(s.picks(source.Path, source.File.Entries), true)
}

// picks reports for each entry of a file whether it is selected itself.
func (s *Selection) picks(path string, entries []*hurl.Entry) []bool {
	picked := make([]bool, len(entries))
	all := s.Filter == nil || s.Filter.MatchString(path)
	for i, e := range entries {
		picked[i] = (all || s.Filter.MatchString(EntryName(e))) &&
			(s.Only == nil || s.Only(path, e))
	}
	if places := s.Places[path]; len(places) > 0 {
		there := make([]bool, len(entries))
		for _, l := range places {
			for i, is := range l.of(entries) {
				there[i] = there[i] || is
			}
		}
		for i := range picked {
			picked[i] = picked[i] && there[i]
		}
	}
	return picked
}

// Entries returns the entries of a file that are run: those that are selected, and those before
// them whose captures they may need.
func (s *Selection) Entries(path string, entries []*hurl.Entry) []*hurl.Entry {
	picked := s.picks(path, entries)
	if !slices.Contains(picked, false) {
		return entries
	}
	last := len(entries) - 1
	for last >= 0 && !picked[last] {
		last--
	}
	var out []*hurl.Entry
	for i, e := range entries[:last+1] {
		captures := e.Response != nil && len(e.Response.Captures()) > 0
		if picked[i] || captures {
			out = append(out, e)
		}
	}
	return out
}
