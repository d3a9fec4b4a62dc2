package testrunner

import (
	"math/rand/v2"
	"regexp"
	"slices"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
)

// Selection selects the fixtures to run among those found, and their order.
type Selection struct {
	// Filter, if not nil, selects the files whose path it matches, and the
	// entries whose method and URL it matches.
	Filter *regexp.Regexp
	// Shard, from 1, selects one of Shards parts with about the same number of
	// entries; Shards 0: all.
	Shard, Shards int
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

// part returns the sources of the shard, in their order. The sources with the
// most entries are assigned first, each to the shard with the fewest entries.
func (s *Selection) part(sources []*Source) []*Source {
	order := make([]int, len(sources))
	for i := range order {
		order[i] = i
	}
	weight := func(i int) int {
		if sources[i].File == nil {
			return 1
		}
		return max(1, len(s.Entries(sources[i].Path, sources[i].File.Entries)))
	}
	slices.SortStableFunc(order, func(a, b int) int { return weight(b) - weight(a) })
	load := make([]int, s.Shards)
	var mine []int
	for _, i := range order {
		shard := slices.Index(load, slices.Min(load))
		load[shard] += weight(i)
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

func (s *Selection) takes(source *Source) bool {
	if s.Filter == nil || s.Filter.MatchString(source.Path) {
		return true
	}
	if source.File == nil {
		return false
	}
	for _, e := range source.File.Entries {
		if s.Filter.MatchString(EntryName(e)) {
			return true
		}
	}
	return false
}

// Entries returns the entries of a file that are run: in a file that the filter
// does not match as a whole, those that it matches, and those before them whose
// captures they may need.
func (s *Selection) Entries(path string, entries []*hurl.Entry) []*hurl.Entry {
	if s.Filter == nil || s.Filter.MatchString(path) {
		return entries
	}
	last := -1
	for i, e := range entries {
		if s.Filter.MatchString(EntryName(e)) {
			last = i
		}
	}
	var out []*hurl.Entry
	for _, e := range entries[:last+1] {
		captures := e.Response != nil && len(e.Response.Captures()) > 0
		if captures || s.Filter.MatchString(EntryName(e)) {
			out = append(out, e)
		}
	}
	return out
}
