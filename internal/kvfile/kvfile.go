// Package kvfile keeps the buckets of wasi:keyvalue in a file. A change is on disk when it is
// reported as done, whole or not at all, however the process ends. One process at a time has the
// file open.
package kvfile

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// Store is a file with buckets. It is a wasi.KeyValue.
type Store struct {
	path string
	mu   sync.Mutex
	// db is nil until a file that was not there is used, and if it could not be opened then.
	db     *bbolt.DB
	closed bool
}

// patience is how long Open waits for another process that is about to end.
const patience = time.Second

// LockedError is why a file cannot be opened: another process has it open.
type LockedError struct {
	Path string
	// Holder names that process, such as "process 123 (wasihttp)"; "" if it is not known, as on
	// systems other than Linux.
	Holder string
}

// Error names the file, and the process.
func (e *LockedError) Error() string {
	return e.Path + " is locked: " + cmp.Or(e.Holder, "another process") + " has it open"
}

// Open opens the file at path. One that is not there is made when the Store is first used, so that
// a component that cannot be loaded leaves none behind; its folder has to be there. The caller must
// call Close. The error, which names the file, is a *LockedError if another process has it open.
func Open(path string) (*Store, error) {
	s := &Store{path: path}
	info, err := os.Stat(path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", path)
	case errors.Is(err, fs.ErrNotExist):
		if folder, err := os.Stat(filepath.Dir(path)); err == nil && folder.IsDir() {
			return s, nil
		}
	}
	if _, err := s.opened(); err != nil {
		return nil, err
	}
	return s, nil
}

// opened returns the file, which it opens if it is not open yet.
func (s *Store) opened() (_ *bbolt.DB, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, berrors.ErrDatabaseNotOpen
	case s.db != nil:
		return s.db, nil
	}
	defer guard(&err, s.path+": ")()
	db, err := bbolt.Open(s.path, 0o600, &bbolt.Options{Timeout: patience})
	var inPath *fs.PathError
	switch {
	case err == nil:
		s.db = db
		return db, nil
	case errors.Is(err, berrors.ErrTimeout):
		return nil, &LockedError{s.path, holder(s.path)}
	case errors.As(err, &inPath):
		return nil, fmt.Errorf("%s: %w", s.path, inPath.Err)
	}
	return nil, fmt.Errorf("%s is not a file of --keyvalue, or is damaged: %w", s.path, err)
}

// Close ends all use of the file.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.db == nil {
		return nil
	}
	return s.db.Close()
}

// guard returns a function to defer, which turns a panic about a damaged file into an error that
// begins with the prefix. Until then a fault in the file's mapping, such as beyond the end of a
// file that was cut, is a panic of this goroutine.
func guard(err *error, prefix string) func() {
	faults := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(faults)
		if r := recover(); r != nil {
			*err = fmt.Errorf("%sthe file is damaged: %v", prefix, r)
		}
	}
}

// View calls f with a bucket, which f must not change.
func (s *Store) View(bucket string, f func(wasi.KeyValueTx) error) (err error) {
	defer guard(&err, "")()
	db, err := s.opened()
	if err != nil {
		return err
	}
	return db.View(func(tx *bbolt.Tx) error {
		return f(&transaction{tx.Bucket(keyOf(bucket))})
	})
}

// Update calls f with a bucket, and writes what f has changed unless f fails.
func (s *Store) Update(bucket string, f func(wasi.KeyValueTx) error) (err error) {
	defer guard(&err, "")()
	db, err := s.opened()
	if err != nil {
		return err
	}
	return db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(keyOf(bucket))
		if err != nil {
			return err
		}
		return f(&transaction{b})
	})
}

// keyOf returns a key of the file for one of a guest, which may be empty.
func keyOf(key string) []byte { return append([]byte{'k'}, key...) }

// transaction is a wasi.KeyValueTx. The bucket is nil if nobody has written to it yet.
type transaction struct{ b *bbolt.Bucket }

func (t *transaction) Get(key string) ([]byte, bool) {
	if t.b == nil {
		return nil, false
	}
	v := t.b.Get(keyOf(key))
	if v == nil {
		return nil, false
	}
	return append([]byte{}, v...), true
}

func (t *transaction) Set(key string, value []byte) error { return t.b.Put(keyOf(key), value) }

func (t *transaction) Delete(key string) error { return t.b.Delete(keyOf(key)) }

func (t *transaction) Keys(skip uint64, n int) (keys []string, more bool) {
	if t.b == nil {
		return nil, false
	}
	c := t.b.Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		switch {
		case skip > 0:
			skip--
		case len(keys) == n:
			return keys, true
		default:
			keys = append(keys, string(k[1:]))
		}
	}
	return keys, false
}
