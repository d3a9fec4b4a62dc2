package component

import "github.com/wasihttp/wasihttp/component/internal/validate"

// The parts of the component model that its specification still gates, so that other programs have
// to be asked for them. The names are those of Explainer.md, "Gated Features".
const (
	NeedsAsyncBuiltins = "async-builtins" // forms of built-ins that wait, or do not
	NeedsStackfulAsync = "stackful-async" // async lift without callback
	NeedsThreads       = "threads"
	NeedsErrorContext  = "error-context"
	NeedsFixedLists    = "fixed-length-lists"
	NeedsMaps          = "map"
	NeedsAttributes    = "implements"
)

// Needs returns which gated parts of the component model the component uses, in the order above.
func (c *Component) Needs() []string {
	var needs []string
	for _, gate := range []struct {
		feature validate.Features
		name    string
	}{
		{validate.AsyncBuiltins, NeedsAsyncBuiltins},
		{validate.StackfulAsync, NeedsStackfulAsync},
		{validate.Threads, NeedsThreads},
		{validate.ErrorContext, NeedsErrorContext},
		{validate.FixedLists, NeedsFixedLists},
		{validate.Maps, NeedsMaps},
		{validate.Attributes, NeedsAttributes},
	} {
		if c.valid(validate.DefaultFeatures&^gate.feature) != nil {
			needs = append(needs, gate.name)
		}
	}
	return needs
}

// valid returns an error if the component, or a part of it, needs other features than feats.
func (c *Component) valid(feats validate.Features) error {
	if c.whole == nil {
		_, err := validate.Analyze(c.ast, feats)
		return err
	}
	for _, part := range c.whole.parts {
		if err := part.Component.valid(feats); err != nil {
			return err
		}
	}
	return nil
}
