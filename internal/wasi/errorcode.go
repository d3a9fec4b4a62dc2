package wasi

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrorCase is a case of the error-code of wasi:http/types. WASI 0.2 and 0.3 list the same cases in
// the same order.
type ErrorCase uint32

// The cases of error-code.
const (
	DNSTimeout ErrorCase = iota
	DNSError
	DestinationNotFound
	DestinationUnavailable
	DestinationIPProhibited
	DestinationIPUnroutable
	ConnectionRefused
	ConnectionTerminated
	ConnectionTimeout
	ConnectionReadTimeout
	ConnectionWriteTimeout
	ConnectionLimitReached
	TLSProtocolError
	TLSCertificateError
	TLSAlertReceived
	HTTPRequestDenied
	HTTPRequestLengthRequired
	HTTPRequestBodySize
	HTTPRequestMethodInvalid
	HTTPRequestURIInvalid
	HTTPRequestURITooLong
	HTTPRequestHeaderSectionSize
	HTTPRequestHeaderSize
	HTTPRequestTrailerSectionSize
	HTTPRequestTrailerSize
	HTTPResponseIncomplete
	HTTPResponseHeaderSectionSize
	HTTPResponseHeaderSize
	HTTPResponseBodySize
	HTTPResponseTrailerSectionSize
	HTTPResponseTrailerSize
	HTTPResponseTransferCoding
	HTTPResponseContentCoding
	HTTPResponseTimeout
	HTTPUpgradeFailed
	HTTPProtocolError
	LoopDetected
	ConfigurationError
	InternalError
)

// PayloadKind is the type of what an ErrorCase carries.
type PayloadKind byte

// The payloads of error-code.
const (
	NoPayload        PayloadKind = iota
	DNSPayload                   // record { rcode: option<string>, info-code: option<u16> }
	AlertPayload                 // record { alert-id: option<u8>, alert-message: option<string> }
	U64Payload                   // option<u64>
	U32Payload                   // option<u32>
	FieldSizePayload             // record { field-name: option<string>, field-size: option<u32> }
	OptFieldPayload              // option of FieldSizePayload
	StringPayload                // option<string>
)

// describe returns the name of a case, as in the WIT text, and its payload. For an unknown case it
// returns those of the last case.
func (c ErrorCase) describe() (name string, payload PayloadKind) {
	switch c {
	case DNSTimeout:
		return "DNS-timeout", NoPayload
	case DNSError:
		return "DNS-error", DNSPayload
	case DestinationNotFound:
		return "destination-not-found", NoPayload
	case DestinationUnavailable:
		return "destination-unavailable", NoPayload
	case DestinationIPProhibited:
		return "destination-IP-prohibited", NoPayload
	case DestinationIPUnroutable:
		return "destination-IP-unroutable", NoPayload
	case ConnectionRefused:
		return "connection-refused", NoPayload
	case ConnectionTerminated:
		return "connection-terminated", NoPayload
	case ConnectionTimeout:
		return "connection-timeout", NoPayload
	case ConnectionReadTimeout:
		return "connection-read-timeout", NoPayload
	case ConnectionWriteTimeout:
		return "connection-write-timeout", NoPayload
	case ConnectionLimitReached:
		return "connection-limit-reached", NoPayload
	case TLSProtocolError:
		return "TLS-protocol-error", NoPayload
	case TLSCertificateError:
		return "TLS-certificate-error", NoPayload
	case TLSAlertReceived:
		return "TLS-alert-received", AlertPayload
	case HTTPRequestDenied:
		return "HTTP-request-denied", NoPayload
	case HTTPRequestLengthRequired:
		return "HTTP-request-length-required", NoPayload
	case HTTPRequestBodySize:
		return "HTTP-request-body-size", U64Payload
	case HTTPRequestMethodInvalid:
		return "HTTP-request-method-invalid", NoPayload
	case HTTPRequestURIInvalid:
		return "HTTP-request-URI-invalid", NoPayload
	case HTTPRequestURITooLong:
		return "HTTP-request-URI-too-long", NoPayload
	case HTTPRequestHeaderSectionSize:
		return "HTTP-request-header-section-size", U32Payload
	case HTTPRequestHeaderSize:
		return "HTTP-request-header-size", OptFieldPayload
	case HTTPRequestTrailerSectionSize:
		return "HTTP-request-trailer-section-size", U32Payload
	case HTTPRequestTrailerSize:
		return "HTTP-request-trailer-size", FieldSizePayload
	case HTTPResponseIncomplete:
		return "HTTP-response-incomplete", NoPayload
	case HTTPResponseHeaderSectionSize:
		return "HTTP-response-header-section-size", U32Payload
	case HTTPResponseHeaderSize:
		return "HTTP-response-header-size", FieldSizePayload
	case HTTPResponseBodySize:
		return "HTTP-response-body-size", U64Payload
	case HTTPResponseTrailerSectionSize:
		return "HTTP-response-trailer-section-size", U32Payload
	case HTTPResponseTrailerSize:
		return "HTTP-response-trailer-size", FieldSizePayload
	case HTTPResponseTransferCoding:
		return "HTTP-response-transfer-coding", StringPayload
	case HTTPResponseContentCoding:
		return "HTTP-response-content-coding", StringPayload
	case HTTPResponseTimeout:
		return "HTTP-response-timeout", NoPayload
	case HTTPUpgradeFailed:
		return "HTTP-upgrade-failed", NoPayload
	case HTTPProtocolError:
		return "HTTP-protocol-error", NoPayload
	case LoopDetected:
		return "loop-detected", NoPayload
	case ConfigurationError:
		return "configuration-error", NoPayload
	}
	return "internal-error", StringPayload
}

// String returns the name of the case as in the WIT text.
func (c ErrorCase) String() string {
	name, _ := c.describe()
	return name
}

// Payload returns the type of what the case carries.
func (c ErrorCase) Payload() PayloadKind {
	_, p := c.describe()
	return p
}

// ErrorCode is an error-code of wasi:http/types, 0.2 or 0.3. It is an error, and immutable.
type ErrorCode struct {
	// Case is what went wrong.
	Case ErrorCase
	// Text is the string of the payload: rcode, alert-message, field-name, the coding or the
	// message; nil if absent.
	Text *string
	// Number is the number of the payload: info-code, alert-id, field-size, or a size in bytes; nil
	// if absent.
	Number *uint64
	// Empty is true for an OptFieldPayload that is present without a name and a size.
	Empty bool
	// Cause is the Go error behind the code, for logs; nil if a guest made the code.
	Cause error
}

// NewErrorCode returns a code without payload; cause may be nil.
func NewErrorCode(c ErrorCase, cause error) *ErrorCode { return &ErrorCode{Case: c, Cause: cause} }

// InternalErrorf returns an internal-error with a message.
func InternalErrorf(format string, args ...any) *ErrorCode {
	s := fmt.Sprintf(format, args...)
	return &ErrorCode{Case: InternalError, Text: &s}
}

// bodySize returns the code for a body of n bytes, or of more, whose message declares another
// length.
func bodySize(c ErrorCase, n, declared uint64) *ErrorCode {
	return &ErrorCode{
		Case:   c,
		Number: &n,
		Cause:  fmt.Errorf("%d bytes were written, and the content-length is %d", n, declared),
	}
}

// String returns the code in the notation of WIT values, such as `connection-refused` or
// `DNS-error(rcode: "NXDOMAIN")`.
func (e *ErrorCode) String() string {
	name, kind := e.Case.describe()
	var text, number string
	switch kind {
	case NoPayload:
		return name
	case DNSPayload:
		text, number = "rcode: ", "info-code: "
	case AlertPayload:
		text, number = "alert-message: ", "alert-id: "
	case FieldSizePayload, OptFieldPayload:
		text, number = "field-name: ", "field-size: "
	}
	var parts []string
	if e.Text != nil {
		parts = append(parts, text+strconv.Quote(*e.Text))
	}
	if e.Number != nil {
		parts = append(parts, number+strconv.FormatUint(*e.Number, 10))
	}
	if len(parts) == 0 {
		return name
	}
	return name + "(" + strings.Join(parts, ", ") + ")"
}

// Error returns the code and what caused it.
func (e *ErrorCode) Error() string {
	if e.Cause == nil {
		return e.String()
	}
	return e.String() + ": " + e.Cause.Error()
}

// Unwrap returns the cause.
func (e *ErrorCode) Unwrap() error { return e.Cause }

// AsErrorCode returns the error-code in err's chain, or nil if there is none.
func AsErrorCode(err error) *ErrorCode {
	if err == nil {
		return nil
	}
	var e *ErrorCode
	if errors.As(err, &e) {
		return e
	}
	return nil
}
