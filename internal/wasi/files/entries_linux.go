package files

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// kinds are the types of what a list of the system names, by their numbers there.
var kinds = map[byte]Type{
	unix.DT_BLK: BlockDevice, unix.DT_CHR: CharacterDevice, unix.DT_DIR: Directory,
	unix.DT_FIFO: FIFO, unix.DT_LNK: SymbolicLink, unix.DT_REG: RegularFile, unix.DT_SOCK: Socket,
}

// readEntries returns entries of an open folder, about n. A file system need not say of what kind
// they are; then each is looked at.
func readEntries(dir *os.File, n int) (list []Entry, err error) {
	buf := make([]byte, 64*n)
	for len(list) == 0 && err == nil {
		var got int
		err = withFd(dir, func(fd int) (err error) {
			got, err = unix.ReadDirent(fd, buf)
			return err
		})
		if err == nil && got <= 0 {
			err = io.EOF
		}
		list = entriesOf(dir, buf[:max(got, 0)])
	}
	return list, err
}

// entriesOf returns the entries in a part of a list: for each the number of its file (8 bytes), its
// place in the list (8), how long all of it is (2), its kind (1), and its name up to a zero.
func entriesOf(dir *os.File, part []byte) (list []Entry) {
	const head = 19
	for len(part) > head {
		length := int(binary.NativeEndian.Uint16(part[16:]))
		if length <= head || length > len(part) {
			return list
		}
		entry := part[:length]
		part = part[length:]
		name, _, _ := bytes.Cut(entry[head:], []byte{0})
		e := Entry{Name: string(name), Type: kinds[entry[head-1]]}
		if e.Name == "." || e.Name == ".." {
			continue
		}
		if e.Type == Unknown {
			p := place{dir: dir, name: e.Name}
			st, err := p.stat()
			if err == unix.ENOENT {
				continue // it has gone meanwhile
			}
			e.Type = st.Type // unknown if it cannot be seen
		}
		list = append(list, e)
	}
	return list
}
