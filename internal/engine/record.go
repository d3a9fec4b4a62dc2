package engine

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash/crc32"
	"os"
	"path/filepath"
	"time"

	"github.com/wasihttp/wasihttp/internal/corewasm"
	"github.com/wasihttp/wasihttp/internal/regular"
)

// What was found out about a component is kept beside the code, so that the next start need not
// find it out again. Such a note is a file in the folder of notes. Its name is a hash of all that
// decides on it, this program included, whose next version may find something else. It ends with
// the CRC-32C, in four bytes, of its name and what comes before.

const (
	noteFolder = "notes" // beside the folders of entries
	maxNote    = 1 << 28 // bytes
)

// noteKey returns the name of the note that depends on parts; "" if none is kept.
func (d *diskCache) noteKey(parts ...[]byte) string {
	if d == nil || d.build == "" || d.entries == "" {
		return ""
	}
	h := sha256.New()
	for _, part := range append([][]byte{[]byte(d.build)}, parts...) {
		_ = binary.Write(h, binary.LittleEndian, uint64(len(part)))
		h.Write(part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (d *diskCache) notePath(key string) string {
	return filepath.Join(d.entries, noteFolder, key)
}

// recall returns a note. ok is false if there is no sound one.
func (d *diskCache) recall(key string) (note []byte, ok bool) {
	if key == "" {
		return nil, false
	}
	path := d.notePath(key)
	if _, err := os.Lstat(path); err != nil {
		return nil, false
	}
	b, err := regular.ReadFile(path, maxNote)
	end := len(b) - 4
	if err != nil || end < 0 || binary.LittleEndian.Uint32(b[end:]) != noteSum(key, b[:end]) {
		_ = os.Remove(path)
		return nil, false
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // for prune
	return b[:end:end], true
}

// remember keeps a note. A failure only costs time at the next start.
func (d *diskCache) remember(key string, note []byte) {
	if key != "" {
		_ = d.write(d.notePath(key), binary.LittleEndian.AppendUint32(note, noteSum(key, note)))
	}
}

func noteSum(key string, note []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum([]byte(key), table), table, note)
}

// Recall returns the note that Remember was given for the same parts, by this program in this or an
// earlier process. It is not for secrets. ok is false if there is none.
func (e *Engine) Recall(parts ...[]byte) (note []byte, ok bool) {
	return e.disk.recall(e.disk.noteKey(parts...))
}

// Remember keeps a note that depends on nothing but parts and the program, as long as the cache
// folder has room.
func (e *Engine) Remember(note []byte, parts ...[]byte) {
	if key := e.disk.noteKey(parts...); key != "" {
		e.disk.remember(key, note)
	}
}

// record is the note of what rewriting found out about a module, so that a module that was compiled
// before is neither rewritten nor validated again: only its hash is computed. Its form is
//
//	length of the head: 4 bytes | head: JSON | stub
type record struct {
	head recordHead
	stub []byte
}

type recordHead struct {
	Digest string
	Kept   corewasm.Kept
}

// recordKey returns the name of the record of a module, which depends on its bytes, the providers
// of its imports and all other options.
func (d *diskCache) recordKey(src *Source, opt corewasm.Options) string {
	if d == nil || d.entries == "" {
		return ""
	}
	options, err := json.Marshal(opt)
	if err != nil {
		return ""
	}
	return d.noteKey([]byte("module"), src.digest(), options)
}

// digest returns what identifies the module's bytes.
func (s *Source) digest() []byte {
	if s.Digest != nil {
		return s.Digest()
	}
	sum := sha256.Sum256(s.Wasm)
	return sum[:]
}

// module returns the record of that name; nil if there is no sound one.
func (d *diskCache) module(key string) *record {
	b, ok := d.recall(key)
	if !ok || len(b) < 4 {
		return nil
	}
	n := uint64(binary.LittleEndian.Uint32(b))
	if b = b[4:]; n > uint64(len(b)) {
		return nil
	}
	r := &record{stub: b[n:]}
	if json.Unmarshal(b[:n], &r.head) != nil {
		return nil
	}
	return r
}

// keepModule keeps a record.
func (d *diskCache) keepModule(key string, r record) {
	if head, err := json.Marshal(r.head); err == nil {
		b := binary.LittleEndian.AppendUint32(nil, uint32(len(head)))
		d.remember(key, append(append(b, head...), r.stub...))
	}
}
