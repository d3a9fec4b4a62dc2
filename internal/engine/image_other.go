//go:build !linux

package engine

import "github.com/wasihttp/wasihttp/internal/corewasm"

// image holds the initial memory of a module.
type image struct{ segments []corewasm.Segment }

func newImage(_ *Engine, segments []corewasm.Segment) (*image, error) {
	return &image{segments}, nil
}

func (i *image) acquire(uint64) backing { return &heapBacking{segments: i.segments} }

func (i *image) free() error { return nil }

// pagemap is not needed: nothing is mapped.
type pagemap struct{}

func (*pagemap) close() {}
