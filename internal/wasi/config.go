package wasi

import (
	"context"
	"io"
	"os"
	"runtime"
	"sync"

	"github.com/wasihttp/wasihttp/internal/timeline"
)

// Config is what an embedder decides for the components that it runs. It is read only once a State
// uses it and may be shared by many.
type Config struct {
	// Env are the environment variables in the order that the guest sees; nothing is inherited.
	Env [][2]string
	// Args are the command line, the program's name first.
	Args []string
	// ConfigVars are the values of wasi:config as pairs of key and value, in the order that the
	// guest sees. Keys are unique.
	ConfigVars [][2]string
	// KeyValue keeps the buckets of wasi:keyvalue, which may be shared; nil denies access.
	KeyValue KeyValue
	// InitialCwd is the initial working directory; "" for none.
	InitialCwd string

	// Stdin is the standard input, which stores may share; nil for an empty one.
	Stdin *Stdin
	// Stdout and Stderr take what the guest writes; nil discards it.
	Stdout, Stderr io.Writer

	// StdinTerminal, StdoutTerminal and StderrTerminal report whether that stream is a terminal.
	StdinTerminal, StdoutTerminal, StderrTerminal bool

	// Dirs are the folders that the guest gets, in the order in which it sees them.
	Dirs []Dir

	// Client performs outgoing HTTP requests; nil denies all of them.
	Client *Client
	// Network is the policy for sockets and look-ups of names; nil allows none.
	Network *Network
	// Fields are the limits and extra rules for HTTP fields; nil for the defaults.
	Fields *FieldRules
	// BodyBuffer is how many bytes of a body are kept between writer and reader, per direction; 0
	// means DefaultBodyBuffer.
	BodyBuffer int

	// Steady makes what guests see of bodies independent of how fast the other side is, for tests
	// that count what guests do: a request's body is there as a whole, and a body takes as much at
	// any time as if its receiver had taken all that came before. Recorded says that the responses
	// of other servers are at hand; then their bodies are there as a whole, too.
	Steady, Recorded bool

	// Used, unless nil, is called with what guests use and what they are refused, every time. Any
	// goroutine calls it.
	Used func(Use)
	// Refusals, unless nil, learns of each address and name that sockets are refused. The goroutine
	// that runs the guest calls it.
	Refusals interface{ Refused(Use) }

	// Telemetry, unless nil, learns of what guests report through wasi:otel.
	Telemetry Telemetry

	// Random replaces the secure random source, for tests.
	Random io.Reader
	// Clock replaces the clocks of the machine, for tests.
	Clock *Clock
	// World replaces them, too; nil for the machine's. It belongs to one State.
	World *World
	// Seed makes what the guest draws repeatable: it has a stream of random numbers for its start
	// and one for each request. Nil for numbers from Random.
	Seed *uint64
}

// Dir is a folder that guests get, with all that is below it.
type Dir struct {
	// Guest is its name in the guest.
	Guest string
	// Root is the open folder. The embedder owns it, and closes it after the States.
	Root *os.Root
	// ReadOnly refuses everything that would change something in it.
	ReadOnly bool
}

// DefaultBodyBuffer is the default of Config.BodyBuffer, in bytes.
const DefaultBodyBuffer = 1 << 20

// State is what the interfaces keep for one store. Its methods are called by the goroutine of the
// guest, except Close.
type State struct {
	cfg *Config

	// work counts the goroutines that serve this state; Close stops and awaits them.
	work sync.WaitGroup
	mu   sync.Mutex
	// open holds what Close has to end: exchanges and bodies that still have a goroutine or a
	// connection.
	open   map[io.Closer]struct{}
	closed bool

	// parts holds the values of packages on top of this one, by their own keys.
	parts map[any]io.Closer

	busy uint8
	// calling is the context of the host function that was called last.
	calling context.Context
	onWait  func()
	clock   *Clock
	http2   http2Client
	world   *World // that of cfg
	random  *Random
	seeded  *seeded // in place of random
	zone    Zone    // if it was asked for

	ownTrace *Trace  // of what is done for no request
	spare    *Fields // of NewFields
	// timeline is that of the request that the guest works for; nil if nobody wants to know.
	timeline *timeline.Trace
}

// NewState returns the state for a new store. The caller closes it after the store.
func NewState(cfg *Config) *State { return &State{cfg: cfg, world: cfg.World} }

// Config returns the embedder's decisions. They must not be changed.
func (s *State) Config() *Config { return s.cfg }

// FieldRules returns the rules for HTTP fields.
func (s *State) FieldRules() *FieldRules {
	if s.cfg.Fields != nil {
		return s.cfg.Fields
	}
	return &noRules
}

// noRules are the FieldRules of an embedder that has none.
var noRules FieldRules

// bodyBuffer is the size of a body's buffer in bytes.
func (s *State) bodyBuffer() int {
	if s.cfg.BodyBuffer > 0 {
		return s.cfg.BodyBuffer
	}
	return DefaultBodyBuffer
}

// Busy is called whenever a guest has polled without waiting. Now and then it lets other goroutines
// run, so that a guest that polls in a loop does not block the event that it waits for.
func (s *State) Busy() {
	if s.busy++; s.busy%32 == 0 {
		runtime.Gosched()
	}
}

// SetTimeline sets the timeline of the request that the guest works for from now on; nil for none.
func (s *State) SetTimeline(t *timeline.Trace) { s.timeline = t }

// Timeline returns what SetTimeline was last called with.
func (s *State) Timeline() *timeline.Trace { return s.timeline }

// OnWait sets f, which is called whenever a host function is about to wait for the guest; nil ends
// that.
func (s *State) OnWait(f func()) { s.onWait = f }

// Await calls the function Await for a guest, after the function of OnWait if src is not ready.
func (s *State) Await(ctx context.Context, src Source) error {
	if isHere(src) {
		return nil
	}
	s.Waits()
	if world := s.world; world != nil {
		world.Wait(nil, Timed(src))
		defer world.Run()
	}
	s.timeline.Wait()
	defer s.timeline.Run()
	return Await(ctx, src)
}

// Wait waits until w is woken. alone says that it is subscribed to nothing but Sources for which
// Timed holds.
func (s *State) Wait(ctx context.Context, w *Waiter, alone bool) error {
	if world := s.world; world != nil {
		world.Wait(w, alone)
		defer world.Run()
	}
	s.timeline.Wait()
	defer s.timeline.Run()
	return w.Wait(ctx)
}

// Timed reports whether a Source is a timer or a request to another server, which a World knows.
func Timed(src Source) bool {
	switch src.(type) {
	case *Timer, *Exchange:
		return true
	}
	return false
}

// Waits calls the function of OnWait: a host function is about to wait.
func (s *State) Waits() {
	if s.onWait != nil {
		s.onWait()
	}
}

// Clock returns the clocks of this store.
func (s *State) Clock() *Clock {
	if s.clock == nil {
		switch s.clock = s.cfg.Clock; {
		case s.clock != nil:
		case s.world != nil:
			s.clock = NewWorldClock(s.world)
		default:
			s.clock = NewClock(nil)
		}
	}
	return s.clock
}

// Calling sets the context of the host function that the guest has called. Host functions that take
// long check whether it has ended. The goroutine of the guest calls it.
func (s *State) Calling(ctx context.Context) { s.calling = ctx }

// stopped returns why the host function that was called last has to stop, nil if it has not.
func (s *State) stopped() error {
	if c := s.calling; c != nil && c.Err() != nil {
		return context.Cause(c)
	}
	return nil
}
