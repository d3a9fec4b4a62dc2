package p3

import (
	"bytes"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/convert"
	"github.com/wasihttp/wasihttp/internal/wasi/table"
)

// do calls a synchronous host function that must not trap.
func do(t *testing.T, fn hostFunc, st *wasi.State, args ...component.Value) component.Value {
	t.Helper()
	v, err := fn(call{state: st}, args)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// shared returns a function that 0.2 has, too.
func shared(t *testing.T, defs []table.Def, name string) hostFunc {
	t.Helper()
	i := slices.IndexFunc(defs, func(d table.Def) bool { return d.Name == name })
	if i < 0 {
		t.Fatalf("no function %s", name)
	}
	return func(c call, args []component.Value) (component.Value, error) {
		return defs[i].Fn(c.state, args)
	}
}

func TestHeaderErrors(t *testing.T) {
	st := wasi.NewState(&wasi.Config{Fields: &wasi.FieldRules{Bytes: 100}})
	f := wasi.NewFields(st.FieldRules())
	frozen := wasi.NewFields(st.FieldRules()).Freeze()
	const ok = -1
	for _, tc := range []struct {
		name, value string
		f           *wasi.Fields
		want        int
	}{
		{"x-one", "1", f, ok},
		{"bad name", "1", f, 0},
		{"x-one", "a\nb", f, 0},
		{"Connection", "close", f, 1},
		{"x-one", "1", frozen, 2},
		{"x-two", strings.Repeat("long", 50), f, 3},
	} {
		got := do(
			t,
			shared(t, table.Fields("copy-all", headerResult), "[method]fields.append"),
			st,
			component.Own(tc.f),
			component.String(tc.name),
			component.Bytes([]byte(tc.value)),
		)
		if got.IsOk() != (tc.want == ok) || !got.IsOk() && got.Payload().Case() != uint32(tc.want) {
			t.Errorf(
				"append %s: %s: ok %v, case %d, want %d",
				tc.name,
				tc.value,
				got.IsOk(),
				got.Payload().Case(),
				tc.want,
			)
		}
	}
	values := do(t, fieldsGetAndDelete, st, component.Own(f), component.String("X-ONE"))
	if diff := cmp.Diff([][]byte{[]byte("1")}, convert.ValuesOf(values.Payload())); diff != "" ||
		f.Len() != 0 {
		t.Errorf("get-and-delete: %s, %d left", diff, f.Len())
	}
	if got := do(t, fieldsGetAndDelete, st, component.Own(frozen), component.String("x")); got.IsOk() ||
		got.Payload().Case() != 2 {
		t.Errorf("get-and-delete of immutable fields: %v", got)
	}
}

func TestStatusOfAResponse(t *testing.T) {
	r := &response{status: 200}
	for status, want := range map[uint16]bool{0: false, 42: false, 99: false, 100: true, 404: true, 599: true, 600: false, 1000: false} {
		r.status = 200
		ok := do(t, setStatus, nil, component.Own(r), component.U16(status)).IsOk()
		if kept := do(t, getStatus, nil, component.Own(r)).U16(); ok != want ||
			ok != (kept == status) {
			t.Errorf("%d: ok %v, then %d", status, ok, kept)
		}
	}
}

func TestRequestOptionsOfARequestAreImmutable(t *testing.T) {
	st := wasi.NewState(&wasi.Config{})
	second := uint64(time.Second)
	q := &request{
		opts: &options{RequestOptions: wasi.RequestOptions{FirstByte: &second}},
	}
	timeouts := table.Timeouts("get-", "result<_, request-options-error>", timeoutsOf, refuseFrozen)
	set := shared(t, timeouts, "[method]request-options.set-first-byte-timeout")
	get := shared(t, timeouts, "[method]request-options.get-first-byte-timeout")
	clone := optionsDefs()[1].fn
	frozen := do(t, getOptions, st, component.Own(q)).Payload()
	if got := do(t, set, st, frozen, component.None()); got.IsOk() ||
		got.Payload().Case() != optionsImmutable {
		t.Errorf("set: %v", got)
	}
	copied := do(t, clone, st, frozen)
	if got := do(t, set, st, copied, component.Some(component.U64(7))); !got.IsOk() {
		t.Error("a clone cannot be set")
	}
	if a, b := do(t, get, st, frozen).Payload().U64(), do(t, get, st, copied).Payload().U64(); a != second ||
		b != 7 {
		t.Errorf("%d and %d", a, b)
	}
	if none := do(t, getOptions, st, component.Own(&request{})); none.IsSome() {
		t.Error("options of a request without any")
	}
}

func TestRandomReturnsAtMostItsLimit(t *testing.T) {
	for n, want := range map[uint64]int{0: 0, 1: 1, 100: 100, wasi.MaxRandom + 1: wasi.MaxRandom, math.MaxUint64: wasi.MaxRandom} {
		got := -1
		if _, err := atMost(n, func(n int) ([]byte, error) { got = n; return nil, nil }); err != nil ||
			got != want {
			t.Errorf("%d asked, %d given, %v", n, got, err)
		}
	}
}

func TestAWaitThatIsOverReturnsAtOnce(t *testing.T) {
	st := wasi.NewState(&wasi.Config{})
	for name, wait := range map[string]struct {
		fn  asyncFunc
		arg uint64
	}{
		"for nothing":    {waitFor, 0},
		"until the past": {waitUntil, st.Clock().Now() - 1},
	} {
		now, _, err := wait.fn(call{state: st}, []component.Value{component.U64(wait.arg)}, nil)
		if now == nil || err != nil {
			t.Errorf("%s: %v, %v", name, now, err)
		}
	}
}

func TestSystemClockBefore1970(t *testing.T) {
	st := wasi.NewState(
		&wasi.Config{Clock: wasi.NewClock(func() time.Time { return time.Unix(0, -1) })},
	)
	got := do(t, systemNow, st).Items()
	if s, ns := got[0].S64(), got[1].U32(); s != -1 || ns != 999_999_999 {
		t.Errorf("%d s, %d ns", s, ns)
	}
}

// failing is a writer that fails.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestSinkReportsItsEnd(t *testing.T) {
	broken := errors.New("broken")
	for name, tc := range map[string]struct {
		w    io.Writer
		want error
		code int // of wasi:cli, -1 for ok
	}{
		"whole":  {&bytes.Buffer{}, nil, -1},
		"closed": {failing{io.ErrClosedPipe}, wasi.ErrClosed, cliPipe},
		"broken": {failing{broken}, broken, cliIO},
	} {
		t.Run(name, func(t *testing.T) {
			var ends []error
			s := &sink{
				out:   wasi.NewSink(tc.w),
				owner: onClosed(func(err error) { ends = append(ends, err) }),
			}
			if n := s.Accept(5); n != 5 {
				t.Fatalf("accepts %d bytes of 5", n)
			}
			s.Write([]byte("hello"))
			if n := s.Accept(1); (n < 0) != (tc.want != nil) {
				t.Errorf("then accepts %d", n)
			}
			s.End(nil)
			if diff := cmp.Diff([]error{tc.want}, ends, cmpopts.EquateErrors()); diff != "" {
				t.Error(diff)
			}
			if got := cliResult(ends[0]); got.IsOk() != (tc.code < 0) ||
				!got.IsOk() && got.Payload().Case() != uint32(tc.code) {
				t.Errorf("result %v", got)
			}
		})
	}
}

func TestABodyLongerThanDeclaredIsRefusedWhole(t *testing.T) {
	st := wasi.NewState(&wasi.Config{})
	header, err := wasi.FieldsFromList(
		st.FieldRules(),
		[]wasi.Field{{Name: "content-length", Value: []byte("11")}},
	)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := st.NewOutgoingResponse(header).Body()
	out, _ := body.Stream()
	var got error
	s := &sink{out: out, owner: onClosed(func(err error) { got = err })}
	if n := s.Accept(18); n >= 0 {
		t.Errorf("accepts %d bytes", n)
	}
	if code := transmission(got); code == nil || code.String() != "HTTP-response-body-size(18)" {
		t.Errorf("got %v", got)
	}
}

func TestSourceReportsItsEnd(t *testing.T) {
	type end struct {
		Ended bool
		Err   error
	}
	read := func(s *source) string {
		var b strings.Builder
		buf := make([]byte, 4)
		for range 100 {
			if !s.Ready() {
				woken := make(chan struct{})
				stop := s.Wait(func() { close(woken) })
				<-woken
				stop()
			}
			n, last := s.Read(buf)
			b.Write(buf[:n])
			if last {
				break
			}
		}
		return b.String()
	}
	broken := errors.New("broken")
	for name, tc := range map[string]struct {
		r    io.Reader
		want end
	}{
		"whole":  {strings.NewReader("hello world"), end{true, nil}},
		"broken": {io.MultiReader(strings.NewReader("hello world"), errReader{broken}), end{true, broken}},
	} {
		t.Run(name, func(t *testing.T) {
			stdin := wasi.NewStdin(tc.r)
			defer stdin.Close()
			var got end
			s := &source{
				in:     stdin.Open(),
				closed: func(ended bool, err error) { got = end{ended, err} },
			}
			if text := read(s); text != "hello world" {
				t.Errorf("%q", text)
			}
			s.Close()
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateErrors()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func TestTheTransmissionOfARequest(t *testing.T) {
	size := wasi.NewErrorCode(wasi.HTTPRequestBodySize, nil)
	refused := wasi.NewErrorCode(wasi.ConnectionRefused, nil)
	store := newStore(t)
	defer store.Close()
	for name, tc := range map[string]struct {
		sending bool
		steps   []func(*exchange)
		want    string // after each step, "" for not known yet
	}{
		"no body":    {false, []func(*exchange){func(x *exchange) { x.received(nil) }}, "ok"},
		"refused":    {false, []func(*exchange){func(x *exchange) { x.received(refused) }}, "connection-refused"},
		"body last":  {true, []func(*exchange){func(x *exchange) { x.received(nil) }, func(x *exchange) { x.sent(nil) }}, "-ok"},
		"body first": {true, []func(*exchange){func(x *exchange) { x.sent(nil) }, func(x *exchange) { x.received(nil) }}, "-ok"},
		"wrong size": {true,
			[]func(*exchange){func(x *exchange) { x.sent(size) }, func(x *exchange) { x.received(refused) }},
			"HTTP-request-body-size"},
		"the server needs no more": {true,
			[]func(*exchange){func(x *exchange) { x.sent(wasi.ErrClosed) }, func(x *exchange) { x.received(nil) }},
			"-ok"},
		"refused with a body": {true,
			[]func(*exchange){func(x *exchange) { x.received(refused) },
				func(x *exchange) { x.sent(wasi.ErrClosed) }}, "connection-refused"},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			x := &exchange{
				sending: tc.sending,
				request: &request{message: message{store: store, transmitted: store.Promise()}},
			}
			store.ReadFuture(x.request.transmitted, component.FutureFunc(
				func(v component.Value, _ bool) {
					if v.IsOk() {
						got += "ok"
					} else {
						got += convert.ErrorCodeOf(v.Payload()).String()
					}
				}))
			for i, step := range tc.steps {
				step(x)
				if i == 0 && got == "" {
					got = "-"
				}
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestAHandlerDoesNotCallItself(t *testing.T) {
	st := wasi.NewState(&wasi.Config{})
	incoming := &wasi.Request{
		Method:        "GET",
		Scheme:        "HTTP",
		Authority:     "here:80",
		PathWithQuery: "/",
		Header:        wasi.NewFields(st.FieldRules()).Freeze(),
	}
	q := NewRequest(nil, st, incoming)
	now, _, err := handle(call{state: st}, []component.Value{q}, nil)
	if err != nil || now == nil || now.IsOk() ||
		convert.ErrorCodeOf(now.Payload()).Case != wasi.LoopDetected {
		t.Errorf("%v, %v", now, err)
	}
}
