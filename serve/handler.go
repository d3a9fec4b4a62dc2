package serve

import (
	"context"
	"net/http"
	"time"

	"github.com/wasihttp/wasihttp/internal/exchange"
)

// Handler responds to requests.
//
// Handle returns as soon as the head of the response is known. Body then streams
// while the response is still being made; it is never nil, is always closed by the
// server, and its Read may return a *Failure when the rest can no longer be
// made. Trailer is complete once Body has returned io.EOF. Only Header counts
// for the response's headers: the server does not look at ContentLength.
//
// id names the request in everything that users see. r is the request as it
// arrived, RequestURI included; r.Host is never empty. ctx is cancelled when the
// client leaves, when the server has given up on the request, and after Body has
// been closed; work that outlives the response must not use ctx.
// HeadDeadline(ctx) returns the time until which the head is expected.
//
// An error should be or wrap a *Failure. Handle is called from many goroutines
// at once.
type Handler interface {
	Handle(ctx context.Context, id string, r *http.Request) (*http.Response, error)
}

// Readier is an optional method of a response's Body. Ready reports whether the
// next Read returns at once, with bytes or with the end: the server then holds
// back what it has, so that a short response leaves in one piece, and flushes
// before a Read that has to wait. Ready may take a moment to find out: a
// response that is still being computed is often about to continue. Without the
// method, the server assumes that each Read waits.
type Readier = exchange.Readier

// Sayer is an optional method of a response's Body. Message returns what the program has said about
// a failure of its own, on one line; "" if it has said nothing.
type Sayer interface{ Message() string }

// Build is one version of what is served.
type Build struct {
	// Handler responds to the requests that are given to this build.
	Handler Handler
	// Digest identifies the build to a person; empty if there is none.
	Digest string
	// Close frees the build after its last request, or earlier when draining
	// took too long: it then stops what still runs, whose Handle and Read must
	// return. It may wait for work that goes on after a response, no longer than
	// ctx lasts. nil means that there is nothing to free.
	Close func(ctx context.Context) error
}

// HeadDeadline returns the time until which the head of the response to the
// request of ctx has to be there, counted from when the request was accepted,
// and whether there is such a time.
func HeadDeadline(ctx context.Context) (time.Time, bool) {
	head, ok := exchange.HeadDeadline(ctx)
	return head, ok && !head.IsZero()
}
