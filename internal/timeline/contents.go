package timeline

import (
	"slices"
	"time"
)

// Keeper counts the bytes that Traces keep.
type Keeper interface {
	// Charge adds bytes to those that are kept, or takes some away. It is called from any
	// goroutine, without locks, and may drop the Trace that charges, or others.
	Charge(bytes int)
}

// Part names what a Trace keeps the bytes of.
type Part uint8

// The parts.
const (
	RequestBody Part = iota
	ResponseBody
	Stdout
	Stderr
	Parts
)

// Body is the beginning of what was read or written.
type Body struct {
	Bytes []byte
	Size  int64 // of all of it so far
	End   bool  // there is no more
}

// Whole reports whether all of it is kept.
func (b *Body) Whole() bool { return b.Size == int64(len(b.Bytes)) }

// Field is a field of HTTP. The name is as it was written.
type Field struct{ Name, Value string }

// Exchange is a request to another server, and its response. Those who report to it may do so from
// any goroutine; a nil Exchange takes reports and does nothing.
type Exchange struct {
	t      *Trace
	flying bool

	Method, URL string
	// Start, Head and End count from the beginning of the Trace. Head, when the head of the
	// response came, and End are less than 0 before.
	Start, Head, End time.Duration
	Status           int
	Error            string // the error code that the guest got; "" for none
	Header           []Field
	ResponseHeader   []Field
	Body             Body
	ResponseBody     Body
}

// Span is a time that the guest has given a name.
type Span struct {
	Name, ID, Parent string
	Start, End       time.Time
	Attributes       [][2]string
	Status           string
}

// size returns about how many bytes a span takes.
func (s *Span) size() int {
	n := 160 + len(s.Name) + len(s.ID) + len(s.Parent) + len(s.Status)
	for _, a := range s.Attributes {
		n += 32 + len(a[0]) + len(a[1])
	}
	return n
}

// keeps reports whether contents are kept. The lock is held.
func (t *Trace) keeps() bool { return t.keeper != nil && !t.dropped }

// add adds bytes to a body, and returns how many more bytes of memory it takes. The lock is held.
func (t *Trace) add(b *Body, p []byte) int {
	b.Size += int64(len(p))
	n := min(len(p), t.most-len(b.Bytes))
	if n <= 0 || !t.keeps() {
		return 0
	}
	before := cap(b.Bytes)
	b.Bytes = append(b.Bytes, p[:n]...)
	grown := cap(b.Bytes) - before
	t.kept += grown
	return grown
}

// charge tells the keeper of bytes that were added to kept. The lock is not held: the keeper may
// drop Traces, this one too.
func (t *Trace) charge(bytes int) {
	if bytes != 0 {
		t.keeper.Charge(bytes)
	}
}

// Charge counts bytes that belong to the Trace elsewhere.
func (t *Trace) Charge(bytes int) {
	t.mu.Lock()
	if !t.keeps() {
		bytes = 0
	}
	t.kept += bytes
	t.mu.Unlock()
	t.charge(bytes)
}

// Write reports what was read or written. It does not keep p.
func (t *Trace) Write(part Part, p []byte) {
	if t == nil {
		return
	}
	t.mu.Lock()
	n := t.add(&t.bodies[part], p)
	t.mu.Unlock()
	t.charge(n)
}

// Ended reports that there is no more of a part.
func (t *Trace) Ended(part Part) {
	if t == nil {
		return
	}
	t.mu.Lock()
	t.bodies[part].End = true
	t.mu.Unlock()
}

// Body returns what is kept of a part. The bytes must not be changed.
func (t *Trace) Body(part Part) Body {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bodies[part]
}

// Send reports that a request to another server is on its way. header returns its fields, and is
// called only if they are kept.
func (t *Trace) Send(method, url string, header func() []Field) *Exchange {
	if t == nil {
		return nil
	}
	at := time.Since(t.start)
	x := &Exchange{t: t, flying: true, Method: method, URL: url, Start: at, Head: -1, End: -1}
	t.mu.Lock()
	t.sent++
	t.flights++
	t.lengthen()
	t.review()
	n := t.grown()
	if t.keeps() && len(t.exchanges) < MaxExchanges {
		x.Header = header()
		t.exchanges = append(t.exchanges, x)
		more := 400 + len(method) + len(url) + sizeOf(x.Header)
		t.kept += more
		n += more
	}
	t.mu.Unlock()
	t.charge(n)
	return x
}

func sizeOf(list []Field) int {
	n := 0
	for _, f := range list {
		n += 32 + len(f.Name) + len(f.Value)
	}
	return n
}

// Sent reports bytes of the request's body. It does not keep p.
func (x *Exchange) Sent(p []byte) { x.write(p, false) }

// Received reports bytes of the response's body. It does not keep p.
func (x *Exchange) Received(p []byte) { x.write(p, true) }

func (x *Exchange) write(p []byte, response bool) {
	if x == nil {
		return
	}
	b := &x.Body
	if response {
		b = &x.ResponseBody
	}
	x.t.mu.Lock()
	n := x.t.add(b, p)
	x.t.mu.Unlock()
	x.t.charge(n)
}

// Responded reports the head of the response. header returns its fields, and is called only if they
// are kept.
func (x *Exchange) Responded(status int, header func() []Field) {
	if x == nil {
		return
	}
	t := x.t
	t.mu.Lock()
	x.Status, x.Head = status, time.Since(t.start)
	n := 0
	if t.keeps() {
		x.ResponseHeader = header()
		n = sizeOf(x.ResponseHeader)
		t.kept += n
	}
	t.mu.Unlock()
	t.charge(n)
}

// Over reports that nothing more comes of the exchange, and the error code that the guest got, if
// it got one. Only the first call counts.
func (x *Exchange) Over(code string) {
	if x == nil {
		return
	}
	t := x.t
	t.mu.Lock()
	grown := 0
	if x.flying {
		x.flying, x.End, x.Error = false, time.Since(t.start), code
		t.flights--
		t.review()
		grown = t.grown()
	}
	t.mu.Unlock()
	t.charge(grown)
}

// Exchanges returns copies of the exchanges with other servers that are kept, in their order, and
// how many there were. Bytes and fields must not be changed.
func (t *Trace) Exchanges() (list []Exchange, sent int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, x := range t.exchanges {
		list = append(list, *x)
	}
	return list, t.sent
}

// Sends returns how many exchanges with other servers there were.
func (t *Trace) Sends() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sent
}

// Add reports a span that has ended.
func (t *Trace) Add(s Span) {
	if t == nil {
		return
	}
	n := 0
	t.mu.Lock()
	if t.told++; t.keeps() && len(t.spans) < MaxSpans {
		t.spans = append(t.spans, s)
		n = s.size()
		t.kept += n
	}
	t.mu.Unlock()
	t.charge(n)
}

// Spans returns the spans that are kept, in the order in which they ended, and how many there were.
func (t *Trace) Spans() (list []Span, told int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.spans), t.told
}

// Drop lets go of what is kept, and makes the Trace keep nothing any more.
func (t *Trace) Drop() {
	t.mu.Lock()
	kept := t.kept
	t.dropped, t.kept = true, 0
	for i := range t.bodies {
		t.bodies[i].Bytes = nil
	}
	for _, x := range t.exchanges {
		x.Body.Bytes, x.ResponseBody.Bytes, x.Header, x.ResponseHeader = nil, nil, nil, nil
	}
	t.exchanges, t.spans = nil, nil
	t.course.drop()
	t.mu.Unlock()
	t.charge(-kept)
}
