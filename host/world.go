package host

import "time"

// World is what a guest finds in place of the machine's clocks and random numbers. The zero value
// stands for these.
type World struct {
	// Clock, unless zero, is the time of day. From then on only events move the clocks of the
	// guest: a timer that is due sets them to exactly its own time, and what the guest waits for is
	// due at once. While it also waits for something from outside, such as a server or the client,
	// timers take as long as they say.
	Clock time.Time
	// Seed, unless nil, makes the random numbers of the guest repeatable: the instance has a series
	// of them for its start, and one for each request.
	Seed *uint64
}

// InstanceOptions configures one instance.
type InstanceOptions struct {
	// World is where the instance begins.
	World World
	// Taken, unless nil, is called with the id of each request that the instance takes, before the
	// guest runs for it.
	Taken func(id string)
	// Ended, unless nil, is called once, when the instance has ended and nothing of it goes on,
	// with the parts of World that the guest has used.
	Ended func(used World)
}

// ended reports the end of the instance.
func (g *guest) ended() {
	if g.options.Ended == nil {
		return
	}
	used := World{}
	if g.cfg.World != nil && g.cfg.World.Used() {
		used.Clock = g.options.World.Clock
	}
	if g.cfg.Seed != nil && g.state.Drew() {
		used.Seed = g.options.World.Seed
	}
	g.options.Ended(used)
}
