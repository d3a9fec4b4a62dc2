package p2

import (
	"fmt"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/wasi"
)

// addRandom offers wasi:random.
func addRandom(l *component.Linker, h *host) {
	secure := l.Instance("wasi:random/random" + version)
	secure.Func("get-random-bytes", "func(len: u64) -> list<u8>", h.stateFunc(randomBytes))
	secure.Func("get-random-u64", "func() -> u64", h.stateFunc(randomU64))

	insecure := l.Instance("wasi:random/insecure" + version)
	insecure.Func("get-insecure-random-bytes", "func(len: u64) -> list<u8>", h.stateFunc(insecureBytes))
	insecure.Func("get-insecure-random-u64", "func() -> u64", h.stateFunc(insecureU64))

	seed := l.Instance("wasi:random/insecure-seed" + version)
	seed.Func("insecure-seed", "func() -> tuple<u64, u64>", h.stateFunc(insecureSeed))
}

func randomBytes(st *wasi.State, args []component.Value) (component.Value, error) {
	return bytesOf(args[0].U64(), st.Random().Bytes)
}

func randomU64(st *wasi.State, _ []component.Value) (component.Value, error) {
	v, err := st.Random().Uint64()
	return component.U64(v), err
}

func insecureBytes(st *wasi.State, args []component.Value) (component.Value, error) {
	return bytesOf(args[0].U64(), st.Random().InsecureBytes)
}

func insecureU64(st *wasi.State, _ []component.Value) (component.Value, error) {
	v, err := st.Random().InsecureUint64()
	return component.U64(v), err
}

func insecureSeed(st *wasi.State, _ []component.Value) (component.Value, error) {
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
