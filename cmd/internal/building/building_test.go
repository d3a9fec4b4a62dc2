package building

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestAComponentIsDueIfASourceIsNewer(t *testing.T) {
	dir := t.TempDir()
	built := time.Now().Add(-time.Hour)
	write := func(name string, at time.Time) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		return path
	}
	component := write("app.wasm", built)
	write("old/a.c", built.Add(-time.Minute))
	write("new/deep/a.c", built.Add(time.Minute))
	for name, tt := range map[string]struct {
		component string
		sources   []string
		due       bool
	}{
		"older sources":    {component, []string{"old"}, false},
		"a newer source":   {component, []string{"old", "new"}, true},
		"no component":     {filepath.Join(dir, "none.wasm"), []string{"old"}, true},
		"a missing source": {component, []string{"none"}, false},
		"no sources":       {component, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			job := &Job{}
			for _, source := range tt.sources {
				job.Sources = append(job.Sources, filepath.Join(dir, source))
			}
			if due, err := job.Due(tt.component); err != nil || due != tt.due {
				t.Errorf("due: %v, %v, want %v", due, err, tt.due)
			}
		})
	}
}
