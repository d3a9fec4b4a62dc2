package cmd

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/cmd/internal/loader"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/timetest"
	"github.com/wasihttp/wasihttp/serve"
)

// twoBuilds returns two builds of the Rust kitchen that answer differently: the
// second in capitals.
func twoBuilds(t testing.TB) (a, b []byte) {
	t.Helper()
	a, err := os.ReadFile(kitchen())
	if err != nil {
		t.Fatal(err)
	}
	b = a
	for _, text := range []string{"hello from rust\n", "0123456789abcdef {", "data: event "} {
		if bytes.Count(a, []byte(text)) != 1 {
			t.Fatalf("the guest has %q %d times", text, bytes.Count(a, []byte(text)))
		}
		capitals := strings.Replace(strings.ToUpper(text), "DATA:", "data:", 1)
		b = bytes.Replace(b, []byte(text), []byte(capitals), 1)
	}
	return a, b
}

// reloading is "serve FILE" in this process, with real components.
type reloading struct {
	*session
	file   string
	engine *host.Engine
	closed chan string // digests of the builds that were freed
	loads  atomic.Int64
}

func startReloading(t testing.TB, first []byte, args ...string) *reloading {
	t.Helper()
	r := &reloading{
		session: newSession(),
		file:    filepath.Join(t.TempDir(), "app.wasm"),
		closed:  make(chan string, 1000),
	}
	replace(t, r.file, first)
	var mu sync.Mutex
	st := r.state(append([]string{programName, "serve", r.file, "--addr", "127.0.0.1:0", "--no-cache"}, args...)...)
	d := doors{
		load: func(ctx context.Context, path string, cfg loader.Config) (*loader.App, error) {
			r.loads.Add(1)
			a, err := loader.Load(ctx, path, cfg)
			if err != nil {
				return nil, err
			}
			mu.Lock()
			r.engine = cfg.Engine
			mu.Unlock()
			free := a.Close
			a.Close = func(ctx context.Context) error {
				err := free(ctx)
				r.closed <- a.About.Digest
				return err
			}
			return a, nil
		},
	}
	go func() { r.code <- st.main(context.Background(), d) }()
	t.Cleanup(func() {
		r.signals <- os.Interrupt
		r.exit(t)
	})
	return r
}

// replace writes the file as most build tools do.
func replace(t testing.TB, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file+".tmp", data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".tmp", file); err != nil {
		t.Fatal(err)
	}
}

// awaitCount waits until the output has the text n times.
func (b *buffer) awaitCount(t *testing.T, text string, n int) {
	t.Helper()
	timeout := time.After(patience)
	for strings.Count(b.String(), text) < n {
		select {
		case <-b.news:
		case <-timeout:
			t.Fatalf("%q comes %d times, not %d; got:\n%s", text, strings.Count(b.String(), text), n, b)
		}
	}
}

// soakClient sends requests on one connection and checks each answer.
type soakClient struct {
	url    string
	client *http.Client
	lost   atomic.Int64 // connections that the server ended
	count  atomic.Int64
}

// watched is a connection that knows who ended it.
type watched struct {
	net.Conn
	ours atomic.Bool
	lost *atomic.Int64
}

func (c *watched) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil && !c.ours.Load() {
		c.lost.Add(1)
	}
	return n, err
}

func (c *watched) Close() error {
	c.ours.Store(true)
	return c.Conn.Close()
}

func newSoakClient(url string) *soakClient {
	l := &soakClient{url: url}
	l.client = &http.Client{Transport: &http.Transport{
		DisableCompression: true, MaxConnsPerHost: 1,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, addr)
			return &watched{Conn: c, lost: &l.lost}, err
		},
	}}
	return l
}

// slow reads a little at a time, with pauses.
type slow struct {
	io.Reader
	tick *time.Ticker
}

func newSlow(r io.Reader, pause time.Duration) *slow {
	return &slow{Reader: r, tick: time.NewTicker(pause)}
}

func (s *slow) Read(p []byte) (int, error) {
	<-s.tick.C
	return s.Reader.Read(p[:min(len(p), 64<<10)])
}

// kinds of load. Each gets the answer's build and checks that all of the answer
// is that build's.
func (l *soakClient) exchange(kind string, digests [2]string) error {
	method, target, body := http.MethodGet, "", io.Reader(nil)
	upload := strings.Repeat("upload ", 40_000)
	want := [2]string{"hello from rust\n", "HELLO FROM RUST\n"}
	switch kind {
	case "download":
		target = "big?n=1600000"
		want = [2]string{strings.Repeat("0123456789abcdef", 100_000), strings.Repeat("0123456789ABCDEF", 100_000)}
	case "upload":
		method, target, body = http.MethodPost, "echo", newSlow(strings.NewReader(upload), 5*time.Millisecond)
		want = [2]string{upload, upload}
	case "stream":
		target = "sse?n=8&ms=5"
		var text strings.Builder
		for i := range 8 {
			fmt.Fprintf(&text, "id: %d\ndata: event %d\n\n", i+1, i+1)
		}
		want = [2]string{text.String(), strings.ReplaceAll(text.String(), "event", "EVENT")}
	}
	req, err := http.NewRequest(method, l.url+target, body)
	if err != nil {
		return err
	}
	resp, err := l.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var reader io.Reader = resp.Body
	if kind == "download" {
		reader = newSlow(resp.Body, 2*time.Millisecond)
	}
	got, err := io.ReadAll(reader)
	if err != nil {
		return err
	}
	build := resp.Header.Get(serve.BuildHeader)
	for i, digest := range digests {
		if build == digest {
			if resp.StatusCode != 200 || string(got) != want[i] {
				return fmt.Errorf("%s by build %d: status %d, %d bytes: %.60q", kind, i, resp.StatusCode, len(got), got)
			}
			l.count.Add(1)
			return nil
		}
	}
	return fmt.Errorf("%s: header names the build %q, not one of %q", kind, build, digests)
}

// holdings are what a process may fail to give back.
type holdings struct {
	Goroutines, Files, Maps int
	Heap                    uint64
	Mappings, Runtimes      int64
}

func (r *reloading) holdings(t *testing.T) holdings {
	t.Helper()
	// Twice, because finalizers free what the first finds.
	runtime.GC()
	runtime.GC()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	stats := r.engine.Stats()
	h := holdings{Goroutines: runtime.NumGoroutine(), Heap: mem.HeapAlloc, Mappings: stats.Mappings, Runtimes: stats.Runtimes}
	if runtime.GOOS == "linux" {
		files, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		maps, err := os.ReadFile("/proc/self/maps")
		if err != nil {
			t.Fatal(err)
		}
		h.Files = len(files)
		for line := range bytes.Lines(maps) {
			// Memory images, linear memories and machine code; threads have
			// mappings too, and how many there are is the Go runtime's affair.
			code := bytes.Contains(line, []byte("r-xp 00000000 00:00 0"))
			if code || bytes.Contains(line, []byte("memfd")) {
				h.Maps++
			}
		}
	}
	return h
}

// exceeds reports whether h is more than a tenth above before. The additions
// are for what comes in steps, and for the memories that a build keeps for its
// next instances: as many as there have been requests at once, each with a
// goroutine that rests.
func (h holdings) exceeds(before holdings) bool {
	busy, busyBefore := h.Goroutines-int(h.Mappings), before.Goroutines-int(before.Mappings)
	return busy > busyBefore*11/10+2 ||
		h.Files > before.Files*11/10 ||
		h.Maps > before.Maps*11/10+20 ||
		h.Heap > before.Heap*11/10+256<<10 ||
		h.Mappings > before.Mappings*11/10+8 ||
		h.Runtimes != before.Runtimes
}

// swapsVariable is how many times TestSwapsUnderLoadLoseNothing swaps; without it, a few times.
const swapsVariable = "WASIHTTP_SOAK_SWAPS"

func swaps(t *testing.T) int {
	t.Helper()
	text := os.Getenv(swapsVariable)
	if text == "" {
		return 12
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", swapsVariable, err)
	}
	return n
}

// TestSwapsUnderLoadLoseNothing swaps many times under eight connections of
// load, with broken files in between, and looks at every response and at what is
// left in the end.
func TestSwapsUnderLoadLoseNothing(t *testing.T) {
	a, b := twoBuilds(t)
	builds, digests := [2][]byte{a, b}, [2]string{digestOf(string(a)), digestOf(string(b))}
	// Without the explorer, which keeps the last requests on purpose.
	r := startReloading(t, a, "--log-format", "json", "--quiet", "--drain-timeout", "30s", "--no-explorer")
	url := r.url(t)
	replace(t, r.file, b)
	await(t, r.closed, "end of the first build")

	run := func(work func()) (answers int64) {
		stop := make(chan struct{})
		var group sync.WaitGroup
		kinds := []string{"", "", "", "download", "download", "upload", "stream", "stream"}
		loaders := make([]*soakClient, len(kinds))
		for i, kind := range kinds {
			l := newSoakClient(url)
			loaders[i] = l
			group.Go(func() {
				for {
					select {
					case <-stop:
						l.client.CloseIdleConnections()
						return
					default:
					}
					if err := l.exchange(kind, digests); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		work()
		close(stop)
		group.Wait()
		for i, l := range loaders {
			answers += l.count.Load()
			if n := l.lost.Load(); n != 0 {
				t.Errorf("the server ended connection %d (%s) %d times", i, kinds[i], n)
			}
			if l.count.Load() == 0 {
				t.Errorf("connection %d (%s) had no answers", i, kinds[i])
			}
		}
		return answers
	}
	settled := func(before holdings) holdings {
		// Connections end on their own after the client has closed them.
		tick, timeout := time.NewTicker(20*time.Millisecond), time.After(patience)
		defer tick.Stop()
		for {
			if h := r.holdings(t); !h.exceeds(before) {
				return h
			}
			select {
			case <-tick.C:
			case <-timeout:
				return r.holdings(t)
			}
		}
	}

	// One swap under load first: what is made on first use stays.
	run(func() {
		replace(t, r.file, a)
		await(t, r.closed, "end of the second build")
	})
	before := settled(holdings{Goroutines: runtime.NumGoroutine() - 8, Files: 1 << 20, Maps: 1 << 20, Heap: 1 << 40, Mappings: 1 << 20, Runtimes: 1})

	const every = 4
	swapped, broken := 2, 0
	core, err := os.ReadFile(filepath.Join("..", "testdata", "guests", "bad", "core-module.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	answers := run(func() {
		for i := range swaps(t) {
			if i%every == every-1 {
				broken++
				bad := core
				if broken%3 == 2 {
					bad = a[:len(a)/2]
				}
				replace(t, r.file, append(bytes.Clone(bad), byte(i)))
				r.err.awaitCount(t, `"event":"reload-failed"`, broken)
				continue
			}
			swapped++
			replace(t, r.file, builds[swapped%2])
			await(t, r.closed, "end of the build before")
		}
	})
	after := settled(before)
	t.Logf("%d answers, %d swaps, %d broken builds; before %+v, after %+v", answers, swapped-2, broken, before, after)
	if after.exceeds(before) {
		t.Errorf("before %+v, after %+v", before, after)
	}
	for line := range strings.Lines(r.err.String()) {
		if strings.Contains(line, `"outcome":`) {
			t.Errorf("a request failed: %s", line)
		}
	}
}

// TestALargeComponentWrittenSlowlyIsOneSwap writes 22 MB in a hundred pieces for
// longer than half a file may last, with two pauses in which it looks still.
func TestALargeComponentWrittenSlowlyIsOneSwap(t *testing.T) {
	a, b := twoBuilds(t)
	const padding = 22 << 20
	section := append([]byte{1, 'x'}, make([]byte, padding)...)
	b = append(binary.AppendUvarint(append(b, 0), uint64(len(section))), section...)
	timetest.Scaled(t, func(t testing.TB, _ time.Duration) { // a disk may be slower than the pauses
		r := startReloading(t, a)
		url := r.url(t)
		file, err := os.Create(r.file)
		if err != nil {
			t.Fatal(err)
		}
		tick := time.NewTicker(15 * time.Millisecond)
		defer tick.Stop()
		const pieces, header = 100, 8 // which is a component by itself
		for i := range pieces {
			<-tick.C
			from, to := i*len(b)/pieces, (i+1)*len(b)/pieces
			switch i {
			case 0:
				to = header
			case 1, pieces * 9 / 10:
				for range 15 {
					<-tick.C
				}
				if i == 1 {
					from = header
				}
			}
			if _, err := file.Write(b[from:to]); err != nil {
				t.Fatal(err)
			}
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		r.err.await(t, digestOf(string(a))+` → `+digestOf(string(b)))
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.Header.Get(serve.BuildHeader) != digestOf(string(b)) || resp.Header.Get(serve.StaleHeader) != "" {
			t.Errorf("got %v", resp.Header)
		}
		if text := r.err.String(); strings.Count(text, "→") != 1 || strings.Contains(text, "✗") {
			t.Errorf("got:\n%s", text)
		}
	})
}

// TestABuildThatCannotStartIsNotSwappedIn has builds whose start functions trap
// and never end.
func TestABuildThatCannotStartIsNotSwappedIn(t *testing.T) {
	a, b := twoBuilds(t)
	r := startReloading(t, a, "--timeout", "2s")
	url := r.url(t)
	for name, reason := range map[string]string{"trap": "wasm trap: unreachable", "spin": "no response after 2s"} {
		bad, err := os.ReadFile(filepath.Join("..", "testdata", "guests", "bad", name+"-at-start.wasm"))
		if err != nil {
			t.Fatal(err)
		}
		replace(t, r.file, bad)
		r.err.await(t, `cannot be started: `+reason)
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		build, stale := resp.Header.Get(serve.BuildHeader), resp.Header.Get(serve.StaleHeader)
		if build != digestOf(string(a)) || !strings.Contains(stale, reason) {
			t.Errorf("%s: build %q, stale %q", name, build, stale)
		}
	}
	replace(t, r.file, b)
	r.err.await(t, digestOf(string(a))+` → `+digestOf(string(b)))
}

func await[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("no %s", what)
		panic("unreachable")
	}
}
