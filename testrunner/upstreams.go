package testrunner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/fixture/redact"
	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/internal/stable"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/internal/words"
	"github.com/wasihttp/wasihttp/testrunner/internal/eval"
	"github.com/wasihttp/wasihttp/testrunner/internal/upstream"
)

// UpstreamMode says how requests of guests to other servers are responded to.
type UpstreamMode string

// The modes.
const (
	// UpstreamDefault is UpstreamNone for entries that an upstream fixture applies to, and
	// UpstreamLive for others.
	UpstreamDefault UpstreamMode = ""
	UpstreamNone    UpstreamMode = "none" // by recorded responses only
	UpstreamLive    UpstreamMode = "live" // by the servers themselves
	// UpstreamOnce records the responses of servers for entries without upstream fixtures,
	// UpstreamNew those that are not recorded yet, and UpstreamAll all of them anew.
	UpstreamOnce UpstreamMode = "once"
	UpstreamNew  UpstreamMode = "new"
	UpstreamAll  UpstreamMode = "all"
)

// upstreamSuffix is the suffix of the names of upstream fixtures.
const upstreamSuffix = ".upstream.hurl"

// IsUpstream reports whether a file contains responses of other servers instead of entries to run.
func IsUpstream(path string) bool {
	return strings.HasSuffix(strings.ToLower(path), upstreamSuffix)
}

// UpstreamRequest is the head of a request from a guest to another server.
type UpstreamRequest = upstream.Request

// Upstream stands for the other servers that a guest connects to. It is safe for concurrent use.
type Upstream interface {
	// Connect returns a connection to the server of a request; for https, one without TLS.
	Connect(ctx context.Context, r UpstreamRequest) (net.Conn, error)
	// Refuse reports that the guest was refused something that cannot be recorded, such as a
	// socket.
	Refuse(what string)
}

// Records reports whether a run in this mode may write upstream fixtures.
func (m UpstreamMode) Records() bool {
	return m == UpstreamOnce || m == UpstreamNew || m == UpstreamAll
}

// upstreams are the upstream fixtures for one run of a file.
type upstreams struct {
	files []*upstreamFile
	first map[string]int // by path, the index of its first entry in set
	set   *upstream.Set
	mode  UpstreamMode
	// shared are the paths of those that apply to every entry.
	shared []string

	mu       sync.Mutex
	recorded []fixture.Exchange
}

// siblingUpstream returns the path of the upstream fixture beside a fixture, or "" if there is
// none.
func siblingUpstream(path string) string {
	if path == Stdin {
		return ""
	}
	beside := besideUpstream(path)
	if _, err := os.Stat(beside); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return beside
}

// isBeside reports whether the file is the upstream fixture beside a fixture.
func (u *upstreamFile) isBeside(fixture string) bool {
	return fixture != Stdin && u.path == besideUpstream(fixture)
}

// besideUpstream returns the path for an upstream fixture beside a fixture.
func besideUpstream(path string) string {
	return strings.TrimSuffix(path, filepath.Ext(path)) + upstreamSuffix
}

// UpstreamsOf returns the paths of the upstream fixtures that a source uses.
func UpstreamsOf(s *Source) []string { return upstreamsOf(s, siblingUpstream(s.Path)) }

// upstreamsOf is UpstreamsOf with what siblingUpstream has returned.
func upstreamsOf(s *Source, beside string) []string {
	var paths []string
	if beside != "" {
		paths = append(paths, beside)
	}
	if s.File == nil {
		return paths
	}
	files := newFileReader("", s.Path)
	for _, u := range s.File.Settings.Upstreams {
		paths = append(paths, files.relative(u.Path))
	}
	for _, e := range s.File.Entries {
		for _, u := range e.Settings.Upstreams {
			paths = append(paths, files.relative(u.Path))
		}
	}
	return paths
}

// openUpstreams reads the upstream fixtures of a source.
func (r *runner) openUpstreams(source *Source) (*upstreams, []*hurl.ParseError, error) {
	u := &upstreams{mode: r.options.UpstreamMode, first: make(map[string]int)}
	if u.mode == UpstreamLive {
		return u, nil, nil
	}
	files := newFileReader("", source.Path)
	for _, s := range source.File.Settings.Upstreams {
		u.shared = append(u.shared, files.relative(s.Path))
	}
	beside := r.besideOf(source.Path)
	if source.upstream != nil {
		beside = besideUpstream(source.Path)
	}
	if beside != "" {
		u.shared = append(u.shared, beside)
	}
	u.shared = append(u.shared, r.options.Upstreams...)
	n := 0
	for _, path := range append(upstreamsOf(source, beside), r.options.Upstreams...) {
		if _, ok := u.first[path]; ok {
			continue
		}
		f := source.upstream
		if f == nil || f.path != path {
			f = r.upstreams.read(path)
		}
		if f.err != nil || len(f.errs) > 0 {
			return nil, f.errs, f.err
		}
		u.first[path] = n
		n += len(f.file.Entries)
		u.files = append(u.files, f)
	}
	u.set = upstream.NewSet(n)
	return u, nil, nil
}

// paths returns the upstream fixtures for an entry, in order of precedence.
func (u *upstreams) paths(s *hurl.Settings, own int, files *fileReader) []string {
	var paths []string
	for _, up := range s.Upstreams[own:] {
		paths = append(paths, files.relative(up.Path))
	}
	return append(paths, u.shared...)
}

// live returns which requests of an entry go to the servers themselves; ok is false if all do and
// nothing is recorded.
func (f *fileRun) live(s *hurl.Settings) (live upstream.Live, ok bool) {
	applies := len(f.upstreams.shared) > 0 || len(s.Upstreams) > 0
	switch f.upstreams.mode {
	case UpstreamNone:
		return upstream.LiveNone, true
	case UpstreamLive:
		return upstream.LiveAll, false
	case UpstreamAll:
		return upstream.LiveAll, true
	case UpstreamNew:
		return upstream.LiveMissing, true
	case UpstreamOnce:
		if !applies {
			return upstream.LiveAll, true
		}
	}
	return upstream.LiveNone, applies
}

// newView returns the recorded exchanges for an entry, or nil if the guest connects to the servers
// themselves.
func (f *fileRun) newView(e *hurl.Entry, s *hurl.Settings) *upstream.View {
	live, ok := f.live(s)
	if !ok {
		return nil
	}
	var list []upstream.Exchange
	own := len(f.file.Settings.Upstreams)
	for _, path := range f.upstreams.paths(s, own, f.files) {
		at := slices.IndexFunc(f.upstreams.files, func(u *upstreamFile) bool {
			return u.path == path
		})
		file := f.upstreams.files[at]
		files := newFileReader(f.options.FileRoot, path)
		scope := &eval.Scope{Vars: f.scope.Vars.Clone(), ReadFile: files.read, Now: f.scope.Now}
		for i, e := range file.file.Entries {
			x := recorded(scope, e)
			x.Index = f.upstreams.first[path] + i
			x.Place = fmt.Sprintf("%s:%d", term.Clean(path), e.Request.Range.Start.Line)
			list = append(list, x)
		}
	}
	if play := f.options.play; play != nil {
		list = play.exchangesOf(e, list)
	}
	v := f.upstreams.set.View(list)
	v.Live = live
	return v
}

// recorded renders an entry of an upstream fixture.
func recorded(scope *eval.Scope, e *hurl.Entry) upstream.Exchange {
	x := upstream.Exchange{Times: 1}
	opts, err := evaluateOptions(scope, e, 0)
	if err == nil {
		b := &builder{scope: scope, entry: e, opts: opts, request: &Request{
			Method: e.Request.Method, Version: opts.version,
		}}
		b.named()
		err, x.Delay, x.Want = b.err, opts.delay, b.want()
	}
	if t := e.Settings.Times; t != nil {
		x.Times = t.N
	}
	if f := e.Settings.Fail; f != nil {
		x.Fail, x.FailN = f.Kind, f.N
	}
	if err == nil && e.Response != nil {
		err = respond(scope, e, &x)
	}
	switch {
	case err != nil:
		x.Problem = err.Title + ": " + err.Message
	case x.Fail == hurl.FailCut && x.FailN > len(x.Body):
		x.Problem = fmt.Sprintf("@fail cut %d: the body has only %d bytes", x.FailN, len(x.Body))
	}
	return x
}

// want returns what a request must match to be the one that was built.
func (b *builder) want() upstream.Want {
	r := b.request
	w := upstream.Want{
		Method: r.Method, Scheme: r.Scheme, Host: r.Authority, Target: r.Target,
		Headers: r.Headers, Body: r.Body, HasBody: r.Body != nil,
	}
	if len(b.cookies) > 0 {
		w.Headers = append(w.Headers, fixture.Field{
			Name: "Cookie", Value: strings.Join(b.cookies, "; "),
		})
	}
	body := b.entry.Request.Body
	w.JSON = body != nil && body.Payload.Kind == hurl.PayloadJSON
	if b.implicitType { // hurl adds it; the fixture does not ask for it
		var named fixture.Fields
		for _, h := range w.Headers {
			if !strings.EqualFold(h.Name, "content-type") {
				named = append(named, h)
			}
		}
		w.Headers = named
	}
	return w
}

// respond renders the response of an entry.
func respond(scope *eval.Scope, e *hurl.Entry, x *upstream.Exchange) *eval.Error {
	x.Status = e.Response.Status
	for _, h := range e.Response.Headers {
		name, err := scope.Template(&h.Key)
		if err != nil {
			return err
		}
		value, err := scope.Template(&h.Value)
		if err != nil {
			return err
		}
		x.Headers = append(x.Headers, fixture.Field{Name: name, Value: value})
	}
	for _, t := range e.Settings.Trailers {
		x.Trailers = append(x.Trailers, fixture.Field{Name: t.Name, Value: t.Value})
	}
	if e.Response.Body == nil {
		return nil
	}
	body, _, err := scope.Payload(&e.Response.Body.Payload)
	if err != nil {
		return err
	}
	x.Body = body
	kind := e.Response.Body.Payload.Kind.ContentType()
	if kind != "" && !x.Headers.Has("Content-Type") {
		x.Headers = append(x.Headers, fixture.Field{Name: "Content-Type", Value: kind})
	}
	return nil
}

// recordedUpstreams adds the exchanges that the last attempt of an entry recorded.
func (f *fileRun) recordedUpstreams(r *Result) {
	if f.view == nil {
		return
	}
	list, lost := f.view.Recorded()
	if lost > 0 {
		r.Notes = append(r.Notes, words.Count(lost, "exchange", "exchanges")+
			" with other servers not recorded: without an end, or larger than 16 MiB")
	}
	f.upstreams.mu.Lock()
	defer f.upstreams.mu.Unlock()
	f.upstreams.recorded = append(f.upstreams.recorded, list...)
}

// writeUpstreams writes the recorded exchanges to the upstream fixture beside the file. If anew is
// true, they replace its content.
func (f *fileRun) writeUpstreams(anew bool) {
	list := f.upstreams.recorded
	if len(list) == 0 {
		return
	}
	stable.Sort(list, func(a, b fixture.Exchange) int {
		return a.Started.Compare(b.Started)
	})
	session := redact.NewSession(f.options.Redact)
	for i := range list {
		f.hideKnown(&list[i])
		session.Find(&list[i])
	}
	for i := range list {
		list[i] = session.Hide(&list[i])
	}
	path := besideUpstream(f.result.Path)
	before, err := regular.ReadFile(path, regular.MaxFile)
	end := hurl.LineEndOf(before)
	if err != nil {
		end = hurl.LineEndOf(f.file.Source)
	}
	text, warnings := hurl.FromExchanges(list, hurl.RecordOptions{Upstream: true, LineEnd: end})
	if kept := bytes.TrimRight(before, "\r\n"); len(kept) > 0 && !anew {
		text = slices.Concat(kept, []byte(end+end), text)
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = regular.WriteFile(path, text, 0o644)
	}
	if err != nil {
		f.result.Err = fmt.Errorf("%s: %w", term.Clean(path), reason(err))
		return
	}
	f.result.Notes = append(f.result.Notes, fmt.Sprintf("recorded %s with other servers in %s",
		words.Count(len(list), "exchange", "exchanges"), term.Clean(path)))
	f.result.Notes = append(f.result.Notes, fixture.Summarize(warnings, len(list))...)
	f.result.Notes = append(f.result.Notes, session.Left()...)
}

// hideKnown replaces the secrets whose values the run knows.
func (f *fileRun) hideKnown(x *fixture.Exchange) {
	hide := f.scope.Vars.Redact
	x.Request.URL = hide(x.Request.URL)
	x.Request.Body = []byte(hide(string(x.Request.Body)))
	lists := []fixture.Fields{x.Request.Headers}
	if r := x.Response; r != nil {
		if r.Body != nil {
			r.Body = []byte(hide(string(r.Body)))
		}
		lists = append(lists, r.Headers, r.Trailers)
	}
	for _, fields := range lists {
		for i := range fields {
			fields[i].Value = hide(fields[i].Value)
		}
	}
}

// missed reports requests for which nothing is recorded.
func (r *Result) missed(misses []upstream.Miss) {
	for _, m := range misses {
		r.Outcome = UpstreamMissing
		p := Problem{
			Kind: ProblemUpstream, Title: "No recorded upstream matches", Actual: m.Request,
		}
		switch {
		case m.Nearest != "":
			p.Expected = m.Nearest + ": " + strings.Join(m.Differences, "; ")
		case len(m.Differences) == 0:
			p.Expected = "nothing is recorded"
		}
		r.Problems = append(r.Problems, p)
	}
}

// reportUnused reports the exchanges of the upstream fixture beside the file that no entry used,
// unless not all entries ran.
func (f *fileRun) reportUnused(allRan bool) {
	if f.upstreams.set == nil || !allRan || f.upstreams.mode == UpstreamAll {
		return
	}
	var places []string
	for _, file := range f.upstreams.files {
		if !file.isBeside(f.result.Path) {
			continue
		}
		for n, used := range f.upstreams.uses(file) {
			if !used {
				places = append(places, file.unused(n))
			}
		}
	}
	if len(places) > 0 && f.options.StrictUpstreams && f.result.Err == nil {
		f.result.Err = errors.New(strings.Join(places, "; "))
		return
	}
	f.result.Notes = append(f.result.Notes, places...)
}
