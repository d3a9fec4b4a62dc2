package drafts

import (
	"errors"
	"math"
	"strconv"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// keyvalueVersion is the version of wasi:keyvalue that is offered.
const keyvalueVersion = "@0.2.0-draft"

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

// outcome returns the result that a guest gets.
func outcome(ok component.Value, err error) (component.Value, error) {
	if err != nil {
		return component.Err(component.Variant(other, component.String(err.Error()))), nil
	}
	return ok, nil
}

type value = component.Value

// optional returns a value that may be missing.
func optional(v value, ok bool) value {
	if !ok {
		return component.None()
	}
	return component.Some(v)
}

// addKeyValue adds wasi:keyvalue. Each function but open is one transaction.
func addKeyValue(l *component.Linker, uses func(*component.HostInstance) stateOf) {
	store := l.Instance("wasi:keyvalue/store" + keyvalueVersion)
	state := uses(store)
	store.Type("error", "variant { no-such-store, access-denied, other(string) }")
	store.Type("key-response", "record { keys: list<string>, cursor: option<u64> }")
	store.Resource("bucket", nil)
	store.Func("open", "func(identifier: string) -> result<bucket, error>",
		func(c *component.Call, args []value) (value, error) {
			kv := state(c).Config().KeyValue
			if kv == nil {
				return component.Err(component.Variant(accessDenied, value{})), nil
			}
			return component.Ok(component.Own(&bucket{kv, args[0].Str()})), nil
		})
	method := func(i *component.HostInstance, name, wit string, update bool,
		f func(tx wasi.KeyValueTx, args []value) (value, error)) {
		state := uses(i)
		i.Func(name, wit, func(c *component.Call, args []value) (v value, err error) {
			state(c)
			b := bucketOf(args[0])
			do := b.store.View
			if update {
				do = b.store.Update
			}
			err = do(b.name, func(tx wasi.KeyValueTx) (err error) {
				v, err = f(tx, args[1:])
				return err
			})
			return outcome(component.Ok(v), err)
		})
	}
	const self = "func(self: borrow<bucket>, "
	method(store, "[method]bucket.get", self+"key: string) -> result<option<list<u8>>, error>", false,
		func(tx wasi.KeyValueTx, args []value) (value, error) {
			v, ok := tx.Get(args[0].Str())
			return optional(component.Bytes(v), ok), nil
		})
	method(store, "[method]bucket.set", self+"key: string, value: list<u8>) -> result<_, error>", true,
		func(tx wasi.KeyValueTx, args []value) (value, error) {
			return value{}, tx.Set(args[0].Str(), args[1].Bytes())
		})
	method(store, "[method]bucket.delete", self+"key: string) -> result<_, error>", true,
		func(tx wasi.KeyValueTx, args []value) (value, error) {
			return value{}, tx.Delete(args[0].Str())
		})
	method(store, "[method]bucket.exists", self+"key: string) -> result<bool, error>", false,
		func(tx wasi.KeyValueTx, args []value) (value, error) {
			_, ok := tx.Get(args[0].Str())
			return component.Bool(ok), nil
		})
	method(store, "[method]bucket.list-keys",
		self+"cursor: option<u64>) -> result<key-response, error>", false, listKeys)

	atomics := l.Instance("wasi:keyvalue/atomics" + keyvalueVersion)
	atomics.Use(store, "bucket", "error")
	method(atomics, "increment",
		"func(bucket: borrow<bucket>, key: string, delta: u64) -> result<u64, error>", true, increment)

	batch := l.Instance("wasi:keyvalue/batch" + keyvalueVersion)
	batch.Use(store, "bucket", "error")
	const of = "func(bucket: borrow<bucket>, "
	method(batch, "get-many",
		of+"keys: list<string>) -> result<list<option<tuple<string, list<u8>>>>, error>", false,
		func(tx wasi.KeyValueTx, args []value) (value, error) {
			var found []value
			for _, key := range args[0].Items() {
				v, ok := tx.Get(key.Str())
				found = append(found, optional(component.Record(key, component.Bytes(v)), ok))
			}
			return component.List(found...), nil
		})
	method(batch, "set-many",
		of+"key-values: list<tuple<string, list<u8>>>) -> result<_, error>", true,
		func(tx wasi.KeyValueTx, args []value) (value, error) {
			for _, pair := range args[0].Items() {
				kv := pair.Items()
				if err := tx.Set(kv[0].Str(), kv[1].Bytes()); err != nil {
					return value{}, err
				}
			}
			return value{}, nil
		})
	method(batch, "delete-many", of+"keys: list<string>) -> result<_, error>", true,
		func(tx wasi.KeyValueTx, args []value) (value, error) {
			for _, key := range args[0].Items() {
				if err := tx.Delete(key.Str()); err != nil {
					return value{}, err
				}
			}
			return value{}, nil
		})
}

// listKeys returns some of the keys, in order; the cursor is how many there were before.
func listKeys(tx wasi.KeyValueTx, args []value) (value, error) {
	var skip uint64
	if args[0].IsSome() {
		skip = args[0].Payload().U64()
	}
	keys, more := tx.Keys(skip, keysAtOnce)
	var list []value
	for _, key := range keys {
		list = append(list, component.String(key))
	}
	next := optional(component.U64(skip+uint64(len(keys))), more)
	return component.Record(component.List(list...), next), nil
}

var (
	errNoNumber = errors.New("the value is not a decimal number")
	errOverflow = errors.New("the sum is larger than a u64")
)

// increment adds to a number, which is stored in decimal digits.
func increment(tx wasi.KeyValueTx, args []value) (value, error) {
	var n uint64
	if v, ok := tx.Get(args[0].Str()); ok {
		var err error
		if n, err = strconv.ParseUint(string(v), 10, 64); err != nil {
			return value{}, errNoNumber
		}
	}
	delta := args[1].U64()
	if delta > math.MaxUint64-n {
		return value{}, errOverflow
	}
	n += delta
	return component.U64(n), tx.Set(args[0].Str(), strconv.AppendUint(nil, n, 10))
}
