package wasi

import "errors"

// ErrClosed is the error of a sink that takes nothing more: it was closed, or its reader has gone.
var ErrClosed = errors.New("stream closed")
