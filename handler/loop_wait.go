package handler

import "context"

// nextStep is what the owner does after it has waited.
type nextStep uint8

const (
	goOn  nextStep = iota
	end            // the instance has to end
	leave          // the worker is another goroutine's from now on
)

// wait parks the worker, if it may take a request, until there is something to do. It may return
// the next request.
func (l *loop) wait() (x *exchange, then nextStep, err error) {
	n := len(l.byID)
	accept, refusing, err := l.accept(n)
	if err == nil {
		var over bool
		if over, err = l.review(accept == Never || refusing); over {
			then = end
		}
	}
	if err != nil || then == end {
		l.settle(true)
		return nil, then, err
	}
	if n == 0 && l.proxy.Idle() && l.w.inst.Waits == nil {
		x, then = l.rest(accept != Yes)
		return x, then, nil
	}
	if l.w.borrowed {
		l.w.borrowed = false
		l.w.h.crew.goOn(l.w)
		return nil, leave, nil
	}
	defer l.settle(true)
	var next chan *exchange
	if accept == Yes || n == 0 {
		l.w.sits = true
		var ok bool
		if x, ok = l.w.h.park(l.w, accept != Yes); x != nil {
			return x, goOn, nil
		} else if ok {
			next = l.w.next
		} else if l.retiring = true; n == 0 {
			return nil, end, nil
		}
	}
	// After that: a request that comes because of the response finds the instance free.
	l.settle(true)
	if waits := l.w.inst.Waits; waits != nil {
		waits(true)
		defer waits(false)
	}
	l.waits.Store(true)
	defer l.waits.Store(false)
	select {
	case x = <-next:
		if x == nil {
			l.retiring = true
		}
		return x, l.after(x, n), nil
	case <-l.proxy.Wake():
	case <-l.nudge:
	case <-l.w.ctx.Done():
		err = context.Cause(&l.w.ctx)
	}
	if next != nil && !l.w.h.withdraw(l.w) {
		if x = <-l.w.next; x == nil {
			l.retiring = true
			return nil, l.after(nil, n), err
		}
	}
	if err != nil && x != nil {
		l.w.passOn(x, err)
		x = nil
	}
	return x, goOn, err
}

// after returns what to do after the message x, which ends a worker that has no tasks if it is nil.
func (l *loop) after(x *exchange, tasks int) nextStep {
	if x == nil && tasks == 0 {
		return end
	}
	return goOn
}

// rest parks the worker without a goroutine: nothing happens in the instance before it gets a
// message. rest returns the next request if there is one already.
func (l *loop) rest(refuses bool) (x *exchange, then nextStep) {
	var few [4]*task
	responded := append(few[:0], l.responded...)
	clear(l.responded)
	l.responded = l.responded[:0]
	l.w.sits = false
	x, ok := l.w.h.park(l.w, refuses)
	switch {
	case x != nil:
	case ok:
		then = leave // nothing of the loop may be touched any more
	default:
		l.retiring, then = true, end
	}
	for _, t := range responded {
		if then == leave {
			t.x.comeBack()
		}
		t.x.settle()
	}
	return x, then
}

// accept asks the embedder, and the guest, whether another request may come; refusing reports that
// the guest holds requests back.
func (l *loop) accept(concurrent int) (a ShouldAccept, refusing bool, err error) {
	defer recoverTo(&err)
	if l.retiring {
		return Never, false, nil
	}
	if a = l.w.inst.State.ShouldAcceptRequest(concurrent, l.w.total); a == Never {
		l.retiring = true
	}
	if refusing = l.proxy.Refusing(); a == Yes && refusing {
		a = No
	}
	return a, refusing, nil
}
