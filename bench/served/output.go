package served

import (
	"bytes"
	"sync"
)

// output gathers what a process prints and tells watchers of every addition.
type output struct {
	mu      sync.Mutex
	gather  bytes.Buffer
	changed chan struct{} // closed at the next addition
}

func newOutput() *output { return &output{changed: make(chan struct{})} }

// Write adds to the text. It never fails.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.gather.Write(p)
	close(o.changed)
	o.changed = make(chan struct{})
	return len(p), nil
}

func (o *output) text() string {
	text, _ := o.watch()
	return text
}

// watch returns the text so far and a channel that is closed when there is more.
func (o *output) watch() (string, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.gather.String(), o.changed
}
