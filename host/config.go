package host

import (
	"io"
	"net/http"
	"time"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/handler"
	"github.com/wasihttp/wasihttp/wasi"
)

// The defaults of a Config's limits, which are those of "wasihttp serve".
const (
	DefaultTimeout             = 30 * time.Second
	DefaultPostReturnTimeout   = 10 * time.Second
	DefaultIdleInstanceTimeout = time.Second
	DefaultMaxMemory           = 1 << 30 // bytes

	DefaultMaxConcurrentRequests = 1000
)

// The defaults of how instances are used again depend on the component's kind.
const (
	defaultReuseP2      = 1
	defaultReuseP3      = 128
	defaultConcurrentP3 = 16
)

// Config holds what an embedder decides about one component. The zero value is safe: the guest
// gets no environment, no arguments, no files and no network, and the limits are the defaults.
// New copies the Config; what it refers to must not change afterwards.
type Config struct {
	// Name is the program's name that the guest sees as its first argument.
	Name string
	// Args are the arguments after it.
	Args []string
	// Env is the guest's environment as pairs of name and value, in the order that the guest
	// sees; names are unique.
	Env [][2]string
	// ConfigVars are the values of wasi:config as pairs of key and value; keys are unique.
	ConfigVars [][2]string
	// InitialCwd is the working directory that the guest begins in, as a path of its own; "" for
	// none.
	InitialCwd string
	// KeyValue keeps the buckets of wasi:keyvalue, for several Hosts if they are to share them; nil
	// stands for one in memory, which ends with the Host, or with the Session that has it.
	KeyValue wasi.KeyValue
	// Dirs are the folders that the guest gets. They are opened by New.
	Dirs []Dir
	// Outbound decides about the requests that guests send to other servers. Its zero value
	// denies all of them.
	Outbound Outbound
	// Network decides which addresses guests' sockets may have to do with, and which names they may
	// look up; nil for none. It has nothing to do with Outbound.
	Network *wasi.Network
	// Used, unless nil, is called with what guests use outside of them and what they are refused,
	// at every use. It is called from many goroutines, and guests wait for it.
	Used func(wasi.Use)

	// Spans, unless nil, receives each span that a guest reports through wasi:otel, with the id of
	// the request that it belongs to; "" if that is unknown. It is called from many goroutines, and
	// guests wait for it.
	Spans func(request string, s wasi.Span)

	// Timeout is the longest time from accepting a request to the head of its response; 0 means
	// DefaultTimeout, and less than 0 no limit. It limits the initialization of an instance, too.
	Timeout time.Duration
	// BodyTimeout is the longest time from the head of a response to the end of its body, whether
	// the guest writes slowly or the client reads slowly. 0 means no limit.
	BodyTimeout time.Duration
	// PostReturnTimeout is how long a guest may work on after the end of a response; 0 means
	// DefaultPostReturnTimeout, and less than 0 no limit.
	PostReturnTimeout time.Duration
	// IdleInstanceTimeout is how long an instance without requests is kept; 0 means
	// DefaultIdleInstanceTimeout, and less than 0 no limit.
	IdleInstanceTimeout time.Duration
	// MaxMemory limits the linear memories of one instance, in bytes; 0 means DefaultMaxMemory,
	// and less than 0 no limit.
	MaxMemory int64
	// MaxInstanceReuse is how many requests one instance takes in its life; 0 means 1 for WASI
	// 0.2 and 128 for 0.3.
	MaxInstanceReuse int
	// MaxInstanceConcurrentReuse is how many requests one instance takes at once; 0 means 16 for
	// WASI 0.3. Instances of WASI 0.2 take one at a time in any case.
	MaxInstanceConcurrentReuse int

	// MaxConcurrentRequests is how many requests ServeHTTP lets run at once; more wait, up to
	// Timeout. 0 means DefaultMaxConcurrentRequests, and less than 0 no limit.
	MaxConcurrentRequests int
	// MaxInstances is how many instances there may be at once; 0 means no limit. A request for
	// which there is none waits, up to Timeout.
	MaxInstances int

	// Plugs are components whose exports satisfy imports of the component, the first that has what
	// is wanted. Chain is middleware in front of it: components that import the HTTP handler that
	// they export; the first one gets the requests. New puts them together with the component;
	// FromComponent does not look at them.
	Plugs, Chain []Part

	// Instance, unless nil, is called for each instance before it is made, and returns its options.
	// It is called from many goroutines.
	Instance func() InstanceOptions

	// Link, unless nil, is called once, with the interfaces of WASI, and adds what else the
	// component may import.
	Link func(*component.Linker)

	// Failed, unless nil, writes the response to a request that has failed, in place of the
	// function Failed. It is called from many goroutines.
	Failed func(w http.ResponseWriter, r *http.Request, f *Failure)

	// Stdout and Stderr open the streams that take what an instance writes, such as Lines does; nil
	// discards it.
	// A stream belongs to its instance and is closed with it. Output that cannot be written is
	// lost without an error for the guest.
	Stdout, Stderr func(Origin) io.WriteCloser
	// Notice receives a line about a failure that cannot be part of a response; nil discards it. It
	// is called from many goroutines.
	Notice func(line string)

	// Observe, unless nil, wraps the Handler that passes requests to guests. It is called once, and
	// the Handler that it returns receives all requests: it sees requests as guests get them and
	// responses as guests make them, bodies and failures included, and must pass them on.
	Observe func(Handler) Handler
	// Describe, unless nil, returns the error for a failure that Handle and the reads of a body
	// return; it should wrap the *Failure.
	Describe func(*Failure) error

	// Engine holds the compiled code, to be shared by several Hosts; nil stands for an engine of
	// the Host's own, which keeps nothing on disk.
	Engine *Engine
	// Background makes New leave a processor to the requests of other Hosts in this process.
	Background bool
	// Try makes an instance once before New returns, to see that it can be made.
	Try bool
	// Progress is called while core code is compiled, with how many bytes of how many are done.
	// Calls do not overlap.
	Progress func(done, total int)
}

// Part is a component that is put together with that of a Host.
type Part struct {
	Name string // for errors
	Wasm []byte // which must not change
}

// Origin is where output comes from: an instance, and the request that it works for.
type Origin struct {
	// Instance numbers the instances of a Host, from 1.
	Instance uint64

	guest *guest
}

// Request returns the id of the request for which the guest is running; "" if it is unknown.
func (o Origin) Request() string {
	if o.guest == nil {
		return ""
	}
	if c := o.guest.requests.running(); c != nil {
		return c.ID
	}
	return ""
}

// limit returns a limit with its default: 0 is the default, less than 0 stands for no limit, which
// is 0 from here on.
func limit[T ~int | ~int64](value, standard T) T {
	switch {
	case value == 0:
		return standard
	case value < 0:
		return 0
	}
	return value
}

// reuse returns how instances of a kind are used again.
func (c *Config) reuse(kind handler.Kind) handler.Reuse {
	r := handler.Reuse{Max: defaultReuseP2, Concurrent: 1}
	if kind == handler.P3 {
		r = handler.Reuse{Max: defaultReuseP3, Concurrent: defaultConcurrentP3}
	}
	if c.MaxInstanceReuse > 0 {
		r.Max = c.MaxInstanceReuse
	}
	if c.MaxInstanceConcurrentReuse > 0 {
		r.Concurrent = c.MaxInstanceConcurrentReuse
	}
	return r
}

// withDefaults returns a copy in which 0 stands for no limit.
func (c Config) withDefaults() Config {
	c.Timeout = limit(c.Timeout, DefaultTimeout)
	c.PostReturnTimeout = limit(c.PostReturnTimeout, DefaultPostReturnTimeout)
	c.IdleInstanceTimeout = limit(c.IdleInstanceTimeout, DefaultIdleInstanceTimeout)
	c.MaxMemory = limit(c.MaxMemory, DefaultMaxMemory)
	c.MaxConcurrentRequests = limit(c.MaxConcurrentRequests, DefaultMaxConcurrentRequests)
	return c
}
