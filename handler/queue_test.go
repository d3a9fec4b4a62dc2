package handler

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestRequestsBeyondMaxWorkersWaitInOrder(t *testing.T) {
	for _, reuse := range []int{1, 2, 100} {
		var order []int
		running, most := 0, 0
		h := &host{accept: Reuse{Max: reuse}.ShouldAcceptRequest}
		h.start = func(_ *fakeStore, data any, _ TaskID) time.Time {
			order = append(order, data.(int))
			return time.Time{}
		}
		h.guest = func(g *guestCall) error {
			running++
			most = max(most, running)
			time.Sleep(time.Second)
			running--
			g.hello()
			return nil
		}
		bubbleWith(t, Options{MaxWorkers: 1}, h, func(t *testing.T, p *ProxyHandler) {
			var results []<-chan outcome
			for i := range 5 {
				results = append(results, send(t, p, i))
				synctest.Wait()
			}
			for _, r := range results {
				o := <-r
				wantHello(t, o.body, o.err)
			}
		})
		if most != 1 || !slices.Equal(order, []int{0, 1, 2, 3, 4}) {
			t.Errorf("reuse %d: up to %d at once, in the order %v", reuse, most, order)
		}
		if want := (5 + reuse - 1) / reuse; h.created() != want {
			t.Errorf("reuse %d: %d instances, want %d", reuse, h.created(), want)
		}
	}
}

func TestAQueuedRequestThatIsAbandonedLeavesTheQueue(t *testing.T) {
	release := make(chan struct{})
	h := &host{accept: Reuse{Max: 100}.ShouldAcceptRequest}
	h.guest = func(g *guestCall) error {
		<-release
		g.hello()
		return nil
	}
	bubbleWith(t, Options{MaxWorkers: 1}, h, func(t *testing.T, p *ProxyHandler) {
		release = make(chan struct{})
		first := send(t, p, nil)
		synctest.Wait()
		ctx, cancel := context.WithCancelCause(t.Context())
		gone := errors.New("gone")
		given := make(chan error)
		go func() {
			_, err := p.Handle(ctx, nil, newRequest())
			given <- err
		}()
		synctest.Wait()
		last := send(t, p, nil)
		synctest.Wait()
		cancel(gone)
		if err := <-given; err != gone {
			t.Errorf("the request that was given up ended with %v", err)
		}
		if n := len(p.queue.waiting); n != 1 {
			t.Errorf("%d requests wait, want the last one alone", n)
		}
		close(release)
		for _, r := range []<-chan outcome{first, last} {
			o := <-r
			wantHello(t, o.body, o.err)
		}
	})
	if h.created() != 1 {
		t.Errorf("%d instances", h.created())
	}
}

func TestTheNextQueuedRequestGetsANewWorkerAfterAFailure(t *testing.T) {
	failed := errors.New("cannot be made")
	h := &host{
		accept: Reuse{Max: 100}.ShouldAcceptRequest,
		guest:  func(g *guestCall) error { g.hello(); return nil },
	}
	attempts := 0
	h.instantiate = func(ctx context.Context) error {
		time.Sleep(time.Second)
		if attempts++; attempts == 1 {
			return failed
		}
		return nil
	}
	bubbleWith(t, Options{MaxWorkers: 1}, h, func(t *testing.T, p *ProxyHandler) {
		first := send(t, p, nil)
		synctest.Wait()
		second := send(t, p, nil)
		if o := <-first; !errors.Is(o.err, failed) {
			t.Errorf("the first ended with %v", o.err)
		}
		o := <-second
		wantHello(t, o.body, o.err)
	})
}

func TestCloseRefusesQueuedRequests(t *testing.T) {
	h := &host{guest: (*guestCall).spin}
	bubbleWith(t, Options{MaxWorkers: 1}, h, func(t *testing.T, p *ProxyHandler) {
		first := send(t, p, nil)
		synctest.Wait()
		second := send(t, p, nil)
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		p.Close(ctx)
		for i, r := range []<-chan outcome{first, second} {
			if o := <-r; !errors.Is(o.err, ErrClosed) {
				t.Errorf("request %d ended with %v", i, o.err)
			}
		}
	})
	if h.created() != 1 {
		t.Errorf("%d instances", h.created())
	}
}

func TestAFreeTaskOfASharedInstanceGoesToTheOldestQueuedRequest(t *testing.T) {
	const concurrent = 2
	var order []int
	h := &loopHost{host: &host{accept: Reuse{Max: 100, Concurrent: concurrent}.ShouldAcceptRequest}}
	h.start = func(_ *fakeStore, data any, _ TaskID) time.Time {
		order = append(order, data.(int))
		return time.Time{}
	}
	h.guest = func(task *fakeTask) error {
		task.after(time.Second, func() error {
			task.hello()
			task.exit()
			return nil
		})
		return nil
	}
	synctest.Test(t, func(t *testing.T) {
		p := Options{MaxWorkers: 1}.New(t.Context(), h)
		start := time.Now()
		var results []<-chan outcome
		for i := range 6 {
			results = append(results, send(t, p, i))
			synctest.Wait()
		}
		for _, r := range results {
			o := <-r
			wantHello(t, o.body, o.err)
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("6 requests of a second, two at once, took %v", took)
		}
		p.Close(t.Context())
	})
	if h.created() != 1 || !slices.Equal(order, []int{0, 1, 2, 3, 4, 5}) {
		t.Errorf("%d instances, in the order %v", h.created(), order)
	}
}
