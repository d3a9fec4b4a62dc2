//go:build linux

package engine

import (
	"encoding/binary"
	"io"
	"os"
	"unsafe"
)

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
