package wasi

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// zeros is an endless source that counts the bytes that are taken.
type zeros struct{ taken int }

func (z *zeros) Read(p []byte) (int, error) {
	z.taken += len(p)
	return len(p), nil
}

// TestRandomBytesEndWithTheGuest stops the guest while it draws as many bytes as it may: little is
// drawn after that.
func TestRandomBytesEndWithTheGuest(t *testing.T) {
	why := errors.New("its time is over")
	for name, draw := range map[string]func(*Random, int) ([]byte, error){
		"secure": (*Random).Bytes, "insecure": (*Random).InsecureBytes,
	} {
		source, asked := &zeros{}, 0
		r := NewRandom(source)
		r.Stopped = func() error {
			if asked++; asked > 2 {
				return why
			}
			return nil
		}
		if b, err := draw(r, MaxRandom); err != why || b != nil {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
		if source.taken > 4*drawn {
			t.Errorf("%s: %d bytes are drawn", name, source.taken)
		}
		r.Stopped = nil
		if b, err := draw(r, 3*drawn+1); len(b) != 3*drawn+1 || err != nil {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
	}
}

// TestFieldsRefuseAtOnceWhatTheyCannotHold gives names and values that are invalid only at their
// end, which nobody looks at: they are longer than any fields.
func TestFieldsRefuseAtOnceWhatTheyCannotHold(t *testing.T) {
	rules := &FieldRules{Bytes: 1000}
	long := strings.Repeat("x", 1001) + "\n"
	value := bytes.Repeat([]byte("x"), 1001)
	f := NewFields(rules)
	for name, err := range map[string]error{
		"append a name":  f.Append(long, nil),
		"append a value": f.Append("a", []byte(long)),
		"set a name":     f.Set(long, nil),
		"set a value":    f.Set("a", [][]byte{[]byte(long)}),
		"set values":     f.Set("a", [][]byte{value[:600], value[:600], {'\n'}}),
		"admit":          f.Admit(1001),
	} {
		if err != ErrFieldsTooBig {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := f.Delete(long); err != ErrFieldsTooBig {
		t.Errorf("delete: %v", err)
	}
	if err := f.Append("A-name", []byte("1")); err != nil {
		t.Fatal(err)
	}
	if f.Has(long) || len(f.Get(long)) > 0 || !f.Has("a-NAME") || len(f.Get("A-NAME")) != 1 {
		t.Error("names are not found as they should")
	}
	if err := f.Freeze().Append(long, nil); err != ErrFieldImmutable {
		t.Errorf("append to frozen fields: %v", err)
	}
}

func TestPartsOfATargetHaveABound(t *testing.T) {
	r := (&State{cfg: &Config{}}).NewOutgoingRequest(NewFields(&noRules))
	long := "/" + strings.Repeat("x", maxPart)
	if r.SetPathWithQuery(long) || r.SetMethod(long[1:]+"x") || r.SetScheme(long[1:]+"x") ||
		r.SetAuthority(long[1:]+"x") {
		t.Error("a part beyond the bound is taken")
	}
	if !r.SetPathWithQuery(long[:maxPart]) {
		t.Error("a path within the bound is refused")
	}
}
