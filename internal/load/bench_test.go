package load

import (
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/testrunner"
)

// BenchmarkARequest measures what it costs to send a request and to check its response, without the
// response.
func BenchmarkARequest(b *testing.B) {
	for name, text := range map[string]string{
		"plain": "GET {{base}}/\nHTTP 200\n",
		"json":  "POST {{base}}/echo\n{\"name\": \"Ada\"}\nHTTP 200\n[Asserts]\njsonpath \"$.name\" == \"Ada\"\n",
	} {
		b.Run(name, func(b *testing.B) {
			response := testrunner.Response{Status: 200, Body: []byte(`{"name": "Ada"}`)}
			h := &fakeHost{respond: func(int, *testrunner.Request) *testrunner.Response {
				a := response
				return &a
			}}
			l := testrunner.NewLoad(h, []*testrunner.Source{testrunner.Parse("a.hurl", []byte(text))},
				&testrunner.Options{Isolate: testrunner.IsolateFile})
			b.ReportAllocs()
			b.ResetTimer()
			m, err := Run(b.Context(), Config{Users: 1, Requests: int64(b.N)}, l, nil)
			if err != nil || m.New.Requests != int64(b.N) || m.New.Failed() > 0 {
				b.Fatal(m.New.Outcomes, err)
			}
		})
	}
}

// BenchmarkRecord measures how long it takes to count a request.
func BenchmarkRecord(b *testing.B) {
	r := newRecorder(20, true)
	source := testrunner.Parse("a.hurl", []byte(get))
	result := &testrunner.Result{Entry: source.File.Entries[0], Outcome: testrunner.Pass}
	p := &phase{round: -1, began: time.Now()}
	r.length = time.Hour
	samples := []sample{{ticket: ticket{phase: p}, ended: p.began}}
	for n := 0; b.Loop(); n++ {
		samples[0].latency = time.Duration(n%1000) * time.Microsecond
		r.endedEntry("a.hurl", result, samples)
	}
}
