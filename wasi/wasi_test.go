package wasi

import (
	"reflect"
	"slices"
	"testing"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// TestNothingOfAConfigIsLost sets every field and looks for it behind the package, where the test
// runner has two more.
func TestNothingOfAConfigIsLost(t *testing.T) {
	var c Config
	fill(t, reflect.ValueOf(&c).Elem())
	got := reflect.ValueOf(c.internal()).Elem()
	own := []string{"Steady", "Recorded"}
	for i := range got.NumField() {
		if name := got.Type().Field(i).Name; got.Field(i).IsZero() && !slices.Contains(own, name) {
			t.Errorf("field %s is lost", name)
		}
	}
	if want, n := reflect.TypeFor[Config]().NumField(), got.NumField()-len(own); n != want {
		t.Errorf("%d fields behind the package, %d in it", n, want)
	}
}

// fill sets the fields of a struct to something that is not zero.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	for i := range v.NumField() {
		f := v.Field(i)
		switch f.Kind() {
		case reflect.String:
			f.SetString("x")
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Int:
			f.SetInt(1)
		case reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 1, 1))
		case reflect.Pointer:
			f.Set(reflect.New(f.Type().Elem()))
		case reflect.Interface:
			if store := reflect.ValueOf(NewKeyValue()); store.Type().AssignableTo(f.Type()) {
				f.Set(store)
				break
			}
			f.Set(reflect.ValueOf(all{}))
		case reflect.Func:
			f.Set(reflect.MakeFunc(f.Type(), func([]reflect.Value) []reflect.Value { return nil }))
		default:
			t.Fatalf("field of kind %s", f.Kind())
		}
	}
}

// all reads, writes and learns of refusals and spans.
type all struct{}

func (all) Read([]byte) (int, error)    { return 0, nil }
func (all) Write(p []byte) (int, error) { return len(p), nil }
func (all) Refused(Use)                 {}
func (all) Trace() *wasi.Trace          { return nil }
func (all) Span(wasi.Span)              {}

func TestTheZeroConfigDeniesRequests(t *testing.T) {
	s := NewState(&Config{})
	defer s.Close()
	if s.Config().Client != nil {
		t.Error("there is a client")
	}
	var _ *wasi.State = s
}
