package engine

import "testing"

func TestEstimateOfProgressGrowsAndNeverEnds(t *testing.T) {
	const code = 1 << 20
	before := -1.0
	for _, perByte := range []uint64{0, 1, 10, 25, 45, 75, 200} {
		part := compiledPart(perByte*code, code)
		if part <= before || part >= 1 {
			t.Errorf("%d bytes for each of code: %v, after %v", perByte, part, before)
		}
		before = part
	}
	// What compilers of known languages allocate at the end must look like one.
	for _, perByte := range []uint64{25, 75} {
		if part := compiledPart(perByte*code, code); part < 0.5 || part > 0.95 {
			t.Errorf("%d bytes for each of code are %v", perByte, part)
		}
	}
}

func TestProgressIsReportedUntilItIsStopped(t *testing.T) {
	told := make(chan int, 1)
	stop := estimateProgress(func(done, total int) {
		if done < 0 || done >= total {
			t.Errorf("%d of %d", done, total)
		}
		select {
		case told <- done:
		default:
		}
	}, 1<<20, 1000)
	<-told
	stop()
}
