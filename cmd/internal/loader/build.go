package loader

import (
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/inspect"
	"github.com/wasihttp/wasihttp/internal/reload"
	"github.com/wasihttp/wasihttp/serve"
)

// Build returns the app as a build, which takes over the app.
func (a *App) Build() *reload.Build {
	return &reload.Build{
		Build:     serve.Build{Handler: a.Handler, Digest: a.About.Digest, Close: a.Close},
		FromCache: a.About.FromCache,
		Sum:       a.Sum,
		Component: a.Component,
	}
}

// Changes describes the differences between two builds.
func Changes(before, now *reload.Build) reload.Changes {
	old, isOld := before.Component.(*component.Component)
	next, isNext := now.Component.(*component.Component)
	if !isOld || !isNext || old == nil || next == nil {
		return reload.Changes{}
	}
	if before.Digest == now.Digest {
		same := "the same build again"
		return reload.Changes{Summary: same, List: []string{same}}
	}
	d := inspect.Compare(old, next)
	return reload.Changes{Summary: d.Summary(), List: d.List()}
}
