package host

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// engineOfAll has the code of the guests of all tests, each of which is compiled once.
var engineOfAll *Engine

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "host")
	if err != nil {
		panic(err)
	}
	engineOfAll = NewEngine(EngineOptions{CacheDir: dir})
	code := m.Run()
	if err := errors.Join(engineOfAll.Close(), os.RemoveAll(dir)); err != nil {
		panic(err)
	}
	os.Exit(code)
}

// newHost returns a Host of a guest that this repository ships.
func newHost(t testing.TB, name string, cfg Config) *Host {
	t.Helper()
	if cfg.Engine == nil {
		cfg.Engine = engineOfAll
	}
	h, err := New(t.Context(), guestBytes(t, name, name+".wasm"), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return h
}

func newSession(t *testing.T, h *Host, o SessionOptions) *Session {
	t.Helper()
	s, err := h.NewSession(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		s.Close(ctx)
	})
	return s
}

// request returns a request as a server gets it.
func request(t testing.TB, target string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(
		t.Context(),
		http.MethodGet,
		"http://localhost"+target,
		nil,
	)
	if err != nil {
		t.Fatal(err)
	}
	r.RequestURI = target
	return r
}

// text returns the body of a response.
func text(resp *http.Response, err error) (string, error) {
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(resp.Body)
	return string(body), errors.Join(err, resp.Body.Close())
}

func TestASessionKeepsItsInstance(t *testing.T) {
	for _, guest := range []string{"rust-kitchen", "rust-kitchen-p3"} {
		t.Run(guest, func(t *testing.T) {
			h := newHost(t, guest, Config{})
			s := newSession(t, h, SessionOptions{})
			if !s.Wait(t.Context()) {
				t.Error("a session without an instance takes no request")
			}
			var got []string
			for range 3 {
				body, err := text(s.Handle(t.Context(), &Call{}, request(t, "/counter")))
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, body)
				if !s.Wait(t.Context()) {
					t.Fatal("the instance has ended")
				}
			}
			if diff := cmp.Diff([]string{"1\n", "2\n", "3\n"}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			other := newSession(t, h, SessionOptions{})
			if body, err := text(other.Handle(t.Context(), &Call{}, request(t, "/counter"))); body != "1\n" ||
				err != nil {
				t.Errorf("another session: %q, %v", body, err)
			}
		})
	}
}

func TestASessionThatHasEndedTakesNoRequest(t *testing.T) {
	for _, guest := range []string{"rust-kitchen", "rust-kitchen-p3"} {
		t.Run(guest, func(t *testing.T) {
			s := newSession(t, newHost(t, guest, Config{}), SessionOptions{})
			var f *Failure
			if _, err := text(s.Handle(t.Context(), &Call{}, request(t, "/trap"))); !errors.As(
				err,
				&f,
			) ||
				f.Outcome != Trap {
				t.Fatalf("got %v", err)
			}
			if s.Wait(t.Context()) {
				t.Error("it takes another request")
			}
			<-s.Ended()
			if _, err := s.Handle(t.Context(), &Call{}, request(t, "/counter")); !errors.Is(
				err,
				ErrEnded,
			) {
				t.Errorf("the next request: %v", err)
			}
			if f := Explain(s.Err()); f == nil || f.Outcome != Trap {
				t.Errorf("it ended because of %v", s.Err())
			}
		})
	}
}

func TestRequestsOfASessionStartInTheirOrder(t *testing.T) {
	for guest, concurrent := range map[string]int{"rust-kitchen": 1, "rust-kitchen-p3": 4} {
		t.Run(guest, func(t *testing.T) {
			s := newSession(t, newHost(t, guest, Config{}), SessionOptions{Concurrent: 4})
			var mu sync.Mutex
			var order []int
			var all sync.WaitGroup
			for i := range 8 {
				started := make(chan struct{})
				call := &Call{Started: func() {
					mu.Lock()
					defer mu.Unlock()
					order = append(order, i)
					close(started)
				}}
				all.Go(func() {
					if _, err := text(s.Handle(t.Context(), call, request(t, "/sleep?ms=5"))); err != nil {
						t.Error(err)
					}
				})
				if concurrent == 4 {
					<-started
				} else if i == 0 {
					<-started // it has the instance; the others queue up in any order
				}
			}
			all.Wait()
			if len(order) != 8 || concurrent == 4 && !slices.IsSorted(order) {
				t.Errorf("in the order %v", order)
			}
			if n := s.life.Load().maker.host.ids.Load(); n != 1 {
				t.Errorf("%d instances", n)
			}
		})
	}
}

func TestHurryStopsTheGuestAndReportsWhatItWasDoing(t *testing.T) {
	s := newSession(
		t,
		newHost(t, "rust-kitchen", Config{PostReturnTimeout: time.Hour}),
		SessionOptions{},
	)
	ctx, cancel := context.WithCancel(t.Context())
	resp, err := s.Handle(ctx, &Call{}, request(t, "/sse?n=1000&ms=60000"))
	if err != nil {
		t.Fatal(err)
	}
	s.Hurry()
	cancel()
	_ = resp.Body.Close()
	<-s.Ended()
	if f := Explain(s.Err()); f == nil || f.Outcome != Expired || f.Doing == "" {
		t.Errorf("got %v", s.Err())
	}
}

func TestASessionAddsToTheEnvironment(t *testing.T) {
	h := newHost(t, "rust-kitchen", Config{Env: [][2]string{{"A", "1"}, {"B", "2"}}})
	if got := withEnv(h.maker.base.Env, [][2]string{{"B", "3"}, {"C", "4"}}); !slices.Equal(
		got,
		[][2]string{{"A", "1"}, {"B", "3"}, {"C", "4"}},
	) {
		t.Errorf("got %v", got)
	}
	if _, err := h.NewSession(t.Context(), SessionOptions{Env: [][2]string{{"A", "\xff"}}}); err == nil {
		t.Error("what is not UTF-8 is accepted")
	}
}

func TestARenewedSessionIsANewOne(t *testing.T) {
	for _, guest := range []string{"rust-kitchen", "rust-kitchen-p3"} {
		t.Run(guest, func(t *testing.T) {
			h := newHost(t, guest, Config{})
			s := newSession(t, h, SessionOptions{})
			get := func(target string) string {
				t.Helper()
				body, err := text(s.Handle(t.Context(), &Call{}, request(t, target)))
				if err != nil {
					t.Fatal(err)
				}
				if !s.Wait(t.Context()) {
					t.Fatal("the instance has ended")
				}
				return body
			}
			for range 3 {
				first, kv := s.Ended(), s.life.Load().maker.base.KeyValue
				if got := get("/counter") + get("/counter"); got != "1\n2\n" {
					t.Errorf("got %q", got)
				}
				get("/big?n=300000")
				if err := s.Renew(SessionOptions{Env: [][2]string{{"A", "\xff"}}}); err == nil {
					t.Error("what is not UTF-8 is accepted")
				}
				if got := get("/counter"); got != "4\n" {
					t.Errorf("after a Renew that failed: %q", got)
				}
				if err := s.Renew(SessionOptions{}); err != nil {
					t.Fatal(err)
				}
				<-first // the instance ends, though no other one is needed yet
				if s.life.Load().maker.base.KeyValue == kv {
					t.Error("the new instance finds the store of the old one")
				}
			}
			if n := h.linked.Idle(); n != 1 {
				t.Errorf("%d instances are kept, want the one that is made new each time", n)
			}
			if guest == "rust-kitchen" {
				err := s.Renew(SessionOptions{Env: [][2]string{{"RENEWED", "yes"}}})
				if got := get("/env"); err != nil || !strings.Contains(got, "RENEWED=yes") {
					t.Errorf("the environment is %q, %v", got, err)
				}
			}
			get("/counter")
			s.End()
			<-s.Ended()
			if _, err := s.Handle(t.Context(), &Call{}, request(t, "/counter")); !errors.Is(err, ErrEnded) {
				t.Errorf("after its end: %v", err)
			}
		})
	}
}

// A Session whose instance has failed can begin anew.
func TestARenewedSessionForgetsHowItEnded(t *testing.T) {
	s := newSession(t, newHost(t, "rust-kitchen", Config{}), SessionOptions{})
	if _, err := text(s.Handle(t.Context(), &Call{}, request(t, "/trap"))); err == nil {
		t.Fatal("no trap")
	}
	<-s.Ended()
	if err := s.Renew(SessionOptions{}); err != nil {
		t.Fatal(err)
	}
	body, err := text(s.Handle(t.Context(), &Call{}, request(t, "/counter")))
	if body != "1\n" || err != nil || !s.Wait(t.Context()) || s.Err() != nil {
		t.Errorf("got %q, %v, ended: %v", body, err, s.Err())
	}
}
