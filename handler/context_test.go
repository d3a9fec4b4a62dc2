package handler

import (
	"context"
	"errors"
	"testing"
)

// TestTheContextOfAWorkerIsAContextLikeOthers ends it before and after it was looked at, itself and
// by its parent.
func TestTheContextOfAWorkerIsAContextLikeOthers(t *testing.T) {
	type key struct{}
	why := errors.New("why")
	for _, early := range []bool{false, true} {
		for name, want := range map[string]error{"itself": why, "parent": why, "nil": context.Canceled} {
			parent, cancel := context.WithCancelCause(context.WithValue(t.Context(), key{}, 7))
			c := &workerContext{parent: parent}
			if c.Err() != nil {
				t.Fatalf("%s: over at first: %v", name, c.Err())
			}
			var derived context.Context
			if early {
				var stop context.CancelFunc
				derived, stop = context.WithCancel(c)
				defer stop()
			}
			switch name {
			case "itself":
				c.end(why)
				c.end(errors.New("too late"))
			case "parent":
				cancel(why)
			default:
				c.end(nil)
			}
			if !early {
				var stop context.CancelFunc
				derived, stop = context.WithCancel(c)
				defer stop()
			}
			<-c.Done()
			<-derived.Done()
			if c.Err() != context.Canceled || context.Cause(c) != want || context.Cause(derived) != want {
				t.Errorf("%s: %v because of %v and %v, want %v", name, c.Err(), context.Cause(c),
					context.Cause(derived), want)
			}
			if c.Value(key{}) != 7 {
				t.Errorf("%s: the values of the parent are lost", name)
			}
			c.end(nil)
			cancel(nil)
		}
	}
}
