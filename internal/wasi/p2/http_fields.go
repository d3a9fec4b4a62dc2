package p2

import (
	"errors"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// headerResult is the result of a change. Fields beyond their limit trap: 0.2 has no error for
// them.
func headerResult(err error) (component.Value, error) {
	switch {
	case err == nil:
		return component.OkUnit(), nil
	case errors.Is(err, wasi.ErrFieldSyntax):
		return component.Err(component.Enum(0)), nil
	case errors.Is(err, wasi.ErrFieldForbidden):
		return component.Err(component.Enum(1)), nil
	case errors.Is(err, wasi.ErrFieldImmutable):
		return component.Err(component.Enum(2)), nil
	}
	return unit(), err
}
