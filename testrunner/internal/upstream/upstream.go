// Package upstream stands for the servers that guests send requests to. It finds the recorded
// exchange for each request, and sends the recorded response over a connection in memory.
package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/fixture/tap"
)

// Exchange is a request that a guest is expected to send, and the response to it.
type Exchange struct {
	// Index is the index in the Set.
	Index int
	// Place is the place where the exchange is written, for messages.
	Place string
	// Problem is why the exchange cannot be used; "" if it can.
	Problem string
	Want    Want
	// Times is the number of times that the request may be sent; 0 for any number.
	Times int
	// Delay is the time before the response, or before the failure.
	Delay time.Duration
	// Fail is the way in which the request fails, "" for a response, and FailN its number.
	// FailCut has a response, too, whose body is cut after FailN bytes.
	Fail  hurl.FailKind
	FailN int
	// Drip is how long after each of Pieces of the body the next one comes.
	Drip   time.Duration
	Pieces int

	Status   int
	Headers  fixture.Fields
	Body     []byte // without content coding
	Trailers fixture.Fields
}

// Request is the head of a request that a guest sends.
type Request struct {
	Method string
	Scheme string // "http" or "https"
	Host   string // with a port, unless it is the default of the scheme
	Target string // path and query
	Header http.Header
	// Dial connects to the server itself.
	Dial func(ctx context.Context) (net.Conn, error)
	// After returns a channel that is closed when a time has passed for the guest, and a function
	// that must be called in any case when the wait is over.
	After func(d time.Duration) (passed <-chan struct{}, stop func())
}

// Set is a list of exchanges, and how often each was used. It is safe for concurrent use.
type Set struct {
	mu   sync.Mutex
	used []int
}

// NewSet returns a Set of n exchanges.
func NewSet(n int) *Set { return &Set{used: make([]int, n)} }

// Unused returns the indices of the exchanges that were never used.
func (s *Set) Unused() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []int
	for i, n := range s.used {
		if n == 0 {
			list = append(list, i)
		}
	}
	return list
}

// Live says which requests go to the servers themselves and are recorded.
type Live int

// The choices.
const (
	LiveNone    Live = iota
	LiveMissing      // requests for which nothing is recorded
	LiveAll
)

// View is the part of a Set that the requests of one entry can use.
type View struct {
	// Live must be set before the view is used.
	Live Live

	set       *Set
	exchanges []Exchange

	running sync.WaitGroup

	mu     sync.Mutex
	taken  []int // indices in the Set, repeated as often as they were used
	misses []Miss
	record []fixture.Exchange
	lost   int // the number of requests to servers that could not be recorded
}

// View returns a view of some exchanges of the Set. If several match a request, the first one that
// may still be used responds.
func (s *Set) View(exchanges []Exchange) *View { return &View{set: s, exchanges: exchanges} }

// Undo makes the exchanges that the view has used available again.
func (v *View) Undo() { v.Return(Mark{}) }

// Mark is what a view has done until then.
type Mark struct{ taken, misses, record, lost int }

// Mark returns what the view has done.
func (v *View) Mark() Mark {
	v.mu.Lock()
	defer v.mu.Unlock()
	return Mark{len(v.taken), len(v.misses), len(v.record), v.lost}
}

// Return undoes what the view has done since a mark, because the request of the guest's is sent
// again.
func (v *View) Return(m Mark) {
	v.await()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.set.mu.Lock()
	defer v.set.mu.Unlock()
	for _, i := range v.taken[m.taken:] {
		v.set.used[i]--
	}
	v.taken, v.misses = v.taken[:m.taken], v.misses[:m.misses]
	v.record, v.lost = v.record[:m.record], m.lost
}

// Taken returns the indices of the exchanges that the view has used, as often as it did.
func (v *View) Taken() []int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.taken)
}

// graceForBodies is the time for which End waits for connections that the guest keeps open.
const graceForBodies = 100 * time.Millisecond

// Recorded returns the exchanges with servers, and the number of those that could not be recorded
// because they were incomplete or too large. Call it after End.
func (v *View) Recorded() (list []fixture.Exchange, lost int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.record, v.lost
}

// End returns the requests for which nothing recorded was found, once all connections have ended or
// the grace for bodies is over.
func (v *View) End() []Miss {
	v.await()
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.misses)
}

// await waits until all connections have ended, or the grace for bodies is over.
func (v *View) await() {
	ended := make(chan struct{})
	go func() {
		v.running.Wait()
		close(ended)
	}()
	timer := time.NewTimer(graceForBodies)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
	}
}

// Refuse reports that the guest was refused something else that is not recorded; what names it.
func (v *View) Refuse(what string) { v.miss(Miss{Request: what}) }

func (v *View) miss(m Miss) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.misses = append(v.misses, m)
}

// Connect returns a connection to a server that responds to one request as recorded. The error is
// that of a network, for an exchange that fails that way or a request for which nothing is
// recorded. ctx limits connecting only.
func (v *View) Connect(ctx context.Context, r Request) (net.Conn, error) {
	candidates, m := v.candidates(&r)
	if v.Live == LiveAll || v.Live == LiveMissing && len(candidates) == 0 {
		return v.dial(ctx, &r)
	}
	if len(candidates) == 0 {
		v.miss(m)
		return nil, networkError("dial", syscall.ECONNREFUSED)
	}
	first := &v.exchanges[candidates[0]]
	switch first.Fail {
	case "", hurl.FailReset, hurl.FailCut:
	default:
		if !v.take(candidates[0]) {
			return v.Connect(ctx, r)
		}
		return nil, first.refuse(ctx, &r)
	}
	ours, theirs := net.Pipe()
	s := &server{view: v, conn: ours, request: r, candidates: candidates}
	if s.decided() && !v.take(candidates[0]) {
		ours.Close()
		theirs.Close()
		return v.Connect(ctx, r)
	}
	v.running.Go(s.serve)
	return &client{Conn: theirs, server: s}, nil
}

// dial connects to the server itself and records the exchange.
func (v *View) dial(ctx context.Context, r *Request) (net.Conn, error) {
	v.running.Add(1)
	ended := sync.OnceFunc(v.running.Done)
	request := fixture.Request{Method: r.Method, URL: r.Scheme + "://" + r.Host + r.Target}
	conn, err := tap.Dial(ctx, request, r.Dial, func(x *fixture.Exchange) {
		v.keep(x)
		ended()
	})
	if err != nil {
		ended()
	}
	return conn, err
}

// keep adds a recorded exchange, or counts one that could not be recorded if x is nil.
func (v *View) keep(x *fixture.Exchange) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if x == nil {
		v.lost++
		return
	}
	v.record = append(v.record, *x)
}

// candidates returns the exchanges whose heads match and that may still be used; if there are none,
// it describes the nearest one.
func (v *View) candidates(r *Request) (list []int, m Miss) {
	v.set.mu.Lock()
	defer v.set.mu.Unlock()
	used := false
	for i := range v.exchanges {
		x := &v.exchanges[i]
		if x.Problem != "" || !x.Want.matches(r) {
			continue
		}
		used = true
		if x.Times == 0 || v.set.used[x.Index] < x.Times {
			list = append(list, i)
		} else {
			m.Nearest, m.Differences = x.Place, []string{"it has been used " + times(x.Times)}
		}
	}
	m.Request = r.String()
	if !used {
		m.Nearest, m.Differences = nearest(v.exchanges, r)
	}
	return list, m
}

// take uses an exchange. It returns false if the exchange has been used up meanwhile.
func (v *View) take(exchange int) bool {
	x := &v.exchanges[exchange]
	v.mu.Lock()
	defer v.mu.Unlock()
	v.set.mu.Lock()
	defer v.set.mu.Unlock()
	if x.Times > 0 && v.set.used[x.Index] >= x.Times {
		return false
	}
	v.set.used[x.Index]++
	v.taken = append(v.taken, x.Index)
	return true
}

// refuse returns the error of a connection that is not made.
func (x *Exchange) refuse(ctx context.Context, r *Request) error {
	if x.Delay > 0 {
		passed, stop := r.After(x.Delay)
		defer stop()
		select {
		case <-passed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	switch x.Fail {
	case hurl.FailDNS, hurl.FailNoDNS:
		err := &net.DNSError{Err: "no such host", Name: r.Host, IsNotFound: true}
		if x.Fail == hurl.FailNoDNS {
			err.Err, err.IsNotFound = "server misbehaving", false
		}
		return &net.OpError{Op: "dial", Net: "tcp", Err: err}
	case hurl.FailTimeout:
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
	case hurl.FailDenied:
		return fmt.Errorf("refused as recorded: %w", fs.ErrPermission)
	case hurl.FailCertificate:
		return &tls.CertificateVerificationError{Err: errors.New("not accepted, as recorded")}
	case hurl.FailAlert:
		return &net.OpError{Op: "remote error", Err: tls.AlertError(x.FailN)}
	case hurl.FailTLS:
		return tls.RecordHeaderError{Msg: "no TLS, as recorded"}
	}
	return networkError("dial", syscall.ECONNREFUSED)
}

func networkError(op string, errno syscall.Errno) error {
	return &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError(op, errno)}
}
