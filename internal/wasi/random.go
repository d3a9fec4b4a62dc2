package wasi

import (
	crand "crypto/rand"
	"crypto/sha256"
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
	first    *Random // whose InsecureSeed counts; nil for its own
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
	if r.first != nil {
		return r.first.InsecureSeed()
	}
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

// maxStreams is how many requests of an instance keep their stream of random numbers.
const maxStreams = 256

// seeded are the random numbers of a State with a seed: a stream for what comes before the first
// request, and one for each request.
type seeded struct {
	first   *Random
	streams map[string]*Random // by the id of the request
	ids     []string           // of streams, in their order
	started uint64             // requests
	drew    bool
}

// stream returns the numbers of a stream: which one, of a kind.
func stream(kind string, seed, which uint64) *Random {
	b := []byte(kind)
	b = binary.LittleEndian.AppendUint64(b, seed)
	b = binary.LittleEndian.AppendUint64(b, which)
	return NewRandom(rand.NewChaCha8(sha256.Sum256(b)))
}

// StartRequest gives a request its stream of random numbers, if the State has a seed: that of its
// own seed, or else of its place among the requests of the State.
func (s *State) StartRequest(id string, seed *uint64) {
	if s.cfg.Seed == nil && seed == nil {
		return
	}
	r := s.seeds()
	var own *Random
	if seed != nil {
		own = stream("own", *seed, 0)
	} else {
		own = stream("request", *s.cfg.Seed, r.started)
	}
	own.first = r.first
	r.started++
	if len(r.ids) >= maxStreams {
		delete(r.streams, r.ids[0])
		r.ids = r.ids[1:]
	}
	r.streams[id] = own
	r.ids = append(r.ids, id)
}

func (s *State) seeds() *seeded {
	if s.seeded == nil {
		first := NewRandom(s.cfg.Random)
		if s.cfg.Seed != nil {
			first = stream("start", *s.cfg.Seed, 0)
		}
		s.seeded = &seeded{first: first, streams: make(map[string]*Random)}
	}
	return s.seeded
}

// Drew reports whether the guest has asked for random numbers of a seed.
func (s *State) Drew() bool { return s.seeded != nil && s.seeded.drew }

// Random returns the randomness of this store: of the request that the guest works for, if the
// store has a seed.
func (s *State) Random() *Random {
	r := s.source()
	r.Stopped = s.stopped
	return r
}

func (s *State) source() *Random {
	if s.cfg.Seed == nil && s.seeded == nil {
		if s.random == nil {
			s.random = NewRandom(s.cfg.Random)
		}
		return s.random
	}
	r := s.seeds()
	r.drew = true
	if c := s.cfg.Client; c != nil && c.Sender != nil {
		if own := r.streams[c.Sender()]; own != nil {
			return own
		}
	}
	return r.first
}
