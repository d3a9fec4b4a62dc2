package bodies

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

func TestBodiesAreReadWhole(t *testing.T) {
	for _, size := range []int{0, 1, firstChunk - 1, firstChunk, firstChunk + 1, 1 << 20} {
		body := strings.Repeat("0123456789abcdef", size/16+1)[:size]
		for _, length := range []int64{-1, int64(size), 0, int64(size) + 7} {
			got, err := Read(strings.NewReader(body), length, 0)
			if err != nil || string(got) != body {
				t.Errorf("%d bytes, said to be %d: %d bytes and %v", size, length, len(got), err)
			}
		}
		if got, err := Read(strings.NewReader(body), -1, int64(max(size, 1))); err != nil || len(got) != size {
			t.Errorf("%d bytes within as large a limit: %d bytes and %v", size, len(got), err)
		}
	}
}

func TestTheLimitIsNamed(t *testing.T) {
	body := bytes.Repeat([]byte("x"), 4<<10+1)
	for _, length := range []int64{-1, int64(len(body))} {
		_, err := Read(bytes.NewReader(body), length, 4<<10)
		var large *TooLargeError
		if !errors.As(err, &large) || large.Error() != "the body is larger than 4 KiB; --max-body allows more" {
			t.Errorf("said to be %d: %v", length, err)
		}
	}
}

func TestWhatCameBeforeAnErrorIsReturned(t *testing.T) {
	cut := errors.New("cut")
	got, err := Read(io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(cut)), 10, 0)
	if string(got) != "abc" || !errors.Is(err, cut) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestNoMoreMemoryIsTakenThanNeeded(t *testing.T) {
	const size = 64 << 20
	body := make([]byte, size)
	taken := func(length, limit int64) int64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := Read(bytes.NewReader(body), length, limit); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		return int64(after.TotalAlloc - before.TotalAlloc)
	}
	for name, n := range map[string]int64{
		"a known length":             taken(size, 0) - size,
		"an unknown length":          taken(-1, 0) - 2*size,
		"an unknown length, bounded": taken(-1, size) - size - largeChunk,
	} {
		if n > largeChunk+1<<20 {
			t.Errorf("%s: %d bytes more than expected", name, n)
		}
	}
}
