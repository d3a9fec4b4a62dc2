package wasi_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
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

// A request as a guest sees it: names in lower case, in order, without what concerns the connection
// alone.
func ExampleRequestFromHTTP() {
	r, err := http.NewRequest(http.MethodPost, "http://example.com/orders?n=1", nil)
	if err != nil {
		log.Fatal(err)
	}
	r.Header.Set("X-Trace", "7")
	r.Header.Set("Connection", "close")
	request, err := wasi.RequestFromHTTP(r, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(request.Method, request.Authority, request.PathWithQuery)
	for _, field := range request.Header.Entries() {
		fmt.Printf("%s: %s\n", field.Name, field.Value)
	}
	// Output:
	// POST example.com /orders?n=1
	// x-trace: 7
}

// Fields for a Request of your own, and those that arrived from elsewhere.
func ExampleNewFields() {
	trailers := wasi.NewFields(nil)
	if err := trailers.Append("Checksum", []byte("9f86d081")); err != nil {
		log.Fatal(err)
	}
	fmt.Println(trailers.Append("Connection", []byte("close")))
	fmt.Println(trailers.Freeze().HTTP())

	head := wasi.FieldsFromHTTP(nil, http.Header{"Accept": {"text/html"}})
	fmt.Println(head.Has("ACCEPT"), head.Append("a", nil))
	// Output:
	// field is forbidden
	// map[Checksum:[9f86d081]]
	// true fields are immutable
}
