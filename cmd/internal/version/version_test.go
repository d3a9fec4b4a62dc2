package version

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestVersionText(t *testing.T) {
	info := &debug.BuildInfo{
		Main: debug.Module{Version: "v1.2.3"},
		Deps: []*debug.Module{{Path: "other", Version: "v9"}, {Path: engineModule, Version: "v1.12.0"}},
		Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.time", Value: "2026-01-02T03:04:05Z"}, {Key: "vcs.modified", Value: "true"},
		},
	}
	lines := strings.Split(Of("wasihttp", info).Text(), "\n")
	if want := "wasihttp v1.2.3 commit 0123456789ab of 2026-01-02T03:04:05Z, modified"; lines[0] != want {
		t.Errorf("got %q, want %q", lines[0], want)
	}
	if lines[2] != "wazero v1.12.0" {
		t.Errorf("got %q", lines[2])
	}
	if got := Of("wasihttp", &debug.BuildInfo{}).Text(); !strings.HasPrefix(got, "wasihttp (devel)\ngo") {
		t.Errorf("got %q", got)
	}
}
