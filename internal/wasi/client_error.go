package wasi

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"reflect"
)

var errHeadTooBig = errors.New("head of the response is too big")

// dialError maps a failure to connect. All that is not a name, a timeout, TLS or a decision of the
// embedder's is a refused connection for the guest: what hides behind it differs between machines
// and networks.
func dialError(ctx context.Context, err error) *ErrorCode {
	if code := AsErrorCode(err); code != nil {
		return code
	}
	var dns *net.DNSError
	switch {
	case ctx.Err() != nil:
		return NewErrorCode(ConnectionTimeout, err)
	case errors.As(err, &dns):
		rcode := "SERVFAIL"
		if dns.IsNotFound {
			rcode = "NXDOMAIN"
		}
		return &ErrorCode{Case: DNSError, Text: &rcode, Cause: err}
	case isTimeout(err):
		return NewErrorCode(ConnectionTimeout, err)
	}
	var op *net.OpError
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	alert := tlsAlert(err)
	switch {
	case alert != nil:
		return alert
	case errors.As(err, &cert):
		return NewErrorCode(TLSCertificateError, err)
	case errors.As(err, &record):
		return NewErrorCode(TLSProtocolError, err)
	case errors.Is(err, fs.ErrPermission) && !errors.As(err, &op):
		return NewErrorCode(HTTPRequestDenied, err)
	}
	return NewErrorCode(ConnectionRefused, err)
}

// tlsError maps a failed handshake.
func tlsError(ctx context.Context, err error) *ErrorCode {
	var cert *tls.CertificateVerificationError
	switch {
	case ctx.Err() != nil || isTimeout(err):
		return NewErrorCode(ConnectionTimeout, err)
	case errors.As(err, &cert):
		return NewErrorCode(TLSCertificateError, err)
	}
	if code := tlsAlert(err); code != nil {
		return code
	}
	return NewErrorCode(TLSProtocolError, err)
}

// tlsAlert returns the code for an alert that the peer sent, nil for other errors. crypto/tls wraps
// it in a type of its own.
func tlsAlert(err error) *ErrorCode {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" || op.Err == nil {
		return nil
	}
	v := reflect.ValueOf(op.Err)
	if v.Kind() != reflect.Uint8 {
		return nil
	}
	id, text := v.Uint(), op.Err.Error()
	return &ErrorCode{Case: TLSAlertReceived, Number: &id, Text: &text, Cause: err}
}

// headError maps a failure between sending the request and the end of the response's head.
func headError(err error) *ErrorCode {
	switch {
	case errors.Is(err, errHeadTooBig):
		return NewErrorCode(HTTPResponseHeaderSectionSize, err)
	case isTimeout(err):
		return NewErrorCode(ConnectionReadTimeout, err)
	}
	if code := tlsAlert(err); code != nil {
		return code
	}
	return NewErrorCode(HTTPProtocolError, err)
}

// bodyError maps a failure within a response's body.
func bodyError(err error) *ErrorCode {
	var netErr net.Error
	switch {
	case isTimeout(err):
		return NewErrorCode(ConnectionReadTimeout, err)
	case errors.Is(err, io.ErrUnexpectedEOF),
		errors.As(err, &netErr),
		errors.Is(err, net.ErrClosed):
		return NewErrorCode(HTTPResponseIncomplete, err)
	}
	return NewErrorCode(HTTPProtocolError, err)
}

// requestError maps a failure within an incoming request's body.
func requestError(err error) *ErrorCode {
	if code := AsErrorCode(err); code != nil {
		return code
	}
	return NewErrorCode(HTTPProtocolError, err)
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) ||
		errors.As(err, &t) && t.Timeout()
}
