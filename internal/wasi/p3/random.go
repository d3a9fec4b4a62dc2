package p3

import (
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/table"
)

// addRandom offers wasi:random.
func addRandom(l *component.Linker, h *host) {
	table.Random{
		Length: "max-len",
		Bytes:  atMost,
		Seed:   "get-insecure-seed",
	}.Add(
		l,
		version,
		h.shared,
	)
}

// atMost returns that many bytes, or fewer: there is a limit.
func atMost(n uint64, draw func(int) ([]byte, error)) (component.Value, error) {
	b, err := draw(int(min(n, wasi.MaxRandom)))
	return component.Bytes(b), err
}
