package exchange

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

type valueKey struct{}

// A Context is like one of package context for whoever looks at it, before and after its end.
func TestAContextIsLikeAnyOther(t *testing.T) {
	cause := errors.New("the cause")
	for name, end := range map[string]error{"with a cause": cause, "without one": nil} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				values := context.WithValue(context.Background(), valueKey{}, "a value")
				want := end
				if want == nil {
					want = context.Canceled
				}
				c := NewContext(values)
				child, cancel := context.WithTimeout(c, time.Hour)
				defer cancel()
				called := make(chan error, 1)
				context.AfterFunc(c, func() { called <- context.Cause(c) })
				never := context.AfterFunc(c, func() { t.Error("it was stopped") })
				if _, has := c.Deadline(); has || c.Err() != nil || context.Cause(c) != nil || !never() {
					t.Error("it has ended, or has a deadline")
				}
				select {
				case <-c.Done():
					t.Error("it has ended")
				default:
				}
				c.End(end)
				c.End(errors.New("another cause"))
				<-c.Done()
				<-child.Done()
				if got := <-called; got != want {
					t.Errorf("AfterFunc found the cause %v", got)
				}
				if c.Err() != context.Canceled || context.Cause(c) != want ||
					child.Err() != context.Canceled || context.Cause(child) != want {
					t.Errorf("got %v, %v, of its child %v, %v", c.Err(), context.Cause(c), child.Err(),
						context.Cause(child))
				}
				late := NewContext(values)
				late.End(end)
				if late.Err() != context.Canceled || context.Cause(late) != want {
					t.Errorf("nobody had looked at it before: %v, %v", late.Err(), context.Cause(late))
				}
				<-late.Done()
				for _, c := range []context.Context{c, child, late} {
					if c.Value(valueKey{}) != "a value" {
						t.Error("the value is lost")
					}
				}
			})
		})
	}
}

type watcher int

func (w *watcher) ContextEnded() { *w++ }

func TestTheEndOfAContextReachesItsWatcherOnce(t *testing.T) {
	c := NewContext(context.Background())
	var first, second watcher
	if !c.Watch(&first) || c.Watch(&second) {
		t.Error("there is not one watcher")
	}
	c.Unwatch()
	if !c.Watch(&second) {
		t.Error("there is no watcher after another one")
	}
	c.End(nil)
	c.End(nil)
	if first != 0 || second != 1 {
		t.Errorf("the watchers were called %d and %d times", first, second)
	}
	if c.Watch(&first) {
		t.Error("an end that was before is watched for")
	}
}

func TestAContextThatNobodyLooksAtIsOneObject(t *testing.T) {
	values := context.WithValue(context.Background(), valueKey{}, "a value")
	at, w := time.Now(), new(watcher)
	var kept context.Context
	n := testing.AllocsPerRun(100, func() {
		c := NewContext(values)
		kept = WithHeadDeadline(c, at)
		if got, ok := HeadDeadline(kept); !ok || !got.Equal(at) || !c.Watch(w) {
			t.Error("it has no deadline, or cannot be watched")
		}
		c.Unwatch()
		c.End(nil)
	})
	if n != 1 || kept.Err() == nil {
		t.Errorf("%v objects", n)
	}
}

func TestTheHeadDeadlineIsThatOfTheInnermost(t *testing.T) {
	first, second := time.Unix(1, 0), time.Unix(2, 0)
	for _, ctx := range []context.Context{context.Background(), NewContext(context.Background())} {
		if _, ok := HeadDeadline(ctx); ok {
			t.Error("there is a deadline before it was set")
		}
		outer := WithHeadDeadline(ctx, first)
		inner := WithHeadDeadline(context.WithValue(outer, valueKey{}, 1), second)
		again := WithHeadDeadline(outer, second)
		for c, want := range map[context.Context]time.Time{
			outer: first, context.WithValue(outer, valueKey{}, 1): first, inner: second, again: second,
		} {
			if got, ok := HeadDeadline(c); !ok || !got.Equal(want) {
				t.Errorf("%v: got %v, %v, want %v", c, got, ok, want)
			}
		}
	}
}
