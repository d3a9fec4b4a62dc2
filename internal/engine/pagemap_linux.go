//go:build linux

package engine

import (
	"encoding/binary"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pagemap finds out which pages of memory the process has written to. The zero value is ready to
// use.
type pagemap struct {
	once   sync.Once
	file   *os.File    // nil if there is none
	absent atomic.Bool // the kernel does not know the call, which came with Linux 6.7
	free   sync.Pool   // of *scanRoom
}

// regions is what the kernel fills in: struct page_region of Linux's uapi/linux/fs.h.
type regions [64]struct{ start, end, categories uint64 }

// scanArgument is struct pm_scan_arg.
type scanArgument struct {
	size, flags, start, end, walkEnd, vec, vecLen, maxPages uint64
	inverted, mask, anyOf, returned                         uint64
}

const (
	pagemapScan = 0xc0606610 // PAGEMAP_SCAN

	pageIsFile    = 1 << 2 // still that of the file
	pageIsPresent = 1 << 3
	pageIsSwapped = 1 << 4
	pageIsZero    = 1 << 5 // one that all share, for reading
)

// scan is which pages of a memory were written to, if that is known.
type scan struct {
	known bool
	runs  []run // in order
	room  *scanRoom
	from  *sync.Pool
}

// scanRoom is memory for a scan.
type scanRoom struct {
	regions regions
	runs    []run
}

// scan finds the pages of b, private mappings, that the process has written to. The caller frees
// the result.
func (p *pagemap) scan(b []byte) (s scan) {
	room, ok := p.free.Get().(*scanRoom)
	if !ok {
		room = &scanRoom{}
	}
	s = scan{runs: room.runs[:0], room: room, from: &p.free}
	p.once.Do(func() { p.file, _ = os.Open("/proc/self/pagemap") })
	if p.file == nil || p.absent.Load() {
		return s
	}
	base := uint64(uintptr(unsafe.Pointer(&b[0])))
	arg := scanArgument{
		start: base, end: base + uint64(len(b)),
		vec: uint64(uintptr(unsafe.Pointer(&room.regions))), vecLen: uint64(len(room.regions)),
		inverted: pageIsFile | pageIsZero, mask: pageIsFile | pageIsZero,
		anyOf: pageIsPresent | pageIsSwapped, returned: pageIsFile,
	}
	arg.size = uint64(unsafe.Sizeof(arg))
	for arg.start < arg.end {
		n, _, errno := unix.Syscall(unix.SYS_IOCTL, p.file.Fd(), pagemapScan,
			uintptr(unsafe.Pointer(&arg)))
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 || arg.walkEnd <= arg.start {
			p.absent.Store(true)
			s.runs = s.runs[:0]
			return s
		}
		for _, r := range room.regions[:n] {
			s.runs = append(s.runs, run{int(r.start - base), int(r.end - base)})
		}
		arg.start = arg.walkEnd
	}
	s.known = true
	return s
}

// free lets the memory of a scan be used again.
func (s *scan) free() {
	s.room.runs = s.runs[:0]
	s.from.Put(s.room)
}

// merged returns the runs, with small gaps filled, up to maxHotBytes.
func (s *scan) merged() (runs []run) {
	sum := 0
	for _, r := range s.runs {
		if l := len(runs) - 1; l >= 0 && r.from-runs[l].to <= mergeGap*os.Getpagesize() {
			sum += r.to - runs[l].to
			runs[l].to = r.to
		} else {
			sum += r.to - r.from
			runs = append(runs, r)
		}
		if sum > maxHotBytes {
			return runs[:len(runs)-1]
		}
	}
	return runs
}

// close closes what scan has opened; no scan comes after it.
func (p *pagemap) close() {
	if p.file != nil {
		_ = p.file.Close() // nothing was written
	}
}

// writtenPages returns the pages of b, a private mapping, that the process has written to, and nil
// if the kernel does not say. It returns maxHotBytes at most.
//
// An entry of /proc/self/pagemap has bit 63 set for a page that is present, and
// bit 61 for one that still is that of the file (Linux,
// Documentation/admin-guide/mm/pagemap.rst).
func writtenPages(b []byte) []run {
	const present, ofFile = 1 << 63, 1 << 61
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		return nil
	}
	defer f.Close()
	size := os.Getpagesize()
	first := int64(uintptr(unsafe.Pointer(&b[0]))) / int64(size)
	pages := len(b) / size
	entries := make([]byte, 8*min(pages, 1<<13))
	var runs []run
	sum := 0
	for at := 0; at < pages; {
		n := min(pages-at, len(entries)/8)
		section := io.NewSectionReader(f, (first+int64(at))*8, int64(n)*8)
		if _, err := io.ReadFull(section, entries[:n*8]); err != nil {
			return nil
		}
		for k := range n {
			if e := binary.LittleEndian.Uint64(entries[k*8:]); e&present == 0 || e&ofFile != 0 {
				continue
			}
			from := (at + k) * size
			if l := len(runs) - 1; l >= 0 && from-runs[l].to <= mergeGap*size {
				sum += from + size - runs[l].to
				runs[l].to = from + size
			} else {
				sum += size
				runs = append(runs, run{from, from + size})
			}
			if sum > maxHotBytes {
				return runs[:len(runs)-1]
			}
		}
		at += n
	}
	return runs
}
