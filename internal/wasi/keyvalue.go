package wasi

import (
	"errors"
	"maps"
	"slices"
	"sync"
)

// KeyValue keeps the buckets of wasi:keyvalue. A bucket is there as soon as somebody names it. It
// is safe for concurrent use.
type KeyValue interface {
	// View calls f with a bucket, which f must not change.
	View(bucket string, f func(KeyValueTx) error) error
	// Update calls f with a bucket. What f changes is there for others when Update returns nil, and
	// not at all if f fails.
	Update(bucket string, f func(KeyValueTx) error) error
}

// KeyValueTx is a bucket while a function works on it. Values belong to whoever has them.
type KeyValueTx interface {
	Get(key string) (value []byte, ok bool)
	Set(key string, value []byte) error
	Delete(key string) error
	// Keys returns n keys in order, without the first ones, and whether there are more.
	Keys(skip uint64, n int) (keys []string, more bool)
}

// MaxKeyValue is how much a store in memory holds, in bytes of keys and values; a key counts for
// perKey more, and for the name of its bucket.
const (
	MaxKeyValue = 256 << 20
	perKey      = 64
)

// NewKeyValue returns a store in memory.
func NewKeyValue() KeyValue { return &memory{buckets: map[string]map[string][]byte{}} }

type memory struct {
	mu      sync.RWMutex
	buckets map[string]map[string][]byte
	size    int
}

func (m *memory) View(bucket string, f func(KeyValueTx) error) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return f(&memoryTx{old: m.buckets[bucket]})
}

func (m *memory) Update(bucket string, f func(KeyValueTx) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	tx := &memoryTx{old: m.buckets[bucket], changed: map[string][]byte{},
		room: MaxKeyValue - m.size, each: len(bucket) + perKey}
	if err := f(tx); err != nil {
		return err
	}
	m.size = MaxKeyValue - tx.room
	b := m.buckets[bucket]
	if b == nil {
		b = map[string][]byte{}
	}
	for key, value := range tx.changed {
		if value == nil {
			delete(b, key)
		} else {
			b[key] = value
		}
	}
	if m.buckets[bucket] = b; len(b) == 0 {
		delete(m.buckets, bucket)
	}
	return nil
}

// memoryTx is a bucket with changes, of which nil stands for a key that was deleted.
type memoryTx struct {
	old, changed map[string][]byte
	room         int
	each         int // what a key takes beside itself and its value, in bytes
}

var errFull = errors.New("the store is full: in memory it holds 256 MiB")

func (t *memoryTx) lookup(key string) ([]byte, bool) {
	if v, ok := t.changed[key]; ok {
		return v, v != nil
	}
	v, ok := t.old[key]
	return v, ok
}

func (t *memoryTx) Get(key string) ([]byte, bool) {
	v, ok := t.lookup(key)
	return slices.Clone(v), ok
}

func (t *memoryTx) Set(key string, value []byte) error {
	before, ok := t.lookup(key)
	room := t.room - len(value)
	if ok {
		room += len(before)
	} else {
		room -= len(key) + t.each
	}
	if room < 0 {
		return errFull
	}
	t.room = room
	t.changed[key] = append([]byte{}, value...) // not nil
	return nil
}

func (t *memoryTx) Delete(key string) error {
	if before, ok := t.lookup(key); ok {
		t.room += len(key) + len(before) + t.each
		t.changed[key] = nil
	}
	return nil
}

func (t *memoryTx) Keys(skip uint64, n int) (keys []string, more bool) {
	all := slices.Sorted(maps.Keys(t.old))
	all = all[min(skip, uint64(len(all))):]
	return all[:min(n, len(all))], len(all) > n
}
