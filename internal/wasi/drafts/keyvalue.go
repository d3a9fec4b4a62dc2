package drafts

import (
	"bytes"
	"errors"
	"math"
	"strconv"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// keyValueDraft is a draft of wasi:keyvalue and what it has of its own. None is compatible with
// another.
type keyValueDraft struct {
	version string
	// cursor is the type of cursors, which are how many keys there were before.
	cursor         string
	cursorOf       func(n uint64) value
	parseCursor    func(v value) (n uint64, ok bool)
	number         string // the type of the numbers that are added
	increment      func(tx wasi.KeyValueTx, key string, delta value) (value, error)
	many           string // what get-many returns for each key
	manyOf         func(key value, found value) value
	compareAndSwap bool // has the resource cas
}

// keyValueDrafts returns the drafts that hosts implement: wasmtime and wasmCloud the first, Spin
// the second. A name without a version stands for the first.
func keyValueDrafts() []keyValueDraft {
	first := keyValueDraft{
		version: "@0.2.0-draft",
		cursor:  "u64", cursorOf: component.U64,
		parseCursor: func(v value) (uint64, bool) { return v.U64(), true },
		number:      "u64", increment: incrementUnsigned,
		many: "option<tuple<string, list<u8>>>",
		manyOf: func(key, found value) value {
			if !found.IsSome() {
				return component.None()
			}
			return component.Some(component.Record(key, found.Payload()))
		},
	}
	second := keyValueDraft{
		version: "@0.2.0-draft2",
		cursor:  "string",
		cursorOf: func(n uint64) value {
			return component.String(strconv.FormatUint(n, 10))
		},
		parseCursor: func(v value) (uint64, bool) {
			n, err := strconv.ParseUint(v.Str(), 10, 64)
			return n, err == nil
		},
		number: "s64", increment: incrementSigned,
		many:   "tuple<string, option<list<u8>>>",
		manyOf: func(key, found value) value { return component.Record(key, found) },

		compareAndSwap: true,
	}
	bare := first
	bare.version = ""
	return []keyValueDraft{first, second, bare}
}

// keysAtOnce is how many keys list-keys returns in one response.
const keysAtOnce = 1000

// bucket is what a guest has opened.
type bucket struct {
	store wasi.KeyValue
	name  string
}

func bucketOf(v component.Value) *bucket { return v.Rep().(*bucket) }

// The cases of wasi:keyvalue/store.error.
const (
	accessDenied = 1
	other        = 2
)

type value = component.Value

func storeError(err error) value { return component.Variant(other, component.String(err.Error())) }

// outcome returns the result that a guest gets.
func outcome(ok value, err error) (value, error) {
	if err != nil {
		return component.Err(storeError(err)), nil
	}
	return component.Ok(ok), nil
}

// stored returns the value of a key, which may have none.
func stored(tx wasi.KeyValueTx, key string) value {
	v, ok := tx.Get(key)
	if !ok {
		return component.None()
	}
	return component.Some(component.Bytes(v))
}

// access is how a function works on a bucket.
type access int

const (
	view   access = iota // it changes nothing
	update               // it changes something
)

// do calls f with a bucket in one transaction.
func (b *bucket) do(st *wasi.State, a access, f func(tx wasi.KeyValueTx) error) error {
	if a == view {
		st.Uses(wasi.UseKeyValue, b.name, false)
		return b.store.View(b.name, f)
	}
	st.Writes(wasi.UseKeyValue, b.name, false)
	return b.store.Update(b.name, f)
}

// add offers the interfaces of a draft. Each function but open is one transaction.
func (d *keyValueDraft) add(h *host) {
	store := h.l.Instance("wasi:keyvalue/store" + d.version)
	store.Type("error", "variant { no-such-store, access-denied, other(string) }")
	store.Type("key-response", "record { keys: list<string>, cursor: option<"+d.cursor+"> }")
	store.Resource("bucket", nil)
	h.define(store, "open", "func(identifier: string) -> result<bucket, error>",
		func(st *wasi.State, args []value) (value, error) {
			kv, name := st.Config().KeyValue, args[0].Str()
			st.Uses(wasi.UseKeyValue, name, kv == nil)
			if kv == nil {
				return component.Err(component.Variant(accessDenied, value{})), nil
			}
			return component.Ok(component.Own(&bucket{kv, name})), nil
		})
	// method adds a function whose first argument is a bucket.
	method := func(i *component.HostInstance, name, wit string, a access,
		f func(tx wasi.KeyValueTx, args []value) (value, error)) {
		h.define(i, name, wit, func(st *wasi.State, args []value) (v value, err error) {
			err = bucketOf(args[0]).do(st, a, func(tx wasi.KeyValueTx) (err error) {
				v, err = f(tx, args[1:])
				return err
			})
			return outcome(v, err)
		})
	}
	const self = "func(self: borrow<bucket>, "
	method(store, "[method]bucket.get", self+"key: string) -> result<option<list<u8>>, error>",
		view, func(tx wasi.KeyValueTx, args []value) (value, error) {
			return stored(tx, args[0].Str()), nil
		})
	method(store, "[method]bucket.set", self+"key: string, value: list<u8>) -> result<_, error>",
		update, func(tx wasi.KeyValueTx, args []value) (value, error) {
			return value{}, tx.Set(args[0].Str(), args[1].Bytes())
		})
	method(store, "[method]bucket.delete", self+"key: string) -> result<_, error>", update,
		func(tx wasi.KeyValueTx, args []value) (value, error) {
			return value{}, tx.Delete(args[0].Str())
		})
	method(store, "[method]bucket.exists", self+"key: string) -> result<bool, error>", view,
		func(tx wasi.KeyValueTx, args []value) (value, error) {
			_, ok := tx.Get(args[0].Str())
			return component.Bool(ok), nil
		})
	method(store, "[method]bucket.list-keys",
		self+"cursor: option<"+d.cursor+">) -> result<key-response, error>", view, d.listKeys)

	atomics := h.l.Instance("wasi:keyvalue/atomics" + d.version)
	atomics.Use(store, "bucket", "error")
	method(atomics, "increment", "func(bucket: borrow<bucket>, key: string, delta: "+d.number+
		") -> result<"+d.number+", error>", update,
		func(tx wasi.KeyValueTx, args []value) (value, error) {
			return d.increment(tx, args[0].Str(), args[1])
		})
	if d.compareAndSwap {
		addCompareAndSwap(h, atomics)
	}

	batch := h.l.Instance("wasi:keyvalue/batch" + d.version)
	batch.Use(store, "bucket", "error")
	const of = "func(bucket: borrow<bucket>, "
	method(batch, "get-many", of+"keys: list<string>) -> result<list<"+d.many+">, error>", view,
		func(tx wasi.KeyValueTx, args []value) (value, error) {
			var found []value
			for _, key := range args[0].Items() {
				found = append(found, d.manyOf(key, stored(tx, key.Str())))
			}
			return component.List(found...), nil
		})
	method(batch, "set-many",
		of+"key-values: list<tuple<string, list<u8>>>) -> result<_, error>", update,
		func(tx wasi.KeyValueTx, args []value) (value, error) {
			for _, pair := range args[0].Items() {
				kv := pair.Items()
				if err := tx.Set(kv[0].Str(), kv[1].Bytes()); err != nil {
					return value{}, err
				}
			}
			return value{}, nil
		})
	method(batch, "delete-many", of+"keys: list<string>) -> result<_, error>", update,
		func(tx wasi.KeyValueTx, args []value) (value, error) {
			for _, key := range args[0].Items() {
				if err := tx.Delete(key.Str()); err != nil {
					return value{}, err
				}
			}
			return value{}, nil
		})
}

var errNoCursor = errors.New("the cursor is none that list-keys has returned")

// listKeys returns some of the keys, in order.
func (d *keyValueDraft) listKeys(tx wasi.KeyValueTx, args []value) (value, error) {
	var skip uint64
	if args[0].IsSome() {
		n, ok := d.parseCursor(args[0].Payload())
		if !ok {
			return value{}, errNoCursor
		}
		skip = n
	}
	keys, more := tx.Keys(skip, keysAtOnce)
	var list []value
	for _, key := range keys {
		list = append(list, component.String(key))
	}
	next := component.None()
	if more {
		next = component.Some(d.cursorOf(skip + uint64(len(keys))))
	}
	return component.Record(component.List(list...), next), nil
}

var (
	errNoNumber = errors.New("the value is not a decimal number that fits")
	errOverflow = errors.New("the sum is out of range")
)

// incrementUnsigned adds to a number, which is stored in decimal digits.
func incrementUnsigned(tx wasi.KeyValueTx, key string, by value) (value, error) {
	var n uint64
	if v, ok := tx.Get(key); ok {
		var err error
		if n, err = strconv.ParseUint(string(v), 10, 64); err != nil {
			return value{}, errNoNumber
		}
	}
	delta := by.U64()
	if delta > math.MaxUint64-n {
		return value{}, errOverflow
	}
	n += delta
	return component.U64(n), tx.Set(key, strconv.AppendUint(nil, n, 10))
}

// incrementSigned is incrementUnsigned for numbers that may be negative.
func incrementSigned(tx wasi.KeyValueTx, key string, by value) (value, error) {
	var n int64
	if v, ok := tx.Get(key); ok {
		var err error
		if n, err = strconv.ParseInt(string(v), 10, 64); err != nil {
			return value{}, errNoNumber
		}
	}
	delta := by.S64()
	if sum := n + delta; (sum > n) != (delta > 0) && delta != 0 {
		return value{}, errOverflow
	}
	n += delta
	return component.S64(n), tx.Set(key, strconv.AppendInt(nil, n, 10))
}

// cas is a key and the value that it must still have when it is swapped.
type cas struct {
	bucket *bucket
	key    string
	base   []byte
	exists bool
}

// read makes the value of the key that to compare with.
func (c *cas) read(tx wasi.KeyValueTx) { c.base, c.exists = tx.Get(c.key) }

// errChanged ends the transaction of a swap that does not happen.
var errChanged = errors.New("the value has changed")

// The cases of wasi:keyvalue/atomics.cas-error.
const (
	casStoreError = 0
	casFailed     = 1
)

// addCompareAndSwap adds what the first draft of wasi:keyvalue/atomics does not have. A swap
// happens if the value is what it was when its cas was made.
func addCompareAndSwap(h *host, atomics *component.HostInstance) {
	atomics.Resource("cas", nil)
	atomics.Type("cas-error", "variant { store-error(error), cas-failed(cas) }")
	h.define(atomics, "[static]cas.new",
		"func(bucket: borrow<bucket>, key: string) -> result<cas, error>",
		func(st *wasi.State, args []value) (value, error) {
			c := &cas{bucket: bucketOf(args[0]), key: args[1].Str()}
			err := c.bucket.do(st, view, func(tx wasi.KeyValueTx) error {
				c.read(tx)
				return nil
			})
			if err != nil {
				return outcome(value{}, err)
			}
			return component.Ok(component.Own(c)), nil
		})
	h.define(atomics, "[method]cas.current",
		"func(self: borrow<cas>) -> result<option<list<u8>>, error>",
		func(st *wasi.State, args []value) (v value, err error) {
			c := args[0].Rep().(*cas)
			err = c.bucket.do(st, view, func(tx wasi.KeyValueTx) error {
				v = stored(tx, c.key)
				return nil
			})
			return outcome(v, err)
		})
	h.define(atomics, "swap", "func(cas: cas, value: list<u8>) -> result<_, cas-error>",
		func(st *wasi.State, args []value) (value, error) {
			c := args[0].Rep().(*cas)
			latest := &cas{bucket: c.bucket, key: c.key}
			err := c.bucket.do(st, update, func(tx wasi.KeyValueTx) error {
				latest.read(tx)
				if latest.exists != c.exists || !bytes.Equal(latest.base, c.base) {
					return errChanged
				}
				return tx.Set(c.key, args[1].Bytes())
			})
			switch {
			case errors.Is(err, errChanged):
				return component.Err(component.Variant(casFailed, component.Own(latest))), nil
			case err != nil:
				return component.Err(component.Variant(casStoreError, storeError(err))), nil
			}
			return component.Ok(value{}), nil
		})
}
