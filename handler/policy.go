package handler

import "time"

// Timeouts is a WorkerExpiration of fixed durations. Zero stands for no limit, a negative duration
// for no time at all.
type Timeouts struct {
	// Requests limits the time from when the instance takes a request to the head of its response.
	Requests time.Duration
	// PostReturn limits work after the end of the response.
	PostReturn time.Duration
	// Streaming limits the time from a response to the end of its body.
	Streaming time.Duration
	// Idle limits the wait for another request.
	Idle time.Duration
}

// Expires implements WorkerExpiration.
func (t Timeouts) Expires(status WorkerStatus, since time.Time) time.Time {
	var d time.Duration
	switch status {
	case Idle:
		d = t.Idle
	case Requests:
		d = t.Requests
	case PostReturn:
		d = t.PostReturn
	case Streaming:
		d = t.Streaming
	}
	if d == 0 {
		return time.Time{}
	}
	return since.Add(d)
}

// Reuse is a policy for WorkerState.ShouldAcceptRequest.
type Reuse struct {
	// Max is the number of requests that one instance takes in all; values below 1 count as 1.
	Max int
	// Concurrent is the number of requests that it takes at once; values below 1 count as 1. An
	// instance of 0.2 takes one at a time in any case.
	Concurrent int
}

// ShouldAcceptRequest decides for a worker that handles concurrent requests and has taken total
// requests so far.
func (r Reuse) ShouldAcceptRequest(concurrent, total int) ShouldAccept {
	switch {
	case total >= max(r.Max, 1):
		return Never
	case concurrent >= max(r.Concurrent, 1):
		return No
	}
	return Yes
}
