package wasi

import (
	crand "crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"math/rand/v2"
)

// MaxRandom is the largest number of random bytes that a guest may request in one call.
const MaxRandom = 64 << 20

// Random is the source of random numbers of one guest. It belongs to the goroutine of the guest. It
// draws nothing before the guest requests random numbers.
type Random struct {
	// Stopped, if not nil, returns the reason why the guest has to stop, or nil. It is called while
	// many bytes are drawn.
	Stopped  func() error
	secure   io.Reader
	insecure *rand.ChaCha8
	seed     *[2]uint64
	first    *Random // the Random whose InsecureSeed is used; nil for this one
}

// NewRandom returns a Random that draws from secure, or from the cryptographic generator of the
// machine if secure is nil. With a reader that repeats itself, everything that a guest draws is
// repeatable.
func NewRandom(secure io.Reader) *Random {
	if secure == nil {
		secure = crand.Reader
	}
	return &Random{secure: secure}
}

// Bytes returns n fresh bytes that are fit for secrets. The caller owns them. The error is that of
// the reader; the generator of the machine has none.
func (r *Random) Bytes(n int) ([]byte, error) {
	return r.draw(r.secure, n)
}

// drawn is the number of random bytes after which the guest can be stopped.
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

// Uint64 returns 64 fresh bits that are fit for secrets.
func (r *Random) Uint64() (uint64, error) {
	var b [8]byte
	if _, err := io.ReadFull(r.secure, b[:]); err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b[:]), nil
}

// InsecureBytes returns n bytes of a fast generator, which is seeded once for each guest. The
// caller owns them.
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

// InsecureSeed returns 128 bits for seeding hash maps, which are the same in each call for a guest.
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

// maxStreams is the number of requests of an instance whose streams of random numbers are kept.
const maxStreams = 256

// seeded holds the random numbers of a State with a seed: one stream for what precedes the first
// request, and one for each request.
type seeded struct {
	first   *Random
	streams map[string]*Random // by the id of the request
	ids     []string           // of streams, in their order
	started uint64             // the number of requests
	drew    bool
}

// stream returns the random numbers of a stream, which is determined by its kind, the seed and a
// number.
func stream(kind string, seed, which uint64) *Random {
	b := []byte(kind)
	b = binary.LittleEndian.AppendUint64(b, seed)
	b = binary.LittleEndian.AppendUint64(b, which)
	return NewRandom(rand.NewChaCha8(sha256.Sum256(b)))
}

// StartRequest sets the stream of random numbers of a request: by its own seed, or else by the seed
// of the State and the number of the request. Without a seed it does nothing.
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

// Drew reports whether the guest has requested random numbers of a seed.
func (s *State) Drew() bool { return s.seeded != nil && s.seeded.drew }

// DrewSecure reports whether the guest has requested random numbers without a seed.
func (s *State) DrewSecure() bool { return s.random != nil }

// Random returns the source for this State or, if it has a seed, for the request that the guest is
// working on.
func (s *State) Random() *Random {
	r := s.source()
	r.Stopped = s.stopped
	return r
}

func (s *State) source() *Random {
	if s.cfg.Seed == nil && s.seeded == nil {
		s.timeline.Draw()
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
