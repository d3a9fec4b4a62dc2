package serve

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

// listed keeps what was recorded.
type listed []Recorded

func (l *listed) Record(x Recorded) { *l = append(*l, x) }

// echoed answers with the request's body.
type echoed struct{}

func (echoed) Handle(_ context.Context, _ string, r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: r.Body}, nil
}

func TestRecordingHasLimits(t *testing.T) {
	var list listed
	h := Recording(echoed{}, &list, RecordLimits{Body: 10, Bodies: 30})
	begin := func(body string) io.ReadCloser {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := h.Handle(t.Context(), "1", r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		if err != nil || string(got) != body {
			t.Errorf("the answer is %q, %v; want %q", got, err, body)
		}
		return resp.Body
	}
	end := func(body io.Closer) Recorded {
		if err := body.Close(); err != nil {
			t.Error(err)
		}
		return list[len(list)-1]
	}
	if x := end(begin("12345")); x.Cut || string(x.Body) != "12345" || string(x.ResponseBody) != "12345" {
		t.Errorf("recorded %+v", x)
	}
	if x := end(begin("12345678901")); !x.Cut {
		t.Error("a body over the limit counts as whole")
	}
	// Each of these is held twice, as request and as response.
	first, second := begin("1234567890"), begin("1234567890")
	if x := end(second); !x.Cut {
		t.Error("there was room for more than all bodies may take")
	}
	if x := end(first); x.Cut {
		t.Error("there was no room for the first")
	}
	if x := end(begin("1234567890")); x.Cut {
		t.Error("what has ended still takes room")
	}
}
