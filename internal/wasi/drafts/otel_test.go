package drafts

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/wasihttp/wasihttp/component"
)

func TestAnyTimeOfASpanCanBeWrittenAsJSON(t *testing.T) {
	for _, seconds := range []uint64{0, 253402300799, math.MaxInt64, math.MaxUint64} {
		for _, nanoseconds := range []uint32{0, 999_999_999, 1_000_000_000, math.MaxUint32} {
			at := timeOf(component.Record(component.U64(seconds), component.U32(nanoseconds)))
			if _, err := json.Marshal(at); err != nil {
				t.Errorf("%d s %d ns: %v", seconds, nanoseconds, err)
			}
		}
	}
}
