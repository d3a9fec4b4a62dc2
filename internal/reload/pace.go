package reload

import "runtime"

// pace keeps requests quick while something is compiled beside them. It acts on
// the whole process, so there is one, with one owner.
//
// A compilation keeps one thread busy for seconds. On a machine with few
// processors the Go scheduler, which lets a goroutine run for 10 ms at a time,
// then has nothing left for a moment whenever the collector works too; with more
// threads than processors the system decides instead, which is much quicker to
// do so.
type pace struct {
	loads int
	procs int // as they were
}

const fewProcs = 4 // with fewer processors, threads are added up to that number

// begin is called when a load begins, end when it has ended.
func (p *pace) begin() {
	if p.loads++; p.loads > 1 {
		return
	}
	p.procs = runtime.GOMAXPROCS(0)
	if p.procs < fewProcs {
		runtime.GOMAXPROCS(fewProcs)
	}
}

func (p *pace) end() {
	if p.loads--; p.loads > 0 {
		return
	}
	runtime.GOMAXPROCS(p.procs)
}
