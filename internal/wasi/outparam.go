package wasi

// ResponseOutparam takes a guest's response to one request, once. It belongs to the guest's
// goroutine.
type ResponseOutparam struct {
	// Head is true if the request was HEAD: the response may declare a length and send nothing.
	Head bool

	done func(*Response, *ErrorCode)
}

// NewResponseOutparam returns an outparam that calls done once: with the response, with the
// error-code that the guest chose, or with neither when the guest dropped it. done is called on the
// guest's goroutine and must not block.
func NewResponseOutparam(done func(*Response, *ErrorCode)) *ResponseOutparam {
	return &ResponseOutparam{done: done}
}

// Init makes o, which is zero, what NewResponseOutparam returns.
func (o *ResponseOutparam) Init(head bool, done func(*Response, *ErrorCode)) {
	o.Head, o.done = head, done
}

// Set responds with res, or with code if that is not nil. Later calls only abort res.
func (o *ResponseOutparam) Set(res *OutgoingResponse, code *ErrorCode) {
	done := o.done
	o.done = nil
	if code != nil {
		if done != nil {
			done(nil, code)
		}
		return
	}
	r := res.send(o.Head)
	if done == nil {
		r.Abort(ErrBodyDropped)
		return
	}
	done(r, nil)
}

// Drop drops the outparam.
func (o *ResponseOutparam) Drop() {
	if done := o.done; done != nil {
		o.done = nil
		done(nil, nil)
	}
}
