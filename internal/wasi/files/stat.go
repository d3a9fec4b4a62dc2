package files

import "time"

// Type is the kind of a file. The order is that of descriptor-type in WASI 0.2.
type Type uint8

// The kinds of files.
const (
	Unknown Type = iota
	BlockDevice
	CharacterDevice
	Directory
	FIFO
	SymbolicLink
	RegularFile
	Socket
)

// Stat holds the attributes of a file. An unknown time is zero.
type Stat struct {
	Type                   Type
	Links, Size            uint64
	Access, Modify, Change time.Time

	// Dev and Ino identify a file.
	Dev, Ino uint64
}

// Hash returns 128 bits that are equal for the same file, and different for two files.
func (s *Stat) Hash() (lower, upper uint64) {
	lower = mix(s.Ino ^ mix(s.Dev))
	return lower, mix(s.Dev + lower)
}

// mix is a permutation of 64 bits in which each bit of the result depends on all of x: the
// finalizer of SplitMix64.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Stamp is a time to be set.
type Stamp struct {
	Kind StampKind
	Time time.Time // StampTime
}

// StampKind is the kind of a Stamp. The order is that of new-timestamp.
type StampKind uint8

// The kinds of Stamps.
const (
	StampKeep StampKind = iota
	StampNow
	StampTime
)
