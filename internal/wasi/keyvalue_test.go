package wasi

import (
	"errors"
	"testing"
)

func TestAChangeInMemoryIsWholeOrNotAtAll(t *testing.T) {
	kv := NewKeyValue()
	failed := errors.New("failed")
	err := kv.Update("b", func(tx KeyValueTx) error {
		if err := tx.Set("x", []byte("1")); err != nil {
			t.Error(err)
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Errorf("got %v", err)
	}
	if err := kv.View("b", func(tx KeyValueTx) error {
		if v, ok := tx.Get("x"); ok {
			t.Errorf("got %q", v)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	kv := NewKeyValue().(*memory)
	set := func(bucket, key string, size int) error {
		return kv.Update(bucket, func(tx KeyValueTx) error { return tx.Set(key, make([]byte, size)) })
	}
	if err := set("b", "x", MaxKeyValue/2); err != nil {
		t.Error(err)
	}
	if err := set("b", "y", MaxKeyValue/2); !errors.Is(err, errFull) {
		t.Errorf("too much: got %v", err)
	}
	if err := set("b", "x", 10); err != nil {
		t.Error(err)
	}
	for _, bucket := range []string{"b", "c"} {
		if err := set(bucket, "", 0); err != nil {
			t.Error(err)
		}
		for _, key := range []string{"x", "y", ""} {
			if err := kv.Update(bucket, func(tx KeyValueTx) error { return tx.Delete(key) }); err != nil {
				t.Error(err)
			}
		}
	}
	if kv.size != 0 || len(kv.buckets) != 0 {
		t.Errorf("%d bytes in %d buckets at the end", kv.size, len(kv.buckets))
	}
}
