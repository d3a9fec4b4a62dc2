package suite

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/testrunner"
)

// trapHost fails for one path.
type trapHost struct{ textHost }

func (h *trapHost) Open(context.Context, testrunner.Spec) (testrunner.Target, error) { return h, nil }

func (h *trapHost) Do(ctx context.Context, r *testrunner.Request) (*testrunner.Response, error) {
	if r.Target == "/trap" {
		return &testrunner.Response{
			Failure: &testrunner.Failure{Outcome: testrunner.Trap}, Lost: true,
		}, nil
	}
	return h.textHost.Do(ctx, r)
}

func TestFixedCrashesAreRemoved(t *testing.T) {
	s := newSession(t, "ok", map[string]string{
		"trap-1.hurl": "GET http://localhost/trap\n", "trap-2.hurl": "GET http://localhost/well\n",
		"wrong.hurl": "GET\n",
	})
	s.Host, s.Crashes = &trapHost{}, true
	if _, err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"still failing trap-1.hurl (trap)\n", "FIXED trap-2.hurl (removed)\n",
		"1 of 3 crashes fixed\n",
	} {
		if !strings.Contains(s.out.String(), want) {
			t.Errorf("without %q:\n%s", want, s.out.String())
		}
	}
	for name, want := range map[string]bool{
		"trap-1.hurl": true, "trap-2.hurl": false, "wrong.hurl": true,
	} {
		if _, err := os.Stat(name); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
