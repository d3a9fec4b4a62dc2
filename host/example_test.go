package host_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/host"
)

// Serve a component.
func Example() {
	wasm, err := os.ReadFile("../testdata/guests/rust-hello/rust-hello.wasm")
	if err != nil {
		log.Fatal(err)
	}
	h, err := host.New(context.Background(), wasm, host.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer h.Close(context.Background())

	server := httptest.NewServer(h) // or http.ListenAndServe("localhost:8080", h)
	defer server.Close()
	resp, err := http.Get(server.URL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Println(resp.Status, string(body), err)
	// Output: 200 OK Hello, world! <nil>
}

// Send one request without a network.
func Example_withoutNetwork() {
	wasm, err := os.ReadFile("../testdata/guests/rust-hello-p3/rust-hello-p3.wasm")
	if err != nil {
		log.Fatal(err)
	}
	h, err := host.New(context.Background(), wasm, host.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer h.Close(context.Background())

	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://example.com/", nil))
	fmt.Println(w.Code, w.Body)
	// Output: 200 Hello, world!
}

// Offer a function of your own: the component imports the interface example:greeting/names, which
// is
//
//	interface names {
//	  lookup: func(user: u32) -> option<string>;
//	}
func Example_hostFunction() {
	wasm, err := os.ReadFile("../examples/embed/greeter.wasm")
	if err != nil {
		log.Fatal(err)
	}
	users := map[uint32]string{7: "Ada"}
	h, err := host.New(context.Background(), wasm, host.Config{
		Link: func(l *component.Linker) {
			l.Instance("example:greeting/names@1.0.0").
				Func("lookup", "func(user: u32) -> option<string>",
					func(_ *component.Call, args []component.Value) (component.Value, error) {
						name, ok := users[args[0].U32()]
						if !ok {
							return component.None(), nil
						}
						return component.Some(component.String(name)), nil
					})
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer h.Close(context.Background())

	for _, path := range []string{"/7", "/8"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		fmt.Print(w.Code, " ", w.Body)
	}
	// Output:
	// 200 Hello, Ada!
	// 404 Hello, whoever you are!
}

// Put a Host behind middleware, as any http.Handler, and say what clients get when a guest fails.
func Example_middleware() {
	wasm, err := os.ReadFile("../testdata/guests/rust-trap/rust-trap.wasm")
	if err != nil {
		log.Fatal(err)
	}
	h, err := host.New(context.Background(), wasm, host.Config{
		Timeout: 20 * time.Second,
		Failed: func(w http.ResponseWriter, r *http.Request, f *host.Failure) {
			fmt.Printf("%s: %s, in %s\n", r.URL.Path, f.Outcome, f.Frames[len(f.Frames)-1].Func)
			http.Error(w, "we are looking into it", f.Status())
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer h.Close(context.Background())

	private := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, password, _ := r.BasicAuth(); password != "sesame" {
				http.Error(w, "who are you?", http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	mux := http.NewServeMux()
	mux.Handle("/app/", http.StripPrefix("/app", private(h)))

	for _, password := range []string{"guess", "sesame"} {
		r := httptest.NewRequest(http.MethodGet, "/app/orders", nil)
		r.SetBasicAuth("me", password)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Print(w.Code, " ", w.Body)
	}
	// Output:
	// 401 who are you?
	// /orders: trap, in wasi:http/incoming-handler@0.2.12#handle
	// 500 we are looking into it
}
