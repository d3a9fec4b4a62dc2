package wasi

import (
	"net/http"
)

// OutgoingResponse is a response that a guest builds. It belongs to the guest's goroutine.
type OutgoingResponse struct {
	Status int
	// Head is true for a response to HEAD: it may declare a length and send nothing. It is set
	// before Body is called.
	Head   bool
	header *Fields
	body   *OutgoingBody // &own, once there is one
	own    OutgoingBody
	state  *State
	sent   Response
}

// NewOutgoingResponse returns a response with status 200 and these fields, which it freezes.
func (s *State) NewOutgoingResponse(header *Fields) *OutgoingResponse {
	r := &OutgoingResponse{}
	s.InitOutgoingResponse(r, header)
	return r
}

// InitOutgoingResponse makes r, which is zero, what NewOutgoingResponse returns.
func (s *State) InitOutgoingResponse(r *OutgoingResponse, header *Fields) {
	r.Status, r.header, r.state = 200, header.Freeze(), s
}

// Header returns the fields, frozen.
func (r *OutgoingResponse) Header() *Fields { return r.header }

// Body returns the body, the first time only.
func (r *OutgoingResponse) Body() (*OutgoingBody, bool) {
	if r.body != nil {
		return nil, false
	}
	r.makeBody()
	r.body.mayBeEmpty = r.Head || r.Status == http.StatusNotModified ||
		r.Status == http.StatusNoContent
	return r.body, true
}

// SetStatus sets the status and reports whether it is valid: 100 to 999.
func (r *OutgoingResponse) SetStatus(status int) bool {
	if status < 100 || status > 999 {
		return false
	}
	r.Status = status
	return true
}

// Drop drops a response that was not sent.
func (r *OutgoingResponse) Drop() {
	if r.body != nil {
		r.body.pipe.closeRead()
	}
}

func (r *OutgoingResponse) send(head bool) *Response {
	none := r.body == nil
	if none {
		r.makeBody()
	}
	if head || r.Status == http.StatusNotModified || r.Status == http.StatusNoContent {
		r.body.mayBeEmpty = true
	}
	if none {
		_ = r.body.Finish(nil) // the receiver hears of a size that is not the declared one
	}
	r.sent = Response{Status: r.Status, Header: r.header, Body: r.body.Reader(), body: r.body}
	return &r.sent
}

func (r *OutgoingResponse) makeBody() {
	r.body = &r.own
	r.state.initOutgoingBody(r.body, r.header, HTTPResponseBodySize)
}
