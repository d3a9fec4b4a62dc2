package p3

import (
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// addRandom offers wasi:random.
func addRandom(l *component.Linker, h *host) {
	secure := l.Instance("wasi:random/random" + version)
	h.define(secure, []def{
		{name: "get-random-bytes", wit: "func(max-len: u64) -> list<u8>", fn: randomBytes},
		{name: "get-random-u64", wit: "func() -> u64", fn: randomU64},
	})

	insecure := l.Instance("wasi:random/insecure" + version)
	h.define(insecure, []def{
		{name: "get-insecure-random-bytes", wit: "func(max-len: u64) -> list<u8>", fn: insecureBytes},
		{name: "get-insecure-random-u64", wit: "func() -> u64", fn: insecureU64},
	})

	seed := l.Instance("wasi:random/insecure-seed" + version)
	h.define(seed, []def{{name: "get-insecure-seed", wit: "func() -> tuple<u64, u64>", fn: insecureSeed}})
}

func randomBytes(c call, args []component.Value) (component.Value, error) {
	b, err := c.state.Random().Bytes(atMost(args[0]))
	return component.Bytes(b), err
}

func randomU64(c call, _ []component.Value) (component.Value, error) {
	v, err := c.state.Random().Uint64()
	return component.U64(v), err
}

func insecureBytes(c call, args []component.Value) (component.Value, error) {
	b, err := c.state.Random().InsecureBytes(atMost(args[0]))
	return component.Bytes(b), err
}

func insecureU64(c call, _ []component.Value) (component.Value, error) {
	v, err := c.state.Random().InsecureUint64()
	return component.U64(v), err
}

func insecureSeed(c call, _ []component.Value) (component.Value, error) {
	seed, err := c.state.Random().InsecureSeed()
	return component.Record(component.U64(seed[0]), component.U64(seed[1])), err
}

// atMost is how many bytes are given to who asks for that many: there may be fewer.
func atMost(n component.Value) int { return int(min(n.U64(), wasi.MaxRandom)) }
