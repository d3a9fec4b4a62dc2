package wasi_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/wasi"
)

// Run a component that is a program.
func Example() {
	wasm, err := os.ReadFile("../testdata/guests/bad/command.wasm")
	if err != nil {
		log.Fatal(err)
	}
	c, err := component.Decode(wasm)
	if err != nil {
		log.Fatal(err)
	}
	linker := component.NewLinker()
	wasi.AddTo(linker, func(data any) *wasi.State { return data.(*wasi.State) })

	ctx := context.Background()
	engine := host.NewEngine(host.EngineOptions{})
	defer engine.Close()
	linked, err := engine.Link(ctx, c, linker, host.LinkOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer linked.Close(ctx)

	state := wasi.NewState(&wasi.Config{Args: []string{"command"}, Stdout: os.Stdout})
	defer state.Close()
	store := linked.NewStore(ctx, state, component.Limits{MemoryBytes: 64 << 20})
	defer store.Close()
	instance, err := linked.Instantiate(ctx, store)
	if err != nil {
		log.Fatal(err)
	}
	var run string
	for _, name := range c.ExportNames() {
		run = name // wasi:cli/run, in some version
	}
	result, err := instance.Func(run, "run").Call(ctx)
	fmt.Println(run, err == nil && result.IsOk())
	// Output: wasi:cli/run@0.2.4 true
}
