package engine

import (
	"math"
	"runtime/metrics"
	"time"
)

// How the progress of a compilation is estimated: how often, from what size of
// code on, and how many bytes the compiler allocates for each byte of it. That is
// 25 to 75, by what functions are like, but does not depend on the machine.
const (
	progressTick      = 100 * time.Millisecond
	progressCode      = 128 << 10
	allocatedPerBytes = 45
)

// progress reports the progress of a compilation of that many bytes of code, until stop is called.
func (s *Source) progress(code int) (stop func()) {
	if s.Progress == nil || code < progressCode {
		return func() {}
	}
	return estimateProgress(s.Progress, code, len(s.Wasm))
}

// estimateProgress calls progress repeatedly, until stop is called, with an estimate of how far a
// compilation of code bytes, of a module of total bytes, has come. wazero does not report it, but
// what it has allocated grows with each function. Because the estimate may be too high, it gets
// slower and never reaches the end.
func estimateProgress(progress func(done, total int), code, total int) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	begin := allocated()
	go func() {
		defer close(ended)
		ticker := time.NewTicker(progressTick)
		defer ticker.Stop()
		for {
			select {
			case <-end:
				return
			case <-ticker.C:
				progress(int(compiledPart(allocated()-begin, code)*float64(total)), total)
			}
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}

// compiledPart returns how much of the code has probably been compiled after so many bytes have
// been allocated.
func compiledPart(bytes uint64, code int) float64 {
	return 1 - math.Exp(-1.5*float64(bytes)/(allocatedPerBytes*float64(code)))
}

// allocated returns how many bytes the process has allocated since it began.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}
