package diff

// ByteDiff is the first difference between two byte strings, with what is
// around it.
type ByteDiff struct {
	Offset  int64 `json:"offset"` // of the first byte that differs
	WantLen int64 `json:"want_length"`
	GotLen  int64 `json:"got_length"`
	// Start is where the windows begin.
	Start int64  `json:"start"`
	Want  []byte `json:"want"`
	Got   []byte `json:"got"`
}

// The window begins up to two rows of a hex dump before the difference, and is
// four rows long.
const (
	rowBytes    = 16
	windowBytes = 4 * rowBytes
)

func binary(want, got []byte) *Diff {
	offset := 0
	for offset < len(want) && offset < len(got) && want[offset] == got[offset] {
		offset++
	}
	start := max(0, offset-offset%rowBytes-rowBytes)
	window := func(b []byte) []byte {
		return b[min(start, len(b)):min(start+windowBytes, len(b))]
	}
	return &Diff{Kind: Binary, Bytes: &ByteDiff{
		Offset: int64(offset), WantLen: int64(len(want)), GotLen: int64(len(got)),
		Start: int64(start), Want: window(want), Got: window(got),
	}}
}
