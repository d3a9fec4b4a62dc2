package component

import (
	"context"
	"sync"
)

// mailbox brings completions from other goroutines to the store's owner.
type mailbox struct {
	mu     sync.Mutex
	items  []func()
	wake   chan struct{} // capacity 1; nil until somebody waits
	closed bool
}

// woken returns the channel that has a message when something was posted.
func (m *mailbox) woken() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.wake == nil {
		m.wake = make(chan struct{}, 1)
		if len(m.items) > 0 {
			m.wake <- struct{}{}
		}
	}
	return m.wake
}

// post hands f to the owner. After the store closed it does nothing.
func (m *mailbox) post(f func()) {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return
	}
	m.items = append(m.items, f)
	wake := m.wake
	m.mu.Unlock()
	select {
	case wake <- struct{}{}:
	default:
	}
}

// drain runs what was posted, and reports whether there was anything.
func (m *mailbox) drain() bool {
	m.mu.Lock()
	items := m.items
	m.items = nil
	m.mu.Unlock()
	for _, f := range items {
		f()
	}
	return len(items) > 0
}

// full reports whether drain has something to run.
func (m *mailbox) full() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.items) > 0
}

func (m *mailbox) wait(ctx context.Context) error {
	select {
	case <-m.woken():
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (m *mailbox) close() {
	m.mu.Lock()
	m.closed = true
	m.items = nil
	m.mu.Unlock()
}
