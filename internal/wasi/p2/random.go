package p2

import (
	"fmt"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/table"
)

// addRandom offers wasi:random.
func addRandom(l *component.Linker, h *host) {
	table.Random{Length: "len", Bytes: bytesOf, Seed: "insecure-seed"}.Add(l, version, h.shared)
}

// bytesOf traps a guest that asks for more bytes than the limit: a list<u8> has to be whole, and
// there is no error to return.
func bytesOf(n uint64, draw func(int) ([]byte, error)) (component.Value, error) {
	if n > wasi.MaxRandom {
		return component.Value{}, fmt.Errorf(
			"%d random bytes asked for, the limit is %d",
			n,
			wasi.MaxRandom,
		)
	}
	b, err := draw(int(n))
	return component.Bytes(b), err
}
