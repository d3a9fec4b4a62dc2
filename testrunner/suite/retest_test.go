package suite

import "testing"

func TestARetestIsALineUntilItIsShownOrAccepted(t *testing.T) {
	s := newSession(t, "new", map[string]string{"a.hurl": stale, "b.hurl": fresh, "c.hurl": "GET\n"})
	r, err := s.Retest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Line(); got != "1 same, 1 changed, 1 file cannot be parsed" || r.Passed() {
		t.Errorf("got %s", got)
	}
	if s.out.Len()+s.err.Len() > 0 {
		t.Errorf("printed %s%s", s.out.String(), s.err.String())
	}
	if r.Details() == "" {
		t.Error("there are no details")
	}
	if n, err := r.Accept(); n != 1 || err != nil || content(t, "a.hurl") != fresh {
		t.Errorf("accepted %d, %v: %s", n, err, content(t, "a.hurl"))
	}
	if r, err = s.Retest(t.Context()); err != nil || r.Line() != "2 same, 1 file cannot be parsed" {
		t.Errorf("then %v, %v", r, err)
	}
}
