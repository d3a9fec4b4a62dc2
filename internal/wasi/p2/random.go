package p2

import (
	"context"
	"fmt"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// addRandom offers wasi:random.
func addRandom(l *component.Linker, h *host) {
	secure := l.Instance("wasi:random/random" + version)
	h.define(secure, []def{
		{"get-random-bytes", "func(len: u64) -> list<u8>", randomBytes},
		{"get-random-u64", "func() -> u64", randomU64},
	})

	insecure := l.Instance("wasi:random/insecure" + version)
	h.define(insecure, []def{
		{"get-insecure-random-bytes", "func(len: u64) -> list<u8>", insecureBytes},
		{"get-insecure-random-u64", "func() -> u64", insecureU64},
	})

	seed := l.Instance("wasi:random/insecure-seed" + version)
	h.define(seed, []def{{"insecure-seed", "func() -> tuple<u64, u64>", insecureSeed}})
}

func randomBytes(_ context.Context, st *wasi.State, args []component.Value) (component.Value, error) {
	return bytesOf(args[0].U64(), st.Random().Bytes)
}

func randomU64(_ context.Context, st *wasi.State, _ []component.Value) (component.Value, error) {
	v, err := st.Random().Uint64()
	return component.U64(v), err
}

func insecureBytes(_ context.Context, st *wasi.State, args []component.Value) (component.Value, error) {
	return bytesOf(args[0].U64(), st.Random().InsecureBytes)
}

func insecureU64(_ context.Context, st *wasi.State, _ []component.Value) (component.Value, error) {
	v, err := st.Random().InsecureUint64()
	return component.U64(v), err
}

func insecureSeed(_ context.Context, st *wasi.State, _ []component.Value) (component.Value, error) {
	seed, err := st.Random().InsecureSeed()
	return component.Record(component.U64(seed[0]), component.U64(seed[1])), err
}

// bytesOf traps who asks for more than is given at once: a list<u8> has to be whole, and there is no error to return.
func bytesOf(n uint64, draw func(int) ([]byte, error)) (component.Value, error) {
	if n > wasi.MaxRandom {
		return component.Value{}, fmt.Errorf("%d random bytes asked for, the limit is %d", n, wasi.MaxRandom)
	}
	b, err := draw(int(n))
	return component.Bytes(b), err
}
