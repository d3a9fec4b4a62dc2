package cmd

import (
	"context"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
)

// TestTheSameSignalWithinMomentsIsOne sends signals to a command that does not end by itself.
func TestTheSameSignalWithinMomentsIsOne(t *testing.T) {
	tests := map[string]struct {
		second os.Signal
		after  time.Duration
		ends   bool
	}{
		"the same at once":    {os.Interrupt, 0, false},
		"the same soon":       {os.Interrupt, once - 1, false},
		"the same later":      {os.Interrupt, once, true},
		"another one at once": {syscall.SIGTERM, 0, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := &state{abort: make(chan struct{})}
				st.orderly.Store(true)
				signals, ended, code := make(chan os.Signal), make(chan int), make(chan int, 1)
				ctx, cancel := context.WithCancelCause(t.Context())
				go func() { code <- st.await(ended, signals, cancel) }()
				signals <- os.Interrupt
				<-ctx.Done()
				time.Sleep(tt.after)
				signals <- tt.second
				synctest.Wait()
				select {
				case <-st.abort:
					if !tt.ends {
						t.Error("ends at once")
					}
				default:
					if tt.ends {
						t.Error("goes on")
					}
				}
				ended <- 0
				want := 0
				if tt.ends {
					want = exit.OfSignal(tt.second)
				}
				if got := <-code; got != want {
					t.Errorf("exit code %d, want %d", got, want)
				}
			})
		})
	}
}
