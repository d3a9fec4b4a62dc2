package engine

import (
	"bytes"
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

// record is what rewriting found out about a module, so that a module that was compiled before is
// neither rewritten nor validated again: only its hash is computed.
//
// Its file's name is a hash of all that decides on the record: the module, the providers of its
// imports, the options, and this program, whose next version may rewrite otherwise. The file is
//
//	length of the head: 4 bytes | head: JSON | stub | CRC-32C: 4 bytes
type record struct {
	head recordHead
	stub []byte
}

type recordHead struct {
	Key    string
	Digest string
	Kept   corewasm.Kept
}

const (
	// recordFolder is the folder of records beside those of entries.
	recordFolder = "modules"
	maxRecord    = 1 << 28 // bytes
)

// recordKey returns the name of the record of a module; "" if none is kept.
func (d *diskCache) recordKey(src *Source, opt corewasm.Options) string {
	if d == nil || d.build == "" || d.entries == "" {
		return ""
	}
	options, err := json.Marshal(opt)
	if err != nil {
		return ""
	}
	h := sha256.New()
	for _, part := range [][]byte{[]byte(d.build), src.digest(), options} {
		_ = binary.Write(h, binary.LittleEndian, uint64(len(part)))
		h.Write(part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// digest returns what identifies the module's bytes.
func (s *Source) digest() []byte {
	if s.Digest != nil {
		return s.Digest()
	}
	sum := sha256.Sum256(s.Wasm)
	return sum[:]
}

func (d *diskCache) recordPath(key string) string {
	return filepath.Join(d.entries, recordFolder, key)
}

// recall returns the record of that name; nil if there is no sound one.
func (d *diskCache) recall(key string) *record {
	if key == "" {
		return nil
	}
	path := d.recordPath(key)
	if _, err := os.Lstat(path); err != nil {
		return nil
	}
	r := new(record)
	b, err := regular.ReadFile(path, maxRecord)
	if err != nil || !r.decode(b) || r.head.Key != key {
		_ = os.Remove(path)
		return nil
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // for prune
	return r
}

// remember keeps a record. A failure only costs time when the module is compiled next.
func (d *diskCache) remember(r record) {
	if b, err := r.encode(); err == nil {
		_ = d.write(d.recordPath(r.head.Key), b)
	}
}

func (r *record) encode() ([]byte, error) {
	head, err := json.Marshal(r.head)
	if err != nil {
		return nil, err
	}
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(head)))
	b = append(append(b, head...), r.stub...)
	return binary.LittleEndian.AppendUint32(b, castagnoli(b)), nil
}

func (r *record) decode(b []byte) (ok bool) {
	end := len(b) - 4
	if end < 4 || binary.LittleEndian.Uint32(b[end:]) != castagnoli(b[:end]) {
		return false
	}
	n := uint64(binary.LittleEndian.Uint32(b))
	if n > uint64(end-4) {
		return false
	}
	head := bytes.Clone(b[4 : 4+n])
	r.stub = b[4+n : end : end]
	return json.Unmarshal(head, &r.head) == nil
}

func castagnoli(b []byte) uint32 {
	return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
}
