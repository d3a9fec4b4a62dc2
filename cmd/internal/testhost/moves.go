package testhost

import (
	"context"
	"errors"

	"github.com/wasihttp/wasihttp/internal/record"
	"github.com/wasihttp/wasihttp/testrunner"
)

// Moves is a record.Moves for a component: it plays the fixtures in two worlds. It drops the host.
func Moves(
	ctx context.Context, h *Host, list []record.Text, o *testrunner.Options,
) ([][][]string, error) {
	var fixtures []testrunner.Recorded
	for _, text := range list {
		fixtures = append(fixtures, testrunner.Recorded(text))
	}
	moves, err := testrunner.Moves(ctx, h, fixtures, o)
	return moves, errors.Join(err, h.Drop(context.WithoutCancel(ctx)))
}
