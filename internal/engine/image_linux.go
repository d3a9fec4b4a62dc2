//go:build linux

package engine

import (
	"errors"
	"os"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/wasihttp/wasihttp/internal/corewasm"
)

// image holds the initial memory of a module as a file in memory, which each instance maps
// copy-on-write: an instance costs what it writes, not what the image holds.
type image struct {
	engine   *Engine
	segments []corewasm.Segment
	fd       int // -1: no file, memories come from the heap or are all zero
	size     int // bytes of the image, a multiple of the system's page size
	view     []byte
	broken   bool

	mu       sync.Mutex
	idle     []*mapping
	closed   bool
	releases int   // counts releases, to sample some
	hot      []run // pages that instances were seen to write to
}

// run is a range of pages of a memory, in bytes.
type run struct{ from, to int }

// maxIdleMappings bounds the mappings kept for reuse per module. They hold
// address space and page tables but no pages.
const maxIdleMappings = 128

func newImage(e *Engine, segments []corewasm.Segment) (*image, error) {
	i := &image{engine: e, segments: segments, fd: -1}
	if i.broken = e.heap; i.broken {
		return i, nil
	}
	end := uint64(0)
	for _, s := range segments {
		end = max(end, s.Offset+uint64(len(s.Bytes)))
	}
	if end == 0 {
		return i, nil
	}
	page := uint64(os.Getpagesize())
	i.size = int((end + page - 1) &^ (page - 1))
	if err := i.write(); err != nil {
		// Systems without memfd exist; the heap serves there.
		i.broken = true
	}
	return i, nil
}

func (i *image) write() error {
	fd, err := unix.MemfdCreate("wasihttp-image", unix.MFD_CLOEXEC)
	if err != nil {
		return err
	}
	err = unix.Ftruncate(fd, int64(i.size))
	if err == nil {
		var m []byte
		m, err = unix.Mmap(fd, 0, i.size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if err == nil {
			apply(m, i.segments)
			err = unix.Mprotect(m, unix.PROT_READ)
			i.view = m
		}
	}
	if err != nil {
		return errors.Join(err, unix.Close(fd))
	}
	i.fd = fd
	return nil
}

// acquire returns a memory that can grow to reserve bytes.
func (i *image) acquire(reserve uint64) backing {
	if i.broken {
		return &heapBacking{segments: i.segments}
	}
	i.mu.Lock()
	for n := len(i.idle) - 1; n >= 0; n-- {
		if m := i.idle[n]; uint64(len(m.all)) == roundUp(reserve) {
			i.idle = append(i.idle[:n], i.idle[n+1:]...)
			i.engine.idleMappings.Add(-1)
			i.mu.Unlock()
			return m
		}
	}
	i.mu.Unlock()
	m, err := i.newMapping(reserve)
	if err != nil {
		return &heapBacking{segments: i.segments}
	}
	return m
}

func (i *image) free() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.closed = true
	var err error
	for _, m := range i.idle {
		err = errors.Join(err, m.unmap())
	}
	i.engine.idleMappings.Add(-int64(len(i.idle)))
	i.idle = nil
	if i.view != nil {
		err = errors.Join(err, unix.Munmap(i.view))
		i.view = nil
	}
	if i.fd >= 0 {
		err = errors.Join(err, unix.Close(i.fd))
		i.fd = -1
	}
	return err
}

// mapping is reserved address space whose beginning shows the image.
type mapping struct {
	image *image
	all   []byte // reserved address space
	open  int    // bytes that may be accessed
	dirty int    // bytes that may have been accessed since the last reset
}

func roundUp(n uint64) uint64 { return max((n+pageSize-1)&^(pageSize-1), pageSize) }

func (i *image) newMapping(reserve uint64) (*mapping, error) {
	n := uintptr(max(roundUp(reserve), roundUp(uint64(i.size))))
	base, err := unix.MmapPtr(-1, 0, nil, n, unix.PROT_NONE,
		unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return nil, err
	}
	m := &mapping{image: i, all: unsafe.Slice((*byte)(base), n)}
	i.engine.mappings.Add(1)
	i.engine.mapped.Add(int64(n))
	if i.size > 0 {
		_, err = unix.MmapPtr(i.fd, 0, base, uintptr(i.size), unix.PROT_READ|unix.PROT_WRITE,
			unix.MAP_PRIVATE|unix.MAP_FIXED)
		if err != nil {
			return nil, errors.Join(err, m.unmap())
		}
		m.open = i.size
	}
	return m, nil
}

// resize implements backing.
func (m *mapping) resize(size uint64) []byte {
	if size > uint64(len(m.all)) {
		return nil
	}
	if n := int(size); n > m.open {
		if unix.Mprotect(m.all[m.open:n], unix.PROT_READ|unix.PROT_WRITE) != nil {
			return nil
		}
		m.open = n
	}
	m.dirty = max(m.dirty, int(size))
	return m.all[:size:size]
}

// Most instances of a module write to the same few pages, and getting a page from the system costs
// many times as much as overwriting one. So the pages that a sample of instances wrote to stay with
// the mapping and are restored by copying; all others that were written to are returned to the
// system. What was only read stays as it is.
const (
	sampleEvery = 1024 // one in so many releases is sampled, at first more
	maxHotBytes = 2 << 20
	hotIdle     = 32 // so many idle mappings keep their pages
	mergeGap    = 2  // pages between two runs that are made one
)

// reset implements backing.
func (m *mapping) reset() error { return m.restore(true) }

func total(runs []run) (n int) {
	for _, r := range runs {
		n += r.to - r.from
	}
	return n
}

// restore makes the contents those of the image again; keep says whether pages may stay with the
// mapping.
func (m *mapping) restore(keep bool) error {
	if m.dirty == 0 {
		return nil
	}
	used := m.all[:m.dirty]
	scan := m.image.engine.pages.scan(used)
	defer scan.free()
	written := scan.runs
	if !scan.known {
		written = append(written, run{0, m.dirty}) // perhaps
	}
	var hot []run
	if keep {
		hot = m.image.learn(used, &scan)
	}
	if err := m.restoreRuns(written, hot); err != nil {
		return err
	}
	m.dirty = 0
	return nil
}

// learn returns the pages that stay with a mapping, of which those in b were used, and those in
// the scan written to.
func (i *image) learn(b []byte, scan *scan) []run {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.releases++
	n := i.releases
	regular := n%sampleEvery == 0
	if !regular && (n > sampleEvery || n&(n-1) != 0) {
		return i.hot
	}
	runs := scan.merged()
	if !scan.known {
		runs = writtenPages(b)
	}
	// An instance that did little is no useful sample.
	if regular || total(runs) >= total(i.hot)*3/4 {
		i.hot = runs
	}
	return i.hot
}

// restoreRuns restores the pages that may have been written to: those that are hot by copying, and
// the others by returning them to the system.
func (m *mapping) restoreRuns(written, hot []run) error {
	cold := run{-1, -1} // to be returned
	for _, w := range written {
		for len(hot) > 0 && hot[0].to <= w.from {
			hot = hot[1:]
		}
		at := w.from
		for _, h := range hot {
			if h.from >= w.to {
				break
			}
			from, to := max(at, h.from), min(w.to, h.to)
			if from > at {
				cold = cold.with(at, from)
			}
			if err := m.drop(cold.from, cold.to); err != nil {
				return err
			}
			cold = run{-1, -1}
			m.copyImage(from, to)
			at = to
		}
		if at < w.to {
			cold = cold.with(at, w.to)
		}
	}
	return m.drop(cold.from, cold.to)
}

// with returns the run with more of it, up to there; -1 stands for none.
func (r run) with(from, to int) run {
	if r.from < 0 {
		r.from = from
	}
	return run{r.from, to}
}

// copyImage writes the contents of the image.
func (m *mapping) copyImage(from, to int) {
	page := m.all[from:to]
	if view := m.image.view; from < len(view) {
		page = page[copy(page, view[from:]):]
	}
	clear(page)
}

// dropPiece is how much is returned to the system at once, in bytes: 1 to 2 ms if all was used.
const dropPiece = 16 << 20

// drop returns pages to the system. It takes turns with guests if there are many: responses to
// their requests, and requests of others, go first.
func (m *mapping) drop(from, to int) error {
	if to-from > dropPiece {
		k := ticket{later: true}
		defer processors.leave(&k)
		for ; to-from > dropPiece; from += dropPiece {
			processors.next(&k, time.Now(), nil, false)
			if err := unix.Madvise(m.all[from:from+dropPiece], unix.MADV_DONTNEED); err != nil {
				return err
			}
		}
	}
	if from >= to {
		return nil
	}
	return unix.Madvise(m.all[from:to], unix.MADV_DONTNEED)
}

// release implements backing.
func (m *mapping) release() error {
	i := m.image
	i.mu.Lock()
	pooled := !i.closed && len(i.idle) < maxIdleMappings
	warm := len(i.idle) < hotIdle
	i.mu.Unlock()
	if !pooled || m.restore(warm) != nil {
		return m.unmap()
	}
	i.mu.Lock()
	pooled = !i.closed
	if pooled {
		i.idle = append(i.idle, m)
		i.engine.idleMappings.Add(1)
	}
	i.mu.Unlock()
	if pooled {
		return nil
	}
	return m.unmap()
}

func (m *mapping) unmap() error {
	n := len(m.all)
	err := unix.MunmapPtr(unsafe.Pointer(&m.all[0]), uintptr(n))
	m.all = nil
	m.image.engine.mappings.Add(-1)
	m.image.engine.mapped.Add(-int64(n))
	return err
}
