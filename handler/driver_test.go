package handler

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	served "github.com/wasihttp/wasihttp/internal/exchange"
)

// countingDriver counts how often it is lent, and resumes.
type countingDriver struct {
	served.Driver
	lent, resumed atomic.Int32
}

func (d *countingDriver) Lend(work interface{ Run() bool }) {
	d.lent.Add(1)
	d.Driver.Lend(work)
}

func (d *countingDriver) Resume() {
	d.resumed.Add(1)
	d.Driver.Resume()
}

// driven calls f, on a goroutine that has a driver, with a context that says so, and returns when f
// does.
func driven(t testing.TB, f func(ctx *served.Context)) (lent, resumed int32) {
	t.Helper()
	d := &countingDriver{}
	done := make(chan struct{})
	go served.Drive(func(below served.Driver) {
		defer close(done)
		d.Driver = below
		ctx := served.NewContext(t.Context())
		ctx.SetDriver(d)
		f(ctx)
	})
	<-done
	return d.lent.Load(), d.resumed.Load()
}

// reusedHost returns hosts whose instances take many requests, one at a time: of 0.2 and of 0.3.
func reusedHosts(guest func(*guestCall) error, task func(*fakeTask) error) []HandlerState {
	return []HandlerState{
		&host{guest: guest, accept: Reuse{Max: 1000}.ShouldAcceptRequest},
		&loopHost{
			host:  &host{accept: Reuse{Max: 1000, Concurrent: 1}.ShouldAcceptRequest},
			guest: task,
		},
	}
}

// The goroutine of the receiver runs a guest that waits for nothing, and nobody else takes part.
func TestAGuestRunsOnTheDriverOfItsReceiver(t *testing.T) {
	for _, h := range reusedHosts(
		func(g *guestCall) error { g.hello(); return nil },
		func(f *fakeTask) error { f.hello(); f.exit(); return nil },
	) {
		synctest.Test(t, func(t *testing.T) {
			p := New(t.Context(), h)
			lent, resumed := driven(t, func(ctx *served.Context) {
				for range 5 {
					res, err := p.Handle(ctx, nil, newRequest())
					if err != nil {
						t.Error(err)
						return
					}
					body, err := readAll(res)
					wantHello(t, body, err)
				}
			})
			if lent != 4 || resumed != 0 { // the first one has a new instance made
				t.Errorf("lent %d times, which resumed %d times; want 4 and 0", lent, resumed)
			}
			p.Close(context.Background())
		})
	}
}

// What ends the wait of the receiver does so though its driver is with the guest.
func TestTheReceiverGoesOnWithoutItsDriver(t *testing.T) {
	cause := errors.New("the client has left")
	for name, test := range map[string]struct {
		guest func(*guestCall) error
		limit time.Duration // of the request
		end   time.Duration // of the context
		after time.Duration // the receiver goes on
		check func(*Response, error) bool
	}{
		"a guest that waits after its response": {
			guest: func(g *guestCall) error {
				g.hello()
				g.store.state.Waits()
				return g.sleep()
			},
			check: func(r *Response, err error) bool { return err == nil && r.Status == 200 },
		},
		"a guest that computes after its response": {
			guest: func(g *guestCall) error { g.hello(); return g.spin() },
			after: settleTick,
			check: func(r *Response, err error) bool { return err == nil && r.Status == 200 },
		},
		"a context that ends": {
			guest: func(g *guestCall) error { return g.spin() }, end: time.Second, after: time.Second,
			check: func(_ *Response, err error) bool { return err == cause },
		},
		"a guest that nothing stops": {
			guest: func(g *guestCall) error { time.Sleep(time.Hour); return nil },
			limit: time.Second, after: time.Second + unwind,
			check: func(_ *Response, err error) bool {
				var e *ExpirationError
				return errors.As(err, &e)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				again := false
				h := &host{
					guest: func(g *guestCall) error {
						if again {
							return test.guest(g)
						}
						again = true
						g.hello()
						return nil
					},
					accept: Reuse{Max: 1000}.ShouldAcceptRequest,
					start: func(*fakeStore, any, TaskID) time.Time {
						if test.limit == 0 {
							return time.Time{}
						}
						return time.Now().Add(test.limit)
					},
				}
				p := New(t.Context(), h)
				lent, resumed := driven(t, func(ctx *served.Context) {
					res, err := p.Handle(ctx, nil, newRequest())
					if err != nil {
						t.Error(err)
						return
					}
					body, err := readAll(res)
					wantHello(t, body, err)
					if test.end > 0 {
						time.AfterFunc(test.end, func() { ctx.End(cause) })
					}
					began := time.Now()
					res, err = p.Handle(ctx, nil, newRequest())
					if took := time.Since(began); took != test.after || !test.check(res, err) {
						t.Errorf("after %s: %v, %v", took, res, err)
					}
					if res != nil {
						_ = res.Body.Close()
					}
				})
				if lent != 1 || resumed != 1 {
					t.Errorf("lent %d times, which resumed %d times; want 1 and 1", lent, resumed)
				}
				gone, cancel := context.WithCancel(context.Background())
				cancel()
				p.Close(gone)
			})
		})
	}
}

// Many receivers with drivers, some of whose contexts end at any moment, while instances are
// replaced.
func TestManyRequestsWithDrivers(t *testing.T) {
	for _, h := range reusedHosts(
		func(g *guestCall) error { g.hello(); return nil },
		func(f *fakeTask) error { f.hello(); f.exit(); return nil },
	) {
		p := New(t.Context(), h)
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				for i := range 200 {
					driven(t, func(ctx *served.Context) {
						if i%3 == 0 {
							go ctx.End(errors.New("gone"))
						}
						if i%50 == 0 {
							p.Replace()
						}
						res, err := p.Handle(ctx, nil, newRequest())
						if err == nil {
							_, err = readAll(res)
						}
						if err != nil && i%3 != 0 {
							t.Error(err)
						}
					})
				}
			})
		}
		group.Wait()
		p.Close(context.Background())
	}
}
