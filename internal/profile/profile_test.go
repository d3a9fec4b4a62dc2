package profile

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/pprof/profile"
)

// sampled is a profile of two functions, one of which waits.
func sampled() *Profile {
	main := Frame{Func: "main", File: "a.rs", Line: 3}
	return &Profile{
		Began: time.Unix(1, 0), Duration: time.Second, Comment: "wasihttp run </script>",
		Samples: []Sample{
			{Stack: []Frame{{Func: "work", File: "a.rs", Line: 9}, main}, Count: 2, CPU: 3 * time.Millisecond},
			{Stack: []Frame{{Func: "work", File: "a.rs", Line: 10}, main}, Count: 1, CPU: time.Millisecond},
			{Stack: []Frame{{Func: "poll", Module: "host"}, main}, Count: 1, Wait: 5 * time.Millisecond},
			{Count: 1, CPU: time.Microsecond},
		},
	}
}

func TestPprofReadsTheProfile(t *testing.T) {
	var b bytes.Buffer
	if err := sampled().Pprof(&b); err != nil {
		t.Fatal(err)
	}
	p, err := profile.Parse(&b)
	if err != nil {
		t.Fatal(err)
	}
	if p.DefaultSampleType != "cpu" || p.DurationNanos != int64(time.Second) || len(p.Function) != 3 || len(p.Location) != 4 || len(p.Sample) != 4 {
		t.Errorf("%s", p)
	}
	first := p.Sample[0]
	if diff := cmp.Diff([]int64{2, 3e6, 0}, first.Value); diff != "" {
		t.Error(diff)
	}
	if line := first.Location[0].Line[0]; line.Function.Name != "work" || line.Function.Filename != "a.rs" || line.Line != 9 {
		t.Errorf("%+v", line)
	}
	if fn := p.Sample[2].Location[0].Line[0].Function; fn.Name != "poll" || fn.Filename != "host" {
		t.Errorf("%+v", fn)
	}
}

func TestThePageHasTheTreeOfCalls(t *testing.T) {
	var b bytes.Buffer
	if err := sampled().HTML(&b); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "</script>"); n != 1 {
		t.Errorf("%d ends of scripts", n)
	}
	if strings.Contains(b.String(), "http") && strings.Contains(b.String(), "src=") {
		t.Error("the page loads something")
	}
	_, rest, _ := strings.Cut(b.String(), "const data = ")
	text, _, _ := strings.Cut(rest, ";\n")
	var data struct {
		Root    node
		Comment string
	}
	if err := json.Unmarshal([]byte(text), &data); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	want := node{Name: "all", CPU: 4001, Wait: 5000, Below: []*node{{
		Name: "main", Where: "a.rs", CPU: 4000, Wait: 5000, Below: []*node{
			{Name: "poll", Where: "host", Wait: 5000}, {Name: "work", Where: "a.rs", CPU: 4000},
		},
	}}}
	if diff := cmp.Diff(want, data.Root); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if data.Comment != "wasihttp run </script>" {
		t.Errorf("%q", data.Comment)
	}
}
