package table

import (
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// Random is how a dialect names what wasi:random has.
type Random struct {
	// Length is the name of the parameter that says how many bytes are asked for.
	Length string
	// Bytes returns n bytes of draw, or as many as the dialect allows, or a trap.
	Bytes func(n uint64, draw func(int) ([]byte, error)) (component.Value, error)
	// Seed is the name of the function of insecure-seed.
	Seed string
}

// Add offers wasi:random, whose names end with version.
func (r Random) Add(l *component.Linker, version string, define Define) {
	bytes := "func(" + r.Length + ": u64) -> list<u8>"
	define(l.Instance("wasi:random/random"+version), []Def{
		{"get-random-bytes", bytes,
			func(st *wasi.State, args []component.Value) (component.Value, error) {
				return r.Bytes(args[0].U64(), st.Random().Bytes)
			}},
		{"get-random-u64", "func() -> u64",
			func(st *wasi.State, _ []component.Value) (component.Value, error) {
				v, err := st.Random().Uint64()
				return component.U64(v), err
			}},
	})
	define(l.Instance("wasi:random/insecure"+version), []Def{
		{"get-insecure-random-bytes", bytes,
			func(st *wasi.State, args []component.Value) (component.Value, error) {
				return r.Bytes(args[0].U64(), st.Random().InsecureBytes)
			}},
		{"get-insecure-random-u64", "func() -> u64",
			func(st *wasi.State, _ []component.Value) (component.Value, error) {
				v, err := st.Random().InsecureUint64()
				return component.U64(v), err
			}},
	})
	define(l.Instance("wasi:random/insecure-seed"+version), []Def{
		{r.Seed, "func() -> tuple<u64, u64>",
			func(st *wasi.State, _ []component.Value) (component.Value, error) {
				seed, err := st.Random().InsecureSeed()
				return component.Record(component.U64(seed[0]), component.U64(seed[1])), err
			}},
	})
}
