package handler

import "time"

// Timeouts is a WorkerExpiration of fixed durations; zero stands for no limit, negative for no time at all.
type Timeouts struct {
	// Requests limits the time from taking a request to its response.
	Requests time.Duration
	// PostReturn limits work after the end of the response.
	PostReturn time.Duration
	// Streaming limits the time from a response to the end of its body.
	Streaming time.Duration
	// Idle is how long to wait for another request.
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
	// Max is how many requests one instance takes in all; values below 1 count as 1.
	Max int
	// Concurrent is how many it takes at once; values below 1 count as 1. Instances of 0.2 take one at a time in any case.
	Concurrent int
}

// ShouldAcceptRequest answers for a worker with concurrent requests out of total ones so far.
func (r Reuse) ShouldAcceptRequest(concurrent, total int) ShouldAccept {
	switch {
	case total >= max(r.Max, 1):
		return Never
	case concurrent >= max(r.Concurrent, 1):
		return No
	}
	return Yes
}
