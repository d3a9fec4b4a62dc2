package p2

import (
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/wasi"
	"github.com/wasihttp/wasihttp/wasi/internal/convert"
)

// errorCodeType is the error-code of wasi:http/types in WIT syntax.
func errorCodeType() string { return convert.ErrorCodeType() }

// errorCode converts to an error-code.
func errorCode(e *wasi.ErrorCode) component.Value { return convert.ErrorCode(e) }

// errorCodeOf converts from an error-code.
func errorCodeOf(v component.Value) *wasi.ErrorCode { return convert.ErrorCodeOf(v) }

// failure is a result that failed with an error-code.
func failure(e *wasi.ErrorCode) component.Value { return convert.Failure(e) }
