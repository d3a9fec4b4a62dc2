package wasi

// OutgoingRequest is a request that a guest builds. It belongs to the guest's goroutine. Method,
// Scheme, Authority and PathWithQuery hold valid values or, but for Method, "" for none: set them
// with the setters.
type OutgoingRequest struct {
	Method, Scheme, Authority, PathWithQuery string

	header *Fields
	body   *OutgoingBody
	state  *State
}

// NewOutgoingRequest returns a GET request with these fields, which it freezes.
func (s *State) NewOutgoingRequest(header *Fields) *OutgoingRequest {
	r := &OutgoingRequest{}
	s.InitOutgoingRequest(r, header)
	return r
}

// InitOutgoingRequest makes r, which is zero, what NewOutgoingRequest returns.
func (s *State) InitOutgoingRequest(r *OutgoingRequest, header *Fields) {
	r.Method, r.header, r.state = "GET", header.Freeze(), s
}

// Header returns the fields, frozen.
func (r *OutgoingRequest) Header() *Fields { return r.header }

// Body returns the body, the first time only.
func (r *OutgoingRequest) Body() (*OutgoingBody, bool) {
	if r.body != nil {
		return nil, false
	}
	r.body = &OutgoingBody{}
	r.state.initOutgoingBody(r.body, r.header, HTTPRequestBodySize)
	return r.body, true
}

// SetMethod sets the method and reports whether it is valid.
func (r *OutgoingRequest) SetMethod(m string) bool {
	return set(&r.Method, m, bounded(m) && validToken(m))
}

// SetScheme sets the scheme, "" for none, and reports whether it is valid.
func (r *OutgoingRequest) SetScheme(s string) bool {
	return bounded(s) && set(&r.Scheme, CanonicalScheme(s), validScheme(s))
}

// SetPathWithQuery sets the target's path and query, "" standing for "/", and reports whether it is
// valid. They are sent as they are.
func (r *OutgoingRequest) SetPathWithQuery(p string) bool {
	if p == "" {
		p = "/"
	}
	return set(&r.PathWithQuery, p, bounded(p) && validPath(p))
}

// SetAuthority sets the authority and reports whether it is valid.
func (r *OutgoingRequest) SetAuthority(a string) bool {
	return set(&r.Authority, a, bounded(a) && validAuthority(a))
}

// maxPart is how long a part of a request line may be, in bytes: longer ones are refused by
// servers, and would only keep the host busy.
const maxPart = 1 << 20

func bounded(s string) bool { return len(s) <= maxPart }

func set(field *string, value string, valid bool) bool {
	if valid {
		*field = value
	}
	return valid
}
