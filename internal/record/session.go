package record

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/flow"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/regular"
)

// IsSession reports whether a path is that of a fixture for a whole session, and not of a folder.
func IsSession(path string) bool { return strings.HasSuffix(strings.ToLower(path), ".hurl") }

// OneInstance reports whether one instance is to have all requests.
func (r *Recorder) OneInstance() bool { return r.options.Session != "" }

// besideUpstream returns the path of the upstream fixture beside a fixture.
func besideUpstream(path string) string {
	return path[:len(path)-len(".hurl")] + ".upstream.hurl"
}

// maxSession bounds the exchanges of a session, which are all kept, in bytes.
const maxSession = 64 << 20

// renderSession returns the text of a session, with the variables that it needs at its top.
func renderSession(
	list []*fixture.Exchange, hide func(*fixture.Exchange) fixture.Exchange,
	o hurl.RecordOptions, unsteady bool,
) ([]byte, []fixture.Warning) {
	woven := flow.Weave(list, hide, flow.Options{Unsteady: unsteady})
	o.Variables = woven.Names
	if len(woven.Outside) > 0 {
		o.Comments = append(o.Comments,
			"Secrets that no response gives; set each with --secret NAME=VALUE:")
	}
	for _, v := range woven.Outside {
		o.Comments = append(o.Comments, fmt.Sprintf("- %s, first in request %d", v.Name, v.First+1))
	}
	return hurl.FromExchanges(woven.Exchanges, o)
}

// sessionFile is the fixture of a session that is being recorded.
type sessionFile struct {
	traces []*trace
	size   int // of the exchanges, in bytes
	since  int // as much was recorded since the file was written
	sums   map[string][sha256.Size]byte
}

// extend adds an exchange to the session.
func (r *Recorder) extend(t *trace, x *fixture.Exchange) error {
	s := &r.file
	if s.size += sizeOf(x); s.size > maxSession {
		return fmt.Errorf("%s: the session is larger than %d MiB", r.options.Session,
			maxSession>>20)
	}
	r.session.Find(x)
	t.exchange = x
	s.traces = append(s.traces, t)
	s.since += sizeOf(x)
	return nil
}

// rewrite writes the file of the session and the upstream fixture beside it. Unless this is the
// last call, it postpones the work if that would take long.
func (r *Recorder) rewrite(last bool) error {
	s := &r.file
	if len(s.traces) == 0 || !last && (s.since == 0 || s.size > reviseFree+reviseRatio*s.since) {
		return nil
	}
	s.since = 0
	hide := r.session.HideAgain
	if last {
		hide = r.session.Hide
	}
	own, others := r.inOrder()
	for _, x := range others.list {
		r.session.Find(x)
	}
	options := r.options.hurl()
	if last {
		r.attached.dir = filepath.Dir(r.options.Session)
		options.File = r.attached.put
	}
	text, _ := renderSession(own, hide, options, false)
	err := s.write(r.options.Session, text)
	if upstream := others.render(hide); err == nil && len(upstream) > 0 {
		err = s.write(besideUpstream(r.options.Session), upstream)
	}
	return err
}

// inOrder returns the exchanges of the session, in their order, and those with other servers.
func (r *Recorder) inOrder() (own []*fixture.Exchange, others *document) {
	slices.SortStableFunc(r.file.traces, func(a, b *trace) int {
		return a.recorded.Start.Compare(b.recorded.Start)
	})
	others = &document{options: hurl.RecordOptions{Upstream: true}}
	var before *Instance
	for _, t := range r.file.traces {
		x := *t.exchange
		if t.in != nil && t.in != before {
			before, x.World = t.in, r.world(t.in)
		}
		own = append(own, &x)
		others.list = append(others.list, r.exchanges(t)...)
	}
	return own, others
}

// write writes a file that was not there before, or anew if it is as it was written.
func (s *sessionFile) write(path string, text []byte) error {
	sum := sha256.Sum256(text)
	before, ok := s.sums[path]
	switch {
	case !ok:
		if err := writeFile(path, text, false); err != nil {
			return err
		}
	case before != sum:
		now, err := regular.ReadFile(path, regular.MaxFile)
		if err != nil {
			return err
		}
		if sha256.Sum256(now) != before {
			return fmt.Errorf("%s: was changed since it was recorded", path)
		}
		if err := regular.Replace(path, text, 0o644); err != nil {
			return err
		}
	}
	if s.sums == nil {
		s.sums = make(map[string][sha256.Size]byte)
	}
	s.sums[path] = sum
	return nil
}
