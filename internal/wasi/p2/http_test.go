package p2

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/convert"
)

// guest calls functions of wasi:http/types by name, as a component would.
type guest struct {
	t    *testing.T
	st   *wasi.State
	defs map[string]hostFunc
}

func newGuest(t *testing.T, cfg *wasi.Config) *guest {
	g := &guest{t: t, st: wasi.NewState(cfg), defs: map[string]hostFunc{}}
	t.Cleanup(g.st.Close)
	addAll(component.NewLinker(), &host{defined: func(_ string, d def) { g.defs[d.name] = d.fn }})
	return g
}

func (g *guest) try(name string, args ...component.Value) (component.Value, error) {
	g.t.Helper()
	f := g.defs[name]
	if f == nil {
		g.t.Fatalf("no function %s", name)
	}
	return f(call{g.t.Context(), g.st}, args)
}

func (g *guest) call(name string, args ...component.Value) component.Value {
	g.t.Helper()
	v, err := g.try(name, args...)
	if err != nil {
		g.t.Fatalf("%s: %v", name, err)
	}
	return v
}

// ok calls a function that must give ok, and returns its payload.
func (g *guest) ok(name string, args ...component.Value) component.Value {
	g.t.Helper()
	v := g.call(name, args...)
	if !v.IsOk() {
		g.t.Fatalf("%s failed", name)
	}
	return v.Payload()
}

func str(s string) component.Value { return component.String(s) }

func blob(s string) component.Value { return component.Bytes([]byte(s)) }

func (g *guest) fields(kv ...string) component.Value {
	g.t.Helper()
	f := g.call("[constructor]fields")
	for i := 0; i < len(kv); i += 2 {
		g.ok("[method]fields.append", f, str(kv[i]), blob(kv[i+1]))
	}
	return f
}

// entries are the pairs of fields as "name: value".
func (g *guest) entries(f component.Value) []string {
	g.t.Helper()
	list := []string{}
	for _, e := range g.call("[method]fields.entries", f).Items() {
		list = append(list, e.Items()[0].Str()+": "+string(e.Items()[1].Bytes()))
	}
	return list
}

// readAll reads a stream to its end.
func (g *guest) readAll(s component.Value) string {
	g.t.Helper()
	var b strings.Builder
	for {
		v := g.call("[method]input-stream.blocking-read", s, component.U64(1<<20))
		if !v.IsOk() {
			if v.Payload().Case() != 1 {
				g.t.Errorf("read: %s", outcome(v, nil))
			}
			return b.String()
		}
		b.Write(v.Payload().Bytes())
	}
}

func TestFieldsAsAGuestSeesThem(t *testing.T) {
	g := newGuest(t, &wasi.Config{Fields: &wasi.FieldRules{Bytes: 200}})
	f := g.fields("A", "1", "b", "2", "a", "3")
	if diff := cmp.Diff([]string{"A: 1", "b: 2", "A: 3"}, g.entries(f)); diff != "" {
		t.Error(diff)
	}
	if v := g.call("[method]fields.get", f, str("a")).Items(); len(v) != 2 ||
		string(v[1].Bytes()) != "3" {
		t.Errorf("%d values", len(v))
	}
	if !g.call("[method]fields.has", f, str("B")).Bool() ||
		g.call("[method]fields.has", f, str("b b")).Bool() {
		t.Error("has")
	}
	g.ok("[method]fields.set", f, str("a"), component.List(blob("x")))
	g.ok("[method]fields.delete", f, str("B"))
	c := g.call("[method]fields.clone", f)
	g.ok("[method]fields.append", c, str("c"), blob(""))
	if diff := cmp.Diff([][]string{{"a: x"}, {"a: x", "c: "}}, [][]string{g.entries(f), g.entries(c)}); diff != "" {
		t.Error(diff)
	}
	if _, err := g.try("[method]fields.append", c, str("d"), blob(strings.Repeat("x", 200))); !errors.Is(
		err,
		wasi.ErrFieldsTooBig,
	) {
		t.Errorf("too big: %v", err)
	}
	pair := func(n, v string) component.Value { return component.List(component.Record(str(n), blob(v))) }
	g.ok("[static]fields.from-list", pair("x", "y"))
	headers := g.call(
		"[method]outgoing-request.headers",
		g.call("[constructor]outgoing-request", g.fields()),
	)
	for name, c := range map[string]struct {
		v    component.Value
		want uint32
	}{
		"syntax":    {g.call("[static]fields.from-list", pair("x y", "")), 0},
		"forbidden": {g.call("[static]fields.from-list", pair("Host", "h")), 1},
		"immutable": {g.call("[method]fields.append", headers, str("x"), blob("y")), 2},
	} {
		if c.v.IsOk() || c.v.Payload().Case() != c.want {
			t.Errorf("%s: ok %v, case %d", name, c.v.IsOk(), c.v.Payload().Case())
		}
	}
	if v := g.call("[method]fields.append", g.call("[method]fields.clone", headers), str("x"), blob("y")); !v.IsOk() {
		t.Error("the clone of immutable fields is not mutable")
	}
}

func TestOutgoingRequestsReadBackWhatWasSet(t *testing.T) {
	g := newGuest(t, &wasi.Config{})
	r := g.call("[constructor]outgoing-request", g.fields())
	read := func() [4]string {
		var out [4]string
		out[0] = convert.MethodOf(g.call("[method]outgoing-request.method", r))
		for i, name := range []string{"path-with-query", "authority", "scheme"} {
			v := g.call("[method]outgoing-request."+name, r)
			switch {
			case !v.IsSome():
				out[i+1] = "none"
			case name == "scheme":
				out[i+1] = convert.SchemeOf(v.Payload())
			default:
				out[i+1] = v.Payload().Str()
			}
		}
		return out
	}
	step := func(want [4]string) {
		t.Helper()
		if diff := cmp.Diff(want, read()); diff != "" {
			t.Error(diff)
		}
	}
	step([4]string{"GET", "none", "none", "none"})
	g.ok("[method]outgoing-request.set-method", r, component.Enum(8))
	g.ok("[method]outgoing-request.set-path-with-query", r, component.Some(str("/a?b")))
	g.ok("[method]outgoing-request.set-authority", r, component.Some(str("h:1")))
	g.ok("[method]outgoing-request.set-scheme", r, component.Some(component.Enum(1)))
	step([4]string{"PATCH", "/a?b", "h:1", "HTTPS"})
	for name, bad := range map[string]component.Value{"method": component.Variant(9, str("")), "path-with-query": component.Some(str("a b")),
		"authority": component.Some(str("")), "scheme": component.Some(component.Variant(2, str("!")))} {
		if g.call("[method]outgoing-request.set-"+name, r, bad).IsOk() {
			t.Errorf("bad %s accepted", name)
		}
	}
	step([4]string{"PATCH", "/a?b", "h:1", "HTTPS"})
	g.ok("[method]outgoing-request.set-method", r, component.Variant(9, str("GET")))
	g.ok("[method]outgoing-request.set-path-with-query", r, component.None())
	g.ok("[method]outgoing-request.set-authority", r, component.None())
	g.ok("[method]outgoing-request.set-scheme", r, component.Some(component.Variant(2, str("wss"))))
	if v := g.call("[method]outgoing-request.method", r); v.Case() != 0 {
		t.Errorf("other(GET) reads back as case %d", v.Case())
	}
	step([4]string{"GET", "none", "none", "wss"})
	g.ok("[method]outgoing-request.set-scheme", r, component.None())
	step([4]string{"GET", "none", "none", "none"})
	g.ok("[method]outgoing-request.body", r)
	if g.call("[method]outgoing-request.body", r).IsOk() {
		t.Error("a second body")
	}
}

func TestRequestOptionsReadBackExactly(t *testing.T) {
	g := newGuest(t, &wasi.Config{})
	o := g.call("[constructor]request-options")
	for i, name := range []string{"connect", "first-byte", "between-bytes"} {
		get, set := "[method]request-options."+name+"-timeout", "[method]request-options.set-"+name+"-timeout"
		if g.call(get, o).IsSome() {
			t.Errorf("%s is set", name)
		}
		want := ^uint64(0) - uint64(i)
		g.ok(set, o, component.Some(component.U64(want)))
		if v := g.call(get, o); !v.IsSome() || v.Payload().U64() != want {
			t.Errorf("%s: %d", name, v.Payload().U64())
		}
	}
	g.ok("[method]request-options.set-connect-timeout", o, component.None())
	if g.call("[method]request-options.connect-timeout", o).IsSome() {
		t.Error("none is not none")
	}
}

func TestAGuestHandlesARequest(t *testing.T) {
	g := newGuest(t, &wasi.Config{})
	r := httptest.NewRequest("POST", "/p?q", io.NopCloser(strings.NewReader("ping")))
	r.Header.Set("X-Name", "v")
	q, err := wasi.RequestFromHTTP(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	var res *wasi.Response
	in, outparam := Incoming(g.st, q, func(r *wasi.Response, _ *wasi.ErrorCode) { res = r })
	if m := g.call("[method]incoming-request.method", in); m.Case() != 2 {
		t.Errorf("method %d", m.Case())
	}
	got := []string{g.call("[method]incoming-request.path-with-query", in).Payload().Str(),
		g.call("[method]incoming-request.authority", in).
			Payload().
			Str(),
		convert.SchemeOf(g.call("[method]incoming-request.scheme", in).Payload())}
	got = append(got, g.entries(g.call("[method]incoming-request.headers", in))...)
	if diff := cmp.Diff([]string{"/p?q", "example.com", "HTTP", "x-name: v"}, got); diff != "" {
		t.Error(diff)
	}
	body := g.ok("[method]incoming-request.consume", in)
	if g.call("[method]incoming-request.consume", in).IsOk() {
		t.Error("consumed twice")
	}
	stream := g.ok("[method]incoming-body.stream", body)
	if g.call("[method]incoming-body.stream", body).IsOk() {
		t.Error("a second stream")
	}
	if text := g.readAll(stream); text != "ping" {
		t.Errorf("body %q", text)
	}
	if err := dropInputStream(stream.Rep()); err != nil {
		t.Fatal(err)
	}
	f := g.call("[static]incoming-body.finish", body)
	if v := g.call("[method]future-trailers.get", f); !v.IsSome() || !v.Payload().IsOk() ||
		v.Payload().Payload().Payload().IsSome() {
		t.Error("there are trailers, or none yet")
	}
	if v := g.call("[method]future-trailers.get", f); !v.IsSome() || v.Payload().IsOk() {
		t.Error("trailers come twice")
	}

	out := g.call("[constructor]outgoing-response", g.fields("content-type", "text/plain"))
	if g.call("[method]outgoing-response.set-status-code", out, component.U16(99)).IsOk() {
		t.Error("status 99")
	}
	g.ok("[method]outgoing-response.set-status-code", out, component.U16(201))
	if s := g.call("[method]outgoing-response.status-code", out).U16(); s != 201 {
		t.Errorf("status %d", s)
	}
	outBody := g.ok("[method]outgoing-response.body", out)
	g.call("[static]response-outparam.set", outparam, component.Ok(out))
	w := g.ok("[method]outgoing-body.write", outBody)
	g.ok("[method]output-stream.blocking-write-and-flush", w, blob("pong"))
	if err := dropOutputStream(w.Rep()); err != nil {
		t.Fatal(err)
	}
	g.ok("[static]outgoing-body.finish", outBody, component.Some(g.fields("x-t", "1")))
	h := res.HTTP()
	text, err := io.ReadAll(h.Body)
	if h.StatusCode != 201 || string(text) != "pong" || err != nil || h.Trailer.Get("X-T") != "1" {
		t.Errorf("%d %q %v %v", h.StatusCode, text, err, h.Trailer)
	}
}

func TestAGuestRespondsWithAnErrorCode(t *testing.T) {
	g := newGuest(t, &wasi.Config{})
	var got []string
	o := func() component.Value {
		_, outparam := Incoming(g.st, &wasi.Request{}, func(_ *wasi.Response, c *wasi.ErrorCode) {
			if c == nil {
				got = append(got, "nothing")
				return
			}
			got = append(got, c.String())
		})
		return outparam
	}
	g.call(
		"[static]response-outparam.set",
		o(),
		component.Err(component.Variant(38, component.Some(str("why")))),
	)
	if err := dropOutparam(o().Rep()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`internal-error("why")`, "nothing"}, got); diff != "" {
		t.Error(diff)
	}
	if v := g.call("[method]response-outparam.send-informational", o(), component.U16(200), g.fields()); v.IsOk() ||
		v.Payload().Case() != 35 {
		t.Error("status 200 is not informational")
	}
}

func TestStreamErrorsHaveTheirErrorCode(t *testing.T) {
	g := newGuest(t, &wasi.Config{})
	b := g.ok(
		"[method]outgoing-request.body",
		g.call("[constructor]outgoing-request", g.fields("content-length", "11")),
	)
	w := g.ok("[method]outgoing-body.write", b)
	v := g.call("[method]output-stream.blocking-write-and-flush", w, blob("012345678901234567"))
	if v.IsOk() || v.Payload().Case() != 0 {
		t.Fatalf("%s", outcome(v, nil))
	}
	ioErr := v.Payload().Payload()
	code := g.call("http-error-code", ioErr)
	if !code.IsSome() ||
		convert.ErrorCodeOf(code.Payload()).String() != "HTTP-request-body-size(18)" {
		t.Errorf("%v", code)
	}
	if s := g.call("[method]error.to-debug-string", ioErr).Str(); !strings.HasPrefix(
		s,
		"HTTP-request-body-size(18)",
	) {
		t.Errorf("%q", s)
	}
	if err := dropOutputStream(w.Rep()); err != nil {
		t.Fatal(err)
	}
	if v := g.call("[static]outgoing-body.finish", b, component.None()); v.IsOk() ||
		convert.ErrorCodeOf(v.Payload()).String() != "HTTP-request-body-size(18)" {
		t.Error("finish forgets the size")
	}
	if g.call("http-error-code", component.Own(&ioError{io.ErrUnexpectedEOF})).IsSome() {
		t.Error("a foreign error has a code")
	}
}

func TestAGuestFetches(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Seen", r.Method+" "+r.RequestURI)
		w.WriteHeader(203)
		io.Copy(w, r.Body)
	}))
	defer srv.Close()
	g := newGuest(t, &wasi.Config{Client: &wasi.Client{}})
	r := g.call("[constructor]outgoing-request", g.fields())
	g.ok("[method]outgoing-request.set-method", r, component.Enum(2))
	g.ok("[method]outgoing-request.set-scheme", r, component.Some(component.Enum(0)))
	g.ok(
		"[method]outgoing-request.set-authority",
		r,
		component.Some(str(srv.Listener.Addr().String())),
	)
	g.ok("[method]outgoing-request.set-path-with-query", r, component.Some(str("/a?b")))
	b := g.ok("[method]outgoing-request.body", r)
	f := g.ok("handle", r, component.Some(g.call("[constructor]request-options")))
	if g.call("[method]future-incoming-response.get", f).IsSome() {
		t.Error("a response before the request was complete")
	}
	w := g.ok("[method]outgoing-body.write", b)
	g.ok("[method]output-stream.blocking-write-and-flush", w, blob("hello"))
	if err := dropOutputStream(w.Rep()); err != nil {
		t.Fatal(err)
	}
	g.ok("[static]outgoing-body.finish", b, component.None())
	p := g.call("[method]future-incoming-response.subscribe", f)
	g.call("[method]pollable.block", p)
	if err := dropFutureResponse(f.Rep()); !errors.Is(err, errHasChildren) {
		t.Errorf("future dropped before its pollable: %v", err)
	}
}

func TestAGuestReadsWhatItFetched(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Seen", r.Method+" "+r.RequestURI)
		w.WriteHeader(203)
		io.WriteString(w, "hello")
	}))
	defer srv.Close()
	g := newGuest(t, &wasi.Config{Client: &wasi.Client{}})
	f := g.fetch(srv.Listener.Addr())
	v := g.call("[method]future-incoming-response.get", f)
	if !v.IsSome() || !v.Payload().IsOk() || !v.Payload().Payload().IsOk() {
		t.Fatal("no response")
	}
	if again := g.call("[method]future-incoming-response.get", f); !again.IsSome() ||
		again.Payload().IsOk() {
		t.Error("the response comes twice")
	}
	res := v.Payload().Payload().Payload()
	if err := dropFutureResponse(f.Rep()); err != nil {
		t.Fatal(err)
	}
	if s := g.call("[method]incoming-response.status", res).U16(); s != 203 {
		t.Errorf("status %d", s)
	}
	headers := g.call("[method]incoming-response.headers", res)
	if v := g.call("[method]fields.get", headers, str("x-seen")).Items(); len(v) != 1 ||
		string(v[0].Bytes()) != "GET /" {
		t.Errorf("headers %v", g.entries(headers))
	}
	body := g.ok("[method]incoming-response.consume", res)
	if g.call("[method]incoming-response.consume", res).IsOk() {
		t.Error("consumed twice")
	}
	if err := dropIncomingResponse(res.Rep()); err != nil {
		t.Fatal(err)
	}
	stream := g.ok("[method]incoming-body.stream", body)
	if text := g.readAll(stream); text != "hello" {
		t.Errorf("body %q", text)
	}
}

// fetch sends a GET request and waits for its response.
func (g *guest) fetch(a net.Addr) component.Value {
	g.t.Helper()
	r := g.call("[constructor]outgoing-request", g.fields())
	g.ok("[method]outgoing-request.set-scheme", r, component.Some(component.Enum(0)))
	g.ok("[method]outgoing-request.set-authority", r, component.Some(str(a.String())))
	g.ok("[method]outgoing-request.set-path-with-query", r, component.Some(str("/")))
	f := g.ok("handle", r, component.None())
	p := g.call("[method]future-incoming-response.subscribe", f)
	g.call("[method]pollable.block", p)
	if err := dropPollable(p.Rep()); err != nil {
		g.t.Fatal(err)
	}
	return f
}

func TestRequestsThatAreInvalidFailFromHandle(t *testing.T) {
	g := newGuest(t, &wasi.Config{Client: &wasi.Client{}})
	r := g.call("[constructor]outgoing-request", g.fields())
	g.ok("[method]outgoing-request.set-scheme", r, component.Some(component.Variant(2, str("ftp"))))
	g.ok("[method]outgoing-request.set-authority", r, component.Some(str("h")))
	v := g.call("handle", r, component.None())
	if v.IsOk() || convert.ErrorCodeOf(v.Payload()).Case != wasi.HTTPProtocolError {
		t.Error("ftp is sent")
	}
}

func TestASpinningGuestLetsItsRequestProceed(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	g := newGuest(t, &wasi.Config{Client: &wasi.Client{}})
	r := g.call("[constructor]outgoing-request", g.fields())
	g.ok("[method]outgoing-request.set-scheme", r, component.Some(component.Enum(0)))
	g.ok(
		"[method]outgoing-request.set-authority",
		r,
		component.Some(str(srv.Listener.Addr().String())),
	)
	g.ok("[method]outgoing-request.set-path-with-query", r, component.Some(str("/")))
	p := g.call("[method]future-incoming-response.subscribe", g.ok("handle", r, component.None()))
	for spins := 0; ; spins++ {
		soon := g.call("subscribe-duration", component.U64(0))
		if len(g.call("poll", component.List(p, soon)).Items()) == 2 {
			return
		}
		if spins == 1_000_000 {
			t.Fatal("no response")
		}
	}
}
