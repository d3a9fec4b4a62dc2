package reload_test

import (
	"context"
	"crypto/sha256"
	"testing"

	"github.com/wasihttp/wasihttp/internal/reload"
	"github.com/wasihttp/wasihttp/watch"
)

// TestTheDigestOfTheFirstBuild is that which the load computed, or else of what was read.
func TestTheDigestOfTheFirstBuild(t *testing.T) {
	data := []byte("contents")
	for name, tt := range map[string]struct{ sum, want watch.Digest }{
		"computed":     {watch.Digest{1, 2, 3}, watch.Digest{1, 2, 3}},
		"not computed": {watch.Digest{}, sha256.Sum256(data)},
	} {
		d := reload.New(reload.Options{Read: func() ([]byte, error) { return data, nil }})
		_, err := d.First(t.Context(), func(context.Context, []byte) (*reload.Build, error) {
			return &reload.Build{Sum: tt.sum}, nil
		})
		if err != nil || d.Digest() != tt.want {
			t.Errorf("%s: got %x, %v", name, d.Digest(), err)
		}
	}
}
