package wasi

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/drafts"
	"github.com/wasihttp/wasihttp/internal/wasi/p2"
	"github.com/wasihttp/wasihttp/internal/wasi/p3"
)

// AddTo adds all interfaces of WASI 0.2 and 0.3 to l, and wasi:config, wasi:keyvalue, wasi:logging
// and wasi:otel. view returns the state of a store for the data that the embedder put into the
// store.
func AddTo(l *component.Linker, view func(data any) *State) {
	p2.AddTo(l, view)
	p3.AddTo(l, view)
	drafts.AddTo(l, view)
}

// State is what the interfaces keep for one store. NewState returns it; Close ends what the guest
// has left open, such as requests to other servers, and waits for the goroutines behind it.
// Everything else is called by the interfaces. The State is closed after its store.
type State = wasi.State

// NewState returns the State for a new store. The caller must close it.
func NewState(c *Config) *State { return wasi.NewState(c.internal()) }

// Config holds what an embedder grants to the components that it runs. The zero value grants
// nothing. A Config may be shared by many States, and must not change once one uses it.
type Config struct {
	// Env is the environment as pairs of name and value, in the order that the guest sees; nothing
	// is inherited. Names are unique.
	Env [][2]string
	// Args is the command line, the program's name first.
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
	// Stdout and Stderr take what the guest writes; nil discards it. They need not be safe for
	// concurrent use if no other State has them.
	Stdout, Stderr io.Writer
	// StdinTerminal, StdoutTerminal and StderrTerminal report whether that stream is a terminal.
	StdinTerminal, StdoutTerminal, StderrTerminal bool

	// Dirs are the folders that the guest gets, in the order that it sees.
	Dirs []Dir

	// Client performs requests to other servers; nil denies all of them.
	Client *Client
	// Network is the policy for sockets and look-ups of names; nil allows none.
	Network *Network
	// Fields limits HTTP fields; nil for the defaults.
	Fields *FieldRules
	// BodyBuffer is how many bytes of a body are kept between its writer and its reader, in each
	// direction; 0 means 1 MiB.
	BodyBuffer int

	// Used, unless nil, is called whenever a guest uses something outside of it, or is refused it:
	// at each call of an interface, for each path, host and address. Any goroutine calls it, and
	// the guest waits for it.
	Used func(Use)

	// Refusals, unless nil, learns of each address and name that sockets are refused. The goroutine
	// that runs the guest calls it.
	Refusals interface{ Refused(Use) }

	// Telemetry, unless nil, learns of what guests report through wasi:otel. The goroutine that
	// runs the guest calls it.
	Telemetry Telemetry

	// Random replaces the secure random source, for tests.
	Random io.Reader
	// Clock replaces the clocks of the machine, for tests.
	Clock *Clock
	// World replaces them by clocks that only events move; nil for the machine's. It belongs to one
	// State.
	World *World
	// Seed, unless nil, makes what the guest draws repeatable.
	Seed *uint64
}

// Check returns an error if guests cannot be given the environment, the arguments or the working
// directory: all of it must be UTF-8. The error names what is not.
func (c *Config) Check() error { return c.internal().Check() }

func (c *Config) internal() *wasi.Config {
	return &wasi.Config{
		Env: c.Env, Args: c.Args, ConfigVars: c.ConfigVars, KeyValue: c.KeyValue,
		InitialCwd: c.InitialCwd,
		Stdin:      c.Stdin, Stdout: c.Stdout, Stderr: c.Stderr,
		StdinTerminal: c.StdinTerminal, StdoutTerminal: c.StdoutTerminal,
		StderrTerminal: c.StderrTerminal, Dirs: c.Dirs,
		Client: (*wasi.Client)(c.Client), Fields: (*wasi.FieldRules)(c.Fields),
		BodyBuffer: c.BodyBuffer,
		Random:     c.Random, Clock: c.Clock, Network: c.Network, Used: c.Used,
		Refusals: c.Refusals, World: c.World, Seed: c.Seed, Telemetry: c.Telemetry,
	}
}

// Use is something outside of a guest that it has used, or, with Refused, was refused. Kind says
// what Name is: an interface with its version, host:port of a request, an address with its port or
// a name for sockets, a path as the guest sees it (with Write if it was to be changed), or a
// variable of the environment.
type Use = wasi.Use

// UseKind says what a Use is about.
type UseKind = wasi.UseKind

// The kinds of a Use.
const (
	UseInterface   = wasi.UseInterface
	UseOutbound    = wasi.UseOutbound
	UseNetwork     = wasi.UseNetwork
	UsePath        = wasi.UsePath
	UseEnvironment = wasi.UseEnvironment
	UseConfig      = wasi.UseConfig
	UseKeyValue    = wasi.UseKeyValue
)

// Telemetry is what an embedder has to do with wasi:otel: it has the Trace of a request, and
// receives each Span. The lines that these interfaces cause on the standard error come by
// themselves.
type Telemetry = wasi.Telemetry

// Trace is what the spans of one request have in common. TraceOf returns that of a request with
// those headers.
type Trace = wasi.Trace

// TraceOf returns the trace of a request: that of its headers traceparent and tracestate, or a new
// one.
func TraceOf(h http.Header) *Trace { return wasi.TraceOf(h) }

// Span is a piece of work that a guest has reported.
type Span = wasi.Span

// KeyValue keeps the buckets of wasi:keyvalue: View and Update call a function with one of them, by
// its name. NewKeyValue returns one in memory, which holds 256 MiB.
type KeyValue = wasi.KeyValue

// KeyValueTx is a bucket while a function works on it.
type KeyValueTx = wasi.KeyValueTx

// NewKeyValue returns an empty store in memory.
func NewKeyValue() KeyValue { return wasi.NewKeyValue() }

// Network is a policy for the sockets of guests and their look-ups of names: All allows everything,
// else Rules say what is allowed. The zero value, as nil, allows nothing. MaxSockets limits the
// sockets that are open in one State; 0 means 10,000. Lookup replaces the system's resolver.
// Refused, unless nil, is called, by any goroutine, with what the policy has refused: an address
// with its port, a name, or * for a socket where there may be none. A Network may be shared by many
// Configs, and must not change once one uses it.
type Network = wasi.Network

// NetworkRule allows the addresses of a Prefix, or the names that are Name, or below it with
// Subdomains, and the addresses that their look-ups have given to the same State; and Port alone,
// unless that is 0. host.ParseNetworkRule reads one as people write it.
type NetworkRule = wasi.NetworkRule

// Client is a policy for the requests that guests send to other servers. The zero value allows all
// of them. A Client may be shared by many Configs, and must not change once one uses it.
//
// Requests go out over HTTP/2 if a server offers that for https or H2C says so, and otherwise over
// HTTP/1.1, each on a connection of its own, without redirects, cookies, proxies, compression, or
// fields that the guest has not set, except those that frame the message.
type Client struct {
	// Allow decides on every request before anything is sent. authority is host:port, always with a
	// port. The guest gets an error as HTTP-request-denied. nil allows all. Allow is called by any
	// goroutine.
	Allow func(authority string) error
	// Log is called for every request when the head of its response has come or it has failed; nil
	// for no log. It is called by any goroutine, before the guest gets the result: it should not
	// take long.
	Log func(Outbound)
	// TLS is the configuration for https; nil for the system's roots. It is cloned for each
	// connection.
	TLS *tls.Config
	// H2C reports whether the server at host:port is spoken to in HTTP/2 over http, which it has to
	// understand; nil for none. It is called by any goroutine.
	H2C func(address string) bool
	// Connect makes the connection for a request, for https with TLS done; nil for the network. It
	// also gets requests that Allow refuses: only their Dial does. ctx ends with the guest's
	// connect-timeout. Connect is called by any goroutine.
	// The guest gets an error-code for its error: fs.ErrPermission makes it HTTP-request-denied,
	// and so do the errors of net and crypto/tls the codes that are meant for them.
	Connect func(ctx context.Context, r Destination) (net.Conn, error)
	// Sender, unless nil, returns the id of the request that the guest works for, for Connect and
	// Log. The guest's goroutine calls it when the guest sends.
	Sender func() string
	// MaxHeaderBytes limits the head of a response, in bytes; 0 means 1 MiB.
	MaxHeaderBytes int
	// DefaultScheme is for requests that name none; "" means HTTPS.
	DefaultScheme string
}

// Destination is where a request goes, with the head of that request: Sender, what Client.Sender
// returned; Method; Scheme, http or https; Host, the authority without user name, and Address, the
// same with a port in any case; Target, path and query; Header, which may be kept; Dial, which
// connects to the server over the network, if Client.Allow does; and After, which returns a channel
// that is closed when a time has passed for the guest, before which there is to be no response, and
// a function to be called in the end in any case.
type Destination = wasi.Destination

// Outbound is what became of a request to another server: Sender, what Client.Sender returned; its
// Method and URL; Status, that of the
// response, 0 if there was none; Err, the *ErrorCode that the guest got instead; and Duration, the
// time until the head of the response, or the failure.
type Outbound = wasi.Outbound

// Stdin is an input that any number of guests share, such as the standard input of a process. It
// reads only when a guest asks for bytes, and keeps what that guest leaves for the next. It is safe
// for concurrent use.
type Stdin = wasi.Stdin

// NewStdin returns a Stdin that reads r, which must not be read by anything else from then on; nil
// stands for an empty input. Close ends it, but not a Read of r that has begun.
func NewStdin(r io.Reader) *Stdin { return wasi.NewStdin(r) }

// World is a clock that stands still: a timer that is due sets it to exactly its own time, and what
// the guest waits for is due at once; while the guest also waits for something from outside, timers
// take as long as they say.
type World = wasi.World

// NewWorld returns a World in which it is start.
func NewWorld(start time.Time) *World { return wasi.NewWorld(start) }

// Clock is a guest's view of time: a monotonic clock and the wall clock.
type Clock = wasi.Clock

// Exit is the error of a call during which the guest ended with wasi:cli/exit. Code is the status:
// 0 is success. The store can only be closed after it. It is found with errors.As.
type Exit = wasi.Exit

// Fields are HTTP fields, headers or trailers: pairs in order, found without regard to case. Get,
// Has, Entries and Len read them; Set, Append and Delete change them; Freeze makes them immutable,
// Clone returns a mutable copy, and HTTP returns them as net/http has them. They belong to one
// goroutine until they are frozen; then any may read them.
type Fields = wasi.Fields

// Field is one pair of Fields: a Name and a Value of bytes.
type Field = wasi.Field

// FieldRules are limits and rules for Fields beside those of HTTP. A nil *FieldRules stands for the
// defaults.
type FieldRules struct {
	// Bytes limits the names and values of one Fields that a guest makes, with 32 bytes added for
	// every pair; 0 means 128 KiB. What came from the network is not held to it until a guest makes
	// it grow.
	Bytes int
	// Forbidden are lower-case names that guests may not use and never see, beside those that
	// concern the connection.
	Forbidden []string
}

// NewFields returns empty, mutable fields.
func NewFields(rules *FieldRules) *Fields { return wasi.NewFields((*wasi.FieldRules)(rules)) }

// FieldsFromHTTP returns what arrived from the network as frozen fields: lower-case names in
// alphabetical order, without those that concern the connection.
func FieldsFromHTTP(rules *FieldRules, h http.Header) *Fields {
	return wasi.FieldsFromHTTP((*wasi.FieldRules)(rules), h)
}

// Request is an HTTP request for a guest. Its fields are
//
//   - Method: a token, in its own case.
//   - Scheme: "HTTP", "HTTPS", another one in its own case, or "" if it is not known.
//   - Authority: host and port as the client named them; "" if they are not known.
//   - PathWithQuery: path and query of the target as they were sent; "" if it has none (CONNECT).
//   - Header: frozen *Fields.
//   - Body: an io.ReadCloser, nil for an empty body. One goroutine reads it; Close must make a
//     blocked Read return.
//   - Trailer: a function that returns the trailers, frozen, once Body has returned io.EOF; nil, or
//     returning nil, if there are none.
type Request = wasi.Request

// RequestFromHTTP returns what a guest sees of r, which may come from a server or have been made
// for one. The error is an *ErrorCode: the request has no authority, or its target is no text.
//
// Trailers that the client did not announce are found if r is the server's own, not a copy. A
// server's body blocks its goroutine in Read until the server's handler returns, unless it has a
// method Interrupt that makes Read return.
func RequestFromHTTP(r *http.Request, rules *FieldRules) (*Request, error) {
	return wasi.RequestFromHTTP(r, (*wasi.FieldRules)(rules))
}

// ErrorCode is an error-code of wasi:http/types, of 0.2 or 0.3. It is an error and immutable;
// String returns it in the notation of WIT values, such as `connection-refused` or
// `DNS-error(rcode: "NXDOMAIN")`, and Unwrap the Go error behind it, if there is one.
type ErrorCode = wasi.ErrorCode

// ErrBodyDropped is the error of reading a body that the guest dropped before it was finished.
var ErrBodyDropped = wasi.ErrBodyDropped
