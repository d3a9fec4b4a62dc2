package timeline

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// show returns phases as text: the kind and the milliseconds of each.
func show(t *Trace) string {
	list, _ := t.Phases()
	var parts []string
	for _, p := range list {
		end := p.End.Milliseconds()
		if p.End < 0 {
			end = -1
		}
		parts = append(parts, fmt.Sprintf("%s %d-%d", p.Kind, p.Start.Milliseconds(), end))
	}
	return strings.Join(parts, ", ")
}

func TestPhasesFollowWhatTheGuestDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ms := func() { time.Sleep(time.Millisecond) }
		tr := New(time.Now())
		ms()
		if got := show(tr); got != "waiting 0--1" {
			t.Errorf("at the beginning: %s", got)
		}
		tr.Making()
		ms()
		tr.Run()
		ms()
		tr.Wait()
		ms()
		tr.Run() // at once: no phase between
		tr.Wait()
		ms()
		tr.Run()
		first := tr.Send("GET", "http://a.example/", nil)
		second := tr.Send("GET", "http://b.example/", nil)
		ms()
		tr.Wait()
		ms()
		first.Over("")
		first.Over("twice")
		ms()
		second.Over("DNS-timeout")
		ms()
		tr.Run()
		ms()
		tr.Responded()
		tr.Wait()
		ms()
		third := tr.Send("GET", "http://c.example/", nil)
		ms()
		third.Responded(200, nil)
		ms()
		third.Over("")
		ms()
		tr.End()
		tr.Run()
		ms()
		tr.Wait()
		tr.End()
		want := "waiting 0-1, instance 1-2, computing 2-3, host 3-5, computing 5-6, upstream 6-8, " +
			"host 8-9, computing 9-10, streaming 10-11, upstream 11-13, streaming 13-14"
		if got := show(tr); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		totals := tr.Totals()
		var sum time.Duration
		for _, d := range totals {
			sum += d
		}
		if sum != 14*time.Millisecond || totals[Computing] != 3*time.Millisecond {
			t.Errorf("the totals are %v", totals)
		}
		if tr.Sends() != 3 {
			t.Errorf("%d exchanges", tr.Sends())
		}
	})
}

func TestNobodyListensToANilTrace(t *testing.T) {
	var tr *Trace
	n := testing.AllocsPerRun(10, func() {
		tr.Making()
		tr.Run()
		tr.Write(Stdout, []byte("text"))
		tr.Ended(RequestBody)
		x := tr.Send("GET", "http://a.example/", nil)
		x.Sent(nil)
		x.Responded(200, nil)
		x.Received(nil)
		x.Over("")
		tr.Add(Span{})
		tr.Draw()
		tr.Responded()
		tr.Wait()
		tr.End()
	})
	if n != 0 {
		t.Errorf("%v objects", n)
	}
}

func TestAContextCarriesTheTrace(t *testing.T) {
	ctx := context.Background()
	if From(ctx) != nil || With(ctx, nil) != ctx {
		t.Error("there is one in a context that has none")
	}
	tr := New(time.Now())
	with := With(ctx, tr)
	if From(with) != tr || From(context.WithValue(with, ContextKey{}, 1)) != nil {
		t.Error("it is lost")
	}
}

// account counts what Traces charge.
type account struct {
	bytes atomic.Int64
	over  func()
}

func (a *account) Charge(n int) {
	if a.bytes.Add(int64(n)) > 1000 && a.over != nil {
		a.over()
	}
}

func TestWhatIsKeptIsCountedAndDropped(t *testing.T) {
	var a account
	tr := &Trace{}
	tr.Begin(time.Now(), &a, 10)
	header := func() []Field { return []Field{{"name", "value"}} }
	tr.Write(RequestBody, []byte("12345678"))
	tr.Write(RequestBody, []byte("90abc"))
	tr.Write(Stderr, []byte("said"))
	x := tr.Send("POST", "http://a.example/", header)
	x.Sent([]byte("a longer body than is kept"))
	x.Responded(201, header)
	x.Received([]byte("short"))
	x.Over("")
	tr.Add(Span{Name: "a span", Attributes: [][2]string{{"k", "v"}}})
	tr.Charge(100)
	if b := tr.Body(RequestBody); string(b.Bytes) != "1234567890" || b.Size != 13 || b.Whole() {
		t.Errorf("the body is %q of %d", b.Bytes, b.Size)
	}
	if b := tr.Body(Stderr); string(b.Bytes) != "said" || !b.Whole() {
		t.Errorf("stderr is %q of %d", b.Bytes, b.Size)
	}
	list, sent := tr.Exchanges()
	if len(list) != 1 || sent != 1 || string(list[0].Body.Bytes) != "a longer b" ||
		list[0].Body.Size != 26 || string(list[0].ResponseBody.Bytes) != "short" ||
		list[0].Status != 201 || len(list[0].Header) != 1 || len(list[0].ResponseHeader) != 1 {
		t.Errorf("the exchanges are %+v of %d", list, sent)
	}
	if spans, told := tr.Spans(); len(spans) != 1 || told != 1 {
		t.Errorf("the spans are %+v of %d", spans, told)
	}
	if a.bytes.Load() < 10+4+10+5+100+200 {
		t.Errorf("%d bytes are counted", a.bytes.Load())
	}
	tr.Drop()
	tr.Write(Stdout, []byte("more"))
	tr.Send("GET", "http://b.example/", header).Sent([]byte("more"))
	x.Received([]byte("more"))
	tr.Add(Span{})
	tr.Charge(5)
	tr.Drop()
	if n := a.bytes.Load(); n != 0 {
		t.Errorf("%d bytes are counted after all was dropped", n)
	}
	if list, sent := tr.Exchanges(); len(list) != 0 || sent != 2 {
		t.Errorf("the exchanges are %+v of %d", list, sent)
	}
}

func TestNumbersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a account
		tr := &Trace{}
		tr.Begin(time.Now(), &a, 10)
		header := func() []Field { return nil }
		for range MaxPhases + 10 {
			tr.Run()
			time.Sleep(time.Millisecond)
			tr.Wait()
			time.Sleep(time.Millisecond)
			tr.Send("GET", "http://a.example/", header).Over("")
			tr.Add(Span{})
		}
		tr.End()
		phases, lost := tr.Phases()
		exchanges, sent := tr.Exchanges()
		spans, told := tr.Spans()
		want := []int{MaxPhases, MaxPhases + 20, MaxExchanges, MaxPhases + 10, MaxSpans, MaxPhases + 10}
		got := []int{len(phases), lost, len(exchanges), sent, len(spans), told}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if tr.Totals()[Computing] != (MaxPhases+10)*time.Millisecond {
			t.Errorf("the totals are %v", tr.Totals())
		}
	})
}

// A keeper that is over its bound drops Traces while others, and they themselves, write.
func TestTracesAreDroppedWhileTheyAreWritten(t *testing.T) {
	var a account
	traces := make([]*Trace, 8)
	a.over = func() {
		for _, tr := range traces {
			tr.Drop()
		}
	}
	for i := range traces {
		traces[i] = &Trace{}
		traces[i].Begin(time.Now(), &a, 1<<10)
	}
	var writing sync.WaitGroup
	for _, tr := range traces {
		writing.Go(func() {
			for range 100 {
				tr.Write(Stdout, make([]byte, 10))
				x := tr.Send("GET", "http://a.example/", func() []Field { return []Field{{"a", "b"}} })
				x.Received(make([]byte, 10))
				x.Over("")
			}
		})
	}
	writing.Wait()
	a.over()
	if n := a.bytes.Load(); n != 0 {
		t.Errorf("%d bytes are counted", n)
	}
}

// A request that goes through more phases than most do is described as any other.
func TestManyPhasesAreOneCourse(t *testing.T) {
	for turns := range 3 * maxMarks {
		synctest.Test(t, func(t *testing.T) {
			var a account
			tr := &Trace{}
			tr.Begin(time.Now(), &a, 10)
			tr.Making()
			time.Sleep(time.Millisecond)
			want := []string{"instance 0-1"}
			for i := range turns {
				at := 1 + 2*i
				tr.RunAt(time.Now())
				time.Sleep(time.Millisecond)
				if at := tr.Wait(); !at.Equal(time.Now()) {
					t.Errorf("it began to wait at %s", at)
				}
				time.Sleep(time.Millisecond)
				want = append(want, fmt.Sprintf("computing %d-%d, host %d-%d", at, at+1, at+1, at+2))
				if again := tr.Wait(); !again.IsZero() {
					t.Errorf("it waited already, and waits at %s", again)
				}
			}
			tr.End()
			tr.Run() // is in no phase
			if got := show(tr); got != strings.Join(want, ", ") {
				t.Errorf("%d turns:\ngot  %s\nwant %s", turns, got, strings.Join(want, ", "))
			}
			if totals := tr.Totals(); totals[Computing] != time.Duration(turns)*time.Millisecond {
				t.Errorf("%d turns: %v", turns, totals)
			}
			if turns > maxMarks && a.bytes.Load() == 0 {
				t.Error("the phases are not counted")
			}
			tr.Drop()
			if n := a.bytes.Load(); n != 0 {
				t.Errorf("%d bytes are counted at the end", n)
			}
		})
	}
}

// What is packed is what it was, whether it is the Trace of one request or that of the next.
func TestATraceThatIsPackedIsTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a account
		tr := &Trace{}
		tr.Begin(time.Now(), &a, 100)
		for i := range 3 {
			tr.Use()
			tr.Making()
			time.Sleep(time.Duration(i) * time.Millisecond)
			tr.Run()
			time.Sleep(time.Millisecond)
			tr.Responded()
			tr.Wait()
			tr.Write(ResponseBody, []byte(strings.Repeat("b", i)))
			tr.Write(Stderr, []byte("said"))
			tr.Ended(RequestBody)
			if i == 1 {
				tr.Draw()
			}
			time.Sleep(time.Millisecond)
			var packed Packed
			if _, _, ok := tr.Pack(&packed, nil, 1000); ok {
				t.Error("it was packed before its end")
			}
			tr.End()
			if _, _, ok := tr.Pack(&packed, nil, 1000); ok {
				t.Error("it was packed while something may be reported")
			}
			tr.Release()
			room, charged, ok := tr.Pack(&packed, []byte("before"), 1000)
			if a.Charge(-charged); !ok || a.bytes.Load() != 0 {
				t.Errorf("packed: %v, and %d bytes are counted", ok, a.bytes.Load())
			}
			var back Trace
			rest := back.Unpack(&packed, append(room, "behind"...)[len("before"):])
			if string(rest) != "behind" || show(&back) != show(tr) || back.Totals() != tr.Totals() ||
				!back.Start().Equal(tr.Start()) || back.Drew() != (i == 1) || !back.Body(RequestBody).End {
				t.Errorf("got %s and %q, want %s", show(&back), rest, show(tr))
			}
			for part := range Parts {
				got, want := back.Body(part), tr.Body(part)
				if string(got.Bytes) != string(want.Bytes) || got.Size != want.Size {
					t.Errorf("part %d: got %+v, want %+v", part, got, want)
				}
			}
			tr.Again(time.Now())
			if show(tr) != "waiting 0--1" || tr.Body(Stderr).Size != 0 {
				t.Errorf("something is left: %s", show(tr))
			}
		}
	})
}
