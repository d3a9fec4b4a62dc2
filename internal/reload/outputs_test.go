package reload

import (
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/watch"
)

// TestWhoseChangesTheyAre gives it batches of changes during and after
// runs, and looks whether they start the command.
func TestWhoseChangesTheyAre(t *testing.T) {
	const path = "main.txt"
	start := time.Unix(1000, 0)
	for name, tt := range map[string]struct {
		op      watch.Op
		edited  bool            // the file has changed before, outside a run
		offsets []time.Duration // of a change in each of some runs
		want    []bool
	}{
		"a new file is the command's": {watch.Created, false,
			[]time.Duration{time.Second, 3 * time.Second}, []bool{false, false}},
		"a change is the user's": {watch.Modified, false,
			[]time.Duration{time.Second, 3 * time.Second, 5 * time.Second}, []bool{true, true, true}},
		"one at the same moment of every run is the command's": {watch.Modified, false,
			[]time.Duration{time.Second, 1100 * time.Millisecond, time.Second, 5 * time.Second},
			[]bool{true, true, false, false}},
		"an editor saves every second": {watch.Modified, true,
			[]time.Duration{time.Second, time.Second, time.Second, time.Second, time.Second},
			[]bool{true, true, true, true, true}},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOutputs("", func(string, ...any) {})
			concerns := func(f watch.FileChange, at time.Time, running bool) bool {
				f.Path = path
				return o.concerns(watch.Batch{Files: []watch.FileChange{f}, First: at, Last: at}, running)
			}
			change := func(at time.Time, running bool) bool {
				return concerns(watch.FileChange{Op: tt.op}, at, running)
			}
			if tt.edited && !change(start, false) {
				t.Error("a change outside a run is nobody's")
			}
			for i, offset := range tt.offsets {
				o.began = start.Add(time.Duration(i+1) * time.Minute)
				if got := change(o.began.Add(offset), true); got != tt.want[i] {
					t.Errorf("run %d: got %v", i, got)
				}
			}
			o.ended = start.Add(time.Hour)
			soon := o.ended.Add(time.Millisecond)
			atEnd := watch.FileChange{Op: tt.op, Modified: o.ended}
			if tt.op == watch.Created && concerns(atEnd, soon, false) {
				t.Error("what the command wrote at its end is the user's")
			}
			if !concerns(watch.FileChange{Op: tt.op, Modified: soon}, soon, false) {
				t.Error("what was written after a run is the command's")
			}
			if !change(o.ended.Add(time.Second), false) {
				t.Error("a change outside a run is nobody's")
			}
		})
	}
}
