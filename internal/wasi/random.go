package wasi

import (
	crand "crypto/rand"
	"encoding/binary"
	"io"
	"math/rand/v2"
)

// MaxRandom is the number of random bytes that a guest may ask for in one call.
const MaxRandom = 64 << 20

// Random is the source of random numbers of one guest. It belongs to the guest's goroutine. Nothing
// is drawn before the guest asks for it.
type Random struct {
	// Stopped, unless nil, returns why the guest has to stop, nil if it does not: it is asked while
	// many bytes are drawn.
	Stopped  func() error
	secure   io.Reader
	insecure *rand.ChaCha8
	seed     *[2]uint64
}

// NewRandom returns a Random that draws from secure; nil stands for the machine's cryptographic
// generator. A reader that repeats itself makes everything that a guest draws repeatable.
func NewRandom(secure io.Reader) *Random {
	if secure == nil {
		secure = crand.Reader
	}
	return &Random{secure: secure}
}

// Bytes returns n fresh bytes fit for secrets, which the caller owns. The error is the reader's;
// there is none for the machine's generator.
func (r *Random) Bytes(n int) ([]byte, error) {
	return r.draw(r.secure, n)
}

// drawn is how many random bytes are drawn before the guest can be stopped.
const drawn = 1 << 20

// draw reads n bytes from g.
func (r *Random) draw(g io.Reader, n int) ([]byte, error) {
	b := make([]byte, n)
	for at := 0; at < n; at += drawn {
		if at > 0 && r.Stopped != nil {
			if err := r.Stopped(); err != nil {
				return nil, err
			}
		}
		if _, err := io.ReadFull(g, b[at:min(at+drawn, n)]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// Uint64 returns 64 fresh bits fit for secrets.
func (r *Random) Uint64() (uint64, error) {
	var b [8]byte
	if _, err := io.ReadFull(r.secure, b[:]); err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b[:]), nil
}

// InsecureBytes returns n bytes of a fast generator that is seeded once per guest; the caller owns
// them.
func (r *Random) InsecureBytes(n int) ([]byte, error) {
	g, err := r.generator()
	if err != nil {
		return nil, err
	}
	return r.draw(g, n)
}

// InsecureUint64 returns 64 bits of the fast generator.
func (r *Random) InsecureUint64() (uint64, error) {
	g, err := r.generator()
	if err != nil {
		return 0, err
	}
	return g.Uint64(), nil
}

// InsecureSeed returns 128 bits for seeding hash maps, the same ones at each call for a guest.
func (r *Random) InsecureSeed() ([2]uint64, error) {
	if r.seed == nil {
		var b [16]byte
		if _, err := io.ReadFull(r.secure, b[:]); err != nil {
			return [2]uint64{}, err
		}
		r.seed = &[2]uint64{binary.LittleEndian.Uint64(b[:8]), binary.LittleEndian.Uint64(b[8:])}
	}
	return *r.seed, nil
}

func (r *Random) generator() (*rand.ChaCha8, error) {
	if r.insecure == nil {
		var key [32]byte
		if _, err := io.ReadFull(r.secure, key[:]); err != nil {
			return nil, err
		}
		r.insecure = rand.NewChaCha8(key)
	}
	return r.insecure, nil
}
