package handler

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFindExport(t *testing.T) {
	type found struct {
		Name string
		Kind Kind
		OK   bool
	}
	for _, tc := range []struct {
		name    string
		exports []string
		want    found
	}{
		{"nothing", nil, found{}},
		{"0.2", []string{"wasi:http/incoming-handler@0.2.4"}, found{"wasi:http/incoming-handler@0.2.4", P2, true}},
		{"0.2 beside others", []string{"run", "wasi:http/incoming-handler@0.2.0"}, found{"wasi:http/incoming-handler@0.2.0", P2, true}},
		{"0.3", []string{"wasi:http/handler@0.3.0"}, found{"wasi:http/handler@0.3.0", P3, true}},
		{"canonical 0.2", []string{"wasi:http/incoming-handler@0.2"},
			found{"wasi:http/incoming-handler@0.2", P2, true}},
		{"canonical 0.3", []string{"wasi:http/handler@0.3"}, found{"wasi:http/handler@0.3", P3, true}},
		{"both", []string{"wasi:http/incoming-handler@0.2.6", "wasi:http/handler@0.3.1"}, found{"wasi:http/handler@0.3.1", P3, true}},
		{"pre-releases", []string{"wasi:http/incoming-handler@0.2.0-rc-2023-11-10", "wasi:http/handler@0.3.0-rc-2025-09-16"}, found{}},
		{"other versions",
			[]string{"wasi:http/incoming-handler@0.1.0", "wasi:http/incoming-handler", "wasi:http/handler@0.2.0",
				"wasi:http/handler@0.3."}, found{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got found
			got.Name, got.Kind, got.OK = FindExport(tc.exports)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNewProxyPreReportsTheMissingHandler(t *testing.T) {
	for _, tc := range []struct {
		name    string
		exports []string
		want    string
	}{
		{"nothing", nil, "the component exports no HTTP handler; it exports nothing"},
		{"others", []string{"wasi:cli/run@0.2.3", "x"}, "the component exports no HTTP handler, only wasi:cli/run@0.2.3, x"},
		{"a release candidate", []string{"wasi:http/handler@0.3.0-rc-2025-09-16"},
			"the component exports no HTTP handler, only wasi:http/handler@0.3.0-rc-2025-09-16"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := NewProxyPre(nil, tc.exports); err == nil || err.Error() != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func TestNewProxyPrePrefersTheNewerKind(t *testing.T) {
	p, err := NewProxyPre(nil, []string{"wasi:http/handler@0.3.0", "wasi:http/incoming-handler@0.2.2"})
	if err != nil {
		t.Fatal(err)
	}
	if p.Kind() != P3 || p.Export() != "wasi:http/handler@0.3.0" || p.Kind().String() != "0.3" {
		t.Errorf("kind %v, export %s", p.Kind(), p.Export())
	}
}

func TestReuse(t *testing.T) {
	for _, tc := range []struct {
		policy            Reuse
		concurrent, total int
		want              ShouldAccept
	}{
		{Reuse{}, 0, 0, Yes},
		{Reuse{}, 1, 1, Never},
		{Reuse{}, 0, 1, Never},
		{Reuse{Max: 128, Concurrent: 16}, 15, 127, Yes},
		{Reuse{Max: 128, Concurrent: 16}, 16, 127, No},
		{Reuse{Max: 128, Concurrent: 16}, 0, 128, Never},
		{Reuse{Max: 128, Concurrent: 16}, 16, 128, Never},
	} {
		if got := tc.policy.ShouldAcceptRequest(tc.concurrent, tc.total); got != tc.want {
			t.Errorf("%+v, %d of %d: %v, want %v", tc.policy, tc.concurrent, tc.total, got, tc.want)
		}
	}
}

func TestTimeouts(t *testing.T) {
	since := time.Unix(1000, 0)
	limits := Timeouts{Requests: time.Second, PostReturn: -1}
	for status, want := range map[WorkerStatus]time.Time{
		Requests:   since.Add(time.Second),
		PostReturn: since.Add(-1),
		Idle:       {},
	} {
		if got := limits.Expires(status, since); !got.Equal(want) {
			t.Errorf("%v: %v, want %v", status, got, want)
		}
	}
}
